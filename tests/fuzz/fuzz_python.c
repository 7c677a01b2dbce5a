/* Any bytes as a Python source file: what is found lies inside of the text. */
#include <stdlib.h>
#include <string.h>

#include "elf/python_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(uint64_t at, uint64_t len, size_t size)
{
	if (at > size || len > size - at)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1);
	struct py_source s;

	if (!text)
		return 0;
	memcpy(text, data, size);
	py_source_read(&s, text, size, size & 1 ? "_add" : NULL);
	for (size_t i = 0; i < s.words_n; i++) {
		check(s.words[i].at, s.words[i].len, size);
		if (s.words[i].unit >= s.units_n)
			abort();
	}
	for (size_t i = 0; i < s.units_n; i++) {
		check(s.units[i].at, s.units[i].len, size);
		if (s.units[i].parent > i || s.units[i].runs_in > i)
			abort();
	}
	for (size_t i = 0; i < s.imports_n; i++) {
		check(s.imports[i].at, s.imports[i].len, size);
		check(s.imports[i].item_at, s.imports[i].item_len, size);
		if (s.imports[i].unit >= s.units_n)
			abort();
	}
	for (size_t i = 0; i < s.dynamics_n; i++) {
		check(s.dynamics[i].at, s.dynamics[i].len, size);
		if (s.dynamics[i].unit >= s.units_n)
			abort();
	}
	py_source_free(&s);
	free(text);
	return 0;
}
