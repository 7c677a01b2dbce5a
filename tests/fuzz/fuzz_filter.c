/*
 * The bytes are a filter in a file, raw or base64: what is read can be printed, explained, written
 * and read back, and equals itself. They are a list of frequencies too.
 */
#include "base/cleanup.h"
#include "fuzz.h"
#include "profile/disassemble.h"
#include "profile/explain.h"
#include "profile/filter_file.h"

static void try_frequencies(const uint8_t *data, size_t size)
{
	cleanup_sp_frequencies struct sp_frequencies f = { 0 };
	cleanup_free char *text = fuzz_text(data, size);
	struct err e;

	sp_frequencies_read(&f, "counts", text, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_sp_filter struct sp_filter f = { 0 }, g = { 0 };
	cleanup_disassembly struct disassembly *d = NULL;
	cleanup_buf struct buf text = { 0 }, source = { 0 }, words = { 0 }, b64 = { 0 };
	struct sp_operand a = { .name = "A", .filters = &f, .filters_n = 1 };
	struct sp_difference x;
	struct err e = { 0 };
	int r;

	try_frequencies(data, size);
	if (sp_filter_read(&f, "filter", data, size, &e) < 0)
		return 0;
	d = disassemble(&f);
	disassembly_text(d, &text);
	sp_filter_c(&f, "name", "title */", &source);
	r = sp_explain_text(&a, 80, &words, &e);
	if (r < 0 && r != -EOPNOTSUPP)
		abort();
	if (r == 0 && sp_compare(&a, &a, SP_EQUAL, &x, &e) != 0)
		abort();
	sp_filter_base64(&f, &b64);
	if (sp_filter_read(&g, "text", b64.p, b64.len, &e) < 0 || g.n != f.n ||
	    memcmp(g.insn, f.insn, f.n * sizeof(*f.insn)) != 0)
		abort();
	return 0;
}
