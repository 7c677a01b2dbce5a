#include "profile/file_contexts.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"

enum { FIELDS_MAX = 3 };

/* One field of a line. */
struct field {
	const char *p;
	size_t n;
};

static size_t split(const char *line, const char *end, struct field *out)
{
	size_t n = 0;

	for (const char *p = line;;) {
		while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
			p++;
		if (p == end || (!n && *p == '#'))
			return n;
		if (n == FIELDS_MAX)
			return FIELDS_MAX + 1;
		out[n].p = p;
		while (p < end && *p != ' ' && *p != '\t' && *p != '\r')
			p++;
		out[n].n = (size_t)(p - out[n].p);
		n++;
	}
}

static bool type_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.';
}

/* The third part of "user:role:type:range": a word, since it becomes part of policies. */
static bool type_of(const struct field *context, struct field *type)
{
	const char *p = context->p, *end = p + context->n;

	for (int i = 0; i < 2; i++) {
		p = memchr(p, ':', (size_t)(end - p));
		if (!p)
			return false;
		p++;
	}
	type->p = p;
	for (type->n = 0; p + type->n < end && type_char(p[type->n]);)
		type->n++;
	return type->n > 0 && (p + type->n == end || p[type->n] == ':');
}

/* The greatest number in "n}", "n,}" or "n,m}"; 0 when it is none of them. *end gets behind it. */
static unsigned long repetition(const char *p, const char **end)
{
	unsigned long most = 0;

	for (; *p && *p != '}'; p++) {
		char *number_end;
		unsigned long n;

		if (*p == ',')
			continue;
		if (*p < '0' || *p > '9')
			return 0;
		n = strtoul(p, &number_end, 10);
		most = n > most ? n : most;
		p = number_end - 1;
	}
	*end = p;
	return *p == '}' ? most : 0;
}

/*
 * regcomp(3) copies what + and {n} repeat, and takes time that doubles with each repeated group in
 * another one. The product of all bounds both. Two repetitions in a row and back references, which
 * no specification needs, are refused.
 */
static bool is_cheap(const char *pattern)
{
	unsigned long copies = 1;
	char before = '\0';

	for (const char *p = pattern; *p; p++) {
		unsigned long n = *p == '+' ? 2 : 1;

		if (*p == '\\' && p[1]) {
			if (p[1] >= '1' && p[1] <= '9')
				return false;
			p++;
			before = '\0';
			continue;
		}
		if (strchr("*+?{", *p)) {
			if (before == '*')
				return false;
			if (before == ')')
				n *= 2;
			if (*p == '{')
				n *= repetition(p + 1, &p);
			before = '*';
		} else {
			before = *p;
		}
		if (!n || n > FC_MAX_REPEAT)
			return false;
		copies *= n;
		if (copies > FC_MAX_REPEAT)
			return false;
	}
	return true;
}

/*
 * Sets whether the pattern is a plain name, which is then kept without its escapes, and how many
 * bytes every match begins with.
 */
static void find_prefix(struct fc_spec *s, char *pattern)
{
	size_t n = 0, out = 0;

	while (pattern[n] && !strchr(".^$?*+|[({", pattern[n]))
		n += pattern[n] == '\\' && pattern[n + 1] ? 2 : 1;
	s->literal = !pattern[n];
	s->prefix = strcspn(pattern, ".^$?*+|[({\\");
	if (s->literal) {
		for (size_t i = 0; pattern[i]; i++) {
			i += pattern[i] == '\\' && pattern[i + 1];
			pattern[out++] = pattern[i];
		}
		pattern[out] = '\0';
		s->prefix = out;
	} else if (strchr(pattern, '|')) {
		s->prefix = 0;
	} else if (s->prefix && strchr("?*+{", pattern[s->prefix])) {
		s->prefix--; /* what may be left out is no fixed part */
	}
	s->pattern = pattern;
}

static int parse_line(struct file_contexts *fc, const struct field *f, size_t n, unsigned line,
		      struct err *e)
{
	const struct field *context = &f[n - 1];
	struct fc_spec *s;
	struct field type = { 0 };
	char *pattern;
	bool none = context->n == 8 && !memcmp(context->p, "<<none>>", 8);
	char kind = n == 3 && f[1].n == 2 && f[1].p[0] == '-' ? f[1].p[1] : '\0';

	if (n < 2 || n > FIELDS_MAX || (n == 3 && (!kind || !strchr("dcbspl-", kind))))
		return err_set(e, EINVAL,
			       "%s:%u: expected a path, perhaps a kind such as -d, and a "
			       "context",
			       fc->name, line);
	if (!none && !type_of(context, &type))
		return err_set(e, EINVAL, "%s:%u: expected a context user:role:type, or <<none>>",
			       fc->name, line);
	if (f[0].n > FC_MAX_SPEC || memchr(f[0].p, '\0', f[0].n))
		return err_set(e, EINVAL, "%s:%u: a path of at most %d bytes was expected",
			       fc->name, line, FC_MAX_SPEC);
	pattern = arena_strndup(&fc->arena, f[0].p, f[0].n);
	if (strstr(pattern, "%{"))
		return 0; /* %{USERID}: a template for the homes of users, no path */
	if (!is_cheap(pattern))
		return err_set(e, EINVAL,
			       "%s:%u: repetitions that make more than %d copies, or two in a row, "
			       "or a back reference",
			       fc->name, line, FC_MAX_REPEAT);
	s = vec_push(fc->v, fc->n, fc->cap);
	find_prefix(s, pattern);
	s->kind = kind;
	s->line = line;
	s->type = none ? NULL : arena_strndup(&fc->arena, type.p, type.n);
	return 0;
}

int fc_parse(struct file_contexts *fc, const char *name, const char *text, size_t len,
	     struct err *e)
{
	const char *end = text + len;
	unsigned line = 0;
	int r = 0;

	*fc = (struct file_contexts){ 0 };
	fc->name = arena_strdup(&fc->arena, name);
	for (const char *p = text; r >= 0 && p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		struct field f[FIELDS_MAX];
		size_t n = split(p, eol ? eol : end, f);

		line++;
		if (n)
			r = parse_line(fc, f, n > FIELDS_MAX ? 1 : n, line, e);
		p = eol ? eol + 1 : end;
	}
	if (r < 0)
		fc_free(fc);
	return r;
}

int fc_load(struct file_contexts *fc, const char *path, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	int r = io_read_file(path, FC_MAX_BYTES, &text, e);

	return r < 0 ? r : fc_parse(fc, path, buf_str(&text), text.len, e);
}

void fc_free(struct file_contexts *fc)
{
	free(fc->v);
	arena_free(&fc->arena);
	*fc = (struct file_contexts){ 0 };
}

/* 1: it matches; 0: it does not; -EINVAL. */
static int matches(const struct file_contexts *fc, const struct fc_spec *s, const char *path,
		   struct err *e)
{
	cleanup_free char *whole = NULL;
	regex_t re;
	int r;

	if (strncmp(s->pattern, path, s->prefix) != 0)
		return 0;
	if (s->literal)
		return !strcmp(s->pattern, path);
	whole = xasprintf("^(%s)$", s->pattern);
	if (regcomp(&re, whole, REG_EXTENDED | REG_NOSUB))
		return err_set(e, EINVAL,
			       "%s:%u: '%.100s' is no regular expression (POSIX "
			       "extended)",
			       fc->name, s->line, s->pattern);
	r = regexec(&re, path, 0, NULL, 0) == 0;
	regfree(&re);
	return r;
}

int fc_lookup(const struct file_contexts *fc, const char *path, char kind, const char **type,
	      struct err *e)
{
	*type = NULL;
	for (int literal = 1; literal >= 0; literal--) {
		for (size_t i = fc->n; i-- > 0;) {
			const struct fc_spec *s = &fc->v[i];
			int r;

			if (s->literal != literal || (s->kind && s->kind != kind))
				continue;
			r = matches(fc, s, path, e);
			if (r < 0)
				return r;
			if (r) {
				*type = s->type;
				return 0;
			}
		}
	}
	return 0;
}
