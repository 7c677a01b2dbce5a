/* Parts of records of the kernel, made by hand. */
#ifndef TESTS_RECORD_PART_H
#define TESTS_RECORD_PART_H

#include <stdint.h>
#include <string.h>

#include "bpf/watch_rec.h"

/* Behind what is there; the caller has the room. */
static inline void record_part(struct watch_rec *r, unsigned kind, unsigned arg, unsigned flags,
			       const void *bytes, size_t len)
{
	struct watch_part p = { .kind = (uint16_t)kind,
				.arg = (uint8_t)arg,
				.flags = (uint8_t)flags,
				.len = (uint16_t)len };
	size_t size = (sizeof(p) + len + 7) & ~(size_t)7;
	char *at = (char *)r + r->size;

	memset(at, 0, size);
	memcpy(at, &p, sizeof(p));
	if (len)
		memcpy(at + sizeof(p), bytes, len);
	r->size += (uint32_t)size;
}

#endif
