/*
 * What `boltseal watch` does about what it finds: from a rule that fired to requests, decisions,
 * acts, and a finding for each of them.
 */
#ifndef APP_WATCH_RESPOND_H
#define APP_WATCH_RESPOND_H

#include "app/command.h"
#include "app/watch_session.h"
#include "bpf/watch.h"

struct watch_kills;
struct watch_respond;

/*
 * From the options --respond, --response and --respond-state; *out stays NULL when nobody asked and
 * no rule responds. Call it before threads begin. `keeper`: who acts; NULL: this process.
 */
struct keeper;
int watch_respond_new(struct watch_respond **out, const struct args *a, const struct rules *rules,
		      struct keeper *keeper, struct err *e);
/* Takes back what shall not stay. */
void watch_respond_free(struct watch_respond *r);

/* Rules that the kernel itself acts on: which one a row of the sensor is. */
struct respond_rows {
	struct watch_kills *kills; /* of the sensor; NULL: it is the first process's */
	unsigned slot;		   /* there */
	unsigned rule[WATCH_KILLS];
	unsigned n; /* 0: none of the rules */
};
/* Hands over the rules that the kernel itself can act on. Before the sensor starts. */
void watch_respond_prepare(const struct watch_respond *r, const struct rules *rules,
			   struct watch_kills *kills, struct respond_rows *out);
/* From now on these hold, of a sensor that has started; in the containers that are known, too. */
void watch_respond_use(struct watch_respond *r, const struct rules *rules,
		       const struct respond_rows *rows);
/*
 * Before that, when the sensor takes the place of another one: both are there, and for events of up
 * to a time the kernel kills by the old one, then by these. Returns the time, which is to come (in
 * ns of CLOCK_BOOTTIME); 0: the kernel kills by neither.
 */
uint64_t watch_respond_follow(struct watch_respond *r, const struct rules *rules,
			      const struct respond_rows *rows);
/* A record came that the session's enrichment has taken in; before it is judged, and after. */
void watch_respond_begin(struct watch_respond *r, struct watch_session *s,
			 const struct watch_rec *rec);
void watch_respond_end(struct watch_respond *r, struct watch_session *s, const struct event *ev);

/* From time to time: limits, and what was refused meanwhile. */
void watch_respond_tick(struct watch_respond *r, struct watch_session *s);

/* The rule fired for the event, which the session's engine evaluated last. */
void watch_respond_fired(struct watch_respond *r, struct watch_session *s, const struct event *ev,
			 size_t rule);

#endif
