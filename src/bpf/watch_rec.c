#include "bpf/watch_rec.h"

const struct watch_part *watch_part_next(const struct watch_rec *rec, const struct watch_part *p)
{
	const unsigned char *end = (const unsigned char *)rec + rec->size;
	const unsigned char *at = p ? (const unsigned char *)p +
						  ((sizeof(*p) + p->len + 7) & ~(size_t)7)
				    : (const unsigned char *)(rec + 1);

	return at + sizeof(*p) <= end ? (const struct watch_part *)(const void *)at : NULL;
}

const struct watch_part *watch_part_find(const struct watch_rec *rec, unsigned kind, unsigned arg)
{
	const struct watch_part *p = NULL;

	while ((p = watch_part_next(rec, p)))
		if (p->kind == kind && p->arg == arg)
			return p;
	return NULL;
}

bool watch_rec_valid(const void *bytes, size_t len)
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
