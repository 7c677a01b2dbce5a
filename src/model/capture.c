#include "model/capture.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"

#define A1(a)	    .args_n = 1, .arg = { a }
#define A2(a, b)    .args_n = 2, .arg = { a, b }
#define A3(a, b, c) .args_n = 3, .arg = { a, b, c }
#define AT(d, p, f)                                      \
	{                                                \
		.dirfd = (d), .path = (p), .access = (f) \
	}
#define CWD  CAPTURE_CWD
#define SELF CAPTURE_NONE

#define R  WL_F_READ
#define W  WL_F_WRITE
#define C  WL_F_CREATE
#define D  WL_F_DELETE
#define ME WL_F_META

/* clone's low byte is the exit signal, not a flag (clone(2)); it is kept: it decides nothing. */
static const struct capture rows[] = {
	/* files by name */
	{ "open", CAPTURE_OPEN, .flags_arg = 1, .path = { AT(CWD, 0, R) } },
	{ "openat", CAPTURE_OPEN, .flags_arg = 2, .path = { AT(0, 1, R) } },
	{ "openat2", CAPTURE_OPEN, .flags_arg = SELF, .path = { AT(0, 1, R) } },
	{ "creat", CAPTURE_OPEN, .flags_arg = SELF, .path = { AT(CWD, 0, W | C) } },
	{ "execve", CAPTURE_EXEC, .path = { AT(CWD, 0, WL_F_EXEC) } },
	{ "execveat", CAPTURE_EXEC, .path = { AT(0, 1, WL_F_EXEC) } },
	{ "unlink", .path = { AT(CWD, 0, D) } },
	{ "unlinkat", .path = { AT(0, 1, D) }, .directory = CAPTURE_DIRECTORY_BY_FLAG },
	{ "rmdir", .path = { AT(CWD, 0, D) }, .directory = CAPTURE_DIRECTORY },
	{ "mkdir", .path = { AT(CWD, 0, C) }, .directory = CAPTURE_DIRECTORY },
	{ "mkdirat", .path = { AT(0, 1, C) }, .directory = CAPTURE_DIRECTORY },
	{ "mknod", .path = { AT(CWD, 0, C) }, A1(1), .mask = { S_IFMT } },
	{ "mknodat", .path = { AT(0, 1, C) }, A1(2), .mask = { S_IFMT } },
	{ "rename", .path = { AT(CWD, 0, D | R), AT(CWD, 1, C | W) } },
	{ "renameat", .path = { AT(0, 1, D | R), AT(2, 3, C | W) } },
	{ "renameat2", .path = { AT(0, 1, D | R), AT(2, 3, C | W) }, A1(4) },
	{ "link", .path = { AT(CWD, 0, WL_F_LINK), AT(CWD, 1, C | WL_F_LINK) } },
	{ "linkat", .path = { AT(0, 1, WL_F_LINK), AT(2, 3, C | WL_F_LINK) } },
	{ "symlink", .path = { AT(CWD, 1, C) } },
	{ "symlinkat", .path = { AT(1, 2, C) } },
	{ "truncate", .path = { AT(CWD, 0, W) } },
	{ "truncate64", .path = { AT(CWD, 0, W) } },
	{ "chmod", .path = { AT(CWD, 0, ME) } },
	{ "fchmodat", .path = { AT(0, 1, ME) } },
	{ "fchmodat2", .path = { AT(0, 1, ME) } },
	{ "chown", .path = { AT(CWD, 0, ME) } },
	{ "lchown", .path = { AT(CWD, 0, ME) } },
	{ "chown32", .path = { AT(CWD, 0, ME) } },
	{ "lchown32", .path = { AT(CWD, 0, ME) } },
	{ "fchownat", .path = { AT(0, 1, ME) } },
	{ "utime", .path = { AT(CWD, 0, ME) } },
	{ "utimes", .path = { AT(CWD, 0, ME) } },
	{ "futimesat", .path = { AT(0, 1, ME) } },
	{ "utimensat", .path = { AT(0, 1, ME) } },
	{ "setxattr", .path = { AT(CWD, 0, ME) } },
	{ "lsetxattr", .path = { AT(CWD, 0, ME) } },
	{ "removexattr", .path = { AT(CWD, 0, ME) } },
	{ "lremovexattr", .path = { AT(CWD, 0, ME) } },
	{ "chdir", .path = { AT(CWD, 0, WL_F_CHDIR) }, .directory = CAPTURE_DIRECTORY },
	{ "chroot", .path = { AT(CWD, 0, WL_F_CHDIR) }, .directory = CAPTURE_DIRECTORY },
	{ "mount", .path = { AT(CWD, 1, WL_F_MOUNT) }, A1(3) },
	{ "umount2", .path = { AT(CWD, 0, WL_F_MOUNT) }, A1(1) },
	{ "pivot_root", .path = { AT(CWD, 0, WL_F_MOUNT), AT(CWD, 1, WL_F_MOUNT) } },
	/* files by descriptor */
	{ "fchmod", CAPTURE_FD, .path = { AT(0, SELF, ME) } },
	{ "fchown", CAPTURE_FD, .path = { AT(0, SELF, ME) } },
	{ "fchown32", CAPTURE_FD, .path = { AT(0, SELF, ME) } },
	{ "fsetxattr", CAPTURE_FD, .path = { AT(0, SELF, ME) } },
	{ "fremovexattr", CAPTURE_FD, .path = { AT(0, SELF, ME) } },
	{ "flock", CAPTURE_FD, .path = { AT(0, SELF, WL_F_LOCK) } },
	{ "fchdir", CAPTURE_FD, .path = { AT(0, SELF, WL_F_CHDIR) } },
	{ "fcntl", CAPTURE_FCNTL, .path = { AT(0, SELF, WL_F_LOCK) }, A1(1) },
	{ "fcntl64", CAPTURE_FCNTL, .path = { AT(0, SELF, WL_F_LOCK) }, A1(1) },
	/* memory */
	{ "mmap", CAPTURE_MMAP, .path = { AT(4, SELF, WL_F_MAP) }, A2(2, 3) },
	{ "mmap2", CAPTURE_MMAP, .path = { AT(4, SELF, WL_F_MAP) }, A2(2, 3) },
	{ "mprotect", A1(2) },
	{ "pkey_mprotect", A1(2) },
	{ "madvise", A1(2) },
	{ "memfd_create", A1(1) },
	/* processes */
	{ "clone", A1(0) },
	{ "clone3", CAPTURE_CLONE3, A1(0) },
	{ "unshare", A1(0) },
	{ "setns", A1(1) },
	{ "prctl", A1(0) },
	{ "arch_prctl", A1(0) },
	{ "personality", A1(0) },
	{ "ptrace", A1(0) },
	{ "seccomp", CAPTURE_SECCOMP, A2(0, 1) },
	{ "prlimit64", A1(1) },
	{ "setrlimit", A1(0) },
	{ "kill", A1(1) },
	{ "tkill", A1(1) },
	{ "tgkill", A1(2) },
	{ "rt_sigqueueinfo", A1(1) },
	{ "rt_tgsigqueueinfo", A1(2) },
	{ "pidfd_send_signal", A1(1) },
	{ "sched_setscheduler", A1(1) },
	{ "setpriority", A1(0) },
	{ "membarrier", A1(0) },
	{ "modify_ldt", A1(0) },
	{ "kcmp", A1(2) },
	{ "process_madvise", A1(3) },
	/* descriptors */
	{ "ioctl", A1(1) },
	{ "quotactl", A1(0) },
	/* keys, bpf, ipc, system */
	{ "keyctl", A1(0) },
	{ "bpf", A1(0) },
	{ "semctl", A1(2) },
	{ "shmctl", A1(1) },
	{ "msgctl", A1(1) },
	{ "ipc", A1(0) },
	{ "syslog", A1(0) },
	{ "reboot", A1(2) },
	{ "io_uring_register", A1(1) },
	/* network */
	{ "socket", A3(0, 1, 2) },
	{ "socketpair", A3(0, 1, 2) },
	{ "socketcall", A1(0) },
	{ "setsockopt", A2(1, 2) },
	{ "getsockopt", A2(1, 2) },
	{ "bind", CAPTURE_BIND },
	{ "listen", CAPTURE_LISTEN },
	{ "connect", CAPTURE_CONNECT },
	{ "sendto", CAPTURE_SENDTO },
	{ "sendmsg", CAPTURE_SENDMSG },
	{ "accept", CAPTURE_WAIT },
	{ "accept4", CAPTURE_WAIT },
	{ "epoll_wait", CAPTURE_WAIT },
	{ "epoll_pwait", CAPTURE_WAIT },
	{ "epoll_pwait2", CAPTURE_WAIT },
	{ "poll", CAPTURE_WAIT },
	{ "ppoll", CAPTURE_WAIT },
	{ "select", CAPTURE_WAIT },
	{ "_newselect", CAPTURE_WAIT },
	{ "pselect6", CAPTURE_WAIT },
	{ "recvfrom", CAPTURE_WAIT },
	{ "recvmsg", CAPTURE_WAIT },
};

size_t capture_count(void)
{
	return ARRAY_SIZE(rows);
}

const struct capture *capture_at(size_t i)
{
	return &rows[i];
}

const struct capture *capture_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

uint64_t capture_value(const struct capture *c, const struct sc_desc *d, enum sc_abi abi,
		       unsigned i, uint64_t raw)
{
	unsigned n;
	const struct sc_arg *args = sc_args(d, abi, &n);
	unsigned width = 64;

	if (c->kind != CAPTURE_CLONE3 && c->arg[i] < n)
		width = sc_arg_width(abi, args[c->arg[i]].kind);
	if (width < 64)
		raw &= (UINT64_C(1) << width) - 1;
	return c->mask[i] ? raw & c->mask[i] : raw;
}

uint32_t capture_open_access(uint64_t flags)
{
	uint32_t access = 0;

	if (flags & O_PATH)
		return 0;
	if ((flags & O_ACCMODE) != O_WRONLY)
		access |= WL_F_READ;
	if ((flags & O_ACCMODE) != O_RDONLY)
		access |= (flags & O_APPEND) ? WL_F_APPEND : WL_F_WRITE;
	if (flags & O_TRUNC)
		access |= WL_F_WRITE;
	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE)
		access |= WL_F_CREATE;
	return access;
}
