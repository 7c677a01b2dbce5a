/* Imports of any bytes: what is imported is a model that can be written and read again. */
#ifndef FUZZ_IMPORT_MODEL_H
#define FUZZ_IMPORT_MODEL_H

#include "base/cleanup.h"
#include "fuzz.h"
#include "model/workload.h"

typedef int fuzz_importer(struct workload *w, const uint8_t *data, size_t size, struct buf *notes,
			  struct err *e);

static inline int fuzz_import(fuzz_importer *import, const uint8_t *data, size_t size)
{
	cleanup_workload struct workload w, again = { 0 };
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_buf struct buf notes = { 0 }, text = { 0 };
	struct err e = { 0 };

	wl_init(&w);
	if (!data || import(&w, data, size, &notes, &e))
		return 0;
	wl_generalise(&w);
	wl_write(&w, &text);
	if (json_parse(&d, "model", text.p, text.len, &e) || wl_read(&again, &d, &e))
		abort();
	return 0;
}

#endif
