/*
 * The kernel logs a filter's kills (kernel/seccomp.c, seccomp_log) as audit records of type
 * AUDIT_SECCOMP; when no audit daemon takes them they go to the kernel log, which /dev/kmsg shows:
 * "audit: type=1326 audit(…): … pid=123 comm="x" exe="/x" sig=31 arch=c000003e syscall=110 …".
 * A process can choose its own comm and path, and quotes are hex-encoded there, so the numbers
 * behind " sig=" cannot be forged by them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "confine/confine.h"

enum {
	KILLED_MAX_RECORDS = 65536, /* read per look-up, so that a flooded log cannot hold us */
	KILLED_MAX_RECORD = 8192,   /* the kernel's CONSOLE_EXT_LOG_MAX */
	KILLED_WAIT_MS = 300,	    /* kauditd writes records some time after the fact */
};

int killed_watch(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && lseek(fd, 0, SEEK_END) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The number behind `key`; false when the key is absent. */
static bool field(const char *text, const char *key, int base, unsigned long *out)
{
	const char *at = strstr(text, key);
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	*out = strtoul(at, &end, base);
	return end != at;
}

static bool parse_record(const char *text, pid_t pid, uint32_t *audit_arch, uint32_t *nr)
{
	const char *audit = strstr(text, "type=1326 ");
	const char *tail = audit ? strstr(audit, " sig=31 ") : NULL;
	unsigned long got_pid, arch, call;

	if (!tail || !field(audit, " pid=", 10, &got_pid) || got_pid != (unsigned long)pid)
		return false;
	if (!field(tail, " arch=", 16, &arch) || !field(tail, " syscall=", 10, &call))
		return false;
	*audit_arch = (uint32_t)arch;
	*nr = (uint32_t)call;
	return true;
}

/* Reads the next record, waiting for one; the length, 0 when none comes. */
static size_t next_record(int fd, char *text)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		ssize_t n = read(fd, text, KILLED_MAX_RECORD);

		if (n > 0)
			return (size_t)n;
		if (n == 0 || (errno != EPIPE && errno != EINTR && errno != EAGAIN))
			return 0;
		/* EPIPE: records were overwritten; the next read goes on behind them */
		if (errno == EAGAIN && poll(&p, 1, KILLED_WAIT_MS) <= 0)
			return 0;
	}
}

bool killed_find(int fd, pid_t pid, uint32_t *audit_arch, uint32_t *nr)
{
	cleanup_free char *text = malloc(KILLED_MAX_RECORD + 1);

	for (int i = 0; text && fd >= 0 && i < KILLED_MAX_RECORDS; i++) {
		size_t n = next_record(fd, text);

		if (!n)
			return false;
		text[n] = '\0';
		if (parse_record(text, pid, audit_arch, nr))
			return true;
	}
	return false;
}
