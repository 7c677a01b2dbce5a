/*
 * The one command table. A row drives dispatch, --help, the man page and shell completion.
 */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Exit codes of every command. */
enum { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_FINDINGS = 2, EXIT_INCOMPLETE = 3 };

struct option_desc {
	char letter;	     /* 'o', or 0 */
	const char *name;    /* "output" */
	const char *value;   /* name of its value in help, "FILE"; NULL: a switch */
	const char *choices; /* "json|text": anything else is refused; NULL: free */
	const char *help;    /* one or two sentences */
};

struct args;

struct command {
	const char *name;
	const char *synopsis; /* what follows "boltseal NAME" */
	const char *summary;  /* one line */
	const char *description; /* paragraphs, separated by blank lines */
	const char *const *subcommands; /* NULL-terminated words for the first argument, or NULL */
	const struct option_desc *options; /* ends with a row whose name is NULL */
	const char *examples; /* lines: "# comment" or a command line */
	/* Returns an exit code; on error fills `e`, which main prints. */
	int (*run)(struct args *a, struct err *e);
};

/* All commands, in the order of help; ends with a row whose name is NULL. */
extern const struct command commands[];

/* Parsed options (args.c). */
bool args_has(const struct args *a, const char *name);
/* The last value given for the option, or NULL. */
const char *args_value(const struct args *a, const char *name);
/* The i-th value of an option that may be repeated, or NULL. */
const char *args_value_at(const struct args *a, const char *name, size_t i);
/* A whole number option; `fallback` when absent. Errors name the option and the range. */
int args_u64(const struct args *a, const char *name, uint64_t fallback, uint64_t min, uint64_t max,
	     uint64_t *out, struct err *e);
/* Arguments that are no options. After "--" everything is one (also for `record -- COMMAND`). */
size_t args_count(const struct args *a);
const char *args_at(const struct args *a, size_t i); /* NULL beyond the end */
char **args_rest(const struct args *a, size_t from); /* NULL-terminated, borrowed */
/* Index of the first positional behind "--", or args_count() when there was none. */
size_t args_dashdash(const struct args *a);

/* A wrong use: sets "boltseal NAME: <message> (see boltseal NAME --help)" and returns EXIT_ERROR. */
__attribute__((format(printf, 3, 4))) int usage_error(const struct args *a, struct err *e,
						      const char *fmt, ...);

#endif
