/*
 * What conditions are compiled to, before and after: operands, tests and a graph of and/or over
 * them, in which everything that is written twice is there once; then code for each event type.
 * Private to src/rules.
 */
#ifndef RULES_IMAGE_H
#define RULES_IMAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "model/event_fields.h"
#include "rules/ast.h"
#include "rules/strings.h"

enum operand_source { OPERAND_FIELD, OPERAND_TRANSFORM, OPERAND_CONSTANT, OPERAND_LIST };

struct operand {
	const char *text; /* as written, without needless blanks; the key in `by_operand` */
	enum operand_source source;
	enum ev_kind kind;
	bool list;   /* operators for lists */
	bool any;    /* several values, one of which is enough */
	bool ends;   /* of both ends of a connection */
	bool common; /* every event has it: no need to ask its maker */
	bool who;    /* follows from event.who alone */
	struct ev_ref ref;
	enum rules_transform transform;
	struct ev_text bracket; /* of getopt; p NULL: none */
	uint32_t *args;		/* of a transformer; items of a list */
	uint32_t args_n;
	struct ev_value constant;
};

struct net {
	struct ev_addr addr;
	uint8_t bits;
};

struct regex;
struct paths;

enum group_kind { GROUP_EXACT, GROUP_PREFIX, GROUP_SUFFIX, GROUP_PART, GROUP_FOLD, GROUP_COUNT };

/* Tests on one operand that are answered together: each has a bit. */
struct group {
	uint32_t operand;
	enum group_kind kind;
	uint32_t bits, words;
	uint32_t at; /* of its words in the state of an evaluation */
	struct strings_set set;
	struct strings_automaton automaton;
};

struct test {
	const char *text; /* the key in `by_test` */
	uint32_t left;	  /* operand */
	int32_t right;	  /* operand, or -1: values */
	enum rules_op op;
	enum rules_modifier modifier;
	enum ev_class class;
	struct ev_value *values; /* as the class wants them; strings for IPNET are in `nets` */
	uint32_t values_n;
	struct net *nets;
	struct regex **regexes;
	struct paths *paths;
	struct strings_set *set; /* of `in` with many strings */
	bool invert;		 /* of the answer, when there is a value */
	bool numbers;		 /* one number to compare with, and no modifier */
	bool around;		 /* of evt.around */
	bool who;		 /* follows from event.who alone */
	int32_t group;		 /* or -1: evaluated on its own */
	uint32_t bit;
	float cost, chance;
	struct ev_set *types; /* decided by the event's type alone: those for which it is true */
};

/* A reference to a node of the graph: its number, and whether it is negated. */
typedef uint32_t gref;
#define GREF(node, negated) ((gref)((node) << 1 | (negated)))
#define GREF_FALSE	    GREF(0u, 0u)
#define GREF_TRUE	    GREF(0u, 1u)

static inline uint32_t gref_node(gref r)
{
	return r >> 1;
}

static inline bool gref_negated(gref r)
{
	return r & 1;
}

enum gkind { G_FALSE, G_TEST, G_AND, G_OR };

struct gnode {
	enum gkind kind;
	uint32_t test;
	gref *child;
	uint32_t child_n;
	bool who;	    /* follows from event.who alone */
	uint32_t tests;	    /* below it, counted as often as they appear */
	float cost, chance; /* expected; how often it is true */
};

enum insn_op {
	I_END,
	I_TEST, /* a: test */
	I_MEMO, /* a: memo slot; unknown: its body first, then this again */
	I_KEEP, /* a: memo slot, b: the truth that the body found; back to its I_MEMO */
	I_WHO,	/* a: what is known of event.who, and stays; unknown: its body first, as above */
	I_PEEK, /* a: the same; t when the truth is known and is b, else f; nothing is found out */
	I_KNOW, /* a: the same, b: the truth that the body found; back to its I_WHO */
	I_FIRE, /* a: target; when evaluation goes on: t */
};

struct insn {
	uint8_t op, b;
	uint16_t pad;
	uint32_t a, t, f;
};

/* What becomes true: a rule's condition, or a step of its sequence. */
struct target {
	uint32_t rule;
	int32_t step; /* -1: the rule itself */
	enum ev_source source;
	gref condition;
	struct ev_set types; /* for which it can become true; set by code_build */
};

enum program_kind { PROGRAM_RULES, PROGRAM_STEPS, PROGRAM_KINDS };

struct image {
	struct arena arena;
	struct ev_fields fields;
	struct operand *operands;
	size_t operands_n, operands_cap;
	struct map by_operand;
	struct test *tests;
	size_t tests_n, tests_cap;
	struct map by_test;
	struct gnode *nodes;
	size_t nodes_n, nodes_cap;
	struct map by_node;
	struct group *groups;
	size_t groups_n, groups_cap;
	uint32_t group_words;
	struct target *targets;
	size_t targets_n, targets_cap;
	struct insn *code;
	size_t code_n, code_cap;
	uint32_t *bodies; /* by memo slot: where the code begins that finds it */
	size_t memos, bodies_cap;
	uint32_t *who_bodies; /* the same for what I_WHO asks */
	size_t whos, who_bodies_cap;
	uint32_t entry[PROGRAM_KINDS][EV_SOURCE_COUNT][EV_TYPE_MAX];
	struct ev_set wanted[EV_SOURCE_COUNT]; /* types for which there is code */
};

enum {
	IMAGE_MAX_TESTS = 1000 * 1000,
	IMAGE_MAX_CODE = 16 * 1000 * 1000,
	MEMO_DEPTH = 2048,	  /* bodies in each other: no more than chains in each other */
	CONDITION_DEPTH = 1500,	  /* of and, or, not, macros in each other */
	RULES_ELEMENTS_MAX = 256, /* of a list that a transformer makes */
};

void image_init(struct image *im, const struct ev_fields *fields);
void image_free(struct image *im);

/* What is odd but no error, found while compiling. */
struct note {
	size_t at;
	const char *msg; /* of the image's arena */
};

/* The first field of a text that is deprecated; without a name there is none. */
struct deprecated {
	const char *name;
	size_t at;
};

struct compiling {
	struct image *im;
	struct parse_error *e;
	struct note *notes;
	size_t notes_n, notes_cap;
	struct deprecated deprecated;
	/* The condition of a macro, or -1 with the error; NULL: there are no macros. */
	int64_t (*macro)(struct compiling *c, const struct node *n);
	void *owner;	/* for `macro` */
	unsigned depth; /* of condition_make */
};

void compiling_free(struct compiling *c);

/* operand.c: the operand of an expression, interned; -1 and an error. */
int64_t operand_make(struct compiling *c, const struct expr *x);
/* Appends a string between double quotes as rules write it. */
void text_quote(struct buf *out, struct ev_text t);

/* literal.c: a literal as a value of this kind. Strings are borrowed. 0, or -EINVAL with `msg`. */
int literal_parse(enum ev_kind kind, struct ev_text t, struct ev_value *out, char *msg,
		  size_t size);
int literal_net(struct ev_text t, struct net *out, char *msg, size_t size);
int literal_hex(struct arena *a, struct ev_text t, struct ev_value *out, char *msg, size_t size);

/* test.c: the test of a check, interned, as a reference to its node; -1 and an error. */
int64_t test_make(struct compiling *c, const struct check *k);
/* test_legal.c: whether the operator may stand with these operands; `right` NULL: values. */
bool test_legal(struct compiling *c, const struct check *k, const struct operand *left,
		const struct operand *right);

/* graph.c */
gref graph_test(struct image *im, uint32_t test);
gref graph_chain(struct image *im, enum gkind kind, const gref *v, size_t n);
/* The condition as it is for events of one type. `memo` is empty before the first call for a type.
 */
gref graph_for_type(struct image *im, gref r, unsigned type, struct map *memo);
/* The event types for which the condition can be true. */
struct ev_set graph_types(struct image *im, gref r);
/* The less, the earlier it is evaluated in a chain. */
float graph_rank(const struct image *im, enum gkind kind, gref r);
void graph_print(const struct image *im, gref r, struct buf *out, unsigned indent);

/* condition.c: a syntax tree as a condition; -1 and an error. */
int64_t condition_make(struct compiling *c, const struct node *n);

/* group.c: puts tests together. Once, after the last test_make. */
void groups_build(struct image *im);

/* code.c: code for all targets, which stand in the order of evaluation. */
int code_build(struct image *im, struct err *e);

/* regex.c: POSIX extended syntax as RE2 has it; NULL and a message. Freed with regex_free. */
struct regex *regex_compile(struct ev_text pattern, char *msg, size_t size);
struct compare_scratch;
/* Whether the whole text matches, once invalid UTF-8 is replaced. Gives up on the costly: no match.
 */
bool regex_match(const struct regex *r, struct ev_text t, const struct compare_scratch *s);
void regex_free(struct regex *r);
/* Whether a simpler operator would do. */
bool regex_is_needless(struct ev_text pattern);

/* paths.c: pmatch */
struct paths *paths_build(struct arena *a, const struct ev_value *v, size_t n);
bool paths_match(const struct paths *p, struct ev_text path);

/* glob.c: fnmatch(3) without flags, or with FNM_CASEFOLD; linear in pattern times text. */
bool glob_match(struct ev_text pattern, struct ev_text t, bool fold_case);

/* What a comparison may need; of the evaluation. */
struct compare_scratch {
	char *p; /* for text that is no UTF-8, three times as long at most */
	size_t size;
	void *match;	   /* pcre2_match_data; NULL: no regex is in the rules */
	uint64_t *gave_up; /* counts regexes that were too costly */
};

/* compare.c: one value against the test's values, with its modifier; `invert` is not applied. */
bool compare_values(const struct test *t, const struct ev_value *v,
		    const struct compare_scratch *s);
/* Two values of the test's class with its operator. */
bool compare_two(const struct test *t, const struct ev_value *left, const struct ev_value *right);

#endif
