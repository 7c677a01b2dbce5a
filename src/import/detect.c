/* What kind of file it is, from how it begins. */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/import.h"
#include "import/strace_line.h"

enum { MAX_LINES = 2000 };

static bool is_strace(char *line)
{
	struct st_line l;
	struct st_call c;

	if (strstr(line, "syscall") && strstr(line, "calls") && strstr(line, "errors"))
		return true;
	st_line_parse(line, &l);
	if (l.kind == ST_RESUMED || l.kind == ST_PERSONALITY)
		return true;
	if (l.kind != ST_CALL || !st_call_parse(l.body, &c) || !sc_by_name(c.name))
		return false;
	return c.whole || st_unfinished(l.body);
}

static bool is_audit(const char *line)
{
	return strstr(line, "audit(") && (strstr(line, "type=") || strstr(line, "apparmor="));
}

static bool is_apparmor(const char *line)
{
	return !strncmp(line, "profile ", 8) || !strncmp(line, "abi <", 5) ||
	       !strncmp(line, "include <tunables/", 18) ||
	       !strncmp(line, "#include <tunables/", 19) ||
	       (*line == '/' && strchr(line, '{') && !strchr(line, '='));
}

static bool is_toml(const char *line)
{
	static const char *const tables[] = { "[Filesystem]", "[Capabilities]", "[Network]" };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (!strncmp(line, tables[i], strlen(tables[i])))
			return true;
	return false;
}

/* JSON and YAML, by the names of members in the text that begins them. */
static const char *of_document(const char *text)
{
	if (strstr(text, "security-profiles-operator"))
		return "spo";
	if (text[strspn(text, " \t\r\n")] != '{')
		return NULL;
	if (strstr(text, "boltseal.run/"))
		return "run";
	return strstr(text, "\"defaultAction\"") ? "seccomp" : NULL;
}

static const char *of_line(char *line)
{
	if (is_audit(line))
		return "audit";
	if (is_toml(line))
		return "bane";
	if (is_apparmor(line))
		return "apparmor";
	return is_strace(line) ? "strace" : NULL;
}

const char *import_detect(const struct import_input *in, struct err *e)
{
	cleanup_lines struct lines l = { .fd = -1 };
	cleanup_buf struct buf head = { .max = 1024 * 1024 };
	const char *kind = NULL;
	char *line;
	int r;

	if (!in->data && !strcmp(in->name, "-")) {
		err_set(e, EINVAL, "the kind of standard input has to be given before it");
		return NULL;
	}
	r = lines_open(&l, in, NULL, e);
	for (unsigned i = 0; r >= 0 && i < MAX_LINES && !kind; i++) {
		r = lines_next(&l, &line, e);
		if (r <= 0)
			break;
		buf_puts(&head, line);
		buf_putc(&head, '\n');
		kind = of_line(line);
	}
	if (r < 0)
		return NULL;
	if (!kind || !strcmp(kind, "bane"))
		kind = of_document(buf_str(&head)) ? of_document(buf_str(&head)) : kind;
	if (!kind)
		err_set(e, EINVAL,
			"%s: cannot tell what kind of file it is; give the kind before it",
			in->name);
	return kind;
}
