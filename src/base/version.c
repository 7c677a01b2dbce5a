#include "base/version.h"

#include <stdlib.h>
#include <sys/utsname.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int version_parse(const char *text, struct version *out, const char **rest)
{
	struct version v = { 0 };
	const char *p = text + (*text == 'v');
	int n = 0;

	if (!is_digit(*p))
		return 0;
	for (;;) {
		char *end;
		unsigned long part = strtoul(p, &end, 10);

		if (part > VERSION_PART_MAX)
			return 0;
		v.part[n++] = (unsigned)part;
		p = end;
		if (n == VERSION_PARTS || *p != '.' || !is_digit(p[1]))
			break;
		p++;
	}
	*out = v;
	if (rest)
		*rest = p;
	return n;
}

int version_cmp(const struct version *a, const struct version *b)
{
	for (int i = 0; i < VERSION_PARTS; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	return 0;
}

struct version version_of_kernel(void)
{
	struct version v = { 0 };
	struct utsname u;

	if (uname(&u) == 0)
		version_parse(u.release, &v, NULL);
	return v;
}

bool version_kernel_at_least(unsigned major, unsigned minor)
{
	struct version have = version_of_kernel();

	return version_cmp(&have, &(struct version){ { major, minor, 0 } }) >= 0;
}
