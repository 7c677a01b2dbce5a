#include "model/volatile_name.h"

#include <ctype.h>
#include <string.h>

#include "model/workload_private.h"

enum {
	ALWAYS_HEX = 32,
	ALWAYS_DIGITS = 10,
	TRANSIENT_HEX = 12,
	TRANSIENT_DIGITS = 6,
	RANDOM_MIN = 6, /* the X of mkstemp */
	UUID_LEN = 36,
};

struct writer {
	struct buf *out;
	bool starred; /* the last thing written was a star: two would mean "**" */
	bool any;
};

static void put_star(struct writer *w)
{
	if (!w->starred)
		buf_putc(w->out, '*');
	w->starred = w->any = true;
}

static void put_literal(struct writer *w, const char *p, size_t n)
{
	if (!n)
		return;
	wl_pattern_escape(w->out, p, n);
	w->starred = false;
}

static size_t digit_run(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && isdigit((unsigned char)p[n]))
		n++;
	return n;
}

/* Runs of at least `least` digits become stars. */
static void put_digits(struct writer *w, const char *p, size_t len, size_t least)
{
	for (size_t i = 0; i < len;) {
		size_t n = digit_run(p + i, len - i);

		if (n >= least)
			put_star(w);
		else
			put_literal(w, p + i, n ? n : 1);
		i += n ? n : 1;
	}
}

static bool is_uuid(const char *p, size_t len)
{
	if (len < UUID_LEN || (len > UUID_LEN && isalnum((unsigned char)p[UUID_LEN])))
		return false;
	for (size_t i = 0; i < UUID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? p[i] != '-' : !isxdigit((unsigned char)p[i]))
			return false;
	}
	return true;
}

static int class_of(unsigned char c)
{
	return isdigit(c) ? 0 : isupper(c) ? 1 : 2;
}

/*
 * Words stay in one class of characters or change it once (Python3); random ones change often. A
 * capital at the beginning is no change.
 */
static bool looks_random(const char *p, size_t len)
{
	unsigned changes = 0;

	for (size_t i = 1; i < len; i++) {
		int a = class_of((unsigned char)p[i - 1]), b = class_of((unsigned char)p[i]);

		changes += a != b && !(i == 1 && a == 1 && b == 2);
	}
	return len >= RANDOM_MIN && changes >= 2;
}

static bool volatile_word(const char *p, size_t len, bool transient)
{
	size_t hex = 0, digits = 0;

	for (size_t i = 0; i < len; i++) {
		hex += !!isxdigit((unsigned char)p[i]);
		digits += !!isdigit((unsigned char)p[i]);
	}
	if (hex == len && len >= ALWAYS_HEX)
		return true;
	if (!transient)
		return false;
	return (hex == len && len >= TRANSIENT_HEX && digits && digits < len) ||
	       looks_random(p, len);
}

/* The fixed beginning of well-known temporary names: compilers' "ccXXXXXX". */
static size_t known_prefix(const char *p, size_t len)
{
	return len == 8 && !memcmp(p, "cc", 2) ? 2 : 0;
}

/* Python's tempfile: "tmp" and eight of a-z, 0-9 and "_". */
static size_t python_temporary(const char *p, size_t len)
{
	size_t n = 3;

	if (len < 11 || memcmp(p, "tmp", 3))
		return 0;
	while (n < len &&
	       (islower((unsigned char)p[n]) || isdigit((unsigned char)p[n]) || p[n] == '_'))
		n++;
	return n == 11 ? n : 0;
}

static size_t word_len(const char *p, size_t len)
{
	size_t n = 0;

	while (n < len && isalnum((unsigned char)p[n]))
		n++;
	return n;
}

bool volatile_name(const char *name, size_t len, bool transient, struct buf *out)
{
	struct buf pattern = { 0 };
	struct writer w = { .out = &pattern };
	size_t i = transient ? python_temporary(name, len) : 0;

	if (i) {
		put_literal(&w, name, 3);
		put_star(&w);
	}
	while (i < len) {
		size_t n = is_uuid(name + i, len - i) ? UUID_LEN : word_len(name + i, len - i);

		if (n == UUID_LEN && name[i + 8] == '-') {
			put_star(&w);
		} else if (volatile_word(name + i, n, transient)) {
			put_literal(&w, name + i, known_prefix(name + i, n));
			put_star(&w);
		} else if (n) {
			put_digits(&w, name + i, n, transient ? TRANSIENT_DIGITS : ALWAYS_DIGITS);
		} else {
			put_literal(&w, name + i, n = 1);
		}
		i += n;
	}
	if (w.any)
		buf_puts(out, buf_str(&pattern));
	buf_free(&pattern);
	return w.any;
}

bool volatile_shape(const char *name, size_t len, struct buf *out)
{
	struct writer w = { .out = out };

	put_digits(&w, name, len, 1);
	return w.any;
}
