#include <string.h>

#include "base/cleanup.h"
#include "profile/compare.h"
#include "profile/diagram.h"
#include "profile/sample.h"

/* 0 when equal, SP_SAMPLED when it cannot be told this way, -EILSEQ with the call in *sd. */
static int compare(const struct sp_profile *p, const struct sp_filter *f, struct seccomp_data *sd)
{
	cleanup_bdd struct bdd *b = diagram_new();
	uint32_t mean = diagram_of_profile(b, p), does;
	bool value[DIAGRAM_LEVELS];

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
	r = compare(p, f, &sd);
	if (r == SP_SAMPLED)
		r = sample_compare(p, f, &sd);
	return r == -EILSEQ ? differ_err(p, f, &sd, e) : r;
}
