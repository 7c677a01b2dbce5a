/*
 * Refusing executions in containers: fanotify(7) asks before a file is opened for execution
 * (FAN_OPEN_EXEC_PERM, Linux 5.0). Refused is what has a forbidden SHA-256, what the workload's
 * model does not have, and what a YARA rule matches. Ends with this process: then everything is
 * permitted again.
 */
#ifndef RESPOND_EXEC_GUARD_H
#define RESPOND_EXEC_GUARD_H

#include "base/err.h"
#include "respond/cgroup.h"
#include "respond/policy.h"

struct exec_guard;

struct exec_refusal {
	char container[RESPOND_ID_MAX];
	uint32_t pid;
	char path[RESPOND_PATH_MAX]; /* as the container sees it */
	char reason[256];
};

/* Loads what the policy names; `p` may be NULL and has to stay. The caller frees *out. */
int exec_guard_new(struct exec_guard **out, const struct respond_policy *p, struct err *e);
/* Permits what waits, and all that comes. */
void exec_guard_free(struct exec_guard *g);

/*
 * From now on executions in the container are looked at; q->image says which models are its. The
 * program q->exe, when there is one, is forbidden by its bytes. Again: adds to what is forbidden.
 */
void exec_guard_add(struct exec_guard *g, const struct respond_request *q,
		    const struct cgroup_place *p, struct respond_result *out);
void exec_guard_remove(struct exec_guard *g, const char *container);

/* Takes the oldest refusal that nobody took yet; false: there is none. */
bool exec_guard_take(struct exec_guard *g, struct exec_refusal *out);

#endif
