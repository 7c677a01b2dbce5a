/* Findings from any bytes: what is accepted is written, read again and written the same. */
#include "base/cleanup.h"
#include "fuzz.h"
#include "model/finding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_finding struct finding *f = NULL, *again = NULL;
	cleanup_buf struct buf one = { 0 }, two = { 0 }, falco = { 0 };
	struct err e = { 0 };

	if (finding_read(&f, "input", (const char *)data, size, &e))
		return 0;
	finding_write(f, &one);
	finding_write_falco(f, &falco);
	if (one.len > FINDING_JSON_MAX)
		return 0;
	if (finding_read(&again, "again", buf_str(&one), one.len, &e))
		abort();
	finding_write(again, &two);
	if (one.len != two.len || memcmp(one.p, two.p, one.len))
		abort();
	return 0;
}
