/* What carries out requests shares. Private to src/respond. */
#ifndef RESPOND_ACT_PRIVATE_H
#define RESPOND_ACT_PRIVATE_H

#include "respond/act.h"
#include "respond/cgroup.h"
#include "respond/deny.h"
#include "respond/exec_guard.h"
#include "respond/network.h"
#include "respond/protect.h"

/* Something that is on and goes with this process. */
struct respond_held {
	char container[RESPOND_ID_MAX];
	char cgroup[RESPOND_CGROUP_MAX];
	struct network_block *network;
};

struct respond {
	char *state, *evidence;
	struct respond_protect *protect;
	struct respond_held *held;
	size_t held_n, held_cap;
	struct exec_guard *execs;
	struct exec_judge *judge; /* NULL: another process decides about executions */
	int program;		  /* of the last block-exec, for that one; -1: none */
	struct deny *denials;
	pid_t guard;
	int guard_pipe; /* its end tells the guard that this process is gone */
};

/* quarantine.c: copies what can tell what happened into a new folder, named in *out. */
void quarantine_collect(struct respond *r, const struct respond_request *q,
			const struct cgroup_place *p, struct respond_result *out);

/* guard.c */
int guard_start(struct respond *r, struct err *e);
void guard_end(struct respond *r);
/* Takes back what `agent` (0: any that does not run any more) left without RESPOND_KEEP. */
void guard_lift(struct respond *r, pid_t agent);

#endif
