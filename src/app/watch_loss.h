/* What found no room between kernel and rules: of which kind it was, where, and whom it concerns.
 */
#ifndef APP_WATCH_LOSS_H
#define APP_WATCH_LOSS_H

#include "base/buf.h"
#include "rules/rules.h"
#include "sensor/watch.h"

struct watch_loss {
	uint64_t kinds[8]; /* by enum watch_kind */
	uint64_t nrs[WATCH_NRS], cpus[WATCH_CPUS];
};

/*
 * Appends what was lost since `before`, which becomes `now`: "openat 12, processes started 3;
 * processor 0 10, 1 5; rules that may have missed something: A, B and 3 more". Nothing when that is
 * nothing. A sensor that took the place of another one counts from 0; then all of it is new.
 */
void watch_loss_tell(const struct rules *r, const struct watch_stats *now,
		     struct watch_loss *before, struct buf *out);
/* Adds all that a sensor lost; and its numbers become the sum. */
void watch_loss_add(struct watch_loss *sum, struct watch_stats *s);
/* How many records about processes themselves (that began, executed something, ended) were lost. */
uint64_t watch_loss_processes(const struct watch_stats *s);

#endif
