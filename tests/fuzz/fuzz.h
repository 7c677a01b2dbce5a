/* What every fuzz target has: its entry, which libFuzzer or replay.c calls, and what checks share.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input with a NUL behind it; the caller frees it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = xcalloc(size + 1, 1);

	if (size)
		memcpy(text, data, size);
	return text;
}

/* What was found at `at` lies inside of the input. */
static inline void fuzz_inside(uint64_t at, uint64_t len, size_t size)
{
	if (at > size || len > size - at)
		abort();
}

#endif
