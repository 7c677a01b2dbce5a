/* Any bytes as a JavaScript source file: what is found lies inside of the text. */
#include <stdlib.h>
#include <string.h>

#include "elf/js_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(uint64_t at, uint64_t len, size_t size)
{
	if (at > size || len > size - at)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1);
	struct js_source s;

	if (!text)
		return 0;
	memcpy(text, data, size);
	js_source_read(&s, text, size, true);
	for (size_t i = 0; i < s.words_n; i++) {
		check(s.words[i].at, s.words[i].len, size);
		if (s.words[i].unit >= s.units_n)
			abort();
	}
	for (size_t i = 0; i < s.units_n; i++) {
		check(s.units[i].at, s.units[i].len, size);
		if (i && s.units[i].parent >= i)
			abort();
	}
	for (size_t i = 0; i < s.loads_n; i++) {
		check(s.loads[i].at, s.loads[i].len, size);
		if (s.loads[i].unit >= s.units_n)
			abort();
	}
	for (size_t i = 0; i < s.dynamics_n; i++)
		check(s.dynamics[i].at, s.dynamics[i].len, size);
	js_source_free(&s);
	free(text);
	return 0;
}
