/* A profile, filter or thread explained: what is allowed, on which conditions, what happens else.
 */
#ifndef PROFILE_EXPLAIN_H
#define PROFILE_EXPLAIN_H

#include <json-c/json.h>

#include "profile/compare.h"

/*
 * By ABI: the calls of each verdict, those with conditions in words, and what happens to all
 * others. An ABI in which every call gets the same has one line. Calls that a second ABI treats as
 * the first are not listed again. -EOPNOTSUPP when the operand has no diagram, -EINVAL for bad
 * filters.
 */
int sp_explain_text(const struct sp_operand *o, unsigned width, struct buf *out, struct err *e);
/* Format boltseal.filter/1; *out belongs to the caller. */
int sp_explain_json(const struct sp_operand *o, struct json_object **out, struct err *e);

#endif
