/* Paths as texts: nothing is looked up. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* What stands behind the last slash; all of it without one. */
const char *path_base_name(const char *path);

/* Whether it has no empty component and none that begins with a dot, so "." and ".." neither. */
bool path_is_plain(const char *p, size_t len);

/*
 * Appends the components of `s` to the path of `len` bytes in `out`, where "." and ".." are taken
 * at their word, and returns the length, at most `max`: the first component that finds no room and
 * all behind it are left out. The root is of length 0. There is no NUL behind it.
 */
size_t path_append(char *out, size_t len, size_t max, const char *s, size_t n);

#endif
