/*
 * Files that have to be there whole or not at all, also after the machine lost power: written
 * beside, fsync, rename, fsync of the folder.
 */
#ifndef NODE_FILES_H
#define NODE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Whether DIR/NAME is a regular file with this content, mode 0644 or stricter for others. */
bool node_files_same(const char *dir, const char *name, const void *data, size_t len);
/* 1 when the file was written, 0 when it was right already. */
int node_files_put(const char *dir, const char *name, const void *data, size_t len, struct err *e);
/* 1 when it was removed, 0 when there was none. */
int node_files_remove(const char *dir, const char *name, struct err *e);
/* Calls `each` with the name of every file of the folder; none when there is no folder. */
int node_files_each(const char *dir, void (*each)(const char *name, void *ctx), void *ctx,
		    struct err *e);
/*
 * Whether NAME is "PROFILE-HASH.json", or "PROFILE.json" (an empty hash): both parts are copied.
 * What a broken writing left behind (".NAME.XXXXXX") is neither.
 */
bool node_files_parse(const char *name, char *profile, size_t size, char hash[13]);

/* Notices changes in folders. */
struct node_guard;
struct node_guard *node_guard_new(struct err *e); /* NULL: no inotify */
/* Also of a folder that is not there yet, when the one above is; may be called again. */
void node_guard_add(struct node_guard *g, const char *dir);
int node_guard_fd(const struct node_guard *g);
/* Reads what was noticed; true when there was something. */
bool node_guard_drain(struct node_guard *g);
void node_guard_free(struct node_guard *g);

#endif
