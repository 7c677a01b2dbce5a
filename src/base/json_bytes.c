#include <string.h>

#include "base/json_scan.h"

enum { BYTE_FIRST = 0xf800, BYTE_LAST = 0xf87f, BYTE_BASE = 0xf780 };

/* U+F800 … U+F87F have three bytes: 1110xxxx 10xxxxxx 10xxxxxx. */
static void put_byte(struct buf *b, unsigned char byte)
{
	unsigned c = BYTE_BASE + byte;

	buf_putc(b, (char)(0xe0 | c >> 12));
	buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
	buf_putc(b, (char)(0x80 | (c & 0x3f)));
}

static void put_ascii(struct buf *b, char c)
{
	static const char letters[] = "btnvfr"; /* 8 … 13; JSON has no \v */

	if (c == '"' || c == '\\')
		buf_printf(b, "\\%c", c);
	else if (c >= '\b' && c <= '\r' && c != '\v')
		buf_printf(b, "\\%c", letters[c - '\b']);
	else if ((unsigned char)c < 0x20 || c == 0x7f)
		buf_printf(b, "\\u%04x", (unsigned)c);
	else
		buf_putc(b, c);
}

void json_put_bytes(struct buf *b, const char *s)
{
	json_put_bytes_n(b, s, strlen(s));
}

void json_put_bytes_n(struct buf *b, const char *s, size_t len)
{
	const char *end = s + len;

	buf_putc(b, '"');
	while (s < end) {
		uint32_t c = 0;
		size_t n = json_utf8_len(s, end, &c);

		if (n == 1)
			put_ascii(b, *s);
		else if (n && (c < BYTE_FIRST || c > BYTE_LAST))
			buf_append(b, s, n);
		else
			put_byte(b, (unsigned char)*s);
		s += n > 1 && (c < BYTE_FIRST || c > BYTE_LAST) ? n : 1;
	}
	buf_putc(b, '"');
}

void json_put_strings(struct buf *b, const char *p, size_t len)
{
	const char *end = p + len;

	if (len && end[-1]) {
		json_put_bytes_n(b, p, len);
		return;
	}
	buf_putc(b, '[');
	for (const char *s = p; s < end; s += strlen(s) + 1) {
		if (s != p)
			buf_putc(b, ',');
		json_put_bytes(b, s);
	}
	buf_putc(b, ']');
}

struct json_object *json_new_bytes(const char *s)
{
	cleanup_buf struct buf text = { 0 };

	json_put_bytes(&text, s);
	return json_tokener_parse(buf_str(&text));
}

char *json_bytes(char *s)
{
	json_bytes_n(s, strlen(s));
	return s;
}

size_t json_bytes_n(char *s, size_t len)
{
	const char *in = s, *end = s + len;
	char *out = s;

	while (in < end) {
		uint32_t c = 0;
		size_t n = json_utf8_len(in, end, &c);

		if (n == 3 && c >= BYTE_FIRST && c <= BYTE_LAST) {
			*out++ = (char)(c - BYTE_BASE);
			in += n;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
	return (size_t)(out - s);
}
