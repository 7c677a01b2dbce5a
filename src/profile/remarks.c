/*
 * Which rules decide: of each call the rules are taken from the one that wins most on, and what is
 * left of the arguments for each is computed exactly.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/diagram.h"

enum { MAX_NAMES_LISTED = 8 };

/* Of one rule: the calls that it names, over all ABIs, and those that it decides in one at least.
 */
struct use {
	const struct sp_rule *rule;
	uint8_t *named, *decided;     /* by the position of the call in sc_at() */
	const struct sp_rule *winner; /* one that wins instead */
};

struct uses {
	struct bdd *b;
	const struct sp_profile *p;
	struct use *use; /* of each rule */
};

static void uses_free(struct uses *u)
{
	for (size_t i = 0; u->use && i < u->p->rules_n; i++) {
		free(u->use[i].named);
		free(u->use[i].decided);
	}
	free(u->use);
	bdd_free(&u->b);
}

/* From the rule that wins over all others on; equal ones in the order of the file. */
static int winning_cmp(const void *pa, const void *pb)
{
	const struct sp_rule *a = *(const struct sp_rule *const *)pa;
	const struct sp_rule *b = *(const struct sp_rule *const *)pb;
	int c = (b->conds_n > 0) - (a->conds_n > 0);

	if (c == 0)
		c = sp_ret_cmp(a->ret, b->ret);
	return c ? c : (a > b) - (a < b);
}

static struct use *use_of(const struct uses *u, const struct sp_rule *r)
{
	return &u->use[r - u->p->rules];
}

static void look_at_call(struct uses *u, enum sc_abi abi, const struct sp_call *call)
{
	cleanup_free const struct sp_rule **rule = xcalloc(call->n, sizeof(struct sp_rule *));
	cleanup_free uint32_t *matches = xcalloc(call->n, sizeof(*matches));
	uint32_t no = bdd_leaf(u->b, 0), yes = bdd_leaf(u->b, 1), covered = no;
	size_t at = (size_t)(call->desc - sc_at(0));

	memcpy(rule, call->rule, call->n * sizeof(*rule));
	qsort(rule, call->n, sizeof(*rule), winning_cmp);
	for (size_t i = 0; i < call->n && !bdd_failed(u->b); i++) {
		struct use *use = use_of(u, rule[i]);

		matches[i] = diagram_of_rule(u->b, rule[i], abi, call->desc);
		use->named[at] = 1;
		if (bdd_ite(u->b, covered, no, matches[i]) != no)
			use->decided[at] = 1;
		for (size_t k = 0; k < i && !use->winner && !use->decided[at]; k++)
			if (bdd_ite(u->b, matches[k], matches[i], no) != no)
				use->winner = rule[k];
		covered = bdd_ite(u->b, matches[i], yes, covered);
	}
}

static void look(struct uses *u)
{
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		cleanup_sp_calls struct sp_calls calls = { 0 };

		if (!u->p->abi[abi])
			continue;
		sp_calls_init(&calls, u->p, (enum sc_abi)abi);
		for (size_t i = 0; i < calls.n; i++)
			look_at_call(u, (enum sc_abi)abi, &calls.call[i]);
	}
}

static void put_names(const struct use *use, struct buf *out, size_t *idle, size_t *named)
{
	*idle = *named = 0;
	for (size_t i = 0; i < sc_count(); i++) {
		*named += use->named[i];
		if (!use->named[i] || use->decided[i])
			continue;
		if ((*idle)++ < MAX_NAMES_LISTED)
			buf_printf(out, "%s%s", *idle > 1 ? ", " : "", sc_at(i)->name);
	}
	if (*idle > MAX_NAMES_LISTED)
		buf_printf(out, " and %zu more", *idle - MAX_NAMES_LISTED);
}

static void put_remark(const struct use *use, struct buf *notes)
{
	cleanup_buf struct buf names = { 0 };
	size_t idle, named;

	put_names(use, &names, &idle, &named);
	if (!idle)
		return;
	buf_printf(notes, "/syscalls/%zu: ", use->rule->source);
	if (idle == named)
		buf_printf(notes, "the rule never decides anything (%s)", buf_str(&names));
	else
		buf_printf(notes, "the rule never decides %s", buf_str(&names));
	if (use->winner)
		buf_printf(notes, ": other rules always win, such as /syscalls/%zu\n",
			   use->winner->source);
	else
		buf_puts(notes, ": its conditions can never hold together\n");
}

void sp_remarks(const struct sp_profile *p, struct buf *notes)
{
	cleanup(uses_free) struct uses u = { .b = diagram_new(), .p = p };

	u.use = xcalloc(p->rules_n + 1, sizeof(*u.use));
	for (size_t i = 0; i < p->rules_n; i++) {
		u.use[i].rule = &p->rules[i];
		u.use[i].named = xcalloc(sc_count(), 1);
		u.use[i].decided = xcalloc(sc_count(), 1);
	}
	look(&u);
	if (bdd_failed(u.b)) {
		buf_puts(notes, "too many conditions to find the rules that never decide\n");
		return;
	}
	for (size_t i = 0; i < p->rules_n; i++)
		put_remark(&u.use[i], notes);
}
