#include "profile/compare.h"

#include <string.h>

#include "base/cleanup.h"
#include "profile/diagram.h"
#include "profile/sample.h"

enum { BUDGET = 200000 }; /* calls with conditions that are tried when there is no proof */

static int check(const struct sp_operand *o, struct err *e)
{
	for (size_t i = 0; !o->profile && i < o->filters_n; i++)
		if (sp_filter_check(&o->filters[i], e) < 0)
			return err_prefix(e, "%s", o->name);
	return 0;
}

static struct sp_ret eval(const struct sp_operand *o, const struct seccomp_data *sd)
{
	struct sp_ret ret = { SP_ALLOW, 0 };
	uint64_t args[SC_MAX_ARGS];

	memcpy(args, sd->args, sizeof(args));
	if (o->profile)
		return sp_eval(o->profile, sd->arch, (uint32_t)sd->nr, args);
	for (size_t i = 0; i < o->filters_n; i++) {
		struct sp_ret r = sp_ret_of_word(sp_run(&o->filters[i], sd));

		if (r.action < ret.action)
			ret = r;
	}
	return ret;
}

int sp_operand_diagram(const struct sp_operand *o, struct bdd *b, uint32_t *out, struct err *e)
{
	int r = check(o, e);

	if (r < 0)
		return r;
	if (o->profile) {
		*out = diagram_of_profile(b, o->profile);
		return bdd_failed(b) ? SP_SAMPLED : 0;
	}
	*out = bdd_leaf(b, SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < o->filters_n; i++) {
		uint32_t one;

		if (!diagram_of_filter(b, &o->filters[i], &one))
			return SP_SAMPLED;
		*out = diagram_stricter(b, *out, one);
	}
	return bdd_failed(b) ? SP_SAMPLED : 0;
}

static enum sp_order order(struct sp_ret a, struct sp_ret b)
{
	if (a.action != b.action)
		return a.action > b.action ? SP_A_LAXER : SP_B_LAXER;
	return sp_ret_cmp(a, b) ? SP_OTHER_DATA : SP_SAME;
}

static uint32_t order_words(uint32_t x, uint32_t y)
{
	return order(sp_ret_of_word(x), sp_ret_of_word(y));
}

uint32_t sp_relation_diagram(struct bdd *b, uint32_t x, uint32_t y)
{
	static const struct bdd_op op = { DIAGRAM_OP_RELATION, order_words };

	return bdd_apply(b, &op, x, y);
}

static bool violates(enum sp_relation want, enum sp_order is)
{
	return want == SP_EQUAL ? is != SP_SAME : is == SP_A_LAXER;
}

static uint32_t violates_equal(uint32_t x, uint32_t y)
{
	return violates(SP_EQUAL, order_words(x, y));
}

static uint32_t violates_subset(uint32_t x, uint32_t y)
{
	return violates(SP_SUBSET, order_words(x, y));
}

/* As sp_compare(), and *sd has the call. */
static int compare_all(const struct sp_operand *a, const struct sp_operand *b,
		       enum sp_relation want, struct seccomp_data *sd, struct err *e)
{
	static const struct bdd_op ops[] = {
		[SP_EQUAL] = { DIAGRAM_OP_RELATION, violates_equal },
		[SP_SUBSET] = { DIAGRAM_OP_RELATION, violates_subset },
	};
	cleanup_bdd struct bdd *bdd = diagram_new();
	bool value[DIAGRAM_LEVELS];
	uint32_t x, y, bad;
	int r = sp_operand_diagram(a, bdd, &x, e);

	if (r == 0)
		r = sp_operand_diagram(b, bdd, &y, e);
	if (r != 0)
		return r;
	bad = bdd_apply(bdd, &ops[want], x, y);
	x = bdd_leaf(bdd, 0);
	if (bdd_failed(bdd))
		return SP_SAMPLED;
	if (bad == x)
		return 0;
	bdd_difference(bdd, bad, x, value);
	diagram_call(value, sd);
	return -EILSEQ;
}

struct trial {
	const struct sp_operand *a, *b;
	enum sp_relation want;
	struct seccomp_data *sd;
};

static int try_one(const struct seccomp_data *sd, void *ctx)
{
	struct trial *t = ctx;

	if (!violates(t->want, order(eval(t->a, sd), eval(t->b, sd))))
		return 0;
	*t->sd = *sd;
	return -EILSEQ;
}

static int compare_some(const struct sp_operand *a, const struct sp_operand *b,
			enum sp_relation want, struct seccomp_data *sd)
{
	const struct sp_operand *side[] = { a, b };
	struct trial t = { a, b, want, sd };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(side) && r == 0; i++) {
		if (side[i]->profile)
			r = sample_calls(side[i]->profile, NULL, BUDGET, try_one, &t);
		for (size_t k = 0; !side[i]->profile && k < side[i]->filters_n && r == 0; k++)
			r = sample_calls(NULL, &side[i]->filters[k], BUDGET, try_one, &t);
	}
	return r ? r : SP_SAMPLED;
}

int sp_compare(const struct sp_operand *a, const struct sp_operand *b, enum sp_relation want,
	       struct sp_difference *out, struct err *e)
{
	cleanup_buf struct buf call = { 0 }, x = { 0 }, y = { 0 };
	struct seccomp_data sd;
	int r = check(a, e);

	if (r == 0)
		r = check(b, e);
	if (r == 0)
		r = compare_all(a, b, want, &sd, e);
	if (r == SP_SAMPLED)
		r = compare_some(a, b, want, &sd);
	if (r != -EILSEQ)
		return r;
	*out = (struct sp_difference){ sd, eval(a, &sd), eval(b, &sd) };
	sp_call_text(&sd, &call);
	sp_ret_text(out->a, &x);
	sp_ret_text(out->b, &y);
	return err_set(e, EILSEQ, "%s: %s with %s, %s with %s", buf_str(&call), buf_str(&x),
		       a->name, buf_str(&y), b->name);
}
