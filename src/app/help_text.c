#include <string.h>

#include "app/help.h"

const char help_about[] =
	"boltseal learns what a containerised program does and turns that into the profiles that "
	"keep it to exactly this: seccomp, AppArmor, capabilities, container and cluster "
	"settings.\n"
	"\n"
	"One workload model, a JSON file, stands between all commands: record writes it, show "
	"explains it, merge joins those of several runs, generate compiles it to a profile, verify "
	"says what a profile would refuse, and run enforces one.";

const struct help_exit help_exits[] = {
	{ EXIT_OK, "Done." },
	{ EXIT_ERROR, "An error; the message on standard error says which." },
	{ EXIT_FINDINGS, "Done, with findings or refusals at or above the threshold." },
	{ EXIT_INCOMPLETE, "Done, but not everything was seen; the result says what is missing." },
	{ 0 },
};

bool help_lists_choices(const struct option_desc *o)
{
	return o->choices && strcmp(o->choices, o->value);
}

bool help_next_line(const char **at, const char **line, size_t *len)
{
	if (!**at)
		return false;
	*line = *at;
	*len = strcspn(*at, "\n");
	*at += *len + ((*at)[*len] == '\n');
	return true;
}

bool help_next_paragraph(const char **at, struct help_paragraph *p)
{
	const char *line;
	size_t n;

	*at += strspn(*at, "\n");
	if (!**at)
		return false;
	*p = (struct help_paragraph){ .text = *at, .verbatim = **at == ' ' || **at == '\t' };
	while (**at && **at != '\n' && (**at == ' ' || **at == '\t') == p->verbatim) {
		help_next_line(at, &line, &n);
		p->len = (size_t)(line + n - p->text);
	}
	return true;
}
