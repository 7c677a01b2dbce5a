/*
 * Whether a response is carried out. Nothing here acts: from the policy, the subject and what was
 * decided before follows what is to happen, so that a table of cases can test all of it.
 */
#ifndef RESPOND_DECIDE_H
#define RESPOND_DECIDE_H

#include "respond/policy.h"

struct respond_decider;

/* Borrows the policy. */
struct respond_decider *respond_decider_new(const struct respond_policy *p);
void respond_decider_free(struct respond_decider *d);

/*
 * What is to happen with this request of which the subject tells who it is about: RESPOND_DONE (do
 * it), RESPOND_DRY, RESPOND_REFUSED or RESPOND_ALREADY, with the reason. `is_protected`: what the
 * process is that nobody may act on, or NULL. `now`: ns of a clock that only goes forward.
 *
 * Order: what is protected, then the host, then the allow-list, then what is on already, then the
 * limits, then the mode. Only what passes the limits counts for them, in a dry run too.
 */
void respond_decide(struct respond_decider *d, const struct respond_request *q,
		    const struct respond_subject *s, const char *is_protected, uint64_t now,
		    struct respond_result *out);
/* The same without counting, and only up to the allow-list: whether the subject may be acted on. */
bool respond_may(const struct respond_decider *d, const struct respond_request *q,
		 const struct respond_subject *s, const char *is_protected,
		 struct respond_result *out);

/* An action about a container that is on, or no longer. */
void respond_decider_set(struct respond_decider *d, const char *container, enum respond_action a,
			 bool on);
/* How many more actions the limits leave for the container; 0: none. */
unsigned respond_decider_left(struct respond_decider *d, const char *container, uint64_t now);
/* Counts actions that were done elsewhere (by the kernel). */
void respond_decider_count(struct respond_decider *d, const char *container, uint64_t now,
			   unsigned n);

#endif
