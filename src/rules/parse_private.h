/* The two halves of the parser: conditions, and what has a value in them. */
#ifndef RULES_PARSE_PRIVATE_H
#define RULES_PARSE_PRIVATE_H

#include "rules/lex.h"

/* One level deeper; an error beyond the limit. The caller goes back by l->depth--. */
bool parse_enter(struct lex *l);

/*
 * Each takes its part from the cursor. False: it is not there, and nothing was taken, or
 * (l->failed) it is broken.
 */
bool parse_field(struct lex *l, struct expr **out);
bool parse_transform(struct lex *l, struct expr **out);
/* The right-hand side of an operator when it is no value: val(field) or a transformer. */
bool parse_right(struct lex *l, struct check *c);

#endif
