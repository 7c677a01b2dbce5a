/* Conditions on arguments that come from policies: kept as they are. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/box.h"
#include "profile/generate_builder.h"
#include "profile/seen.h"

/* As in filter_clone(): what runtimes need of clone, which makes no namespace. */
#define CLONE_NAMESPACES UINT64_C(0x7e020000)

enum { MAX_CONDITIONS = 256 }; /* of one call; as many as an import keeps */

bool builder_by_rules(const struct builder *b, const char *name)
{
	bool any = false;

	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		const struct wl_syscall *s = wl_syscall_find(b->w, (enum sc_abi)abi, name);

		if (!s || !(s->prov.phases & WL_PROGRAM_PHASES))
			continue;
		if (!seen_rules_only(b->w, s, WL_PROGRAM_PHASES))
			return false;
		any = true;
	}
	return any;
}

static bool has_rules(const struct builder *b, const char *name)
{
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		const struct wl_syscall *s = wl_syscall_find(b->w, (enum sc_abi)abi, name);

		for (size_t i = 0; s && i < s->calls_n; i++)
			if (s->calls[i].rule)
				return true;
	}
	return false;
}

/* Whether the sum has the box, or has it with more bits that registers of 32 bits do not have. */
static bool has_box(const struct boxes *sum, const struct box *one, bool narrow)
{
	for (size_t i = 0; i < sum->n; i++) {
		bool same = true;

		for (unsigned k = 0; k < SC_MAX_ARGS; k++) {
			uint64_t mask = sum->v[i].mask[k];

			mask = narrow ? mask & UINT32_MAX : mask;
			same = same && mask == one->mask[k] && sum->v[i].want[k] == one->want[k];
		}
		if (same)
			return true;
	}
	return false;
}

static void add_box(struct boxes *sum, const struct box *one, bool narrow)
{
	struct boxes list = { .v = (struct box *)one, .n = 1 };

	if (!has_box(sum, one, false) && !(narrow && has_box(sum, one, true)))
		boxes_append(sum, &list);
}

/* Wide registers first: rules for narrow ones are often the same rules. */
static void collect(const struct builder *b, const char *name, struct boxes *sum)
{
	static const enum sc_abi order[] = { SC_X86_64, SC_AARCH64, SC_X32, SC_I386 };

	for (size_t a = 0; a < ARRAY_SIZE(order); a++) {
		const struct wl_syscall *s = wl_syscall_find(b->w, order[a], name);

		for (size_t i = 0; s && i < s->calls_n; i++) {
			const struct wl_call *c = &s->calls[i];
			struct box one = { 0 };

			if (!(c->prov.phases & WL_PROGRAM_PHASES))
				continue;
			for (unsigned k = 0; k < c->n; k++) {
				one.mask[c->index[k]] = c->mask[k];
				one.want[c->index[k]] = c->value[k];
			}
			add_box(sum, &one, order[a] == SC_I386);
		}
	}
}

/* Why the call cannot have these conditions; NULL when it can. */
static const char *obstacle(const struct builder *b, const char *name, const struct boxes *sum)
{
	const struct sc_desc *d = sc_by_name(name);

	if (builder_has(b, name, WHY_BASE) && strcmp(name, "clone"))
		return "the container runtime calls it too";
	if (sum->overflow || sum->n > MAX_CONDITIONS)
		return "its policies have too many conditions";
	for (size_t i = 0; i < sum->n; i++)
		for (unsigned k = 0; k < SC_MAX_ARGS; k++)
			if (sum->v[i].mask[k] && builder_kind(b, d, k) < 0)
				return "they differ between the ABIs";
	return NULL;
}

static void emit(struct builder *b, const char *name, const struct boxes *sum)
{
	for (size_t i = 0; i < sum->n; i++) {
		struct sp_rule *r = sp_rule_add(b->p, (struct sp_ret){ SP_ALLOW, 0 },
						"with the arguments that a policy allows");
		struct sp_cond conds[SC_MAX_ARGS];
		size_t n = box_conds(&sum->v[i], conds);

		sp_rule_name(b->p, r, name);
		for (size_t k = 0; k < n; k++)
			sp_rule_cond(r, conds[k].index, conds[k].op, conds[k].value,
				     conds[k].value2);
	}
	b->why[builder_place(name)] |= DONE;
}

static void add_rules_of(struct builder *b, const char *name)
{
	static const struct box no_namespace = { .mask = { CLONE_NAMESPACES } };
	cleanup_boxes struct boxes sum = { 0 };
	const char *why;

	collect(b, name, &sum);
	if (!strcmp(name, "clone") && builder_has(b, name, WHY_BASE))
		add_box(&sum, &no_namespace, false);
	why = obstacle(b, name, &sum);
	if (why)
		gen_note(b->notes, "%s: any arguments, since %s", name, why);
	else
		emit(b, name, &sum);
}

void builder_add_rules(struct builder *b)
{
	for (size_t i = 0; i < sc_count(); i++) {
		const char *name = sc_at(i)->name;

		if (!(b->why[i] & WHY_PROGRAM) || b->why[i] & DONE || !has_rules(b, name))
			continue;
		if (builder_by_rules(b, name))
			add_rules_of(b, name);
		else
			gen_note(b->notes,
				 "%s: any arguments, since a policy has conditions on them, and "
				 "another one, another ABI or a recording has not",
				 name);
	}
}
