#include "node/files.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"

bool node_files_same(const char *dir, const char *name, const void *data, size_t len)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *want = data;
	struct stat st;
	char chunk[16384];

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 022) ||
	    (size_t)st.st_size != len)
		return false;
	while (len) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (size_t)n > len || memcmp(chunk, want, (size_t)n))
			return false;
		want += n;
		len -= (size_t)n;
	}
	return true;
}

static int sync_folder(const char *dir, struct err *e)
{
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, errno, "%s: cannot write", dir);
	return 0;
}

static int write_file(const char *tmp, int fd, const char *path, const void *data, size_t len)
{
	int r = io_write_all(fd, data, len);

	if (r == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0))
		r = -errno;
	if (r < 0)
		unlink(tmp);
	return r;
}

int node_files_put(const char *dir, const char *name, const void *data, size_t len, struct err *e)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	cleanup_free char *tmp = xasprintf("%s/.%s.XXXXXX", dir, name);
	cleanup_close int fd = -1;
	int r;

	if (node_files_same(dir, name, data, len))
		return 0;
	r = io_make_folder(dir, 0755, e);
	if (r < 0)
		return r;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, errno, "%s: cannot create", path);
	r = write_file(tmp, fd, path, data, len);
	if (r < 0)
		return err_errno(e, -r, "%s: cannot write", path);
	r = sync_folder(dir, e);
	if (r < 0)
		return r;
	return node_files_same(dir, name, data, len)
		       ? 1
		       : err_set(e, EIO, "%s: is not what was written", path);
}

int node_files_remove(const char *dir, const char *name, struct err *e)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);

	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : err_errno(e, errno, "%s: cannot remove", path);
	return sync_folder(dir, e) < 0 ? -e->code : 1;
}

int node_files_each(const char *dir, void (*each)(const char *name, void *ctx), void *ctx,
		    struct err *e)
{
	cleanup_closedir DIR *d = opendir(dir);
	struct dirent *f;

	if (!d)
		return errno == ENOENT ? 0 : err_errno(e, errno, "%s: cannot read", dir);
	while ((f = readdir(d)))
		if (strcmp(f->d_name, ".") && strcmp(f->d_name, ".."))
			each(f->d_name, ctx);
	return 0;
}

bool node_files_parse(const char *name, char *profile, size_t size, char hash[13])
{
	size_t n = strlen(name), digits = 0;

	if (*name == '.' || n < 6 || strcmp(name + n - 5, ".json"))
		return false;
	n -= 5;
	*hash = '\0';
	while (digits < 12 && digits < n && isxdigit((unsigned char)name[n - 1 - digits]) &&
	       !isupper((unsigned char)name[n - 1 - digits]))
		digits++;
	if (digits == 12 && n > 13 && name[n - 13] == '-') {
		memcpy(hash, name + n - 12, 12);
		hash[12] = '\0';
		n -= 13;
	}
	if (n >= size)
		return false;
	memcpy(profile, name, n);
	profile[n] = '\0';
	return true;
}

/* ---- changes */

struct node_guard {
	int fd;
};

struct node_guard *node_guard_new(struct err *e)
{
	struct node_guard *g;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0) {
		err_errno(e, errno, "inotify");
		return NULL;
	}
	g = xcalloc(1, sizeof(*g));
	g->fd = fd;
	return g;
}

void node_guard_add(struct node_guard *g, const char *dir)
{
	const uint32_t mask = IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
			      IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
	cleanup_free char *above = xstrdup(dir);
	char *slash = strrchr(above, '/');

	/* Adding a folder again changes nothing; one that was made anew is another one. */
	inotify_add_watch(g->fd, dir, mask);
	if (slash && slash != above) {
		*slash = '\0';
		inotify_add_watch(g->fd, above, mask & ~(uint32_t)IN_CLOSE_WRITE);
	}
}

int node_guard_fd(const struct node_guard *g)
{
	return g->fd;
}

bool node_guard_drain(struct node_guard *g)
{
	char events[4096] __attribute__((aligned(8)));
	bool any = false;
	ssize_t n;

	while ((n = read(g->fd, events, sizeof(events))) > 0)
		any = true;
	return any;
}

void node_guard_free(struct node_guard *g)
{
	if (!g)
		return;
	close(g->fd);
	free(g);
}
