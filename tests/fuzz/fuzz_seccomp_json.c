/*
 * Any text, read as a profile: no crash; and what is accepted is written, in every dialect, as a
 * text that reads as the same profile, compiles to the same program and is proven to be right.
 */
#include "base/cleanup.h"
#include "fuzz.h"
#include "profile/seccomp.h"

static const struct sp_host host = { .native = SC_X86_64,
				     .caps = 0xa80425fb,
				     .kernel = { 6, 1, 0 } };

static void same_filter(const struct sp_filter *f, const struct sp_profile *q)
{
	cleanup_sp_filter struct sp_filter g = { 0 };

	if (sp_compile(q, &g, NULL) < 0 || g.n != f->n ||
	    memcmp(g.insn, f->insn, f->n * sizeof(*f->insn)))
		abort();
}

static void write_and_read(const struct sp_profile *p, const struct sp_filter *f,
			   enum sp_dialect dialect)
{
	cleanup_free char *text = sp_write(p, dialect), *again = NULL;
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_sp_profile struct sp_profile q = { 0 };

	if (json_parse(&d, "again", text, strlen(text), NULL) < 0 ||
	    sp_read(&q, &d, &host, NULL, NULL) < 0)
		abort();
	again = sp_write(&q, dialect);
	if (strcmp(text, again))
		abort();
	if (f->n)
		same_filter(f, &q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_sp_profile struct sp_profile p = { 0 };
	cleanup_sp_filter struct sp_filter f = { 0 };
	cleanup_buf struct buf unknown = { 0 };
	struct err e = { 0 };
	int r;

	if (json_parse(&d, "fuzz", (const char *)data, size, &e) < 0 ||
	    sp_read(&p, &d, &host, &unknown, &e) < 0)
		return 0;
	sp_check(&p, &e);
	r = sp_compile(&p, &f, &e);
	if (r < 0 && r != -E2BIG)
		abort();
	if (r == 0 && sp_prove(&p, &f, &e) < 0)
		abort();
	for (unsigned dialect = 0; dialect < SP_DIALECT_COUNT; dialect++)
		write_and_read(&p, &f, (enum sp_dialect)dialect);
	return 0;
}
