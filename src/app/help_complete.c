/* Completion scripts for bash and zsh, which need nothing installed besides the shell. */
#include <string.h>

#include "app/help.h"

static const char bash_head[] =
	"# bash completion for boltseal, written by: boltseal help --completion=bash\n"
	"_boltseal()\n"
	"{\n"
	"	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"	local command=${COMP_WORDS[1]} words= i\n"
	"\n"
	"	COMPREPLY=()\n"
	"	# bash makes three words of --option=value.\n"
	"	if [[ $cur == = ]]; then\n"
	"		cur=\n"
	"	elif [[ $prev == = ]]; then\n"
	"		prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"	fi\n"
	"	for ((i = 2; i < COMP_CWORD; i++)); do\n"
	"		if [[ ${COMP_WORDS[i]} == -- ]]; then\n"
	"			((i + 1 < COMP_CWORD)) ||\n"
	"				mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	"			return\n"
	"		fi\n"
	"	done\n"
	"	if ((COMP_CWORD == 1)); then\n"
	"		words='";

static const char bash_tail[] =
	"		esac\n"
	"	fi\n"
	"	mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	"}\n"
	"complete -o default -F _boltseal boltseal\n";

/* "a|b|c" with blanks between the words. */
static void choice_words(struct buf *out, const char *choices)
{
	for (; *choices; choices++)
		buf_putc(out, *choices == '|' ? ' ' : *choices);
}

static void command_words(struct buf *out)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++)
		buf_printf(out, "%s%s", i ? " " : "", c->name);
}

/* The words of which the first argument is one; whether there are such. */
static bool first_argument_words(struct buf *out, const struct command *c)
{
	if (!strcmp(c->name, "help")) {
		command_words(out);
		return true;
	}
	for (const char *const *w = c->subcommands; w && *w; w++)
		buf_printf(out, "%s%s", w == c->subcommands ? "" : " ", *w);
	return c->subcommands != NULL;
}

static void bash_values(struct buf *out, const struct command *c)
{
	for (const struct option_desc *o = c->options; o && o->name; o++) {
		if (!o->value)
			continue;
		buf_puts(out, "\t\t");
		if (o->letter)
			buf_printf(out, "%s,-%c | ", c->name, o->letter);
		buf_printf(out, "%s,--%s)\n", c->name, o->name);
		if (o->choices) {
			buf_puts(out, "\t\t\twords='");
			choice_words(out, o->choices);
			buf_puts(out, "' ;;\n");
		} else {
			buf_puts(out, "\t\t\treturn ;;\n");
		}
	}
}

static void bash_options(struct buf *out, const struct option_desc *o)
{
	for (; o && o->name; o++)
		buf_printf(out, "--%s%s ", o->name, o->value ? "=" : "");
}

static void bash_words(struct buf *out, const struct command *c)
{
	buf_printf(out, "\t\t%s,*)\n\t\t\tif [[ $cur == -* ]]; then\n\t\t\t\twords='", c->name);
	bash_options(out, c->options);
	bash_options(out, common_options);
	out->len--;
	buf_puts(out, "'\n\t\t\t\t[[ $words == *=* ]] && compopt -o nospace\n");
	buf_puts(out, "\t\t\telif ((COMP_CWORD == 2)); then\n\t\t\t\twords='");
	first_argument_words(out, c);
	buf_puts(out, "'\n\t\t\tfi ;;\n");
}

void help_bash(struct buf *out)
{
	const struct command *c;

	buf_puts(out, bash_head);
	command_words(out);
	buf_puts(out, " --help --version'\n\telse\n\t\tcase $command,$prev in\n");
	for (size_t i = 0; (c = command_at(i)); i++)
		bash_values(out, c);
	for (size_t i = 0; (c = command_at(i)); i++)
		bash_words(out, c);
	buf_puts(out, bash_tail);
}

/* Text inside single quotes of the shell, with a backslash before each character of `special`. */
static void zsh_text(struct buf *out, const char *s, size_t len, const char *special)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\'') {
			buf_puts(out, "'\\''");
			continue;
		}
		if (strchr(special, s[i]))
			buf_putc(out, '\\');
		buf_putc(out, s[i]);
	}
}

/* Up to the end of the first sentence, without its full stop. */
static size_t first_sentence(const char *s)
{
	const char *end = strstr(s, ". ");
	size_t len = end ? (size_t)(end - s) : strlen(s);

	return len && s[len - 1] == '.' ? len - 1 : len;
}

static void zsh_option(struct buf *out, const struct option_desc *o)
{
	buf_puts(out, " \\\n\t\t\t'*'");
	if (o->letter)
		buf_printf(out, "{-%c%s,--%s%s}", o->letter, o->value ? "+" : "", o->name,
			   o->value ? "=" : "");
	else
		buf_printf(out, "--%s%s", o->name, o->value ? "=" : "");
	buf_puts(out, "'[");
	zsh_text(out, o->help, first_sentence(o->help), "[]:\\");
	buf_putc(out, ']');
	if (o->value) {
		buf_putc(out, ':');
		zsh_text(out, o->value, strlen(o->value), ":\\");
		buf_putc(out, ':');
		if (o->choices) {
			buf_putc(out, '(');
			choice_words(out, o->choices);
			buf_putc(out, ')');
		} else {
			buf_puts(out, "_files");
		}
	}
	buf_putc(out, '\'');
}

static void zsh_command(struct buf *out, const struct command *c)
{
	cleanup_buf struct buf words = { 0 };

	buf_printf(out, "\t%s)\n\t\t_arguments -S", c->name);
	for (const struct option_desc *o = c->options; o && o->name; o++)
		zsh_option(out, o);
	for (const struct option_desc *o = common_options; o->name; o++)
		zsh_option(out, o);
	if (first_argument_words(&words, c))
		buf_printf(out, " \\\n\t\t\t'1:word:(%s)'", buf_str(&words));
	buf_puts(out, " \\\n\t\t\t'*:file:_files' ;;\n");
}

void help_zsh(struct buf *out)
{
	const struct command *c;

	buf_puts(out, "#compdef boltseal\n"
		      "# zsh completion for boltseal, written by: boltseal help --completion=zsh\n"
		      "local -a commands\n"
		      "commands=(\n");
	for (size_t i = 0; (c = command_at(i)); i++) {
		buf_printf(out, "\t'%s:", c->name);
		zsh_text(out, c->summary, first_sentence(c->summary), ":\\");
		buf_puts(out, "'\n");
	}
	buf_puts(out, ")\n"
		      "if ((CURRENT == 2)); then\n"
		      "	_describe -t commands command commands\n"
		      "	return\n"
		      "fi\n"
		      "shift words\n"
		      "((CURRENT--))\n"
		      "case $words[1] in\n");
	for (size_t i = 0; (c = command_at(i)); i++)
		zsh_command(out, c);
	buf_puts(out, "esac\n");
}
