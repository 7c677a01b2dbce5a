/*
 * The eBPF recorder: follows process trees and keeps, inside the kernel, the sets of what they did.
 *
 * A followed workload is a "slot". With `watch_runtimes` every execution of a container runtime
 * opens a candidate slot, so that nothing of a start is missed while the caller finds out (from the
 * runtime's arguments or from the engine) whether it is the wanted container; the caller then keeps
 * or drops it.
 */
#ifndef SENSOR_RECORD_BPF_H
#define SENSOR_RECORD_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "model/workload.h"

struct record_bpf;

struct record_bpf_options {
	bool watch_runtimes;
	/* Inode of a cgroup directory: processes that enter it, or a group below it, are followed.
	 */
	uint64_t cgroup_id;
};

enum record_bpf_event_kind {
	RECORD_RUNTIME, /* a container runtime was executed; `argv` is its command line */
	RECORD_STARTED, /* the first program of the slot was executed by process `pid` */
	RECORD_GONE,	/* the last thread of the slot ended */
};

struct record_bpf_event {
	enum record_bpf_event_kind kind;
	unsigned slot;
	pid_t pid;
	bool started;	  /* the slot has executed a program, not just a runtime */
	const char *argv; /* NUL-separated words, borrowed until the handler returns */
	size_t argv_len;
};

typedef void record_bpf_handler(const struct record_bpf_event *ev, void *arg);

/*
 * Loads and attaches the programs. -EPERM or -EACCES: no right to use BPF; -EOPNOTSUPP: the kernel
 * lacks what they need; the message says what.
 */
int record_bpf_new(struct record_bpf **out, const struct record_bpf_options *o, struct err *e);
void record_bpf_free(struct record_bpf *r);

/*
 * Follows a child of the caller that has not yet executed its program: what it does before that
 * execve is not recorded, the program and everything it starts is.
 */
int record_bpf_follow_child(struct record_bpf *r, pid_t pid, unsigned *slot, struct err *e);
/*
 * Follows running processes with all their threads and what they start from now on. Processes that
 * have ended meanwhile are passed over; none left: -ESRCH.
 */
int record_bpf_follow_running(struct record_bpf *r, const pid_t *pids, size_t n, unsigned *slot,
			      struct err *e);

/* A slot for the processes that enter the cgroup of the options. */
int record_bpf_follow_cgroup(struct record_bpf *r, unsigned *slot, struct err *e);
/* Adds the present threads of a running process to a slot. */
void record_bpf_add_running(struct record_bpf *r, unsigned slot, pid_t pid);

/* Binds a slot to the model and the source in it that gets what the slot did. */
void record_bpf_keep(struct record_bpf *r, unsigned slot, struct workload *w, int source);
/* Forgets the slot and everything it did. */
void record_bpf_drop(struct record_bpf *r, unsigned slot);
/* Threads of the slot that are alive. */
unsigned record_bpf_live(const struct record_bpf *r, unsigned slot);

/* Hands pending events to the handler, waits at most timeout_ms for one, does the housekeeping. */
int record_bpf_poll(struct record_bpf *r, int timeout_ms, record_bpf_handler *handler, void *arg,
		    struct err *e);

/* Moves everything recorded of the kept slots into their models, with the losses. Once, at the end.
 */
int record_bpf_collect(struct record_bpf *r, struct err *e);

#endif
