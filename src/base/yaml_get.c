/* What callers ask of a tree: members, typed values, places. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/yaml.h"

/* ---- places */

static void put_step(const struct yaml_node *n, struct buf *out)
{
	if (n->up->kind == YAML_SEQ) {
		buf_printf(out, "/%u", n->idx);
		return;
	}
	buf_putc(out, '/');
	for (const char *c = n->key->text; *c; c++) {
		if (*c == '~')
			buf_puts(out, "~0");
		else if (*c == '/')
			buf_puts(out, "~1");
		else
			buf_putc(out, *c);
	}
}

void yaml_pointer(const struct yaml_node *n, struct buf *out)
{
	if (!n->up)
		return;
	yaml_pointer(n->up, out); /* as deep as the document: YAML_MAX_DEPTH */
	put_step(n, out);
}

int yaml_err(const struct yaml_stream *s, const struct yaml_node *at, struct err *e, int code,
	     const char *fmt, ...)
{
	cleanup_buf struct buf pointer = { 0 };
	char msg[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	yaml_pointer(at, &pointer);
	return err_set(e, code, "%s:%u:%u: %s: %s", s->name, at->start.line, at->start.col,
		       pointer.len ? pointer.p : "/", msg);
}

const char *yaml_word(const struct yaml_node *n)
{
	static const char *const words[] = {
		[YAML_STR] = "a string",
		[YAML_NULL] = "null",
		[YAML_BOOL] = "true or false",
		[YAML_INT] = "a whole number",
		[YAML_FLOAT] = "a number with a fraction",
	};

	return n->kind == YAML_MAP ? "a map" : n->kind == YAML_SEQ ? "a list" : words[n->type];
}

struct yaml_node *yaml_only(const struct yaml_stream *s, struct err *e)
{
	if (!s->docs_n) {
		err_set(e, EINVAL, "%s:1:1: empty, expected a document", s->name);
		return NULL;
	}
	if (s->doc[0].error) {
		err_set(e, EINVAL, "%s", s->doc[0].error);
		return NULL;
	}
	if (s->docs_n > 1) {
		err_set(e, EINVAL, "%s:%u:%u: a second document, expected only one", s->name,
			s->doc[1].start.line, s->doc[1].start.col);
		return NULL;
	}
	return s->doc[0].root;
}

/* ---- members */

const struct yaml_pair *yaml_pair_of(const struct yaml_node *map, const char *key)
{
	size_t len = strlen(key);

	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->n; i++)
		if (map->pair[i].key->n == len && !memcmp(map->pair[i].key->text, key, len))
			return &map->pair[i];
	return NULL;
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	const struct yaml_pair *p = yaml_pair_of(map, key);

	return p ? p->value : NULL;
}

bool yaml_is_null(const struct yaml_node *n)
{
	return !n || (n->kind == YAML_SCALAR && n->type == YAML_NULL);
}

bool yaml_is_str(const struct yaml_node *n)
{
	return n && n->kind == YAML_SCALAR && n->type == YAML_STR;
}

bool yaml_eq(const struct yaml_node *n, const char *text)
{
	return yaml_is_str(n) && n->n == strlen(text) && !memcmp(n->text, text, n->n);
}

/* ---- values */

static int expect(const struct yaml_stream *s, const struct yaml_node *n, const char *what,
		  struct err *e)
{
	bool shown = n->kind == YAML_SCALAR && n->type != YAML_NULL;

	return shown ? yaml_err(s, n, e, EINVAL, "expected %s, found %s (%.60s)", what,
				yaml_word(n), n->text)
		     : yaml_err(s, n, e, EINVAL, "expected %s, found %s", what, yaml_word(n));
}

static bool is(const struct yaml_node *n, enum yaml_type type)
{
	return n->kind == YAML_SCALAR && n->type == type;
}

int yaml_str(const struct yaml_stream *s, const struct yaml_node *n, const char **out,
	     struct err *e)
{
	if (!is(n, YAML_STR))
		return expect(s, n, "a string", e);
	if (strlen(n->text) != n->n)
		return yaml_err(s, n, e, EINVAL, "the string contains a NUL character");
	*out = n->text;
	return 0;
}

int yaml_bool(const struct yaml_stream *s, const struct yaml_node *n, bool *out, struct err *e)
{
	if (!is(n, YAML_BOOL))
		return expect(s, n, "true or false", e);
	/* true, yes, on, y: the first two letters tell */
	*out = strchr("tTyY", n->text[0]) || !strcasecmp(n->text, "on");
	return 0;
}

/* Sign and digits of an integer without '_'; false when it is too long for 64 bits. */
static bool clean_int(const struct yaml_node *n, bool *negative, char *out, size_t size, int *base)
{
	const char *p = n->text;
	size_t len = 0;

	*negative = *p == '-';
	p += *p == '-' || *p == '+';
	*base = 10;
	if (p[0] == '0' && p[1]) {
		*base = strchr("xX", p[1]) ? 16 : strchr("bB", p[1]) ? 2 : 8;
		p += *base == 8 && !strchr("oO", p[1]) ? 1 : 2;
	}
	for (; *p; p++) {
		if (*p == '_' || (*p == '0' && !len && p[1]))
			continue;
		if (len + 1 >= size)
			return false;
		out[len++] = *p;
	}
	out[len] = '\0';
	return true;
}

static int magnitude(const struct yaml_stream *s, const struct yaml_node *n, bool *negative,
		     uint64_t *out, struct err *e)
{
	char digits[72];
	int base;

	if (!is(n, YAML_INT))
		return expect(s, n, "a whole number", e);
	errno = 0;
	if (clean_int(n, negative, digits, sizeof(digits), &base))
		*out = strtoull(digits, NULL, base);
	else
		errno = ERANGE;
	if (errno)
		return yaml_err(s, n, e, ERANGE, "the number %.60s does not fit 64 bits", n->text);
	return 0;
}

int yaml_u64(const struct yaml_stream *s, const struct yaml_node *n, uint64_t max, uint64_t *out,
	     struct err *e)
{
	bool negative;
	uint64_t v;
	int r = magnitude(s, n, &negative, &v, e);

	if (r < 0)
		return r;
	if (negative && v)
		return yaml_err(s, n, e, ERANGE, "expected a number from 0, found %s", n->text);
	if (v > max)
		return yaml_err(s, n, e, ERANGE, "expected at most %llu, found %s",
				(unsigned long long)max, n->text);
	*out = v;
	return 0;
}

int yaml_i64(const struct yaml_stream *s, const struct yaml_node *n, int64_t *out, struct err *e)
{
	bool negative;
	uint64_t v;
	int r = magnitude(s, n, &negative, &v, e);

	if (r < 0)
		return r;
	if (v > (uint64_t)INT64_MAX + negative)
		return yaml_err(s, n, e, ERANGE, "the number %s does not fit 64 bits with a sign",
				n->text);
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

/* ---- typed members */

/* 1 when there (in *v), 0 when absent and optional, negative on error. */
static int member(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		  bool required, const char *what, struct yaml_node **v, struct err *e)
{
	*v = yaml_get(map, key);
	if (map->kind != YAML_MAP)
		return expect(s, map, "a map", e);
	if (!yaml_is_null(*v))
		return 1;
	if (!required)
		return 0;
	return yaml_err(s, *v ? *v : map, e, ENOENT, "the member \"%s\" is missing (expected %s)",
			key, what);
}

int yaml_get_str(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		 bool required, const char **out, struct err *e)
{
	struct yaml_node *v;
	int r = member(s, map, key, required, "a string", &v, e);

	return r > 0 ? yaml_str(s, v, out, e) : r;
}

int yaml_get_bool(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		  bool required, bool *out, struct err *e)
{
	struct yaml_node *v;
	int r = member(s, map, key, required, "true or false", &v, e);

	return r > 0 ? yaml_bool(s, v, out, e) : r;
}

int yaml_get_u64(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		 bool required, uint64_t max, uint64_t *out, struct err *e)
{
	struct yaml_node *v;
	int r = member(s, map, key, required, "a whole number", &v, e);

	return r > 0 ? yaml_u64(s, v, max, out, e) : r;
}

static int get_kind(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		    bool required, enum yaml_kind kind, struct yaml_node **out, struct err *e)
{
	const char *what = kind == YAML_MAP ? "a map" : "a list";
	struct yaml_node *v;
	int r = member(s, map, key, required, what, &v, e);

	if (r <= 0)
		return r;
	if (v->kind != kind)
		return expect(s, v, what, e);
	*out = v;
	return 0;
}

int yaml_get_seq(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		 bool required, struct yaml_node **out, struct err *e)
{
	return get_kind(s, map, key, required, YAML_SEQ, out, e);
}

int yaml_get_map(const struct yaml_stream *s, const struct yaml_node *map, const char *key,
		 bool required, struct yaml_node **out, struct err *e)
{
	return get_kind(s, map, key, required, YAML_MAP, out, e);
}

int yaml_only_keys(const struct yaml_stream *s, const struct yaml_node *map,
		   const char *const *known, struct err *e)
{
	if (map->kind != YAML_MAP)
		return expect(s, map, "a map", e);
	for (uint32_t i = 0; i < map->n; i++) {
		const char *key = map->pair[i].key->text;
		struct suggest near;
		size_t k = 0;

		suggest_begin(&near, key);
		for (; known[k] && strcmp(known[k], key); k++)
			suggest_offer(&near, known[k], strlen(known[k]));
		if (!known[k] && near.found)
			return yaml_err(s, map->pair[i].key, e, EINVAL,
					"unknown key \"%.100s\"; did you mean \"%s\"?", key,
					near.found);
		if (!known[k])
			return yaml_err(s, map->pair[i].key, e, EINVAL, "unknown key \"%.100s\"",
					key);
	}
	return 0;
}
