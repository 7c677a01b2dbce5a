#include "kube/stream.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The depth at which objects begin. */
static unsigned object_depth(const struct kube_stream *s)
{
	return s->mode == KUBE_STREAM_OBJECTS ? 0 : 2;
}

static bool between_objects(const struct kube_stream *s)
{
	return !s->in_object && (s->mode == KUBE_STREAM_OBJECTS || s->in_items);
}

/* A string's byte, or the end of the string. */
static void string_byte(struct kube_stream *s, char c)
{
	if (s->escaped) {
		s->escaped = false;
		s->key_len = KUBE_KEY_MAX; /* no key that is asked for */
	} else if (c == '\\') {
		s->escaped = true;
	} else if (c == '"') {
		s->in_string = false;
	} else if (s->is_key && s->key_len < KUBE_KEY_MAX) {
		s->key[s->key_len++] = c;
	}
}

static int begin_object(struct kube_stream *s, char c, struct err *e)
{
	if (is_blank(c) || (s->mode == KUBE_STREAM_ITEMS && c == ','))
		return 0;
	if (c == ']' && s->in_items) {
		s->in_items = false;
		s->depth--;
		return 0;
	}
	if (c != '{')
		return err_set(e, EPROTO, "expected an object, found byte 0x%02x",
			       (unsigned)(unsigned char)c);
	s->in_object = true;
	s->depth++;
	return 0;
}

/* A byte outside of strings. */
static int plain_byte(struct kube_stream *s, char c, struct err *e)
{
	if (s->mode == KUBE_STREAM_ITEMS && !s->depth && !is_blank(c) && (c != '{' || s->ended))
		return err_set(e, EPROTO, "expected one object, found byte 0x%02x",
			       (unsigned)(unsigned char)c);
	switch (c) {
	case '"':
		s->in_string = true;
		s->is_key = s->depth == 1 && s->mode == KUBE_STREAM_ITEMS;
		s->key_len = 0;
		break;
	case ':':
		s->items_key = s->is_key && s->depth == 1 && s->key_len == 5 &&
			       !memcmp(s->key, "items", 5);
		break;
	case '{':
	case '[':
		s->depth++;
		if (c == '[' && s->items_key && s->depth == 2)
			s->in_items = true;
		s->items_key = false;
		break;
	case '}':
	case ']':
		if (!s->depth)
			return err_set(e, EPROTO, "a bracket closes what was not opened");
		s->depth--;
		s->ended |= s->mode == KUBE_STREAM_ITEMS && !s->depth;
		break;
	case ',':
		s->items_key = s->is_key = false;
		break;
	}
	return 0;
}

static int hand_over(struct kube_stream *s, struct err *e)
{
	int r;

	if (s->text.p[s->text.len - 1] != '}')
		return err_set(e, EPROTO, "an object ends with ']'");
	r = s->object(s->text.p, s->text.len, s->ctx, e);
	s->in_object = false;
	s->text.len = 0;
	return r < 0 ? r : 0;
}

/* Bytes of one kind: of an object, of what is around the items, or of neither. */
static int keep(struct kube_stream *s, bool object, const char *p, size_t n, struct err *e)
{
	struct buf *b = object ? &s->text : &s->rest;

	if (!object && s->mode == KUBE_STREAM_OBJECTS)
		return 0;
	b->max = object ? KUBE_MAX_OBJECT : KUBE_MAX_REST;
	buf_append(b, p, n);
	return b->overflow ? err_set(e, EFBIG, "an object is larger than %zu bytes", b->max) : 0;
}

static int step(struct kube_stream *s, char c, struct err *e)
{
	if (s->in_string) {
		string_byte(s, c);
		return 0;
	}
	return between_objects(s) ? begin_object(s, c, e) : plain_byte(s, c, e);
}

int kube_stream_feed(struct kube_stream *s, const char *p, size_t n, struct err *e)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		bool was_object = s->in_object, was_items = s->in_items;
		int r = step(s, p[i], e);

		if (r < 0)
			return r;
		if (s->in_object && !was_object) {
			from = i;
		} else if (was_object && !s->in_string && s->depth == object_depth(s)) {
			r = keep(s, true, p + from, i + 1 - from, e);
			from = i + 1;
			if (r == 0)
				r = hand_over(s, e);
			if (r < 0)
				return r;
		} else if (was_items && !s->in_object) {
			from = s->in_items ? i + 1 : i; /* what stands between items is dropped */
		} else if (!was_items && s->in_items) {
			r = keep(s, false, p + from, i + 1 - from, e);
			from = i + 1;
			if (r < 0)
				return r;
		}
	}
	return from < n ? keep(s, s->in_object, p + from, n - from, e) : 0;
}

int kube_stream_end(const struct kube_stream *s, struct err *e)
{
	if (s->depth || s->in_string || (s->mode == KUBE_STREAM_ITEMS && !s->ended))
		return err_set(e, EPROTO, "the answer ends within an object");
	return 0;
}

void kube_stream_reset(struct kube_stream *s)
{
	kube_stream_object object = s->object;
	enum kube_stream_mode mode = s->mode;
	void *ctx = s->ctx;

	kube_stream_free(s);
	*s = (struct kube_stream){ .mode = mode, .object = object, .ctx = ctx };
}

void kube_stream_free(struct kube_stream *s)
{
	buf_free(&s->text);
	buf_free(&s->rest);
}

/* ---- members */

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* Behind a string that begins at p; NULL when it does not end. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '"')
			return p + 1;
	}
	return NULL;
}

/* Behind a value that begins at p: at what stands behind it in an object. */
static const char *skip_value(const char *p, const char *end)
{
	size_t depth = 0;

	while (p && p < end) {
		if (!depth && (*p == ',' || *p == '}' || *p == ']' || is_blank(*p)))
			return p;
		if (*p == '"') {
			p = skip_string(p, end);
			if (!depth)
				return p;
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && !--depth)
			return p + 1;
		p++;
	}
	return NULL;
}

bool kube_member(const char *text, size_t len, const char *key, const char **value, size_t *n)
{
	const char *end = text + len, *p = skip_blanks(text, end);
	size_t key_len = strlen(key);

	if (p == end || *p != '{')
		return false;
	for (p = skip_blanks(p + 1, end); p < end && *p == '"'; p = skip_blanks(p + 1, end)) {
		const char *name = p + 1, *from;
		bool found;

		p = skip_string(p, end);
		if (!p)
			return false;
		found = (size_t)(p - 1 - name) == key_len && !memcmp(name, key, key_len);
		p = skip_blanks(p, end);
		if (p == end || *p != ':')
			return false;
		from = skip_blanks(p + 1, end);
		p = skip_value(from, end);
		if (!p || p == from)
			return false;
		if (found) {
			*value = from;
			*n = (size_t)(p - from);
			return true;
		}
		p = skip_blanks(p, end);
		if (p == end || *p != ',')
			return false;
	}
	return false;
}

bool kube_member_str(const char *text, size_t len, const char *key, char *out, size_t size)
{
	const char *v;
	size_t n;

	if (!kube_member(text, len, key, &v, &n) || n < 2 || *v != '"' || n - 2 >= size ||
	    memchr(v, '\\', n))
		return false;
	memcpy(out, v + 1, n - 2);
	out[n - 2] = '\0';
	return true;
}

bool kube_object_version(const char *text, size_t len, char *out, size_t size)
{
	const char *v;
	size_t n;

	return kube_member(text, len, "metadata", &v, &n) &&
	       kube_member_str(v, n, "resourceVersion", out, size) && *out;
}
