/* What a condition asks of an argument of the call, for needs.c. */
#ifndef RULES_NEEDS_ARG_H
#define RULES_NEEDS_ARG_H

#include "rules/image.h"
#include "rules/rules.h"

/* Of a test that is true and not inverted; leaves `out` as it is when it asks nothing of one. */
void need_arg_of(const struct image *im, const struct test *t, unsigned type,
		 struct rules_need_arg *out);
/* Whether the test is about the text that calls of this type are given as a name. */
bool need_arg_is_name(const struct image *im, const struct test *t, unsigned type);

/* Both hold: false when they cannot. Either holds. Whether `a` holds whenever `b` does. */
bool need_arg_both(struct rules_need_arg *a, const struct rules_need_arg *b);
void need_arg_either(struct rules_need_arg *a, const struct rules_need_arg *b);
bool need_arg_covers(const struct rules_need_arg *a, const struct rules_need_arg *b);
bool need_arg_same(const struct rules_need_arg *a, const struct rules_need_arg *b);
/* Appends "; flags: CLONE_NEWUSER"; nothing when it may be anything. */
void need_arg_print(const struct rules_need_arg *a, struct buf *out);

#endif
