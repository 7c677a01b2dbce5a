/* What was read from rules files, and what it was compiled to. Private to src/rules. */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include "rules/image.h"
#include "rules/output.h"
#include "rules/place.h"
#include "rules/rules.h"
#include "rules/window.h"

struct list {
	const char *name;
	struct place at; /* of its name */
	size_t seen;	 /* where it was defined last, among all items */
	size_t index;	 /* where it was defined first */
	const char **items;
	size_t items_n, items_cap;
	bool used;
};

enum macro_state { MACRO_NEW, MACRO_BUSY, MACRO_DONE };

struct macro {
	const char *name;
	struct place at;
	size_t seen, index;
	struct ptext condition;
	bool used;
	struct ptext expanded;
	struct node *tree;
	enum macro_state state;
	gref compiled;
};

struct exception {
	const char *name;
	struct place at;
	bool single; /* `fields` is one field, not a list */
	const char **fields, **comps;
	size_t n; /* of both */
	struct place *values;
	size_t values_n, values_cap;
};

/* A key of a window: fields whose values tell one count or sequence from another. */
struct window_spec {
	struct place at;
	enum window_kind kind;
	uint64_t within; /* ns */
	uint64_t min;	 /* of a count */
	struct place *keys;
	size_t keys_n;
	struct place *last_keys; /* of a sequence's event; NULL: as in the steps before it */
	struct place distinct;	 /* node NULL: every event counts */
	struct place *steps;	 /* conditions of a sequence, in order */
	size_t steps_n;
	/* Compiled: */
	uint32_t *key_operands, *last_operands;
	int64_t distinct_operand; /* -1: none */
};

struct rule {
	struct rule_info info;
	struct place at; /* of its name */
	size_t seen, index;
	struct ptext condition;
	struct place output_at;
	struct ptext expanded;
	struct exception *exceptions;
	size_t exceptions_n, exceptions_cap;
	bool unknown_source, warn_types, skip_unknown;
	bool brief;		    /* of the file that its output stands in */
	const char *source_text;    /* NULL: not written */
	struct window_spec *window; /* NULL: none */
	struct output_format *format;
	gref compiled;
	uint32_t target;
};

struct rules {
	struct rules_options options;
	struct arena arena;
	struct yaml_stream **files;
	size_t files_n, files_cap;
	struct list *lists;
	size_t lists_n, lists_cap;
	struct macro *macros;
	size_t macros_n, macros_cap;
	struct rule *rules;
	size_t rules_n, rules_cap;
	struct map list_by_name, macro_by_name, rule_by_name; /* index + 1 */
	size_t items;					      /* that were read */
	struct rules_diag *diags;
	size_t diags_n, diags_cap;
	size_t errors;
	struct image im;
	bool compiled;
	bool brief; /* the files that are read now; rules_set_brief() */
};

/* An item of a file while it is read. */
struct item {
	struct rules *r;
	const struct yaml_stream *file;
	const struct yaml_node *node;
	const char *what; /* "rule 'X'"; "" before the name is known */
};

/* ruleset.c: adds a diagnostic; -EINVAL for errors, 0 for warnings. */
__attribute__((format(printf, 6, 7))) int rules_say(struct rules *r, enum rules_code code,
						    struct place at, size_t off, const char *item,
						    const char *fmt, ...);
/* The same at an offset of a text. */
int rules_say_text(struct rules *r, enum rules_code code, const struct ptext *t, size_t off,
		   const char *item, const char *msg);
/* Finds by name; NULL. */
struct list *rules_list(struct rules *r, const char *name, size_t len);
struct macro *rules_macro(struct rules *r, const char *name, size_t len);
struct rule *rules_rule(struct rules *r, const char *name);

/* load_get.c: values of an item, with the errors of the language. */
#define ITEM_FAIL(it, code, node, ...) \
	rules_say((it)->r, code, (struct place){ (it)->file, node }, 0, (it)->what, __VA_ARGS__)
/* The key's node. Missing, or null: NULL, and an error when `required`. */
const struct yaml_node *item_get(struct item *it, const char *key, bool required, int *failed);
/* A scalar with text; NULL as item_get. */
const struct yaml_node *item_scalar(struct item *it, const char *key, bool required, int *failed);
int item_bool(struct item *it, const char *key, bool *out);
int item_u64(struct item *it, const char *key, uint64_t max, uint64_t *out);
/* "10s", "500ms", "5m", "1h": ns. */
int item_duration(struct item *it, const struct yaml_node *map, const char *key, uint64_t *out);
/* Every element a scalar. */
int item_scalars(struct item *it, const struct yaml_node *seq);
/* Warns of keys that are not among the NULL-terminated `known`. */
void item_unknown_keys(struct item *it, const char *const *known);

/* `override:` and `append:` of an item: which keys are appended, which replaced. */
enum override_op { OVERRIDE_NONE, OVERRIDE_APPEND, OVERRIDE_REPLACE };
struct overrides {
	bool any, append, replace;	      /* some key is */
	bool legacy;			      /* append: true */
	const char *append_key, *replace_key; /* the first ones */
};
enum override_op override_of(const struct item *it, const char *key);
/* `can_append`, `can_replace`: NULL-terminated. */
int read_overrides(struct item *it, const char *const *can_append, const char *const *can_replace,
		   struct overrides *out);

/* load_list.c, load_rule.c, load_exception.c, load_window.c */
int load_list(struct item *it);
int load_macro(struct item *it);
int load_rule(struct item *it);
int load_exceptions(struct item *it, struct rule *rule, const struct yaml_node *seq, bool append);
/* The keys that Falco does not have; of those that are not there, the rule keeps what it has. */
int load_own_keys(struct item *it, struct rule *rule);
bool is_own_key(const char *key);
/* "(condition) and not …" for all exceptions. */
void add_exceptions(struct rules *r, const struct rule *rule, struct ptext *t);

/* expand.c: puts the items of lists in place of their names. */
void expand_lists(struct rules *r, struct ptext *t);
/* Lists that name lists get their items. */
void expand_list_items(struct rules *r);
/* With double quotes when it has a blank and does not begin with a quote. */
const char *quote_item(struct arena *a, const char *s);

/* build.c: conditions into the image. */
int build_all(struct rules *r);

#endif
