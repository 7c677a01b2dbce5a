/* Any text, read as file_contexts, and paths looked up in it: no crash, no type without a match. */
#include "base/cleanup.h"
#include "fuzz.h"
#include "profile/file_contexts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "/", "/srv/data", "/a", "" };
	cleanup_file_contexts struct file_contexts fc = { 0 };
	struct err e = { 0 };

	if (size > 512 || fc_parse(&fc, "fuzz", (const char *)data, size, &e) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *type = NULL;

		if (fc_lookup(&fc, paths[i], 'd', &type, &e) == 0 && type && !*type)
			abort();
	}
	return 0;
}
