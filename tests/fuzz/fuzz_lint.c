/*
 * Any text, looked at as a profile, for every engine in turn: no crash, and a correction that works
 * keeps the meaning, so that it is never refused for another reason than the profile's own.
 */
#include "fuzz.h"
#include "profile/lint.h"

static void correct(const char *text, size_t len, const struct lint_options *o)
{
	cleanup_lint_report struct lint_report left = { 0 };
	cleanup_free char *out = NULL;
	struct err e = { 0 };
	int rc = lint_fix("input", text, len, o, &out, &e);

	if (rc == -EILSEQ)
		abort();
	/* What is written is a profile again. */
	if (rc == 0 && lint_profile("output", out, strlen(out), o, &left, &e) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_lint_report struct lint_report r = { 0 };
	cleanup_json struct json_object *json = NULL;
	cleanup_buf struct buf text = { 0 };
	struct lint_options o;

	lint_options_default(&o);
	o.host = (struct sp_host){ SC_X86_64, 0xa80425fb, { 6, 1, 0 } };
	o.engine = (enum lint_engine)(size % LINT_ENGINE_COUNT);
	o.libseccomp = size % 2 ? "2.5.4" : NULL;
	if (lint_profile("input", (const char *)data, size, &o, &r, NULL) < 0)
		return 0;
	lint_text("input", &r, &text);
	json = lint_json("input", &r);
	correct((const char *)data, size, &o);
	return 0;
}
