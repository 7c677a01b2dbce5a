/* Which part of a file's name looks as if it were made up anew each time. */
#ifndef MODEL_VOLATILE_NAME_H
#define MODEL_VOLATILE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Whether a part of the name is of that kind; then `out` gets the name as a pattern in which "*"
 * stands for that part, else `out` is unchanged. Always: UUIDs, 32 and more hexadecimal digits, 10
 * and more decimal ones. For names that were seen to be made and removed (`transient`) also: 6
 * decimal digits, 12 hexadecimal ones, and what mkstemp(3) and its like append.
 */
bool volatile_name(const char *name, size_t len, bool transient, struct buf *out);

/* The name with "*" for every run of decimal digits; false (but appended) when it has none. */
bool volatile_shape(const char *name, size_t len, struct buf *out);

#endif
