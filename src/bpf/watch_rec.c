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
