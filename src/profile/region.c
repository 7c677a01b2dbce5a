#include "profile/region.h"

#include <string.h>

uint64_t region_max(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

void region_full(struct region *r, unsigned bits)
{
	r->mask = 0;
	r->want = 0;
	r->n = 1;
	r->s[0] = (struct span){ 0, region_max(bits) };
}

/* The smallest y >= x with (y & mask) == want; false when there is none. */
static bool next_match(uint64_t x, uint64_t mask, uint64_t want, uint64_t *y)
{
	uint64_t diff = (x ^ want) & mask, up, bit;

	if (!diff) {
		*y = x;
		return true;
	}
	bit = UINT64_C(1) << (63 - __builtin_clzll(diff));
	if (want & bit) { /* x has 0 there: all bits above stay, all below are free */
		*y = (x & ~(bit | (bit - 1))) | (want & (bit | (bit - 1)));
		return true;
	}
	/* x has 1 where 0 is wanted: the lowest free 0 bit of x above must become 1. */
	up = ~x & ~mask & ~(bit | (bit - 1));
	if (!up)
		return false;
	bit = up & -up;
	*y = (x & ~(bit - 1)) | bit | (want & (bit - 1));
	return true;
}

static bool span_first(const struct region *r, uint64_t lo, uint64_t hi, uint64_t *v)
{
	return lo <= hi && next_match(lo, r->mask, r->want, v) && *v <= hi;
}

bool region_first(const struct region *r, uint64_t *v)
{
	for (size_t i = 0; i < r->n; i++)
		if (span_first(r, r->s[i].lo, r->s[i].hi, v))
			return true;
	return false;
}

bool region_empty(const struct region *r)
{
	uint64_t v;

	return !region_first(r, &v);
}

bool region_cut(struct region *r, const struct span *s, size_t n)
{
	struct span out[REGION_SPANS];
	size_t len = 0, i = 0, j = 0;

	while (i < r->n && j < n) {
		uint64_t lo = r->s[i].lo > s[j].lo ? r->s[i].lo : s[j].lo;
		uint64_t hi = r->s[i].hi < s[j].hi ? r->s[i].hi : s[j].hi;

		if (lo <= hi) {
			if (len == REGION_SPANS)
				return false;
			out[len++] = (struct span){ lo, hi };
		}
		if (r->s[i].hi < s[j].hi)
			i++;
		else
			j++;
	}
	memcpy(r->s, out, len * sizeof(*out));
	r->n = len;
	return true;
}

void region_bits(struct region *r, uint64_t mask, uint64_t want)
{
	if ((want & ~mask) || ((r->want ^ want) & r->mask & mask)) {
		r->n = 0;
		return;
	}
	r->mask |= mask;
	r->want |= want;
}

/* Removes the one value v. */
static void cut_value(struct region *r, uint64_t v)
{
	struct span s[2];
	size_t n = 0;

	if (v > 0)
		s[n++] = (struct span){ 0, v - 1 };
	if (v < UINT64_MAX)
		s[n++] = (struct span){ v + 1, UINT64_MAX };
	region_cut(r, s, n);
}

static void cut_range(struct region *r, uint64_t lo, uint64_t hi)
{
	region_cut(r, &(struct span){ lo, hi }, 1);
}

void region_cond(struct region *r, const struct sp_cond *c, unsigned bits)
{
	uint64_t v = c->value;

	switch (c->op) {
	case SP_NE:
		cut_value(r, v);
		return;
	case SP_LT:
		if (v == 0)
			r->n = 0;
		else
			cut_range(r, 0, v - 1);
		return;
	case SP_LE:
		cut_range(r, 0, v);
		return;
	case SP_EQ:
		cut_range(r, v, v);
		return;
	case SP_GE:
		cut_range(r, v, UINT64_MAX);
		return;
	case SP_GT:
		if (v == UINT64_MAX)
			r->n = 0;
		else
			cut_range(r, v + 1, UINT64_MAX);
		return;
	case SP_MASKED_EQ:
		if (c->value2 & ~v)
			r->n = 0;
		else
			region_bits(r, v & region_max(bits), c->value2);
		return;
	case SP_OP_COUNT:
		break;
	}
	r->n = 0;
}

bool region_meets(const struct region *r, const struct span *s, size_t n)
{
	size_t i = 0, j = 0;
	uint64_t v;

	while (i < r->n && j < n) {
		uint64_t lo = r->s[i].lo > s[j].lo ? r->s[i].lo : s[j].lo;
		uint64_t hi = r->s[i].hi < s[j].hi ? r->s[i].hi : s[j].hi;

		if (span_first(r, lo, hi, &v))
			return true;
		if (r->s[i].hi < s[j].hi)
			i++;
		else
			j++;
	}
	return false;
}

bool region_leaves(const struct region *r, const struct span *s, size_t n)
{
	size_t j = 0;
	uint64_t v;

	for (size_t i = 0; i < r->n; i++) {
		uint64_t lo = r->s[i].lo;
		bool done = false;

		while (j < n && s[j].hi < lo)
			j++;
		for (size_t k = j; k < n && s[k].lo <= r->s[i].hi && !done; k++) {
			if (s[k].lo > lo && span_first(r, lo, s[k].lo - 1, &v))
				return true;
			done = s[k].hi >= r->s[i].hi;
			lo = s[k].hi + 1;
		}
		if (!done && span_first(r, lo, r->s[i].hi, &v))
			return true;
	}
	return false;
}
