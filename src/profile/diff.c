#include "profile/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/diagram.h"

struct differ {
	struct bdd *b;
	uint32_t a, c;	   /* diagrams of A and B */
	uint32_t relation; /* ends are enum sp_order */
	uint32_t same;	   /* the end SP_SAME */
	struct sp_diff *out;
};

static uint32_t number(enum sc_abi abi, const struct sc_desc *d)
{
	return (uint32_t)d->nr[abi] | (abi == SC_X32 ? SC_X32_BIT : 0);
}

static void note_orders(const struct differ *d, uint32_t relation, bool *order)
{
	uint32_t words[SP_OTHER_DATA + 1];
	size_t n = bdd_words(d->b, relation, words, ARRAY_SIZE(words));

	for (size_t i = 0; i < n; i++)
		order[words[i]] = true;
}

static void fill_example(const struct differ *d, uint32_t relation, struct sp_difference *x)
{
	bool value[DIAGRAM_LEVELS];
	uint32_t a = d->a, c = d->c;

	bdd_difference(d->b, relation, d->same, value);
	diagram_call(value, &x->sd);
	for (unsigned i = 0; i < DIAGRAM_LEVELS; i++) {
		a = bdd_child(d->b, a, i, value[i]);
		c = bdd_child(d->b, c, i, value[i]);
	}
	x->a = sp_ret_of_word(bdd_word(d->b, a));
	x->b = sp_ret_of_word(bdd_word(d->b, c));
}

/* `relation`: over all variables, SAME outside of what the change is about. */
static struct sp_change *add_change(const struct differ *d, enum sp_change_kind kind,
				    enum sc_abi abi, const struct sc_desc *desc, uint32_t relation)
{
	struct sp_change *x = vec_push(d->out->changes, d->out->n, d->out->cap);

	x->kind = kind;
	x->abi = abi;
	x->desc = desc;
	fill_example(d, relation, &x->example);
	return x;
}

/* The relation cut down to where `c` holds. */
static uint32_t only(const struct differ *d, uint32_t c, uint32_t relation)
{
	return bdd_ite(d->b, c, relation, d->same);
}

static uint32_t at_number(const struct differ *d, enum sc_abi abi, const struct sc_desc *desc)
{
	uint32_t nr = bdd_eq(d->b, 32, 32, UINT32_MAX, number(abi, desc));

	return bdd_ite(d->b, bdd_eq(d->b, 0, 32, UINT32_MAX, sc_abi_audit_arch(abi)), nr,
		       bdd_leaf(d->b, 0));
}

/* The calls of an ABI, as a condition; of x32 those with its bit. */
static uint32_t of_abi(const struct differ *d, enum sc_abi abi)
{
	uint32_t no = bdd_leaf(d->b, 0), yes = bdd_leaf(d->b, 1);
	uint32_t bit = bdd_eq(d->b, 32, 32, SC_X32_BIT, SC_X32_BIT);
	uint32_t arch = bdd_eq(d->b, 0, 32, UINT32_MAX, sc_abi_audit_arch(abi));

	if (abi == SC_X86_64)
		arch = bdd_ite(d->b, arch, bdd_ite(d->b, bit, no, yes), no);
	else if (abi == SC_X32)
		arch = bdd_ite(d->b, arch, bit, no);
	return arch;
}

static void diff_call(const struct differ *d, enum sc_abi abi, const struct sc_desc *desc)
{
	uint32_t arch = sc_abi_audit_arch(abi), nr = number(abi, desc);
	uint32_t here = diagram_at(d->b, d->relation, arch, nr);
	struct sp_change *x;

	if (here == d->same)
		return;
	x = add_change(d, SP_CHANGE_CALL, abi, desc, only(d, at_number(d, abi, desc), d->relation));
	note_orders(d, here, x->order);
	x->always = !x->order[SP_SAME];
	sp_meaning_of(d->b, diagram_at(d->b, d->a, arch, nr), abi, desc, &x->a);
	sp_meaning_of(d->b, diagram_at(d->b, d->c, arch, nr), abi, desc, &x->b);
}

/* Whether the operand does the same to every call of the ABI. */
static bool tells_nothing_apart(const struct differ *d, uint32_t node, enum sc_abi abi)
{
	uint32_t first = 0;
	bool any = false;

	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *desc = sc_at(i);
		uint32_t here;

		if (desc->nr[abi] < 0)
			continue;
		here = diagram_at(d->b, node, sc_abi_audit_arch(abi), number(abi, desc));
		if ((any && here != first) || !bdd_is_leaf(d->b, here))
			return false;
		first = here;
		any = true;
	}
	return true;
}

static bool differs(const struct differ *d, enum sc_abi abi, bool every)
{
	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *desc = sc_at(i);

		if (desc->nr[abi] >= 0 && (diagram_at(d->b, d->relation, sc_abi_audit_arch(abi),
						      number(abi, desc)) != d->same) != every)
			return !every;
	}
	return every;
}

static void diff_abi(const struct differ *d, enum sc_abi abi)
{
	uint32_t here;
	bool whole;

	if (!differs(d, abi, false))
		return;
	whole = (tells_nothing_apart(d, d->a, abi) || tells_nothing_apart(d, d->c, abi)) &&
		(differs(d, abi, true) ||
		 (tells_nothing_apart(d, d->a, abi) && tells_nothing_apart(d, d->c, abi)));
	if (whole) {
		here = only(d, of_abi(d, abi), d->relation);
		note_orders(d, here, add_change(d, SP_CHANGE_ABI, abi, NULL, here)->order);
		d->out->changes[d->out->n - 1].always = true;
		return;
	}
	for (unsigned nr = 0; nr <= sc_max_nr(abi); nr++)
		if (sc_by_nr(abi, nr))
			diff_call(d, abi, sc_by_nr(abi, nr));
}

static bool has_whole(const struct sp_diff *out, enum sc_abi abi)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->changes[i].abi == abi && out->changes[i].kind == SP_CHANGE_ABI)
			return true;
	return false;
}

static void diff_rest(const struct differ *d, enum sp_change_kind kind, enum sc_abi abi,
		      uint32_t rest)
{
	struct sp_change *x;

	if (rest == d->same)
		return;
	x = add_change(d, kind, abi, NULL, rest);
	note_orders(d, rest, x->order);
}

/* What is no known call: other numbers, other architectures. */
static void diff_unknown(const struct differ *d)
{
	uint32_t rest = d->relation;

	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++)
		for (size_t i = 0; i < sc_count() && !bdd_failed(d->b); i++)
			if (sc_at(i)->nr[abi] >= 0)
				rest = bdd_ite(d->b, at_number(d, (enum sc_abi)abi, sc_at(i)),
					       d->same, rest);
	for (unsigned abi = 0; abi < SC_ABI_COUNT && !bdd_failed(d->b); abi++) {
		uint32_t c = of_abi(d, (enum sc_abi)abi);

		if (!has_whole(d->out, (enum sc_abi)abi))
			diff_rest(d, SP_CHANGE_NUMBERS, (enum sc_abi)abi, only(d, c, rest));
		rest = bdd_ite(d->b, c, d->same, rest);
	}
	if (!bdd_failed(d->b))
		diff_rest(d, SP_CHANGE_ARCHES, SC_ABI_COUNT, rest);
}

static int no_diagram(const struct sp_operand *o, struct err *e)
{
	return err_set(e, EOPNOTSUPP,
		       "%s: what it does cannot be told apart call by call: a filter computes "
		       "with what it loads, or there are too many conditions",
		       o->name);
}

int sp_diff(const struct sp_operand *a, const struct sp_operand *b, struct sp_diff *out,
	    struct err *e)
{
	cleanup_bdd struct bdd *bdd = diagram_new();
	struct differ d = { .b = bdd, .out = out };
	int r = sp_operand_diagram(a, bdd, &d.a, e);

	if (r != 0)
		return r < 0 ? r : no_diagram(a, e);
	r = sp_operand_diagram(b, bdd, &d.c, e);
	if (r != 0)
		return r < 0 ? r : no_diagram(b, e);
	d.relation = sp_relation_diagram(bdd, d.a, d.c);
	d.same = bdd_leaf(bdd, SP_SAME);
	*out = (struct sp_diff){ 0 };
	if (!bdd_failed(bdd) && d.relation != d.same)
		note_orders(&d, d.relation, out->order);
	for (unsigned abi = 0; abi < SC_ABI_COUNT && !bdd_failed(bdd); abi++)
		diff_abi(&d, (enum sc_abi)abi);
	if (!bdd_failed(bdd) && d.relation != d.same)
		diff_unknown(&d);
	if (!bdd_failed(bdd))
		return 0;
	sp_diff_free(out);
	return no_diagram(b, e);
}

void sp_diff_free(struct sp_diff *d)
{
	for (size_t i = 0; i < d->n; i++) {
		sp_meaning_free(&d->changes[i].a);
		sp_meaning_free(&d->changes[i].b);
	}
	free(d->changes);
	*d = (struct sp_diff){ 0 };
}
