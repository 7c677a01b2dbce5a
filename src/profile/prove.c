#include <string.h>

#include "base/cleanup.h"
#include "profile/compare.h"
#include "profile/diagram.h"
#include "profile/sample.h"

static uint32_t complaint(uint32_t x, uint32_t y)
{
	(void)y;
	return sp_ret_of_word(x).action >= SP_LOG ? x : SECCOMP_RET_USER_NOTIF;
}

/* 0 when equal, SP_SAMPLED when it cannot be told this way, -EILSEQ with the call in *sd. */
static int compare(const struct sp_profile *p, bool complain, const struct sp_filter *f,
		   struct seccomp_data *sd)
{
	static const struct bdd_op op = { DIAGRAM_OP_COMPLAIN, complaint };
	cleanup_bdd struct bdd *b = diagram_new();
	uint32_t mean = diagram_of_profile(b, p), does;
	bool value[DIAGRAM_LEVELS];

	if (complain && !bdd_failed(b))
		mean = bdd_apply(b, &op, mean, mean);
	if (bdd_failed(b) || !diagram_of_filter(b, f, &does))
		return SP_SAMPLED;
	if (mean == does)
		return 0;
	bdd_difference(b, mean, does, value);
	diagram_call(value, sd);
	return -EILSEQ;
}

static int differ_err(const struct sp_profile *p, const struct sp_filter *f,
		      const struct seccomp_data *sd, struct err *e)
{
	cleanup_buf struct buf call = { 0 }, want = { 0 }, got = { 0 };
	uint64_t args[SC_MAX_ARGS];

	memcpy(args, sd->args, sizeof(args));
	sp_call_text(sd, &call);
	sp_ret_text(sp_eval(p, sd->arch, (uint32_t)sd->nr, args), &want);
	sp_ret_text(sp_ret_of_word(sp_run(f, sd)), &got);
	return err_set(e, EILSEQ, "the filter differs from the profile: %s gets %s, expected %s",
		       buf_str(&call), buf_str(&got), buf_str(&want));
}

int sp_prove(const struct sp_profile *p, const struct sp_filter *f, struct err *e)
{
	struct seccomp_data sd;
	int r = sp_filter_check(f, e);

	if (r < 0)
		return r;
	r = compare(p, false, f, &sd);
	if (r == SP_SAMPLED)
		r = sample_compare(p, f, &sd);
	return r == -EILSEQ ? differ_err(p, f, &sd, e) : r;
}

int sp_prove_complain(const struct sp_profile *p, const struct sp_filter *f, struct err *e)
{
	cleanup_buf struct buf call = { 0 };
	struct seccomp_data sd;
	int r = sp_filter_check(f, e);

	if (r == 0)
		r = compare(p, true, f, &sd);
	if (r == SP_SAMPLED)
		return err_set(e, E2BIG,
			       "the profile is too large to be proven equal to its filter");
	if (r != -EILSEQ)
		return r;
	sp_call_text(&sd, &call);
	return err_set(e, EILSEQ,
		       "the filter does not notify of exactly what the profile denies: %s",
		       buf_str(&call));
}

int sp_compile_proven(const struct sp_profile *p, const struct sp_frequencies *often,
		      struct sp_filter *f, struct err *e)
{
	cleanup_sp_filter struct sp_filter g = { 0 };
	int r = sp_check(p, e);

	if (r == 0)
		r = sp_compile_often(p, often, &g, e);
	if (r == 0)
		r = sp_prove(p, &g, e);
	if (r == SP_SAMPLED)
		return err_set(e, E2BIG,
			       "the profile is too large to be proven equal to its filter: fewer "
			       "rules with conditions are expected");
	if (r < 0)
		return r;
	*f = g;
	g.insn = NULL;
	return 0;
}
