/*
 * Sets of values that one system call argument can have: some ranges, further restricted by bits
 * that are known. Exact, so that "can this hold" and "must this hold" have certain answers.
 */
#ifndef PROFILE_REGION_H
#define PROFILE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/seccomp.h"

/* Two rules with SP_MAX_CONDS conditions each cut a range into at most this many. */
enum { REGION_SPANS = 2 * SP_MAX_CONDS + 2 };

struct span {
	uint64_t lo, hi; /* both included */
};

/* The x in one of the spans (ascending, not touching) with (x & mask) == want. */
struct region {
	uint64_t mask, want;
	size_t n;
	struct span s[REGION_SPANS];
};

/* The greatest value of an argument of this width. */
uint64_t region_max(unsigned bits);
void region_full(struct region *r, unsigned bits);
/* Cuts the region down to the values for which the condition holds, at this width. */
void region_cond(struct region *r, const struct sp_cond *c, unsigned bits);
/* Cuts down to what is in `s` (n spans, ascending). False, and unchanged, when it does not fit. */
bool region_cut(struct region *r, const struct span *s, size_t n);
/* Cuts down to (x & mask) == want. */
void region_bits(struct region *r, uint64_t mask, uint64_t want);
bool region_empty(const struct region *r);
/* The smallest value; false when there is none. */
bool region_first(const struct region *r, uint64_t *v);
/* Whether any value of the region is in, or outside, the given spans. */
bool region_meets(const struct region *r, const struct span *s, size_t n);
bool region_leaves(const struct region *r, const struct span *s, size_t n);

#endif
