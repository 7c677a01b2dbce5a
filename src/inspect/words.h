/* Lists of words for messages, in an arena. */
#ifndef INSPECT_WORDS_H
#define INSPECT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

struct words {
	const char **v;
	size_t n, cap;
};

/* The word is borrowed. */
void words_add(struct words *w, struct arena *a, const char *word);
bool words_have(const struct words *w, const char *word);
/* Byte order, each word once. */
void words_sort(struct words *w);
/* "a", "b" with the quotes as given ("" for none). */
void words_put(const struct words *w, const char *quote, struct buf *out);
/* The buffer's text in the arena; the buffer is freed. */
const char *words_keep(struct buf *b, struct arena *a);

#endif
