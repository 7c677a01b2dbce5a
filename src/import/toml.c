#include "import/toml.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"

struct reader {
	struct toml *t;
	const char *name, *p, *end;
	unsigned line, col;
	const char *table; /* "Network." or "" */
	struct err *e;
};

__attribute__((format(printf, 2, 3))) static int fail(struct reader *r, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(r->e, EINVAL, "%s:%u:%u: %s", r->name, r->line, r->col, text);
}

static char peek(const struct reader *r)
{
	return r->p < r->end ? *r->p : '\0';
}

static char take(struct reader *r)
{
	char c = *r->p++;

	r->col++;
	if (c == '\n') {
		r->line++;
		r->col = 1;
	}
	return c;
}

static void skip(struct reader *r, bool lines)
{
	for (char c; (c = peek(r));) {
		if (c == '#') {
			while (peek(r) && peek(r) != '\n')
				take(r);
		} else if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n')) {
			take(r);
		} else {
			return;
		}
	}
}

/* \b \t \n \f \r \" \\; \uXXXX of ASCII. */
static int escape(struct reader *r, struct buf *out)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	const char *known;
	char c = peek(r), hex[5] = "";

	known = c ? strchr(from, c) : NULL;
	if (known) {
		take(r);
		buf_putc(out, to[known - from]);
		return 0;
	}
	if (c == 'u' && r->end - r->p > 4) {
		memcpy(hex, r->p + 1, 4);
		if (strspn(hex, "0123456789abcdefABCDEF") == 4 && strtoul(hex, NULL, 16) > 0 &&
		    strtoul(hex, NULL, 16) < 0x80) {
			buf_putc(out, (char)strtoul(hex, NULL, 16));
			for (unsigned i = 0; i < 5; i++)
				take(r);
			return 0;
		}
	}
	return fail(r, "an escape sequence that is not known");
}

static int string(struct reader *r, struct toml_string *out)
{
	cleanup_buf struct buf text = { 0 };
	char quote = peek(r);
	int rc = 0;

	out->line = r->line;
	out->col = r->col;
	if (quote != '"' && quote != '\'')
		return fail(r, "expected a string");
	if (r->end - r->p > 2 && r->p[1] == quote && r->p[2] == quote)
		return fail(r, "multi-line strings are not supported");
	take(r);
	while (!rc && peek(r) != quote) {
		if (!peek(r) || peek(r) == '\n')
			return fail(r, "expected %c at the end of the string", quote);
		if (quote == '"' && peek(r) == '\\') {
			take(r);
			rc = escape(r, &text);
		} else {
			buf_putc(&text, take(r));
		}
	}
	if (rc)
		return rc;
	take(r);
	out->text = arena_strndup(&r->t->arena, buf_str(&text), text.len);
	return 0;
}

static int add_item(struct reader *r, struct toml_value *v)
{
	struct toml_string s;
	int rc = string(r, &s);

	if (!rc && r->t->items++ == TOML_MAX_ITEMS)
		rc = fail(r, "more than %d strings", TOML_MAX_ITEMS);
	if (!rc)
		*vec_push(v->item, v->n, v->cap) = s;
	return rc;
}

static int array(struct reader *r, struct toml_value *v)
{
	v->type = TOML_STRINGS;
	take(r);
	for (;;) {
		int rc;

		skip(r, true);
		if (peek(r) == ']')
			break;
		rc = add_item(r, v);
		if (rc)
			return rc;
		skip(r, true);
		if (peek(r) == ',')
			take(r);
		else if (peek(r) != ']')
			return fail(r, "expected ',' or ']' in the list");
	}
	take(r);
	return 0;
}

static bool word(struct reader *r, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n) != 0 ||
	    ((size_t)(r->end - r->p) > n && isalnum((unsigned char)r->p[n])))
		return false;
	while (n--)
		take(r);
	return true;
}

static int value(struct reader *r, struct toml_value *v)
{
	if (peek(r) == '[')
		return array(r, v);
	if (peek(r) == '"' || peek(r) == '\'') {
		v->type = TOML_STRING;
		return add_item(r, v);
	}
	v->type = TOML_BOOL;
	if (word(r, "true")) {
		v->yes = true;
		return 0;
	}
	return word(r, "false") ? 0
				: fail(r, "expected a string, true, false or a list of strings");
}

/* A bare key or a quoted one; `dots`: several joined by dots, as in [a.b]. */
static int key(struct reader *r, bool dots, struct buf *out)
{
	size_t start = out->len;

	if (peek(r) == '"' || peek(r) == '\'') {
		struct toml_string s;
		int rc = string(r, &s);

		if (!rc)
			buf_puts(out, s.text);
		return rc;
	}
	while (isalnum((unsigned char)peek(r)) || peek(r) == '_' || peek(r) == '-' ||
	       (dots && peek(r) == '.'))
		buf_putc(out, take(r));
	if (out->len == start)
		return fail(r, "expected a key");
	return 0;
}

static int end_of_line(struct reader *r)
{
	skip(r, false);
	if (!peek(r) && r->p == r->end)
		return 0;
	return peek(r) == '\n' ? 0 : fail(r, "expected the end of the line");
}

static int table(struct reader *r)
{
	cleanup_buf struct buf name = { 0 };
	int rc;

	take(r);
	if (peek(r) == '[')
		return fail(r, "lists of tables are not supported");
	skip(r, false);
	rc = key(r, true, &name);
	skip(r, false);
	if (!rc && peek(r) != ']')
		rc = fail(r, "expected ']'");
	if (rc)
		return rc;
	take(r);
	buf_putc(&name, '.');
	r->table = arena_strdup(&r->t->arena, buf_str(&name));
	return end_of_line(r);
}

static struct toml_value *find(struct toml *t, const char *k)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->value[i].key, k))
			return &t->value[i];
	return NULL;
}

static int pair(struct reader *r)
{
	cleanup_buf struct buf name = { 0 };
	unsigned line = r->line, col = r->col;
	struct toml_value *v;
	int rc;

	buf_puts(&name, r->table);
	rc = key(r, false, &name);
	if (rc)
		return rc;
	if (find(r->t, buf_str(&name)) || r->t->n == TOML_MAX_KEYS)
		return fail(r, "the key %s stands twice, or there are more than %d", buf_str(&name),
			    TOML_MAX_KEYS);
	skip(r, false);
	if (peek(r) != '=')
		return fail(r, "expected '=' behind the key %s", buf_str(&name));
	take(r);
	skip(r, false);
	v = vec_push(r->t->value, r->t->n, r->t->cap);
	v->key = arena_strdup(&r->t->arena, buf_str(&name));
	v->line = line;
	v->col = col;
	rc = value(r, v);
	return rc ? rc : end_of_line(r);
}

int toml_parse(struct toml *t, const char *name, const char *text, size_t len, struct err *e)
{
	struct reader r = { t, name, text, text + len, 1, 1, "", e };
	int rc = 0;

	*t = (struct toml){ .n = 0 };
	if (len && memchr(text, '\0', len))
		return err_set(e, EINVAL, "%s: not a text: it has a NUL byte", name);
	for (skip(&r, true); !rc && peek(&r); skip(&r, true))
		rc = peek(&r) == '[' ? table(&r) : pair(&r);
	return rc;
}

void toml_free(struct toml *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->value[i].item);
	free(t->value);
	arena_free(&t->arena);
	*t = (struct toml){ .n = 0 };
}

struct toml_value *toml_get(struct toml *t, const char *k)
{
	struct toml_value *v = find(t, k);

	if (v)
		v->used = true;
	return v;
}
