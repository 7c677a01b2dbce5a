/*
 * Calls by the 32-bit entry where tracepoints tell of single calls: those leave such calls out, and
 * a program at every call's return would cost all of them. So that program is there as long as
 * 32-bit programs run: from the start when there are any, else as soon as one is executed.
 */
#ifndef SENSOR_WATCH_NARROW_H
#define SENSOR_WATCH_NARROW_H

#include <stdbool.h>

#include "base/err.h"

struct watch;
struct watch_narrow_calls;

/* Before the programs are loaded. */
void watch_narrow_plan(struct watch *w, bool wanted);
/* Once they are; what is attached later, a thread does. */
int watch_narrow_start(struct watch *w, struct err *e);
void watch_narrow_free(struct watch_narrow_calls *n);

#endif
