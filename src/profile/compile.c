/*
 * From rules to a decision graph. For each call: its conditional rules, brought to a normal form
 * (one set of ranges and one set of bits per argument), sorted from strict to lax, equal ones
 * joined; then one test after the other, where every edge skips the tests whose answer is already
 * known on it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/code.h"
#include "profile/region.h"

enum {
	/* Rules after which no more is learnt from the fact that all before did not match. */
	MAX_BASES = 64,
	/* Conditions looked at for one filter: some seconds; then the profile is too large. */
	MAX_STEPS = 20000000,
	/*
	 * Weights without a list of frequencies, and what they are multiplied with when there is
	 * one: since Linux 5.11 the filter does not run for calls that are always allowed.
	 */
	WEIGHT_ALLOWED = 1,
	WEIGHT_OTHER = 8,
};

/* A condition on one argument: in one of the spans, or, with n == 0, (x & mask) == want. */
struct conj {
	unsigned arg;
	const struct span *s;
	size_t n;
	uint64_t mask, want;
};

struct item {
	struct conj c[2 * SC_MAX_ARGS]; /* by ascending argument, spans before bits */
	size_t n;
	struct sp_ret ret;
};

/* What is known about the arguments. */
struct facts {
	struct region arg[SC_MAX_ARGS];
};

/* The rules of one call. */
struct leaf {
	struct code *code;
	struct arena arena;
	unsigned bits[SC_MAX_ARGS]; /* width of each argument */
	struct item *item;
	size_t n, cap;
	uint32_t otherwise;	   /* node when no item matches */
	const struct facts **base; /* of each item: what holds when no earlier one matched */
	uint32_t (*node)[2 * SC_MAX_ARGS]; /* of item i, condition j */
};

static void leaf_free(struct leaf *l)
{
	free(l->item);
	free(l->base);
	free(l->node);
	arena_free(&l->arena);
}

static void add_conj(struct leaf *l, struct item *it, unsigned arg, const struct region *r)
{
	bool single = r->n == 1 && r->s[0].lo == r->s[0].hi;

	if (r->n != 1 || r->s[0].lo != 0 || r->s[0].hi != region_max(l->bits[arg])) {
		struct span *s = arena_alloc(&l->arena, r->n * sizeof(*s));

		memcpy(s, r->s, r->n * sizeof(*s));
		it->c[it->n++] = (struct conj){ .arg = arg, .s = s, .n = r->n };
	}
	if (r->mask && !single)
		it->c[it->n++] = (struct conj){ .arg = arg, .mask = r->mask, .want = r->want };
}

/* Adds the rule's normal form; one that can never match is left out. */
static void add_item(struct leaf *l, const struct sp_rule *rule)
{
	struct item it = { .ret = rule->ret };
	struct region r;

	for (unsigned arg = 0; arg < SC_MAX_ARGS; arg++) {
		region_full(&r, l->bits[arg]);
		for (size_t i = 0; i < rule->conds_n; i++)
			if (rule->conds[i].index == arg)
				region_cond(&r, &rule->conds[i], l->bits[arg]);
		if (region_empty(&r))
			return;
		add_conj(l, &it, arg, &r);
	}
	*vec_push(l->item, l->n, l->cap) = it;
}

static int u64_cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int conj_cmp(const struct conj *a, const struct conj *b)
{
	int c = u64_cmp(a->arg, b->arg);

	if (c == 0)
		c = u64_cmp(!a->n, !b->n);
	if (c == 0 && !a->n) {
		c = u64_cmp(a->mask, b->mask);
		return c ? c : u64_cmp(a->want, b->want);
	}
	for (size_t i = 0; c == 0 && i < a->n && i < b->n; i++) {
		c = u64_cmp(a->s[i].lo, b->s[i].lo);
		if (c == 0)
			c = u64_cmp(a->s[i].hi, b->s[i].hi);
	}
	return c ? c : u64_cmp(a->n, b->n);
}

static int item_cmp(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int c = sp_ret_cmp(a->ret, b->ret);

	for (size_t i = 0; c == 0 && i < a->n && i < b->n; i++)
		c = conj_cmp(&a->c[i], &b->c[i]);
	return c ? c : u64_cmp(a->n, b->n);
}

static int span_cmp(const void *pa, const void *pb)
{
	const struct span *a = pa, *b = pb;

	return u64_cmp(a->lo, b->lo);
}

/*
 * The one condition in which the items differ, when joining the spans of its two forms gives an
 * item that matches what either matches: same verdict, spans of the same argument. Else -1.
 */
static int joint(const struct item *a, const struct item *b)
{
	int at = -1;

	if (a->n != b->n || sp_ret_cmp(a->ret, b->ret))
		return -1;
	for (size_t i = 0; i < a->n; i++) {
		if (!conj_cmp(&a->c[i], &b->c[i]))
			continue;
		if (at >= 0 || a->c[i].arg != b->c[i].arg || !a->c[i].n || !b->c[i].n)
			return -1;
		at = (int)i;
	}
	return at;
}

/* Sorts the spans and joins those that touch; returns how many are left. */
static size_t join_spans(struct span *s, size_t n)
{
	size_t len = 0;

	qsort(s, n, sizeof(*s), span_cmp);
	for (size_t i = 0; i < n; i++) {
		if (len && (s[len - 1].hi == UINT64_MAX || s[i].lo <= s[len - 1].hi + 1)) {
			if (s[i].hi > s[len - 1].hi)
				s[len - 1].hi = s[i].hi;
		} else {
			s[len++] = s[i];
		}
	}
	return len;
}

/* Makes `it` match what it and the `n` - 1 items behind it match, which differ in condition `at`.
 */
static void join_run(struct leaf *l, struct item *it, size_t n, size_t at)
{
	struct conj *c = &it->c[at];
	size_t total = 0, len = 0;
	struct span *s;

	for (size_t i = 0; i < n; i++)
		total += it[i].c[at].n;
	s = arena_alloc(&l->arena, total * sizeof(*s));
	for (size_t i = 0; i < n; i++) {
		memcpy(s + len, it[i].c[at].s, it[i].c[at].n * sizeof(*s));
		len += it[i].c[at].n;
	}
	c->s = s;
	c->n = join_spans(s, total);
	if (c->n == 1 && s[0].lo == 0 && s[0].hi == region_max(l->bits[c->arg])) {
		it->n--;
		memmove(c, c + 1, (it->n - at) * sizeof(*c));
	}
}

/* Sorts, drops equal items and joins runs that differ in the spans of one condition. */
static void join_items(struct leaf *l)
{
	size_t len = 0;

	qsort(l->item, l->n, sizeof(*l->item), item_cmp);
	for (size_t i = 0; i < l->n; i++)
		if (!len || item_cmp(&l->item[len - 1], &l->item[i]))
			l->item[len++] = l->item[i];
	l->n = len;
	len = 0;
	for (size_t i = 0, run; i < l->n; i += run) {
		int at = -1;

		for (run = 1; i + run < l->n; run++) {
			int next = joint(&l->item[i], &l->item[i + run]);

			if (next < 0 || (at >= 0 && next != at))
				break;
			at = next;
		}
		if (run > 1)
			join_run(l, &l->item[i], run, (size_t)at);
		l->item[len++] = l->item[i];
	}
	l->n = len;
}

static uint32_t ret_node(struct leaf *l, struct sp_ret ret)
{
	return code_ret(l->code, sp_ret_word(ret));
}

/* An item without conditions matches always: nothing behind it counts. */
static void cut_behind_always(struct leaf *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->item[i].n == 0) {
			l->otherwise = ret_node(l, l->item[i].ret);
			l->n = i;
		}
	}
}

static void assume(struct facts *f, const struct conj *c)
{
	struct region *r = &f->arg[c->arg];

	if (c->n)
		region_cut(r, c->s, c->n);
	else
		region_bits(r, c->mask, c->want);
}

/* As much of "not c" as a region can express: facts may say less than what is true, never more. */
static void assume_not(struct facts *f, const struct conj *c)
{
	struct region *r = &f->arg[c->arg];
	struct span gap[REGION_SPANS + 1];
	uint64_t from = 0;
	size_t n = 0;

	if (!c->n) {
		if (!(c->mask & (c->mask - 1)))
			region_bits(r, c->mask, c->want ^ c->mask);
		return;
	}
	if (c->n > REGION_SPANS)
		return;
	for (size_t i = 0; i < c->n; i++) {
		if (c->s[i].lo > from)
			gap[n++] = (struct span){ from, c->s[i].lo - 1 };
		from = c->s[i].hi + 1;
	}
	if (from) /* else the last span ended at the greatest value */
		gap[n++] = (struct span){ from, UINT64_MAX };
	region_cut(r, gap, n);
}

enum answer { NO, YES, OPEN };

static enum answer decide(const struct facts *f, const struct conj *c)
{
	const struct region *r = &f->arg[c->arg];
	struct region cut;

	if (c->n) {
		if (!region_meets(r, c->s, c->n))
			return NO;
		return region_leaves(r, c->s, c->n) ? OPEN : YES;
	}
	if ((r->mask & c->mask) == c->mask && (r->want & c->mask) == c->want)
		return YES;
	cut = *r;
	region_bits(&cut, c->mask, c->want);
	if (region_empty(&cut))
		return NO;
	return r->n == 1 && r->s[0].lo == r->s[0].hi ? YES : OPEN;
}

/* Where to go for item i, condition j, all that is known being `f`. */
static uint32_t go_on(struct leaf *l, size_t i, size_t j, const struct facts *f)
{
	while (i < l->n && j < l->item[i].n) {
		l->code->steps += 1 + l->item[i].c[j].n / 16;
		if (l->code->steps > MAX_STEPS)
			l->code->full = true;
		if (l->code->full)
			return l->otherwise;
		switch (decide(f, &l->item[i].c[j])) {
		case YES:
			j++;
			break;
		case NO:
			i++;
			j = 0;
			break;
		case OPEN:
			return l->node[i][j];
		}
	}
	return i < l->n ? ret_node(l, l->item[i].ret) : l->otherwise;
}

static uint32_t spans_node(struct leaf *l, const struct conj *c, uint32_t yes, uint32_t no)
{
	cleanup_code_pieces struct code_pieces v = { 0 };
	unsigned bits = l->bits[c->arg];
	uint64_t max = region_max(bits);

	code_pieces_put(&v, 0, no);
	for (size_t i = 0; i < c->n; i++) {
		code_pieces_put(&v, c->s[i].lo, yes);
		if (c->s[i].hi < max)
			code_pieces_put(&v, c->s[i].hi + 1, no);
	}
	if (bits == 64)
		return code_search64(l->code, c->arg, &v);
	return code_search(l->code, (uint16_t)WORD_LO(c->arg), (uint32_t)max, &v);
}

static uint32_t bits_node(struct leaf *l, unsigned word, uint32_t mask, uint32_t want, uint32_t yes,
			  uint32_t no)
{
	uint16_t w = (uint16_t)word;

	if (!mask)
		return yes;
	if (!want)
		return code_test(l->code, BPF_JSET, w, UINT32_MAX, mask, no, yes);
	if (want == mask && !(mask & (mask - 1)))
		return code_test(l->code, BPF_JSET, w, UINT32_MAX, mask, yes, no);
	return code_test(l->code, BPF_JEQ, w, mask, want, yes, no);
}

static uint32_t conj_node(struct leaf *l, const struct conj *c, uint32_t yes, uint32_t no)
{
	if (c->n)
		return spans_node(l, c, yes, no);
	yes = bits_node(l, WORD_LO(c->arg), (uint32_t)c->mask, (uint32_t)c->want, yes, no);
	return bits_node(l, WORD_HI(c->arg), (uint32_t)(c->mask >> 32), (uint32_t)(c->want >> 32),
			 yes, no);
}

/* The test of item i, condition j; everything behind it is built already. */
static void build_test(struct leaf *l, size_t i, size_t j)
{
	const struct item *it = &l->item[i];
	struct facts yes = *l->base[i], no;

	for (size_t k = 0; k < j; k++)
		assume(&yes, &it->c[k]);
	no = yes;
	assume(&yes, &it->c[j]);
	assume_not(&no, &it->c[j]);
	l->node[i][j] = conj_node(l, &it->c[j], go_on(l, i, j + 1, &yes), go_on(l, i + 1, 0, &no));
}

/* When item i is reached, no earlier one matched; of those with one condition that is a fact. */
static void find_bases(struct leaf *l)
{
	struct facts *f = arena_alloc(&l->arena, sizeof(*f));
	size_t made = 0;

	for (unsigned arg = 0; arg < SC_MAX_ARGS; arg++)
		region_full(&f->arg[arg], l->bits[arg]);
	l->base = xcalloc(l->n, sizeof(*l->base));
	for (size_t i = 0; i < l->n; i++) {
		l->base[i] = f;
		if (l->item[i].n != 1 || made++ >= MAX_BASES)
			continue;
		f = arena_alloc(&l->arena, sizeof(*f));
		*f = *l->base[i];
		assume_not(f, &l->item[i].c[0]);
	}
}

static uint32_t build_items(struct leaf *l)
{
	struct facts nothing;

	if (!l->n)
		return l->otherwise;
	find_bases(l);
	l->node = xcalloc(l->n, sizeof(*l->node));
	for (size_t i = l->n; i-- > 0 && !l->code->full;)
		for (size_t j = l->item[i].n; j-- > 0;)
			build_test(l, i, j);
	nothing = *l->base[0];
	return go_on(l, 0, 0, &nothing);
}

/* The node that decides a call by its arguments. */
static uint32_t build_call(struct code *code, const struct sp_profile *p, enum sc_abi abi,
			   const struct sp_call *call)
{
	cleanup(leaf_free) struct leaf l = { .code = code };
	const struct sp_rule *plain = NULL;

	for (unsigned arg = 0; arg < SC_MAX_ARGS; arg++)
		l.bits[arg] = sp_arg_bits(abi, call->desc, arg);
	for (size_t i = 0; i < call->n; i++) {
		const struct sp_rule *r = call->rule[i];

		if (r->conds_n)
			add_item(&l, r);
		else if (!plain || sp_ret_cmp(r->ret, plain->ret) < 0)
			plain = r;
	}
	l.otherwise = ret_node(&l, plain ? plain->ret : p->deflt);
	if (l.n) {
		join_items(&l);
		cut_behind_always(&l);
	}
	return build_items(&l);
}

static uint64_t weigh(const struct code *c, uint32_t node, const struct sc_desc *d,
		      const struct sp_frequencies *often)
{
	const struct code_node *n = &c->node[node];
	bool allowed = n->op == BPF_RET && n->k == SECCOMP_RET_ALLOW;

	return (1 + sp_frequency(often, d)) * (allowed ? WEIGHT_ALLOWED : WEIGHT_OTHER);
}

/* The numbers of one ABI, from `base` on; what it does not know gets the default. */
static void put_abi(struct code *c, const struct sp_profile *p, enum sc_abi abi, uint32_t base,
		    const struct sp_frequencies *often, struct code_pieces *v)
{
	uint32_t deflt = code_ret(c, sp_ret_word(p->deflt));
	cleanup_sp_calls struct sp_calls calls = { 0 };

	if (!p->abi[abi]) {
		code_pieces_put(v, base, code_ret(c, sp_ret_word(p->bad_arch)));
		return;
	}
	code_pieces_put(v, base, deflt);
	sp_calls_init(&calls, p, abi);
	for (size_t i = 0; i < calls.n && !c->full; i++) {
		uint32_t nr = base + calls.call[i].nr;
		uint32_t node = build_call(c, p, abi, &calls.call[i]);

		code_pieces_put(v, nr, node);
		code_pieces_weigh(v, weigh(c, node, calls.call[i].desc, often));
		code_pieces_put(v, nr + 1, deflt);
	}
}

/* x86-64 and x32 share an arch; bit 30 of any number tells, except -1, which is neither. */
static void put_x32(struct code *c, const struct sp_profile *p, const struct sp_frequencies *often,
		    struct code_pieces *v)
{
	uint32_t deflt = code_ret(c, sp_ret_word(p->deflt));
	uint32_t bad = code_ret(c, sp_ret_word(p->bad_arch));

	put_abi(c, p, SC_X32, SC_X32_BIT, often, v);
	code_pieces_put(v, 2 * SC_X32_BIT, p->abi[SC_X86_64] ? deflt : bad);
	code_pieces_put(v, 3 * SC_X32_BIT, p->abi[SC_X32] ? deflt : bad);
	code_pieces_put(v, UINT32_MAX, deflt);
}

static uint32_t build_arch(struct code *c, const struct sp_profile *p, enum sc_abi abi,
			   const struct sp_frequencies *often)
{
	cleanup_code_pieces struct code_pieces v = { 0 };

	put_abi(c, p, abi, 0, often, &v);
	if (abi == SC_X86_64)
		put_x32(c, p, often, &v);
	return code_search(c, WORD_NR, UINT32_MAX, &v);
}

static uint32_t build_profile(struct code *c, const struct sp_profile *p,
			      const struct sp_frequencies *often)
{
	static const enum sc_abi order[] = { SC_AARCH64, SC_I386, SC_X86_64 }; /* last to first */
	uint32_t node = code_ret(c, sp_ret_word(p->bad_arch));

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		enum sc_abi abi = order[i];

		if (p->abi[abi] || (abi == SC_X86_64 && p->abi[SC_X32]))
			node = code_test(c, BPF_JEQ, WORD_ARCH, UINT32_MAX, sc_abi_audit_arch(abi),
					 build_arch(c, p, abi, often), node);
	}
	return node;
}

static int check_rule(const struct sp_rule *r, struct err *e)
{
	if (r->conds_n > SP_MAX_CONDS)
		return err_set(e, E2BIG, "/syscalls/%zu: %zu conditions, expected at most %d",
			       r->source, r->conds_n, SP_MAX_CONDS);
	for (size_t i = 0; i < r->conds_n; i++)
		if (r->conds[i].index >= SC_MAX_ARGS)
			return err_set(e, EINVAL,
				       "/syscalls/%zu/args/%zu: argument %u, expected 0 to %d",
				       r->source, i, r->conds[i].index, SC_MAX_ARGS - 1);
	return 0;
}

int sp_compile_often(const struct sp_profile *p, const struct sp_frequencies *often,
		     struct sp_filter *f, struct err *e)
{
	cleanup_code struct code c = { 0 };
	bool any = false;
	int r = 0;

	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++)
		any |= p->abi[abi];
	if (!any)
		return err_set(e, EINVAL,
			       "the profile lists no architecture, expected at least one");
	for (size_t i = 0; i < p->rules_n && r == 0; i++)
		r = check_rule(&p->rules[i], e);
	if (r < 0)
		return r;
	return code_emit(&c, build_profile(&c, p, often), f, e);
}

int sp_compile(const struct sp_profile *p, struct sp_filter *f, struct err *e)
{
	return sp_compile_often(p, NULL, f, e);
}
