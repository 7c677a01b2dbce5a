#include "rules/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Of a text's places, so many of the last are looked at before one is added again. */
enum { PLACES_SEEN = 8 };

void ptext_free(struct ptext *t)
{
	free(t->p);
	free(t->from);
	free(t->places);
	*t = (struct ptext){ 0 };
}

uint32_t ptext_place(struct ptext *t, struct place at)
{
	/* The same one comes several times in a row; of others, twice does no harm. */
	for (size_t i = t->places_n; i-- > 0 && i + PLACES_SEEN >= t->places_n;)
		if (t->places[i].node == at.node)
			return (uint32_t)i;
	*vec_push(t->places, t->places_n, t->places_cap) = at;
	return (uint32_t)t->places_n - 1;
}

static void reserve(struct ptext *t, size_t n)
{
	if (t->n + n + 1 <= t->cap)
		return;
	t->cap = 2 * (t->n + n + 1);
	t->p = xreallocarray(t->p, t->cap, 1);
	t->from = xreallocarray(t->from, t->cap, sizeof(*t->from));
}

void ptext_add(struct ptext *t, const char *s, size_t n, uint32_t place, uint32_t off,
	       uint32_t step)
{
	reserve(t, n);
	for (size_t i = 0; i < n; i++) {
		t->p[t->n] = s[i];
		t->from[t->n++] = (struct origin){ place, off + (uint32_t)i * step };
	}
	t->p[t->n] = '\0';
}

void ptext_add_scalar(struct ptext *t, struct place at)
{
	ptext_add(t, at.node->text, at.node->n, ptext_place(t, at), 0, 1);
}

void ptext_slice(struct ptext *t, const struct ptext *from, size_t begin, size_t end)
{
	size_t n = end - begin;

	reserve(t, n);
	if (n) {
		memcpy(t->p + t->n, from->p + begin, n);
		memcpy(t->from + t->n, from->from + begin, n * sizeof(*t->from));
	}
	t->n += n;
	t->p[t->n] = '\0';
}

void ptext_copy(struct ptext *t, const struct ptext *from)
{
	ptext_free(t);
	for (size_t i = 0; i < from->places_n; i++)
		*vec_push(t->places, t->places_n, t->places_cap) = from->places[i];
	ptext_slice(t, from, 0, from->n);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Characters of the file that make one of the scalar at p, in its style. */
static size_t written(const struct yaml_node *n, const char *p)
{
	if (n->style == YAML_SINGLE && p[0] == '\'' && p[1] == '\'')
		return 2;
	if (n->style != YAML_DOUBLE || *p != '\\' || !p[1])
		return 1;
	switch (p[1]) {
	case 'x':
		return 4;
	case 'u':
		return 6;
	case 'U':
		return 10;
	default:
		return 2;
	}
}

/*
 * Folding and indentation change only blanks: the n-th character that is none is the n-th one in
 * the file, too.
 */
void place_of(struct place at, size_t off, unsigned *line, unsigned *column)
{
	const struct yaml_node *n = at.node;
	const char *p = at.file->text + n->start.off, *end = at.file->text + n->end.off;
	const char *begin = p;
	size_t count = 0;

	*line = n->start.line;
	*column = n->start.col;
	if (n->kind != YAML_SCALAR || off > n->n)
		return;
	for (size_t i = 0; i < off; i++)
		count += !is_blank(n->text[i]);
	if (n->style == YAML_SINGLE || n->style == YAML_DOUBLE)
		p++;
	else if (n->style == YAML_LITERAL || n->style == YAML_FOLDED)
		p += strcspn(p, "\n");
	for (; p < end; p += written(n, p)) {
		if (is_blank(*p))
			continue;
		if (n->style == YAML_DOUBLE && *p == '\\' && p[1] && strchr("\nnrt ", p[1]))
			continue;
		if (!count--)
			break;
	}
	for (; begin < p && begin < end; begin++) {
		if (*begin == '\n') {
			(*line)++;
			*column = 1;
		} else if ((*begin & 0xc0) != 0x80) {
			(*column)++;
		}
	}
}

void ptext_where(const struct ptext *t, size_t off, struct place *at, unsigned *line,
		 unsigned *column)
{
	struct origin o = { 0 };
	bool behind = off >= t->n;

	/* At the end: behind the last character, not where the next line begins. */
	if (behind) {
		off = t->n ? t->n - 1 : 0;
		while (off && is_blank(t->p[off]))
			off--;
	}
	if (t->n)
		o = t->from[off];
	*at = t->places[o.place];
	place_of(*at, o.off, line, column);
	*column += behind;
}
