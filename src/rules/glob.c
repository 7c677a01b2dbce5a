#include <ctype.h>
#include <string.h>

#include "rules/image.h"

static bool same(char a, char b, bool fold)
{
	return fold ? strings_lower(a) == strings_lower(b) : a == b;
}

static bool in_named_class(const char *name, size_t len, unsigned char c)
{
	static const struct {
		const char *name;
		int (*has)(int c);
	} known[] = {
		{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank },
		{ "cntrl", iscntrl }, { "digit", isdigit }, { "graph", isgraph },
		{ "lower", islower }, { "print", isprint }, { "punct", ispunct },
		{ "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i].name) == len && !memcmp(known[i].name, name, len))
			return c < 128 && known[i].has(c);
	return false;
}

static bool in_range(unsigned char low, unsigned char high, char c, bool fold)
{
	unsigned char x = (unsigned char)c;

	if (x >= low && x <= high)
		return true;
	if (!fold)
		return false;
	x = (unsigned char)(isupper(x) ? tolower(x) : toupper(x));
	return x >= low && x <= high;
}

/* One member of a bracket at *i, which goes behind it. */
static bool member(struct ev_text p, size_t *i, char c, bool fold)
{
	unsigned char low;
	const char *end;

	if (p.p[*i] == '[' && *i + 1 < p.len && p.p[*i + 1] == ':') {
		end = memmem(p.p + *i + 2, p.len - *i - 2, ":]", 2);
		if (end) {
			const char *name = p.p + *i + 2;

			*i = (size_t)(end + 2 - p.p);
			return in_named_class(name, (size_t)(end - name), (unsigned char)c);
		}
	}
	if (p.p[*i] == '\\' && *i + 1 < p.len)
		(*i)++;
	low = (unsigned char)p.p[(*i)++];
	if (*i + 1 < p.len && p.p[*i] == '-' && p.p[*i + 1] != ']') {
		(*i)++;
		if (p.p[*i] == '\\' && *i + 1 < p.len)
			(*i)++;
		return in_range(low, (unsigned char)p.p[(*i)++], c, fold);
	}
	return in_range(low, low, c, fold);
}

/* A bracket expression at *i: 1 has c, 0 has not, -1 it is none (a plain '['). */
static int bracket(struct ev_text p, size_t *i, char c, bool fold)
{
	size_t k = *i + 1;
	bool not = k < p.len && (p.p[k] == '!' || p.p[k] == '^'), found = false;

	k += not ;
	for (bool first = true; k < p.len && (first || p.p[k] != ']'); first = false)
		found |= member(p, &k, c, fold);
	if (k >= p.len)
		return -1;
	*i = k + 1;
	return found != not ;
}

/* One element of the pattern at *i against c. */
static bool element(struct ev_text p, size_t *i, char c, bool fold)
{
	int r;

	switch (p.p[*i]) {
	case '?':
		(*i)++;
		return true;
	case '[':
		r = bracket(p, i, c, fold);
		if (r >= 0)
			return r;
		break;
	case '\\':
		if (*i + 1 < p.len)
			(*i)++;
		break;
	default:
		break;
	}
	return same(p.p[(*i)++], c, fold);
}

bool glob_match(struct ev_text p, struct ev_text t, bool fold_case)
{
	size_t i = 0, k = 0, star = SIZE_MAX, from = 0;

	while (k < t.len) {
		size_t next = i;

		if (i < p.len && p.p[i] == '*') {
			star = ++i;
			from = k;
		} else if (i < p.len && element(p, &next, t.p[k], fold_case)) {
			i = next;
			k++;
		} else if (star != SIZE_MAX) {
			i = star;
			k = ++from;
		} else {
			return false;
		}
	}
	while (i < p.len && p.p[i] == '*')
		i++;
	return i == p.len;
}
