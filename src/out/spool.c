#include "out/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"

#define HEAD "boltseal-spool/1 %016" PRIx64 "\n"

struct spool {
	pthread_mutex_t lock;
	char *path;
	int fd;
	uint64_t max, head, end; /* bytes: the bound, the first that waits, behind the last */
	uint64_t released;	 /* behind the last that is given out */
	uint64_t next;		 /* behind the record that was given; 0: none was */
	struct spool_stats stats;
};

/* ---- the format */

/* Eight hexadecimal digits. */
static bool parse_hex(const char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		const char *digits = "0123456789abcdef", *at = p[i] ? strchr(digits, p[i]) : NULL;

		if (!at)
			return false;
		v = v << 4 | (uint64_t)(at - digits);
	}
	*out = v;
	return true;
}

static uint32_t checksum(const char *text, size_t len)
{
	return (uint32_t)crc32(0, (const Bytef *)text, (uInt)len);
}

/*
 * The record at p: 0 with its text, or -EBADMSG when there is none. *used, in both cases, is how
 * many bytes to go on; 0 with -EBADMSG means that no end of a line follows.
 */
static int parse_record(const char *p, size_t len, const char **text, size_t *text_len,
			size_t *used)
{
	const char *newline = memchr(p, '\n', len);
	uint64_t n, crc;
	size_t line;

	*used = newline ? (size_t)(newline - p) + 1 : 0;
	if (!newline)
		return -EBADMSG;
	line = *used - 1;
	if (line < SPOOL_PREFIX || p[8] != ' ' || p[17] != ' ' || !parse_hex(p, 8, &n) ||
	    !parse_hex(p + 9, 8, &crc) || n > SPOOL_TEXT_MAX || n != line - SPOOL_PREFIX ||
	    crc != checksum(p + SPOOL_PREFIX, n))
		return -EBADMSG;
	*text = p + SPOOL_PREFIX;
	*text_len = n;
	return 0;
}

/* ---- the file */

static int fail(const struct spool *s, int code, const char *what, struct err *e)
{
	return err_errno(e, code, "%s: %s", s->path, what);
}

static int write_at(int fd, const void *data, size_t len, uint64_t at)
{
	const char *p = data;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_head(int fd, uint64_t head)
{
	char line[SPOOL_HEAD + 1];

	snprintf(line, sizeof(line), HEAD, head);
	return write_at(fd, line, SPOOL_HEAD, 0);
}

/* The bytes of one line from `at`, without those behind it; false when no line ends there. */
static int read_line(const struct spool *s, uint64_t at, struct buf *out)
{
	char piece[16384];

	out->len = 0;
	while (at < s->end && out->len <= SPOOL_PREFIX + SPOOL_TEXT_MAX) {
		size_t want = s->end - at < sizeof(piece) ? (size_t)(s->end - at) : sizeof(piece);
		ssize_t n = pread(s->fd, piece, want, (off_t)at);
		char *newline = n > 0 ? memchr(piece, '\n', (size_t)n) : NULL;

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			buf_append(out, piece, newline ? (size_t)(newline - piece) + 1 : (size_t)n);
		if (newline)
			return 1;
		at += n > 0 ? (uint64_t)n : 0;
	}
	return 0;
}

/*
 * The record at *at: 1 with its text in front of `line`, and *at behind it. Damage is skipped. 0 at
 * the end; what stands there without an end of its line is left out.
 */
static int read_record(struct spool *s, uint64_t *at, struct buf *line)
{
	const char *text;
	size_t len, used;

	while (*at < s->end) {
		int found = read_line(s, *at, line);

		if (found < 0)
			return found;
		if (!line->len)
			return 0;
		/* Without an end of its line, this is too long or the last: a part of damage. */
		if (parse_record(line->p, line->len, &text, &len, &used) == 0) {
			*at += used;
			memmove(line->p, text, len);
			line->len = len;
			line->p[len] = '\0';
			return 1;
		}
		*at += line->len;
		if (found)
			s->stats.damaged++;
	}
	return 0;
}

/* Counts what waits. A last line without its end was never acknowledged: it is cut off. */
static int scan(struct spool *s, spool_each *each, void *ctx, struct err *e)
{
	cleanup_buf struct buf line = { 0 };
	uint64_t at = s->head, whole = s->head;
	int found;

	while ((found = read_record(s, &at, &line)) > 0) {
		s->stats.waiting++;
		if (each)
			each(buf_str(&line), line.len, ctx);
		whole = at;
	}
	if (found < 0)
		return fail(s, -found, "cannot be read", e);
	s->end = whole;
	if (ftruncate(s->fd, (off_t)s->end) < 0)
		return fail(s, errno, "cannot be shortened", e);
	return 0;
}

static int begin(struct spool *s, struct err *e)
{
	int err = write_head(s->fd, SPOOL_HEAD);

	if (err < 0)
		return fail(s, -err, "cannot be written", e);
	s->head = s->end = SPOOL_HEAD;
	return 0;
}

static int read_head(struct spool *s, spool_each *each, void *ctx, struct err *e)
{
	char line[SPOOL_HEAD];
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return fail(s, errno, "cannot be read", e);
	/* Shorter: its making was interrupted. */
	if (st.st_size < SPOOL_HEAD)
		return begin(s, e);
	if (pread(s->fd, line, sizeof(line), 0) != sizeof(line))
		return fail(s, EIO, "cannot be read", e);
	if (memcmp(line, "boltseal-spool/1 ", 17))
		return err_set(e, EINVAL, "%s: is no spool of findings", s->path);
	s->end = (uint64_t)st.st_size;
	/* A number that makes no sense: all of it waits. Beyond the end: all was delivered. */
	if (!parse_hex(line + 17, 16, &s->head) || line[33] != '\n' || s->head < SPOOL_HEAD)
		s->head = SPOOL_HEAD;
	if (s->head > s->end)
		return ftruncate(s->fd, SPOOL_HEAD) < 0 ? fail(s, errno, "cannot be shortened", e)
							: begin(s, e);
	return scan(s, each, ctx, e);
}

int spool_open(struct spool **out, const char *path, uint64_t max_bytes, spool_each *each,
	       void *ctx, struct err *e)
{
	struct spool *s = xcalloc(1, sizeof(*s));
	int err = 0;

	pthread_mutex_init(&s->lock, NULL);
	s->path = xstrdup(path);
	s->max = max_bytes;
	s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		err = fail(s, errno, "cannot be opened", e);
	else if (flock(s->fd, LOCK_EX | LOCK_NB) < 0)
		err = err_set(e, EBUSY, "%s: is used by another process", path);
	else
		err = read_head(s, each, ctx, e);
	s->released = s->end;
	if (err < 0) {
		spool_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

/* ---- appending */

static int copy_rest(struct spool *s, int to)
{
	char piece[65536];
	uint64_t at = s->head, out = SPOOL_HEAD;

	while (at < s->end) {
		size_t want = s->end - at < sizeof(piece) ? (size_t)(s->end - at) : sizeof(piece);
		ssize_t n = pread(s->fd, piece, want, (off_t)at);
		int err;

		if (n <= 0)
			return n ? -errno : -EIO;
		err = write_at(to, piece, (size_t)n, out);
		if (err < 0)
			return err;
		at += (uint64_t)n;
		out += (uint64_t)n;
	}
	return fdatasync(to) < 0 ? -errno : 0;
}

/* What waits moves to the beginning of a new file, which takes the place of this one. */
static int compact(struct spool *s)
{
	cleanup_free char *name = xasprintf("%s.new", s->path);
	cleanup_close int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
				    0600);
	uint64_t moved = s->head - SPOOL_HEAD;
	int err;

	if (fd < 0)
		return -errno;
	err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : write_head(fd, SPOOL_HEAD);
	if (err == 0)
		err = copy_rest(s, fd);
	if (err == 0 && rename(name, s->path) < 0)
		err = -errno;
	if (err < 0) {
		unlink(name);
		return err;
	}
	close(s->fd);
	s->fd = take_fd(fd);
	s->head = SPOOL_HEAD;
	s->end -= moved;
	s->released -= moved;
	if (s->next)
		s->next -= moved;
	return 0;
}

/* Room for so many bytes: what was delivered gives its room back when that is worth a copy. */
static int make_room(struct spool *s, size_t bytes)
{
	if (s->end + bytes <= s->max)
		return 0;
	if (s->head - SPOOL_HEAD < s->max / 4 || s->end - s->head + SPOOL_HEAD + bytes > s->max)
		return -ENOBUFS;
	return compact(s);
}

static int append(struct spool *s, const char *text, size_t len, struct err *e)
{
	cleanup_buf struct buf line = { 0 };
	int err = len > SPOOL_TEXT_MAX ? -ENOBUFS : make_room(s, len + SPOOL_PREFIX + 1);

	if (err == -ENOBUFS)
		return err_set(e, ENOBUFS, "%s: is full", s->path);
	if (err < 0)
		return fail(s, -err, "cannot be written", e);
	buf_printf(&line, "%08zx %08" PRIx32 " ", len, checksum(text, len));
	buf_append(&line, text, len);
	buf_putc(&line, '\n');
	err = write_at(s->fd, line.p, line.len, s->end);
	if (err < 0) {
		/* The next one is written over what there is of this one. */
		if (ftruncate(s->fd, (off_t)s->end) < 0)
			return fail(s, errno, "cannot be shortened", e);
		return fail(s, -err, "cannot be written", e);
	}
	s->end += line.len;
	s->stats.waiting++;
	return 0;
}

int spool_append(struct spool *s, const char *text, size_t len, struct err *e)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = append(s, text, len, e);
	pthread_mutex_unlock(&s->lock);
	return err;
}

int spool_sync(struct spool *s, struct err *e)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = fdatasync(s->fd) < 0 ? fail(s, errno, "cannot be written", e) : 0;
	pthread_mutex_unlock(&s->lock);
	return err;
}

void spool_release(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	s->released = s->end;
	pthread_mutex_unlock(&s->lock);
}

/* ---- reading */

/* All was delivered: the file is empty again. */
static int rewind_file(struct spool *s)
{
	if (ftruncate(s->fd, SPOOL_HEAD) < 0)
		return -errno;
	s->head = s->end = s->released = SPOOL_HEAD;
	s->stats.waiting = 0;
	return write_head(s->fd, s->head);
}

int spool_next(struct spool *s, struct buf *out, struct err *e)
{
	uint64_t at;
	int found;

	pthread_mutex_lock(&s->lock);
	at = s->head;
	found = at < s->released ? read_record(s, &at, out) : 0;
	s->next = found > 0 ? at : 0;
	if (found == 0 && s->released == s->end && s->end > SPOOL_HEAD)
		found = rewind_file(s);
	if (found < 0)
		fail(s, -found, "cannot be read", e);
	pthread_mutex_unlock(&s->lock);
	return found;
}

int spool_done(struct spool *s, struct err *e)
{
	int err = 0;

	pthread_mutex_lock(&s->lock);
	if (s->next) {
		s->head = s->next;
		s->next = 0;
		s->stats.waiting--;
		err = s->head == s->end ? rewind_file(s) : write_head(s->fd, s->head);
	}
	if (err < 0)
		fail(s, -err, "cannot be written", e);
	pthread_mutex_unlock(&s->lock);
	return err;
}

void spool_get_stats(struct spool *s, struct spool_stats *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->stats;
	out->bytes = s->end - s->head;
	pthread_mutex_unlock(&s->lock);
}
