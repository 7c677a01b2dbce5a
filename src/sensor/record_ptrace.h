/*
 * The recorder for places where eBPF may not be used: ptrace(2). It needs no privilege beyond that
 * over the traced processes, and slows every system call down.
 *
 * Two ways to see the calls:
 *
 * - Plain (`keep` NULL): PTRACE_SYSCALL, two stops for each call. The tracer can go away at any
 *time, also by SIGKILL, and the processes run on untouched. Attaching always works this way.
 * - Filter (`keep` not NULL, own command only): the command gets a seccomp filter that answers
 *   SECCOMP_RET_TRACE to every call; one stop for each, two only where the result matters. The
 *   filter cannot be taken away again, and without a tracer it fails every call with ENOSYS. So
 *when `stop` ends the recording before the processes end, this process has to go on letting their
 *   calls pass: record_ptrace_serve(). If it dies the kernel kills them (PTRACE_O_EXITKILL) rather
 *   than leaving them unable to do anything. Where the kernel refuses the filter the plain way is
 *   used. Calls that the command's own filters answer with an error or a signal do not stop.
 *
 * The front functions make that invisible to a shell: a front process waits for the result while
 * the tracer is its child; the front exits when the recording is written, the tracer stays.
 *
 *	struct record_ptrace_front f;
 *	if (record_ptrace_split(&f, e) == 1)
 *		return record_ptrace_front_wait(&f);      (the front: the exit status)
 *	record_ptrace(w, src, &o, &status, e);            (o.keep = &keep)
 *	… write the model …
 *	record_ptrace_release(&f, exit_status);
 *	if (keep)
 *		record_ptrace_serve(keep);
 *
 * CLONE_UNTRACED is taken off the calls that have it, or the new task could escape the recording
 *and would be left with a filter and no tracer.
 *
 * Known limits: a traced process cannot be traced by another debugger. Without CAP_SYS_PTRACE
 * set-user-ID programs run without their privilege, and without CAP_SYS_ADMIN the filter brings
 * no_new_privs. Attaching and detaching interrupts waiting calls; most are restarted by the kernel,
 * a few (epoll_wait, semop … see signal(7)) return EINTR to the program as after SIGSTOP/SIGCONT.
 */
#ifndef SENSOR_RECORD_PTRACE_H
#define SENSOR_RECORD_PTRACE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "model/workload.h"

struct record_ptrace_keep;

struct record_ptrace_options {
	char *const *argv; /* command to start (PATH is searched), or NULL */
	const pid_t *pids; /* processes to attach to, with all their threads and descendants */
	size_t pids_n;
	/* Set by the caller's signal handler (SIGINT, SIGTERM): ends the recording within 1/4 s. */
	volatile sig_atomic_t *stop; /* NULL: never */
	bool own_session; /* the command gets a process group of its own: Ctrl-C does not reach it
			   */
	/*
	 * NULL: the plain way. Otherwise the filter way; *keep is NULL when nothing is left to be
	 * served, or what record_ptrace_serve() takes. See above.
	 */
	struct record_ptrace_keep **keep;
};

/*
 * Records until every traced process is gone or *stop is set; fills `w` with source index `source`
 * and marks losses, and incompleteness, on that source. *status gets the wait status of the started
 * command, -1 while it runs on or when there is none. Uses waitpid() for every child of the caller
 * and a POSIX timer with SIGRTMAX, and must be called by a process with one thread.
 * Errors: the command cannot be executed, a process of `pids` cannot be traced, the kernel is too
 * old (before 5.3); nothing is recorded then.
 */
int record_ptrace(struct workload *w, int source, const struct record_ptrace_options *o,
		  int *status, struct err *e);

/* Lets the calls of all remaining processes pass until the last one is gone. Frees `k`. */
void record_ptrace_serve(struct record_ptrace_keep *k);

struct record_ptrace_front {
	pid_t tracer;
	int fd; /* the front reads the exit status from it, the tracer writes it */
};

/*
 * Forks. 1 in the front process (the old one), 0 in the tracer, or a negative errno. From then on
 * the front hands SIGINT and SIGTERM on to the tracer, also those that came during the fork.
 */
int record_ptrace_split(struct record_ptrace_front *f, struct err *e);
/*
 * In the front: hands SIGINT and SIGTERM that were sent to it alone on to the tracer, and returns
 * the status of record_ptrace_release(); 128 + signal or the exit status of a tracer that ended
 * without it.
 */
int record_ptrace_front_wait(struct record_ptrace_front *f);
/* In the tracer: lets the front go; standard input, output and error are /dev/null from here on. */
void record_ptrace_release(struct record_ptrace_front *f, int exit_status);

#endif
