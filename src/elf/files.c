#include "elf/files.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/mem.h"

int elf_files_open(const struct elf_files *f, const char *path, size_t max, struct elf_bytes *out,
		   struct err *e)
{
	return f->open(f->ctx, path, max, out, e);
}

int elf_files_list(const struct elf_files *f, const char *path,
		   int (*each)(void *arg, const char *name), void *arg, struct err *e)
{
	return f->list(f->ctx, path, each, arg, e);
}

void elf_bytes_free(struct elf_bytes *b)
{
	if (b->release)
		b->release(b);
	free(b->path);
	*b = (struct elf_bytes){ 0 };
}

int elf_dir_open(struct elf_dir *d, const char *root, struct err *e)
{
	cleanup_close int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *real = fd < 0 ? NULL : realpath(root, NULL);

	d->fd = -1;
	d->root = NULL;
	if (!real)
		return err_errno(e, errno, "%s: cannot open this directory", root);
	if (!strcmp(real, "/"))
		*real = '\0';
	d->root = real;
	d->fd = take_fd(fd);
	return 0;
}

void elf_dir_close(struct elf_dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	free(d->root);
	d->fd = -1;
	d->root = NULL;
}

static int open_inside(const struct elf_dir *d, const char *path, int flags, struct err *e)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd;

	if (strlen(path) >= PATH_MAX)
		return err_set(e, ENAMETOOLONG, "%.60s…: longer than any path", path);
	fd = (int)syscall(SYS_openat2, d->fd, path, &how, sizeof(how));
	if (fd < 0 && errno == ENOTDIR)
		errno = ENOENT;
	return fd < 0 ? err_errno(e, errno, "%s: cannot open", path) : fd;
}

/* The path inside the root of an open descriptor, as the kernel knows it. */
static char *real_path(const struct elf_dir *d, int fd, const char *asked)
{
	size_t root = strlen(d->root);
	char link[64], real[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, real, sizeof(real) - 1);
	if (n <= 0)
		return xstrdup(asked); /* no /proc: the name that was asked for */
	real[n] = '\0';
	if (strncmp(real, d->root, root) != 0 || real[root] != '/')
		return xstrdup(asked);
	return xstrdup(real + root);
}

static void release_heap(struct elf_bytes *b)
{
	free(b->owner);
}

static int read_all(int fd, const char *path, size_t max, struct elf_bytes *out, struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	struct stat st;
	size_t len = 0;

	if (fstat(fd, &st))
		return err_errno(e, errno, "%s: cannot be examined", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s: not a regular file", path);
	if ((uintmax_t)st.st_size > max)
		return err_set(e, EFBIG, "%s: larger than the limit of %zu MiB", path, max >> 20);
	data = xcalloc((size_t)st.st_size + 1, 1);
	while (len < (size_t)st.st_size) {
		ssize_t n = TEMP_FAILURE_RETRY(read(fd, data + len, (size_t)st.st_size - len));

		if (n < 0)
			return err_errno(e, errno, "%s: cannot read", path);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	out->len = len;
	out->owner = take_ptr(data);
	out->data = out->owner;
	out->release = release_heap;
	return 0;
}

static int dir_file_open(void *ctx, const char *path, size_t max, struct elf_bytes *out,
			 struct err *e)
{
	const struct elf_dir *d = ctx;
	/* O_NONBLOCK: opening a FIFO must not wait for its other end. */
	cleanup_close int fd = open_inside(d, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, e);
	struct elf_bytes b = { 0 };
	int r;

	if (fd < 0)
		return fd;
	r = read_all(fd, path, max, &b, e);
	if (r)
		return r;
	b.path = real_path(d, fd, path);
	*out = b;
	return 0;
}

struct names {
	char **v;
	size_t n, cap;
};

static void names_free(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(const struct elf_dir *d, const char *path, struct names *l, struct err *e)
{
	int fd = open_inside(d, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, e);
	cleanup_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (fd < 0)
		return fd;
	if (!dir) {
		close_p(&fd);
		return err_errno(e, errno, "%s: cannot list", path);
	}
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (l->n == ELF_MAX_NAMES)
			return err_set(e, E2BIG, "%s: more than %d names", path, ELF_MAX_NAMES);
		*vec_push(l->v, l->n, l->cap) = xstrdup(entry->d_name);
	}
	return 0;
}

static int dir_list(void *ctx, const char *path, int (*each)(void *arg, const char *name),
		    void *arg, struct err *e)
{
	cleanup(names_free) struct names l = { 0 };
	int r = read_names(ctx, path, &l, e);

	if (r)
		return r;
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), compare_names);
	for (size_t i = 0; !r && i < l.n; i++)
		r = each(arg, l.v[i]);
	return r;
}

struct elf_files elf_dir_files(struct elf_dir *d)
{
	return (struct elf_files){ .open = dir_file_open, .list = dir_list, .ctx = d };
}
