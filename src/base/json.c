#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/json_scan.h"
#include "base/mem.h"

static void line_col(const struct json_doc *d, size_t off, unsigned *line, unsigned *col)
{
	*line = d->line + 1;
	*col = 1;
	for (size_t i = 0; i < off; i++) {
		if (d->text[i] == '\n') {
			(*line)++;
			*col = 1;
		} else {
			(*col)++;
		}
	}
}

/* "name:line:col: not valid JSON: <why>" for a place in the text. */
static int syntax_err(const struct json_doc *d, const char *at, struct err *e, const char *why)
{
	unsigned line, col;

	line_col(d, (size_t)(at - d->text), &line, &col);
	return err_set(e, EINVAL, "%s:%u:%u: not valid JSON: %s", d->name, line, col, why);
}

/* Between the scanner, which knows a place in the text, and who wants to know line and column. */
struct again {
	const struct json_doc *d;
	const struct json_again *to;
};

static void tell_again(const char *at, const char *pointer, void *ctx)
{
	const struct again *a = ctx;
	unsigned line, col;

	line_col(a->d, (size_t)(at - a->d->text), &line, &col);
	a->to->each(pointer, line, col, a->to->ctx);
}

static int check_text(const struct json_doc *d, const struct json_again *again, struct err *e)
{
	struct again a = { d, again };
	struct json_scan_again tell = { tell_again, &a };
	struct json_fault f;

	return json_scan_check(d->text, d->len, again ? &tell : NULL, &f)
		       ? syntax_err(d, f.at, e, f.why)
		       : 0;
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
	/* One more byte, the final NUL, tells the tokener that a bare number at the end is whole.
	 */
	d->root = json_tokener_parse_ex(tok, d->text, (int)d->len + 1);
	je = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (je == json_tokener_success && !d->root) {
		r = err_set(e, EINVAL, "%s:%u:1: the document is null", d->name, d->line + 1);
	} else if (je == json_tokener_continue || (je != json_tokener_success && end >= d->len)) {
		r = syntax_err(d, d->text + d->len, e, "the text ends too early");
	} else if (je != json_tokener_success) {
		r = syntax_err(d, d->text + end, e, json_tokener_error_desc(je));
	}
	json_tokener_free(tok);
	return r;
}

/* `d` has its name and line. */
static int parse(struct json_doc *d, const char *text, size_t len, const struct json_again *again,
		 struct err *e)
{
	struct json_doc doc = *d;
	int r;

	doc.len = len;
	doc.text = xcalloc(1, len + 1);
	if (len)
		memcpy(doc.text, text, len);
	if (len >= INT32_MAX)
		r = err_set(e, EFBIG, "%s: too large for one JSON document", d->name);
	else if (memchr(doc.text, '\0', len))
		r = err_set(e, EINVAL, "%s: not valid JSON: it contains a NUL byte", d->name);
	else if (!strncmp(doc.text, "\xef\xbb\xbf", 3)) /* RFC 8259, 8.1; engines refuse it, too */
		r = err_set(e, EINVAL, "%s:1:1: not valid JSON: a byte order mark is in front",
			    d->name);
	else
		r = parse_text(&doc, e);
	if (r == 0)
		r = check_text(&doc, again, e);
	if (r < 0) {
		json_doc_free(&doc);
		return r;
	}
	*d = doc;
	return 0;
}

int json_parse_again(struct json_doc *d, const char *name, const char *text, size_t len,
		     const struct json_again *again, struct err *e)
{
	struct json_doc doc = { .name = xstrdup(name) };
	int r = parse(&doc, text, len, again, e);

	if (r == 0)
		*d = doc;
	return r;
}

int json_parse(struct json_doc *d, const char *name, const char *text, size_t len, struct err *e)
{
	return json_parse_again(d, name, text, len, NULL, e);
}

int json_parse_line(struct json_doc *d, const char *name, unsigned line, const char *text,
		    size_t len, struct err *e)
{
	struct json_doc doc = { .name = xstrdup(name), .line = line ? line - 1 : 0 };
	int r = parse(&doc, text, len, NULL, e);

	if (r == 0)
		*d = doc;
	return r;
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

void json_scan_pointer(struct buf *b, const struct json_path *const *list, size_t n)
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

bool json_place(const struct json_doc *d, const struct json_path *at, struct buf *pointer,
		unsigned *line, unsigned *col)
{
	const struct json_path *list[JSON_MAX_DEPTH] = { NULL };
	size_t n = path_list(at, list, JSON_MAX_DEPTH);
	const char *found = json_scan_find(d->text, d->len, list, n);

	*line = d->line + 1;
	*col = 1;
	if (found)
		line_col(d, (size_t)(found - d->text), line, col);
	json_scan_pointer(pointer, list, n);
	if (!n)
		buf_putc(pointer, '/');
	return found != NULL;
}

int json_err(const struct json_doc *d, const struct json_path *at, struct err *e, int code,
	     const char *fmt, ...)
{
	cleanup_buf struct buf ptr = { 0 };
	unsigned line, col;
	char msg[400];
	va_list ap;

	json_place(d, at, &ptr, &line, &col);
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(e, code, "%s:%u:%u: %s: %s", d->name, line, col, buf_str(&ptr), msg);
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

struct json_object *json_member(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, &v)
		       ? v
		       : NULL;
}

char *json_text(struct json_object *o)
{
	const char *s = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
								  JSON_C_TO_STRING_SPACED |
								  JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!s)
		mem_exhausted();
	return xasprintf("%s\n", s);
}

void json_put_text(struct buf *b, struct json_object *o)
{
	cleanup_json struct json_object *owned = o;
	cleanup_free char *text = json_text(owned);

	buf_puts(b, text);
}

void json_add(struct json_object *o, const char *key, struct json_object *v)
{
	if (!v || json_object_object_add(o, key, v) < 0)
		mem_exhausted();
}

void json_append(struct json_object *array, struct json_object *v)
{
	if (!v || json_object_array_add(array, v) < 0)
		mem_exhausted();
}
