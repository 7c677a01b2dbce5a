/*
 * Code for each event type, from the end to the beginning, so that every target of a jump is known.
 * Event types with equal conditions share their code.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/image.h"

struct coder {
	struct image *im;
	struct map by_chain; /* code of a list of targets: its entry */
	struct map who_of;   /* node → slot + 1 of what follows from event.who */
	struct map memo_of;  /* node → memo slot + 1, within one list of targets */
	struct map uses;     /* node → how often it is used there */
	struct map emitted;  /* (reference, t, f) → entry */
	struct err *e;
	bool failed;
};

static uint32_t emit(struct coder *c, struct insn in)
{
	if (c->im->code_n >= IMAGE_MAX_CODE) {
		c->failed = true;
		return 0;
	}
	*vec_push(c->im->code, c->im->code_n, c->im->code_cap) = in;
	return (uint32_t)c->im->code_n - 1;
}

static uintptr_t number_of(struct map *m, uint32_t key)
{
	void **slot = map_find(m, &key, sizeof(key));

	return slot ? (uintptr_t)*slot : 0;
}

static void count_uses(struct coder *c, gref r)
{
	uint32_t node = gref_node(r);
	const struct gnode *n = &c->im->nodes[node];
	void **slot = map_at(&c->uses, &node, sizeof(node));

	*slot = (void *)((uintptr_t)*slot + 1);
	if ((uintptr_t)*slot == 1 && (n->kind == G_AND || n->kind == G_OR))
		for (uint32_t i = 0; i < n->child_n; i++)
			count_uses(c, n->child[i]);
}

static uint32_t gen(struct coder *c, gref r, uint32_t t, uint32_t f);

/* ---- what follows from event.who: found once, and kept beyond the event */

enum { WHO_EVENTS = 2 }; /* for so many events, at a guess, it is found once */

static uint32_t gen_who(struct coder *c, gref r, uint32_t t, uint32_t f);

static uint32_t who_body(struct coder *c, const struct gnode *n, uint32_t t, uint32_t f)
{
	uint32_t at = n->kind == G_AND ? t : f;

	if (n->kind == G_TEST)
		return emit(c, (struct insn){ .op = I_TEST, .a = n->test, .t = t, .f = f });
	for (uint32_t i = n->child_n; i-- > 0;)
		at = n->kind == G_AND ? gen_who(c, n->child[i], at, f)
				      : gen_who(c, n->child[i], t, at);
	return at;
}

static uint32_t who_slot(struct coder *c, uint32_t node)
{
	struct gnode n = c->im->nodes[node];
	uint32_t slot = (uint32_t)number_of(&c->who_of, node), is_true, is_false, body;

	if (slot)
		return slot - 1;
	*vec_push(c->im->who_bodies, c->im->whos, c->im->who_bodies_cap) = 0;
	slot = (uint32_t)c->im->whos;
	*map_at(&c->who_of, &node, sizeof(node)) = (void *)(uintptr_t)slot;
	is_true = emit(c, (struct insn){ .op = I_KNOW, .b = 1, .a = slot - 1 });
	is_false = emit(c, (struct insn){ .op = I_KNOW, .b = 0, .a = slot - 1 });
	body = who_body(c, &n, is_true, is_false);
	c->im->who_bodies[slot - 1] = body;
	return slot - 1;
}

static uint32_t ask_who(struct coder *c, uint32_t node, uint32_t t, uint32_t f)
{
	return emit(c, (struct insn){ .op = I_WHO, .a = who_slot(c, node), .t = t, .f = f });
}

/* Within a body: single tests are not worth a slot of their own. */
static uint32_t gen_who(struct coder *c, gref r, uint32_t t, uint32_t f)
{
	struct gnode n = c->im->nodes[gref_node(r)];
	uint32_t yes = gref_negated(r) ? f : t, no = gref_negated(r) ? t : f;

	return n.kind == G_TEST ? who_body(c, &n, yes, no) : ask_who(c, gref_node(r), yes, no);
}

/* ---- everything else */

/*
 * The operands of a chain in the order of evaluation: all that follow from event.who are one, and
 * stand where their price puts them when nothing is known. *who is their place, or -1.
 */
static uint32_t chain_order(struct coder *c, const struct gnode *n, gref *out, int64_t *who)
{
	cleanup_free gref *parts = xcalloc(n->child_n, sizeof(*parts));
	uint32_t parts_n = 0, others = 0, at = 0;
	gref together;

	for (uint32_t i = 0; i < n->child_n; i++) {
		if (c->im->nodes[gref_node(n->child[i])].who)
			parts[parts_n++] = n->child[i];
		else
			out[others++] = n->child[i];
	}
	*who = -1;
	if (!parts_n)
		return others;
	together = graph_chain(c->im, n->kind, parts, parts_n);
	while (at < others && graph_rank(c->im, n->kind, out[at]) <
				      graph_rank(c->im, n->kind, together) / WHO_EVENTS)
		at++;
	memmove(out + at + 1, out + at, (others - at) * sizeof(*out));
	out[at] = together;
	*who = at;
	return others + 1;
}

/* In front of a chain: when it is known of event.who already that the chain is false, or true. */
static uint32_t gen_peek(struct coder *c, enum gkind kind, gref who, uint32_t decided, uint32_t at)
{
	if (!c->im->nodes[gref_node(who)].who)
		return at;
	return emit(c, (struct insn){ .op = I_PEEK,
				      .b = (kind == G_OR) != gref_negated(who),
				      .a = who_slot(c, gref_node(who)),
				      .t = decided,
				      .f = at });
}

static uint32_t gen_chain(struct coder *c, const struct gnode *n, uint32_t t, uint32_t f)
{
	cleanup_free gref *v = xcalloc(n->child_n + 1, sizeof(*v));
	uint32_t at = n->kind == G_AND ? t : f;
	int64_t who;

	for (uint32_t i = chain_order(c, n, v, &who); i-- > 0;)
		at = n->kind == G_AND ? gen(c, v[i], at, f) : gen(c, v[i], t, at);
	return who > 0 ? gen_peek(c, n->kind, v[who], n->kind == G_AND ? f : t, at) : at;
}

/* The memo slot of a shared chain; its body is made the first time. */
static uint32_t memo_slot(struct coder *c, uint32_t node)
{
	struct gnode n = c->im->nodes[node];
	uint32_t slot = (uint32_t)number_of(&c->memo_of, node), is_true, is_false, body;

	if (slot)
		return slot - 1;
	*vec_push(c->im->bodies, c->im->memos, c->im->bodies_cap) = 0;
	slot = (uint32_t)c->im->memos;
	*map_at(&c->memo_of, &node, sizeof(node)) = (void *)(uintptr_t)slot;
	is_true = emit(c, (struct insn){ .op = I_KEEP, .b = 1, .a = slot - 1 });
	is_false = emit(c, (struct insn){ .op = I_KEEP, .b = 0, .a = slot - 1 });
	body = gen_chain(c, &n, is_true, is_false);
	c->im->bodies[slot - 1] = body;
	return slot - 1;
}

static uint32_t gen(struct coder *c, gref r, uint32_t t, uint32_t f)
{
	uint32_t node = gref_node(r), key[3], at;
	struct gnode n = c->im->nodes[node];
	void **known;

	if (n.kind == G_FALSE)
		return gref_negated(r) ? t : f;
	if (gref_negated(r)) {
		uint32_t swap = t;

		t = f;
		f = swap;
	}
	key[0] = node;
	key[1] = t;
	key[2] = f;
	known = map_find(&c->emitted, key, sizeof(key));
	if (known)
		return (uint32_t)(uintptr_t)*known;
	if (n.who)
		at = ask_who(c, node, t, f);
	else if (n.kind == G_TEST)
		at = emit(c, (struct insn){ .op = I_TEST, .a = n.test, .t = t, .f = f });
	else if (number_of(&c->uses, node) > 1 && n.tests > 1)
		at = emit(c,
			  (struct insn){ .op = I_MEMO, .a = memo_slot(c, node), .t = t, .f = f });
	else
		at = gen_chain(c, &n, t, f);
	*map_at(&c->emitted, key, sizeof(key)) = (void *)(uintptr_t)at;
	return at;
}

static void forget(struct coder *c)
{
	map_free(&c->memo_of);
	map_free(&c->uses);
	map_free(&c->emitted);
}

struct chosen {
	gref condition;
	uint32_t target;
};

struct chain {
	struct chosen *v;
	size_t n, cap;
};

static void chain_free(struct chain *c)
{
	free(c->v);
}

/*
 * In front of the code of some targets in a row that follow from event.who alone: past all of them
 * when none is true.
 */
static uint32_t gen_guard(struct coder *c, const gref *who, size_t n, uint32_t at, uint32_t past)
{
	gref any = n > 1 ? graph_chain(c->im, G_OR, who, n) : GREF_TRUE;

	return any == GREF_TRUE ? at : gen(c, any, at, past);
}

static uint32_t gen_targets(struct coder *c, const struct chain *all)
{
	cleanup_free gref *who = xcalloc(all->n, sizeof(*who));
	uint32_t at = 0, past = 0;
	size_t row = 0;

	forget(c);
	for (size_t i = 0; i < all->n; i++)
		count_uses(c, all->v[i].condition);
	for (size_t i = all->n; i-- > 0;) {
		gref condition = all->v[i].condition;
		bool alone = c->im->nodes[gref_node(condition)].who;
		uint32_t fire;

		if (!alone) {
			at = gen_guard(c, who, row, at, past);
			row = 0;
		} else if (!row) {
			past = at;
		}
		fire = emit(c, (struct insn){ .op = I_FIRE, .a = all->v[i].target, .t = at });
		at = gen(c, condition, fire, at);
		if (alone)
			who[row++] = condition;
	}
	return gen_guard(c, who, row, at, past);
}

/* The targets whose condition can be true for the type, with what is left of the condition. */
static void choose(struct image *im, enum program_kind kind, enum ev_source source, unsigned type,
		   struct chain *out)
{
	struct map memo = { 0 };

	for (size_t i = 0; i < im->targets_n; i++) {
		const struct target *t = &im->targets[i];
		gref r;

		if (t->source != source || (t->step >= 0) != (kind == PROGRAM_STEPS))
			continue;
		r = graph_for_type(im, t->condition, type, &memo);
		if (r == GREF_FALSE)
			continue;
		ev_set_add(&im->targets[i].types, type);
		*vec_push(out->v, out->n, out->cap) = (struct chosen){ r, (uint32_t)i };
	}
	map_free(&memo);
}

static void code_for(struct coder *c, enum program_kind kind, enum ev_source source, unsigned type)
{
	cleanup(chain_free) struct chain all = { 0 };
	void **slot;

	choose(c->im, kind, source, type, &all);
	if (!all.n)
		return;
	ev_set_add(&c->im->wanted[source], type);
	slot = map_at(&c->by_chain, all.v, all.n * sizeof(*all.v));
	if (!*slot) {
		uint32_t entry = gen_targets(c, &all);

		slot = map_at(&c->by_chain, all.v, all.n * sizeof(*all.v));
		*slot = (void *)(uintptr_t)entry;
	}
	c->im->entry[kind][source][type] = (uint32_t)(uintptr_t)*slot;
}

int code_build(struct image *im, struct err *e)
{
	struct coder c = { .im = im, .e = e };

	emit(&c, (struct insn){ .op = I_END });
	for (enum program_kind kind = 0; kind < PROGRAM_KINDS; kind++)
		for (enum ev_source s = 0; s < EV_SOURCE_COUNT; s++)
			for (unsigned type = 0; type < ev_type_count() && !c.failed; type++)
				code_for(&c, kind, s, type);
	forget(&c);
	map_free(&c.by_chain);
	map_free(&c.who_of);
	if (c.failed)
		return err_set(e, E2BIG, "the rules compile to more than %d instructions",
			       IMAGE_MAX_CODE);
	return 0;
}
