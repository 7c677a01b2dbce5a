/* What the files of the AppArmor importer share: apparmor*.c only. */
#ifndef IMPORT_APPARMOR_PRIVATE_H
#define IMPORT_APPARMOR_PRIVATE_H

#include "base/map.h"
#include "import/import.h"
#include "model/policy.h"

enum {
	AA_MAX_WORDS = 64,     /* of a rule */
	AA_MAX_DEPTH = 16,     /* of includes and of variables */
	AA_MAX_INCLUDES = 500, /* files */
	AA_MAX_RULES = 20000,  /* of files */
	AA_MAX_LISTED = 40,    /* rules that are not understood, shown one by one */
};

/* A file that is read. */
struct aa_text {
	const char *name;
	const char *p, *end;
	unsigned line, col;
};

/* One statement: words up to a comma, an opening or a closing brace, or the end of its line. */
struct aa_rule {
	const char *name; /* of the file */
	unsigned line, col;
	char *word[AA_MAX_WORDS];
	bool quoted[AA_MAX_WORDS];
	unsigned n;
	char end; /* ',', '{', '}', '\n' or 0 at the end of the file */
};

struct aa_file {
	const char *glob; /* variables replaced */
	uint32_t access;
	bool deny, subtracted;
	const char *place;
};

struct aa_var {
	const char **value;
	size_t n, cap;
};

struct aa {
	struct import im;
	struct policy policy;
	struct arena arena;
	struct map vars; /* name → struct aa_var */
	struct aa_var **vars_list;
	size_t vars_n, vars_cap;
	struct aa_file *files;
	size_t files_n, files_cap;
	uint64_t caps, denied_caps;
	const char *profile; /* the name of the first one, NULL so far */
	unsigned profiles;   /* top-level ones that were taken */
	unsigned includes, listed, not_understood, noted_n;
	const char *noted[32]; /* kinds of rules that a model cannot express */
	struct err *e;
};

/* apparmor_text.c. 0 and a statement (`end` 0: nothing is left); -EINVAL with the place. */
int aa_next(struct aa *a, struct aa_text *t, struct aa_rule *r);
__attribute__((format(printf, 5, 6))) int aa_err(struct aa *a, const char *name, unsigned line,
						 unsigned col, const char *fmt, ...);
/* @{NAME} = value …; += adds. True when the statement is one. */
bool aa_assignment(struct aa *a, const struct aa_rule *r);
/* The text with variables replaced by their values, several as {a,b}; NULL: unknown or too deep. */
const char *aa_expand(struct aa *a, const char *text, unsigned depth);

/* apparmor_rules.c: a statement inside a profile. */
void aa_rule(struct aa *a, const struct aa_rule *r);
/* A rule that is listed, since it has no meaning here or is not understood. */
void aa_not_understood(struct aa *a, const struct aa_rule *r, const char *why);
/* The same, once for each kind, for what a model has no place for. */
void aa_note(struct aa *a, const struct aa_rule *r, const char *what);
/* After the last rule: what is allowed and not denied goes into the model. */
void aa_finish_rules(struct aa *a);

#endif
