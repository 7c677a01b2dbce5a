/*
 * Members of a tar archive with the place of their content: POSIX ustar and pax (IEEE Std 1003.1,
 * pax, "ustar Interchange Format" and "pax Extended Header"), and of GNU tar's format long names,
 * base-256 numbers and, as members that cannot be read, sparse files.
 */
#ifndef IMAGE_TAR_H
#define IMAGE_TAR_H

#include "base/buf.h"
#include "image/blob.h"

enum {
	TAR_BLOCK = 512,
	TAR_MAX_PATH = 4095,		/* bytes of a name or link target, as PATH_MAX allows */
	TAR_MAX_EXTENDED = 1024 * 1024, /* bytes of one extended header */
};

enum tar_type { TAR_FILE, TAR_DIR, TAR_SYMLINK, TAR_HARDLINK, TAR_OTHER };

struct tar_entry {
	enum tar_type type;
	const char *path; /* as it stands in the archive; until the next tar_next */
	const char *link; /* of links: the target, else "" */
	struct blob data; /* of files */
	uint64_t at;	  /* where its header is, for messages */
};

struct tar {
	const struct blob *archive;
	const char *name; /* in messages */
	uint64_t pos;
	struct buf path, link; /* of the present member */
};

/* Both arguments must outlive it. */
void tar_open(struct tar *t, const struct blob *archive, const char *name);
void tar_close(struct tar *t);
#define cleanup_tar cleanup(tar_close)

/* 1: *out is the next member; 0: there are no more; negative: damaged, with the place. */
int tar_next(struct tar *t, struct tar_entry *out, struct err *e);

#endif
