/*
 * Regular expressions in the syntax that RE2 has in its POSIX mode, matched by PCRE2: what that
 * mode does not have is refused here, since PCRE2 would understand it, and a repetition of a
 * repetition is put in parentheses, since PCRE2 would take the second one for a modifier. Source:
 * re2/parse.cc and re2/re2.h of RE2 2022-06-01 (posix_syntax, no perl_classes, no word_boundary).
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "rules/image.h"

struct regex {
	pcre2_code *code;
	pcre2_match_context *context;
};

enum { REGEX_MATCH_LIMIT = 100 * 1000, REGEX_MAX = 8192, REGEX_NEST = 200, REGEX_REPEAT = 1000 };

struct translation {
	struct ev_text in;
	size_t i;
	struct buf *out;
	size_t atom;		 /* where the last atom begins in `out` */
	bool has_atom, repeated; /* there is one; it ends with a repetition */
	size_t open[REGEX_NEST]; /* where parentheses begin */
	unsigned nest;
	char *msg;
	size_t size;
};

static int refuse(struct translation *t, const char *what)
{
	snprintf(t->msg, t->size, "invalid regex pattern: %s in '%.*s'", what, (int)t->in.len,
		 t->in.p);
	return -EINVAL;
}

static void begin_atom(struct translation *t)
{
	t->atom = t->out->len;
	t->has_atom = true;
	t->repeated = false;
}

/* The length of \x{H…}, \xHH or an octal number behind a backslash; 0: none. */
static size_t code_escape(struct ev_text s)
{
	size_t n = 1;

	if (s.p[0] == 'x' && s.len > 2 && s.p[1] == '{') {
		for (n = 2; n < s.len && isxdigit((unsigned char)s.p[n]); n++)
			;
		return n > 2 && n < s.len && s.p[n] == '}' ? n + 1 : 0;
	}
	if (s.p[0] == 'x')
		return s.len > 2 && isxdigit((unsigned char)s.p[1]) &&
				       isxdigit((unsigned char)s.p[2])
			       ? 3
			       : 0;
	if (s.p[0] != '0')
		return 0;
	while (n < 3 && n < s.len && s.p[n] >= '0' && s.p[n] <= '7')
		n++;
	return n;
}

/* A backslash at t->i and what follows. */
static int escape(struct translation *t)
{
	struct ev_text rest = { t->in.p + t->i + 1, t->in.len - t->i - 1 };
	size_t n = 1;

	if (!rest.len)
		return refuse(t, "trailing \\");
	if (isalnum((unsigned char)*rest.p) && !strchr("afnrtv", *rest.p))
		n = code_escape(rest);
	if (!n)
		return refuse(t, "invalid escape sequence");
	if (*rest.p == 'v')
		buf_puts(t->out, "\\x0b");
	else
		buf_append(t->out, t->in.p + t->i, n + 1);
	t->i += n + 1;
	return 0;
}

static int bracket(struct translation *t)
{
	size_t first;

	begin_atom(t);
	buf_putc(t->out, t->in.p[t->i++]);
	if (t->i < t->in.len && t->in.p[t->i] == '^')
		buf_putc(t->out, t->in.p[t->i++]);
	for (first = t->i; t->i < t->in.len; first = 0) {
		const char *at = t->in.p + t->i, *end;

		if (*at == ']' && !first)
			break;
		if (*at == ']')
			buf_putc(t->out, '\\');
		end = at[0] == '[' && t->i + 1 < t->in.len && at[1] == ':'
			      ? memmem(at, t->in.len - t->i, ":]", 2)
			      : NULL;
		if (*at == '\\') {
			if (escape(t))
				return -EINVAL;
			continue;
		}
		if (*at == '[' && !end)
			buf_putc(t->out, '\\');
		buf_append(t->out, at, end ? (size_t)(end + 2 - at) : 1);
		t->i += end ? (size_t)(end + 2 - at) : 1;
	}
	if (t->i == t->in.len)
		return refuse(t, "missing ]");
	buf_putc(t->out, t->in.p[t->i++]);
	return 0;
}

/* The length of "{2}", "{2,}" or "{2,3}" at s; 0 when it is text. *most gets the larger number. */
static size_t counted(struct ev_text s, unsigned long *most)
{
	size_t n = 1;
	unsigned long v[2] = { 0 };
	int k = 0;

	for (; n < s.len && n < 16 && s.p[n] != '}'; n++) {
		if (s.p[n] == ',' && !k && n > 1)
			k = 1;
		else if (isdigit((unsigned char)s.p[n]))
			v[k] = v[k] * 10 + (unsigned long)(s.p[n] - '0');
		else
			return 0;
	}
	*most = v[0] > v[1] ? v[0] : v[1];
	return n > 1 && n < s.len && s.p[n] == '}' ? n + 1 : 0;
}

static void wrap_atom(struct translation *t)
{
	cleanup_free char *atom = xcalloc(1, t->out->len - t->atom + 1);
	size_t len = t->out->len - t->atom;

	memcpy(atom, t->out->p + t->atom, len);
	t->out->len = t->atom;
	buf_puts(t->out, "(?:");
	buf_append(t->out, atom, len);
	buf_putc(t->out, ')');
}

static int repetition(struct translation *t, size_t n, unsigned long most)
{
	if (!t->has_atom)
		return refuse(t, "missing argument to repetition operator");
	if (most > REGEX_REPEAT)
		return refuse(t, "invalid repetition size");
	if (t->repeated)
		wrap_atom(t);
	buf_append(t->out, t->in.p + t->i, n);
	t->i += n;
	t->repeated = true;
	return 0;
}

static int open_group(struct translation *t)
{
	if (t->nest == REGEX_NEST)
		return refuse(t, "too many parentheses");
	t->open[t->nest++] = t->out->len;
	buf_puts(t->out, "(?:");
	t->has_atom = false;
	t->i++;
	return 0;
}

static int close_group(struct translation *t)
{
	if (!t->nest)
		return refuse(t, "unexpected )");
	t->atom = t->open[--t->nest];
	t->has_atom = true;
	t->repeated = false;
	buf_putc(t->out, ')');
	t->i++;
	return 0;
}

static int step(struct translation *t)
{
	struct ev_text rest = { t->in.p + t->i, t->in.len - t->i };
	unsigned long most = 0;
	size_t n = *rest.p == '{' ? counted(rest, &most) : 1;

	switch (*rest.p) {
	case '(':
		return open_group(t);
	case ')':
		return close_group(t);
	case '[':
		return bracket(t);
	case '\\':
		begin_atom(t);
		return escape(t);
	case '*':
	case '+':
	case '?':
		return repetition(t, n, most);
	case '{':
		if (n)
			return repetition(t, n, most);
		begin_atom(t);
		buf_puts(t->out, "\\{");
		t->i++;
		return 0;
	case '|':
		t->has_atom = false;
		break;
	default:
		begin_atom(t);
		break;
	}
	buf_putc(t->out, *rest.p);
	t->i++;
	return 0;
}

static int translate(struct ev_text pattern, struct buf *out, char *msg, size_t size)
{
	struct translation t = { .in = pattern, .out = out, .msg = msg, .size = size };

	if (pattern.len > REGEX_MAX)
		return refuse(&t, "pattern too long");
	while (t.i < pattern.len)
		if (step(&t))
			return -EINVAL;
	return t.nest ? refuse(&t, "missing )") : 0;
}

struct regex *regex_compile(struct ev_text pattern, char *msg, size_t size)
{
	cleanup_buf struct buf text = { 0 };
	struct regex *r;
	pcre2_code *code;
	int error;
	PCRE2_SIZE at;
	char why[128];

	if (translate(pattern, &text, msg, size))
		return NULL;
	code = pcre2_compile((PCRE2_SPTR)buf_str(&text), text.len,
			     PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_MULTILINE |
				     PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE,
			     &error, &at, NULL);
	if (!code) {
		pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof(why));
		snprintf(msg, size, "invalid regex pattern: %s in '%.*s'", why, (int)pattern.len,
			 pattern.p);
		return NULL;
	}
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	r = xcalloc(1, sizeof(*r));
	r->code = code;
	r->context = pcre2_match_context_create(NULL);
	if (!r->context)
		mem_exhausted();
	pcre2_set_match_limit(r->context, REGEX_MATCH_LIMIT);
	return r;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->context);
	pcre2_code_free(r->code);
	free(r);
}

/* Replaces what is not UTF-8 by U+FFFD; false when there is no room. */
static bool sanitise(struct ev_text *t, const struct compare_scratch *s)
{
	const char *end = t->p + t->len, *p = t->p;
	size_t n, out = 0;

	while (p < end && (n = json_utf8_len(p, end, NULL)))
		p += n;
	if (p == end)
		return true;
	if (t->len > s->size / 3)
		return false;
	for (p = t->p; p < end; p += n ? n : 1) {
		n = json_utf8_len(p, end, NULL);
		memcpy(s->p + out, n ? p : "\xef\xbf\xbd", n ? n : 3);
		out += n ? n : 3;
	}
	*t = (struct ev_text){ s->p, out };
	return true;
}

bool regex_match(const struct regex *r, struct ev_text t, const struct compare_scratch *s)
{
	int n;

	if (!s->match || !sanitise(&t, s))
		return false;
	n = pcre2_match(r->code, (PCRE2_SPTR)(t.p ? t.p : ""), t.len, 0, PCRE2_NO_UTF_CHECK,
			s->match, r->context);
	if (n < 0 && n != PCRE2_ERROR_NOMATCH)
		(*s->gave_up)++;
	return n >= 0;
}

static void strip(struct ev_text *t, const char *what, bool front)
{
	size_t n = strlen(what);

	if (t->len < n || memcmp(front ? t->p : t->p + t->len - n, what, n))
		return;
	t->p += front ? n : 0;
	t->len -= n;
}

bool regex_is_needless(struct ev_text t)
{
	strip(&t, "^", true);
	strip(&t, ".*", true);
	strip(&t, ".+", true);
	strip(&t, "$", false);
	strip(&t, ".*", false);
	strip(&t, ".+", false);
	for (size_t i = 0; i < t.len; i++)
		if (strchr(".[]{}()\\*+?|^$", t.p[i]))
			return false;
	return true;
}
