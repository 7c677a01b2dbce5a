/*
 * Numbers for Prometheus, asked for over HTTP or written to a file that the node exporter reads.
 * What they are is the caller's business (out/metrics.h writes their text).
 */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct metrics;

/* Writes all metrics. From a thread of the listener, so it has to lock. */
typedef void (*metrics_render)(struct buf *out, void *ctx);

/*
 * Whether all is well (for /healthz), or whether work is being done (`ready`, for /readyz); a line
 * about it in `out`. From a thread of the listener too.
 */
typedef bool (*metrics_health)(bool ready, struct buf *out, void *ctx);

/*
 * "metrics:PORT" (on 127.0.0.1), "metrics:ADDRESS:PORT", "metrics:[ADDRESS]:PORT" or
 * "metrics:/FILE.prom".
 */
bool metrics_is_spec(const char *spec);
int metrics_new(struct metrics **out, const char *spec, metrics_render render, void *ctx,
		struct err *e);
/* Answers for /healthz and /readyz: 200, or 503 when it says no. Without it there are none. */
void metrics_set_health(struct metrics *m, metrics_health health);
void metrics_free(struct metrics *m);
/* Writes the file, in one step; nothing to do for a listener. */
int metrics_write(struct metrics *m, struct err *e);

#endif
