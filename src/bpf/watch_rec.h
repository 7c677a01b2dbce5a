/* Reading the records of watch.h in user space. */
#ifndef BPF_WATCH_REC_H
#define BPF_WATCH_REC_H

#include <stddef.h>

#include "bpf/watch.h"

/* Steps through the parts of a record; NULL behind the last. Start with NULL. */
const struct watch_part *watch_part_next(const struct watch_rec *rec, const struct watch_part *p);
/* The first part of this kind about this argument, NULL when there is none. */
const struct watch_part *watch_part_find(const struct watch_rec *rec, unsigned kind, unsigned arg);

static inline const void *watch_part_bytes(const struct watch_part *p)
{
	return p + 1;
}

#endif
