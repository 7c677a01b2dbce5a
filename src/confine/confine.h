/*
 * Runs one program under restrictions that it cannot lift: user, capabilities, no_new_privs,
 * Landlock, a seccomp filter. Either all of them hold when the program's first instruction runs, or
 * the program is not executed.
 *
 * How. The child is made with clone(CLONE_FILES): a filter's notification descriptor, which the
 * kernel makes in the child, is then the parent's as well, without a message that the filter could
 * stop; execve(2) gives the program a table of its own. The child says how far it came in a shared
 * page, which needs no system call either. So after the filter is loaded the child makes exactly
 * one call, execve, and when that fails it dies, with or without the help of exit_group. A parent
 * that finds a dead child reads from the page whether the program was ever executed.
 *
 * Order in the child: bounding set, groups, group, user, capability sets, no_new_privs, Landlock,
 * filter, execve. Without no_new_privs the last two need CAP_SYS_ADMIN, which stays permitted up to
 * the execve even when it is not in `caps`: what a program starts with follows from the bounding,
 * inheritable and ambient sets alone (capabilities(7), "Transformation of capabilities").
 */
#ifndef CONFINE_CONFINE_H
#define CONFINE_CONFINE_H

#include <linux/filter.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct notify;
struct confine_page;

enum { CONFINE_MAX_GROUPS = 1024 };

/* What to run and how. All pointers are borrowed and used only by confine_start. */
struct confine {
	const char *path; /* the file to execute; no search */
	char *const *argv;
	char *const *envp;

	const struct sock_filter *filter; /* NULL: none */
	size_t filter_n;
	uint32_t filter_flags; /* SECCOMP_FILTER_FLAG_* */
	bool listener; /* the filter returns SECCOMP_RET_USER_NOTIF; asks for its descriptor */

	int ruleset; /* Landlock ruleset (landlock.h), -1: none */
	bool no_new_privs;

	/*
	 * The program has exactly these capabilities: bounding, permitted and effective set for
	 * user 0, which gets them from the bounding set on execve; for other users the inheritable
	 * and ambient sets too. User 0 has the last two empty, as container runtimes do, so that
	 * files with inheritable capabilities give nothing away. SECBIT_NOROOT is not used: with
	 * the bounding set cut, user 0 regains nothing.
	 */
	bool set_caps;
	uint64_t caps; /* bit = capability number */

	bool set_user;
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary groups; replaces the present ones */
	size_t groups_n;
};

struct confine_child {
	pid_t pid;
	struct confine_page *page; /* shared with the child up to its execve */
	const char *path;	   /* borrowed from struct confine */
	bool ruleset;
	int listener;  /* notification descriptor, -1: none */
	int signals;   /* signalfd */
	sigset_t mask; /* of signals, before */
	struct sigaction chld;
};

/* How the program ended. */
struct confine_end {
	bool killed;
	int value;	 /* exit status, or the signal when killed */
	bool unattended; /* processes of the program remained when a signal ended the service */
};

/* Finds a command as execvp(3) does; *out is malloc'ed. -ENOENT, -EACCES. */
int confine_resolve(const char *name, const char *search_path, char **out, struct err *e);

/*
 * Starts the program. From here to confine_finish SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1,
 * SIGUSR2 and SIGCHLD are blocked in this thread. Only the first errors come from here; when a
 * restriction cannot be set up or the file not executed, confine_wait says so.
 */
int confine_start(const struct confine *c, struct confine_child *ch, struct err *e);

/*
 * Waits for the program's end, hands signals on to it (not those of the terminal, which it gets
 * itself) and, with `n`, answers notifications until no process is left under the filter. After the
 * program's end SIGINT or SIGTERM ends that early. An error: the program was not executed; it
 * names the step and the reason.
 */
int confine_wait(struct confine_child *ch, struct notify *n, struct confine_end *end,
		 struct err *e);

/* Releases everything and restores the signal mask; the program is not touched. */
void confine_finish(struct confine_child *ch);
#define cleanup_confine_child cleanup(confine_finish)

/* capabilities.c: what the child does with `caps`. */

/* Whether this process may set up what `c` asks for; the error names the capability it lacks. */
int capabilities_check(const struct confine *c, struct err *e);
/* In the child, async-signal-safe. 0 or a negative errno. Before and after the change of user. */
int capabilities_limit(const struct confine *c);
int capabilities_set(const struct confine *c);
/* This process's bounding set, as bits. */
uint64_t capabilities_bounding(void);

/* seccomp_load.c */

/*
 * Loads a filter into this thread; async-signal-safe. The notification descriptor when `flags` has
 * SECCOMP_FILTER_FLAG_NEW_LISTENER, else 0; or a negative errno. Wait-killable receiving is left
 * out on kernels before 5.19, which do not know it, or when there is no listener.
 */
int seccomp_load(const struct sock_filter *filter, size_t n, uint32_t flags);

/*
 * Turns an enforcing filter into one that notifies: each `return` of an action other than ALLOW and
 * LOG becomes SECCOMP_RET_USER_NOTIF, so that exactly the calls which the filter would deny are
 * notified. -EINVAL when the program returns a computed value.
 */
int seccomp_complain(struct sock_filter *filter, size_t n, struct err *e);

/* killed.c: which system call a filter killed a process for, from the kernel's log. */

/* A descriptor that stands at the end of the log, -1 when the log cannot be read. */
int killed_watch(void);
/* Looks for the audit record of `pid` (of the initial pid namespace) written since. */
bool killed_find(int fd, pid_t pid, uint32_t *audit_arch, uint32_t *nr);

#endif
