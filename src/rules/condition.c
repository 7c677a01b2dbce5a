/* From the syntax tree of a condition to the graph. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/image.h"

static int64_t chain(struct compiling *c, const struct node *n)
{
	cleanup_free gref *v = xcalloc(n->child_n, sizeof(*v));

	for (size_t i = 0; i < n->child_n; i++) {
		int64_t r = condition_make(c, n->child[i]);

		if (r < 0)
			return -1;
		v[i] = (gref)r;
	}
	return graph_chain(c->im, n->kind == NODE_AND ? G_AND : G_OR, v, n->child_n);
}

static int64_t deeper(struct compiling *c, const struct node *n)
{
	int64_t r;

	switch (n->kind) {
	case NODE_NOT:
		r = condition_make(c, n->child[0]);
		return r < 0 ? r : r ^ 1;
	case NODE_CHECK:
		return test_make(c, n->check);
	case NODE_MACRO:
		if (c->macro)
			return c->macro(c, n);
		c->e->at = n->at;
		snprintf(c->e->msg, sizeof(c->e->msg), "Undefined macro '%.*s' used in filter.",
			 (int)n->name.len, n->name.p);
		return -1;
	default:
		return chain(c, n);
	}
}

int64_t condition_make(struct compiling *c, const struct node *n)
{
	int64_t r;

	if (c->depth == CONDITION_DEPTH) {
		c->e->at = n->at;
		snprintf(c->e->msg, sizeof(c->e->msg), "exceeded max depth limit of %d",
			 CONDITION_DEPTH);
		return -1;
	}
	c->depth++;
	r = deeper(c, n);
	c->depth--;
	return r;
}
