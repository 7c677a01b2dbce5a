/*
 * Sets of argument values as unions of boxes: for each argument some bits that must have certain
 * values. Every condition of a profile is such a union, and every box is a rule with at most one
 * MASKED_EQ for each argument, the form that container runtimes and libseccomp handle correctly.
 */
#ifndef PROFILE_BOX_H
#define PROFILE_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/seccomp.h"

enum { BOX_MAX = 2048 }; /* boxes of one set: more than anybody wants to read as rules */

/* All arguments with (argument & mask) == want for each index; want has no bit outside mask. */
struct box {
	uint64_t mask[SC_MAX_ARGS], want[SC_MAX_ARGS];
};

struct boxes {
	struct box *v;
	size_t n, cap;
	bool overflow; /* sticky: more than BOX_MAX were needed, and the set is not right */
};

void boxes_free(struct boxes *s);
#define cleanup_boxes cleanup(boxes_free)

/* Puts what all these conditions hold for, at these widths, in place of what `s` has. */
void boxes_of_conds(struct boxes *s, const struct sp_cond *c, size_t n,
		    const unsigned bits[SC_MAX_ARGS]);
/* Adds the boxes of `t` as they are. */
void boxes_append(struct boxes *s, const struct boxes *t);
/* Takes away all values of the boxes of `t`; stops when there are too many. */
void boxes_subtract_all(struct boxes *s, const struct boxes *t);
bool boxes_meet(const struct boxes *s, const struct boxes *t);
/* Whether the box has no condition. */
bool box_is_all(const struct box *b);
/* The conditions of the rule that means the box: EQ at 64 bits, MASKED_EQ else; their number. */
size_t box_conds(const struct box *b, struct sp_cond out[SC_MAX_ARGS]);

#endif
