#include "profile/equivalents.h"

#include "base/cleanup.h"

enum { GROUP_MAX = 6 };

/*
 * Which one of a group a program calls depends on its libc, the libc's version and the architecture
 * (arm64 has only the …at forms), not on the program. Names that an ABI does not have are left out
 * where a profile is made.
 */
static const struct {
	enum gen_equivalents level;
	const char *names[GROUP_MAX];
} groups[] = {
	{ GEN_EQ_PROCESS, { "clone", "clone3" } },
	{ GEN_EQ_PROCESS, { "fork", "vfork" } },
	{ GEN_EQ_ALL, { "fork", "vfork", "clone" } },
	{ GEN_EQ_ALL, { "open", "openat", "creat" } },
	{ GEN_EQ_ALL, { "stat", "lstat", "newfstatat", "statx" } },
	{ GEN_EQ_ALL, { "stat64", "lstat64", "fstatat64", "statx" } },
	{ GEN_EQ_ALL, { "fstat", "newfstatat", "statx" } },
	{ GEN_EQ_ALL, { "fstat64", "fstatat64", "statx" } },
	{ GEN_EQ_ALL, { "access", "faccessat", "faccessat2" } },
	{ GEN_EQ_ALL, { "poll", "ppoll", "ppoll_time64" } },
	{ GEN_EQ_ALL, { "select", "_newselect", "pselect6", "pselect6_time64" } },
	{ GEN_EQ_ALL, { "epoll_wait", "epoll_pwait", "epoll_pwait2" } },
	{ GEN_EQ_ALL, { "epoll_create", "epoll_create1" } },
	{ GEN_EQ_ALL, { "eventfd", "eventfd2" } },
	{ GEN_EQ_ALL, { "signalfd", "signalfd4" } },
	{ GEN_EQ_ALL, { "inotify_init", "inotify_init1" } },
	{ GEN_EQ_ALL, { "dup2", "dup3" } },
	{ GEN_EQ_ALL, { "pipe", "pipe2" } },
	{ GEN_EQ_ALL, { "accept", "accept4" } },
	{ GEN_EQ_ALL, { "rename", "renameat", "renameat2" } },
	{ GEN_EQ_ALL, { "mkdir", "mkdirat" } },
	{ GEN_EQ_ALL, { "mknod", "mknodat" } },
	{ GEN_EQ_ALL, { "unlink", "rmdir", "unlinkat" } },
	{ GEN_EQ_ALL, { "link", "linkat" } },
	{ GEN_EQ_ALL, { "symlink", "symlinkat" } },
	{ GEN_EQ_ALL, { "readlink", "readlinkat" } },
	{ GEN_EQ_ALL, { "chmod", "fchmodat", "fchmodat2" } },
	{ GEN_EQ_ALL, { "chown", "lchown", "fchownat" } },
	{ GEN_EQ_ALL, { "chown32", "lchown32", "fchownat" } },
	{ GEN_EQ_ALL, { "utime", "utimes", "futimesat", "utimensat", "utimensat_time64" } },
	{ GEN_EQ_ALL, { "getdents", "getdents64" } },
	{ GEN_EQ_ALL, { "getrlimit", "ugetrlimit", "prlimit64" } },
	{ GEN_EQ_ALL, { "setrlimit", "prlimit64" } },
	{ GEN_EQ_ALL, { "preadv", "preadv2" } },
	{ GEN_EQ_ALL, { "pwritev", "pwritev2" } },
	{ GEN_EQ_ALL, { "nanosleep", "clock_nanosleep", "clock_nanosleep_time64" } },
	{ GEN_EQ_ALL, { "futex", "futex_time64" } },
};

const char *const *equivalents_group(size_t i, enum gen_equivalents level, size_t *n)
{
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		if (groups[g].level > level || level == GEN_EQ_OFF || i--)
			continue;
		for (*n = 0; *n < GROUP_MAX && groups[g].names[*n];)
			(*n)++;
		return groups[g].names;
	}
	return NULL;
}
