/*
 * Models from any bytes: what is accepted is written, read again and written the same, merged with
 * itself without change, and generalised to a fixed point.
 */
#include "base/cleanup.h"
#include "fuzz.h"
#include "model/workload.h"

static void parse(struct workload *w, const char *text, size_t len)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct err e = { 0 };

	if (json_parse(&d, "again", text, len, &e) || wl_read(w, &d, &e))
		abort();
}

static void expect_same(struct workload *w, const struct buf *before)
{
	cleanup_buf struct buf after = { 0 };

	wl_write(w, &after);
	if (after.len != before->len || memcmp(after.p, before->p, after.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_workload struct workload w = { 0 }, copy = { 0 };
	cleanup_buf struct buf text = { 0 }, general = { 0 };
	struct err e = { 0 };

	if (json_parse(&d, "input", (const char *)data, size, &e) || wl_read(&w, &d, &e))
		return 0;
	wl_write(&w, &text);
	parse(&copy, text.p, text.len);
	expect_same(&copy, &text);
	if (wl_merge(&w, &copy, &e))
		abort();
	expect_same(&w, &text);
	wl_generalise(&w);
	wl_write(&w, &general);
	wl_generalise(&w);
	expect_same(&w, &general);
	return 0;
}
