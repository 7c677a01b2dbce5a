/* What takes a time that a test bounds takes as many times as long on an emulated machine. */
#ifndef TESTS_PATIENCE_H
#define TESTS_PATIENCE_H

#include <stdlib.h>

/* $BOLTSEAL_PATIENCE, 1 without it. */
static inline double patience(void)
{
	const char *times = getenv("BOLTSEAL_PATIENCE");

	return times ? strtod(times, NULL) : 1;
}

#endif
