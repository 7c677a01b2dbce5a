#include "base/suggest.h"

#include <stdint.h>
#include <string.h>

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits from a to b, a swap of neighbours counting one; both at most SUGGEST_MAX characters. */
static unsigned edit_distance(const char *a, size_t alen, const char *b, size_t blen)
{
	uint8_t d[3][SUGGEST_MAX + 1]; /* the last three rows of the matrix, in turn */

	for (size_t j = 0; j <= blen; j++)
		d[0][j] = (uint8_t)j;
	for (size_t i = 1; i <= alen; i++) {
		uint8_t *cur = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];

		cur[0] = (uint8_t)i;
		for (size_t j = 1; j <= blen; j++) {
			unsigned v = min3(up[j] + 1u, cur[j - 1] + 1u,
					  up[j - 1] + (a[i - 1] != b[j - 1]));

			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1u < v)
				v = up2[j - 2] + 1u;
			cur[j] = (uint8_t)v;
		}
	}
	return d[alen % 3][blen];
}

void suggest_begin(struct suggest *s, const char *name)
{
	s->name = name;
	s->len = strnlen(name, SUGGEST_MAX + 1);
	s->best = s->len <= 3 ? 2 : 3;
	s->found = NULL;
}

void suggest_offer(struct suggest *s, const char *candidate, size_t len)
{
	unsigned v;

	if (s->len > SUGGEST_MAX || len > SUGGEST_MAX || len > s->len + s->best ||
	    s->len > len + s->best)
		return;
	v = edit_distance(s->name, s->len, candidate, len);
	if (v && v < s->best) { /* the name itself is no suggestion */
		s->best = v;
		s->found = candidate;
	}
}
