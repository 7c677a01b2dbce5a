/* Logs of strace from any bytes. */
#include "import/import.h"
#include "import_model.h"

static int import(struct workload *w, const uint8_t *data, size_t size, struct buf *notes,
		  struct err *e)
{
	const struct import_options o = { .arch = SC_X86_64 };
	struct import_input in = { "log", data, size };

	return import_strace(w, &in, 1, &o, notes, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_import(import, data, size);
}
