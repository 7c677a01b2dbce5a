/*
 * Calls worth trying on a filter: where an off-by-one, a lost high word or a wrong accumulator
 * shows.
 */
#ifndef PROFILE_SAMPLE_H
#define PROFILE_SAMPLE_H

#include "profile/seccomp.h"

/* Return 0 to go on; a negative number ends the walk and is what sample_calls() returns. */
typedef int sample_fn(const struct seccomp_data *sd, void *ctx);

/*
 * Calls `each` with: every number of every ABI up to a few beyond the last, -1 and the numbers
 * around x32's bit, listed or not; for calls that have rules with conditions the combinations of
 * boundary values of each argument (the constants of conditions and of the program, their
 * neighbours, one bit more or less, high words set), all of them when there are few, else a random
 * choice. At most about `budget` calls with conditions in all, and no more than takes some seconds
 * when profile and filter are large. Deterministic. Either of `p` and `f` may be NULL; without a
 * profile every call gets combinations of the program's constants. What it is given has passed
 * sp_filter_check().
 */
int sample_calls(const struct sp_profile *p, const struct sp_filter *f, size_t budget,
		 sample_fn *each, void *ctx);

/* SP_SAMPLED when filter and profile agree on all of them, else -EILSEQ and the call in *sd. */
int sample_compare(const struct sp_profile *p, const struct sp_filter *f, struct seccomp_data *sd);

#endif
