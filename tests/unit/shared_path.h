/* Reference data that is not part of the project: $BOLTSEAL_SHARED, else ../shared. */
#ifndef TESTS_SHARED_PATH_H
#define TESTS_SHARED_PATH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The path of testdata/NAME; false, with a message that says what is missing, when it cannot be
 * read. */
static inline bool shared_path(char *out, size_t size, const char *name)
{
	const char *shared = getenv("BOLTSEAL_SHARED");

	snprintf(out, size, "%s/testdata/%s", shared ? shared : "../shared", name);
	if (!access(out, R_OK))
		return true;
	print_message("skipped: cannot read %s (set BOLTSEAL_SHARED)\n", out);
	return false;
}

#endif
