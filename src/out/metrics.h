/* Numbers as Prometheus reads them (text format 0.0.4). */
#ifndef OUT_METRICS_H
#define OUT_METRICS_H

#include <stdint.h>

#include "base/buf.h"

/* "# HELP …", "# TYPE …". */
void metrics_head(struct buf *out, const char *name, const char *type, const char *help);
/* One number; label names and values in turn, up to a NULL. */
void metrics_number(struct buf *out, const char *name, uint64_t value, ...)
	__attribute__((sentinel));

#endif
