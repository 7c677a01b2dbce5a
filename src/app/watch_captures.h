/*
 * Captures that rules ask for (capture: true): when one fires, what was just seen and what comes
 * for a time goes to a file of its own, in the form that --replay reads. A rule that fires
 * meanwhile prolongs it. Names, number and size of the files are bounded.
 */
#ifndef APP_WATCH_CAPTURES_H
#define APP_WATCH_CAPTURES_H

#include "app/args.h"
#include "app/watch_session.h"

struct watch_captures;

/* From --captures and its like; *out stays NULL when nobody asks for it. */
int watch_captures_new(struct watch_captures **out, const struct args *a, struct err *e);
void watch_captures_free(struct watch_captures *c);

/*
 * The rule fired for the event in hand: the file in which that is, NULL when there is none. Valid
 * until the next record.
 */
const char *watch_captures_fired(struct watch_session *s, size_t rule, uint64_t time);
/* Behind all that was done about the record. */
void watch_captures_record(struct watch_session *s, const struct watch_rec *rec);
/* A fact that was learned (enrich/outside.h). */
void watch_captures_fact(struct watch_session *s, const char *json);
/* Whether one is being written. */
bool watch_captures_writes(const struct watch_session *s);
/* The clock was set. */
void watch_captures_clock(struct watch_session *s);
/* Each second. */
void watch_captures_tick(struct watch_session *s);
void watch_captures_end(struct watch_session *s);

#endif
