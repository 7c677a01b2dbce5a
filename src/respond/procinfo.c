#include "respond/procinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/sha256.h"

enum { HASH_MAX = 1024 * 1024 * 1024, CHUNK = 65536 };

int procinfo_read(pid_t pid, struct procinfo *out)
{
	char path[64], text[1024];
	const char *at;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	err = io_read_small(path, text, sizeof(text));
	if (err < 0)
		return err;
	at = strrchr(text, ')'); /* the name may contain anything */
	*out = (struct procinfo){ 0 };
	/* state ppid pgrp session tty tpgid flags 12 others starttime */
	if (!at || sscanf(at + 1,
			  " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			  "%*d %lu",
			  &out->state, &out->ppid, &out->flags, &out->start) != 4)
		return -EINVAL;
	return 0;
}

uint64_t procinfo_ticks(uint64_t boot_ns)
{
	return boot_ns / (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
}

int procinfo_link(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = readlink(path, out, size - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	return (int)n;
}

int procinfo_cgroup(pid_t pid, char *out, size_t size)
{
	char path[64], text[16384], *save = NULL;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	err = io_read_small(path, text, sizeof(text));
	if (err < 0)
		return err;
	out[0] = '\0';
	/* "hierarchy:controllers:path" (cgroups(7)); number 0 is the unified one. */
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *second = strchr(line, ':'),
			   *third = second ? strchr(second + 1, ':') : NULL;
		bool unified = !strncmp(line, "0::", 3);

		if (!third || strlen(third + 1) >= size)
			continue;
		if ((unified && strcmp(third + 1, "/") != 0) ||
		    (!out[0] && !strncmp(second, ":freezer:", 9)))
			strcpy(out, third + 1);
	}
	return out[0] ? 0 : -ENODATA;
}

int procinfo_sha256(const char *path, char out[65])
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : procinfo_sha256_of(fd, out);
}

int procinfo_sha256_of(int fd, char out[65])
{
	cleanup_sha256 struct sha256 s = { 0 };
	cleanup_free char *chunk = malloc(CHUNK);
	uint8_t digest[SHA256_SIZE];
	size_t total = 0;
	ssize_t n;

	if (!chunk)
		return -ENOMEM;
	sha256_begin(&s);
	while ((n = pread(fd, chunk, CHUNK, (off_t)total)) > 0) {
		total += (size_t)n;
		if (total > HASH_MAX)
			return -EFBIG;
		sha256_add(&s, chunk, (size_t)n);
	}
	if (n < 0)
		return -errno;
	sha256_end(&s, digest);
	sha256_hex(digest, out);
	return 0;
}
