/* Checks of the conditions on arguments. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/compare.h"
#include "profile/lint_private.h"
#include "profile/region.h"

enum {
	VALUES_MAX = 16,  /* tried for one argument */
	TRIES_MAX = 4096, /* for one condition */
};

/* Values of one argument that are worth trying. */
struct values {
	uint64_t v[VALUES_MAX];
	size_t n;
};

static void add_value(struct values *s, uint64_t v)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == v)
			return;
	if (s->n < VALUES_MAX)
		s->v[s->n++] = v;
}

static void near_values(struct values *s, const struct sp_cond *c, uint64_t all)
{
	uint64_t v = c->op == SP_MASKED_EQ ? c->value2 : c->value;

	add_value(s, v & all);
	add_value(s, (v - 1) & all);
	add_value(s, (v + 1) & all);
}

static void call_values(struct values *s, const struct lint_call *c, unsigned index)
{
	uint64_t all = region_max(sp_arg_bits(c->abi, c->d, index));

	add_value(s, 0);
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < c->rule[i]->conds_n; k++)
			if (c->rule[i]->conds[k].index == index)
				near_values(s, &c->rule[i]->conds[k], all);
}

/* A search for a call on which a comparison of 64 bits and the kernel differ. */
struct search {
	struct lint *l;
	const struct lint_call *call;
	const struct sp_cond *cond;
	struct values values[SC_MAX_ARGS];
	uint64_t args[SC_MAX_ARGS];
	struct sp_ret means, gets;
	bool slips; /* what was found is let through */
	bool found;
	unsigned tries;
};

static void try_args(struct search *s)
{
	unsigned bits = sp_arg_bits(s->call->abi, s->call->d, s->cond->index);
	uint32_t nr = (uint32_t)s->call->d->nr[s->call->abi];
	uint32_t arch = sc_abi_audit_arch(s->call->abi);
	uint64_t v = s->args[s->cond->index];
	struct sp_ret means, gets;

	if (sp_cond_holds(s->cond, v, bits) == sp_cond_holds(s->cond, v, 64))
		return;
	if (s->call->abi == SC_X32)
		nr |= SC_X32_BIT;
	means = sp_eval(&s->l->p, arch, nr, s->args);
	gets = sp_eval_registers(&s->l->p, arch, nr, s->args);
	if (gets.action == means.action || (s->found && gets.action < means.action))
		return;
	s->means = means;
	s->gets = gets;
	s->slips = gets.action > means.action;
	s->found = true;
}

/* All combinations, from argument `i` on, until one is found that is let through. */
static void search(struct search *s, unsigned i, uint64_t best[SC_MAX_ARGS])
{
	if (i == SC_MAX_ARGS) {
		bool before = s->found;

		s->tries++;
		try_args(s);
		if (s->slips || s->found != before)
			memcpy(best, s->args, sizeof(s->args));
		return;
	}
	for (size_t k = 0; k < s->values[i].n && !s->slips && s->tries < TRIES_MAX; k++) {
		s->args[i] = s->values[i].v[k];
		search(s, i + 1, best);
	}
}

/* With bits above the width set in the argument that the condition is about. */
static bool find_slip(struct search *s)
{
	unsigned bits = sp_arg_bits(s->call->abi, s->call->d, s->cond->index);
	struct values *mine = &s->values[s->cond->index];
	uint64_t best[SC_MAX_ARGS] = { 0 };

	if (bits >= 64 || s->call->abi == SC_I386)
		return false;
	if (!lint_spend(s->l, s->l->p.rules_n * 64))
		return false;
	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		call_values(&s->values[i], s->call, i);
	*mine = (struct values){ 0 };
	near_values(mine, s->cond, region_max(bits));
	add_value(mine, 0);
	for (size_t i = 0; i < mine->n; i++)
		mine->v[i] |= UINT64_C(1) << bits;
	search(s, 0, best);
	memcpy(s->args, best, sizeof(best));
	return s->found;
}

static struct lint_finding *width_finding(struct lint *l, const struct lint_check *c,
					  const struct lint_rule *r, size_t k,
					  const struct search *s)
{
	cleanup_buf struct buf call = { 0 }, gets = { 0 }, means = { 0 };
	const struct json_path *at = lint_at(&(struct lint_place){ 0 }, r->index, "args", (long)k,
					     NULL);

	if (!s->found && s->tries == TRIES_MAX)
		return lint_add(l, c, LINT_MEDIUM, at,
				"%s compares more bits than the kernel looks at; among %u calls "
				"none was found that gets something else by that",
				sp_op_name(r->conds[k].op), TRIES_MAX);
	if (!s->found)
		return lint_add(l, c, LINT_LOW, at,
				"%s compares more bits than the kernel looks at%s",
				sp_op_name(r->conds[k].op),
				r->sp ? "; the other rules make up for it"
				      : " (the rule does not count on this host)");
	lint_put_call(&call, s->call, s->args);
	sp_ret_text(s->gets, &gets);
	sp_ret_text(s->means, &means);
	if (s->slips)
		return lint_add(l, c, LINT_HIGH, at,
				"%s slips through: a runtime that compares 64 bits gives it %s, "
				"and the kernel sees a call that should get %s",
				buf_str(&call), buf_str(&gets), buf_str(&means));
	return lint_add(l, c, LINT_LOW, at,
			"%s gets %s from a runtime that compares 64 bits, although the kernel sees "
			"a call that should get %s",
			buf_str(&call), buf_str(&gets), buf_str(&means));
}

/* The worst that the condition does, over the calls of the rule. */
static bool width_search(struct lint *l, const struct lint_rule *r, size_t k, struct search *worst)
{
	bool wide = false;

	for (size_t n = 0; n < r->names_n && !worst->slips; n++) {
		const struct sc_desc *d = sc_by_name(r->names[n]);
		struct search s = { .l = l, .cond = &r->conds[k] };

		if (!d || !lint_compares_wide(&l->p, d, &r->conds[k]))
			continue;
		wide = true;
		s.call = lint_call_find(l, d->name);
		if (r->sp && s.call)
			find_slip(&s);
		if ((s.found && !worst->found) || s.slips || !worst->tries)
			*worst = s;
	}
	return wide;
}

static bool valid_cond(const struct sp_cond *c)
{
	return c->index < SC_MAX_ARGS && c->op != SP_OP_COUNT;
}

void lint_run_arg_width(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		struct lint_rule *r = &l->rules[i];

		for (size_t k = 0; k < r->conds_n; k++) {
			cleanup_json struct json_object *rules = json_object_new_array();
			struct search worst = { 0 };

			if (!valid_cond(&r->conds[k]) || !width_search(l, r, k, &worst))
				continue;
			if (lint_reshape(l, r, rules))
				lint_offer(l, width_finding(l, c, r, k, &worst), rules);
			else
				width_finding(l, c, r, k, &worst);
		}
	}
}

void lint_run_arg_same_index(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		cleanup_json struct json_object *rules = json_object_new_array();
		struct lint_rule *r = &l->rules[i];
		struct lint_finding *f;

		if (!lint_repeats_index(r))
			continue;
		f = lint_add(l, c, LINT_HIGH,
			     lint_at(&(struct lint_place){ 0 }, i, "args", -1, NULL),
			     "%zu conditions, more than one of them on the same argument: runc and "
			     "crun make each condition a rule of its own, so any one of them is "
			     "enough for %s",
			     r->conds_n, r->action ? r->action : "the action");
		if (lint_reshape(l, r, rules))
			lint_offer(l, f, rules);
	}
}

void lint_run_arg_too_many(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		struct lint_finding *f;

		if (l->rules[i].conds_n <= SC_MAX_ARGS)
			continue;
		f = lint_add(l, c, LINT_HIGH,
			     lint_at(&(struct lint_place){ 0 }, i, "args", -1, NULL),
			     "%zu conditions in one rule, expected at most 6", l->rules[i].conds_n);
		if (f) {
			cleanup_json struct json_object *rules = json_object_new_array();

			f->fixable = lint_reshape(l, &l->rules[i], rules);
		}
	}
}

void lint_run_arg_mask(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];

		for (size_t k = 0; k < r->conds_n; k++) {
			const struct sp_cond *d = &r->conds[k];
			uint64_t beyond = d->value2 & ~d->value;

			if (d->op != SP_MASKED_EQ || !beyond)
				continue;
			lint_add(l, c, LINT_HIGH,
				 lint_at(&(struct lint_place){ 0 }, i, "args", (long)k, NULL),
				 "valueTwo 0x%" PRIx64 " has the bits 0x%" PRIx64
				 " outside the mask 0x%" PRIx64 "%s",
				 d->value2, beyond, d->value,
				 d->value & ~d->value2
					 ? ""
					 : "; value is the mask: are the two swapped?");
		}
	}
}

void lint_run_arg_value_two(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];

		for (size_t k = 0; k < r->conds_n; k++) {
			struct lint_finding *f;

			if (r->conds[k].op == SP_MASKED_EQ || !r->conds[k].value2)
				continue;
			f = lint_add(
				l, c, LINT_LOW,
				lint_at(&(struct lint_place){ 0 }, i, "args", (long)k, "valueTwo"),
				"valueTwo 0x%" PRIx64 " with %s", r->conds[k].value2,
				sp_op_name(r->conds[k].op));
			if (f)
				f->fixable = true;
		}
	}
}

/* Over all calls of the rule: what the conditions hold for. */
enum holds { HOLDS_SOMETIMES, HOLDS_NEVER, HOLDS_ALWAYS };

static enum holds holds(struct lint *l, const struct lint_rule *r, const struct sp_cond *c,
			size_t n)
{
	size_t never = 0, always = 0, calls = 0;

	for (size_t i = 0; i < r->names_n && lint_spend(l, n * 64); i++) {
		const struct sc_desc *d = sc_by_name(r->names[i]);
		cleanup_boxes struct boxes s = { 0 };
		unsigned bits[SC_MAX_ARGS];

		if (!d)
			continue;
		lint_widths(&l->p, d, bits);
		boxes_of_conds(&s, c, n, bits);
		calls++;
		never += !s.overflow && !s.n;
		always += s.n && box_is_all(&s.v[0]);
	}
	return !calls || (never < calls && always < calls) ? HOLDS_SOMETIMES
	       : never == calls				   ? HOLDS_NEVER
							   : HOLDS_ALWAYS;
}

/* On another host the arguments may be others. */
static bool can_judge(const struct lint_rule *r)
{
	if (!r->sp)
		return false;
	for (size_t k = 0; k < r->conds_n; k++)
		if (!valid_cond(&r->conds[k]))
			return false;
	return r->conds_n > 0;
}

/* A denial that never holds is worse than a permission that never does. */
static enum lint_severity never_severity(const struct lint *l, const struct lint_rule *r)
{
	return r->sp && sp_ret_cmp(r->sp->ret, l->p.deflt) < 0 ? LINT_HIGH : LINT_MEDIUM;
}

void lint_run_arg_never(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];
		bool told = !can_judge(r);

		for (size_t k = 0; k < r->conds_n && can_judge(r); k++) {
			const struct sp_cond *d = &r->conds[k];

			if (holds(l, r, d, 1) != HOLDS_NEVER)
				continue;
			told = true;
			if (d->op == SP_MASKED_EQ && (d->value2 & ~d->value))
				continue; /* arg-mask says it */
			lint_add(l, c, never_severity(l, r),
				 lint_at(&(struct lint_place){ 0 }, i, "args", (long)k, NULL),
				 "%s with 0x%" PRIx64 " can never hold for argument %u of %s",
				 sp_op_name(d->op), d->op == SP_MASKED_EQ ? d->value2 : d->value,
				 d->index, r->names[0]);
		}
		if (!told && holds(l, r, r->conds, r->conds_n) == HOLDS_NEVER)
			lint_add(l, c, never_severity(l, r),
				 lint_at(&(struct lint_place){ 0 }, i, "args", -1, NULL),
				 "the conditions exclude one another: no call meets all of them");
	}
}

void lint_run_arg_always(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];

		for (size_t k = 0; k < r->conds_n && can_judge(r); k++)
			if (holds(l, r, &r->conds[k], 1) == HOLDS_ALWAYS)
				lint_add(l, c, LINT_LOW,
					 lint_at(&(struct lint_place){ 0 }, i, "args", (long)k,
						 NULL),
					 "%s with 0x%" PRIx64 " holds for every value of argument "
					 "%u of %s",
					 sp_op_name(r->conds[k].op), r->conds[k].value,
					 r->conds[k].index, r->names[0]);
	}
}

void lint_run_arg_index(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++)
		for (size_t k = 0; k < l->rules[i].conds_n; k++)
			if (l->rules[i].conds[k].index >= SC_MAX_ARGS)
				lint_add(l, c, LINT_HIGH,
					 lint_at(&(struct lint_place){ 0 }, i, "args", (long)k,
						 "index"),
					 "system calls have the arguments 0 to 5");
}

/* The argument of a listed architecture; NULL: none that is documented. `count` how many it has. */
static const struct sc_arg *argument(const struct lint *l, const char *name, unsigned index,
				     unsigned *count)
{
	const struct sc_desc *d = sc_by_name(name);

	*count = 0;
	for (unsigned a = 0; d && a < SC_ABI_COUNT; a++) {
		const struct sc_arg *args;

		if (!l->p.abi[a] || d->nr[a] < 0)
			continue;
		args = sc_args(d, (enum sc_abi)a, count);
		return index < *count ? &args[index] : NULL;
	}
	return NULL;
}

static void beyond(struct lint *l, const struct lint_check *c, const struct lint_rule *r, size_t k)
{
	for (size_t n = 0; n < r->names_n; n++) {
		unsigned count;

		if (argument(l, r->names[n], r->conds[k].index, &count) || !count)
			continue;
		lint_add(l, c, LINT_MEDIUM,
			 lint_at(&(struct lint_place){ 0 }, r->index, "args", (long)k, "index"),
			 "%s has %u argument%s, the last is argument %u", r->names[n], count,
			 count == 1 ? "" : "s", count - 1);
		return;
	}
}

void lint_run_arg_beyond(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++)
		for (size_t k = 0; k < l->rules[i].conds_n; k++)
			if (l->rules[i].sp && valid_cond(&l->rules[i].conds[k]))
				beyond(l, c, &l->rules[i], k);
}

/* Whether the condition asks for more than "is it NULL?". */
static bool looks_at_address(const struct sp_cond *c)
{
	return !((c->op == SP_EQ || c->op == SP_NE) && !c->value) &&
	       !(c->op == SP_MASKED_EQ && !c->value2 && c->value == UINT64_MAX);
}

static void pointer(struct lint *l, const struct lint_check *c, const struct lint_rule *r, size_t k)
{
	for (size_t n = 0; n < r->names_n; n++) {
		unsigned count;
		const struct sc_arg *a = argument(l, r->names[n], r->conds[k].index, &count);

		if (!a || !sc_arg_is_pointer(a->kind) || !looks_at_address(&r->conds[k]))
			continue;
		lint_add(l, c, LINT_MEDIUM,
			 lint_at(&(struct lint_place){ 0 }, r->index, "args", (long)k, NULL),
			 "argument %u of %s (%s) is an address", r->conds[k].index, r->names[n],
			 a->name);
		return;
	}
}

void lint_run_arg_pointer(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++)
		for (size_t k = 0; k < l->rules[i].conds_n && can_judge(&l->rules[i]); k++)
			pointer(l, c, &l->rules[i], k);
}
