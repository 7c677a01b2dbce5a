/* Any bytes as a Python source file: what is found lies inside of the text. */
#include "elf/python_source.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_text(data, size);
	struct py_source s;

	py_source_read(&s, text, size, size & 1 ? "_add" : NULL);
	for (size_t i = 0; i < s.words_n; i++) {
		fuzz_inside(s.words[i].at, s.words[i].len, size);
		if (s.words[i].unit >= s.units_n)
			abort();
	}
	for (size_t i = 0; i < s.units_n; i++) {
		fuzz_inside(s.units[i].at, s.units[i].len, size);
		if (s.units[i].parent > i || s.units[i].runs_in > i)
			abort();
	}
	for (size_t i = 0; i < s.imports_n; i++) {
		fuzz_inside(s.imports[i].at, s.imports[i].len, size);
		fuzz_inside(s.imports[i].item_at, s.imports[i].item_len, size);
		if (s.imports[i].unit >= s.units_n)
			abort();
	}
	for (size_t i = 0; i < s.dynamics_n; i++) {
		fuzz_inside(s.dynamics[i].at, s.dynamics[i].len, size);
		if (s.dynamics[i].unit >= s.units_n)
			abort();
	}
	py_source_free(&s);
	return 0;
}
