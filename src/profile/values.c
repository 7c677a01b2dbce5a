#include "profile/values.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "model/constants.h"
#include "profile/diagram.h"
#include "profile/region.h"

enum { MAX_RANGES = 12, MAX_CUBES = 6, MAX_NODES = 20000 };

/* The values with (x & mask) == want. */
struct cube {
	uint64_t mask, want;
};

/* A search through the part of the diagram that tests this argument. */
struct search {
	const struct bdd *b;
	unsigned end, bits; /* variables before `end`, of which so many count */
	uint32_t target;
	bool invert;	  /* those that do not lead to `target` */
	struct map kinds; /* node -> HITS, MISSES */
	struct span range[MAX_RANGES];
	size_t ranges;
	struct cube cube[MAX_CUBES];
	size_t cubes;
	bool overflow;
};

static unsigned base_of(const struct values *v)
{
	return DIAGRAM_ARG(v->arg);
}

static bool outside(const struct search *s, uint32_t node)
{
	return bdd_level(s->b, node) >= s->end;
}

static bool hit(const struct search *s, uint32_t node)
{
	return (node == s->target) != s->invert;
}

enum { HITS = 1, MISSES = 2 };

/* Which kinds of values there are below this node. */
static unsigned kinds(struct search *s, uint32_t node)
{
	unsigned level = bdd_level(s->b, node), k;
	void **slot;

	if (outside(s, node))
		return hit(s, node) ? HITS : MISSES;
	slot = map_find(&s->kinds, &node, sizeof(node));
	if (slot)
		return (unsigned)(uintptr_t)*slot;
	k = kinds(s, bdd_child(s->b, node, level, false)) |
	    kinds(s, bdd_child(s->b, node, level, true));
	*map_at(&s->kinds, &node, sizeof(node)) = (void *)(uintptr_t)k;
	return k;
}

static void put_range(struct search *s, uint64_t lo, uint64_t hi)
{
	if (s->ranges && s->range[s->ranges - 1].hi + 1 == lo)
		s->range[s->ranges - 1].hi = hi;
	else if (s->ranges < MAX_RANGES)
		s->range[s->ranges++] = (struct span){ lo, hi };
	else
		s->overflow = true;
}

/* The wanted values whose bits above the `left` lowest are those of `prefix`, ascending. */
static void find_ranges(struct search *s, uint32_t node, unsigned left, uint64_t prefix)
{
	unsigned level = s->end - left, k = kinds(s, node);

	if (k == HITS)
		put_range(s, prefix, prefix | region_max(left));
	if (s->overflow || k != (HITS | MISSES))
		return;
	find_ranges(s, bdd_child(s->b, node, level, false), left - 1, prefix);
	find_ranges(s, bdd_child(s->b, node, level, true), left - 1,
		    prefix | UINT64_C(1) << (left - 1));
}

static void find_cubes(struct search *s, uint32_t node, struct cube c)
{
	unsigned level = bdd_level(s->b, node), k = kinds(s, node);
	uint64_t bit;

	if (k == HITS && s->cubes < MAX_CUBES)
		s->cube[s->cubes++] = c;
	else if (k == HITS)
		s->overflow = true;
	if (s->overflow || k != (HITS | MISSES))
		return;
	bit = UINT64_C(1) << (s->end - 1 - level);
	c.mask |= bit;
	find_cubes(s, bdd_child(s->b, node, level, false), c);
	c.want |= bit;
	find_cubes(s, bdd_child(s->b, node, level, true), c);
}

/* The width at which the values are told: that of the argument, unless bits above it count. */
static unsigned width(const struct values *v)
{
	unsigned end = base_of(v) + 64, used = end - bdd_level(v->b, v->node);
	unsigned bits = v->d ? sp_arg_bits(v->abi, v->d, v->arg) : 64;

	return used <= bits ? bits : 64;
}

static void search_begin(struct search *s, const struct values *v, uint32_t next, bool invert)
{
	*s = (struct search){ .b = v->b, .target = next, .invert = invert };
	s->end = base_of(v) + 64;
	s->bits = width(v);
}

static bool collect(const struct values *v, uint32_t node, struct map *seen, uint32_t *next,
		    size_t *n)
{
	unsigned level = bdd_level(v->b, node);
	void **slot = map_at(seen, &node, sizeof(node));

	if (*slot)
		return true;
	*slot = seen;
	if (level >= base_of(v) + 64) {
		if (*n == VALUES_MAX_NEXT)
			return false;
		next[(*n)++] = node;
		return true;
	}
	return seen->n < MAX_NODES &&
	       collect(v, bdd_child(v->b, node, level, false), seen, next, n) &&
	       collect(v, bdd_child(v->b, node, level, true), seen, next, n);
}

bool values_next(const struct values *v, uint32_t next[VALUES_MAX_NEXT], size_t *n)
{
	struct map seen = { 0 };
	bool ok;

	*n = 0;
	ok = collect(v, v->node, &seen, next, n);
	map_free(&seen);
	return ok;
}

static void put_name(const struct values *v, struct buf *out)
{
	const struct sc_arg *args;
	unsigned n = 0;

	if (v->arg == SC_MAX_ARGS) {
		buf_puts(out, "the instruction pointer");
		return;
	}
	args = v->d ? sc_args(v->d, v->abi, &n) : NULL;
	if (v->arg < n)
		buf_puts(out, args[v->arg].name);
	else
		buf_printf(out, "argument %u", v->arg);
}

static void put_value(const struct values *v, uint64_t value, struct buf *out)
{
	if (v->arg < SC_MAX_ARGS)
		const_arg(v->d, v->abi, v->arg, value, v->before, out);
	else
		buf_printf(out, "0x%" PRIx64, value);
}

static void put_span(const struct values *v, const struct span *s, uint64_t max, struct buf *out)
{
	if (s->lo == s->hi) {
		put_value(v, s->lo, out);
	} else if (s->lo == 0) {
		buf_puts(out, "at most ");
		put_value(v, s->hi, out);
	} else if (s->hi == max) {
		buf_puts(out, "at least ");
		put_value(v, s->lo, out);
	} else {
		put_value(v, s->lo, out);
		buf_puts(out, s->hi == s->lo + 1 ? " or " : " to ");
		put_value(v, s->hi, out);
	}
}

static void put_ranges(const struct values *v, const struct search *s, struct buf *out)
{
	put_name(v, out);
	buf_puts(out, s->invert	      ? s->ranges > 1 ? " is none of " : " is not "
		      : s->ranges > 1 ? " is one of "
				      : " is ");
	for (size_t i = 0; i < s->ranges; i++) {
		buf_puts(out, i ? ", " : "");
		put_span(v, &s->range[i], region_max(s->bits), out);
	}
}

/* A mask as "without" when it leaves out a few bits only: type without SOCK_CLOEXEC. */
static void put_cube(const struct values *v, const struct cube *c, unsigned bits, bool invert,
		     struct buf *out)
{
	uint64_t free = region_max(bits) & ~c->mask;

	if (!free) {
		put_name(v, out);
	} else if (__builtin_popcountll(free) <= 4) {
		put_name(v, out);
		buf_puts(out, " without ");
		put_value(v, free, out);
	} else {
		buf_putc(out, '(');
		put_name(v, out);
		buf_puts(out, " & ");
		put_value(v, c->mask, out);
		buf_putc(out, ')');
	}
	buf_puts(out, invert ? " is not " : " is ");
	if (c->want)
		put_value(v, c->want, out);
	else
		buf_putc(out, '0');
}

static void put_cubes(const struct values *v, const struct search *s, struct buf *out)
{
	for (size_t i = 0; i < s->cubes; i++) {
		buf_puts(out, !i ? "" : s->invert ? " and " : " or ");
		put_cube(v, &s->cube[i], s->bits, s->invert, out);
	}
}

/* Whether a mask takes bits out of a name: "AF_INET without the bit 8" says nothing to people. */
static bool splits_name(const struct values *v, const struct search *s)
{
	uint64_t bits = v->d && v->arg < SC_MAX_ARGS ? const_enum_bits(v->d, v->arg) : 0;
	bool split = false;

	bits &= region_max(s->bits);
	for (size_t i = 0; i < s->cubes; i++)
		split |= (s->cube[i].mask & bits) && (bits & ~s->cube[i].mask);
	return split;
}

/* The four ways to say it, and what each costs; the cheapest wins, of equal ones the first. */
static size_t cost(const struct values *v, const struct search *s, bool cubes)
{
	size_t n = cubes ? s->cubes : s->ranges;

	if (s->overflow)
		return SIZE_MAX;
	if (cubes && splits_name(v, s))
		n += MAX_RANGES;
	return 2 * n + (s->invert ? 1 : 0);
}

bool values_text(const struct values *v, uint32_t next, struct buf *out, bool *single,
		 uint64_t *value)
{
	struct search s[4];
	size_t best = 0;

	for (size_t i = 0; i < ARRAY_SIZE(s); i++) {
		search_begin(&s[i], v, next, i % 2);
		if (i < 2)
			find_ranges(&s[i], v->node, s[i].bits, 0);
		else
			find_cubes(&s[i], v->node, (struct cube){ 0 });
		map_free(&s[i].kinds);
		if (cost(v, &s[i], i >= 2) < cost(v, &s[best], best >= 2))
			best = i;
	}
	*single = !s[0].overflow && s[0].ranges == 1 && s[0].range[0].lo == s[0].range[0].hi;
	*value = *single ? s[0].range[0].lo : 0;
	if (cost(v, &s[best], best >= 2) == SIZE_MAX)
		return false;
	if (best < 2)
		put_ranges(v, &s[best], out);
	else
		put_cubes(v, &s[best], out);
	if (s[0].bits > (v->d && v->arg < SC_MAX_ARGS ? sp_arg_bits(v->abi, v->d, v->arg) : 64))
		buf_puts(out, " (compared as 64 bits)");
	return true;
}
