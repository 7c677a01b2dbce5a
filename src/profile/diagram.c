/*
 * Two ways to a diagram: of what a profile means, built straight from its rules, and of what a
 * program does, found by following every path with the condition under which it is taken.
 */
#include "profile/diagram.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/mem.h"

enum {
	WORDS = sizeof(struct seccomp_data) / 4,
	MAX_NODES = 1 << 19,
	MAX_POINTS = 1 << 18, /* of a program: its instructions, times what registers hold there */
	W_NR = 0,
	W_ARCH = 1,
	W_ARG0 = 4,
};

struct bdd *diagram_new(void)
{
	return bdd_new(DIAGRAM_LEVELS, MAX_NODES);
}

/* Where word i of struct seccomp_data stands among the variables: arch, nr, arguments, pointer. */
static const uint8_t ranks[WORDS] = { 1, 0, 15, 14, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12 };

static unsigned level_of(unsigned word)
{
	return ranks[word] * 32u;
}

/* The condition at the width of the argument. The high word of an argument stands before the low.
 */
static uint32_t mean_cond(struct bdd *b, const struct sp_cond *c, unsigned bits)
{
	unsigned level = level_of(W_ARG0 + 2u * c->index) + 32 - bits;
	uint32_t yes = bdd_leaf(b, 1), no = bdd_leaf(b, 0);
	uint64_t v = c->value;

	if (bits == 64)
		level = level_of(W_ARG0 + 2u * c->index + 1);
	switch (c->op) {
	case SP_EQ:
		return bdd_eq(b, level, bits, UINT64_MAX, v);
	case SP_NE:
		return bdd_ite(b, bdd_eq(b, level, bits, UINT64_MAX, v), no, yes);
	case SP_GE:
		return bdd_ge(b, level, bits, UINT64_MAX, v);
	case SP_LT:
		return bdd_ite(b, bdd_ge(b, level, bits, UINT64_MAX, v), no, yes);
	case SP_GT:
		return v == UINT64_MAX ? no : bdd_ge(b, level, bits, UINT64_MAX, v + 1);
	case SP_LE:
		return v == UINT64_MAX
			       ? yes
			       : bdd_ite(b, bdd_ge(b, level, bits, UINT64_MAX, v + 1), no, yes);
	case SP_MASKED_EQ:
		return bdd_eq(b, level, bits, v, c->value2);
	case SP_OP_COUNT:
		break;
	}
	return no;
}

static uint32_t mean_ret(struct bdd *b, struct sp_ret r)
{
	return bdd_leaf(b, sp_ret_word(r));
}

/* From lax to strict, and those without conditions first: each rule overrides what came before. */
static int override_cmp(const void *pa, const void *pb)
{
	const struct sp_rule *a = *(const struct sp_rule *const *)pa;
	const struct sp_rule *b = *(const struct sp_rule *const *)pb;

	if (!a->conds_n != !b->conds_n)
		return a->conds_n ? 1 : -1;
	return sp_ret_cmp(b->ret, a->ret);
}

uint32_t diagram_of_rule(struct bdd *b, const struct sp_rule *r, enum sc_abi abi,
			 const struct sc_desc *d)
{
	uint32_t no = bdd_leaf(b, 0), all = bdd_leaf(b, 1);

	for (size_t i = 0; i < r->conds_n && !bdd_failed(b); i++)
		all = bdd_ite(b, mean_cond(b, &r->conds[i], sp_arg_bits(abi, d, r->conds[i].index)),
			      all, no);
	return all;
}

static uint32_t mean_call(struct bdd *b, const struct sp_profile *p, enum sc_abi abi,
			  const struct sp_call *call)
{
	cleanup_free const struct sp_rule **rule = xcalloc(call->n, sizeof(struct sp_rule *));
	uint32_t m = mean_ret(b, p->deflt);

	memcpy(rule, call->rule, call->n * sizeof(*rule));
	qsort(rule, call->n, sizeof(*rule), override_cmp);
	for (size_t i = 0; i < call->n && !bdd_failed(b); i++) {
		m = bdd_ite(b, diagram_of_rule(b, rule[i], abi, call->desc),
			    mean_ret(b, rule[i]->ret), m);
	}
	return m;
}

/* Calls `n` from `c` on, whose numbers differ only in the lowest `bits` bits, and all others there.
 */
static uint32_t mean_numbers(struct bdd *b, const struct sp_call *c, const uint32_t *mean, size_t n,
			     unsigned bits, uint32_t deflt)
{
	size_t below = 0;
	uint32_t bit;

	if (!n || bdd_failed(b))
		return deflt;
	if (!bits)
		return *mean;
	bit = UINT32_C(1) << (bits - 1);
	while (below < n && !(c[below].nr & bit))
		below++;
	return bdd_node(b, level_of(W_NR) + 32 - bits,
			mean_numbers(b, c, mean, below, bits - 1, deflt),
			mean_numbers(b, c + below, mean + below, n - below, bits - 1, deflt));
}

/* All numbers of an ABI; `high` is set in those of x32. */
static uint32_t mean_abi(struct bdd *b, const struct sp_profile *p, enum sc_abi abi, uint32_t high)
{
	cleanup_sp_calls struct sp_calls calls = { 0 };
	cleanup_free uint32_t *mean = NULL;
	uint32_t deflt = mean_ret(b, p->deflt), m;

	if (!p->abi[abi])
		return mean_ret(b, p->bad_arch);
	sp_calls_init(&calls, p, abi);
	mean = xcalloc(calls.n + 1, sizeof(*mean));
	for (size_t i = 0; i < calls.n && !bdd_failed(b); i++)
		mean[i] = mean_call(b, p, abi, &calls.call[i]);
	m = mean_numbers(b, calls.call, mean, calls.n, 16, deflt);
	for (unsigned bits = 16; bits < 32 && !bdd_failed(b); bits++)
		m = high >> bits & 1 ? bdd_node(b, level_of(W_NR) + 31 - bits, deflt, m)
				     : bdd_node(b, level_of(W_NR) + 31 - bits, m, deflt);
	return m;
}

static uint32_t mean_x86_64(struct bdd *b, const struct sp_profile *p)
{
	uint32_t is_x32 = bdd_eq(b, level_of(W_NR), 32, SC_X32_BIT, SC_X32_BIT);
	uint32_t m = bdd_ite(b, is_x32, mean_abi(b, p, SC_X32, SC_X32_BIT),
			     mean_abi(b, p, SC_X86_64, 0));

	return bdd_ite(b, bdd_eq(b, level_of(W_NR), 32, UINT32_MAX, UINT32_MAX),
		       mean_ret(b, p->deflt), m);
}

uint32_t diagram_of_profile(struct bdd *b, const struct sp_profile *p)
{
	uint32_t m = mean_ret(b, p->bad_arch);

	for (unsigned i = 0; i < SC_ABI_COUNT; i++) {
		enum sc_abi abi = (enum sc_abi)i;

		if (abi == SC_X32 || (!p->abi[abi] && !(abi == SC_X86_64 && p->abi[SC_X32])))
			continue;
		m = bdd_ite(b, bdd_eq(b, level_of(W_ARCH), 32, UINT32_MAX, sc_abi_audit_arch(abi)),
			    abi == SC_X86_64 ? mean_x86_64(b, p) : mean_abi(b, p, abi, 0), m);
	}
	return m;
}

/* What the accumulator holds: (word & mask), or with word == WORDS the constant `mask`. */
struct acc {
	uint32_t word, mask;
};

struct walk {
	struct bdd *b;
	const struct sp_filter *f;
	struct map seen; /* struct point -> diagram + 1 */
	bool unsupported;
};

/* A place in the program and all that the rest of it depends on. */
struct point {
	uint32_t pc;
	struct acc a;
};

static uint32_t walk_from(struct walk *w, struct point at);

static bool jump_taken(uint16_t op, uint32_t a, uint32_t k)
{
	return op == BPF_JEQ   ? a == k
	       : op == BPF_JGT ? a > k
	       : op == BPF_JGE ? a >= k
			       : (a & k) != 0;
}

/* The condition under which the jump is taken. */
static uint32_t jump_cond(struct walk *w, const struct sock_filter *i, struct acc a)
{
	unsigned level = a.word < WORDS ? level_of(a.word) : 0;
	uint32_t yes = bdd_leaf(w->b, 1), no = bdd_leaf(w->b, 0);

	if (a.word == WORDS)
		return jump_taken(BPF_OP(i->code), a.mask, i->k) ? yes : no;
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return bdd_eq(w->b, level, 32, a.mask, i->k);
	case BPF_JGE:
		return bdd_ge(w->b, level, 32, a.mask, i->k);
	case BPF_JGT:
		return i->k == UINT32_MAX ? no : bdd_ge(w->b, level, 32, a.mask, i->k + 1u);
	default: /* BPF_JSET */
		return bdd_ite(w->b, bdd_eq(w->b, level, 32, a.mask & i->k, 0), no, yes);
	}
}

static uint32_t walk_jump(struct walk *w, const struct sock_filter *i, struct point at)
{
	uint32_t t, f;

	if (BPF_OP(i->code) == BPF_JA)
		return walk_from(w, (struct point){ at.pc + 1 + i->k, at.a });
	t = walk_from(w, (struct point){ at.pc + 1u + i->jt, at.a });
	f = walk_from(w, (struct point){ at.pc + 1u + i->jf, at.a });
	return bdd_ite(w->b, jump_cond(w, i, at.a), t, f);
}

static uint32_t walk_insn(struct walk *w, struct point at)
{
	const struct sock_filter *i = &w->f->insn[at.pc];

	switch (i->code) {
	case BPF_RET | BPF_K:
		return bdd_leaf(w->b, sp_ret_word(sp_ret_of_word(i->k)));
	case BPF_LD | BPF_W | BPF_ABS:
		return walk_from(w, (struct point){ at.pc + 1, { i->k / 4, UINT32_MAX } });
	case BPF_LD | BPF_IMM:
		return walk_from(w, (struct point){ at.pc + 1, { WORDS, i->k } });
	case BPF_ALU | BPF_AND | BPF_K:
		return walk_from(w, (struct point){ at.pc + 1, { at.a.word, at.a.mask & i->k } });
	}
	if (BPF_CLASS(i->code) == BPF_JMP && BPF_SRC(i->code) == BPF_K)
		return walk_jump(w, i, at);
	w->unsupported = true;
	return bdd_leaf(w->b, 0);
}

/* The diagram of the program from this point on. Depth: jumps only go forward. */
static uint32_t walk_from(struct walk *w, struct point at)
{
	uint32_t result;
	void **slot;

	if (w->unsupported || bdd_failed(w->b))
		return 0;
	slot = map_find(&w->seen, &at, sizeof(at));
	if (slot)
		return (uint32_t)((uintptr_t)*slot - 1);
	if (w->seen.n >= MAX_POINTS) {
		w->unsupported = true;
		return 0;
	}
	result = walk_insn(w, at);
	*map_at(&w->seen, &at, sizeof(at)) = (void *)((uintptr_t)result + 1);
	return result;
}

bool diagram_of_filter(struct bdd *b, const struct sp_filter *f, uint32_t *out)
{
	struct walk w = { .b = b, .f = f };

	*out = walk_from(&w, (struct point){ 0, { WORDS, 0 } });
	map_free(&w.seen);
	return !w.unsupported && !bdd_failed(b);
}

static uint32_t stricter_word(uint32_t x, uint32_t y)
{
	return sp_ret_of_word(y).action < sp_ret_of_word(x).action ? y : x;
}

uint32_t diagram_stricter(struct bdd *b, uint32_t x, uint32_t y)
{
	static const struct bdd_op op = { DIAGRAM_OP_STRICTER, stricter_word };

	return bdd_apply(b, &op, x, y);
}

uint32_t diagram_at(const struct bdd *b, uint32_t node, uint32_t arch, uint32_t nr)
{
	for (unsigned i = 0; i < 64; i++) {
		uint32_t word = i < 32 ? arch : nr;

		node = bdd_child(b, node, i, word >> (31 - i % 32) & 1);
	}
	return node;
}

void diagram_call(const bool *value, struct seccomp_data *sd)
{
	uint32_t word[WORDS] = { 0 };

	for (unsigned w = 0; w < WORDS; w++)
		for (unsigned i = 0; i < 32; i++)
			word[w] |= (uint32_t)value[level_of(w) + i] << (31 - i);
	memcpy(sd, word, sizeof(*sd));
}
