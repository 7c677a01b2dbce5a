#include "enrich/outside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

int outside_open_in_root(const char *path, int flags)
{
	const char *below = strstr(path, "/root/");
	struct open_how how = { .flags = (unsigned)flags,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	cleanup_close int root = -1;
	char folder[64];
	long fd;

	if (!below || snprintf(folder, sizeof(folder), "%.*s", (int)(below + 5 - path), path) >= 64)
		return -EINVAL;
	root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	fd = syscall(SYS_openat2, root, below + 6, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int outside_open(const struct outside *o, const char *path, int flags)
{
	int all = flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY), fd;

	if (o->no_proc && !strncmp(path, "/proc/", 6))
		return -ENOENT;
	if (o->open)
		return o->open(path, flags, o->opener);
	if (!strncmp(path, "/proc/", 6) && strstr(path, "/root/"))
		return outside_open_in_root(path, all);
	/* A container may have put a pipe there. */
	fd = open(path, all);
	return fd < 0 ? -errno : fd;
}

bool outside_link(const struct outside *o, const char *path, char *target, size_t size)
{
	ssize_t n = o->no_proc && !strncmp(path, "/proc/", 6) ? 0
		    : o->link ? o->link(path, target, size, o->opener)
			      : readlink(path, target, size);

	if (n <= 0 || (size_t)n >= size)
		return false;
	target[n] = '\0';
	return true;
}

int outside_stat(const struct outside *o, const char *path, struct stat *st)
{
	cleanup_close int fd = outside_open(o, path, O_PATH);

	if (fd < 0)
		return fd;
	return fstat(fd, st) < 0 ? -errno : 0;
}

int outside_stat_of(const struct outside *o, const char *path, struct stat *st)
{
	cleanup_close int fd = outside_open(o, path, O_RDONLY);

	if (fd < 0)
		return fd;
	return fstat(fd, st) < 0 ? -errno : 0;
}

int outside_read(const struct outside *o, const char *path, size_t max, struct buf *out)
{
	cleanup_close int fd = outside_open(o, path, O_RDONLY);
	size_t begin = out->len;
	char chunk[8192];

	if (fd < 0)
		return fd;
	while (out->len - begin < max) {
		size_t room = max - (out->len - begin);
		ssize_t n = read(fd, chunk, room < sizeof(chunk) ? room : sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		buf_append(out, chunk, (size_t)n);
	}
	return 0;
}

int outside_pids(const struct outside *o, uint32_t **pids, size_t *n)
{
	cleanup_closedir DIR *d = NULL;
	size_t cap = 0;
	struct dirent *e;

	*pids = NULL;
	*n = 0;
	if (o->no_proc)
		return 0;
	if (o->pids)
		return o->pids(pids, n, o->opener);
	d = opendir("/proc");
	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		uint32_t pid = (uint32_t)strtoul(e->d_name, NULL, 10);

		if (pid)
			*vec_push(*pids, *n, cap) = pid;
	}
	return 0;
}
