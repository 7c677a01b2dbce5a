/*
 * Looking into another process: its memory, its credentials, its sockets and its paths. A task is
 * named by its thread id in our pid namespace. It may run (unless said otherwise), change and die
 * at any time; every function then fails, or tells of the moment of the call.
 */
#ifndef SENSOR_TASK_H
#define SENSOR_TASK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* All `n` bytes at `addr`, or a negative errno. Works for a stopped tracee in any case. */
int task_read(pid_t tid, uint64_t addr, void *out, size_t n);
/* A NUL-terminated string; its length, or a negative errno (-ENAMETOOLONG: no NUL in `size`). */
int task_read_string(pid_t tid, uint64_t addr, char *out, size_t size);

enum { TASK_MAX_GROUPS = 64 };
enum { TASK_REAL, TASK_EFFECTIVE, TASK_SAVED, TASK_FS, TASK_IDS };

struct task_creds {
	uint32_t uid[TASK_IDS], gid[TASK_IDS]; /* as our user namespace shows them */
	uint32_t groups[TASK_MAX_GROUPS];
	unsigned groups_n;
	bool groups_cut; /* it has more groups than fit */
	uint64_t cap_effective;
	pid_t ppid;
	pid_t tgid, ns_tgid; /* in our and in the innermost pid namespace */
	bool same_userns, same_pidns;
};

/* From /proc/TID/status and /proc/TID/ns. 0 or a negative errno. */
int task_creds_read(pid_t tid, struct task_creds *c);

/* Our own copy of descriptor `fd` of the process (close-on-exec), or a negative errno. Linux 5.6.
 */
int task_fd(pid_t tgid, int fd);

/*
 * net.ipv4.ip_unprivileged_port_start in the task's network namespace: 0 to 65536, or a negative
 * errno. Enters another namespace for a moment, so the calling thread must not be shared.
 */
int task_unprivileged_port_start(pid_t tid);

/*
 * A path inside the task's root directory, without symbolic links, "." and "..". A directory ends
 * in
 * "/". `st` is valid when `exists`; `parent` when its st_mode is not 0.
 */
struct task_path {
	char path[PATH_MAX];
	bool exists;
	bool deleted; /* the file has no name any more; `path` is the last one */
	struct stat st, parent;
};

/*
 * What /proc/TID/<link> ("exe", "cwd", "fd/7") stands for. -ENOENT for what has no path: pipes,
 * sockets, anonymous inodes.
 */
int task_path_link(pid_t tid, const char *link, struct task_path *out);

/*
 * The file that the task means by `name` relative to its descriptor `dirfd` or AT_FDCWD. `follow`:
 * whether a symbolic link at the end is followed. A name that leads nowhere is joined by its text;
 * `exists` is false then. Nothing is opened but O_PATH.
 */
int task_path_resolve(pid_t tid, int dirfd, const char *name, bool follow, struct task_path *out);

/* O_PATH descriptor of the task's root directory, or a negative errno. */
int task_root(pid_t tid);

#endif
