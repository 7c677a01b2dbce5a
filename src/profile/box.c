#include "profile/box.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/region.h"

void boxes_free(struct boxes *s)
{
	free(s->v);
	*s = (struct boxes){ 0 };
}

static void add(struct boxes *s, const struct box *b)
{
	if (s->n == BOX_MAX) {
		s->overflow = true;
		return;
	}
	*vec_push(s->v, s->n, s->cap) = *b;
}

/* Adds lo … hi (both included) of one argument, cut into the largest aligned ranges that fit. */
static void add_range(struct boxes *s, unsigned index, uint64_t lo, uint64_t hi, unsigned bits)
{
	uint64_t all = region_max(bits);

	for (;;) {
		struct box b = { 0 };
		uint64_t low = 0; /* the bits that are free */

		while ((low << 1 | 1) <= all && !(lo & (low << 1 | 1)) &&
		       (low << 1 | 1) <= hi - lo && low != UINT64_MAX)
			low = low << 1 | 1;
		b.mask[index] = all & ~low;
		b.want[index] = lo;
		add(s, &b);
		if (hi - lo <= low)
			return;
		lo += low + 1;
	}
}

static void of_cond(struct boxes *s, const struct sp_cond *c, unsigned bits)
{
	uint64_t all = region_max(bits), v = c->value;
	struct box b = { 0 };

	switch (c->op) {
	case SP_NE:
		if (v > 0)
			add_range(s, c->index, 0, v - 1 < all ? v - 1 : all, bits);
		if (v < all)
			add_range(s, c->index, v + 1, all, bits);
		break;
	case SP_LT:
		if (v > 0)
			add_range(s, c->index, 0, v - 1 < all ? v - 1 : all, bits);
		break;
	case SP_LE:
		add_range(s, c->index, 0, v < all ? v : all, bits);
		break;
	case SP_EQ:
		if (v <= all)
			add_range(s, c->index, v, v, bits);
		break;
	case SP_GE:
		if (v <= all)
			add_range(s, c->index, v, all, bits);
		break;
	case SP_GT:
		if (v < all)
			add_range(s, c->index, v + 1, all, bits);
		break;
	case SP_MASKED_EQ:
		if (c->value2 & ~(v & all))
			break;
		b.mask[c->index] = v & all;
		b.want[c->index] = c->value2;
		add(s, &b);
		break;
	case SP_OP_COUNT:
		break;
	}
}

static bool meet(const struct box *a, const struct box *b)
{
	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		if ((a->want[i] ^ b->want[i]) & a->mask[i] & b->mask[i])
			return false;
	return true;
}

static void intersect(struct boxes *s, const struct boxes *t)
{
	struct boxes out = { .overflow = s->overflow || t->overflow };

	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < t->n; k++) {
			struct box b = s->v[i];

			if (!meet(&b, &t->v[k]))
				continue;
			for (unsigned a = 0; a < SC_MAX_ARGS; a++) {
				b.mask[a] |= t->v[k].mask[a];
				b.want[a] |= t->v[k].want[a];
			}
			add(&out, &b);
		}
	}
	boxes_free(s);
	*s = out;
}

void boxes_of_conds(struct boxes *s, const struct sp_cond *c, size_t n,
		    const unsigned bits[SC_MAX_ARGS])
{
	boxes_free(s);
	add(s, &(struct box){ 0 });
	for (size_t i = 0; i < n; i++) {
		cleanup_boxes struct boxes one = { 0 };

		of_cond(&one, &c[i], bits[c[i].index]);
		intersect(s, &one);
	}
}

/* What is in `a` and not in `b`, cut along the bits that `b` asks for and `a` does not. */
static void cut(struct boxes *out, struct box a, const struct box *b)
{
	for (unsigned i = 0; i < SC_MAX_ARGS; i++) {
		for (uint64_t left = b->mask[i] & ~a.mask[i]; left;) {
			uint64_t bit = UINT64_C(1) << (63 - __builtin_clzll(left));
			struct box piece = a;

			piece.mask[i] |= bit;
			piece.want[i] |= ~b->want[i] & bit;
			add(out, &piece);
			a.mask[i] |= bit;
			a.want[i] |= b->want[i] & bit;
			left &= ~bit;
		}
	}
}

void boxes_append(struct boxes *s, const struct boxes *t)
{
	s->overflow |= t->overflow;
	for (size_t i = 0; i < t->n; i++)
		add(s, &t->v[i]);
}

/* Takes away all values of the box. */
static void subtract(struct boxes *s, const struct box *b)
{
	struct boxes out = { .overflow = s->overflow };
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (meet(&s->v[i], b))
			cut(&out, s->v[i], b);
		else
			s->v[kept++] = s->v[i];
	}
	s->n = kept;
	boxes_append(s, &out);
	boxes_free(&out);
}

void boxes_subtract_all(struct boxes *s, const struct boxes *t)
{
	s->overflow |= t->overflow;
	for (size_t i = 0; i < t->n && s->n && !s->overflow; i++)
		subtract(s, &t->v[i]);
}

bool boxes_meet(const struct boxes *s, const struct boxes *t)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < t->n; k++)
			if (meet(&s->v[i], &t->v[k]))
				return true;
	return false;
}

bool box_is_all(const struct box *b)
{
	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		if (b->mask[i])
			return false;
	return true;
}

size_t box_conds(const struct box *b, struct sp_cond out[SC_MAX_ARGS])
{
	size_t n = 0;

	for (unsigned i = 0; i < SC_MAX_ARGS; i++) {
		if (!b->mask[i])
			continue;
		if (b->mask[i] == UINT64_MAX)
			out[n++] = (struct sp_cond){ (uint8_t)i, SP_EQ, b->want[i], 0 };
		else
			out[n++] = (struct sp_cond){ (uint8_t)i, SP_MASKED_EQ, b->mask[i],
						     b->want[i] };
	}
	return n;
}
