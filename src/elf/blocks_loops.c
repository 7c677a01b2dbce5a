#include "elf/blocks_loops.h"

#include <stdlib.h>

#include "base/mem.h"

/* The search for loops: Tarjan's strongly connected components, without recursion. */
struct search {
	struct blocks *c;
	uint32_t *order, *low; /* by block; 0: not seen */
	size_t *edge;	       /* by block: successors that were followed */
	size_t *path, path_n;
	size_t *open, open_n; /* blocks whose component is not complete */
	bool *is_open;
	uint32_t n, loops;
};

static void search_enter(struct search *s, size_t b)
{
	s->order[b] = s->low[b] = ++s->n;
	s->path[s->path_n++] = b;
	s->open[s->open_n++] = b;
	s->is_open[b] = true;
}

static bool follows_itself(const struct blocks *c, size_t b)
{
	for (size_t k = 0; k < c->blocks[b].next_n; k++)
		if (c->next[c->blocks[b].next + k] == b)
			return true;
	return false;
}

/* All behind `b` was seen: what is open up to it is one component if nothing leads further up. */
static void search_leave(struct search *s, size_t b)
{
	bool loop = s->open[s->open_n - 1] != b || follows_itself(s->c, b);
	size_t at;

	s->path_n--;
	if (s->path_n && s->low[b] < s->low[s->path[s->path_n - 1]])
		s->low[s->path[s->path_n - 1]] = s->low[b];
	if (s->low[b] != s->order[b])
		return;
	s->loops += loop;
	do {
		at = s->open[--s->open_n];
		s->is_open[at] = false;
		s->c->blocks[at].loop = loop ? s->loops : 0;
	} while (at != b);
}

static void search_from(struct search *s, size_t root)
{
	search_enter(s, root);
	while (s->path_n) {
		size_t b = s->path[s->path_n - 1], to;

		if (s->edge[b] == s->c->blocks[b].next_n) {
			search_leave(s, b);
			continue;
		}
		to = s->c->next[s->c->blocks[b].next + s->edge[b]++];
		if (!s->order[to])
			search_enter(s, to);
		else if (s->is_open[to] && s->order[to] < s->low[b])
			s->low[b] = s->order[to];
	}
}

void blocks_find_loops(struct blocks *c)
{
	struct search s = { .c = c,
			    .order = xcalloc(c->blocks_n + 1, sizeof(*s.order)),
			    .low = xcalloc(c->blocks_n + 1, sizeof(*s.low)),
			    .edge = xcalloc(c->blocks_n + 1, sizeof(*s.edge)),
			    .path = xcalloc(c->blocks_n + 1, sizeof(*s.path)),
			    .open = xcalloc(c->blocks_n + 1, sizeof(*s.open)),
			    .is_open = xcalloc(c->blocks_n + 1, sizeof(*s.is_open)) };

	for (size_t b = 0; b < c->blocks_n; b++)
		if (!s.order[b])
			search_from(&s, b);
	c->loops_n = s.loops;
	free(s.order);
	free(s.low);
	free(s.edge);
	free(s.path);
	free(s.open);
	free(s.is_open);
}
