#include "image/unpack.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/io.h"
#include "base/mem.h"

enum { CHUNK = 256 * 1024, HOLE = 4096 };

/* Where the uncompressed bytes go. */
struct sink {
	int fd;
	uint64_t len, max;
	const char *what;
	uint8_t *chunk;
};

/* What comes in, a chunk at a time. */
struct source {
	const struct blob *blob;
	uint64_t off;
	const char *what;
	uint8_t *chunk;
	size_t have;
};

static void source_free(struct source *s)
{
	free(s->chunk);
}

static void sink_free(struct sink *s)
{
	free(s->chunk);
	if (s->fd >= 0)
		close(s->fd);
}

static int temporary_file(const char *what, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	cleanup_free char *path = NULL;
	int fd;

	if (!dir || *dir != '/')
		dir = "/var/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) { /* file systems without it */
		path = xasprintf("%s/boltseal-XXXXXX", dir);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	return fd < 0 ? err_errno(e, errno, "%s: no temporary file in %s", what, dir) : fd;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return !n || (!*p && !memcmp(p, p + 1, n - 1));
}

static int sink_put(struct sink *s, const uint8_t *p, size_t n, struct err *e)
{
	if (n > s->max - s->len)
		return err_set(e, EFBIG, "%s: more than %ju MiB uncompressed", s->what,
			       (uintmax_t)(s->max >> 20));
	s->len += n;
	while (n) {
		size_t part = n < HOLE ? n : HOLE;
		int r = 0;

		if (all_zero(p, part))
			r = lseek(s->fd, (off_t)part, SEEK_CUR) < 0 ? -errno : 0;
		else
			r = io_write_all(s->fd, p, part);
		if (r)
			return err_errno(e, -r, "%s: cannot write the temporary file", s->what);
		p += part;
		n -= part;
	}
	return 0;
}

/* The next chunk; have is 0 at the end. */
static int source_fill(struct source *s, struct err *e)
{
	uint64_t left = s->blob->len - s->off;
	int r;

	s->have = left < CHUNK ? (size_t)left : CHUNK;
	r = blob_read(s->blob, s->off, s->chunk, s->have, s->what, e);
	s->off += s->have;
	return r;
}

static void inflate_end_p(z_stream *z)
{
	inflateEnd(z);
}

/* One gzip member after the other; what follows the last one has to be zeros. */
static int inflate_all(struct source *in, struct sink *out, struct err *e)
{
	cleanup(inflate_end_p) z_stream z = { 0 };
	int status = Z_OK;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return err_set(e, ENOMEM, "%s: zlib: %s", in->what, z.msg ? z.msg : "no memory");
	for (;;) {
		int r;

		if (!z.avail_in) {
			r = source_fill(in, e);
			if (r)
				return r;
			z.next_in = in->chunk;
			z.avail_in = (unsigned int)in->have;
			if (!in->have)
				break;
		}
		if (status == Z_STREAM_END) {
			if (all_zero(z.next_in, z.avail_in)) {
				z.avail_in = 0;
				continue;
			}
			inflateReset(&z);
		}
		z.next_out = out->chunk;
		z.avail_out = CHUNK;
		status = inflate(&z, Z_NO_FLUSH);
		if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
			return err_set(e, EINVAL, "%s: damaged gzip data: %s", in->what,
				       z.msg ? z.msg : "no details");
		r = sink_put(out, out->chunk, CHUNK - z.avail_out, e);
		if (r)
			return r;
	}
	if (status != Z_STREAM_END)
		return err_set(e, EINVAL, "%s: the gzip data end early", in->what);
	return 0;
}

static void free_dctx(ZSTD_DCtx **d)
{
	ZSTD_freeDCtx(*d);
}

static int zstd_all(struct source *in, struct sink *out, struct err *e)
{
	cleanup(free_dctx) ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer from = { .src = in->chunk };
	bool pending = false; /* output that did not fit */
	size_t left = 1;

	if (!d)
		return err_set(e, ENOMEM, "%s: zstd: no memory", in->what);
	for (;;) {
		ZSTD_outBuffer to = { .dst = out->chunk, .size = CHUNK };
		int r;

		if (from.pos == from.size && !pending) {
			r = source_fill(in, e);
			if (r)
				return r;
			from.size = in->have;
			from.pos = 0;
			if (!in->have)
				break;
		}
		/* Windows of more than 128 MiB are refused, which is zstd's own default. */
		left = ZSTD_decompressStream(d, &to, &from);
		if (ZSTD_isError(left))
			return err_set(e, EINVAL, "%s: damaged zstd data: %s", in->what,
				       ZSTD_getErrorName(left));
		pending = left && to.pos == to.size;
		r = sink_put(out, out->chunk, to.pos, e);
		if (r)
			return r;
	}
	return left ? err_set(e, EINVAL, "%s: the zstd data end early", in->what) : 0;
}

struct method {
	const char *name;
	uint8_t magic[6];
	size_t len;
	int (*run)(struct source *in, struct sink *out, struct err *e);
};

static const struct method methods[] = {
	{ "gzip", { 0x1f, 0x8b, 8 }, 3, inflate_all },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, zstd_all },
	{ "bzip2", { 'B', 'Z', 'h' }, 3, NULL },
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, NULL },
	{ "lz4", { 0x04, 0x22, 0x4d, 0x18 }, 4, NULL },
};

static const struct method *method_of(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (n >= methods[i].len && !memcmp(p, methods[i].magic, methods[i].len))
			return &methods[i];
	}
	return NULL;
}

int unpack_blob(const struct blob *in, uint64_t max, struct blob *out, int *fd, const char *what,
		struct err *e)
{
	cleanup(source_free) struct source source = { .blob = in, .what = what };
	cleanup(sink_free) struct sink sink = { .fd = -1, .max = max, .what = what };
	const struct method *m;
	uint8_t magic[6] = { 0 };
	size_t n = in->len < sizeof(magic) ? (size_t)in->len : sizeof(magic);
	int r = blob_read(in, 0, magic, n, what, e);

	if (r)
		return r;
	m = method_of(magic, n);
	if (!m) {
		*out = *in;
		return 0;
	}
	if (!m->run)
		return err_set(e, ENOTSUP, "%s: compressed with %s; gzip and zstd are read", what,
			       m->name);
	source.chunk = xcalloc(CHUNK, 1);
	sink.chunk = xcalloc(CHUNK, 1);
	sink.fd = r = temporary_file(what, e);
	if (r >= 0)
		r = m->run(&source, &sink, e);
	if (!r && ftruncate(sink.fd, (off_t)sink.len))
		r = err_errno(e, errno, "%s: cannot write the temporary file", what);
	if (r < 0)
		return r;
	*fd = take_fd(sink.fd);
	*out = (struct blob){ .fd = *fd, .len = sink.len };
	return 0;
}
