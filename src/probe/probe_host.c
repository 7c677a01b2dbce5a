#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/version.h"
#include "probe/probe_private.h"

enum {
	VERSION_MAX = 64 * 1024, /* bytes of a program's version text */
	VERSION_MS = 5000,
	DAEMON_SECONDS = 2,
	CGROUP2_MAGIC = 0x63677270, /* CGROUP2_SUPER_MAGIC, linux/magic.h */
};

void probe_privileges(struct probe_result *r)
{
	static const struct {
		unsigned nr;
		const char *name;
	} wanted[] = {
		{ CAP_BPF, "bpf" },
		{ CAP_PERFMON, "perfmon" },
		{ CAP_SYS_PTRACE, "sys_ptrace" },
		{ CAP_SYS_ADMIN, "sys_admin" },
		{ CAP_SETPCAP, "setpcap" },
	};
	uint64_t have = probe_effective_caps();
	char names[128] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (!(have >> wanted[i].nr & 1))
			continue;
		if (n++)
			strcat(names, " ");
		strcat(names, wanted[i].name);
	}
	probe_set(r,
		  n == ARRAY_SIZE(wanted) ? PROBE_YES
		  : n			  ? PROBE_LIMITED
					  : PROBE_NO,
		  "user %u; of the capabilities that matter: %s", geteuid(), n ? names : "none");
}

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == CGROUP2_MAGIC;
}

void probe_cgroup(struct probe_result *r)
{
	if (is_cgroup2("/sys/fs/cgroup"))
		probe_set(r, PROBE_YES, "version 2");
	else if (is_cgroup2("/sys/fs/cgroup/unified"))
		probe_set(r, PROBE_YES, "hybrid: version 1, and version 2 without controllers");
	else if (access("/sys/fs/cgroup/cpu", F_OK) == 0 ||
		 access("/sys/fs/cgroup/memory", F_OK) == 0)
		probe_set(r, PROBE_LIMITED, "version 1");
	else
		probe_set(r, PROBE_NO, "not mounted");
}

bool probe_has_cgroup2(void)
{
	return is_cgroup2("/sys/fs/cgroup") || is_cgroup2("/sys/fs/cgroup/unified");
}

void probe_freeze(struct probe_result *r)
{
	if (probe_has_cgroup2() && version_kernel_at_least(5, 14))
		probe_set(r, PROBE_YES, "cgroup.freeze and cgroup.kill of version 2");
	else if (probe_has_cgroup2())
		probe_set(r, PROBE_YES, "cgroup.freeze of version 2; processes end one by one");
	else if (access("/sys/fs/cgroup/freezer", F_OK) == 0)
		probe_set(r, PROBE_LIMITED, "the freezer of version 1; processes end one by one");
	else
		probe_set(r, PROBE_NO, "neither version 2 nor the freezer of version 1");
}

void probe_fanotify(struct probe_result *r)
{
	cleanup_close int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);

	if (fd < 0)
		probe_set(r, PROBE_NO, "fanotify_init: %s", strerror(errno));
	else if (!version_kernel_at_least(5, 0))
		probe_set(r, PROBE_NO, "asks before opening, not before executing");
	else
		probe_set(r, PROBE_YES, "a group for permission events was made");
}

void probe_yara(struct probe_result *r)
{
#ifdef HAVE_YARA
	probe_set(r, PROBE_YES, "built in");
#else
	probe_set(r, PROBE_NO, "built without libyara");
#endif
}

/* The first line of what the program says of its version; false when there is no such program. */
static bool version_of(const char *program, char *out, size_t size)
{
	const char *const argv[] = { program, "--version", NULL };
	cleanup_buf struct buf text = { 0 };
	const char *line;
	int rc = proc_capture(argv, VERSION_MAX, VERSION_MS, &text, NULL);

	if (rc == -ENOENT)
		return false;
	line = buf_str(&text);
	if (rc == 0 && *line)
		snprintf(out, size, "%.*s", (int)strcspn(line, "\n"), line);
	else
		snprintf(out, size, "its version cannot be read");
	return true;
}

static void probe_program(struct probe_result *r, const char *program)
{
	char version[200];

	if (version_of(program, version, sizeof(version)))
		probe_set(r, PROBE_YES, "%s", version);
	else
		probe_set(r, PROBE_NO, "not installed");
}

/* 0 when a daemon answers Docker's GET /_ping on the socket, or a negative errno. */
static int ping(const char *path)
{
	static const char request[] = "GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n";
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval t = { .tv_sec = DAEMON_SECONDS };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char answer[64];
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
		return -errno;
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n <= 0)
		return n < 0 ? -errno : -EPROTO;
	answer[n] = '\0';
	return strncmp(answer, "HTTP/1.", 7) || !strstr(answer, " 200 ") ? -EPROTO : 0;
}

void probe_docker(struct probe_result *r)
{
	static const char scheme[] = "unix://";
	const char *host = getenv("DOCKER_HOST");
	char version[200];
	int rc;

	if (!version_of("docker", version, sizeof(version)))
		snprintf(version, sizeof(version), "no client");
	if (host && strncmp(host, scheme, strlen(scheme))) {
		probe_set(r, PROBE_LIMITED, "%.120s; DOCKER_HOST is no unix socket", version);
		return;
	}
	rc = ping(host ? host + strlen(scheme) : "/var/run/docker.sock");
	if (rc == 0)
		probe_set(r, PROBE_YES, "%.120s; the daemon answers", version);
	else if (strcmp(version, "no client") || rc == -EACCES)
		probe_set(r, PROBE_LIMITED, "%.120s; the daemon does not answer: %s", version,
			  err_text(-rc));
	else
		probe_set(r, PROBE_NO, "not installed");
}

void probe_podman(struct probe_result *r)
{
	probe_program(r, "podman");
}

void probe_containerd(struct probe_result *r)
{
	probe_program(r, "containerd");
}

void probe_runc(struct probe_result *r)
{
	probe_program(r, "runc");
}

void probe_crun(struct probe_result *r)
{
	probe_program(r, "crun");
}
