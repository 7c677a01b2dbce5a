/* Running other programs: their output, bounded in size and time. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Runs argv[0] (PATH is searched) with standard input from /dev/null and appends its standard
 * output to `out`; its standard error goes to /dev/null. More than `max` bytes or `timeout_ms`: it
 * is killed, -EFBIG or -ETIMEDOUT. Returns its exit status (0 … 255), 128 + signal, or a negative
 * errno
 * (-ENOENT: there is no such program).
 */
int proc_capture(const char *const *argv, size_t max, int timeout_ms, struct buf *out,
		 struct err *e);

/* The same with its standard error in `out`, too. */
int proc_capture_both(const char *const *argv, size_t max, int timeout_ms, struct buf *out,
		      struct err *e);
/* proc_capture() with variables ("NAME=VALUE", NULL-terminated) added to the environment, or
 * replaced. */
int proc_capture_env(const char *const *argv, const char *const *env, size_t max, int timeout_ms,
		     struct buf *out, struct err *e);

/* Whether a program of this name stands in PATH. */
bool proc_exists(const char *name);

#endif
