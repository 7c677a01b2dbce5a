/* Objects of the Security Profiles Operator from any bytes: what is imported is a model that can be
 * written and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "profile/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_workload struct workload w, again = { 0 };
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_buf struct buf notes = { 0 }, text = { 0 };
	struct err e = { 0 };

	wl_init(&w);
	if (!data || gen_import_spo_text(&w, "in", (const char *)data, size, &notes, &e))
		return 0;
	wl_generalise(&w);
	wl_write(&w, &text);
	if (json_parse(&d, "model", text.p, text.len, &e) || wl_read(&again, &d, &e))
		abort();
	return 0;
}
