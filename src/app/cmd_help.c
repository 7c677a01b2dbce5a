#include <stdio.h>
#include <string.h>

#include "app/help.h"
#include "base/suggest.h"

/* The command of the first argument, NULL without one. */
static int topic(const struct args *a, const struct command **out, struct err *e)
{
	const char *name = args_at(a, 0);
	const struct command *c;
	struct suggest s;

	if (args_count(a) > 1)
		return usage_error(a, e, "one command at most, got '%s' too", args_at(a, 1));
	*out = name ? command_find(name) : NULL;
	if (*out || !name)
		return 0;
	suggest_begin(&s, name);
	for (size_t i = 0; (c = command_at(i)); i++)
		suggest_offer(&s, c->name, strlen(c->name));
	if (s.found)
		return usage_error(a, e, "unknown command '%s'; did you mean '%s'?", name, s.found);
	return usage_error(a, e, "unknown command '%s'", name);
}

static int help_run(struct args *a, struct err *e)
{
	const char *shell = args_value(a, "completion");
	const struct command *c;
	cleanup_buf struct buf out = { 0 };

	if (topic(a, &c, e))
		return EXIT_ERROR;
	if ((shell != NULL) + args_has(a, "man") + args_has(a, "list") > 1)
		return usage_error(a, e, "--man, --completion and --list exclude one another");
	if (shell && !strcmp(shell, "bash"))
		help_bash(&out);
	else if (shell)
		help_zsh(&out);
	else if (args_has(a, "list"))
		for (size_t i = 0; (c = command_at(i)); i++)
			buf_printf(&out, "%s\n", c->name);
	else if (args_has(a, "man"))
		help_man(c, &out);
	else if (c)
		help_command(c, &out);
	else
		help_overview(&out);
	fwrite(buf_str(&out), 1, out.len, stdout);
	return EXIT_OK;
}

static const struct option_desc options[] = {
	{ 0, "man", NULL, NULL, "Prints the manual page instead, in roff." },
	{ 0, "completion", "SHELL", "bash|zsh", "Prints the completion script of a shell." },
	{ 0, "list", NULL, NULL, "Prints the names of all commands, one a line." },
	{ 0 },
};

const struct command command_help = {
	.name = "help",
	.synopsis = "[OPTION]... [COMMAND]",
	.summary = "Explains boltseal or one of its commands.",
	.description = "Prints what boltseal is and does, or the help of one command.\n"
		       "\n"
		       "Manual pages and completion scripts are made from the same table as this "
		       "help; make install puts them in their places.",
	.options = options,
	.examples = "# What record can do\n"
		    "boltseal help record\n"
		    "# Its manual page\n"
		    "boltseal help --man record | man -l -\n"
		    "# Completion in this bash\n"
		    "source <(boltseal help --completion=bash)\n",
	.run = help_run,
};
