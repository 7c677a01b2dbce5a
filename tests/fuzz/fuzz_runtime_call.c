/* A runtime's command line, as the kernel hands it over: any process can make one up. */
#include "engine/engine.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct runtime_call c;
	char *copy = malloc(size ? size : 1); /* exactly as long, so that a read beyond is seen */

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	runtime_call_parse(copy, size, &c);
	free(copy);
	return 0;
}
