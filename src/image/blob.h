/*
 * Bytes in a part of an open file, read by offset and never mapped, so a file that is shortened
 * meanwhile is an error and not a signal.
 */
#ifndef IMAGE_BLOB_H
#define IMAGE_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"

struct blob {
	int fd; /* borrowed */
	uint64_t off, len;
	/* What is stored is not the content: a sparse member of a tar archive. */
	const char *unreadable; /* why, or NULL */
};

/* Exactly n bytes at `off` of the blob; beyond its end: -EINVAL. `what` names it in messages. */
int blob_read(const struct blob *b, uint64_t off, void *out, size_t n, const char *what,
	      struct err *e);
/* All of it, appended to `out`; more than `max` bytes: -EFBIG. */
int blob_load(const struct blob *b, size_t max, struct buf *out, const char *what, struct err *e);

/* The SHA-256 of the blob in lower-case hexadecimal digits. */
int blob_sha256(const struct blob *b, char hex[SHA256_HEX], const char *what, struct err *e);

#endif
