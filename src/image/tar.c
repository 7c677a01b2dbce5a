#include "image/tar.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Offsets and widths of the fields of a header block. */
enum {
	NAME = 0,
	NAME_LEN = 100,
	SIZE = 124,
	SIZE_LEN = 12,
	CHECKSUM = 148,
	CHECKSUM_LEN = 8,
	TYPE = 156,
	LINK = 157,
	LINK_LEN = 100,
	MAGIC = 257,
	PREFIX = 345,
	PREFIX_LEN = 155,
};

/* What extended headers said about the next member. */
struct extended {
	struct buf path, link;
	bool has_path, has_link, has_size, sparse;
	uint64_t size;
};

static void extended_free(struct extended *x)
{
	buf_free(&x->path);
	buf_free(&x->link);
}

void tar_open(struct tar *t, const struct blob *archive, const char *name)
{
	*t = (struct tar){ .archive = archive, .name = name };
}

void tar_close(struct tar *t)
{
	buf_free(&t->path);
	buf_free(&t->link);
}

static int bad(const struct tar *t, uint64_t at, struct err *e, const char *what)
{
	return err_set(e, EINVAL, "%s: header at byte %ju: %s", t->name, (uintmax_t)at, what);
}

static bool is_zero(const uint8_t *block)
{
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		if (block[i])
			return false;
	}
	return true;
}

/* Octal digits between optional blanks, ended by a blank or NUL or the end of the field. */
static bool parse_octal(const uint8_t *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
		if (v >> 60)
			return false;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	for (; i < n; i++) {
		if (p[i] && p[i] != ' ')
			return false;
	}
	*out = v;
	return true;
}

/* GNU: the first byte 0x80, then a big-endian number; 0xff begins a negative one. */
static bool parse_number(const uint8_t *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (!(p[0] & 0x80))
		return parse_octal(p, n, out);
	if (p[0] != 0x80)
		return false;
	for (size_t i = 1; i < n; i++) {
		if (v >> 55)
			return false;
		v = v << 8 | p[i];
	}
	*out = v;
	return true;
}

/* The sum of all bytes with the checksum itself as blanks; old programs summed signed bytes. */
static bool checksum_holds(const uint8_t *block)
{
	uint64_t want;
	uint64_t sum = 0;
	int64_t sum_signed = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		bool own = i >= CHECKSUM && i < CHECKSUM + CHECKSUM_LEN;

		sum += own ? ' ' : block[i];
		sum_signed += own ? ' ' : (int8_t)block[i];
	}
	return parse_octal(block + CHECKSUM, CHECKSUM_LEN, &want) &&
	       (want == sum || (int64_t)want == sum_signed);
}

static void set_field(struct buf *b, const uint8_t *p, size_t max)
{
	b->len = 0;
	buf_append(b, p, strnlen((const char *)p, max));
}

/* The content of an extended header, which stands between it and the next one. */
static int read_extended(const struct tar *t, const struct blob *data, uint64_t at, struct buf *out,
			 struct err *e)
{
	if (data->len > TAR_MAX_EXTENDED)
		return bad(t, at, e, "the extended header is longer than 1 MiB");
	return blob_load(data, TAR_MAX_EXTENDED, out, t->name, e);
}

static int set_text(const struct tar *t, uint64_t at, struct buf *to, bool *has, const char *p,
		    size_t n, struct err *e)
{
	if (memchr(p, 0, n))
		return bad(t, at, e, "a name with a NUL byte");
	if (n > TAR_MAX_PATH)
		return bad(t, at, e, "a name of more than 4095 bytes");
	to->len = 0;
	buf_append(to, p, n);
	*has = true;
	return 0;
}

static bool key_is(const char *key, size_t n, const char *name)
{
	return n == strlen(name) && !memcmp(key, name, n);
}

static int pax_record(const struct tar *t, uint64_t at, const char *key, size_t key_len,
		      const char *value, size_t n, struct extended *x, struct err *e)
{
	if (key_is(key, key_len, "path"))
		return set_text(t, at, &x->path, &x->has_path, value, n, e);
	if (key_is(key, key_len, "linkpath"))
		return set_text(t, at, &x->link, &x->has_link, value, n, e);
	if (key_len >= 11 && !memcmp(key, "GNU.sparse.", 11))
		x->sparse = true;
	if (!key_is(key, key_len, "size"))
		return 0;
	x->size = 0;
	x->has_size = true;
	for (size_t i = 0; i < n; i++) {
		if (value[i] < '0' || value[i] > '9' || x->size > UINT64_MAX / 20)
			return bad(t, at, e, "the size in the extended header is no number");
		x->size = x->size * 10 + (uint64_t)(value[i] - '0');
	}
	return n ? 0 : bad(t, at, e, "the size in the extended header is empty");
}

/* Records "LENGTH KEY=VALUE\n", where LENGTH counts the whole record. */
static int parse_pax(const struct tar *t, uint64_t at, const struct buf *text, struct extended *x,
		     struct err *e)
{
	const char *p = text->p, *end = p + text->len;

	while (p && p < end) {
		const char *q = p, *equals;
		size_t len = 0;
		int r;

		for (; q < end && *q >= '0' && *q <= '9' && len <= TAR_MAX_EXTENDED; q++)
			len = len * 10 + (size_t)(*q - '0');
		if (q == p || q == end || *q != ' ' || len > (size_t)(end - p) ||
		    len < (size_t)(q - p) + 3 || p[len - 1] != '\n')
			return bad(t, at, e, "an extended header that is damaged");
		q++;
		equals = memchr(q, '=', (size_t)(p + len - 1 - q));
		if (!equals)
			return bad(t, at, e, "an extended header without '='");
		r = pax_record(t, at, q, (size_t)(equals - q), equals + 1,
			       (size_t)(p + len - 1 - (equals + 1)), x, e);
		if (r)
			return r;
		p += len;
	}
	return 0;
}

/* The length of a GNU long name, whose content ends with a NUL. */
static size_t gnu_length(const struct buf *b)
{
	return b->len ? strnlen(b->p, b->len) : 0;
}

/* 1 when the header was an extended one and has been taken into x. */
static int take_extended(const struct tar *t, uint64_t at, char type, const struct blob *data,
			 struct extended *x, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	int r;

	if (type == 'g') /* for all members: comments; nobody puts names or sizes there */
		return 1;
	if (type != 'x' && type != 'L' && type != 'K')
		return 0;
	r = read_extended(t, data, at, &text, e);
	if (!r && type == 'x')
		r = parse_pax(t, at, &text, x, e);
	else if (!r && type == 'L')
		r = set_text(t, at, &x->path, &x->has_path, buf_str(&text), gnu_length(&text), e);
	else if (!r)
		r = set_text(t, at, &x->link, &x->has_link, buf_str(&text), gnu_length(&text), e);
	return r ? r : 1;
}

static enum tar_type type_of(char c, const struct buf *path)
{
	switch (c) {
	case '0':
	case '7':
	case 'S':
		return TAR_FILE;
	case '\0': /* before POSIX a name with a final '/' was a directory */
		return path->len && path->p[path->len - 1] == '/' ? TAR_DIR : TAR_FILE;
	case '1':
		return TAR_HARDLINK;
	case '2':
		return TAR_SYMLINK;
	case '5':
		return TAR_DIR;
	default:
		return TAR_OTHER;
	}
}

static void set_names(struct tar *t, const uint8_t *block, struct extended *x)
{
	/* GNU's own format, "ustar  ", has other things where the prefix is. */
	bool prefix = !memcmp(block + MAGIC, "ustar", 6) && block[PREFIX];

	t->path.len = 0;
	if (x->has_path) {
		buf_append(&t->path, x->path.p, x->path.len);
	} else {
		if (prefix) {
			set_field(&t->path, block + PREFIX, PREFIX_LEN);
			buf_putc(&t->path, '/');
		}
		buf_append(&t->path, block + NAME, strnlen((const char *)block + NAME, NAME_LEN));
	}
	if (x->has_link) {
		t->link.len = 0;
		buf_append(&t->link, x->link.p, x->link.len);
	} else {
		set_field(&t->link, block + LINK, LINK_LEN);
	}
}

/* The header block at t->pos; 1, or 0 at the end of the archive. */
static int read_header(struct tar *t, uint8_t *block, struct err *e)
{
	uint64_t left = t->archive->len - t->pos;
	int r;

	if (!left) /* some programs leave out the blocks of zeros */
		return 0;
	if (left < TAR_BLOCK)
		return bad(t, t->pos, e, "the archive ends inside of it");
	r = blob_read(t->archive, t->pos, block, TAR_BLOCK, t->name, e);
	if (r)
		return r;
	if (is_zero(block))
		return 0;
	if (!checksum_holds(block))
		return bad(t, t->pos, e,
			   t->pos ? "the checksum is wrong"
				  : "the checksum is wrong: this is no tar archive");
	return 1;
}

/* What follows the header: content, and how far to the next header. */
static int read_content(struct tar *t, const uint8_t *block, const struct extended *x,
			struct blob *data, uint64_t *next, struct err *e)
{
	uint64_t start = t->pos + TAR_BLOCK, size, padded;
	char type = (char)block[TYPE];

	if (!parse_number(block + SIZE, SIZE_LEN, &size))
		return bad(t, t->pos, e, "the size is no number or negative");
	if (x->has_size)
		size = x->size;
	/* Links, directories and devices have none, whatever the field says. */
	if (type >= '1' && type <= '6')
		size = 0;
	padded = size / TAR_BLOCK * TAR_BLOCK + (size % TAR_BLOCK ? TAR_BLOCK : 0);
	if (size > t->archive->len - start)
		return bad(t, t->pos, e, "the archive ends before the content does");
	*data = (struct blob){ .fd = t->archive->fd, .off = t->archive->off + start, .len = size };
	*next = padded > t->archive->len - start ? t->archive->len : start + padded;
	return 0;
}

int tar_next(struct tar *t, struct tar_entry *out, struct err *e)
{
	cleanup(extended_free) struct extended x = { 0 };
	uint8_t block[TAR_BLOCK];
	uint64_t next = t->pos;
	int r;

	for (;;) {
		struct tar_entry entry = { .at = t->pos };

		r = read_header(t, block, e);
		if (r <= 0)
			return r;
		r = read_content(t, block, &x, &entry.data, &next, e);
		if (!r)
			r = take_extended(t, t->pos, (char)block[TYPE], &entry.data, &x, e);
		if (r < 0)
			return r;
		t->pos = next;
		if (r)
			continue;
		set_names(t, block, &x);
		if (!t->path.len)
			return bad(t, entry.at, e, "a member without a name");
		entry.type = type_of((char)block[TYPE], &t->path);
		if (block[TYPE] == 'S' || x.sparse)
			entry.data.unreadable = "a sparse member of a tar archive, which is not "
						"supported";
		entry.path = buf_str(&t->path);
		entry.link = buf_str(&t->link);
		*out = entry;
		return 1;
	}
}
