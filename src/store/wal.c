/*
 * The log beside the file, before SQLite reads it. SQLite takes a frame that does not fit its
 * checksum for the end of the log, as it is after a crash, and drops all behind it without a word.
 * Transactions behind it are a sign of damage. The format: sqlite.org/fileformat2.html, "WAL".
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/plural.h"
#include "store/store_private.h"

enum { HEAD = 32, FRAME_HEAD = 24, PAGE_MIN = 512, PAGE_MAX = 65536 };
#define MAGIC 0x377f0682u /* the last bit: checksums of big-endian words */

struct log {
	int fd;
	uint32_t page, sum[2];
	bool big;
	uint8_t head[HEAD];
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void add(struct log *l, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		l->sum[0] += (l->big ? be32(p + i) : le32(p + i)) + l->sum[1];
		l->sum[1] += (l->big ? be32(p + i + 4) : le32(p + i + 4)) + l->sum[0];
	}
}

static bool fits(const struct log *l, const uint8_t *stored)
{
	return l->sum[0] == be32(stored) && l->sum[1] == be32(stored + 4);
}

static bool read_head(struct log *l)
{
	l->page = be32(l->head + 8);
	l->big = be32(l->head) & 1;
	if ((be32(l->head) & ~1u) != MAGIC || l->page < PAGE_MIN || l->page > PAGE_MAX ||
	    l->page & (l->page - 1))
		return false;
	add(l, l->head, HEAD - 8);
	return fits(l, l->head + HEAD - 8);
}

/* Transactions that end behind the first frame that does not fit. */
static uint64_t lost_commits(struct log *l)
{
	size_t size = FRAME_HEAD + l->page;
	cleanup_free uint8_t *frame = xcalloc(1, size);
	uint64_t lost = 0;
	bool fitting = true;

	for (off_t at = HEAD; pread(l->fd, frame, size, at) == (ssize_t)size; at += (off_t)size) {
		if (memcmp(frame + 8, l->head + 16, 8) != 0) {
			fitting = false; /* of the log that was here before, or damaged */
			continue;
		}
		add(l, frame, 8);
		add(l, frame + FRAME_HEAD, l->page);
		if (fitting && !fits(l, frame + 16)) {
			fitting = false;
			continue; /* half written in a crash, it would be the last one */
		}
		lost += !fitting && be32(frame + 4);
	}
	return lost;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	return !*p && !memcmp(p, p + 1, len - 1);
}

/* How many transactions are lost; UINT64_MAX: all of them. */
static uint64_t examine(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct log l = { .fd = fd };
	uint8_t more;

	if (fd < 0 || pread(fd, l.head, HEAD, 0) != HEAD || pread(fd, &more, 1, HEAD) != 1)
		return 0;
	if (!read_head(&l))
		return is_zero(l.head, HEAD) && lseek(fd, 0, SEEK_END) <= HEAD ? 0 : UINT64_MAX;
	return lost_commits(&l);
}

static bool keep_copy(const char *path, const char *aside)
{
	cleanup_close int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	cleanup_close int to = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char piece[65536];
	ssize_t n;

	while (from >= 0 && to >= 0 && (n = read(from, piece, sizeof(piece))) > 0)
		if (io_write_all(to, piece, (size_t)n) < 0)
			return false;
	return from >= 0 && to >= 0;
}

void store_check_log(struct store *s)
{
	cleanup_free char *path = xasprintf("%s-wal", s->path), *aside = NULL, *number = NULL;
	uint64_t lost = examine(path);
	bool kept;

	if (!lost)
		return;
	aside = store_aside_name(path);
	kept = keep_copy(path, aside);
	number = lost == UINT64_MAX
			 ? xstrdup("findings that were stored last may be missing")
			 : xasprintf("%" PRIu64 " transaction%s with the findings stored last "
				     "%s lost",
				     lost, plural(lost), lost == 1 ? "is" : "are");
	free(s->notice);
	s->notice = xasprintf("%s was damaged: %s%s%s", path, number,
			      kept ? "; a copy of it is " : "", kept ? aside : "");
}
