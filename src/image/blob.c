#include "image/blob.h"

#include <unistd.h>

#include "base/mem.h"

int blob_read(const struct blob *b, uint64_t off, void *out, size_t n, const char *what,
	      struct err *e)
{
	char *p = out;

	if (b->unreadable)
		return err_set(e, ENOTSUP, "%s: %s", what, b->unreadable);
	if (off > b->len || n > b->len - off)
		return err_set(e, EINVAL, "%s: ends before byte %ju", what,
			       (uintmax_t)(off + (uint64_t)n));
	while (n) {
		ssize_t r = TEMP_FAILURE_RETRY(pread(b->fd, p, n, (off_t)(b->off + off)));

		if (r < 0)
			return err_errno(e, errno, "%s: cannot read", what);
		if (!r)
			return err_set(e, EIO, "%s: the file has become shorter", what);
		p += r;
		off += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

int blob_load(const struct blob *b, size_t max, struct buf *out, const char *what, struct err *e)
{
	cleanup_free char *p = NULL;
	int r;

	if (b->len > max)
		return err_set(e, EFBIG, "%s: %ju bytes; at most %zu are read", what,
			       (uintmax_t)b->len, max);
	p = xcalloc(b->len + 1, 1);
	r = blob_read(b, 0, p, b->len, what, e);
	if (!r)
		buf_append(out, p, b->len);
	return r;
}

int blob_sha256(const struct blob *b, char hex[SHA256_HEX], const char *what, struct err *e)
{
	enum { CHUNK = 256 * 1024 };
	cleanup_sha256 struct sha256 sum = { 0 };
	cleanup_free char *chunk = xcalloc(CHUNK, 1);
	uint8_t digest[SHA256_SIZE];

	sha256_begin(&sum);
	for (uint64_t off = 0; off < b->len;) {
		size_t n = b->len - off < CHUNK ? (size_t)(b->len - off) : CHUNK;
		int r = blob_read(b, off, chunk, n, what, e);

		if (r)
			return r;
		sha256_add(&sum, chunk, n);
		off += n;
	}
	sha256_end(&sum, digest);
	sha256_hex(digest, hex);
	return 0;
}
