#include "base/json_scan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/mem.h"

struct scan {
	const char *p, *end;
	struct json_fault *fault;	     /* NULL: do not check */
	const struct json_path *const *path; /* NULL: do not look for a value */
	size_t path_n;
	const char *found;
	const struct json_scan_again *again; /* NULL: an equal key is a fault */
	const struct json_path *here;	     /* the object or array that is being read */
};

size_t json_utf8_len(const char *p, const char *end, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)*p;
	size_t n = first < 0x80	  ? 1
		   : first < 0xc0 ? 0
		   : first < 0xe0 ? 2
		   : first < 0xf0 ? 3
		   : first < 0xf8 ? 4
				  : 0;
	uint32_t c = n > 1 ? first & (0x7fu >> n) : first;

	if (!n || (size_t)(end - p) < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (cp)
		*cp = c;
	return n;
}

__attribute__((format(printf, 3, 4))) static void fault(struct scan *s, const char *at,
							const char *fmt, ...)
{
	va_list ap;

	if (!s->fault || s->fault->at)
		return;
	s->fault->at = at;
	va_start(ap, fmt);
	vsnprintf(s->fault->why, sizeof(s->fault->why), fmt, ap);
	va_end(ap);
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && strchr(" \t\r\n", *s->p))
		s->p++;
}

static void check_string(struct scan *s, const char *p, const char *end)
{
	while (p < end) {
		size_t n = json_utf8_len(p, end, NULL);

		if (!n)
			fault(s, p, "the byte 0x%02x is not UTF-8", (unsigned char)*p);
		else if ((unsigned char)*p < 0x20)
			fault(s, p, "the control character 0x%02x must be written as \\u%04x",
			      (unsigned char)*p, (unsigned char)*p);
		p += n ? n : 1;
	}
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
	if (s->fault)
		check_string(s, *from, s->p);
	if (s->p < s->end)
		s->p++;
}

static bool whole_number_fits(const char *text)
{
	errno = 0;
	if (*text == '-')
		strtoll(text, NULL, 10);
	else
		strtoull(text, NULL, 10);
	return errno != ERANGE;
}

static size_t digits(const char **p)
{
	size_t n = strspn(*p, "0123456789");

	*p += n;
	return n;
}

/* The grammar of RFC 8259, section 6. */
static bool is_number(const char *p)
{
	p += *p == '-';
	if (*p == '0')
		p++;
	else if (!digits(&p))
		return false;
	if (*p == '.' && (p++, !digits(&p)))
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '+' || *p == '-';
		if (!digits(&p))
			return false;
	}
	return !*p;
}

/* true, false, null or a number. */
static void scan_bare(struct scan *s)
{
	const char *from = s->p;
	cleanup_free char *text = NULL;

	while (s->p < s->end && !strchr(",]} \t\r\n", *s->p))
		s->p++;
	if (!s->fault || *from == 't' || *from == 'f' || *from == 'n')
		return;
	text = strndup(from, (size_t)(s->p - from));
	if (!text)
		mem_exhausted();
	if (!is_number(text))
		fault(s, from, "%.40s is not a number in JSON", text);
	else if (!strpbrk(text, ".eE") && !whole_number_fits(text))
		fault(s, from, "the number %.40s is beyond 64 bits", text);
	else if (!isfinite(strtod(text, NULL)))
		fault(s, from, "the number %.40s is too large", text);
}

static void scan_value(struct scan *s, size_t depth, bool on_path);

/* The text of a raw key without its escapes; NULL when it has none. */
static struct json_object *unescape(const char *key, size_t len)
{
	cleanup_free char *quoted = NULL;

	if (!memchr(key, '\\', len))
		return NULL;
	quoted = xasprintf("\"%.*s\"", (int)len, key);
	return json_tokener_parse(quoted);
}

static void repeated(struct scan *s, const char *at, const char *key, size_t len)
{
	const struct json_path *path[JSON_MAX_DEPTH + 1];
	cleanup_free char *name = NULL;
	struct json_path step = { .up = s->here };
	cleanup_buf struct buf pointer = { 0 };
	size_t n = 0;

	if (!s->again) {
		fault(s, at, "the key \"%.*s\" stands twice in one object",
		      (int)(len < 64 ? len : 64), key);
		return;
	}
	name = strndup(key, len);
	if (!name)
		mem_exhausted();
	step.key = name;
	for (const struct json_path *p = &step; p && n < ARRAY_SIZE(path); p = p->up)
		path[n++] = p;
	for (size_t i = 0; i < n / 2; i++) {
		const struct json_path *other = path[i];

		path[i] = path[n - 1 - i];
		path[n - 1 - i] = other;
	}
	json_scan_pointer(&pointer, path, n);
	s->again->each(at, buf_str(&pointer), s->again->ctx);
}

/* Checks for a second one in `keys`; on the wanted path: whether it is the step looked for. */
static bool visit_key(struct scan *s, struct map *keys, size_t depth, bool on_path, const char *raw,
		      size_t raw_len)
{
	cleanup_json struct json_object *plain = unescape(raw, raw_len);
	const char *key = plain ? json_object_get_string(plain) : raw;
	size_t len = plain ? (size_t)json_object_get_string_len(plain) : raw_len;
	const char *want;

	if (s->fault) {
		void **seen = map_at(keys, key, len);

		if (*seen)
			repeated(s, raw - 1, key, len);
		*seen = s;
	}
	if (!on_path || depth >= s->path_n)
		return false;
	want = s->path[depth]->key;
	return want && strlen(want) == len && !memcmp(want, key, len);
}

/* The value behind a key. Its place is needed only where equal keys are told. */
static void scan_member(struct scan *s, size_t depth, bool on_path, const char *key, size_t len)
{
	cleanup_json struct json_object *plain = s->again ? unescape(key, len) : NULL;
	cleanup_free char *name = s->again && !plain ? strndup(key, len) : NULL;
	struct json_path step = { .up = s->here };

	step.key = plain ? json_object_get_string(plain) : name;
	if (s->again)
		s->here = &step;
	scan_value(s, depth + 1, on_path);
	s->here = step.up;
}

static void scan_object(struct scan *s, size_t depth, bool on_path)
{
	struct map keys = { 0 };

	s->p++;
	for (;;) {
		const char *key;
		size_t len;
		bool here;

		skip_space(s);
		if (s->p >= s->end || *s->p != '"')
			break;
		scan_string(s, &key, &len);
		here = visit_key(s, &keys, depth, on_path, key, len);
		skip_space(s);
		if (s->p < s->end)
			s->p++; /* colon */
		skip_space(s);
		scan_member(s, depth, here, key, len);
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
		bool here = on_path && depth < s->path_n && !s->path[depth]->key &&
			    s->path[depth]->idx == i;
		struct json_path step = { .up = s->here, .idx = i };

		skip_space(s);
		if (s->p >= s->end || *s->p == ']')
			break;
		s->here = &step;
		scan_value(s, depth + 1, here);
		s->here = step.up;
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
	if (on_path && depth == s->path_n && !s->found)
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
		scan_bare(s);
	}
}

bool json_scan_check(const char *text, size_t len, const struct json_scan_again *again,
		     struct json_fault *f)
{
	struct scan s = { .p = text, .end = text + len, .fault = f, .again = again };

	f->at = NULL;
	skip_space(&s);
	scan_value(&s, 0, false);
	return f->at != NULL;
}

const char *json_scan_find(const char *text, size_t len, const struct json_path *const *path,
			   size_t n)
{
	struct scan s = { .p = text, .end = text + len, .path = path, .path_n = n };

	skip_space(&s);
	scan_value(&s, 0, true);
	return s.found;
}
