/*
 * Where the files of a program come from: the host, a directory that is the root of a container, a
 * saved image. The analysis sees only this interface; a path is always one inside the root, and
 * nothing outside of it is ever opened.
 */
#ifndef ELF_FILES_H
#define ELF_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	ELF_MAX_FILE = 512 * 1024 * 1024, /* bytes of a file that is analysed */
	ELF_MAX_TEXT = 4 * 1024 * 1024,	  /* bytes of a configuration file */
	ELF_MAX_NAMES = 65536,		  /* names in one directory */
};

/*
 * The content of one file. Whoever opens it calls elf_bytes_free; `data` must not change until
 * then. An implementation sets all members.
 */
struct elf_bytes {
	const uint8_t *data;
	size_t len;
	char *path; /* absolute, inside the root, all symbolic links resolved; from malloc */
	/* Releases `data` and what `owner` stands for, not `path`; NULL: nothing to do. */
	void (*release)(struct elf_bytes *b);
	void *owner;
};

struct elf_files {
	/*
	 * The regular file at `path` (absolute, inside the root), following symbolic links without
	 * leaving the root. At most `max` bytes, -EFBIG beyond. -ENOENT: there is none, also when a
	 * folder of it is missing or is no folder; other errors have a message.
	 */
	int (*open)(void *ctx, const char *path, size_t max, struct elf_bytes *out, struct err *e);
	/*
	 * Calls `each` for every name in the directory but "." and "..", in strcmp order, and stops
	 * when that is not 0, which is then the result. -ENOENT as above.
	 */
	int (*list)(void *ctx, const char *path, int (*each)(void *arg, const char *name),
		    void *arg, struct err *e);
	void *ctx;
};

/* Calls through the table; path need not be NUL-free or short: the implementation refuses. */
int elf_files_open(const struct elf_files *f, const char *path, size_t max, struct elf_bytes *out,
		   struct err *e);
int elf_files_list(const struct elf_files *f, const char *path,
		   int (*each)(void *arg, const char *name), void *arg, struct err *e);
/* Leaves it empty; an empty one may be freed. */
void elf_bytes_free(struct elf_bytes *b);
#define cleanup_elf_bytes cleanup(elf_bytes_free)

/*
 * A directory as the root ("/" is the host itself). Files are read, not mapped, so a file that is
 * shortened meanwhile does no harm. elf_dir_close also after a failed open.
 */
struct elf_dir {
	int fd;
	char *root; /* its real path; "" for "/" */
};

int elf_dir_open(struct elf_dir *d, const char *root, struct err *e);
void elf_dir_close(struct elf_dir *d);
/* `d` must outlive the result. */
struct elf_files elf_dir_files(struct elf_dir *d);
#define cleanup_elf_dir cleanup(elf_dir_close)

#endif
