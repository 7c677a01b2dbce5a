/* Tokens of a condition: each function takes its token from the cursor or leaves it there. */
#ifndef RULES_LEX_H
#define RULES_LEX_H

#include "rules/ast.h"

struct lex {
	struct arena *arena;
	const char *p;
	size_t len, pos;
	unsigned depth, max_depth;
	struct parse_error *e;
	bool failed; /* e is set; the first error counts */
};

/* Sets the error at the cursor unless there is one; false, for use in returns. */
__attribute__((format(printf, 2, 3))) bool lex_fail(struct lex *l, const char *fmt, ...);

/* Skips blanks; whether there were any. */
bool lex_blank(struct lex *l);
/* Takes exactly this text. */
bool lex_text(struct lex *l, const char *s);
/* Whether the next byte is c, which stays. */
bool lex_at(const struct lex *l, char c);
bool lex_identifier(struct lex *l, struct ev_text *out);
bool lex_field_name(struct lex *l, struct ev_text *out);
bool lex_number(struct lex *l, struct ev_text *out);
bool lex_bare(struct lex *l, struct ev_text *out);
/* Between brackets, without quotes. */
bool lex_bare_arg(struct lex *l, struct ev_text *out);
/* A quoted string without its quotes and escapes; a broken one fails. */
bool lex_quoted(struct lex *l, struct ev_text *out);

#endif
