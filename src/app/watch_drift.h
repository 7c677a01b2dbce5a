/*
 * Drift: containers whose workload has a model are compared with it, others are learned for a
 * while. Wires the sensor's answers about mount namespaces, the models, and findings together.
 */
#ifndef APP_WATCH_DRIFT_H
#define APP_WATCH_DRIFT_H

#include "app/command.h"
#include "app/watch_session.h"

struct watch_drift;

/* From the options --model, --learn and --learned; *out NULL without the first two. */
int watch_drift_new(struct watch_drift **out, const struct args *a, struct err *e);
/* Saves what is being learned; before the enrichment goes. */
void watch_drift_free(struct watch_drift *d);
/* Asks a sensor for what models need; after the rules did, before it starts. */
int watch_drift_want(struct watch *w, struct err *e);
/* The models of the options, as they are now; the caller frees them. *out NULL without --model. */
struct baseline;
int watch_drift_load(struct baseline **out, const struct args *a, struct err *e);
/* From now on these are the models, which it takes over; before watch_drift_use(). */
void watch_drift_models(struct watch_drift *d, struct baseline *models);
/* From now on it is this sensor, which has started, and knows what the one before it knew. */
void watch_drift_use(struct watch_drift *d, struct watch *w);
/* Takes a record that the enrichment has taken; `ev` is its event or NULL. */
void watch_drift_record(struct watch_session *s, const struct watch_rec *rec,
			const struct event *ev);
/* Once in a while: learning ends. */
void watch_drift_tick(struct watch_session *s);
/* "4 models", "no model, learning for 10 minutes" */
void watch_drift_describe(const struct watch_drift *d, struct buf *out);

/* watch_drift_finding.c: prints and delivers one, when it repeats none of its window. */
struct drift;
struct finding_dedup;
struct observation;
void watch_drift_found(struct watch_session *s, const struct drift *found,
		       const struct observation *o, const struct event *ev, const char *model,
		       struct finding_dedup *dedup);

#endif
