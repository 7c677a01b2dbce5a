#include "inspect/words.h"

#include <stdlib.h>
#include <string.h>

void words_add(struct words *w, struct arena *a, const char *word)
{
	if (w->n == w->cap) {
		const char **wider;

		w->cap = w->cap ? w->cap * 2 : 8;
		wider = arena_alloc(a, w->cap * sizeof(*wider));
		if (w->n)
			memcpy(wider, w->v, w->n * sizeof(*wider));
		w->v = wider;
	}
	w->v[w->n++] = word;
}

bool words_have(const struct words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->v[i], word))
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void words_sort(struct words *w)
{
	size_t n = 0;

	if (!w->n)
		return;
	qsort(w->v, w->n, sizeof(*w->v), compare);
	for (size_t i = 0; i < w->n; i++)
		if (!n || strcmp(w->v[n - 1], w->v[i]))
			w->v[n++] = w->v[i];
	w->n = n;
}

void words_put(const struct words *w, const char *quote, struct buf *out)
{
	for (size_t i = 0; i < w->n; i++)
		buf_printf(out, "%s%s%s%s", i ? ", " : "", quote, w->v[i], quote);
}

const char *words_keep(struct buf *b, struct arena *a)
{
	const char *text = arena_strndup(a, buf_str(b), b->len);

	buf_free(b);
	return text;
}
