#include <string.h>

#include "base/cleanup.h"
#include "model/event.h"

/* Parameters at exit, in order. Source: falcosecurity/libs driver/event_table.c, after 0.25.4. */
#define EXEC_PARAMS                                                                              \
	"res:ERRNO exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:UINT64" \
	" pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32"           \
	" comm:CHARBUF cgroups:BYTEBUF env:BYTEBUF tty:UINT32 vpgid:PID loginuid:UID"            \
	" flags:FLAGS32 cap_inheritable:UINT64 cap_permitted:UINT64 cap_effective:UINT64"        \
	" exe_ino:UINT64 exe_ino_ctime:ABSTIME exe_ino_mtime:ABSTIME uid:UID"                    \
	" trusted_exepath:FSPATH pgid:PID gid:GID"
#define CLONE_PARAMS                                                                          \
	"res:PID exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:INT64" \
	" pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32"        \
	" comm:CHARBUF cgroups:BYTEBUF flags:FLAGS32 uid:UINT32 gid:UINT32 vtid:PID vpid:PID" \
	" pidns_init_start_ts:UINT64"
#define SEND_PARAMS "res:ERRNO data:BYTEBUF fd:FD size:UINT32 tuple:SOCKTUPLE"

/*
 * What Falco has no parameters for: times of a file (now: INT64_MAX, left as it is: INT64_MIN), and
 * by how many ns the new one of its contents lies before the event; attributes of a file, as names
 * of linux/fs.h (FS_IMMUTABLE_FL), of ioctl(2) behind Falco's own.
 */
#define TIMES_PARAMS "times:UINT64 atime:INT64 mtime:INT64 mtime_age:RELTIME"

static const struct {
	const char *type, *params;
} rows[] = {
	{ "accept", "fd:FD tuple:SOCKTUPLE queuepct:UINT8 queuelen:UINT32 queuemax:UINT32" },
	{ "accept4",
	  "fd:FD tuple:SOCKTUPLE queuepct:UINT8 queuelen:UINT32 queuemax:UINT32 flags:INT32" },
	{ "bind", "res:ERRNO fd:FD addr:SOCKADDR" },
	{ "bpf", "fd:FD cmd:ENUM32" },
	{ "chmod", "res:ERRNO filename:FSPATH mode:MODE" },
	{ "chroot", "res:ERRNO path:FSPATH" },
	{ "clone", CLONE_PARAMS },
	{ "clone3", CLONE_PARAMS },
	{ "connect", "res:ERRNO tuple:SOCKTUPLE fd:FD addr:SOCKADDR" },
	{ "creat", "fd:FD name:FSPATH mode:UINT32 dev:UINT32 ino:UINT64 creat_flags:FLAGS16" },
	{ "dup", "res:FD oldfd:FD" },
	{ "dup2", "res:FD oldfd:FD newfd:FD" },
	{ "dup3", "res:FD oldfd:FD newfd:FD flags:FLAGS32" },
	{ "execve", EXEC_PARAMS " filename:FSPATH" },
	{ "execveat", EXEC_PARAMS },
	{ "fchmod", "res:ERRNO fd:FD mode:MODE" },
	{ "fchmodat", "res:ERRNO dirfd:FD filename:FSRELPATH mode:MODE" },
	{ "fchmodat2", "res:ERRNO dirfd:FD filename:FSRELPATH mode:MODE flags:FLAGS32" },
	{ "file_setattr", "res:ERRNO dirfd:FD path:FSRELPATH attributes:FLAGS32" },
	{ "finit_module", "res:ERRNO fd:FD uargs:CHARBUF flags:FLAGS32" },
	{ "futimesat", "res:ERRNO dirfd:FD path:FSRELPATH " TIMES_PARAMS },
	{ "getcwd", "res:ERRNO path:CHARBUF" },
	{ "init_module", "res:ERRNO img:BYTEBUF length:UINT64 uargs:CHARBUF" },
	{ "ioctl", "res:ERRNO fd:FD request:UINT64 argument:UINT64 attributes:FLAGS32" },
	{ "kill", "res:ERRNO pid:PID sig:SIGTYPE" },
	{ "link", "res:ERRNO oldpath:FSPATH newpath:FSPATH" },
	{ "linkat",
	  "res:ERRNO olddir:FD oldpath:FSRELPATH newdir:FD newpath:FSRELPATH flags:FLAGS32" },
	{ "listen", "res:ERRNO fd:FD backlog:INT32" },
	{ "memfd_create", "fd:FD name:CHARBUF flags:FLAGS32" },
	{ "mkdir", "res:ERRNO path:FSPATH mode:UINT32" },
	{ "mkdirat", "res:ERRNO dirfd:FD path:FSRELPATH mode:UINT32" },
	{ "mknod", "res:ERRNO path:FSPATH mode:MODE dev:UINT32" },
	{ "mknodat", "res:ERRNO dirfd:FD path:FSRELPATH mode:MODE dev:UINT32" },
	{ "mmap", "res:ERRNO addr:UINT64 length:UINT64 prot:FLAGS32 flags:FLAGS32 fd:FD"
		  " offset:UINT64" },
	{ "mount", "res:ERRNO dev:CHARBUF dir:FSPATH type:CHARBUF flags:FLAGS32" },
	{ "open", "fd:FD name:FSPATH flags:FLAGS32 mode:UINT32 dev:UINT32 ino:UINT64" },
	{ "openat",
	  "fd:FD dirfd:FD name:FSRELPATH flags:FLAGS32 mode:UINT32 dev:UINT32 ino:UINT64" },
	{ "openat2", "fd:FD dirfd:FD name:FSRELPATH flags:FLAGS32 mode:UINT32 resolve:FLAGS32"
		     " dev:UINT32 ino:UINT64" },
	{ "pidfd_send_signal", "res:ERRNO fd:FD sig:SIGTYPE pid:PID flags:FLAGS32" },
	{ "prctl", "res:ERRNO option:ENUM32 arg2_str:CHARBUF arg2_int:INT64" },
	{ "process_vm_writev", "res:ERRNO pid:PID data:BYTEBUF" },
	{ "ptrace", "res:ERRNO addr:DYNAMIC data:DYNAMIC request:ENUM16 pid:PID" },
	{ "recvfrom", "res:ERRNO data:BYTEBUF tuple:SOCKTUPLE fd:FD size:UINT32" },
	{ "recvmsg",
	  "res:ERRNO size:UINT32 data:BYTEBUF tuple:SOCKTUPLE msgcontrol:BYTEBUF fd:FD" },
	{ "rename", "res:ERRNO oldpath:FSPATH newpath:FSPATH" },
	{ "renameat", "res:ERRNO olddirfd:FD oldpath:FSRELPATH newdirfd:FD newpath:FSRELPATH" },
	{ "renameat2", "res:ERRNO olddirfd:FD oldpath:FSRELPATH newdirfd:FD newpath:FSRELPATH"
		       " flags:FLAGS32" },
	{ "rmdir", "res:ERRNO path:FSPATH" },
	{ "rt_sigqueueinfo", "res:ERRNO pid:PID sig:SIGTYPE" },
	{ "rt_tgsigqueueinfo", "res:ERRNO pid:PID tid:PID sig:SIGTYPE" },
	{ "sendfile", "res:ERRNO offset:UINT64 out_fd:FD in_fd:FD size:UINT64" },
	{ "sendmmsg", SEND_PARAMS },
	{ "sendmsg", SEND_PARAMS },
	{ "sendto", SEND_PARAMS },
	{ "setns", "res:ERRNO fd:FD nstype:FLAGS32" },
	{ "setuid", "res:ERRNO uid:UID" },
	{ "socket", "fd:FD domain:ENUM32 type:UINT32 proto:UINT32 flags:FLAGS32" },
	{ "splice", "res:ERRNO fd_in:FD fd_out:FD size:UINT64 flags:FLAGS32" },
	{ "symlink", "res:ERRNO target:CHARBUF linkpath:FSPATH" },
	{ "symlinkat", "res:ERRNO target:CHARBUF linkdirfd:FD linkpath:FSRELPATH" },
	{ "tgkill", "res:ERRNO pid:PID tid:PID sig:SIGTYPE" },
	{ "tkill", "res:ERRNO tid:PID sig:SIGTYPE pid:PID" },
	{ "unlink", "res:ERRNO path:FSPATH" },
	{ "unlinkat", "res:ERRNO dirfd:FD name:FSRELPATH flags:FLAGS32" },
	{ "unshare", "res:ERRNO flags:FLAGS32" },
	{ "userfaultfd", "res:ERRNO flags:FLAGS32" },
	{ "utime", "res:ERRNO path:FSPATH " TIMES_PARAMS },
	{ "utimensat", "res:ERRNO dirfd:FD path:FSRELPATH " TIMES_PARAMS " flags:FLAGS32" },
	{ "utimes", "res:ERRNO path:FSPATH " TIMES_PARAMS },
};

static const char *params_of(unsigned type)
{
	const char *name = ev_type_name(type);

	for (size_t i = 0; name && i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].type, name))
			return rows[i].params;
	return NULL;
}

static enum ev_kind kind_by_name(const char *s, size_t len)
{
	for (int k = 0; k < EV_KIND_COUNT; k++)
		if (strlen(ev_kind_name(k)) == len && !memcmp(ev_kind_name(k), s, len))
			return k;
	return EV_DYNAMIC;
}

/* Takes "name:KIND" from the front of *p. */
static bool next_param(const char **p, struct ev_param *out)
{
	size_t word = strcspn(*p, " "), name = strcspn(*p, ":");

	if (!word)
		return false;
	*out = (struct ev_param){ 0 };
	memcpy(out->name, *p, name);
	out->kind = kind_by_name(*p + name + 1, word - name - 1);
	*p += word + strspn(*p + word, " ");
	return true;
}

bool ev_param_at(unsigned type, unsigned n, struct ev_param *out)
{
	const char *p = params_of(type);

	for (; p && next_param(&p, out); n--)
		if (!n)
			return true;
	return false;
}

static int find(const char *p, const char *name, size_t len, struct ev_param *out)
{
	for (int i = 0; next_param(&p, out); i++)
		if (strlen(out->name) == len && !memcmp(out->name, name, len))
			return i;
	return -1;
}

int ev_param_index(unsigned type, const char *name, size_t len)
{
	const char *p = params_of(type);
	struct ev_param at;

	return p ? find(p, name, len, &at) : -2;
}

int ev_param_kind(const char *name, size_t len)
{
	struct ev_param at;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (find(rows[i].params, name, len, &at) >= 0)
			return at.kind;
	return -1;
}
