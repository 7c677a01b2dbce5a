#include "profile/seccomp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/region.h"

static const struct {
	const char *name;
	uint32_t word;
	bool data;
} actions[SP_ACTION_COUNT] = {
	[SP_KILL_PROCESS] = { "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false },
	[SP_KILL_THREAD] = { "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false },
	[SP_TRAP] = { "SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false },
	[SP_ERRNO] = { "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true },
	[SP_NOTIFY] = { "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, false },
	[SP_TRACE] = { "SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true },
	[SP_LOG] = { "SCMP_ACT_LOG", SECCOMP_RET_LOG, false },
	[SP_ALLOW] = { "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false },
};

static const char *const op_names[SP_OP_COUNT] = {
	[SP_NE] = "SCMP_CMP_NE",
	[SP_LT] = "SCMP_CMP_LT",
	[SP_LE] = "SCMP_CMP_LE",
	[SP_EQ] = "SCMP_CMP_EQ",
	[SP_GE] = "SCMP_CMP_GE",
	[SP_GT] = "SCMP_CMP_GT",
	[SP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};

const struct sp_flag sp_flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
	{ NULL, 0 },
};

const char *sp_action_name(enum sp_action a)
{
	return (unsigned)a < SP_ACTION_COUNT ? actions[a].name : NULL;
}

bool sp_action_takes_data(enum sp_action a)
{
	return (unsigned)a < SP_ACTION_COUNT && actions[a].data;
}

const char *sp_op_name(enum sp_op op)
{
	return (unsigned)op < SP_OP_COUNT ? op_names[op] : NULL;
}

uint32_t sp_ret_word(struct sp_ret r)
{
	if ((unsigned)r.action >= SP_ACTION_COUNT)
		return SECCOMP_RET_KILL_PROCESS;
	return actions[r.action].word | (actions[r.action].data ? r.data : 0);
}

struct sp_ret sp_ret_of_word(uint32_t word)
{
	for (unsigned i = 0; i < SP_ACTION_COUNT; i++)
		if (actions[i].word == (word & SECCOMP_RET_ACTION_FULL))
			return (struct sp_ret){ (enum sp_action)i,
						actions[i].data ? word & SECCOMP_RET_DATA : 0 };
	return (struct sp_ret){ SP_KILL_PROCESS, 0 };
}

int sp_ret_cmp(struct sp_ret a, struct sp_ret b)
{
	if (a.action != b.action)
		return a.action < b.action ? -1 : 1;
	if (!sp_action_takes_data(a.action))
		return 0;
	return (a.data > b.data) - (a.data < b.data);
}

void sp_init(struct sp_profile *p)
{
	*p = (struct sp_profile){ .deflt = { SP_ERRNO, EPERM },
				  .bad_arch = { SP_KILL_PROCESS, 0 } };
}

void sp_free(struct sp_profile *p)
{
	for (size_t i = 0; i < p->rules_n; i++) {
		free(p->rules[i].names);
		free(p->rules[i].conds);
	}
	free(p->rules);
	arena_free(&p->arena);
	sp_init(p);
}

struct sp_rule *sp_rule_add(struct sp_profile *p, struct sp_ret ret, const char *comment)
{
	struct sp_rule *r = vec_push(p->rules, p->rules_n, p->rules_cap);

	r->ret = ret;
	r->comment = comment ? arena_strdup(&p->arena, comment) : NULL;
	r->source = p->rules_n - 1;
	return r;
}

void sp_rule_name(struct sp_profile *p, struct sp_rule *r, const char *name)
{
	for (size_t i = 0; i < r->names_n; i++)
		if (!strcmp(r->names[i], name))
			return;
	*vec_push(r->names, r->names_n, r->names_cap) = arena_strdup(&p->arena, name);
}

void sp_rule_cond(struct sp_rule *r, uint8_t index, enum sp_op op, uint64_t value, uint64_t value2)
{
	*vec_push(r->conds, r->conds_n, r->conds_cap) = (struct sp_cond){
		.index = index,
		.op = op,
		.value = value,
		.value2 = op == SP_MASKED_EQ ? value2 : 0,
	};
}

void sp_filter_free(struct sp_filter *f)
{
	free(f->insn);
	*f = (struct sp_filter){ 0 };
}

unsigned sp_arg_bits(enum sc_abi abi, const struct sc_desc *d, unsigned index)
{
	unsigned n;
	const struct sc_arg *args = sc_args(d, abi, &n);

	if (index < n)
		return sc_arg_width(abi, args[index].kind);
	return abi == SC_I386 ? 32 : 64;
}

bool sp_cond_holds(const struct sp_cond *c, uint64_t arg, unsigned bits)
{
	if (bits < 64)
		arg &= (UINT64_C(1) << bits) - 1;
	switch (c->op) {
	case SP_NE:
		return arg != c->value;
	case SP_LT:
		return arg < c->value;
	case SP_LE:
		return arg <= c->value;
	case SP_EQ:
		return arg == c->value;
	case SP_GE:
		return arg >= c->value;
	case SP_GT:
		return arg > c->value;
	case SP_MASKED_EQ:
		return (arg & c->value) == c->value2;
	case SP_OP_COUNT:
		break;
	}
	return false;
}

/* `registers`: conditions see whole registers, not what the kernel looks at. */
static bool rule_holds(const struct sp_rule *r, enum sc_abi abi, const struct sc_desc *d,
		       const uint64_t args[6], bool registers)
{
	for (size_t i = 0; i < r->conds_n; i++) {
		const struct sp_cond *c = &r->conds[i];
		unsigned bits = !registers	 ? sp_arg_bits(abi, d, c->index)
				: abi == SC_I386 ? 32
						 : 64;

		if (!sp_cond_holds(c, args[c->index], bits))
			return false;
	}
	return true;
}

static bool rule_names(const struct sp_rule *r, const char *name)
{
	for (size_t i = 0; i < r->names_n; i++)
		if (!strcmp(r->names[i], name))
			return true;
	return false;
}

/* The ABI of a call; SC_ABI_COUNT when the profile does not list it. */
static enum sc_abi abi_of(const struct sp_profile *p, uint32_t audit_arch, uint32_t nr)
{
	for (unsigned i = 0; i < SC_ABI_COUNT; i++) {
		bool x32_call = audit_arch == sc_abi_audit_arch(SC_X32) && (nr & SC_X32_BIT);

		if (p->abi[i] && sc_abi_audit_arch((enum sc_abi)i) == audit_arch &&
		    (i == SC_X32) == x32_call)
			return (enum sc_abi)i;
	}
	return SC_ABI_COUNT;
}

static struct sp_ret eval(const struct sp_profile *p, uint32_t audit_arch, uint32_t nr,
			  const uint64_t args[6], bool registers)
{
	enum sc_abi abi = abi_of(p, audit_arch, nr);
	const struct sp_rule *best = NULL;
	const struct sc_desc *d;

	if (nr == UINT32_MAX && audit_arch == sc_abi_audit_arch(SC_X86_64) &&
	    (p->abi[SC_X86_64] || p->abi[SC_X32]))
		return p->deflt;
	if (abi == SC_ABI_COUNT)
		return p->bad_arch;
	d = sc_by_nr(abi, abi == SC_X32 ? nr & ~SC_X32_BIT : nr);
	if (!d)
		return p->deflt;
	for (size_t i = 0; i < p->rules_n; i++) {
		const struct sp_rule *r = &p->rules[i];

		if (!rule_names(r, d->name) || !rule_holds(r, abi, d, args, registers))
			continue;
		if (!best || (r->conds_n && !best->conds_n) ||
		    (!r->conds_n == !best->conds_n && sp_ret_cmp(r->ret, best->ret) < 0))
			best = r;
	}
	return best ? best->ret : p->deflt;
}

struct sp_ret sp_eval(const struct sp_profile *p, uint32_t audit_arch, uint32_t nr,
		      const uint64_t args[6])
{
	return eval(p, audit_arch, nr, args, false);
}

struct sp_ret sp_eval_registers(const struct sp_profile *p, uint32_t audit_arch, uint32_t nr,
				const uint64_t args[6])
{
	return eval(p, audit_arch, nr, args, true);
}

struct call_pair {
	uint16_t nr;
	size_t rule;
};

static int pair_cmp(const void *pa, const void *pb)
{
	const struct call_pair *a = pa, *b = pb;

	if (a->nr != b->nr)
		return a->nr < b->nr ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static void add_call(struct sp_calls *c, size_t *cap, enum sc_abi abi, uint16_t nr, size_t from)
{
	struct sp_call *call = vec_push(c->call, c->n, *cap);

	call->nr = nr;
	call->desc = sc_by_nr(abi, nr);
	call->rule = &c->pool[from];
}

void sp_calls_init(struct sp_calls *c, const struct sp_profile *p, enum sc_abi abi)
{
	cleanup_free struct call_pair *pair = NULL;
	size_t n = 0, pair_cap = 0, cap = 0;

	*c = (struct sp_calls){ 0 };
	for (size_t i = 0; i < p->rules_n; i++) {
		for (size_t k = 0; k < p->rules[i].names_n; k++) {
			int nr = sc_nr(abi, p->rules[i].names[k]);

			if (nr >= 0)
				*vec_push(pair, n, pair_cap) = (struct call_pair){ (uint16_t)nr,
										   i };
		}
	}
	if (!n)
		return;
	qsort(pair, n, sizeof(*pair), pair_cmp);
	c->pool = xcalloc(n, sizeof(struct sp_rule *));
	for (size_t i = 0; i < n; i++) {
		c->pool[i] = &p->rules[pair[i].rule];
		if (!c->n || c->call[c->n - 1].nr != pair[i].nr)
			add_call(c, &cap, abi, pair[i].nr, i);
		c->call[c->n - 1].n++;
	}
}

void sp_calls_free(struct sp_calls *c)
{
	free(c->call);
	free(c->pool);
	*c = (struct sp_calls){ 0 };
}

enum { MAX_PAIRS = 20000000 }; /* that sp_check() looks at: some seconds at most */

/* The values of argument `index` for which the conditions of both rules hold. */
static void both_region(struct region *r, const struct sp_rule *a, const struct sp_rule *b,
			unsigned index, unsigned bits)
{
	region_full(r, bits);
	for (size_t i = 0; i < a->conds_n; i++)
		if (a->conds[i].index == index)
			region_cond(r, &a->conds[i], bits);
	for (size_t i = 0; i < b->conds_n; i++)
		if (b->conds[i].index == index)
			region_cond(r, &b->conds[i], bits);
}

bool sp_rules_meet(const struct sp_rule *a, const struct sp_rule *b, enum sc_abi abi,
		   const struct sc_desc *d, uint64_t args[SC_MAX_ARGS])
{
	struct region r;

	for (unsigned i = 0; i < SC_MAX_ARGS; i++) {
		both_region(&r, a, b, i, sp_arg_bits(abi, d, i));
		if (!region_first(&r, &args[i]))
			return false;
	}
	return true;
}

static int check_pair(const struct sp_rule *a, const struct sp_rule *b, enum sc_abi abi,
		      const struct sc_desc *d, struct err *e)
{
	uint64_t v[SC_MAX_ARGS];

	if (a->ret.action != b->ret.action || !sp_ret_cmp(a->ret, b->ret) ||
	    !a->conds_n != !b->conds_n || !sp_rules_meet(a, b, abi, d, v))
		return 0;
	return err_set(e, EINVAL,
		       "/syscalls/%zu and /syscalls/%zu contradict each other: both match "
		       "%s(0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64
		       ", 0x%" PRIx64 ") on %s with %s, one with %u and one with %u",
		       a->source, b->source, d->name, v[0], v[1], v[2], v[3], v[4], v[5],
		       sc_abi_name(abi), sp_action_name(a->ret.action), a->ret.data, b->ret.data);
}

/* The pairs of rules of one call; *budget is what is left of MAX_PAIRS. */
static int check_call(const struct sp_call *c, enum sc_abi abi, size_t *budget, struct err *e)
{
	int r = 0;

	for (size_t a = 0; a < c->n; a++) {
		if (c->n - a > *budget)
			return err_set(e, E2BIG,
				       "too many rules name the same calls (%s: %zu), expected "
				       "fewer or shorter ones",
				       c->desc->name, c->n);
		*budget -= c->n - a;
		for (size_t b = a + 1; b < c->n && r == 0; b++)
			r = check_pair(c->rule[a], c->rule[b], abi, c->desc, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_conflicts(const struct sp_profile *p, enum sc_abi abi, size_t *budget,
			   struct err *e)
{
	cleanup_sp_calls struct sp_calls c;
	int r = 0;

	sp_calls_init(&c, p, abi);
	for (size_t i = 0; i < c.n && r == 0; i++)
		r = check_call(&c.call[i], abi, budget, e);
	return r;
}

/* The widest that argument `index` is in any call of the rule on any architecture; 0: no call. */
static unsigned widest(const struct sp_profile *p, const struct sp_rule *r, unsigned index)
{
	unsigned bits = 0;

	for (size_t i = 0; i < r->names_n; i++) {
		const struct sc_desc *d = sc_by_name(r->names[i]);

		for (unsigned abi = 0; d && abi < SC_ABI_COUNT; abi++) {
			unsigned w = p->abi[abi] && d->nr[abi] >= 0
					     ? sp_arg_bits((enum sc_abi)abi, d, index)
					     : 0;

			bits = w > bits ? w : bits;
		}
	}
	return bits;
}

static int check_cond(const struct sp_profile *p, const struct sp_rule *r, const struct sp_cond *c,
		      size_t i, struct err *e)
{
	unsigned bits = widest(p, r, c->index);
	uint64_t must = c->op == SP_MASKED_EQ ? c->value2 : c->value;

	if (c->op == SP_MASKED_EQ && (must & ~c->value))
		return err_set(e, EINVAL,
			       "/syscalls/%zu/args/%zu: %s with valueTwo 0x%" PRIx64
			       " can never hold: it has bits outside the mask 0x%" PRIx64,
			       r->source, i, sp_op_name(c->op), must, c->value);
	if ((c->op == SP_EQ || c->op == SP_MASKED_EQ) && bits && must > region_max(bits))
		return err_set(e, EINVAL,
			       "/syscalls/%zu/args/%zu: %s with 0x%" PRIx64
			       " can never hold: argument %u of %s has %u bits, expected at most "
			       "0x%" PRIx64,
			       r->source, i, sp_op_name(c->op), must, c->index, r->names[0], bits,
			       region_max(bits));
	return 0;
}

int sp_check(const struct sp_profile *p, struct err *e)
{
	size_t budget = MAX_PAIRS;
	int rc = 0;

	for (size_t i = 0; i < p->rules_n; i++)
		for (size_t k = 0; k < p->rules[i].conds_n && rc == 0; k++)
			rc = check_cond(p, &p->rules[i], &p->rules[i].conds[k], k, e);
	for (unsigned abi = 0; abi < SC_ABI_COUNT && rc == 0; abi++)
		if (p->abi[abi])
			rc = check_conflicts(p, (enum sc_abi)abi, &budget, e);
	return rc;
}
