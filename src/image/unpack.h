/* Layers of an image as plain tar archives. */
#ifndef IMAGE_UNPACK_H
#define IMAGE_UNPACK_H

#include "image/blob.h"

/*
 * Makes `out` the uncompressed bytes of `in`: itself when it is not compressed (*fd stays -1), else
 * a part of a new temporary file without a name, whose descriptor *fd belongs to the caller; it is
 * in $TMPDIR or /var/tmp, and blocks of zeros take no space in it. Compressed with gzip (RFC 1952)
 * or zstd (RFC 8878), as their first bytes say; bzip2, xz and lz4 are -ENOTSUP. At most `max` bytes
 * come out, -EFBIG beyond.
 */
int unpack_blob(const struct blob *in, uint64_t max, struct blob *out, int *fd, const char *what,
		struct err *e);

#endif
