/* What /proc says of a process, for those who act on it. */
#ifndef RESPOND_PROCINFO_H
#define RESPOND_PROCINFO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

enum { RESPOND_EXE_MAX = 4096 };

struct procinfo {
	pid_t ppid;
	unsigned flags; /* PF_*, include/linux/sched.h */
	uint64_t start; /* in ticks of USER_HZ since boot */
	char state;	/* 'R', 'S', 'Z' … */
};

/* /proc/PID/stat (proc(5)); a negative errno when the process is gone. */
int procinfo_read(pid_t pid, struct procinfo *out);
/* Ticks of /proc/PID/stat for a time of CLOCK_BOOTTIME in ns. */
uint64_t procinfo_ticks(uint64_t boot_ns);
/* Reads a link such as "exe", NUL-terminated; its length or a negative errno. */
int procinfo_link(pid_t pid, const char *name, char *out, size_t size);
/*
 * The path of its control group: of the unified hierarchy, or else of the freezer's. -ENODATA when
 * it is in their roots, which belong to nobody; another negative errno when it is gone.
 */
int procinfo_cgroup(pid_t pid, char *out, size_t size);
/* SHA-256 of a file in hexadecimal, of at most 1 GiB. 0 or a negative errno. */
int procinfo_sha256(const char *path, char out[65]);
/* The same of an open file, from its beginning; where it stands does not change. */
int procinfo_sha256_of(int fd, char out[65]);

#endif
