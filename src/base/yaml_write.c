#include "base/yaml_write.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

enum { STEP = 2, LITERAL_MIN = 2 };

/* Words that YAML 1.1 readers take for booleans and null (yaml.org/type/bool.html, null.html). */
static const char *const words[] = {
	"y", "n", "yes", "no", "on", "off", "true", "false", "null",
};

static bool plain_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
}

/* Bare only what no reader can take for anything else: no digit, dot or sign in front. */
static bool is_plain(const char *s)
{
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "_/.-";

	if (!plain_start(*s) || s[strspn(s, rest)])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(s, words[i]))
			return false;
	return true;
}

/* Characters that the reader would not give back, or that it takes for the end of a line. */
static bool must_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
	       (c >= 0xd800 && c < 0xe000) || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

static void put_escape(uint32_t c, struct buf *out)
{
	if (c == '\n')
		buf_puts(out, "\\n");
	else if (c == '\t')
		buf_puts(out, "\\t");
	else if (c < 0x100)
		buf_printf(out, "\\x%02x", c);
	else
		buf_printf(out, "\\u%04x", c);
}

static void put_quoted(const char *s, struct buf *out)
{
	const char *end = s + strlen(s);

	buf_putc(out, '"');
	while (s < end) {
		uint32_t c = 0;
		size_t n = json_utf8_len(s, end, &c);

		if (!n)
			buf_puts(out, "\\ufffd");
		else if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (must_escape(c))
			put_escape(c, out);
		else
			buf_append(out, s, n);
		s += n ? n : 1;
	}
	buf_putc(out, '"');
}

/* Lines of printable ASCII, the first one not indented: what a literal block keeps as it is. */
static bool is_literal(const char *s)
{
	size_t lines = 0;

	if (*s == ' ' || *s == '\n')
		return false;
	for (const char *p = s; *p; p++) {
		if (*p != '\n' && (*p < ' ' || *p > '~'))
			return false;
		if (*p == '\n' && p[1] == '\n')
			return false;
		lines += *p == '\n';
	}
	return lines >= LITERAL_MIN && s[strlen(s) - 1] == '\n';
}

static void put_indent(int indent, struct buf *out)
{
	for (int i = 0; i < indent; i++)
		buf_putc(out, ' ');
}

static void put_literal(const char *s, int indent, struct buf *out)
{
	buf_puts(out, "|\n");
	while (*s) {
		size_t n = strcspn(s, "\n");

		put_indent(indent, out);
		buf_append(out, s, n + 1);
		s += n + 1;
	}
}

static void put_string(const char *s, struct buf *out)
{
	if (is_plain(s))
		buf_puts(out, s);
	else
		put_quoted(s, out);
}

/* A value that stands on the line of its key or dash; `indent` is that of what follows below. */
static void put_scalar(struct json_object *v, int indent, struct buf *out)
{
	if (json_object_is_type(v, json_type_string)) {
		const char *s = json_object_get_string(v);

		if (is_literal(s)) {
			put_literal(s, indent, out);
			return;
		}
		put_string(s, out);
	} else {
		buf_puts(out,
			 v ? json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN) : "null");
	}
	buf_putc(out, '\n');
}

static void put_value(struct json_object *v, int indent, bool started, struct buf *out);

/* "key:" or "-" is written; the value follows there or below. */
static void put_nested(struct json_object *v, int indent, struct buf *out)
{
	bool map = json_object_is_type(v, json_type_object);
	bool list = json_object_is_type(v, json_type_array);

	if ((map && !json_object_object_length(v)) || (list && !json_object_array_length(v))) {
		buf_puts(out, map ? " {}\n" : " []\n");
	} else if (map || list) {
		buf_putc(out, '\n');
		put_value(v, indent, false, out);
	} else {
		buf_putc(out, ' ');
		put_scalar(v, indent, out);
	}
}

static void put_map(struct json_object *v, int indent, bool started, struct buf *out)
{
	json_object_object_foreach (v, key, member) {
		if (!started)
			put_indent(indent, out);
		started = false;
		put_string(key, out);
		buf_putc(out, ':');
		put_nested(member, indent + STEP, out);
	}
}

static void put_list(struct json_object *v, int indent, bool started, struct buf *out)
{
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		struct json_object *item = json_object_array_get_idx(v, i);
		bool map = json_object_is_type(item, json_type_object) &&
			   json_object_object_length(item);

		if (!started)
			put_indent(indent, out);
		started = false;
		buf_putc(out, '-');
		if (map) { /* its first member stands behind the dash */
			buf_putc(out, ' ');
			put_value(item, indent + STEP, true, out);
		} else {
			put_nested(item, indent + STEP, out);
		}
	}
}

/* With `started` the line is indented already. */
static void put_value(struct json_object *v, int indent, bool started, struct buf *out)
{
	if (json_object_is_type(v, json_type_object))
		put_map(v, indent, started, out);
	else
		put_list(v, indent, started, out);
}

void yaml_write(struct json_object *v, struct buf *out)
{
	bool map = json_object_is_type(v, json_type_object);
	bool list = json_object_is_type(v, json_type_array);

	if ((map && json_object_object_length(v)) || (list && json_object_array_length(v)))
		put_value(v, 0, false, out);
	else if (map || list)
		buf_puts(out, map ? "{}\n" : "[]\n");
	else
		put_scalar(v, STEP, out);
}
