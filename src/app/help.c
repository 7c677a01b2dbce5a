#include "app/help.h"

#include <string.h>

#include "base/cleanup.h"

enum { WIDTH = 80, INDENT = 2, USAGE_COLUMN = 7, OPTION_COLUMN = 26, COMMAND_COLUMN = 14 };

static void spaces(struct buf *out, size_t n)
{
	while (n--)
		buf_putc(out, ' ');
}

/*
 * Appends words, filled between the columns `left` and WIDTH, and a newline. The line already has
 * `column` characters; beyond `left` a blank keeps the first word apart from them.
 */
static void fill(struct buf *out, const char *text, size_t len, size_t left, size_t column)
{
	const char *end = text + len;

	for (;;) {
		size_t word = 0;

		while (text < end && (*text == ' ' || *text == '\n'))
			text++;
		while (text + word < end && text[word] != ' ' && text[word] != '\n')
			word++;
		if (!word)
			break;
		if (column > left && column + 1 + word > WIDTH) {
			buf_putc(out, '\n');
			column = 0;
		}
		if (column > left)
			spaces(out, 1);
		else
			spaces(out, left - column);
		column = (column > left ? column + 1 : left) + word;
		buf_append(out, text, word);
		text += word;
	}
	buf_putc(out, '\n');
}

static void describe(struct buf *out, const char *text)
{
	struct help_paragraph p;

	for (const char *at = text; help_next_paragraph(&at, &p);) {
		buf_putc(out, '\n');
		if (!p.verbatim) {
			fill(out, p.text, p.len, 0, 0);
			continue;
		}
		buf_append(out, p.text, p.len);
		buf_putc(out, '\n');
	}
}

/* "  -o, --output=FILE", then the help from OPTION_COLUMN on. */
static void describe_option(struct buf *out, const struct option_desc *o)
{
	size_t start = out->len;
	cleanup_buf struct buf help = { 0 };

	if (o->letter)
		buf_printf(out, "  -%c, --%s", o->letter, o->name);
	else
		buf_printf(out, "      --%s", o->name);
	if (o->value)
		buf_printf(out, "=%s", o->value);
	if (out->len - start + 2 > OPTION_COLUMN) {
		buf_putc(out, '\n');
		start = out->len;
	}
	buf_puts(&help, o->help);
	if (help_lists_choices(o)) {
		buf_puts(&help, " One of: ");
		for (const char *c = o->choices; *c; c++)
			*c == '|' ? buf_puts(&help, ", ") : buf_putc(&help, *c);
		buf_putc(&help, '.');
	}
	fill(out, buf_str(&help), help.len, OPTION_COLUMN, out->len - start);
}

static void describe_options(struct buf *out, const struct option_desc *o)
{
	for (; o && o->name; o++)
		describe_option(out, o);
}

static void list_commands(struct buf *out)
{
	for (const struct command_group *g = command_groups; g->title; g++) {
		buf_printf(out, "\n%s:\n", g->title);
		for (size_t i = 0; g->commands[i]; i++) {
			const struct command *c = g->commands[i];
			size_t start = out->len;

			buf_printf(out, "  %s", c->name);
			fill(out, c->summary, strlen(c->summary), COMMAND_COLUMN, out->len - start);
		}
	}
}

void help_usage(struct buf *out)
{
	buf_puts(out, "Usage: boltseal COMMAND [ARGUMENT]...\n");
	list_commands(out);
	buf_puts(out, "\nboltseal COMMAND --help explains a command.\n");
}

void help_overview(struct buf *out)
{
	buf_puts(out, "Usage: boltseal COMMAND [ARGUMENT]...\n"
		      "       boltseal --help | --version\n");
	describe(out, help_about);
	list_commands(out);
	buf_puts(out, "\nExit status:\n");
	for (const struct help_exit *x = help_exits; x->meaning; x++) {
		buf_printf(out, "  %d", x->code);
		fill(out, x->meaning, strlen(x->meaning), 6, 3);
	}
	buf_puts(out, "\nboltseal COMMAND --help explains a command; so does the manual page\n"
		      "boltseal-COMMAND(1).\n");
}

void help_command(const struct command *c, struct buf *out)
{
	const char *at = c->examples, *line;
	size_t n;

	buf_printf(out, "Usage: boltseal %s", c->name);
	fill(out, c->synopsis, strlen(c->synopsis), USAGE_COLUMN, out->len);
	buf_putc(out, '\n');
	fill(out, c->summary, strlen(c->summary), 0, 0);
	describe(out, c->description);
	buf_puts(out, "\nOptions:\n");
	describe_options(out, c->options);
	describe_options(out, common_options);
	if (c->exit_status) {
		buf_puts(out, "\nExit status:\n");
		fill(out, c->exit_status, strlen(c->exit_status), INDENT, 0);
	}
	buf_puts(out, "\nExamples:\n");
	while (help_next_line(&at, &line, &n)) {
		spaces(out, n ? INDENT : 0);
		buf_append(out, line, n);
		buf_putc(out, '\n');
	}
}
