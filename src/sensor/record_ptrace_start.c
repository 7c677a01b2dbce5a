/* How tasks come under the tracer: a command that it starts, processes that run already. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "sensor/record_ptrace_private.h"

enum { MAX_PASSES = 64, MAX_PROCESSES = 65536 };

extern char **environ;

/* Every call of every ABI stops at the tracer. */
static void install_filter(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	struct sock_fprog prog = { .len = 1, .filter = &all };

	if (!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) || errno != EACCES)
		return;
	/* Without CAP_SYS_ADMIN the kernel wants this first: seccomp(2). */
	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

struct start {
	const char *path;
	char *const *argv;
	bool own_group, filter;
	int go[2];     /* the child waits here until it is traced */
	int failed[2]; /* the child says here with which errno execve failed */
};

static _Noreturn void child(const struct start *s)
{
	char c;
	int err;

	if (s->own_group)
		setpgid(0, 0);
	close(s->go[1]);
	if (TEMP_FAILURE_RETRY(read(s->go[0], &c, 1)) != 1)
		_exit(127);
	if (s->filter)
		install_filter();
	execve(s->path, s->argv, environ);
	err = errno;
	(void)io_write_all(s->failed[1], &err, sizeof(err));
	_exit(127);
}

/* As execvp(3) searches, but in one place and before anything is traced. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	struct stat st;

	if (strchr(name, '/'))
		return xstrdup(name);
	for (const char *at = path ? path : "/bin:/usr/bin";; at++) {
		size_t n = strcspn(at, ":");
		char *full = n ? xasprintf("%.*s/%s", (int)n, at, name) : xasprintf("./%s", name);

		if (!access(full, X_OK) && !stat(full, &st) && S_ISREG(st.st_mode))
			return full;
		free(full);
		at += n;
		if (!*at)
			return NULL;
	}
}

/* The script that the command may be: only its first execve is not seen with its path. */
static void note_path(struct pt_task *t, const char *path)
{
	struct task_path real;

	if (!task_path_resolve(t->tid, AT_FDCWD, path, true, &real))
		t->pend.path[0] = xstrdup(real.path);
}

static int seize_child(struct pt_recorder *r, struct start *s, pid_t pid, struct err *e)
{
	long options = PT_OPTIONS;
	struct pt_task *t;
	int err;

	if (s->filter)
		options |= PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
	if (ptrace(PTRACE_SEIZE, pid, 0, options)) {
		err = errno;
		kill(pid, SIGKILL);
		TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
		return err_errno(e, err, "%s: cannot be traced (ptrace)", s->argv[0]);
	}
	t = pt_task_new(r, pid);
	t->quiet = true;
	note_path(t, s->path);
	r->command = pid;
	r->starting = true;
	if (TEMP_FAILURE_RETRY(write(s->go[1], "", 1)) != 1)
		return err_errno(e, errno, "%s: cannot be started", s->argv[0]);
	return 0;
}

int pt_start(struct pt_recorder *r, char *const *argv, bool own_group, bool filter, struct err *e)
{
	cleanup_free char *path = find_program(argv[0]);
	struct start s = { .path = path, .argv = argv, .own_group = own_group, .filter = filter };
	pid_t pid;
	int err;

	if (!path)
		return err_set(e, ENOENT, "%s: no such program in PATH", argv[0]);
	if (pipe2(s.go, O_CLOEXEC))
		return err_errno(e, errno, "cannot make a pipe");
	if (pipe2(s.failed, O_CLOEXEC)) {
		err = err_errno(e, errno, "cannot make a pipe");
		close(s.go[0]);
		close(s.go[1]);
		return err;
	}
	pid = fork();
	if (!pid)
		child(&s);
	err = pid < 0 ? err_errno(e, errno, "cannot fork") : seize_child(r, &s, pid, e);
	close(s.go[0]);
	close(s.go[1]);
	close(s.failed[1]);
	r->failed_fd = s.failed[0];
	return err;
}

int pt_start_failed(struct pt_recorder *r)
{
	int err = 0;

	if (r->failed_fd < 0)
		return 0;
	if (read(r->failed_fd, &err, sizeof(err)) != sizeof(err))
		err = 0;
	close(r->failed_fd);
	r->failed_fd = -1;
	return err;
}

static void set_first_argument(pid_t tid, enum sc_abi abi, uint64_t v)
{
#if defined(__x86_64__)
	size_t at = abi == SC_I386 ? offsetof(struct user, regs.rbx)
				   : offsetof(struct user, regs.rdi);

	ptrace(PTRACE_POKEUSER, tid, at, v);
#else
	struct user_regs_struct regs;
	struct iovec io = { &regs, sizeof(regs) };

	(void)abi;
	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &io))
		return;
	regs.regs[0] = v;
	ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &io);
#endif
}

void pt_keep_traced(const struct pt_recorder *r, pid_t tid, enum sc_abi abi, uint64_t nr,
		    const uint64_t *args)
{
	uint64_t flags = args[0];

	if ((int)nr == r->clone_nr[abi]) {
		if (flags & CLONE_UNTRACED)
			set_first_argument(tid, abi, flags & ~(uint64_t)CLONE_UNTRACED);
	} else if ((int)nr == r->clone3_nr[abi]) {
		/* The first member of struct clone_args; a long has 64 bits here. */
		if (!task_read(tid, args[0], &flags, sizeof(flags)) && (flags & CLONE_UNTRACED))
			ptrace(PTRACE_POKEDATA, tid, args[0], flags & ~(uint64_t)CLONE_UNTRACED);
	}
}

/* TracerPid of /proc/TID/status: our own, so it came with its parent; or it is a zombie. */
static bool needs_no_seize(pid_t tid)
{
	char name[64], text[4096];
	const char *at;

	snprintf(name, sizeof(name), "/proc/%d/status", tid);
	if (io_read_small(name, text, sizeof(text)))
		return true; /* gone */
	at = strstr(text, "\nTracerPid:");
	if (at && atoi(at + 11) == getpid())
		return true;
	at = strstr(text, "\nState:\t");
	return at && (at[8] == 'Z' || at[8] == 'X');
}

/* 1: newly traced; 0: nothing to do; negative errno: not allowed. */
static int seize(struct pt_recorder *r, pid_t tid)
{
	if (pt_task_find(r, tid))
		return 0;
	if (ptrace(PTRACE_SEIZE, tid, 0, PT_OPTIONS)) {
		int err = errno;

		return err == ESRCH || needs_no_seize(tid) ? 0 : -err;
	}
	pt_task_new(r, tid)->program = pt_program(r, tid);
	ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	return 1;
}

struct processes {
	pid_t *v;
	size_t n, cap;
};

static void add_process(struct processes *p, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i] == pid)
			return;
	if (p->n < MAX_PROCESSES)
		*vec_push(p->v, p->n, p->cap) = pid;
}

/* The children that thread `tid` made; needs CONFIG_PROC_CHILDREN, which every distribution sets.
 */
static void add_children(struct processes *p, pid_t pid, pid_t tid)
{
	char name[96];
	cleanup_fclose FILE *f = NULL;
	int one;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", pid, tid);
	f = fopen(name, "re");
	while (f && fscanf(f, "%d", &one) == 1)
		add_process(p, one);
}

/* One look at the threads of a process: how many are new, or a negative errno. */
static int seize_threads(struct pt_recorder *r, struct processes *p, pid_t pid)
{
	char name[64];
	cleanup_closedir DIR *d = NULL;
	struct dirent *ent;
	int fresh = 0, err = 0;

	snprintf(name, sizeof(name), "/proc/%d/task", pid);
	d = opendir(name);
	while (d && (ent = readdir(d))) {
		pid_t tid = atoi(ent->d_name);
		int got;

		if (tid <= 0)
			continue;
		got = seize(r, tid);
		if (got > 0)
			fresh++;
		else if (got < 0)
			err = got;
		add_children(p, pid, tid);
	}
	return err ? err : fresh;
}

/* Threads and children appear while one looks: again until nothing is new. */
static int seize_all(struct pt_recorder *r, struct processes *p, size_t asked, struct err *e)
{
	for (unsigned pass = 0; pass < MAX_PASSES; pass++) {
		size_t before = p->n;
		int fresh = 0;

		for (size_t i = 0; i < p->n; i++) {
			int got = seize_threads(r, p, p->v[i]);

			if (got < 0 && i < asked)
				return err_errno(e, -got, "process %d: cannot be traced", p->v[i]);
			if (got < 0 && !pass)
				pt_lost(r, "processes");
			fresh += got > 0 ? got : 0;
		}
		if (!fresh && p->n == before)
			return 0;
	}
	pt_lost(r, "processes");
	return 0;
}

int pt_attach(struct pt_recorder *r, const pid_t *pids, size_t n, struct err *e)
{
	struct processes p = { 0 };
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		if (pids[i] <= 0 || kill(pids[i], 0)) {
			err = err_set(e, ESRCH, "process %d: there is none", pids[i]);
			break;
		}
		add_process(&p, pids[i]);
	}
	if (!err && n)
		err = seize_all(r, &p, p.n, e);
	for (size_t i = 0; !err && i < p.n && !r->listening; i++)
		r->listening = pt_net_listens(p.v[i]);
	free(p.v);
	if (!err && n) {
		struct wl_source *s = &r->w->sources[r->source];

		s->complete = false;
		s->incomplete_reason =
			wl_string(r->w, "attached to running processes: their start was not seen");
	}
	return err;
}
