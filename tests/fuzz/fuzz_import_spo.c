/* Objects of the Security Profiles Operator from any bytes. */
#include "import_model.h"
#include "profile/import.h"

static int import(struct workload *w, const uint8_t *data, size_t size, struct buf *notes,
		  struct err *e)
{
	return gen_import_spo_text(w, "in", (const char *)data, size, notes, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_import(import, data, size);
}
