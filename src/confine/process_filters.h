/* The seccomp filters that a running thread has, read from the kernel. */
#ifndef CONFINE_PROCESS_FILTERS_H
#define CONFINE_PROCESS_FILTERS_H

#include <linux/filter.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	PROCESS_FILTERS_MAX = 64,    /* of one thread */
	PROCESS_STOP_TIMEOUT = 5000, /* ms that the thread may take to stop */
};

struct process_filter {
	struct sock_filter *insn; /* malloc'ed */
	size_t n;
};

struct process_filters {
	struct process_filter *filter; /* the newest first; malloc'ed */
	size_t n;		       /* 0: the thread has none, or seccomp is off */
};

/*
 * Reads them with PTRACE_SECCOMP_GET_FILTER (ptrace(2); needs CONFIG_CHECKPOINT_RESTORE,
 * CAP_SYS_ADMIN and a caller that is under no filter itself). The thread is stopped for that, for
 * well under a millisecond, and runs on afterwards, whatever state it was in; a signal that comes
 * in between is delivered. -ESRCH: there is no such thread, or it ended. -EBUSY: something else
 * traces it. -ETIMEDOUT: it does not stop. -EACCES: a right is missing. -EOPNOTSUPP: the kernel
 * cannot, or the thread is in seccomp's strict mode.
 */
int process_filters_read(pid_t tid, struct process_filters *out, struct err *e);
void process_filters_free(struct process_filters *f);
#define cleanup_process_filters cleanup(process_filters_free)

#endif
