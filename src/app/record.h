/* What the parts of `boltseal record` share. */
#ifndef APP_RECORD_H
#define APP_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/log.h"
#include "model/workload.h"

enum { RECORD_MAX_PIDS = 4096 };

struct recording {
	struct workload model;
	int source;
	int64_t deadline_ms; /* CLOCK_MONOTONIC; 0: none */
	bool interrupted;    /* SIGINT or SIGTERM ended it */
	bool own_terminal;   /* the command stays in our process group */
	int command_status;  /* wait status, -1 unknown */
	struct log_progress progress;
};

/* Whether the recording is to end now: a signal (noted in `interrupted`) or the deadline. */
bool record_over(struct recording *rec);
void record_incomplete(struct recording *rec, const char *reason);
/*
 * A recorder that has to wait for a processor for a second, while the workload opens ten thousands
 * of files, would lose some: takes a better priority where that is allowed. For the recorder alone,
 * so after the command was started.
 */
void record_prefer(void);

/* Each records until its target is gone, or record_over(). 0 or a negative errno. */
int record_command_bpf(struct recording *rec, char **argv, struct err *e);
int record_running_bpf(struct recording *rec, const pid_t *pids, size_t n, struct err *e);
int record_cgroup_bpf(struct recording *rec, const char *path, struct err *e);
/*
 * A container by name, id or image. Running: from now on, and what is executed in it later.
 * Otherwise (and `wait`) from its next start on. `runs`: how many starts.
 */
int record_container_bpf(struct recording *rec, const char *wanted, bool wait, uint64_t runs,
			 struct err *e);
/*
 * What `runtime` ("runc", "crun") itself calls between its filter and the execve: `runs` starts of
 * a program that only ends.
 */
int record_runtime_base(struct recording *rec, const char *runtime, bool no_new_privs,
			uint64_t runs, struct err *e);

/* Starts the command; a gate holds it before its execve until record_child_go(). */
struct record_child {
	pid_t pid;
	int gate;   /* closing it lets the child go on */
	int status; /* the child writes its errno here when execve fails */
};
int record_child_start(struct record_child *c, char **argv, bool own_terminal, struct err *e);
/* Lets it execute. -errno with a message when that failed. */
int record_child_go(struct record_child *c, const char *name, struct err *e);
/* Ends a child that was not let go. */
void record_child_abort(struct record_child *c);

#endif
