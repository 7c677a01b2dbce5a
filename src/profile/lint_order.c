/*
 * Rules that meet. What a profile means is defined (seccomp.h); what libseccomp makes of rules for
 * one call that overlap depends on the order in which they are added: a rule without conditions
 * swallows those with, the first of two without conditions wins, others are decided by the order
 * of arguments in its tree, or refused (EEXIST). Rules with the default action never reach it,
 * since runc and crun leave them out. Measured with 2.5.4 and 2.6.1.
 */
#include <string.h>

#include "base/mem.h"
#include "profile/compare.h"
#include "profile/lint_private.h"

enum { REORDERED_MAX = 256 }; /* rules that one call may become */

/* The higher comes first when both match: as sp_eval() has it. */
static int rank_cmp(const struct sp_rule *a, const struct sp_rule *b)
{
	if (!a->conds_n != !b->conds_n)
		return a->conds_n ? -1 : 1;
	return sp_ret_cmp(a->ret, b->ret);
}

bool lint_same_everywhere(const struct lint *l, const char *name)
{
	for (size_t i = 0; i < l->rules_n; i++)
		for (size_t n = 0; n < l->rules[i].names_n && l->rules[i].conditional; n++)
			if (!strcmp(l->rules[i].names[n], name))
				return false;
	return true;
}

static bool is_default(const struct lint *l, const struct sp_rule *r)
{
	return !sp_ret_cmp(r->ret, l->p.deflt);
}

/* Two rules of one call with different verdicts that both match `args`. */
struct clash {
	const struct lint_call *call;
	const struct sp_rule *first, *second; /* in the order of the file */
	uint64_t args[SC_MAX_ARGS];
};

static bool clashes(struct lint *l, const struct lint_call *c, size_t a, size_t b,
		    struct clash *out)
{
	*out = (struct clash){ c, c->rule[a], c->rule[b], { 0 } };
	return sp_ret_cmp(c->rule[a]->ret, c->rule[b]->ret) && lint_spend(l, 8) &&
	       sp_rules_meet(c->rule[a], c->rule[b], c->abi, c->d, out->args);
}

/* What both mean, laxer and stricter: /syscalls/1 (ALLOW) and /syscalls/2 (ERRNO EPERM). */
static void put_rules(struct buf *b, const struct clash *x)
{
	buf_printf(b, "/syscalls/%zu (", x->first->source);
	sp_ret_text(x->first->ret, b);
	buf_printf(b, ") and /syscalls/%zu (", x->second->source);
	sp_ret_text(x->second->ret, b);
	buf_puts(b, ")");
}

/* A later rule of the same pair would say the same again for another name. */
static bool pair_told(const struct lint *l, const struct clash *x)
{
	for (size_t i = 0; i < l->calls_n && &l->calls[i] != x->call; i++) {
		const struct lint_call *c = &l->calls[i];
		bool first = false, second = false;

		for (size_t k = 0; k < c->n; k++) {
			first |= c->rule[k] == x->first;
			second |= c->rule[k] == x->second;
		}
		if (first && second)
			return true;
	}
	return false;
}

static void each_clash(struct lint *l, const struct lint_check *c,
		       void (*each)(struct lint *l, const struct lint_check *c,
				    const struct clash *x))
{
	for (size_t i = 0; i < l->calls_n; i++) {
		const struct lint_call *call = &l->calls[i];
		struct clash x;

		for (size_t a = 0; a < call->n; a++)
			for (size_t b = a + 1; b < call->n && lint_spend(l, 1); b++)
				if (clashes(l, call, a, b, &x) && lint_spend(l, l->calls_n) &&
				    !pair_told(l, &x))
					each(l, c, &x);
	}
}

static void conflict(struct lint *l, const struct lint_check *c, const struct clash *x)
{
	cleanup_buf struct buf rules = { 0 }, call = { 0 };

	if (x->first->ret.action != x->second->ret.action ||
	    !x->first->conds_n != !x->second->conds_n)
		return;
	put_rules(&rules, x);
	lint_put_call(&call, x->call, x->args);
	lint_add(l, c, LINT_MEDIUM,
		 lint_at(&(struct lint_place){ 0 }, x->second->source, NULL, -1, NULL),
		 "%s both decide %s", buf_str(&rules), buf_str(&call));
}

void lint_run_rule_conflict(struct lint *l, const struct lint_check *c)
{
	each_clash(l, c, conflict);
}

static void order(struct lint *l, const struct lint_check *c, const struct clash *x)
{
	const struct sp_rule *plain = x->first->conds_n ? x->second : x->first;
	const struct sp_rule *limited = x->first->conds_n ? x->first : x->second;
	cleanup_buf struct buf rules = { 0 }, call = { 0 };
	enum lint_severity severity = LINT_MEDIUM;
	struct lint_finding *f;
	const char *effect;

	if (is_default(l, x->first) || is_default(l, x->second) ||
	    (x->first->ret.action == x->second->ret.action &&
	     !x->first->conds_n == !x->second->conds_n))
		return;
	if (!plain->conds_n && limited->conds_n) {
		if (plain->ret.action > limited->ret.action)
			severity = LINT_HIGH;
		effect = "libseccomp drops the conditions, and the rule without any decides";
	} else if (!plain->conds_n) {
		severity = LINT_HIGH;
		effect = "libseccomp takes the one that stands first";
	} else {
		effect = "which of them libseccomp takes depends on their order and conditions, or "
			 "it refuses them";
	}
	put_rules(&rules, x);
	lint_put_call(&call, x->call, x->args);
	f = lint_add(l, c, severity,
		     lint_at(&(struct lint_place){ 0 }, x->second->source, NULL, -1, NULL),
		     "%s both match %s: %s", buf_str(&rules), buf_str(&call), effect);
	if (f) {
		cleanup_json struct json_object *to = json_object_new_array();

		if (lint_reorder(l, x->call, to))
			lint_offer(l, f, to);
	}
}

void lint_run_rule_order(struct lint *l, const struct lint_check *c)
{
	each_clash(l, c, order);
}

/* The lower rule that shows through when the one with the default action is left out. */
static bool shows_through(struct lint *l, const struct lint_call *c, const struct sp_rule *r,
			  struct clash *out)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct sp_rule *o = c->rule[i];

		if (o == r || is_default(l, o) || rank_cmp(r, o) >= 0 || !lint_spend(l, 8))
			continue;
		*out = (struct clash){ c, r, o, { 0 } };
		if (sp_rules_meet(r, o, c->abi, c->d, out->args))
			return true;
	}
	return false;
}

bool lint_default_rule_is_idle(struct lint *l, const struct sp_rule *r)
{
	struct clash x;

	if (!is_default(l, r))
		return false;
	for (size_t n = 0; n < r->names_n; n++) {
		const struct lint_call *c = lint_call_find(l, r->names[n]);

		if ((c && shows_through(l, c, r, &x)) || !lint_same_everywhere(l, r->names[n]))
			return false;
	}
	return true;
}

static void default_rule(struct lint *l, const struct lint_check *c, const struct sp_rule *r)
{
	const struct json_path *at = lint_at(&(struct lint_place){ 0 }, r->source, NULL, -1, NULL);
	cleanup_buf struct buf ret = { 0 }, call = { 0 }, other = { 0 };
	struct lint_finding *f;
	struct clash x = { 0 };
	bool shows = false;

	for (size_t n = 0; n < r->names_n && !shows; n++) {
		const struct lint_call *call_of = lint_call_find(l, r->names[n]);

		shows = call_of && shows_through(l, call_of, r, &x);
	}
	sp_ret_text(r->ret, &ret);
	if (!shows) {
		f = lint_add(l, c, LINT_LOW, at, "%s is the default action anyway", buf_str(&ret));
		if (f)
			f->fixable = lint_default_rule_is_idle(l, r);
		return;
	}
	lint_put_call(&call, x.call, x.args);
	sp_ret_text(x.second->ret, &other);
	f = lint_add(l, c, lint_lets(x.second->ret) ? LINT_HIGH : LINT_MEDIUM, at,
		     "%s is the default action, so runc and crun leave the rule out, and %s gets "
		     "%s by /syscalls/%zu",
		     buf_str(&ret), buf_str(&call), buf_str(&other), x.second->source);
	if (f) {
		cleanup_json struct json_object *to = json_object_new_array();

		if (lint_reorder(l, x.call, to))
			lint_offer(l, f, to);
	}
}

void lint_run_rule_is_default(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->p.rules_n; i++)
		if (is_default(l, &l->p.rules[i]))
			default_rule(l, c, &l->p.rules[i]);
}

bool lint_call_depends_on_order(struct lint *l, const struct lint_call *c)
{
	struct clash x;

	for (size_t a = 0; a < c->n; a++) {
		if (is_default(l, c->rule[a]) && shows_through(l, c, c->rule[a], &x))
			return true;
		for (size_t b = a + 1; b < c->n && lint_spend(l, 1); b++)
			if (!is_default(l, c->rule[a]) && !is_default(l, c->rule[b]) &&
			    (c->rule[a]->ret.action != c->rule[b]->ret.action ||
			     !c->rule[a]->conds_n != !c->rule[b]->conds_n) &&
			    clashes(l, c, a, b, &x))
				return true;
	}
	return false;
}

/* What is left for the rule when those before it with another verdict have had theirs. */
static void own_part(struct lint *l, const struct lint_call *c, size_t i,
		     const unsigned bits[SC_MAX_ARGS], struct boxes *out)
{
	boxes_of_conds(out, c->rule[i]->conds, c->rule[i]->conds_n, bits);
	for (size_t k = 0; k < c->n; k++) {
		const struct sp_rule *o = c->rule[k];
		cleanup_boxes struct boxes s = { 0 };

		if (rank_cmp(o, c->rule[i]) >= 0 || !sp_ret_cmp(o->ret, c->rule[i]->ret))
			continue;
		if (!lint_spend(l, BOX_MAX)) {
			out->overflow = true;
			return;
		}
		boxes_of_conds(&s, o->conds, o->conds_n, bits);
		boxes_subtract_all(out, &s);
	}
}

static bool reorder_rule(struct lint *l, const struct lint_call *c, size_t i,
			 const unsigned bits[SC_MAX_ARGS], struct json_object *to)
{
	const struct lint_rule *r = &l->rules[c->rule[i]->source];
	cleanup_boxes struct boxes s = { 0 };

	if (is_default(l, c->rule[i]))
		return true;
	own_part(l, c, i, bits, &s);
	if (s.overflow || json_object_array_length(to) + s.n > REORDERED_MAX)
		return false;
	for (size_t k = 0; k < s.n; k++) {
		struct sp_cond conds[SC_MAX_ARGS];
		size_t n = box_conds(&s.v[k], conds);

		if (json_object_array_add(to, lint_rule_copy(r->o, &c->d->name, 1, conds, n)) < 0)
			mem_exhausted();
	}
	return true;
}

bool lint_reorder(struct lint *l, const struct lint_call *c, struct json_object *to)
{
	size_t before = json_object_array_length(to);
	unsigned bits[SC_MAX_ARGS];
	bool fits = lint_widths(&l->p, c->d, bits) && lint_same_everywhere(l, c->d->name);

	for (size_t i = 0; i < c->n && fits; i++)
		fits = reorder_rule(l, c, i, bits, to);
	if (!fits)
		json_object_array_del_idx(to, before, json_object_array_length(to) - before);
	return fits;
}

/* Takes from `left` what the rule matches; false when that cannot be said. */
static bool take(struct lint *l, struct boxes *left, const struct sp_rule *r,
		 const unsigned bits[SC_MAX_ARGS])
{
	cleanup_boxes struct boxes s = { 0 };

	if (!lint_spend(l, BOX_MAX))
		return false;
	boxes_of_conds(&s, r->conds, r->conds_n, bits);
	boxes_subtract_all(left, &s);
	return !left->overflow;
}

/* Whether every verdict stays the same without the rule. In doubt it does not. */
static bool changes_nothing(struct lint *l, const struct lint_call *c, size_t i, const bool *dead,
			    const unsigned bits[SC_MAX_ARGS])
{
	const struct sp_rule *r = c->rule[i];
	cleanup_boxes struct boxes left = { 0 };

	boxes_of_conds(&left, r->conds, r->conds_n, bits);
	/* Those that decide before it, or the same. */
	for (size_t k = 0; k < c->n; k++)
		if (k != i && !dead[k] && rank_cmp(c->rule[k], r) <= 0 &&
		    !take(l, &left, c->rule[k], bits))
			return false;
	/* Those that decide without it: none with another verdict may, and the same must. */
	for (size_t k = 0; k < c->n && left.n; k++) {
		cleanup_boxes struct boxes s = { 0 };

		if (dead[k] || rank_cmp(c->rule[k], r) <= 0)
			continue;
		if (!lint_spend(l, BOX_MAX))
			return false;
		boxes_of_conds(&s, c->rule[k]->conds, c->rule[k]->conds_n, bits);
		if (sp_ret_cmp(c->rule[k]->ret, r->ret) && (s.overflow || boxes_meet(&left, &s)))
			return false;
	}
	for (size_t k = 0; k < c->n; k++)
		if (!dead[k] && rank_cmp(c->rule[k], r) > 0 &&
		    !sp_ret_cmp(c->rule[k]->ret, r->ret) && !take(l, &left, c->rule[k], bits))
			return false;
	return !left.n;
}

/* An unconditional rule with the same verdict makes the limits of this one void. */
static const struct sp_rule *limit_voided_by(const struct lint_call *c, size_t i)
{
	for (size_t k = 0; k < c->n && c->rule[i]->conds_n; k++)
		if (!c->rule[k]->conds_n && !sp_ret_cmp(c->rule[k]->ret, c->rule[i]->ret))
			return c->rule[k];
	return NULL;
}

void lint_run_rule_limit_void(struct lint *l, const struct lint_check *c)
{
	for (size_t n = 0; n < l->calls_n; n++) {
		const struct lint_call *call = &l->calls[n];

		for (size_t i = 0; i < call->n && lint_spend(l, call->n); i++) {
			const struct sp_rule *by = limit_voided_by(call, i);

			if (by)
				lint_add(l, c, LINT_MEDIUM,
					 lint_at(&(struct lint_place){ 0 }, call->rule[i]->source,
						 "args", -1, NULL),
					 "the conditions for %s have no effect: /syscalls/%zu has "
					 "the same action without any",
					 call->d->name, by->source);
		}
	}
}

void lint_dead_rules(struct lint *l, const struct lint_call *c, bool *dead)
{
	unsigned bits[SC_MAX_ARGS];

	if (c->n < 2 || !lint_widths(&l->p, c->d, bits))
		return;
	for (size_t i = c->n; i-- > 0 && lint_spend(l, 1);)
		dead[i] = !is_default(l, c->rule[i]) && !limit_voided_by(c, i) &&
			  changes_nothing(l, c, i, dead, bits);
}

static void dead_rules(struct lint *l, const struct lint_check *c, const struct lint_call *call)
{
	cleanup_free bool *dead = xcalloc(call->n, sizeof(*dead));

	lint_dead_rules(l, call, dead);
	for (size_t i = 0; i < call->n; i++) {
		struct lint_finding *f;

		if (!dead[i])
			continue;
		f = lint_add(
			l, c, LINT_LOW,
			lint_at(&(struct lint_place){ 0 }, call->rule[i]->source, NULL, -1, NULL),
			"without effect for %s: other rules decide all that it matches",
			call->d->name);
		if (f)
			f->fixable = lint_same_everywhere(l, call->d->name);
	}
}

void lint_run_rule_dead(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->calls_n; i++)
		dead_rules(l, c, &l->calls[i]);
}
