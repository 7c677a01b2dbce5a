/*
 * Groups of texts as one automaton that the watching programs walk (struct watch_texts): texts that
 * begin or are a whole path or name stand in a tree of their own, which goes over into that of
 * texts that may stand anywhere (Aho and Corasick) where a path leaves it.
 */
#ifndef SENSOR_WATCH_TEXTS_H
#define SENSOR_WATCH_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/watch.h"

enum watch_place {
	WATCH_AT_WHOLE,
	WATCH_AT_PREFIX,
	WATCH_AT_SUFFIX,
	WATCH_AT_PART,
	WATCH_AT_INSIDE, /* a folder: it, or what begins with it and a slash */
	WATCH_AT_LAST,	 /* the last component of a path */
};

struct watch_texts_builder;

struct watch_texts_builder *watch_texts_new(void);
void watch_texts_free(struct watch_texts_builder *b);
/* Adds a text; false when there is no room for it, and then nothing was added. `bits`: of `found`.
 */
bool watch_texts_add(struct watch_texts_builder *b, enum watch_place place, const char *text,
		     size_t len, uint64_t bits);
/* Once: the table. */
void watch_texts_build(struct watch_texts_builder *b, struct watch_texts *out);

/* Where the groups of a subject are. */
static inline uint64_t watch_texts_bits(enum watch_subject s, uint32_t groups)
{
	return (uint64_t)groups << (unsigned)s * WATCH_GROUPS;
}

#endif
