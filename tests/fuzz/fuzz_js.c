/* Any bytes as a JavaScript source file: what is found lies inside of the text. */
#include "elf/js_source.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = fuzz_text(data, size);
	struct js_source s;

	js_source_read(&s, text, size, true);
	for (size_t i = 0; i < s.words_n; i++) {
		fuzz_inside(s.words[i].at, s.words[i].len, size);
		if (s.words[i].unit >= s.units_n)
			abort();
	}
	for (size_t i = 0; i < s.units_n; i++) {
		fuzz_inside(s.units[i].at, s.units[i].len, size);
		if (i && s.units[i].parent >= i)
			abort();
	}
	for (size_t i = 0; i < s.loads_n; i++) {
		fuzz_inside(s.loads[i].at, s.loads[i].len, size);
		if (s.loads[i].unit >= s.units_n)
			abort();
	}
	for (size_t i = 0; i < s.dynamics_n; i++)
		fuzz_inside(s.dynamics[i].at, s.dynamics[i].len, size);
	js_source_free(&s);
	return 0;
}
