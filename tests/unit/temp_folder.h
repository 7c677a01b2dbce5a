/* A folder of each test's own: setup and teardown for cmocka_unit_test_setup_teardown(). */
#ifndef TESTS_TEMP_FOLDER_H
#define TESTS_TEMP_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"

static char folder[64];

static inline int folder_setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/boltseal-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_teardown(void **state)
{
	cleanup_free char *command = xasprintf("rm -rf '%s'", folder);

	(void)state;
	return system(command);
}

/* The path of a file in it; the caller frees it. */
static inline char *in_folder(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

#endif
