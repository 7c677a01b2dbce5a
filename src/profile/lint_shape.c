/*
 * Rules in the form that container runtimes and libseccomp handle correctly: one condition for each
 * argument, EQ at 64 bits or MASKED_EQ at the width of the argument.
 */
#include <string.h>

#include "base/mem.h"
#include "profile/lint_private.h"
#include "profile/region.h"

/* The widest that the argument is on any listed architecture; 0: none has the call. */
static unsigned widest(const struct sp_profile *p, const struct sc_desc *d, unsigned index)
{
	unsigned bits = 0;

	for (unsigned a = 0; a < SC_ABI_COUNT; a++) {
		unsigned w = sp_arg_bits((enum sc_abi)a, d, index);

		if (p->abi[a] && d->nr[a] >= 0 && w > bits)
			bits = w;
	}
	return bits;
}

bool lint_widths(const struct sp_profile *p, const struct sc_desc *d, unsigned bits[SC_MAX_ARGS])
{
	bool same = true;

	for (unsigned i = 0; i < SC_MAX_ARGS; i++) {
		bits[i] = widest(p, d, i);
		for (unsigned a = 0; a < SC_ABI_COUNT; a++) {
			unsigned reg = a == SC_I386 ? 32 : 64;

			if (p->abi[a] && d->nr[a] >= 0 &&
			    sp_arg_bits((enum sc_abi)a, d, i) != (bits[i] < reg ? bits[i] : reg))
				same = false;
		}
		if (!bits[i])
			bits[i] = 64;
	}
	return same;
}

bool lint_compares_wide(const struct sp_profile *p, const struct sc_desc *d,
			const struct sp_cond *c)
{
	for (unsigned a = 0; a < SC_ABI_COUNT; a++) {
		unsigned reg = a == SC_I386 ? 32 : 64;
		unsigned w = sp_arg_bits((enum sc_abi)a, d, c->index);

		if (!p->abi[a] || d->nr[a] < 0 || w >= reg)
			continue;
		if (c->op != SP_MASKED_EQ || (c->value & ~region_max(w) & region_max(reg)))
			return true;
	}
	return false;
}

bool lint_repeats_index(const struct lint_rule *r)
{
	for (size_t i = 0; i < r->conds_n; i++)
		for (size_t k = 0; k < i; k++)
			if (r->conds[i].index == r->conds[k].index)
				return true;
	return false;
}

static bool readable(const struct lint_rule *r)
{
	for (size_t i = 0; i < r->conds_n; i++)
		if (r->conds[i].index >= SC_MAX_ARGS || r->conds[i].op == SP_OP_COUNT)
			return false;
	return true;
}

bool lint_misshaped(const struct sp_profile *p, const struct lint_rule *r)
{
	if (!r->conds_n || !readable(r))
		return false;
	if (lint_repeats_index(r))
		return true;
	for (size_t n = 0; n < r->names_n; n++) {
		const struct sc_desc *d = sc_by_name(r->names[n]);

		for (size_t i = 0; d && i < r->conds_n; i++)
			if (lint_compares_wide(p, d, &r->conds[i]))
				return true;
	}
	return false;
}

static struct json_object *conds_json(const struct sp_cond *c, size_t n)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();

		json_add(o, "index", json_object_new_int(c[i].index));
		json_add(o, "value", json_object_new_uint64(c[i].value));
		if (c[i].op == SP_MASKED_EQ)
			json_add(o, "valueTwo", json_object_new_uint64(c[i].value2));
		json_add(o, "op", json_object_new_string(sp_op_name(c[i].op)));
		json_append(a, o);
	}
	return a;
}

/* Members that say nothing, as Podman's tools write them. */
static bool says_nothing(struct json_object *v)
{
	return !v || (json_object_is_type(v, json_type_object) && !json_object_object_length(v)) ||
	       (json_object_is_type(v, json_type_array) && !json_object_array_length(v)) ||
	       (json_object_is_type(v, json_type_string) && !json_object_get_string_len(v));
}

struct json_object *lint_rule_copy(struct json_object *rule, const char *const *names,
				   size_t names_n, const struct sp_cond *conds, size_t conds_n)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; i < names_n; i++)
		json_append(list, json_object_new_string(names[i]));
	json_add(o, "names", list);
	json_object_object_foreach (rule, key, value) {
		struct json_object *copy = NULL;

		if (!strcmp(key, "names") || !strcmp(key, "name") || !strcmp(key, "args") ||
		    says_nothing(value))
			continue;
		if (json_object_deep_copy(value, &copy, NULL) < 0)
			mem_exhausted();
		if (json_object_object_add(o, key, copy) < 0)
			mem_exhausted();
	}
	if (conds_n)
		json_add(o, "args", conds_json(conds, conds_n));
	return o;
}

enum { RESHAPED_MAX = 64 }; /* rules that one rule may become for one call */

/* One rule for each box; 0 when the conditions hold for nothing or for everything. */
static size_t append_boxes(const struct lint_rule *r, const struct sc_desc *d,
			   const unsigned bits[SC_MAX_ARGS], struct json_object *to)
{
	cleanup_boxes struct boxes s = { 0 };

	boxes_of_conds(&s, r->conds, r->conds_n, bits);
	if (s.overflow || s.n > RESHAPED_MAX)
		return 0;
	for (size_t i = 0; i < s.n; i++)
		if (box_is_all(&s.v[i]))
			return 0;
	for (size_t i = 0; i < s.n; i++) {
		struct sp_cond c[SC_MAX_ARGS];
		size_t n = box_conds(&s.v[i], c);

		json_append(to, lint_rule_copy(r->o, &d->name, 1, c, n));
	}
	return s.n;
}

bool lint_reshape(struct lint *l, const struct lint_rule *r, struct json_object *to)
{
	size_t before = json_object_array_length(to);

	if (!readable(r))
		return false;
	for (size_t i = 0; i < r->names_n; i++) {
		const struct sc_desc *d = sc_by_name(r->names[i]);
		unsigned bits[SC_MAX_ARGS];

		if (d && lint_spend(l, r->conds_n * BOX_MAX) && lint_widths(&l->p, d, bits) &&
		    append_boxes(r, d, bits, to) > 0)
			continue;
		json_object_array_del_idx(to, before, json_object_array_length(to) - before);
		return false;
	}
	return json_object_array_length(to) > before;
}

void lint_offer(struct lint *l, struct lint_finding *f, struct json_object *rules)
{
	const char *text;

	if (!f)
		return;
	text = json_object_to_json_string_ext(rules, JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		mem_exhausted();
	f->rules = arena_strdup(&l->r->arena, text);
	f->fixable = f->check->fixable;
}
