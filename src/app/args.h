/* The parser of command lines; what commands may ask of the result is in command.h. */
#ifndef APP_ARGS_H
#define APP_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/command.h"
#include "base/cleanup.h"

struct args_option {
	const struct option_desc *desc;
	const char *value; /* NULL: a switch */
};

/* Strings are borrowed from argv. */
struct args {
	const struct command *command;
	struct args_option *options; /* in the order given */
	size_t options_n, options_cap;
	char **positional; /* NULL-terminated */
	size_t positional_n;
	size_t dashdash; /* index of the first positional behind "--" */
	bool help;	 /* -h or --help was seen; parsing ended there */
};

/*
 * Parses what follows the command's name. Understood: --name, --name=value, --name value, -x,
 * -x value, -xvalue, "-" as an argument, "--". On error -EINVAL and nothing to free.
 */
int args_parse(struct args *a, const struct command *c, int argc, char **argv, struct err *e);
void args_free(struct args *a);
#define cleanup_args cleanup(args_free)

#endif
