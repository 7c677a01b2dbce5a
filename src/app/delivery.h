/*
 * What happens with findings: repeats are counted, all go to the store, new ones to the sinks, and
 * the metrics have the numbers. A thread does it; who finds something never waits for a disk or a
 * receiver. Only when QUEUE_MAX different findings wait for the store, it waits for that.
 *
 * Sinks are handed what is in the store, from where each of them was, so a spool that is full or a
 * disk that is loses nothing as long as the store keeps it. Without a store, what does not fit is
 * dropped and counted.
 */
#ifndef APP_DELIVERY_H
#define APP_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/finding.h"
#include "store/store.h"

struct delivery;

struct delivery_options {
	const char *store; /* NULL: none */
	struct store_options limits;
	const char *spool;  /* folder, is made; NULL: beside the store or the usual place */
	uint64_t window_ns; /* repeats within it are one finding */
	unsigned distinct;  /* of a rule, container and program in it; 0: all (finding_dedup.h) */
};

/* What the sensor counts, for the metrics. */
struct delivery_sensor {
	uint64_t records, events, lost;
	uint64_t rules;					       /* that watch */
	uint64_t processes, containers;			       /* that are known now */
	uint64_t keys_evicted, regex_gave_up, values_left_out; /* rules_engine_stats */
};

int delivery_new(struct delivery **out, const struct delivery_options *o, struct err *e);
/* "metrics:…" or a sink (out/sink.h). Before delivery_start. */
int delivery_add_sink(struct delivery *f, const char *spec, struct err *e);
int delivery_start(struct delivery *f, struct err *e);
/* Takes the finding over. */
void delivery_add(struct delivery *f, struct finding *finding);
/* Since when a finding waits for the store, in ns since 1970; 0: none does. */
uint64_t delivery_waiting(struct delivery *f);
void delivery_set_sensor(struct delivery *f, const struct delivery_sensor *s);
/* Rules were loaded again; a failure left the old ones. */
void delivery_count_reload(struct delivery *f, bool failed);
/*
 * Stores what waits and gives the sinks a few seconds. True when something was lost: findings that
 * could not be stored, or dropped by a full spool. What waits in spools is not lost.
 */
bool delivery_end(struct delivery *f);
void delivery_free(struct delivery *f);

#endif
