/* pmatch: whether one of the paths on the right is the value or a directory above it. */
#include <string.h>

#include "rules/image.h"

struct component {
	struct ev_text text;
	bool pattern;
};

struct path {
	struct component *v;
	size_t n;
};

struct paths {
	struct path *v;
	size_t n;
};

/* The next non-empty component, which is taken from the front of *t. */
static bool next_component(struct ev_text *t, struct ev_text *out)
{
	size_t n = 0;

	while (t->len && *t->p == '/') {
		t->p++;
		t->len--;
	}
	while (n < t->len && t->p[n] != '/')
		n++;
	*out = (struct ev_text){ t->p, n };
	t->p += n;
	t->len -= n;
	return n;
}

static bool is_pattern(struct ev_text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (t.p[i] == '?' || t.p[i] == '*' || t.p[i] == '[')
			return true;
	return false;
}

static struct path split(struct arena *a, struct ev_text t)
{
	struct path p = { 0 };
	struct ev_text rest = t, part;

	while (next_component(&rest, &part))
		p.n++;
	p.v = arena_alloc(a, (p.n + 1) * sizeof(*p.v));
	for (size_t i = 0; next_component(&t, &part); i++)
		p.v[i] = (struct component){ part, is_pattern(part) };
	return p;
}

struct paths *paths_build(struct arena *a, const struct ev_value *v, size_t n)
{
	struct paths *p = arena_alloc(a, sizeof(*p));

	p->n = n;
	p->v = arena_alloc(a, (n + 1) * sizeof(*p->v));
	for (size_t i = 0; i < n; i++)
		p->v[i] = split(a, v[i].s);
	return p;
}

static bool is_above(const struct path *p, struct ev_text t)
{
	struct ev_text part;

	for (size_t i = 0; i < p->n; i++) {
		const struct component *c = &p->v[i];

		if (!next_component(&t, &part))
			return false;
		if (c->pattern ? !glob_match(c->text, part, false)
			       : c->text.len != part.len || memcmp(c->text.p, part.p, part.len))
			return false;
	}
	return true;
}

bool paths_match(const struct paths *p, struct ev_text t)
{
	for (size_t i = 0; i < p->n; i++)
		if (is_above(&p->v[i], t))
			return true;
	return false;
}
