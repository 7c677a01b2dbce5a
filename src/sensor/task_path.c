#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sensor/root_path.h"
#include "sensor/task.h"

static const char deleted_suffix[] = " (deleted)";

int task_root(pid_t tid)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/root", tid);
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_link(const char *name, char out[PATH_MAX])
{
	ssize_t n = readlink(name, out, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	if (n >= PATH_MAX - 1)
		return -ENAMETOOLONG;
	out[n] = '\0';
	return 0;
}

/*
 * The kernel writes links in /proc as seen from our root, or from the root of the task's mount
 * namespace when that is another one. A task in a chroot sees less: its root is taken off. What
 * lies outside of its root stays as it is.
 */
static void strip_root(pid_t tid, char path[PATH_MAX])
{
	char name[64], root[PATH_MAX];
	size_t n;

	snprintf(name, sizeof(name), "/proc/%d/root", tid);
	if (read_link(name, root) || !strcmp(root, "/"))
		return;
	n = strlen(root);
	if (strncmp(path, root, n) != 0 || (path[n] && path[n] != '/'))
		return;
	if (!path[n])
		strcpy(path, "/");
	else
		memmove(path, path + n, strlen(path + n) + 1);
}

static void mark_directory(struct task_path *p)
{
	size_t n = strlen(p->path);

	if (p->exists && S_ISDIR(p->st.st_mode) && p->path[n - 1] != '/' && n < PATH_MAX - 1)
		strcpy(p->path + n, "/");
}

/* A regular name may end in " (deleted)", so the link count decides. */
static void mark_deleted(struct task_path *p)
{
	size_t n = strlen(p->path), k = sizeof(deleted_suffix) - 1;

	if (n <= k || strcmp(p->path + n - k, deleted_suffix) != 0 || (p->exists && p->st.st_nlink))
		return;
	p->path[n - k] = '\0';
	p->deleted = true;
}

/* Reads the link `name` below /proc, which stands for something of the task. */
static int read_task_link(pid_t tid, const char *name, struct task_path *out)
{
	int r = read_link(name, out->path);

	if (r)
		return r;
	if (out->path[0] != '/')
		return -ENOENT;
	out->exists = !stat(name, &out->st);
	mark_deleted(out);
	strip_root(tid, out->path);
	mark_directory(out);
	return 0;
}

int task_path_link(pid_t tid, const char *link, struct task_path *out)
{
	char name[96];

	out->exists = out->deleted = false;
	out->parent.st_mode = 0;
	snprintf(name, sizeof(name), "/proc/%d/%s", tid, link);
	return read_task_link(tid, name, out);
}

/* /proc/self means another process to us than to the task. */
static int replace_self(pid_t tid, char path[PATH_MAX])
{
	static const char self[] = "/proc/self", thread[] = "/proc/thread-self";
	char rest[PATH_MAX];
	struct task_creds c;
	size_t n;
	int r;

	if (strstr(path, self) || strstr(path, thread))
		root_path_normalise(path);
	if (!strncmp(path, thread, sizeof(thread) - 1))
		n = sizeof(thread) - 1;
	else if (!strncmp(path, self, sizeof(self) - 1))
		n = sizeof(self) - 1;
	else
		return 0;
	if (path[n] && path[n] != '/')
		return 0;
	r = task_creds_read(tid, &c);
	if (r)
		return r;
	strcpy(rest, path + n);
	if (n == sizeof(thread) - 1 && c.same_pidns)
		r = snprintf(path, PATH_MAX, "/proc/%d/task/%d%s", c.ns_tgid, tid, rest);
	else
		r = snprintf(path, PATH_MAX, "/proc/%d%s", c.ns_tgid, rest);
	return r >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* The text of the name as an absolute one; nothing resolved yet. */
static int join(pid_t tid, int dirfd, const char *name, struct task_path *out)
{
	char link[32];
	int r, n;

	if (name[0] == '/') {
		n = snprintf(out->path, PATH_MAX, "%s", name);
	} else {
		snprintf(link, sizeof(link), "fd/%d", dirfd);
		r = task_path_link(tid, dirfd == AT_FDCWD ? "cwd" : link, out);
		if (r)
			return r;
		n = (int)strlen(out->path);
		if (!*name)
			return 0;
		n += snprintf(out->path + n, PATH_MAX - (size_t)n, "/%s", name);
	}
	return n >= PATH_MAX ? -ENAMETOOLONG : replace_self(tid, out->path);
}

static int open_in_root(int root, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | flags, .resolve = RESOLVE_IN_ROOT };

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static int path_of_fd(pid_t tid, int fd, struct task_path *out)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return read_task_link(tid, name, out);
}

/* The last component as it stands, its folder resolved. `text` is cut in place. */
static int resolve_parent(pid_t tid, int root, char *text, struct task_path *out)
{
	char *slash = strrchr(text, '/');
	const char *last = slash + 1;
	cleanup_close int fd = -1;
	size_t n;
	int r;

	if (!*last || !strcmp(last, ".") || !strcmp(last, ".."))
		return -EINVAL;
	*slash = '\0';
	fd = open_in_root(root, *text ? text : "/", O_DIRECTORY);
	*slash = '/';
	if (fd < 0)
		return -errno;
	r = path_of_fd(tid, fd, out);
	if (r)
		return r;
	out->parent = out->st;
	n = strlen(out->path);
	r = snprintf(out->path + n, PATH_MAX - n, "%s", last);
	if ((size_t)r >= PATH_MAX - n)
		return -ENAMETOOLONG;
	out->exists = !fstatat(fd, last, &out->st, AT_SYMLINK_NOFOLLOW);
	mark_directory(out);
	return 0;
}

static bool resolve_whole(pid_t tid, int root, const char *text, struct task_path *out)
{
	cleanup_close int fd = open_in_root(root, text, 0);

	return fd >= 0 && !path_of_fd(tid, fd, out);
}

int task_path_resolve(pid_t tid, int dirfd, const char *name, bool follow, struct task_path *out)
{
	cleanup_close int root = task_root(tid);
	char text[PATH_MAX];
	size_t n;
	int r;

	out->exists = out->deleted = false;
	out->parent.st_mode = 0;
	r = join(tid, dirfd, name, out);
	if (r || !*name)
		return r;
	strcpy(text, out->path);
	for (n = strlen(text); n > 1 && text[n - 1] == '/'; n--)
		text[n - 1] = '\0';
	if (root >= 0) {
		if (follow && resolve_whole(tid, root, text, out))
			return 0;
		r = resolve_parent(tid, root, text, out);
		if (!r || (r == -EINVAL && resolve_whole(tid, root, text, out)))
			return 0;
	}
	root_path_normalise(text);
	strcpy(out->path, text);
	out->exists = false;
	out->parent.st_mode = 0;
	return 0;
}
