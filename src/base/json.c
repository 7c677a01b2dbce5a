#include "base/json.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"

enum { JSON_MAX_DEPTH = 64 };

static void line_col(const char *text, size_t off, unsigned *line, unsigned *col)
{
	*line = 1;
	*col = 1;
	for (size_t i = 0; i < off; i++) {
		if (text[i] == '\n') {
			(*line)++;
			*col = 1;
		} else {
			(*col)++;
		}
	}
}

/*
 * A walk over text that json-c has accepted: it only has to find strings, brackets and commas. With
 * `want` set it looks for the value at that pointer; it always watches for duplicate keys.
 */
struct scan {
	const char *p, *start, *end;
	const struct json_path *const *want; /* from the root down, or NULL */
	size_t depth_want;
	const char *found;  /* where the wanted value begins */
	const char *dup;    /* where the second of two equal keys begins */
	char dup_key[64];
};

static void skip_space(struct scan *s)
{
	while (s->p < s->end && isspace((unsigned char)*s->p))
		s->p++;
}

/* At a quote: moves behind the string; its raw bytes (escapes kept) are [*from, *from + *len). */
static void scan_string(struct scan *s, const char **from, size_t *len)
{
	*from = ++s->p;
	while (s->p < s->end && *s->p != '"')
		s->p += *s->p == '\\' ? 2 : 1;
	if (s->p > s->end)
		s->p = s->end;
	*len = (size_t)(s->p - *from);
	if (s->p < s->end)
		s->p++;
}

static void scan_value(struct scan *s, size_t depth, bool on_path);

static bool want_key(const struct scan *s, size_t depth, const char *key, size_t len)
{
	const char *want;

	if (depth >= s->depth_want)
		return false;
	want = s->want[depth]->key;
	return want && strlen(want) == len && !memcmp(want, key, len);
}

static void scan_object(struct scan *s, size_t depth, bool on_path)
{
	struct map keys = { 0 };

	s->p++;
	for (;;) {
		const char *key;
		size_t len;
		void **seen;

		skip_space(s);
		if (s->p >= s->end || *s->p != '"')
			break;
		scan_string(s, &key, &len);
		seen = map_at(&keys, key, len);
		if (*seen && !s->dup) {
			s->dup = key - 1;
			snprintf(s->dup_key, sizeof(s->dup_key), "%.*s", (int)len, key);
		}
		*seen = s;
		skip_space(s);
		if (s->p < s->end)
			s->p++; /* colon */
		skip_space(s);
		scan_value(s, depth + 1, on_path && want_key(s, depth, key, len));
		skip_space(s);
		if (s->p >= s->end || *s->p != ',')
			break;
		s->p++;
	}
	if (s->p < s->end)
		s->p++;
	map_free(&keys);
}

static void scan_array(struct scan *s, size_t depth, bool on_path)
{
	s->p++;
	for (size_t i = 0;; i++) {
		bool here = on_path && depth < s->depth_want && !s->want[depth]->key &&
			    s->want[depth]->idx == i;

		skip_space(s);
		if (s->p >= s->end || *s->p == ']')
			break;
		scan_value(s, depth + 1, here);
		skip_space(s);
		if (s->p >= s->end || *s->p != ',')
			break;
		s->p++;
	}
	if (s->p < s->end)
		s->p++;
}

static void scan_value(struct scan *s, size_t depth, bool on_path)
{
	const char *from;
	size_t len;

	if (s->p >= s->end)
		return;
	if (on_path && depth == s->depth_want && s->want && !s->found)
		s->found = s->p;
	switch (*s->p) {
	case '{':
		scan_object(s, depth, on_path);
		break;
	case '[':
		scan_array(s, depth, on_path);
		break;
	case '"':
		scan_string(s, &from, &len);
		break;
	default:
		while (s->p < s->end && !strchr(",]} \t\r\n", *s->p))
			s->p++;
	}
}

static int check_duplicates(const struct json_doc *d, struct err *e)
{
	struct scan s = { .p = d->text, .start = d->text, .end = d->text + d->len };
	unsigned line, col;

	skip_space(&s);
	scan_value(&s, 0, false);
	if (!s.dup)
		return 0;
	line_col(d->text, (size_t)(s.dup - d->text), &line, &col);
	return err_set(e, EINVAL, "%s:%u:%u: the key \"%s\" stands twice in one object", d->name,
		       line, col, s.dup_key);
}

static int parse_text(struct json_doc *d, struct err *e)
{
	struct json_tokener *tok = json_tokener_new_ex(JSON_MAX_DEPTH);
	enum json_tokener_error je;
	size_t end;
	int r = 0;

	if (!tok)
		mem_exhausted();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* One more byte, the final NUL, tells the tokener that a bare number at the end is whole. */
	d->root = json_tokener_parse_ex(tok, d->text, (int)d->len + 1);
	je = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (je != json_tokener_success || !d->root) {
		unsigned line, col;

		line_col(d->text, end < d->len ? end : d->len, &line, &col);
		r = err_set(e, EINVAL, "%s:%u:%u: not valid JSON: %s", d->name, line, col,
			    je == json_tokener_continue || end >= d->len
				    ? "the text ends too early"
				    : json_tokener_error_desc(je));
	}
	json_tokener_free(tok);
	return r;
}

int json_parse(struct json_doc *d, const char *name, const char *text, size_t len, struct err *e)
{
	struct json_doc doc = { .len = len, .name = xstrdup(name) };
	int r;

	doc.text = xcalloc(1, len + 1);
	if (len)
		memcpy(doc.text, text, len);
	if (len >= INT32_MAX)
		r = err_set(e, EFBIG, "%s: too large for one JSON document", name);
	else if (memchr(doc.text, '\0', len))
		r = err_set(e, EINVAL, "%s: not valid JSON: it contains a NUL byte", name);
	else
		r = parse_text(&doc, e);
	if (r == 0)
		r = check_duplicates(&doc, e);
	if (r < 0) {
		json_doc_free(&doc);
		return r;
	}
	*d = doc;
	return 0;
}

int json_load(struct json_doc *d, const char *path, size_t max, struct err *e)
{
	cleanup_buf struct buf b = { .max = max + 2 };
	int r = io_read_file(path, max, &b, e);

	if (r < 0)
		return r;
	return json_parse(d, strcmp(path, "-") ? path : "standard input", buf_str(&b), b.len, e);
}

void json_doc_free(struct json_doc *d)
{
	if (d->root)
		json_object_put(d->root);
	free(d->text);
	free(d->name);
	*d = (struct json_doc){ 0 };
}

static size_t path_list(const struct json_path *at, const struct json_path **list, size_t max)
{
	size_t n = 0;

	for (const struct json_path *p = at; p; p = p->up)
		n++;
	if (n > max)
		n = max;
	for (size_t i = n; i-- > 0; at = at->up)
		list[i] = at;
	return n;
}

static void put_pointer(struct buf *b, const struct json_path *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!list[i]->key) {
			buf_printf(b, "/%zu", list[i]->idx);
			continue;
		}
		buf_putc(b, '/');
		for (const char *c = list[i]->key; *c; c++) {
			if (*c == '~')
				buf_puts(b, "~0");
			else if (*c == '/')
				buf_puts(b, "~1");
			else
				buf_putc(b, *c);
		}
	}
}

int json_err(const struct json_doc *d, const struct json_path *at, struct err *e, int code,
	     const char *fmt, ...)
{
	const struct json_path *list[JSON_MAX_DEPTH];
	size_t n = path_list(at, list, JSON_MAX_DEPTH);
	struct scan s = { .p = d->text, .start = d->text, .end = d->text + d->len };
	cleanup_buf struct buf ptr = { 0 };
	unsigned line = 1, col = 1;
	char msg[400];
	va_list ap;

	s.want = list;
	s.depth_want = n;
	skip_space(&s);
	scan_value(&s, 0, true);
	if (s.found)
		line_col(d->text, (size_t)(s.found - d->text), &line, &col);
	put_pointer(&ptr, list, n);
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(e, code, "%s:%u:%u: %s: %s", d->name, line, col, ptr.len ? ptr.p : "/", msg);
}

const char *json_type_word(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_null:
		return "null";
	case json_type_boolean:
		return "true or false";
	case json_type_double:
		return "a number with a fraction";
	case json_type_int:
		return "a whole number";
	case json_type_object:
		return "an object";
	case json_type_array:
		return "an array";
	case json_type_string:
		return "a string";
	}
	return "an unknown value";
}

/* 1 when present (in *v), 0 when absent and optional, negative on error. */
static int member(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		  const char *key, bool required, enum json_type type, const char *word,
		  struct json_object **v, struct err *e)
{
	struct json_path here = { .up = at, .key = key };

	if (!json_object_object_get_ex(o, key, v) || !*v) {
		if (!required)
			return 0;
		return json_err(d, at, e, ENOENT, "the member \"%s\" is missing (expected %s)", key,
				word);
	}
	if (!json_object_is_type(*v, type))
		return json_err(d, &here, e, EINVAL, "expected %s, found %s", word,
				json_type_word(*v));
	return 1;
}

int json_get_str(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		 const char *key, bool required, const char **out, struct err *e)
{
	struct json_object *v;
	int r = member(d, at, o, key, required, json_type_string, "a string", &v, e);

	if (r > 0) {
		if (strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v))
			return json_err(d, &(struct json_path){ at, key, 0 }, e, EINVAL,
					"the string contains a NUL character");
		*out = json_object_get_string(v);
	}
	return r < 0 ? r : 0;
}

int json_get_bool(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		  const char *key, bool required, bool *out, struct err *e)
{
	struct json_object *v;
	int r = member(d, at, o, key, required, json_type_boolean, "true or false", &v, e);

	if (r > 0)
		*out = json_object_get_boolean(v);
	return r < 0 ? r : 0;
}

int json_get_array(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		   const char *key, bool required, struct json_object **out, struct err *e)
{
	struct json_object *v;
	int r = member(d, at, o, key, required, json_type_array, "an array", &v, e);

	if (r > 0)
		*out = v;
	return r < 0 ? r : 0;
}

int json_get_object(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		    const char *key, bool required, struct json_object **out, struct err *e)
{
	struct json_object *v;
	int r = member(d, at, o, key, required, json_type_object, "an object", &v, e);

	if (r > 0)
		*out = v;
	return r < 0 ? r : 0;
}

int json_u64(const struct json_doc *d, const struct json_path *at, struct json_object *v,
	     uint64_t max, uint64_t *out, struct err *e)
{
	uint64_t n;

	if (!json_object_is_type(v, json_type_int))
		return json_err(d, at, e, EINVAL, "expected a whole number, found %s",
				json_type_word(v));
	if (json_object_get_int64(v) < 0)
		return json_err(d, at, e, EINVAL, "expected a number from 0, found %lld",
				(long long)json_object_get_int64(v));
	n = json_object_get_uint64(v);
	if (n > max)
		return json_err(d, at, e, ERANGE, "expected at most %llu, found %llu",
				(unsigned long long)max, (unsigned long long)n);
	*out = n;
	return 0;
}

int json_get_u64(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		 const char *key, bool required, uint64_t max, uint64_t *out, struct err *e)
{
	struct json_path here = { .up = at, .key = key };
	struct json_object *v;
	int r = member(d, at, o, key, required, json_type_int, "a whole number", &v, e);

	return r > 0 ? json_u64(d, &here, v, max, out, e) : r;
}

char *json_text(struct json_object *o)
{
	const char *s = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			   JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!s)
		mem_exhausted();
	return xasprintf("%s\n", s);
}
