#include "confine/process_filters.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

/* The number behind "Seccomp:" in /proc/TID/status (0 off, 1 strict, 2 filters), -1: not there. */
static int seccomp_mode(pid_t tid)
{
	char path[64], text[8192];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (io_read_small(path, text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, "\nSeccomp:");
	return at ? atoi(at + strlen("\nSeccomp:")) : -1;
}

static int seize_error(pid_t tid, int code, struct err *e)
{
	if (code == EPERM)
		return err_set(e, EACCES,
			       "pid %d: it may not be traced: something else does, or a right is "
			       "missing (root, or CAP_SYS_PTRACE and CAP_SYS_ADMIN)",
			       tid);
	return err_errno(e, code, "pid %d: cannot be traced", tid);
}

/* Waits until the stopped thread reports; *sig is what it must be given when it goes on. */
static int wait_stop(pid_t tid, int *sig, struct err *e)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int status;

	for (int i = 0; i < PROCESS_STOP_TIMEOUT; i++) {
		pid_t r = waitpid(tid, &status, __WALL | WNOHANG);

		if (r < 0)
			return err_errno(e, errno, "pid %d: waiting for it", tid);
		if (r == 0) {
			nanosleep(&ms, NULL);
			continue;
		}
		if (!WIFSTOPPED(status))
			return err_set(e, ESRCH, "pid %d: it ended meanwhile", tid);
		/* A stop of ptrace's own carries an event; else a signal was about to arrive. */
		*sig = status >> 16 ? 0 : WSTOPSIG(status);
		return 0;
	}
	return err_set(e, ETIMEDOUT, "pid %d: it does not stop (state D in ps(1)?)", tid);
}

static int read_error(pid_t tid, int code, struct err *e)
{
	switch (code) {
	case EACCES:
		return err_set(e, EACCES,
			       "pid %d: its filters may not be read: that needs CAP_SYS_ADMIN, and "
			       "a caller that is under no seccomp filter itself",
			       tid);
	case EMEDIUMTYPE:
		return err_set(e, EOPNOTSUPP, "pid %d: a filter that is no classic BPF", tid);
	case EIO:
	case EINVAL:
		return err_set(e, EOPNOTSUPP,
			       "pid %d: this kernel cannot read filters; it needs "
			       "CONFIG_CHECKPOINT_RESTORE",
			       tid);
	default:
		return err_errno(e, code, "pid %d: reading its filters", tid);
	}
}

/* Filter `index`; 1 when there is none. */
static int read_one(pid_t tid, size_t index, struct process_filter *f, struct err *e)
{
	long n = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)index, NULL);

	if (n < 0)
		return errno == ENOENT ? 1 : read_error(tid, errno, e);
	if (n == 0 || n > BPF_MAXINSNS)
		return err_set(e, EINVAL, "pid %d: a filter of %ld instructions", tid, n);
	f->insn = xcalloc((size_t)n, sizeof(*f->insn));
	f->n = (size_t)n;
	if (ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)index, f->insn) == n)
		return 0;
	return read_error(tid, errno, e);
}

static void reverse(struct process_filters *f)
{
	for (size_t i = 0; i < f->n / 2; i++) {
		struct process_filter t = f->filter[i];

		f->filter[i] = f->filter[f->n - 1 - i];
		f->filter[f->n - 1 - i] = t;
	}
}

static int read_all(pid_t tid, struct process_filters *out, struct err *e)
{
	cleanup_process_filters struct process_filters f = { 0 };
	int r = 0;

	f.filter = xcalloc(PROCESS_FILTERS_MAX, sizeof(*f.filter));
	while (r == 0) {
		struct process_filter one = { 0 };

		r = read_one(tid, f.n, &one, e);
		if (r == 0 && f.n == PROCESS_FILTERS_MAX)
			r = err_set(e, E2BIG, "pid %d: more than %d filters", tid,
				    PROCESS_FILTERS_MAX);
		if (r == 0)
			f.filter[f.n++] = one;
		else
			free(one.insn);
	}
	if (r < 0)
		return r;
	reverse(&f); /* the kernel counts from the oldest */
	*out = f;
	f = (struct process_filters){ 0 };
	return 0;
}

int process_filters_read(pid_t tid, struct process_filters *out, struct err *e)
{
	struct process_filters f = { 0 };
	int mode = seccomp_mode(tid), sig = 0, r;

	if (mode == 1)
		return err_set(e, EOPNOTSUPP, "pid %d: it is in seccomp's strict mode", tid);
	if (tid <= 0 || mode < 0)
		return err_set(e, ESRCH, "pid %d: there is no such thread", tid);
	*out = f;
	if (mode == 0)
		return 0;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		return seize_error(tid, errno, e);
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		r = err_errno(e, errno, "pid %d: cannot be stopped", tid);
	else
		r = wait_stop(tid, &sig, e);
	if (r == 0)
		r = read_all(tid, &f, e);
	ptrace(PTRACE_DETACH, tid, NULL, (void *)(intptr_t)sig);
	if (r == 0)
		*out = f;
	return r;
}

void process_filters_free(struct process_filters *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->filter[i].insn);
	free(f->filter);
	*f = (struct process_filters){ 0 };
}
