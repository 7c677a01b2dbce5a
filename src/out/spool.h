/*
 * Findings that wait for a receiver: a file that is appended to and read from its beginning, and
 * keeps what was not delivered over the end of the process. Two threads may use it, one that
 * appends and one that reads.
 *
 * The file: "boltseal-spool/1 OFFSET\n", OFFSET of the first record that waits in 16 hexadecimal
 * digits, then records "LENGTH CRC TEXT\n" with 8 hexadecimal digits each (CRC-32 of the text, that
 * of zlib). What is damaged is skipped up to the next end of a line, and counted.
 */
#ifndef OUT_SPOOL_H
#define OUT_SPOOL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	SPOOL_HEAD = 34,   /* bytes of the first line */
	SPOOL_PREFIX = 18, /* bytes of a record before its text */
	SPOOL_TEXT_MAX = 1024 * 1024,
};

struct spool_stats {
	uint64_t waiting, bytes; /* records, and what they take on the disk */
	uint64_t damaged;	 /* could not be read */
};

struct spool;

typedef void spool_each(const char *text, size_t len, void *ctx);
/*
 * Opens or makes the file (mode 0600), bounded by `max_bytes`. `each` (or NULL) is called for what
 * waits in it. -EBUSY: another process has it; a file that is no spool is refused (-EINVAL).
 */
int spool_open(struct spool **out, const char *path, uint64_t max_bytes, spool_each *each,
	       void *ctx, struct err *e);
void spool_close(struct spool *s);

/*
 * Adds a text without newlines. -ENOBUFS: the spool is full. Other errors
 * (-ENOSPC, -EIO): nothing was added, and it may be tried again.
 */
int spool_append(struct spool *s, const char *text, size_t len, struct err *e);
/* What was appended is on the disk when this returns 0. */
int spool_sync(struct spool *s, struct err *e);
/* What was appended until now is given out by spool_next(). */
void spool_release(struct spool *s);

/* The first one that waits replaces what is in `out`: 1, or 0 when none does. */
int spool_next(struct spool *s, struct buf *out, struct err *e);
/* The one that spool_next gave last does not wait any more. */
int spool_done(struct spool *s, struct err *e);

void spool_get_stats(struct spool *s, struct spool_stats *out);

#endif
