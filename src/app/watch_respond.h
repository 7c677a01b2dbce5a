/*
 * What `boltseal watch` does about what it finds: from a rule that fired to requests, decisions,
 * acts, and a finding for each of them.
 */
#ifndef APP_WATCH_RESPOND_H
#define APP_WATCH_RESPOND_H

#include "app/command.h"
#include "app/watch_session.h"

struct watch_respond;

/*
 * From the options --respond, --response and --respond-state; *out stays NULL when nobody asked and
 * no rule responds. Call it before threads begin.
 */
int watch_respond_new(struct watch_respond **out, const struct args *a, const struct rules *rules,
		      struct err *e);
/* Takes back what shall not stay. */
void watch_respond_free(struct watch_respond *r);

/* The rule fired for the event, which the session's engine evaluated last. */
void watch_respond_fired(struct watch_respond *r, struct watch_session *s, const struct event *ev,
			 size_t rule);

#endif
