/* Lists in place of their names, in the text of conditions. */
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/ruleset.h"

const char *quote_item(struct arena *a, const char *s)
{
	if (!strchr(s, ' ') || *s == '"' || *s == '\'')
		return s;
	return arena_printf(a, "\"%s\"", s);
}

/* An item that names a list which was defined before stands for the items of that list. */
void expand_list_items(struct rules *r)
{
	const char ***made = xcalloc(r->lists_n + 1, sizeof(*made));
	size_t *made_n = xcalloc(r->lists_n + 1, sizeof(*made_n));

	for (size_t i = 0; i < r->lists_n; i++) {
		struct list *l = &r->lists[i];
		size_t cap = 0;

		for (size_t k = 0; k < l->items_n; k++) {
			struct list *named = rules_list(r, l->items[k], strlen(l->items[k]));

			if (!named || named->index >= l->seen) {
				*vec_push(made[i], made_n[i], cap) = quote_item(&r->arena,
										l->items[k]);
				continue;
			}
			named->used = true;
			for (size_t m = 0; m < named->items_n; m++)
				*vec_push(made[i], made_n[i], cap) = quote_item(&r->arena,
										named->items[m]);
		}
	}
	for (size_t i = 0; i < r->lists_n; i++) {
		free(r->lists[i].items);
		r->lists[i].items = made[i];
		r->lists[i].items_n = r->lists[i].items_cap = made_n[i];
	}
	free(made);
	free(made_n);
}

static bool is_blank(char c)
{
	return c && strchr(" \t\r\n", c);
}

static bool bounds(char c)
{
	return is_blank(c) || (c && strchr("(),=", c));
}

static bool stands_at(const struct ptext *t, size_t at, size_t len)
{
	return (!at || bounds(t->p[at - 1])) && (at + len == t->n || bounds(t->p[at + len]));
}

/* Appends the items that stand for t[at, *end), which grows by the blanks behind it. */
static void substitute(struct ptext *out, const struct ptext *t, size_t at, size_t *end,
		       const struct list *l)
{
	struct origin from = t->from[at];

	while (out->n && is_blank(out->p[out->n - 1]))
		out->n--;
	while (*end < t->n && is_blank(t->p[*end]))
		(*end)++;
	if (!l->items_n && out->n && out->p[out->n - 1] == ',')
		out->n--;
	else if (!l->items_n && *end < t->n && t->p[*end] == ',')
		(*end)++;
	ptext_add(out, " ", out->n ? 1 : 0, from.place, from.off, 0);
	for (size_t i = 0; i < l->items_n && out->n < PTEXT_MAX; i++) {
		ptext_add(out, ", ", i ? 2 : 0, from.place, from.off, 0);
		ptext_add(out, l->items[i], strlen(l->items[i]), from.place, from.off, 0);
	}
	ptext_add(out, " ", 1, from.place, from.off, 0);
}

static void expand_list(struct ptext *t, struct list *l)
{
	struct ptext out = { .places = t->places,
			     .places_n = t->places_n,
			     .places_cap = t->places_cap };
	size_t len = strlen(l->name), done = 0, at = 0;
	const char *found;

	while (out.n < PTEXT_MAX && at < t->n &&
	       (found = memmem(t->p + at, t->n - at, l->name, len))) {
		size_t end;

		at = (size_t)(found - t->p);
		end = at + len;
		if (!stands_at(t, at, len)) {
			at++;
			continue;
		}
		l->used = true;
		ptext_slice(&out, t, done, at);
		substitute(&out, t, at, &end, l);
		done = at = end;
	}
	if (!done)
		return;
	ptext_slice(&out, t, done, t->n);
	free(t->p);
	free(t->from);
	*t = out;
}

void expand_lists(struct rules *r, struct ptext *t)
{
	for (size_t i = 0; i < r->lists_n && t->n < PTEXT_MAX; i++)
		expand_list(t, &r->lists[i]);
}
