/* The table of strace -c and -C: names and how often, with columns that -U chooses. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/strace_private.h"

enum { MAX_COLUMNS = 12 };

/* "% time" are two words of one column. */
static const char *const columns[] = { "%",	  "seconds",  "usecs/call", "calls", "errors",
				       "syscall", "shortest", "longest",    "total", "time" };

static bool known_column(const char *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (!strcmp(columns[i], w))
			return true;
	return false;
}

bool st_count_header(struct strace *s, const char *text)
{
	cleanup_free char *copied = strdup(text);
	int n = 0, name = -1;
	char *save = NULL;

	for (char *w = copied ? strtok_r(copied, " \t", &save) : NULL; w;
	     w = strtok_r(NULL, " \t", &save)) {
		if (!known_column(w) || n >= MAX_COLUMNS)
			return false;
		if (!strcmp(w, "syscall"))
			name = n;
		if (strcmp(w, "%") != 0)
			n++;
	}
	if (name < 0)
		return false;
	s->table = n;
	s->table_name = name;
	return true;
}

static bool is_rule(const char *text)
{
	return *text && text[strspn(text, "- ")] == '\0';
}

static bool is_name(const char *w)
{
	return (*w >= 'a' && *w <= 'z') || *w == '_';
}

/*
 * Numbers may be blank (errors, and calls never are), so the name is found by being the word that
 * is none. The row "total" ends the table.
 */
bool st_count_row(struct strace *s, char *text)
{
	char *save = NULL, *name = NULL;
	unsigned words = 0, names = 0;
	struct st_task *t;

	if (is_rule(text))
		return true;
	for (char *w = strtok_r(text, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		words++;
		if (is_name(w)) {
			name = w;
			names++;
		} else if (w[strspn(w, "0123456789.")]) {
			return false;
		}
	}
	if (names != 1 || words > (unsigned)s->table)
		return false;
	if (!strcmp(name, "total")) {
		s->table = 0;
		return true;
	}
	s->counted = true;
	t = st_known_get(s, name)->seen ? NULL : st_task_get(s, s->file_pid);
	if (t)
		st_call_add(s, t, name, NULL, t->phase->phase, t->program);
	return true;
}
