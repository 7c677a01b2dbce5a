/* Everything that is said about the commands, made from the command table. */
#ifndef APP_HELP_H
#define APP_HELP_H

#include "app/command.h"
#include "base/buf.h"

/* help.c: plain text, 80 columns. */
void help_usage(struct buf *out); /* the commands in their groups, nothing more */
void help_overview(struct buf *out);
void help_command(const struct command *c, struct buf *out);

/*
 * help_text.c: one step of walking over a description. A paragraph is either text to be filled, or
 * lines that begin with a blank and stay as they are.
 */
struct help_paragraph {
	const char *text;
	size_t len; /* without the newlines at its end */
	bool verbatim;
};
/* The next paragraph behind *at, which moves on; false at the end. */
bool help_next_paragraph(const char **at, struct help_paragraph *p);
/* The next line behind *at, without its newline; false at the end. */
bool help_next_line(const char **at, const char **line, size_t *len);

/* Whether an option's choices have to be listed: not when its value is called "a|b" itself. */
bool help_lists_choices(const struct option_desc *o);

/* What boltseal is, for the overview in text and manual. */
extern const char help_about[];
struct help_exit {
	int code;
	const char *meaning;
};
extern const struct help_exit help_exits[]; /* ends with a row whose meaning is NULL */

/* help_man.c: a manual page in roff with the man macros; NULL: boltseal(1), else boltseal-NAME(1).
 */
void help_man(const struct command *c, struct buf *out);

/* help_complete.c: completion scripts. */
void help_bash(struct buf *out);
void help_zsh(struct buf *out);

#endif
