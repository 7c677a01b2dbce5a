/* Records of the kernel, made by hand part by part. */
#ifndef TESTS_RECORD_PART_H
#define TESTS_RECORD_PART_H

#include <stdbool.h>
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

/*
 * Whether the bytes are a record as bpf/watch.h describes it: sizes, kinds and parts within their
 * bounds.
 */
static inline bool record_is_valid(const void *bytes, size_t len)
{
	const struct watch_rec *rec = bytes;
	size_t at = sizeof(*rec);

	if (len < sizeof(*rec) || rec->size != len || len % 8 || rec->kind < WATCH_CALL ||
	    rec->kind > WATCH_EXIT || len > sizeof(*rec) + WATCH_PARTS_BYTES)
		return false;
	while (at < len) {
		const struct watch_part *p = (const void *)((const unsigned char *)bytes + at);

		if (len - at < sizeof(*p) || p->len > len - at - sizeof(*p))
			return false;
		if ((p->kind == WATCH_P_FD && p->len < sizeof(struct watch_fd)) ||
		    (p->kind == WATCH_P_PROC && p->len != sizeof(struct watch_proc)))
			return false;
		at += (sizeof(*p) + p->len + 7) & ~(size_t)7;
	}
	return at == len;
}

#endif
