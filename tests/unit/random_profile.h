/*
 * Small profiles with many collisions, from bytes or from a seed: few calls, constants where
 * carries and widths go wrong, all operators, all actions, several architectures.
 */
#ifndef TESTS_RANDOM_PROFILE_H
#define TESTS_RANDOM_PROFILE_H

#include "base/cleanup.h"
#include "profile/seccomp.h"

/* First the bytes; when they are used up, xorshift64 from `state` (0: only zeros follow). */
struct source {
	const uint8_t *p;
	size_t n;
	uint64_t state;
};

static inline uint64_t source_next(struct source *s, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++) {
		if (s->n) {
			v = v << 8 | *s->p++;
			s->n--;
			continue;
		}
		s->state ^= s->state << 13;
		s->state ^= s->state >> 7;
		s->state ^= s->state << 17;
		v = v << 8 | (s->state >> 40 & 0xff);
	}
	return v;
}

static inline unsigned source_below(struct source *s, unsigned n)
{
	return (unsigned)(source_next(s, 2) % n);
}

static const uint64_t odd_values[] = {
	0,
	1,
	2,
	3,
	5,
	6,
	7,
	10,
	11,
	18,
	40,
	41,
	42,
	0x7f,
	0xff,
	0x7fff,
	0x8000,
	0xffff,
	0x10000,
	0x10001,
	0x7e020000,
	0x7fffffff,
	0x80000000,
	0x80000001,
	0xfffffffe,
	0xffffffff,
	0x100000000,
	0x100000001,
	0x1ffffffff,
	0x200000000,
	0x300000000,
	0x300000002,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xfffffffe00000000,
	0xffffffff00000000,
	0xffffffff00000001,
	0xffffffff80000000,
	0xfffffffffffffffe,
	0xffffffffffffffff,
};

/* Calls with arguments of 16, 32 and 64 bits, 0 to 6 of them, that differ between ABIs. */
static const char *const odd_calls[] = {
	"lseek",   "kcmp",  "mmap",	   "chown", "chmod",  "socket",	   "clone",
	"getppid", "umask", "getpriority", "ioctl", "ptrace", "readahead", "mkdirat",
};

static inline uint64_t source_value(struct source *s)
{
	uint64_t v = odd_values[source_below(s, ARRAY_SIZE(odd_values))];

	switch (source_below(s, 8)) {
	case 0:
		return source_next(s, 8);
	case 1:
		return source_next(s, 4);
	case 2:
		return v ^ UINT64_C(1) << source_below(s, 64);
	case 3:
		return v + source_below(s, 3) - 1;
	default:
		return v;
	}
}

static inline struct sp_ret source_ret(struct source *s, bool mild)
{
	enum sp_action a = (enum sp_action)source_below(s, SP_ACTION_COUNT);

	if (mild)
		a = a % 2 ? SP_ALLOW : SP_ERRNO;
	return (struct sp_ret){ a, sp_action_takes_data(a) ? (uint16_t)(900 + source_below(s, 4))
							   : 0 };
}

static inline void source_cond(struct source *s, struct sp_rule *r)
{
	enum sp_op op = (enum sp_op)source_below(s, SP_OP_COUNT);
	unsigned index = source_below(s, 4) ? source_below(s, 2) : source_below(s, SC_MAX_ARGS);
	uint64_t v = source_value(s), v2 = 0;

	if (op == SP_MASKED_EQ) {
		v2 = source_value(s);
		if (source_below(s, 8)) /* else it mostly has bits outside the mask */
			v2 &= v;
	}
	sp_rule_cond(r, (uint8_t)index, op, v, v2);
}

/* `mild`: the default is ALLOW, and only ALLOW and ERRNO 900 to 903 occur. */
static inline void random_profile(struct sp_profile *p, struct source *s, unsigned max_rules,
				  bool mild)
{
	const char *name[3];
	unsigned names = 1 + source_below(s, 3), rules = 1 + source_below(s, max_rules);
	unsigned abis = 1 + source_below(s, 15);

	sp_init(p);
	p->deflt = mild ? (struct sp_ret){ SP_ALLOW, 0 } : source_ret(s, false);
	p->bad_arch = source_ret(s, mild);
	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		p->abi[i] = abis >> i & 1;
	for (unsigned i = 0; i < names; i++)
		name[i] = odd_calls[source_below(s, ARRAY_SIZE(odd_calls))];
	for (unsigned i = 0; i < rules; i++) {
		struct sp_rule *r = sp_rule_add(p, source_ret(s, mild), NULL);
		unsigned conds = source_below(s, 5);

		sp_rule_name(p, r, name[source_below(s, names)]);
		if (!source_below(s, 4))
			sp_rule_name(p, r, name[source_below(s, names)]);
		for (unsigned k = 0; k < conds; k++)
			source_cond(s, r);
	}
}

/* A value for argument `index` near what the profile's conditions compare it with. */
static inline uint64_t source_arg(struct source *s, const struct sp_profile *p, unsigned index)
{
	const struct sp_rule *r = &p->rules[source_below(s, (unsigned)p->rules_n)];
	const struct sp_cond *c;
	uint64_t v;

	if (!r->conds_n || !source_below(s, 4))
		return source_value(s);
	c = &r->conds[source_below(s, (unsigned)r->conds_n)];
	if (c->index != index && source_below(s, 4))
		return source_value(s);
	v = c->op == SP_MASKED_EQ ? c->value2 | (source_value(s) & ~c->value) : c->value;
	switch (source_below(s, 4)) {
	case 0:
		return v + 1;
	case 1:
		return v - 1;
	case 2:
		return v ^ UINT64_C(1) << source_below(s, 64);
	default:
		return v;
	}
}

/* A call that the profile's rules are about, mostly. */
static inline void random_call(struct source *s, const struct sp_profile *p,
			       struct seccomp_data *sd)
{
	const struct sp_rule *r = &p->rules[source_below(s, (unsigned)p->rules_n)];
	const char *name = r->names[source_below(s, (unsigned)r->names_n)];
	enum sc_abi abi = (enum sc_abi)source_below(s, SC_ABI_COUNT);
	int nr = sc_nr(abi, name);

	*sd = (struct seccomp_data){ .arch = sc_abi_audit_arch(abi) };
	sd->nr = nr < 0 ? (int)source_below(s, 500) : nr;
	if (abi == SC_X32)
		sd->nr |= (int)SC_X32_BIT;
	sd->instruction_pointer = source_value(s);
	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		sd->args[i] = source_arg(s, p, i);
}

/* What the profile means for the call. */
static inline struct sp_ret meaning(const struct sp_profile *p, const struct seccomp_data *sd)
{
	uint64_t args[SC_MAX_ARGS];

	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		args[i] = sd->args[i];
	return sp_eval(p, sd->arch, (uint32_t)sd->nr, args);
}

#endif
