/*
 * Watching in two processes: one with the rights to load programs, which it does by a plan, and one
 * that makes the plan and reads the records, and needs no right but the descriptors it is given.
 */
#ifndef SENSOR_WATCH_SHARE_H
#define SENSOR_WATCH_SHARE_H

#include "base/buf.h"
#include "sensor/watch.h"

enum { WATCH_PLAN_MAX = 4 * 1024 * 1024, WATCH_SHARED_MAX = WATCH_CPUS + 1 };

/*
 * What watch_new, watch_want, watch_group and those of watch_kills() were told, as bytes for a
 * process of this program.
 */
void watch_plan_put(const struct watch *w, struct buf *out);
/*
 * The same calls again in another process, each value checked as they do; ready for watch_start().
 * -EINVAL: the bytes are no plan. `kills`: whether the kernel may kill; a plan that wants it to is
 * refused otherwise (-EPERM).
 */
int watch_plan_take(struct watch **out, const void *bytes, size_t len, bool kills, struct err *e);
/* The descriptors of a started watch, which stay its own; how many they are. */
size_t watch_share(const struct watch *w, int fds[WATCH_SHARED_MAX], enum watch_hooks *hooks);
/* In place of watch_start(), with the descriptors of a watch by this one's plan; taken over. */
int watch_join(struct watch *w, const int *fds, size_t n, enum watch_hooks hooks, struct err *e);

/* Now and then by the process that loaded the programs: what only it can ask the kernel goes into
 * the counters that both see. */
void watch_count(const struct watch *w);

#endif
