/* Whole files in and out, with limits and without partial results. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Reads the file, or standard input for "-", into `out` (appended). More than `max` bytes: -EFBIG.
 */
int io_read_file(const char *path, size_t max, struct buf *out, struct err *e);

/*
 * Writes the file in one step: a temporary file in the same folder, fsync, rename. On any error the
 * old file, or none, is left. "-" or NULL writes to standard output; what is not a regular file
 * (/dev/stdout, a pipe) is written in place. Mode 0644.
 */
int io_write_file(const char *path, const void *data, size_t len, struct err *e);
/* The same of a secret: a regular file of mode 0600. */
int io_write_secret(const char *path, const void *data, size_t len, struct err *e);

/* Reads a small file of /proc or /sys into `out` (NUL-terminated, at most size-1 bytes). */
int io_read_small(const char *path, char *out, size_t size);

/* Makes the folder with this mode, and those above it with 0755. One that is there stays as it is.
 */
int io_make_folder(const char *path, mode_t mode, struct err *e);

/* Writes all bytes to a descriptor; 0 or a negative errno. */
int io_write_all(int fd, const void *data, size_t len);

#endif
