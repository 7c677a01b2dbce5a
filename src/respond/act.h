/*
 * Carrying out requests: the part that needs rights. respond_act() is the one way in; it looks its
 * request up in a table of what is permitted, checks again whom it is about, and acts.
 */
#ifndef RESPOND_ACT_H
#define RESPOND_ACT_H

#include "base/err.h"
#include "respond/exec_guard.h"
#include "respond/policy.h"
#include "respond/state.h"

struct respond;

struct respond_options {
	const char *state;    /* folder; NULL: RESPOND_STATE_DEFAULT */
	const char *evidence; /* folder; NULL: RESPOND_EVIDENCE */
	/*
	 * A process of its own takes back what shall not stay and is no descriptor of this process
	 * (a frozen group), when this process ends in whatever way.
	 */
	bool guard;
	const struct respond_policy *policy; /* what block-exec refuses; NULL: nothing else */
	/* Who decides about executions; NULL: this process, by the policy. */
	exec_decide_fn *decide;
	void *decider;
};

/*
 * Takes back first what an earlier process should not have left behind. Call it before threads
 * begin. The caller frees *out.
 */
int respond_new(struct respond **out, const struct respond_options *o, struct err *e);
/* Takes back what this process did without RESPOND_KEEP. */
void respond_free(struct respond *r);

/* From now on evidence goes to this folder. */
void respond_set_evidence(struct respond *r, const char *folder);

/* Never fails without saying so in *out. Not for several threads at once. */
void respond_act(struct respond *r, const struct respond_request *q, struct respond_result *out);

/* Whether nobody may act on this process, and what it is; NULL: one may. */
const char *respond_who(struct respond *r, pid_t pid);

/*
 * Takes the oldest execution that was refused and not taken yet; false: there is none. Where this
 * process decides.
 */
bool respond_refused(struct respond *r, struct exec_refusal *out);
/* Where another one does: the program that the last request forbids, taken over; -1: none. */
int respond_take_program(struct respond *r);

#endif
