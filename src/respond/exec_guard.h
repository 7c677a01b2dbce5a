/*
 * Being asked before executions in containers: fanotify(7) asks before a file is opened for
 * execution (FAN_OPEN_EXEC_PERM, Linux 5.0). This part needs rights, and reads no file; who decides
 * is given (exec_judge.h). Ends with this process: then everything is permitted again.
 */
#ifndef RESPOND_EXEC_GUARD_H
#define RESPOND_EXEC_GUARD_H

#include "base/err.h"
#include "respond/cgroup.h"
#include "respond/exec_judge.h"

struct exec_guard;

/* Whether the execution is refused. Called in a thread; the descriptor stays the caller's. */
typedef bool exec_decide_fn(void *ctx, struct exec_asked *a, int fd);

/* The caller frees *out. */
void exec_guard_new(struct exec_guard **out, exec_decide_fn *decide, void *ctx);
/* Permits what waits, and all that comes. */
void exec_guard_free(struct exec_guard *g);

/*
 * From now on executions in the container are asked for. *program is q->exe, opened, as the process
 * executes it or as the container has it at that place; -1: there is none.
 */
void exec_guard_add(struct exec_guard *g, const struct respond_request *q,
		    const struct cgroup_place *p, int *program, struct respond_result *out);
void exec_guard_remove(struct exec_guard *g, const char *container);

#endif
