/*
 * Executions with `boltseal watch --user`: the process that is root is asked by the kernel and
 * reads no file; it hands each one over, with the open file, to the other process, which decides.
 */
#ifndef APP_KEEPER_EXECS_H
#define APP_KEEPER_EXECS_H

#include "respond/exec_guard.h"

struct keeper_execs;

/*
 * In the process that is root. `sock`: its end of a pair of SOCK_SEQPACKET; stays the caller's.
 * keeper_execs_ask is an exec_decide_fn: it waits for EXEC_WAIT_NS, then goes by what was set as
 * late, and goes on doing so until the other process has caught up. When that one is gone, all is
 * permitted, as it is when this one is.
 */
struct keeper_execs *keeper_execs_new(int sock);
void keeper_execs_free(struct keeper_execs *x);
void keeper_execs_late(struct keeper_execs *x, bool refuse);
bool keeper_execs_ask(void *execs, struct exec_asked *a, int fd);
/* Nobody is asked any more. */
void keeper_execs_end(struct keeper_execs *x);

/* In the other one: a thread that answers by `judge` until _stop; 0 or a negative errno. */
struct keeper_answers;
int keeper_answers_start(struct keeper_answers **out, int sock, struct exec_judge *judge);
void keeper_answers_stop(struct keeper_answers *x);

#endif
