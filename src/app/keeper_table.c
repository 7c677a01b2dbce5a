#include "app/keeper_table.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "enrich/outside.h"

enum how { READ, LOOK, FOLDER, LINK, IN_ROOT };

/*
 * Components: # a number, @ a container's id, * any name; ** at the beginning: folders, which
 * Docker's and other engines' configuration may name. Behind them no link is followed, and they are
 * none of a process: a container could lay a link there that leads to a file of the host.
 */
static const struct permit {
	const char *pattern;
	enum how how;
} permits[] = {
	{ "/proc/#/stat", READ },
	{ "/proc/#/status", READ },
	{ "/proc/#/cmdline", READ },
	{ "/proc/#/environ", READ },
	{ "/proc/#/cgroup", READ },
	{ "/proc/#/loginuid", READ },
	{ "/proc/#/exe", LOOK },
	{ "/proc/#/exe", LINK },
	{ "/proc/#/cwd", LINK },
	{ "/proc/#/ns/mnt", LINK },
	{ "/proc/#/root/etc/passwd", IN_ROOT },
	{ "/proc/#/root/etc/group", IN_ROOT },
	{ "**/containers/@/config.v2.json", READ },
	{ "**/containers/@/hostconfig.json", READ },
	{ "**/image/*/repositories.json", READ },
	{ "**/overlay-containers/@/userdata/config.json", READ },
	{ "**/overlay-containers/./containers.json", READ },
	{ "**/overlay-images/./images.json", READ },
	{ "**/vfs-containers/@/userdata/config.json", READ },
	{ "**/vfs-containers/./containers.json", READ },
	{ "**/vfs-images/./images.json", READ },
	{ "**/btrfs-containers/@/userdata/config.json", READ },
	{ "**/btrfs-containers/./containers.json", READ },
	{ "**/btrfs-images/./images.json", READ },
	{ "**/zfs-containers/@/userdata/config.json", READ },
	{ "**/zfs-containers/./containers.json", READ },
	{ "**/zfs-images/./images.json", READ },
	{ "**/io.containerd.runtime.v2.task", FOLDER },
	{ "**/io.containerd.runtime.v2.task/*/@/config.json", READ },
};

static bool is_number(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isdigit((unsigned char)s[i]))
			return false;
	return len > 0 && len < 11;
}

static bool is_id(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isxdigit((unsigned char)s[i]))
			return false;
	return len == 64;
}

static bool is_name(const char *s, size_t len)
{
	return len && !(len == 1 && *s == '.') && !(len == 2 && s[0] == '.' && s[1] == '.');
}

static bool component_fits(const char *want, size_t want_len, const char *s, size_t len)
{
	if (want_len == 1 && *want == '#')
		return is_number(s, len);
	if (want_len == 1 && *want == '@')
		return is_id(s, len);
	if (want_len == 1 && *want == '*')
		return is_name(s, len);
	return want_len == len && !memcmp(want, s, len);
}

/* Both begin with a slash, or are at their end. */
static bool fits(const char *pattern, const char *path)
{
	while (*pattern == '/' && *path == '/') {
		size_t want = strcspn(++pattern, "/"), len = strcspn(++path, "/");

		if (!component_fits(pattern, want, path, len))
			return false;
		pattern += want;
		path += len;
	}
	return !*pattern && !*path;
}

/* What of the path is not "**", with its slash; NULL: the row is not for it. */
static const char *permitted(const struct permit *p, const char *path)
{
	if (*path != '/')
		return NULL;
	if (strncmp(p->pattern, "**", 2) != 0)
		return fits(p->pattern, path) ? path : NULL;
	if (!strncmp(path, "/proc/", 6))
		return NULL;
	while (*path == '/') {
		if (fits(p->pattern + 2, path))
			return path;
		path++;
		if (!is_name(path, strcspn(path, "/")))
			return NULL;
		path += strcspn(path, "/");
	}
	return NULL;
}

static int open_plain(const char *path, int flags)
{
	int fd = open(path, flags);

	return fd < 0 ? -errno : fd;
}

/* `rest` is where no link is followed any more. */
static int open_below(const char *path, const char *rest, int flags)
{
	struct open_how how = { .flags = (unsigned)flags,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	cleanup_free char *folder = xasprintf("%.*s/", (int)(rest - path), path);
	cleanup_close int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	long fd = dir < 0 ? -1 : syscall(SYS_openat2, dir, rest + 1, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int open_one(const struct permit *p, const char *path, const char *rest, int flags)
{
	int all = flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, fd;
	struct stat st;

	if (p->how == IN_ROOT)
		fd = outside_open_in_root(path, flags & O_PATH ? O_PATH | O_CLOEXEC : all);
	else if (*p->pattern == '*')
		fd = open_below(path, rest, p->how == FOLDER ? all | O_DIRECTORY : all);
	else
		fd = open_plain(path, all);
	if (fd < 0)
		return fd;
	if (flags & O_PATH)
		return fd;
	if (fstat(fd, &st) < 0 ||
	    (p->how == FOLDER ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))) {
		close(fd);
		return -EACCES;
	}
	return fd;
}

/* Whether what is asked is what the row is for. */
static bool is_for(const struct permit *p, int flags)
{
	switch (p->how) {
	case LOOK:
		return flags == O_PATH;
	case FOLDER:
		return flags == (O_RDONLY | O_DIRECTORY);
	case IN_ROOT:
		return flags == O_PATH || flags == O_RDONLY;
	case READ:
		return flags == O_RDONLY;
	case LINK:
		break;
	}
	return false;
}

int keeper_open(const char *path, int flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(permits); i++) {
		const char *rest = is_for(&permits[i], flags) ? permitted(&permits[i], path) : NULL;

		if (rest)
			return open_one(&permits[i], path, rest, flags);
	}
	return -EACCES;
}

ssize_t keeper_link(const char *path, char *target, size_t size)
{
	ssize_t n;

	for (size_t i = 0; i < ARRAY_SIZE(permits); i++) {
		if (permits[i].how != LINK || !permitted(&permits[i], path))
			continue;
		n = readlink(path, target, size);
		return n < 0 ? -errno : n;
	}
	return -EACCES;
}
