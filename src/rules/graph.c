#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/image.h"

void image_init(struct image *im, const struct ev_fields *fields)
{
	*im = (struct image){ 0 };
	if (fields)
		im->fields = *fields;
	vec_push(im->nodes, im->nodes_n, im->nodes_cap)->kind = G_FALSE;
}

void image_free(struct image *im)
{
	for (size_t i = 0; i < im->tests_n; i++)
		for (uint32_t k = 0; k < im->tests[i].values_n; k++)
			regex_free(im->tests[i].regexes[k]);
	map_free(&im->by_operand);
	map_free(&im->by_test);
	map_free(&im->by_node);
	free(im->operands);
	free(im->tests);
	free(im->nodes);
	free(im->groups);
	free(im->targets);
	free(im->code);
	free(im->bodies);
	free(im->who_bodies);
	arena_free(&im->arena);
	*im = (struct image){ 0 };
}

gref graph_test(struct image *im, uint32_t test)
{
	uint32_t key[2] = { G_TEST, test };
	void **slot = map_at(&im->by_node, key, sizeof(key));
	const struct test *t = &im->tests[test];

	if (!*slot) {
		*vec_push(im->nodes, im->nodes_n, im->nodes_cap) = (struct gnode){
			.kind = G_TEST,
			.test = test,
			.who = t->who,
			.tests = 1,
			.cost = t->cost,
			.chance = t->chance,
		};
		*slot = (void *)(uintptr_t)im->nodes_n;
	}
	return GREF((uint32_t)(uintptr_t)*slot - 1, 0);
}

static float chance_of(const struct image *im, gref r)
{
	float p = im->nodes[gref_node(r)].chance;

	return gref_negated(r) ? 1 - p : p;
}

/*
 * The price of finding out early: in an "and" what is cheap and often false goes first, in an "or"
 * what is cheap and often true. All conditions are free of side effects.
 */
float graph_rank(const struct image *im, enum gkind kind, gref r)
{
	float p = chance_of(im, r), decides = kind == G_AND ? 1 - p : p;

	return im->nodes[gref_node(r)].cost / (decides > 0.001F ? decides : 0.001F);
}

struct ranked {
	gref r;
	uint32_t at;
	float rank;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

struct refs {
	gref *v;
	size_t n, cap;
	struct map seen; /* when there are many */
};

enum { REFS_FEW = 32 };

static void refs_free(struct refs *r)
{
	free(r->v);
	map_free(&r->seen);
}

static bool refs_have(struct refs *r, gref x)
{
	if (r->n > REFS_FEW)
		return map_find(&r->seen, &x, sizeof(x));
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i] == x)
			return true;
	return false;
}

static void refs_add(struct refs *r, gref x)
{
	*vec_push(r->v, r->n, r->cap) = x;
	for (size_t i = r->n == REFS_FEW + 1 ? 0 : r->n - 1; r->n > REFS_FEW && i < r->n; i++)
		*map_at(&r->seen, &r->v[i], sizeof(gref)) = r;
}

/*
 * Adds an operand of a chain: takes apart chains of the same kind, drops what decides nothing.
 * False when the operand alone decides the chain.
 */
static bool chain_add(const struct image *im, enum gkind kind, gref r, struct refs *out)
{
	gref neutral = kind == G_AND ? GREF_TRUE : GREF_FALSE;
	const struct gnode *n = &im->nodes[gref_node(r)];
	enum gkind same = gref_negated(r) ? (kind == G_AND ? G_OR : G_AND) : kind;

	if (gref_node(r) == 0)
		return r == neutral;
	if (n->kind == same) {
		for (uint32_t i = 0; i < n->child_n; i++)
			if (!chain_add(im, kind, n->child[i] ^ gref_negated(r), out))
				return false;
		return true;
	}
	if (refs_have(out, r ^ 1))
		return false;
	if (!refs_have(out, r))
		refs_add(out, r);
	return true;
}

#define COST_MAX 1e30F

static gref chain_node(struct image *im, enum gkind kind, const struct refs *refs)
{
	cleanup_free gref *key = xcalloc(refs->n + 1, sizeof(*key));
	struct gnode n = { .kind = kind, .child_n = (uint32_t)refs->n, .who = true };
	float reach = 1;
	void **slot;

	key[0] = kind;
	memcpy(key + 1, refs->v, refs->n * sizeof(*key));
	slot = map_at(&im->by_node, key, (refs->n + 1) * sizeof(*key));
	if (*slot)
		return GREF((uint32_t)(uintptr_t)*slot - 1, 0);
	n.child = arena_alloc(&im->arena, refs->n * sizeof(gref));
	memcpy(n.child, refs->v, refs->n * sizeof(gref));
	for (size_t i = 0; i < refs->n; i++) {
		float p = chance_of(im, refs->v[i]);

		n.who &= im->nodes[gref_node(refs->v[i])].who;
		if (__builtin_add_overflow(n.tests, im->nodes[gref_node(refs->v[i])].tests,
					   &n.tests))
			n.tests = UINT32_MAX;
		n.cost += reach * im->nodes[gref_node(refs->v[i])].cost;
		reach *= kind == G_AND ? p : 1 - p;
	}
	n.cost = n.cost < COST_MAX ? n.cost : COST_MAX;
	n.chance = kind == G_AND ? reach : 1 - reach;
	*vec_push(im->nodes, im->nodes_n, im->nodes_cap) = n;
	*slot = (void *)(uintptr_t)im->nodes_n;
	return GREF((uint32_t)im->nodes_n - 1, 0);
}

gref graph_chain(struct image *im, enum gkind kind, const gref *v, size_t n)
{
	cleanup(refs_free) struct refs refs = { 0 };
	cleanup_free struct ranked *ranked = NULL;

	for (size_t i = 0; i < n; i++)
		if (!chain_add(im, kind, v[i], &refs))
			return kind == G_AND ? GREF_FALSE : GREF_TRUE;
	if (!refs.n)
		return kind == G_AND ? GREF_TRUE : GREF_FALSE;
	if (refs.n == 1)
		return refs.v[0];
	ranked = xcalloc(refs.n, sizeof(*ranked));
	for (size_t i = 0; i < refs.n; i++)
		ranked[i] = (struct ranked){ refs.v[i], (uint32_t)i,
					     graph_rank(im, kind, refs.v[i]) };
	qsort(ranked, refs.n, sizeof(*ranked), by_rank);
	for (size_t i = 0; i < refs.n; i++)
		refs.v[i] = ranked[i].r;
	return chain_node(im, kind, &refs);
}

/* A parameter that events of the type do not have is missing: the test is false. */
static bool lacks_parameter(const struct image *im, const struct test *t, unsigned type)
{
	const struct operand *o = &im->operands[t->left];

	return o->source == OPERAND_FIELD && o->ref.field->arg == EV_F_PARAM &&
	       o->ref.arg == EV_ARG_KEY && ev_param_index(type, o->ref.key.p, o->ref.key.len) == -1;
}

/* Whether a test that the type alone decides makes the chain false (and) or true (or). */
static bool type_decides(const struct image *im, const struct gnode *n, unsigned type)
{
	for (uint32_t i = 0; i < n->child_n; i++) {
		const struct gnode *child = &im->nodes[gref_node(n->child[i])];

		if (child->kind == G_TEST && im->tests[child->test].types &&
		    (ev_set_has(im->tests[child->test].types, type) != gref_negated(n->child[i])) ==
			    (n->kind == G_OR))
			return true;
	}
	return false;
}

static gref node_for_type(struct image *im, uint32_t node, unsigned type, struct map *memo)
{
	struct gnode n = im->nodes[node];
	cleanup_free gref *v = NULL;
	const struct test *t;

	switch (n.kind) {
	case G_FALSE:
		return GREF_FALSE;
	case G_TEST:
		t = &im->tests[n.test];
		if (t->types)
			return ev_set_has(t->types, type) ? GREF_TRUE : GREF_FALSE;
		return lacks_parameter(im, t, type) ? GREF_FALSE : GREF(node, 0);
	default:
		if (type_decides(im, &n, type))
			return n.kind == G_AND ? GREF_FALSE : GREF_TRUE;
		v = xcalloc(n.child_n, sizeof(*v));
		for (uint32_t i = 0; i < n.child_n; i++)
			v[i] = graph_for_type(im, n.child[i], type, memo);
		return graph_chain(im, n.kind, v, n.child_n);
	}
}

gref graph_for_type(struct image *im, gref r, unsigned type, struct map *memo)
{
	uint32_t node = gref_node(r);
	void **slot = map_find(memo, &node, sizeof(node));
	gref found;

	if (slot)
		return (gref)(uintptr_t)*slot ^ gref_negated(r);
	found = node_for_type(im, node, type, memo);
	*map_at(memo, &node, sizeof(node)) = (void *)(uintptr_t)found;
	return found ^ gref_negated(r);
}

struct ev_set graph_types(struct image *im, gref r)
{
	struct ev_set s = { 0 };

	for (unsigned type = 0; type < ev_type_count(); type++) {
		struct map memo = { 0 };

		if (graph_for_type(im, r, type, &memo) != GREF_FALSE)
			ev_set_add(&s, type);
		map_free(&memo);
	}
	return s;
}

enum { PRINT_MAX = 256 * 1024 };

void graph_print(const struct image *im, gref r, struct buf *out, unsigned indent)
{
	const struct gnode *n = &im->nodes[gref_node(r)];

	/* A chain that many conditions share is printed with each: that can be a lot. */
	if (out->len > PRINT_MAX)
		return;
	buf_printf(out, "%*s", (int)indent, "");
	if (n->kind == G_FALSE) {
		buf_puts(out, gref_negated(r) ? "true\n" : "false\n");
	} else if (n->kind == G_TEST) {
		buf_printf(out, "%s%s\n", gref_negated(r) ? "not " : "", im->tests[n->test].text);
	} else {
		buf_printf(out, "%s%s of\n", gref_negated(r) ? "not " : "",
			   n->kind == G_AND ? "all" : "any");
		for (uint32_t i = 0; i < n->child_n; i++)
			graph_print(im, n->child[i], out, indent + 2);
	}
}
