/* Manual pages, with the macros of man(7); groff_man_style(7) has the rules for characters. */
#include <stdio.h>
#include <string.h>

#include "app/help.h"

/* One character of text; `start` at the beginning of an input line, where . and ' are requests. */
static void put(struct buf *out, char c, bool start)
{
	if (start && (c == '.' || c == '\''))
		buf_puts(out, "\\&");
	switch (c) {
	case '\\':
		buf_puts(out, "\\e");
		break;
	case '-':
		buf_puts(out, "\\-");
		break;
	case '\'':
		buf_puts(out, "\\(aq");
		break;
	case '`':
		buf_puts(out, "\\(ga");
		break;
	case '^':
		buf_puts(out, "\\(ha");
		break;
	case '~':
		buf_puts(out, "\\(ti");
		break;
	default:
		buf_putc(out, c);
	}
}

/* Text of `len` bytes, at the start of an input line. Blanks behind a newline go unless `keep`. */
static void text(struct buf *out, const char *s, size_t len, bool keep)
{
	bool start = true;

	for (size_t i = 0; i < len; i++) {
		if (start && !keep && s[i] == ' ')
			continue;
		put(out, s[i], start);
		start = s[i] == '\n';
	}
	buf_putc(out, '\n');
}

/* A word of a macro's line: as text, in quotes. */
static void quoted(struct buf *out, const char *s)
{
	buf_putc(out, '"');
	for (; *s; s++)
		*s == '"' ? buf_puts(out, "\\(dq") : put(out, *s, false);
	buf_putc(out, '"');
}

static void paragraphs(struct buf *out, const char *description)
{
	struct help_paragraph p;
	bool first = true;

	for (const char *at = description; help_next_paragraph(&at, &p); first = false) {
		if (!first)
			buf_puts(out, ".PP\n");
		if (p.verbatim)
			buf_puts(out, ".nf\n");
		text(out, p.text, p.len, p.verbatim);
		if (p.verbatim)
			buf_puts(out, ".fi\n");
	}
}

/* "-o, --output=FILE" with the fixed parts bold and the value's name in italics. */
static void option(struct buf *out, const struct option_desc *o)
{
	buf_puts(out, ".TP\n");
	if (o->letter) {
		buf_puts(out, "\\fB\\-");
		put(out, o->letter, false);
		buf_puts(out, "\\fR, ");
	}
	buf_puts(out, "\\fB\\-\\-");
	for (const char *s = o->name; *s; s++)
		put(out, *s, false);
	buf_puts(out, "\\fR");
	if (o->value) {
		buf_puts(out, "=\\fI");
		for (const char *s = o->value; *s; s++)
			put(out, *s, false);
		buf_puts(out, "\\fR");
	}
	buf_putc(out, '\n');
	text(out, o->help, strlen(o->help), false);
	if (!help_lists_choices(o))
		return;
	buf_puts(out, "One of: \\fB");
	for (const char *c = o->choices; *c; c++)
		*c == '|' ? buf_puts(out, "\\fR, \\fB") : put(out, *c, false);
	buf_puts(out, "\\fR.\n");
}

static void options(struct buf *out, const struct option_desc *o)
{
	for (; o && o->name; o++)
		option(out, o);
}

static void exit_status(struct buf *out, const struct command *c)
{
	buf_puts(out, ".SH EXIT STATUS\n");
	if (c && c->exit_status) {
		paragraphs(out, c->exit_status);
		return;
	}
	for (const struct help_exit *x = help_exits; x->meaning; x++) {
		buf_printf(out, ".TP\n\\fB%d\\fR\n", x->code);
		text(out, x->meaning, strlen(x->meaning), false);
	}
}

/* Comments of the examples become text, their command lines stay as they are. */
static void examples(struct buf *out, const char *at)
{
	const char *line;
	size_t n;

	buf_puts(out, ".SH EXAMPLES\n");
	while (help_next_line(&at, &line, &n)) {
		if (!n)
			continue;
		if (line[0] == '#') {
			size_t skip = 1 + strspn(line + 1, " ");

			buf_puts(out, ".TP\n");
			text(out, line + skip, n - skip, false);
			continue;
		}
		buf_puts(out, ".nf\n.B ");
		for (size_t i = 0; i < n; i++)
			put(out, line[i], false);
		buf_puts(out, "\n.fi\n");
	}
}

static void header(struct buf *out, const char *name, const char *summary)
{
	buf_puts(out, ".TH ");
	quoted(out, name);
	buf_puts(out, " 1 \"\" \"boltseal " BOLTSEAL_VERSION "\" \"boltseal manual\"\n.SH NAME\n");
	text(out, name, strlen(name), false);
	out->len--; /* the description follows on the same line */
	buf_puts(out, " \\- ");
	text(out, summary, strcspn(summary, "\n"), false);
}

static void man_overview(struct buf *out)
{
	header(out, "boltseal", "learns what a container does and seals it to that");
	buf_puts(out, ".SH SYNOPSIS\n.B boltseal\n.I COMMAND\n[\\fIARGUMENT\\fR]...\n"
		      ".SH DESCRIPTION\n");
	paragraphs(out, help_about);
	buf_puts(out, ".SH COMMANDS\n");
	for (const struct command_group *g = command_groups; g->title; g++) {
		buf_puts(out, ".SS ");
		quoted(out, g->title);
		buf_putc(out, '\n');
		for (size_t i = 0; g->commands[i]; i++) {
			buf_puts(out, ".TP\n.BR boltseal\\-");
			buf_printf(out, "%s (1)\n", g->commands[i]->name);
			text(out, g->commands[i]->summary, strlen(g->commands[i]->summary), false);
		}
	}
	buf_puts(out, ".SH OPTIONS\n");
	options(out, common_options);
	buf_puts(out, ".TP\n\\fB\\-\\-version\\fR\nPrints the version and ends.\n");
	exit_status(out, NULL);
}

void help_man(const struct command *c, struct buf *out)
{
	char name[64];

	if (!c) {
		man_overview(out);
		return;
	}
	snprintf(name, sizeof(name), "boltseal-%s", c->name);
	header(out, name, c->summary);
	buf_printf(out, ".SH SYNOPSIS\n.B boltseal %s\n", c->name);
	text(out, c->synopsis, strlen(c->synopsis), false);
	buf_puts(out, ".SH DESCRIPTION\n");
	paragraphs(out, c->description);
	buf_puts(out, ".SH OPTIONS\n");
	options(out, c->options);
	options(out, common_options);
	exit_status(out, c);
	examples(out, c->examples);
	buf_puts(out, ".SH SEE ALSO\n.BR boltseal (1)\n");
}
