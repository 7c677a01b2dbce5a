#include "sensor/task.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

/*
 * process_vm_readv(2) checks the right to attach at every call and may be forbidden where we run;
 * PTRACE_PEEKDATA needs only that the task is our stopped tracee.
 */
static int peek(pid_t tid, uint64_t addr, char *out, size_t n)
{
	while (n) {
		uint64_t word = addr & ~(uint64_t)(sizeof(long) - 1);
		size_t skip = addr - word, take = sizeof(long) - skip;
		long v;

		errno = 0;
		v = ptrace(PTRACE_PEEKDATA, tid, word, 0);
		if (errno)
			return -EFAULT;
		if (take > n)
			take = n;
		memcpy(out, (char *)&v + skip, take);
		out += take;
		addr += take;
		n -= take;
	}
	return 0;
}

int task_read(pid_t tid, uint64_t addr, void *out, size_t n)
{
	struct iovec local = { out, n }, remote = { (void *)(uintptr_t)addr, n };
	ssize_t got;

	if (!addr)
		return -EFAULT;
	got = process_vm_readv(tid, &local, 1, &remote, 1, 0);
	if (got == (ssize_t)n)
		return 0;
	if (got < 0 && (errno == EPERM || errno == ENOSYS))
		return peek(tid, addr, out, n);
	return -EFAULT;
}

int task_read_string(pid_t tid, uint64_t addr, char *out, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), have = 0;

	while (have < size) {
		size_t n = page - ((addr + have) & (page - 1));
		char *end;
		int r;

		/* Names are short: a small first read, and never beyond the page. */
		if (!have && n > 256)
			n = 256;
		if (n > size - have)
			n = size - have;
		r = task_read(tid, addr + have, out + have, n);
		if (r)
			return r;
		end = memchr(out + have, 0, n);
		if (end)
			return (int)(end - out);
		have += n;
	}
	return -ENAMETOOLONG;
}

/* The text behind "\nKEY:", NULL when there is none. */
static const char *status_field(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? at + strlen(key) : NULL;
}

static bool read_ids(const char *at, uint32_t ids[TASK_IDS])
{
	return at && sscanf(at, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == TASK_IDS;
}

static void read_groups(const char *at, struct task_creds *c)
{
	while (at) {
		char *end;

		while (*at == ' ' || *at == '\t')
			at++;
		if (!isdigit((unsigned char)*at))
			return;
		if (c->groups_n == TASK_MAX_GROUPS) {
			c->groups_cut = true;
			return;
		}
		c->groups[c->groups_n++] = (uint32_t)strtoul(at, &end, 10);
		at = end;
	}
}

/* The last of the numbers in the line: the one of the innermost namespace. */
static pid_t last_number(const char *at)
{
	long v = 0;

	while (at && *at && *at != '\n') {
		char *end;
		long one = strtol(at, &end, 10);

		if (end == at)
			break;
		v = one;
		at = end;
	}
	return (pid_t)v;
}

static bool same_namespace(pid_t tid, const char *kind)
{
	char name[64];
	struct stat own, its;

	snprintf(name, sizeof(name), "/proc/self/ns/%s", kind);
	if (stat(name, &own))
		return false;
	snprintf(name, sizeof(name), "/proc/%d/ns/%s", tid, kind);
	return !stat(name, &its) && own.st_ino == its.st_ino && own.st_dev == its.st_dev;
}

int task_creds_read(pid_t tid, struct task_creds *c)
{
	char name[64], text[8192];
	struct task_creds got = { 0 };
	const char *caps;
	int r;

	snprintf(name, sizeof(name), "/proc/%d/status", tid);
	r = io_read_small(name, text, sizeof(text));
	if (r < 0)
		return r;
	caps = status_field(text, "\nCapEff:");
	if (!caps || !read_ids(status_field(text, "\nUid:"), got.uid) ||
	    !read_ids(status_field(text, "\nGid:"), got.gid))
		return -EINVAL;
	got.cap_effective = strtoull(caps, NULL, 16);
	read_groups(status_field(text, "\nGroups:"), &got);
	got.tgid = last_number(status_field(text, "\nTgid:"));
	got.ppid = last_number(status_field(text, "\nPPid:"));
	got.ns_tgid = last_number(status_field(text, "\nNStgid:"));
	got.same_userns = same_namespace(tid, "user");
	got.same_pidns = same_namespace(tid, "pid");
	*c = got;
	return 0;
}

int task_fd(pid_t tgid, int fd)
{
	cleanup_close int pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	int got;

	if (pidfd < 0)
		return -errno;
	got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	return got < 0 ? -errno : got;
}

static int read_port_start(void)
{
	char text[32];
	int r = io_read_small("/proc/sys/net/ipv4/ip_unprivileged_port_start", text, sizeof(text));

	return r < 0 ? r : atoi(text);
}

int task_unprivileged_port_start(pid_t tid)
{
	cleanup_close int own = -1, its = -1;
	char name[64];
	int r;

	if (same_namespace(tid, "net"))
		return read_port_start();
	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	snprintf(name, sizeof(name), "/proc/%d/ns/net", tid);
	its = open(name, O_RDONLY | O_CLOEXEC);
	if (own < 0 || its < 0 || setns(its, CLONE_NEWNET))
		return -errno;
	r = read_port_start();
	if (setns(own, CLONE_NEWNET))
		return -errno;
	return r;
}
