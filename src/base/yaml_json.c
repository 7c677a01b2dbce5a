/*
 * JSON as a tree of nodes, without libyaml: in one pass, and with what JSON has and YAML 1.1 has
 * not (pairs of surrogates). Whatever is not strict JSON is left to libyaml: it knows more, and
 * says better what is wrong.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/yaml_private.h"

struct json {
	struct builder *b;
	const char *p, *end, *line_start;
	uint32_t line;
	size_t wide;	       /* continuation bytes since line_start: not characters */
	const char *wide_upto; /* counted up to here */
	struct buf text;
};

static struct yaml_mark here(struct json *j)
{
	if (j->wide_upto < j->line_start) {
		j->wide_upto = j->line_start;
		j->wide = 0;
	}
	for (; j->wide_upto < j->p; j->wide_upto++)
		j->wide += ((unsigned char)*j->wide_upto & 0xc0) == 0x80;
	return (struct yaml_mark){ .line = j->b->part.line + j->line + 1,
				   .col = (uint32_t)(j->p - j->line_start - j->wide) + 1,
				   .off = j->b->part.off + (uint32_t)(j->p - j->b->part.text) };
}

static void skip_space(struct json *j)
{
	for (; j->p < j->end && strchr(" \t\r\n", *j->p); j->p++)
		if (*j->p == '\n') {
			j->line++;
			j->line_start = j->p + 1;
		}
}

/* Four hexadecimal digits; negative: they are not there. */
static int hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int d = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

static void put_utf8(struct buf *b, unsigned c)
{
	if (c < 0x80) {
		buf_putc(b, (char)c);
		return;
	}
	if (c >= 0x10000) {
		buf_putc(b, (char)(0xf0 | c >> 18));
		buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
	} else if (c >= 0x800) {
		buf_putc(b, (char)(0xe0 | c >> 12));
	} else {
		buf_putc(b, (char)(0xc0 | c >> 6));
		buf_putc(b, (char)(0x80 | (c & 0x3f)));
		return;
	}
	buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
	buf_putc(b, (char)(0x80 | (c & 0x3f)));
}

/* Behind a backslash. */
static bool unescape(struct json *j)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *known = j->p < j->end && *j->p ? strchr(from, *j->p) : NULL;
	int c, low;

	if (known) {
		buf_putc(&j->text, to[known - from]);
		j->p++;
		return true;
	}
	if (j->p >= j->end || *j->p != 'u')
		return false;
	c = hex4(j->p + 1, j->end);
	if (c < 0 || (c >= 0xdc00 && c <= 0xdfff))
		return false;
	j->p += 5;
	if (c >= 0xd800 && c <= 0xdbff) {
		low = j->end - j->p >= 6 && j->p[0] == '\\' && j->p[1] == 'u'
			      ? hex4(j->p + 2, j->end)
			      : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return false;
		j->p += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(&j->text, (unsigned)c);
	return true;
}

/* At a quote: the text goes to j->text. */
static bool scan_string(struct json *j)
{
	j->text.len = 0;
	for (j->p++; j->p < j->end && *j->p != '"';) {
		size_t n;

		if (*j->p == '\\') {
			j->p++;
			if (!unescape(j))
				return false;
			continue;
		}
		n = json_utf8_len(j->p, j->end, NULL);
		if (!n || (unsigned char)*j->p < 0x20)
			return false;
		buf_append(&j->text, j->p, n);
		j->p += n;
	}
	return j->p < j->end && *j->p++ == '"';
}

static struct yaml_node *keep_scalar(struct json *j, struct yaml_mark start, enum yaml_style style,
				     const char *text, size_t len)
{
	struct yaml_node *n = yaml_new_node(j->b, start);

	if (!n)
		return NULL;
	n->kind = YAML_SCALAR;
	n->style = style;
	n->type = style == YAML_PLAIN ? yaml_plain_type(text, len) : YAML_STR;
	n->text = arena_strndup(&j->b->s->arena, len ? text : "", len);
	n->n = (uint32_t)len;
	n->start = start;
	n->end = here(j);
	return n;
}

static struct yaml_node *read_string(struct json *j)
{
	struct yaml_mark start = here(j);

	return scan_string(j) ? keep_scalar(j, start, YAML_DOUBLE, j->text.p, j->text.len) : NULL;
}

static size_t digits(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && p[n] >= '0' && p[n] <= '9')
		n++;
	return n;
}

/* The length of a number by RFC 8259, section 6; 0: none. */
static size_t number_len(const char *p, const char *end)
{
	const char *from = p;
	size_t n;

	p += p < end && *p == '-';
	n = digits(p, end);
	if (!n || (n > 1 && *p == '0'))
		return 0;
	p += n;
	if (p < end && *p == '.') {
		n = digits(p + 1, end);
		if (!n)
			return 0;
		p += n + 1;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		n = digits(p, end);
		if (!n)
			return 0;
		p += n;
	}
	return (size_t)(p - from);
}

static struct yaml_node *read_bare(struct json *j)
{
	static const char *const words[] = { "true", "false", "null" };
	struct yaml_mark start = here(j);
	const char *from = j->p;
	size_t n = number_len(j->p, j->end);

	for (size_t i = 0; !n && i < ARRAY_SIZE(words); i++)
		if ((size_t)(j->end - j->p) >= strlen(words[i]) &&
		    !memcmp(j->p, words[i], strlen(words[i])))
			n = strlen(words[i]);
	if (!n)
		return NULL;
	j->p += n;
	return keep_scalar(j, start, YAML_PLAIN, from, n);
}

static struct yaml_node *read_value(struct json *j);

/* One member or item onto the stack. */
static bool read_child(struct json *j, bool map)
{
	struct yaml_node *n;

	if (map) {
		n = j->p < j->end && *j->p == '"' ? read_string(j) : NULL;
		if (!n)
			return false;
		yaml_push(j->b, n);
		skip_space(j);
		if (j->p >= j->end || *j->p != ':')
			return false;
		j->p++;
		skip_space(j);
	}
	n = read_value(j);
	if (n)
		yaml_push(j->b, n);
	return n != NULL;
}

static bool read_children(struct json *j, bool map)
{
	char close = map ? '}' : ']';

	skip_space(j);
	if (j->p < j->end && *j->p == close) {
		j->p++;
		return true;
	}
	for (;;) {
		if (!read_child(j, map))
			return false;
		skip_space(j);
		if (j->p >= j->end || (*j->p != ',' && *j->p != close))
			return false;
		if (*j->p++ == close)
			return true;
		skip_space(j);
	}
}

static struct yaml_node *read_collection(struct json *j)
{
	bool map = *j->p == '{';
	struct yaml_mark start = here(j);
	struct yaml_node *n = yaml_new_node(j->b, start);
	size_t base = j->b->stack_n;

	if (!n || j->b->depth == YAML_MAX_DEPTH)
		return NULL;
	n->kind = map ? YAML_MAP : YAML_SEQ;
	n->style = YAML_FLOW;
	n->start = start;
	j->b->depth++;
	j->p++;
	if (!read_children(j, map))
		return NULL;
	j->b->depth--;
	n->end = here(j);
	if (!map)
		yaml_fill_seq(j->b, n, base);
	else if (!yaml_fill_map(j->b, n, base))
		return NULL;
	j->b->stack_n = base;
	return n;
}

static struct yaml_node *read_value(struct json *j)
{
	if (j->p >= j->end)
		return NULL;
	if (*j->p == '{' || *j->p == '[')
		return read_collection(j);
	return *j->p == '"' ? read_string(j) : read_bare(j);
}

struct yaml_node *yaml_read_json(struct builder *b)
{
	struct json j = { .b = b,
			  .p = b->part.text,
			  .end = b->part.text + b->part.len,
			  .line_start = b->part.text,
			  .wide_upto = b->part.text };
	struct yaml_node *n = NULL;

	skip_space(&j);
	if (j.p < j.end && (*j.p == '{' || *j.p == '['))
		n = read_value(&j);
	skip_space(&j);
	buf_free(&j.text);
	return n && j.p == j.end ? n : NULL;
}
