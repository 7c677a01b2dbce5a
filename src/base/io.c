#include "base/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/mem.h"

int io_read_file(const char *path, size_t max, struct buf *out, struct err *e)
{
	cleanup_close int owned = -1;
	const char *name = strcmp(path, "-") ? path : "standard input";
	int fd = STDIN_FILENO;
	size_t total = 0;
	char chunk[16384];

	if (strcmp(path, "-")) {
		fd = owned = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_errno(e, errno, "%s: cannot open", path);
	}
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, errno, "%s: cannot read", name);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > max)
			return err_set(e, EFBIG, "%s: larger than the limit of %zu bytes", name,
				       max);
		buf_append(out, chunk, (size_t)n);
	}
}

int io_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_in_place(int fd, const char *name, const void *data, size_t len, struct err *e)
{
	int r = io_write_all(fd, data, len);

	return r < 0 ? err_errno(e, -r, "%s: cannot write", name) : 0;
}

static int write_and_rename(const char *path, const void *data, size_t len, mode_t mode,
			    struct err *e)
{
	cleanup_free char *tmp = xasprintf("%s.XXXXXX", path);
	cleanup_close int fd = mkostemp(tmp, O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_errno(e, errno, "%s: cannot create", path);
	r = io_write_all(fd, data, len);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0))
		r = -errno;
	if (r < 0) {
		unlink(tmp);
		return err_errno(e, -r, "%s: cannot write", path);
	}
	return 0;
}

int io_write_file(const char *path, const void *data, size_t len, struct err *e)
{
	struct stat st;

	if (!path || !strcmp(path, "-"))
		return write_in_place(STDOUT_FILENO, "standard output", data, len, e);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			return err_errno(e, errno, "%s: cannot open for writing", path);
		return write_in_place(fd, path, data, len, e);
	}
	return write_and_rename(path, data, len, 0644, e);
}

int io_write_secret(const char *path, const void *data, size_t len, struct err *e)
{
	return write_and_rename(path, data, len, 0600, e);
}

int io_read_small(const char *path, char *out, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len + 1 < size) {
		ssize_t n = read(fd, out + len, size - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	out[len] = '\0';
	return 0;
}

int io_make_folder(const char *path, mode_t mode, struct err *e)
{
	cleanup_free char *part = xstrdup(path);
	size_t len = strlen(part);

	while (len > 1 && part[len - 1] == '/')
		part[--len] = '\0';
	for (char *p = part + (*part == '/');; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(part, c ? 0755 : mode) < 0 && errno != EEXIST)
			return err_errno(e, errno, "%s: cannot make the folder", part);
		if (!c)
			return 0;
		*p = c;
	}
}
