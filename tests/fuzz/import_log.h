/* Logs from any bytes: what is imported is a model that can be written and read again. */
#ifndef FUZZ_IMPORT_LOG_H
#define FUZZ_IMPORT_LOG_H

#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "import/import.h"

typedef int import_log(struct workload *w, const struct import_input *in, size_t n,
		       const struct import_options *o, struct buf *notes, struct err *e);

static inline int fuzz_import_log(import_log *import, const uint8_t *data, size_t size)
{
	const struct import_options o = { .arch = SC_X86_64 };
	struct import_input in = { "log", data, size };
	cleanup_workload struct workload w, again = { 0 };
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_buf struct buf notes = { 0 }, text = { 0 };
	struct err e = { 0 };

	wl_init(&w);
	if (!data || import(&w, &in, 1, &o, &notes, &e))
		return 0;
	wl_generalise(&w);
	wl_write(&w, &text);
	if (json_parse(&d, "model", text.p, text.len, &e) || wl_read(&again, &d, &e))
		abort();
	return 0;
}

#endif
