/* "Did you mean": the known name that is nearest to a mistyped one. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_MAX = 64 }; /* longer names have no neighbours */

/*
 * A search: suggest_begin, suggest_offer for every candidate, then read `found`. Names of at most
 * three characters may differ by one edit, longer ones by two; a swap of neighbours counts one.
 */
struct suggest {
	const char *name;
	size_t len;
	unsigned best;	   /* edits of `found`; one more than allowed while nothing is found */
	const char *found; /* the first of the nearest candidates, or NULL; borrowed */
};

void suggest_begin(struct suggest *s, const char *name);
void suggest_offer(struct suggest *s, const char *candidate, size_t len);

#endif
