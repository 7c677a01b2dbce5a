/* Tables of inputs with what has to stand in the model, in the notes or in the error. */
#ifndef TESTS_UNIT_IMPORT_CASE_H
#define TESTS_UNIT_IMPORT_CASE_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "import/import.h"

enum { CASE_WORDS = 10 };

struct import_case {
	const char *name;
	const char *text;
	/*
	 * Each has to be in the model's JSON; "!…" must not; "note:…" has to be in the notes;
	 * "error:…" in the error, and then the import fails.
	 */
	const char *want[CASE_WORDS];
};

typedef int import_one(struct workload *w, const struct import_input *in, struct buf *notes,
		       struct err *e);

static bool case_holds(const char *want, const char *json, const char *notes, const char *error)
{
	if (!strncmp(want, "note:", 5))
		return strstr(notes, want + 5);
	if (!strncmp(want, "error:", 6))
		return strstr(error, want + 6);
	if (*want == '!')
		return !strstr(json, want + 1);
	return strstr(json, want);
}

/* Runs the cases; the number of those that do not hold, each printed. */
static unsigned import_cases(const struct import_case *cases, size_t n, import_one *one)
{
	unsigned failed = 0;

	for (size_t i = 0; i < n; i++) {
		const struct import_case *c = &cases[i];
		struct import_input in = { "in", c->text, strlen(c->text) };
		bool fails = c->want[0] && !strncmp(c->want[0], "error:", 6);
		cleanup_workload struct workload w;
		cleanup_buf struct buf json = { 0 }, notes = { 0 };
		struct err e = { 0 };
		int r;

		wl_init(&w);
		r = one(&w, &in, &notes, &e);
		wl_write(&w, &json);
		if ((r < 0) != fails) {
			printf("%s: returned %d: %s\n", c->name, r, e.msg);
			failed++;
		}
		for (size_t k = 0; k < CASE_WORDS && c->want[k]; k++) {
			if (case_holds(c->want[k], buf_str(&json), buf_str(&notes), e.msg))
				continue;
			printf("%s: '%s' does not hold; notes: %s; error: %s; model:\n%s\n",
			       c->name, c->want[k], buf_str(&notes), e.msg, buf_str(&json));
			failed++;
		}
	}
	return failed;
}

#endif
