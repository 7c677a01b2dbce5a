/* Flags of open(2) as strace prints them; the values are those of the machine's own ABI. */
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/strace_private.h"

static const struct {
	const char *name;
	uint64_t value;
} open_flags[] = {
	{ "O_RDONLY", O_RDONLY },
	{ "O_WRONLY", O_WRONLY },
	{ "O_RDWR", O_RDWR },
	{ "O_ACCMODE", O_ACCMODE },
	{ "O_APPEND", O_APPEND },
	{ "O_TRUNC", O_TRUNC },
	{ "O_CREAT", O_CREAT },
	{ "O_EXCL", O_EXCL },
	{ "O_DIRECTORY", O_DIRECTORY },
	{ "O_NOFOLLOW", O_NOFOLLOW },
	{ "O_PATH", O_PATH },
	{ "O_TMPFILE", O_TMPFILE },
	{ "__O_TMPFILE", O_TMPFILE & ~O_DIRECTORY },
	/* these change nothing in what is recorded */
	{ "O_CLOEXEC", 0 },
	{ "O_NONBLOCK", 0 },
	{ "O_NDELAY", 0 },
	{ "O_NOCTTY", 0 },
	{ "O_SYNC", 0 },
	{ "O_DSYNC", 0 },
	{ "__O_SYNC", 0 },
	{ "O_RSYNC", 0 },
	{ "O_ASYNC", 0 },
	{ "FASYNC", 0 },
	{ "O_LARGEFILE", 0 },
	{ "O_DIRECT", 0 },
	{ "O_NOATIME", 0 },
};

static bool one_flag(struct st_text t, uint64_t *out)
{
	int64_t v;

	if (st_number(t, &v)) {
		*out |= (uint64_t)v;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(open_flags); i++) {
		if (st_text_is(t, open_flags[i].name)) {
			*out |= open_flags[i].value;
			return true;
		}
	}
	return false;
}

/* What stands before the next "|", or before a comment. */
static struct st_text next_flag(struct st_text *rest)
{
	const char *bar = rest->n ? memchr(rest->p, '|', rest->n) : NULL;
	struct st_text t = { rest->p, bar ? (size_t)(bar - rest->p) : rest->n };

	*rest = bar ? (struct st_text){ bar + 1, rest->n - t.n - 1 } : (struct st_text){ NULL, 0 };
	while (t.n && t.p[t.n - 1] == ' ')
		t.n--;
	while (t.n && *t.p == ' ')
		t.p++, t.n--;
	return t;
}

bool st_open_flags(struct st_text t, uint64_t *out)
{
	*out = 0;
	if (!t.n)
		return false;
	while (t.n)
		if (!one_flag(next_flag(&t), out))
			return false;
	return true;
}

bool st_flag(struct st_text t, const char *name, uint64_t bits)
{
	while (t.n) {
		struct st_text one = next_flag(&t);
		int64_t v;

		if (st_text_is(one, name) || (st_number(one, &v) && ((uint64_t)v & bits) == bits))
			return true;
	}
	return false;
}
