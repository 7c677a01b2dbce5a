/* Paths below the root directory of another process, given by a descriptor of that directory. */
#ifndef SENSOR_ROOT_PATH_H
#define SENSOR_ROOT_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Removes ".", "..", doubled and trailing slashes by the text alone, in place. Absolute paths. */
void root_path_normalise(char *path);

/*
 * The absolute path `path` without symbolic links, as seen from `rootfd` (O_PATH is enough); a link
 * as the last component is kept when `follow` is false. What does not exist is resolved as far as
 * its folder does. Returns whether the path exists, with its status in `st` (may be NULL).
 */
bool root_path_resolve(int rootfd, const char *path, bool follow, char out[PATH_MAX],
		       struct stat *st);

#endif
