#include "confine/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "confine/landlock.h"
#include "confine/notify.h"

/* The steps of the child, in their order. */
enum confine_stage {
	STAGE_START,
	STAGE_BOUNDING,
	STAGE_GROUPS,
	STAGE_USER,
	STAGE_CAPS,
	STAGE_NO_NEW_PRIVS,
	STAGE_LANDLOCK,
	STAGE_FILTER,
	STAGE_EXEC,
	STAGE_COUNT
};

static const char *const stage_words[STAGE_COUNT] = {
	[STAGE_START] = "starting the child",
	[STAGE_BOUNDING] = "cutting the capability bounding set",
	[STAGE_GROUPS] = "setting the groups",
	[STAGE_USER] = "setting the user",
	[STAGE_CAPS] = "setting the capabilities",
	[STAGE_NO_NEW_PRIVS] = "setting no_new_privs",
	[STAGE_LANDLOCK] = "applying the Landlock ruleset",
	[STAGE_FILTER] = "loading the seccomp filter",
	[STAGE_EXEC] = "executing the program",
};

/* Shared with the child until its execve, or its death. */
struct confine_page {
	_Atomic int stage;
	_Atomic int error;    /* errno with which `stage` failed */
	_Atomic int listener; /* descriptor + 1, when there is one */
};

/* Signals that the parent hands on. */
static const int handed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

/*
 * What runs after the filter is loaded, in a sanitizer build too: before a function that does not
 * return the sanitizer's runtime makes system calls, and it waits forever when they are refused.
 */
#define UNINSTRUMENTED __attribute__((no_sanitize("address", "undefined")))

/* Ends the child without relying on any system call: the filter may refuse them all. */
UNINSTRUMENTED _Noreturn static void child_fail(struct confine_page *page, int error)
{
	atomic_store(&page->error, error);
	syscall(SYS_exit_group, 127);
	__builtin_trap();
}

static int child_user(const struct confine *c)
{
	if (!c->set_user)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	return syscall(SYS_setresuid, c->uid, c->uid, c->uid) < 0 ? -errno : 0;
}

static int child_groups(const struct confine *c)
{
	if (!c->set_user)
		return 0;
	if (syscall(SYS_setgroups, c->groups_n, c->groups) < 0)
		return -errno;
	return syscall(SYS_setresgid, c->gid, c->gid, c->gid) < 0 ? -errno : 0;
}

static int child_no_new_privs(const struct confine *c)
{
	if (c->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int child_landlock(const struct confine *c)
{
	return c->ruleset >= 0 ? landlock_restrict(c->ruleset) : 0;
}

static void child_step(struct confine_page *page, enum confine_stage stage,
		       int (*step)(const struct confine *), const struct confine *c)
{
	int r;

	atomic_store(&page->stage, stage);
	r = step(c);
	if (r < 0)
		child_fail(page, -r);
}

UNINSTRUMENTED _Noreturn static void child_main(const struct confine *c,
						const struct confine_child *ch)
{
	struct confine_page *page = ch->page;

	sigaction(SIGCHLD, &ch->chld, NULL);
	/* No handler (a sanitizer's) may stand between child_fail's trap and the end. */
	signal(SIGILL, SIG_DFL);
	signal(SIGTRAP, SIG_DFL);
	sigprocmask(SIG_SETMASK, &ch->mask, NULL);
	child_step(page, STAGE_BOUNDING, capabilities_limit, c);
	child_step(page, STAGE_GROUPS, child_groups, c);
	child_step(page, STAGE_USER, child_user, c);
	child_step(page, STAGE_CAPS, capabilities_set, c);
	child_step(page, STAGE_NO_NEW_PRIVS, child_no_new_privs, c);
	child_step(page, STAGE_LANDLOCK, child_landlock, c);
	if (c->filter) {
		uint32_t listen = c->listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
		int r;

		atomic_store(&page->stage, STAGE_FILTER);
		r = seccomp_load(c->filter, c->filter_n, c->filter_flags | listen);
		if (r < 0)
			child_fail(page, -r);
		if (c->listener)
			atomic_store(&page->listener, r + 1);
	}
	/* From here on every call but this execve may be refused. */
	atomic_store(&page->stage, STAGE_EXEC);
	syscall(SYS_execve, c->path, c->argv, c->envp);
	child_fail(page, errno);
}

static void take_signals(struct confine_child *ch)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++)
		sigaddset(&set, handed_on[i]);
	sigprocmask(SIG_BLOCK, &set, &ch->mask);
	/* Ignored, which may be inherited, it would make waitid(2) lose the exit status. */
	sigaction(SIGCHLD, &dfl, &ch->chld);
	ch->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void confine_finish(struct confine_child *ch)
{
	struct signalfd_siginfo si;

	if (!ch->page)
		return;
	sigaction(SIGCHLD, &ch->chld, NULL);
	/* Those that came too late to be handed on are not meant for this process. */
	while (ch->signals >= 0 && read(ch->signals, &si, sizeof(si)) == sizeof(si))
		;
	if (ch->signals >= 0)
		close(ch->signals);
	sigprocmask(SIG_SETMASK, &ch->mask, NULL);
	if (ch->listener >= 0)
		close(ch->listener);
	munmap(ch->page, sizeof(*ch->page));
	*ch = (struct confine_child){ .listener = -1, .signals = -1 };
}

static bool child_is_dead(pid_t pid)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid == pid;
}

/* Waits until the child has a listener, or never will have one. */
static void await_listener(struct confine_child *ch)
{
	const struct timespec pause = { .tv_nsec = 200 * 1000 };

	for (;;) {
		bool dead = child_is_dead(ch->pid);
		int got = atomic_load(&ch->page->listener);

		if (got)
			ch->listener = got - 1;
		if (got || dead)
			return;
		nanosleep(&pause, NULL);
	}
}

int confine_start(const struct confine *c, struct confine_child *ch, struct err *e)
{
	struct confine_page *page;
	long pid;
	int r;

	*ch = (struct confine_child){ .listener = -1, .signals = -1 };
	r = capabilities_check(c, e);
	if (r < 0)
		return r;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return err_errno(e, errno, "cannot map a page for the child");
	ch->page = page;
	ch->path = c->path;
	ch->ruleset = c->ruleset >= 0;
	take_signals(ch);
	if (ch->signals < 0) {
		r = err_errno(e, errno, "signalfd");
		confine_finish(ch);
		return r;
	}
	fflush(NULL);
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0) {
		r = err_errno(e, errno, "cannot start a child process");
		confine_finish(ch);
		return r;
	}
	if (pid == 0)
		child_main(c, ch);
	ch->pid = (pid_t)pid;
	if (c->listener)
		await_listener(ch);
	return 0;
}

static int exec_error(const struct confine_child *ch, int error, struct err *e)
{
	if (error == EACCES && ch->ruleset)
		return err_errno(e, error,
				 "%s: cannot execute (the file has to be executable, and the "
				 "model has to have it, and its interpreter, as executed files)",
				 ch->path);
	if (error == ENOEXEC)
		return err_errno(e, error, "%s: cannot execute (neither ELF nor a #! line?)",
				 ch->path);
	if (error == ENOENT && access(ch->path, F_OK) == 0)
		return err_errno(e, error, "%s: cannot execute (its interpreter is missing?)",
				 ch->path);
	return err_errno(e, error, "%s: cannot execute", ch->path);
}

static bool is_handed_on(int sig)
{
	for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++)
		if (handed_on[i] == sig)
			return true;
	return false;
}

/* What a dead child left in the page: 0 when its program was executed. */
static int child_verdict(const struct confine_child *ch, const struct confine_end *end,
			 struct err *e)
{
	int stage = atomic_load(&ch->page->stage);
	int error = atomic_load(&ch->page->error);

	if (error && stage == STAGE_EXEC)
		return exec_error(ch, error, e);
	if (error == EBUSY && stage == STAGE_FILTER)
		return err_errno(e, error,
				 "loading the seccomp filter: a filter that is already loaded has "
				 "a listener (a container runtime's?), and the kernel allows one");
	if (error)
		return err_errno(e, error, "%s", stage_words[stage]);
	/* A signal that was handed on may be faster than the child. */
	if (stage != STAGE_EXEC && !(end->killed && is_handed_on(end->value)))
		return err_set(e, ECHILD,
			       "%s: the child was killed by signal %d before it executed "
			       "the program",
			       stage_words[stage], end->value);
	return 0;
}

static bool child_reap(const struct confine_child *ch, struct confine_end *end)
{
	siginfo_t si = { 0 };

	if (waitid(P_PID, (id_t)ch->pid, &si, WEXITED | WNOHANG) < 0 || si.si_pid != ch->pid)
		return false;
	end->killed = si.si_code != CLD_EXITED;
	end->value = si.si_status;
	return true;
}

/* Handles what the signalfd has. True when a signal asks to stop serving after the program's end.
 */
static bool read_signals(const struct confine_child *ch, bool ended)
{
	struct signalfd_siginfo si;
	bool stop = false;

	while (read(ch->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			continue;
		if (ended)
			stop |= si.ssi_signo != SIGUSR1 && si.ssi_signo != SIGUSR2;
		else if (si.ssi_code != SI_KERNEL) /* the terminal signals the whole group */
			kill(ch->pid, (int)si.ssi_signo);
	}
	return stop;
}

int confine_wait(struct confine_child *ch, struct notify *n, struct confine_end *end, struct err *e)
{
	struct pollfd p[2] = { { .fd = ch->signals, .events = POLLIN },
			       { .fd = n ? ch->listener : -1, .events = POLLIN } };
	bool ended = false, serving = p[1].fd >= 0;

	*end = (struct confine_end){ 0 };
	for (;;) {
		bool had_ended = ended;

		ended = ended || child_reap(ch, end);
		if (ended && !had_ended) {
			int r = child_verdict(ch, end, e);

			if (r < 0)
				return r;
		}
		if (ended && !serving)
			return 0;
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return err_errno(e, errno, "poll");
		if ((p[0].revents & POLLIN) && read_signals(ch, ended)) {
			end->unattended = true;
			return 0;
		}
		if (p[1].revents & POLLIN) {
			int r = notify_answer(n, p[1].fd, e);

			if (r < 0)
				return r;
		} else if (p[1].revents) {
			serving = false;
			p[1].fd = -1;
		}
	}
}

static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

int confine_resolve(const char *name, const char *search_path, char **out, struct err *e)
{
	const char *found_other = NULL;
	cleanup_free char *other = NULL;

	if (strchr(name, '/')) {
		int r = executable(name);

		if (r < 0)
			return err_errno(e, -r, "%s: cannot execute", name);
		*out = xstrdup(name);
		return 0;
	}
	for (const char *at = search_path; *name && at; at = *at ? at + 1 : NULL) {
		size_t len = strcspn(at, ":");
		cleanup_free char *path = xasprintf("%.*s%s%s", (int)len, at, len ? "/" : "", name);

		at += len;
		switch (executable(path)) {
		case 0:
			*out = take_ptr(path);
			return 0;
		case -EACCES:
			if (!other)
				found_other = other = take_ptr(path);
			break;
		}
	}
	if (found_other)
		return err_errno(e, EACCES, "%s: cannot execute", found_other);
	return err_set(e, ENOENT, "%s: command not found in PATH", name);
}
