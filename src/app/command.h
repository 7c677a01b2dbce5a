/*
 * The one command table. A command drives dispatch, --help, the man page and shell completion.
 * Each src/app/cmd_NAME.c defines one `const struct command command_NAME`; commands.c lists them.
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
	/* Paragraphs, separated by blank lines; lines that begin with a blank stay as they are. */
	const char *description;
	/* NULL-terminated words, one of which the first argument must be, or NULL. */
	const char *const *subcommands;
	const struct option_desc *options; /* ends with a row whose name is NULL; or NULL */
	const char *examples;		   /* lines: "# comment" or a command line */
	/* What its exit codes mean, one paragraph; NULL: what they mean everywhere. */
	const char *exit_status;
	/*
	 * Returns an exit code, or a negative errno, which counts as EXIT_ERROR. On error it fills
	 * `e`, which main prints behind "boltseal NAME: ". -h and --help never come here.
	 */
	int (*run)(struct args *a, struct err *e);
};

/* Commands that belong together, in the order of help. */
struct command_group {
	const char *title;
	const struct command *const *commands; /* NULL-terminated */
};

extern const struct command_group command_groups[]; /* ends with a row whose title is NULL */

/* The i-th command over all groups, NULL beyond the last. */
const struct command *command_at(size_t i);
/* NULL when there is no command of this name. */
const struct command *command_find(const char *name);

/* The options that every command has besides its own (--help); ends as those of a command. */
extern const struct option_desc common_options[];

/* Parsed options (args.c). */
bool args_has(const struct args *a, const char *name);
/* The last value given for the option, or NULL. */
const char *args_value(const struct args *a, const char *name);
/* The i-th value of an option that may be repeated, or NULL. */
const char *args_value_at(const struct args *a, const char *name, size_t i);
/*
 * A whole number option (decimal, or hexadecimal with 0x); `fallback` when absent. Errors name the
 * option and the range. Returns 0 or -EINVAL.
 */
int args_u64(const struct args *a, const char *name, uint64_t fallback, uint64_t min, uint64_t max,
	     uint64_t *out, struct err *e);
/*
 * A time in seconds: a whole number with s, m, h or d behind it; without one it is in `unit`, which
 * is one of those letters. The numbers here are seconds.
 */
int args_time(const struct args *a, const char *name, char unit, uint64_t fallback, uint64_t min,
	      uint64_t max, uint64_t *out, struct err *e);
/*
 * Arguments that are no options. Options may stand before, between and behind them; after "--"
 * everything is an argument, so a command line that boltseal starts always stands behind "--".
 */
size_t args_count(const struct args *a);
const char *args_at(const struct args *a, size_t i); /* NULL beyond the end */
char **args_rest(const struct args *a, size_t from); /* NULL-terminated, borrowed */
/* Index of the first positional behind "--", or args_count() when there was none. */
size_t args_dashdash(const struct args *a);

/* A wrong use: sets "<message> (see boltseal NAME --help)" and returns EXIT_ERROR. */
__attribute__((format(printf, 3, 4))) int usage_error(const struct args *a, struct err *e,
						      const char *fmt, ...);

#endif
