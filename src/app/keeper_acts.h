/*
 * Responses in the process that is root: what the other one asks for is decided here once more, by
 * a policy that it could hand over once, before it had seen anything of a container.
 *
 * Of what it sends later, nothing is taken on trust that this process can find out: flags follow
 * from the policy, a control group has to be the one of the container's id, a process has to be in
 * it, and what is told of a container (its name …) holds as it was told first.
 */
#ifndef APP_KEEPER_ACTS_H
#define APP_KEEPER_ACTS_H

#include "app/keeper_wire.h"
#include "respond/act.h"

struct keeper_acts;
struct watch_kills;

/*
 * As respond_new(); the caller frees *out. `execs`: who is asked about executions; stays the
 * caller's.
 */
struct keeper_execs;
int keeper_acts_new(struct keeper_acts **out, const struct respond_options *o,
		    struct keeper_execs *execs, struct err *e);
void keeper_acts_free(struct keeper_acts *a);

/* Once, and before anything else; -EPERM later. Without it the policy's defaults hold. */
int keeper_acts_policy(struct keeper_acts *a, const void *bytes, size_t len, struct err *e);
/* *program: what the other process is to forbid, taken over by the caller; -1: nothing. */
void keeper_acts_respond(struct keeper_acts *a, const struct keeper_act *act, int *program,
			 struct respond_result *out);

/*
 * Killing in the kernel: the programs of a slot began, or (NULL) are about to end; rows of them may
 * act in a container; for events of which time; and from time to time, how often.
 */
void keeper_acts_programs(struct keeper_acts *a, unsigned slot, struct watch_kills *kills);
int keeper_acts_arm(struct keeper_acts *a, const struct keeper_arm *arm);
int keeper_acts_between(struct keeper_acts *a, unsigned slot, const struct keeper_time *t);
void keeper_acts_refresh(struct keeper_acts *a);

#endif
