#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/seccomp.h"

enum { MAX_WORDS = 6, MAX_LINE = 255 };

void sp_frequencies_free(struct sp_frequencies *f)
{
	free(f->count);
	f->count = NULL;
}

uint64_t sp_frequency(const struct sp_frequencies *f, const struct sc_desc *d)
{
	return f && f->count ? f->count[d - sc_at(0)] : 0;
}

/* A whole number below 2^40: enough for any count, and sums of all of them fit. */
static bool is_count(const char *s, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(s, &end, 10);
	return isdigit((unsigned char)*s) && !*end && !errno && *out < UINT64_C(1) << 40;
}

static size_t split(char *line, char *word[MAX_WORDS])
{
	size_t n = 0;

	for (char *p = strtok(line, " \t\r"); p && n < MAX_WORDS; p = strtok(NULL, " \t\r"))
		word[n++] = p;
	return n;
}

/*
 * "NAME COUNT", or a line of strace -c: percent, seconds, usecs/call, calls, errors (may be
 * missing), name. Its head, its rulers and its total count nothing.
 */
static bool read_line(struct sp_frequencies *f, char *word[MAX_WORDS], size_t n)
{
	const struct sc_desc *d;
	const char *name, *number;
	uint64_t count;

	if (n == 0 || *word[0] == '#' || *word[0] == '%' || *word[0] == '-')
		return true;
	if (n != 2 && n != 5 && n != 6)
		return false;
	name = n == 2 ? word[0] : word[n - 1];
	number = n == 2 ? word[1] : word[3];
	if (n == 6 && !strcmp(name, "total"))
		return true;
	if (!is_count(number, &count))
		return n == 5 && !strcmp(name, "total");
	d = sc_by_name(name);
	if (d)
		f->count[d - sc_at(0)] += count;
	return true;
}

int sp_frequencies_read(struct sp_frequencies *f, const char *name, const char *text, struct err *e)
{
	cleanup_sp_frequencies struct sp_frequencies g = { 0 };
	size_t number = 1;

	g.count = xcalloc(sc_count(), sizeof(*g.count));
	for (const char *p = text; *p; number++) {
		size_t len = strcspn(p, "\n");
		char line[MAX_LINE + 1], *word[MAX_WORDS];

		if (len > MAX_LINE)
			return err_set(e, EINVAL, "%s:%zu: more than %d characters", name, number,
				       MAX_LINE);
		memcpy(line, p, len);
		line[len] = '\0';
		if (!read_line(&g, word, split(line, word)))
			return err_set(
				e, EINVAL,
				"%s:%zu: expected a system call and a count, or the table of "
				"strace -c",
				name, number);
		p += len + (p[len] == '\n');
	}
	*f = g;
	g.count = NULL;
	return 0;
}
