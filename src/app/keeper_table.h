/* What the root part of `boltseal watch --user` opens for the other part. */
#ifndef APP_KEEPER_TABLE_H
#define APP_KEEPER_TABLE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Opens a file or folder that the table permits, as open(2) with O_RDONLY or O_PATH in `flags`: a
 * descriptor, or a negative errno (-EACCES: the table does not permit it).
 */
int keeper_open(const char *path, int flags);
/* The same for readlink(2). */
ssize_t keeper_link(const char *path, char *target, size_t size);

#endif
