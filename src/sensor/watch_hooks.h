/* How a watch hooks the ends of system calls. */
#ifndef SENSOR_WATCH_HOOKS_H
#define SENSOR_WATCH_HOOKS_H

#include "sensor/watch_private.h"

/* Before the programs are loaded: chooses, by the options and the kernel, and sets them up. */
int watch_hooks_plan(struct watch *w, struct err *e);
int watch_hooks_attach(struct watch *w, struct err *e);
/* Adds what the kernel left out, because another task was in the same program, to the losses. */
void watch_hooks_count(const struct watch *w);
void watch_hooks_free(struct watch *w);

#endif
