#include "profile/sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum {
	BUDGET = 200000, /* of sample_compare() */
	MIN_PER_CALL = 64,
	MAX_WORK = 1000000000, /* names and instructions looked at, roughly: a few seconds */
	MAX_CONSTANTS = 256,   /* of the program */
	MAX_VALUES = 4096,     /* tried for one argument */
};

struct pool {
	uint64_t *v;
	size_t n, cap;
};

struct sampler {
	const struct sp_profile *p;
	const struct sp_filter *f;
	sample_fn *each;
	void *ctx;
	uint64_t random; /* state of xorshift64 */
	size_t per_call;
	size_t work, cost; /* of one call */
};

static uint64_t next_random(struct sampler *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static void pool_put(struct pool *p, uint64_t v)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i] == v)
			return;
	if (p->n < MAX_VALUES)
		*vec_push(p->v, p->n, p->cap) = v;
}

static void put_around(struct pool *p, uint64_t v)
{
	pool_put(p, v);
	pool_put(p, v - 1);
	pool_put(p, v + 1);
}

static void put_cond(struct pool *p, const struct sp_cond *c)
{
	const uint64_t high = UINT64_C(1) << 32;

	put_around(p, c->value);
	pool_put(p, c->value ^ high);
	pool_put(p, (uint32_t)c->value);
	pool_put(p, c->value | ~UINT64_C(0xffff));
	if (c->op != SP_MASKED_EQ)
		return;
	pool_put(p, c->value2);
	pool_put(p, c->value2 | ~c->value);
	pool_put(p, c->value2 ^ (c->value & -c->value));
	pool_put(p, c->value2 ^ high);
}

/* Constants of the program may be either half of an argument. */
static void put_constants(struct pool *p, const struct sp_filter *f)
{
	size_t n = 0;

	for (size_t i = 0; f && i < f->n && n < MAX_CONSTANTS; i++) {
		const struct sock_filter *insn = &f->insn[i];

		if (BPF_CLASS(insn->code) != BPF_JMP || BPF_OP(insn->code) == BPF_JA)
			continue;
		put_around(p, insn->k);
		pool_put(p, (uint64_t)insn->k << 32);
		n++;
	}
}

static void free_pools(struct pool (*p)[SC_MAX_ARGS])
{
	for (size_t i = 0; i < SC_MAX_ARGS; i++)
		free((*p)[i].v);
}

static int sample_one(struct sampler *s, uint32_t arch, uint32_t nr, const uint64_t *args)
{
	struct seccomp_data sd = { .nr = (int)nr, .arch = arch };

	s->work += s->cost;
	if (s->work > MAX_WORK)
		return SP_SAMPLED; /* enough */
	sd.instruction_pointer = next_random(s);
	for (size_t i = 0; i < SC_MAX_ARGS; i++)
		sd.args[i] = args ? args[i] : next_random(s);
	return s->each(&sd, s->ctx);
}

/* All combinations when there are at most per_call of them, else as many random ones. */
static int sample_product(struct sampler *s, uint32_t arch, uint32_t nr, const struct pool *pool)
{
	uint64_t args[SC_MAX_ARGS];
	size_t total = 1, n;
	int r = 0;

	for (size_t i = 0; i < SC_MAX_ARGS && total <= s->per_call; i++)
		total *= pool[i].n;
	n = total < s->per_call ? total : s->per_call;
	for (size_t k = 0; k < n && r == 0; k++) {
		size_t rest = k;

		for (size_t i = 0; i < SC_MAX_ARGS; i++) {
			size_t at = total <= s->per_call ? rest : next_random(s) >> 16;

			args[i] = pool[i].v[at % pool[i].n];
			rest /= pool[i].n;
		}
		r = sample_one(s, arch, nr, args);
	}
	return r;
}

static int sample_call(struct sampler *s, enum sc_abi abi, const struct sp_call *call)
{
	__attribute__((__cleanup__(free_pools))) struct pool pool[SC_MAX_ARGS] = { 0 };
	uint32_t nr = call->nr | (abi == SC_X32 ? SC_X32_BIT : 0);
	bool used[SC_MAX_ARGS] = { 0 }, any = !s->p;

	for (size_t i = 0; i < SC_MAX_ARGS; i++)
		used[i] = any;

	for (size_t i = 0; i < call->n; i++) {
		for (size_t k = 0; k < call->rule[i]->conds_n; k++) {
			const struct sp_cond *c = &call->rule[i]->conds[k];

			put_cond(&pool[c->index], c);
			used[c->index] = any = true;
		}
	}
	if (!any)
		return 0;
	for (size_t i = 0; i < SC_MAX_ARGS; i++) {
		pool_put(&pool[i], 0);
		if (!used[i])
			continue;
		pool_put(&pool[i], UINT64_MAX);
		pool_put(&pool[i], next_random(s));
		if (call->n < MIN_PER_CALL)
			put_constants(&pool[i], s->f);
	}
	return sample_product(s, sc_abi_audit_arch(abi), nr, pool);
}

/* Nothing is known about the program but its constants: those, on every call. */
static int sample_constants(struct sampler *s, enum sc_abi abi)
{
	int r = 0;

	for (unsigned nr = 0; nr <= sc_max_nr(abi) && r == 0; nr++) {
		struct sp_call call = { .nr = (uint16_t)nr, .desc = sc_by_nr(abi, nr) };

		if (call.desc)
			r = sample_call(s, abi, &call);
	}
	return r;
}

static int sample_conditions(struct sampler *s, enum sc_abi abi)
{
	cleanup_sp_calls struct sp_calls calls = { 0 };
	int r = 0;

	sp_calls_init(&calls, s->p, abi);
	for (size_t i = 0; i < calls.n && r == 0; i++)
		r = sample_call(s, abi, &calls.call[i]);
	return r;
}

static int sample_numbers(struct sampler *s, enum sc_abi abi)
{
	static const uint32_t odd[] = { 0x3fffffff, 0x40000000, 0x40000fff, 0x7fffffff, 0x80000000,
					0xbfffffff, 0xc0000000, 0xfffffffe, 0xffffffff };
	uint32_t arch = sc_abi_audit_arch(abi), bit = abi == SC_X32 ? SC_X32_BIT : 0;
	int r = 0;

	for (uint32_t nr = 0; nr <= sc_max_nr(abi) + 4 && r == 0; nr++)
		r = sample_one(s, arch, nr | bit, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(odd) && r == 0; i++)
		r = sample_one(s, arch, odd[i], NULL);
	return r;
}

/* How many calls have a rule with conditions, at least 1. */
static size_t count_conditions(const struct sp_profile *p)
{
	size_t n = 0;

	for (size_t i = 0; p && i < p->rules_n; i++)
		if (p->rules[i].conds_n)
			n += p->rules[i].names_n;
	if (!p)
		n = sc_count();
	return n ? n * SC_ABI_COUNT : 1;
}

static size_t cost_of_call(const struct sp_profile *p, const struct sp_filter *f)
{
	size_t n = 100 + (f ? f->n : 0);

	for (size_t i = 0; p && i < p->rules_n; i++)
		n += p->rules[i].names_n + p->rules[i].conds_n;
	return n;
}

int sample_calls(const struct sp_profile *p, const struct sp_filter *f, size_t budget,
		 sample_fn *each, void *ctx)
{
	struct sampler s = {
		.p = p, .f = f, .each = each, .ctx = ctx, .random = UINT64_C(0x5eedb01752a1c0de)
	};
	int r = 0;

	s.cost = cost_of_call(p, f);
	s.per_call = budget / count_conditions(p);
	if (s.per_call < MIN_PER_CALL)
		s.per_call = MIN_PER_CALL;
	for (unsigned abi = 0; abi < SC_ABI_COUNT && r == 0; abi++) {
		r = sample_numbers(&s, (enum sc_abi)abi);
		if (r == 0 && !p)
			r = sample_constants(&s, (enum sc_abi)abi);
		else if (r == 0 && p->abi[abi])
			r = sample_conditions(&s, (enum sc_abi)abi);
	}
	if (r == 0)
		r = sample_one(&s, 0, 0, NULL);
	return r == SP_SAMPLED ? 0 : r;
}

struct comparison {
	const struct sp_profile *p;
	const struct sp_filter *f;
	struct seccomp_data sd;
};

static int compare_one(const struct seccomp_data *sd, void *ctx)
{
	struct comparison *c = ctx;
	uint64_t args[SC_MAX_ARGS];
	uint32_t word = sp_run(c->f, sd);

	memcpy(args, sd->args, sizeof(args));
	if (!sp_ret_cmp(sp_eval(c->p, sd->arch, (uint32_t)sd->nr, args), sp_ret_of_word(word)))
		return 0;
	c->sd = *sd;
	return -EILSEQ;
}

int sample_compare(const struct sp_profile *p, const struct sp_filter *f, struct seccomp_data *sd)
{
	struct comparison c = { .p = p, .f = f };
	int r = sample_calls(p, f, BUDGET, compare_one, &c);

	*sd = c.sd;
	return r ? r : SP_SAMPLED;
}
