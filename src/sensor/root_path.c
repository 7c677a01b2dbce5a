#include "sensor/root_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

void root_path_normalise(char *path)
{
	char *out = path, *in = path;

	while (*in) {
		size_t n;

		while (*in == '/')
			in++;
		n = strcspn(in, "/");
		if (n == 2 && in[0] == '.' && in[1] == '.') {
			while (out > path && *--out != '/')
				;
		} else if (n && !(n == 1 && in[0] == '.')) {
			*out++ = '/';
			memmove(out, in, n);
			out += n;
		}
		in += n;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
}

static int open_in_root(int rootfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned long long)(O_PATH | O_CLOEXEC | flags),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, rootfd, path, &how, sizeof(how));
}

/* What /proc says of our descriptor, with the path of the root taken off. */
static bool path_of_fd(int rootfd, int fd, char out[PATH_MAX])
{
	char link[64], root[PATH_MAX];
	ssize_t n, r;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, PATH_MAX - 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", rootfd);
	r = readlink(link, root, PATH_MAX - 1);
	if (n <= 0 || r <= 0 || out[0] != '/')
		return false;
	out[n] = root[r] = '\0';
	if (r > 1) {
		if (strncmp(out, root, (size_t)r) != 0)
			return false;
		memmove(out, out + r, (size_t)(n - r) + 1);
		if (!*out)
			strcpy(out, "/");
	}
	return true;
}

bool root_path_resolve(int rootfd, const char *path, bool follow, char out[PATH_MAX],
		       struct stat *st)
{
	cleanup_close int fd = open_in_root(rootfd, path, follow ? 0 : O_NOFOLLOW);
	struct stat own;
	char dir[PATH_MAX], *slash;

	if (fd >= 0 && path_of_fd(rootfd, fd, out))
		return fstat(fd, st ? st : &own) == 0;
	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash && slash > dir) {
		cleanup_close int dfd = -1;
		char folder[PATH_MAX];

		*slash = '\0';
		dfd = open_in_root(rootfd, dir, 0);
		if (dfd >= 0 && path_of_fd(rootfd, dfd, folder) &&
		    strlen(folder) + strlen(slash + 1) + 2 < PATH_MAX) {
			strcpy(out, strcmp(folder, "/") ? folder : "");
			strcat(out, "/");
			strcat(out, slash + 1);
			return false;
		}
	}
	snprintf(out, PATH_MAX, "%s", path);
	return false;
}
