#ifndef OUT_SINK_PRIVATE_H
#define OUT_SINK_PRIVATE_H

#include <stdatomic.h>

#include "out/sink.h"

/* What the receivers see of their sink. */
struct sink_target {
	unsigned timeout_ms;
	const atomic_bool *stop; /* an attempt may be given up */
	uint64_t *retry_after_s; /* set by an attempt that the receiver wants to come later */
};

enum { SINK_REFUSED = 1 };

/* A kind of receiver. */
struct sink_kind {
	const char *prefix;
	/* The text behind the prefix, or all of it; makes no connection. */
	int (*open)(void **state, const char *spec, const struct sink_target *t, struct err *e);
	/*
	 * 0: the receiver has it; SINK_REFUSED: it will not take this one; negative: try again.
	 * `json`: the finding as boltseal.finding/1.
	 */
	int (*deliver)(void *state, const struct finding *f, const struct buf *json, struct err *e);
	void (*free)(void *state);
};

extern const struct sink_kind sink_file, sink_syslog, sink_http, sink_https;

/* RFC 5424, without framing. */
void syslog_format(const struct finding *f, unsigned pid, struct buf *out);

#endif
