/* The end of a noun behind a number. */
#ifndef BASE_PLURAL_H
#define BASE_PLURAL_H

#include <stdint.h>

/* "1 finding", "2 findings"; other ends in `many`: "es". */
static inline const char *plural_end(uint64_t n, const char *many)
{
	return n == 1 ? "" : many;
}

static inline const char *plural(uint64_t n)
{
	return plural_end(n, "s");
}

#endif
