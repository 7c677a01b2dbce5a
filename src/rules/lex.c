#include "rules/lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool lex_fail(struct lex *l, const char *fmt, ...)
{
	va_list ap;

	if (l->failed)
		return false;
	l->failed = true;
	l->e->at = l->pos;
	va_start(ap, fmt);
	vsnprintf(l->e->msg, sizeof(l->e->msg), fmt, ap);
	va_end(ap);
	return false;
}

static int peek(const struct lex *l, size_t ahead)
{
	return l->pos + ahead < l->len ? (unsigned char)l->p[l->pos + ahead] : -1;
}

static bool is_alpha(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(int c)
{
	return is_alpha(c) || is_digit(c) || c == '_';
}

static bool is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool lex_blank(struct lex *l)
{
	size_t from = l->pos;

	while (peek(l, 0) >= 0 && peek(l, 0) && strchr(" \t\b\r\n", peek(l, 0)))
		l->pos++;
	return l->pos > from;
}

bool lex_text(struct lex *l, const char *s)
{
	size_t n = strlen(s);

	if (l->len - l->pos < n || memcmp(l->p + l->pos, s, n))
		return false;
	l->pos += n;
	return true;
}

bool lex_at(const struct lex *l, char c)
{
	return peek(l, 0) == (unsigned char)c;
}

/* Takes n bytes, which may be none: no token then. */
static bool take(struct lex *l, size_t n, struct ev_text *out)
{
	if (!n)
		return false;
	*out = (struct ev_text){ l->p + l->pos, n };
	l->pos += n;
	return true;
}

static size_t word(const struct lex *l, size_t from)
{
	size_t n = from;

	if (!is_alpha(peek(l, n)))
		return from;
	while (is_word(peek(l, n)))
		n++;
	return n;
}

bool lex_identifier(struct lex *l, struct ev_text *out)
{
	return take(l, word(l, 0), out);
}

bool lex_field_name(struct lex *l, struct ev_text *out)
{
	size_t n = word(l, 0), parts = 0;

	while (n && peek(l, n) == '.') {
		size_t next = word(l, n + 1);

		if (next == n + 1)
			break;
		n = next;
		parts++;
	}
	return parts && take(l, n, out);
}

static size_t hex_number(const struct lex *l)
{
	size_t n = 2;

	if (peek(l, 0) != '0' || (peek(l, 1) != 'x' && peek(l, 1) != 'X'))
		return 0;
	while (peek(l, n) >= 0 && isxdigit(peek(l, n)))
		n++;
	return n > 2 ? n : 0;
}

static size_t digits(const struct lex *l, size_t n)
{
	while (is_digit(peek(l, n)))
		n++;
	return n;
}

static size_t decimal_number(const struct lex *l)
{
	size_t sign = peek(l, 0) == '+' || peek(l, 0) == '-', n = digits(l, sign), exponent;

	if (n == sign)
		return 0;
	if (peek(l, n) == '.')
		n = digits(l, n + 1);
	if (peek(l, n) != 'e' && peek(l, n) != 'E')
		return n;
	if (peek(l, n + 1) != '+' && peek(l, n + 1) != '-')
		return n;
	exponent = digits(l, n + 2);
	return exponent > n + 2 ? exponent : n;
}

bool lex_number(struct lex *l, struct ev_text *out)
{
	size_t n = hex_number(l);

	return take(l, n ? n : decimal_number(l), out);
}

static bool lex_until(struct lex *l, const char *end, struct ev_text *out)
{
	size_t n = 0;
	int c;

	while ((c = peek(l, n)) >= 0 && !is_space(c) && !(c && strchr(end, c)))
		n++;
	return take(l, n, out);
}

bool lex_bare(struct lex *l, struct ev_text *out)
{
	return lex_until(l, "()\"'=,", out);
}

bool lex_bare_arg(struct lex *l, struct ev_text *out)
{
	return lex_until(l, "][\"'", out);
}

static int hex_value(int c)
{
	if (is_digit(c))
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xHH, at the x. */
static bool hex_escape(struct lex *l, const char *s, const char *end, char *out)
{
	int high, low;

	if (end - s < 3)
		return lex_fail(l, "truncated hex char escape sequence");
	high = hex_value((unsigned char)s[1]);
	low = hex_value((unsigned char)s[2]);
	if (high < 0 || low < 0)
		return lex_fail(l, "invalid hex char escape sequence: %.2s", s + 1);
	*out = (char)(high << 4 | low);
	return true;
}

/* What follows a backslash: false with an error; *used gets the bytes that it takes. */
static bool escape(struct lex *l, const char *s, const char *end, char quote, char *out,
		   size_t *used)
{
	static const char from[] = "bfnrt\\/ ", to[] = "\b\f\n\r\t\\/\\";
	const char *known = *s ? strchr(from, *s) : NULL;

	*used = 1;
	if (known) {
		*out = to[known - from];
		return true;
	}
	if (*s == 'x') {
		*used = 3;
		return hex_escape(l, s, end, out);
	}
	if (*s == '"' || *s == '\'') {
		*out = *s;
		return *s == quote ||
		       lex_fail(l, "invalid \\%c escape in %c-quoted string", *s, quote);
	}
	if (*s < ' ' || *s > '~')
		return lex_fail(l, "unsupported string escape sequence: \\x%02x",
				(unsigned char)*s);
	return lex_fail(l, "unsupported string escape sequence: \\%c", *s);
}

static bool unescape(struct lex *l, const char *s, const char *end, char quote, struct ev_text *out)
{
	char *to = arena_alloc(l->arena, (size_t)(end - s) + 1);

	out->p = to;
	for (size_t used; s < end; s += used) {
		used = 1;
		if (*s != '\\') {
			*to++ = *s;
			continue;
		}
		if (!escape(l, s + 1, end, quote, to, &used)) {
			l->e->at = (size_t)(s - l->p);
			return false;
		}
		used++;
		to++;
	}
	out->len = (size_t)(to - out->p);
	return true;
}

bool lex_quoted(struct lex *l, struct ev_text *out)
{
	int quote = peek(l, 0);
	size_t n = 1;

	if (quote != '"' && quote != '\'')
		return false;
	while (peek(l, n) >= 0 && !(peek(l, n) == quote && l->p[l->pos + n - 1] != '\\'))
		n++;
	if (peek(l, n) < 0)
		return lex_fail(l, "expected closing quote %c", quote);
	if (!unescape(l, l->p + l->pos + 1, l->p + l->pos + n, (char)quote, out))
		return false;
	l->pos += n + 1;
	return true;
}
