/*
 * The syntax tree of a condition, and its parser. Grammar, tokens and the texts of errors:
 * falcosecurity/libs userspace/libsinsp/filter/{parser,escaping}.cpp after 0.25.4. Everything
 * belongs to the arena that was given.
 */
#ifndef RULES_AST_H
#define RULES_AST_H

#include "base/arena.h"
#include "model/event.h"

/* X(constant, text) in the order in which they are tried; words before the shorter ones in them. */
#define RULES_OPS(X)                  \
	X(EXISTS, "exists")           \
	X(LE, "<=")                   \
	X(LT, "<")                    \
	X(GE, ">=")                   \
	X(GT, ">")                    \
	X(EQ, "=")                    \
	X(NE, "!=")                   \
	X(GLOB, "glob")               \
	X(IGLOB, "iglob")             \
	X(CONTAINS, "contains")       \
	X(ICONTAINS, "icontains")     \
	X(BCONTAINS, "bcontains")     \
	X(STARTSWITH, "startswith")   \
	X(BSTARTSWITH, "bstartswith") \
	X(ENDSWITH, "endswith")       \
	X(REGEX, "regex")             \
	X(INTERSECTS, "intersects")   \
	X(IN, "in")                   \
	X(PMATCH, "pmatch")

enum rules_op {
#define RULES_OP_ENUM(id, text) RO_##id,
	RULES_OPS(RULES_OP_ENUM)
#undef RULES_OP_ENUM
		RO_COUNT
};

enum rules_modifier { RM_NONE, RM_ONEOF, RM_ANYOF, RM_ALLOF, RM_COUNT };

enum rules_transform {
	RT_TOLOWER,
	RT_TOUPPER,
	RT_B64,
	RT_BASENAME,
	RT_LEN,
	RT_JOIN,
	RT_CONCAT,
	RT_GETOPT,
	RT_VAL, /* on the right-hand side only */
};

const char *rules_op_name(enum rules_op op);
const char *rules_modifier_name(enum rules_modifier m);
const char *rules_transform_name(enum rules_transform t);

enum expr_kind { EXPR_FIELD, EXPR_TRANSFORM, EXPR_STRING, EXPR_NUMBER, EXPR_LIST };

/* What has a value: left of an operator, an argument of a transformer, or on the right. */
struct expr {
	enum expr_kind kind;
	size_t at;	     /* offset in the text */
	struct ev_text text; /* field name; string, unescaped; number as written */
	struct ev_text arg;  /* what stood between brackets; p NULL: no brackets */
	enum rules_transform transform;
	struct expr **args; /* of a transformer; items of a list */
	size_t args_n;
};

struct value {
	struct ev_text text; /* unescaped, NUL-terminated */
	size_t at;
	bool quoted;
};

struct check {
	struct expr *left;
	enum rules_op op;
	enum rules_modifier modifier;
	struct expr *right; /* a field or transformer; NULL: values */
	struct value *values;
	size_t values_n;
	bool list; /* the values stood in parentheses */
};

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_CHECK, NODE_MACRO };

struct node {
	enum node_kind kind;
	size_t at, end;	     /* its text */
	struct node **child; /* and, or: two or more; not: one */
	size_t child_n;
	struct ev_text name; /* of a macro */
	struct check *check;
};

struct parse_error {
	size_t at; /* offset in the text */
	char msg[256];
};

enum { PARSE_DEPTH = 100, PARSE_DEPTH_RULES = 1000 };

/* The tree of a condition, or NULL and the error. */
struct node *rules_parse(struct arena *a, const char *text, size_t len, unsigned max_depth,
			 struct parse_error *e);

/*
 * Reads a field or a transformer call from the front of the text, as an output format wants it:
 * the number of bytes that it takes, 0 when there is none.
 */
size_t rules_parse_token(struct arena *a, const char *text, size_t len, struct expr **out);

/* Whether the whole text is an identifier, a bare string (list names), a number. */
bool rules_is_identifier(const char *s);
bool rules_is_bare(const char *s);

#endif
