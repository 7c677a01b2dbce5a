/*
 * What enrichment learns of the host besides the records: processes from /proc, containers from
 * their engines' files, users from /etc/passwd. A capture keeps it, a replay gives it back. A
 * process without the rights to read that has another one open it.
 */
#ifndef ENRICH_OUTSIDE_H
#define ENRICH_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"

struct outside {
	bool offline; /* the host is not asked: what is known comes from enrich_fact() */
	bool env;     /* facts have the environment of processes */
	bool no_proc; /* /proc has other processes than the records: it is not looked at */
	/* Told of everything that was learned, as a line {"NAME":{…}}; NULL: nobody wants to know.
	 */
	void (*tell)(const char *json, void *ctx);
	void *ctx;
	/*
	 * Opens a file or folder for reading, or (O_PATH in `flags`) to look at it only; and reads
	 * a link. As open(2) and readlink(2), with negative errors; NULL: those.
	 */
	int (*open)(const char *path, int flags, void *opener);
	ssize_t (*link)(const char *path, char *target, size_t size, void *opener);
	/* As outside_pids(): a /proc with hidepid= shows its reader's own processes only. */
	int (*pids)(uint32_t **pids, size_t *n, void *opener);
	void *opener;
};

/*
 * Opens a file below a folder "…/root/", out of which no link leads; `flags` as of open(2).
 * A descriptor or a negative errno.
 */
int outside_open_in_root(const char *path, int flags);
/* A descriptor, or a negative errno. */
int outside_open(const struct outside *o, const char *path, int flags);
/* The target with its NUL; false when there is none or no room. */
bool outside_link(const struct outside *o, const char *path, char *target, size_t size);
/* Of what the path leads to. */
int outside_stat(const struct outside *o, const char *path, struct stat *st);
/* The same of a file that may be read. */
int outside_stat_of(const struct outside *o, const char *path, struct stat *st);
/* Appends the file to `out`, `max` bytes of it at most: 0 or a negative errno. */
int outside_read(const struct outside *o, const char *path, size_t max, struct buf *out);

/* The processes of /proc, in no order; the caller's to free. 0 or a negative errno, and none. */
int outside_pids(const struct outside *o, uint32_t **pids, size_t *n);

#endif
