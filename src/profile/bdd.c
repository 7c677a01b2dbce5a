#include "profile/bdd.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

/* bdd_ite() steps per permitted node: the cache forgets, so work needs a limit of its own. */
enum { WORK_PER_NODE = 16, MIN_SLOTS = 4096 };

struct node {
	uint32_t level;	 /* of the variable tested; `levels` for an end */
	uint32_t lo, hi; /* next node for 0 and 1; of an end, lo is the word */
};

struct ite {
	uint32_t c, t, f, result;
};

struct bdd {
	unsigned levels;
	struct node *node;
	size_t n, cap, max, work;
	uint32_t *slot; /* hash table of node numbers + 1 */
	struct ite *cache;
	size_t slots; /* of both tables, a power of two */
	bool failed;
};

struct bdd *bdd_new(unsigned levels, size_t max_nodes)
{
	struct bdd *b = xcalloc(1, sizeof(*b));

	b->levels = levels;
	b->max = max_nodes;
	b->slots = MIN_SLOTS;
	b->slot = xcalloc(b->slots, sizeof(*b->slot));
	b->cache = xcalloc(b->slots, sizeof(*b->cache));
	return b;
}

void bdd_free(struct bdd **b)
{
	if (!*b)
		return;
	free((*b)->node);
	free((*b)->slot);
	free((*b)->cache);
	free(*b);
	*b = NULL;
}

bool bdd_failed(const struct bdd *b)
{
	return b->failed;
}

static size_t hash3(uint32_t x, uint32_t y, uint32_t z)
{
	uint64_t h = x * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ (h >> 29) ^ y) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 32) ^ z) * UINT64_C(0x94d049bb133111eb);
	return (size_t)(h ^ (h >> 31));
}

static uint32_t *find_slot(struct bdd *b, uint32_t level, uint32_t lo, uint32_t hi)
{
	size_t i = hash3(level, lo, hi);

	for (;; i++) {
		uint32_t *s = &b->slot[i & (b->slots - 1)];
		const struct node *n = *s ? &b->node[*s - 1] : NULL;

		if (!n || (n->level == level && n->lo == lo && n->hi == hi))
			return s;
	}
}

static void grow(struct bdd *b)
{
	free(b->slot);
	free(b->cache);
	b->slots *= 2;
	b->slot = xcalloc(b->slots, sizeof(*b->slot));
	b->cache = xcalloc(b->slots, sizeof(*b->cache));
	for (size_t i = 0; i < b->n; i++) {
		const struct node *n = &b->node[i];

		*find_slot(b, n->level, n->lo, n->hi) = (uint32_t)i + 1;
	}
}

static uint32_t make(struct bdd *b, uint32_t level, uint32_t lo, uint32_t hi)
{
	uint32_t *s;

	if (lo == hi && level < b->levels)
		return lo;
	s = find_slot(b, level, lo, hi);
	if (*s)
		return *s - 1;
	if (b->n >= b->max) {
		b->failed = true;
		return 0;
	}
	if (b->n * 2 >= b->slots) {
		grow(b);
		s = find_slot(b, level, lo, hi);
	}
	*vec_push(b->node, b->n, b->cap) = (struct node){ level, lo, hi };
	*s = (uint32_t)b->n;
	return *s - 1;
}

uint32_t bdd_node(struct bdd *b, unsigned level, uint32_t lo, uint32_t hi)
{
	return make(b, level, lo, hi);
}

uint32_t bdd_leaf(struct bdd *b, uint32_t value)
{
	return make(b, b->levels, value, 0);
}

unsigned bdd_level(const struct bdd *b, uint32_t id)
{
	return b->node[id].level;
}

bool bdd_is_leaf(const struct bdd *b, uint32_t id)
{
	return b->node[id].level == b->levels;
}

uint32_t bdd_word(const struct bdd *b, uint32_t leaf)
{
	return b->node[leaf].lo;
}

static void collect_words(const struct bdd *b, uint32_t id, uint8_t *seen, uint32_t *words,
			  size_t *n, size_t max)
{
	uint8_t bit = (uint8_t)(1u << id % 8);

	if (*n == max || (seen[id / 8] & bit))
		return;
	seen[id / 8] |= bit;
	if (bdd_is_leaf(b, id)) {
		words[(*n)++] = b->node[id].lo;
		return;
	}
	collect_words(b, b->node[id].lo, seen, words, n, max);
	collect_words(b, b->node[id].hi, seen, words, n, max);
}

size_t bdd_words(const struct bdd *b, uint32_t id, uint32_t *words, size_t max)
{
	cleanup_free uint8_t *seen = xcalloc(b->n / 8 + 1, 1);
	size_t n = 0;

	collect_words(b, id, seen, words, &n, max);
	return n;
}

uint32_t bdd_child(const struct bdd *b, uint32_t id, unsigned level, bool bit)
{
	const struct node *n = &b->node[id];

	if (n->level != level)
		return id;
	return bit ? n->hi : n->lo;
}

/* The entry of the cache for this step; NULL when the work is used up. */
static struct ite *look_up(struct bdd *b, uint32_t c, uint32_t t, uint32_t f)
{
	struct ite *hit = &b->cache[hash3(c, t, f) & (b->slots - 1)];

	if ((hit->c == c && hit->t == t && hit->f == f) || b->work++ <= b->max * WORK_PER_NODE)
		return hit;
	b->failed = true;
	return NULL;
}

static uint32_t keep(struct bdd *b, uint32_t c, uint32_t t, uint32_t f, uint32_t result)
{
	b->cache[hash3(c, t, f) & (b->slots - 1)] = (struct ite){ c, t, f, result };
	return result;
}

uint32_t bdd_ite(struct bdd *b, uint32_t c, uint32_t t, uint32_t f)
{
	uint32_t level, lo, hi;
	struct ite *hit;

	if (b->failed || t == f)
		return t;
	if (b->node[c].level == b->levels)
		return b->node[c].lo ? t : f;
	/* An empty entry never looks like this one: c is no end, and t and f differ. */
	hit = look_up(b, c, t, f);
	if (!hit)
		return 0;
	if (hit->c == c && hit->t == t && hit->f == f)
		return hit->result;
	level = b->node[c].level;
	level = b->node[t].level < level ? b->node[t].level : level;
	level = b->node[f].level < level ? b->node[f].level : level;
	lo = bdd_ite(b, bdd_child(b, c, level, false), bdd_child(b, t, level, false),
		     bdd_child(b, f, level, false));
	hi = bdd_ite(b, bdd_child(b, c, level, true), bdd_child(b, t, level, true),
		     bdd_child(b, f, level, true));
	return keep(b, c, t, f, make(b, level, lo, hi));
}

uint32_t bdd_apply(struct bdd *b, const struct bdd_op *op, uint32_t x, uint32_t y)
{
	uint32_t tag = UINT32_MAX - op->id; /* no node has this number */
	uint32_t level, lo, hi;
	struct ite *hit;

	if (b->failed)
		return 0;
	level = b->node[x].level < b->node[y].level ? b->node[x].level : b->node[y].level;
	if (level == b->levels)
		return bdd_leaf(b, op->of(b->node[x].lo, b->node[y].lo));
	hit = look_up(b, tag, x, y);
	if (!hit)
		return 0;
	if (hit->c == tag && hit->t == x && hit->f == y)
		return hit->result;
	lo = bdd_apply(b, op, bdd_child(b, x, level, false), bdd_child(b, y, level, false));
	hi = bdd_apply(b, op, bdd_child(b, x, level, true), bdd_child(b, y, level, true));
	return keep(b, tag, x, y, make(b, level, lo, hi));
}

uint32_t bdd_eq(struct bdd *b, unsigned level, unsigned bits, uint64_t mask, uint64_t k)
{
	uint32_t no = bdd_leaf(b, 0), at = bdd_leaf(b, 1);

	if (k & ~mask)
		return no;
	for (unsigned i = 0; i < bits; i++) {
		uint64_t bit = UINT64_C(1) << i;
		uint32_t l = level + bits - 1 - i;

		if (mask & bit)
			at = k & bit ? make(b, l, no, at) : make(b, l, at, no);
	}
	return bits < 64 && k >> bits ? no : at;
}

uint32_t bdd_ge(struct bdd *b, unsigned level, unsigned bits, uint64_t mask, uint64_t k)
{
	uint32_t no = bdd_leaf(b, 0), yes = bdd_leaf(b, 1), at = yes;

	for (unsigned i = 0; i < bits; i++) {
		uint64_t bit = UINT64_C(1) << i;
		uint32_t l = level + bits - 1 - i;

		if (mask & bit)
			at = k & bit ? make(b, l, no, at) : make(b, l, at, yes);
		else if (k & bit)
			at = no;
	}
	return bits < 64 && k >> bits ? no : at;
}

void bdd_difference(const struct bdd *b, uint32_t x, uint32_t y, bool *value)
{
	memset(value, 0, b->levels * sizeof(*value));
	for (;;) {
		uint32_t level = b->node[x].level < b->node[y].level ? b->node[x].level
								     : b->node[y].level;

		if (x == y || level == b->levels)
			return;
		value[level] = bdd_child(b, x, level, false) == bdd_child(b, y, level, false);
		x = bdd_child(b, x, level, value[level]);
		y = bdd_child(b, y, level, value[level]);
	}
}
