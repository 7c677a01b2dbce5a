#include "base/proc.h"
#include "base/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/mem.h"

extern char **environ;

/* The environment with `more`, whose names win; the texts are borrowed. */
static char **environment(const char *const *more)
{
	size_t n = 0, more_n = 0, used = 0;
	char **all;

	while (environ[n])
		n++;
	while (more && more[more_n])
		more_n++;
	all = xcalloc(n + more_n + 1, sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		size_t name = strcspn(environ[i], "=") + 1;
		bool again = false;

		for (size_t k = 0; k < more_n && !again; k++)
			again = !strncmp(environ[i], more[k], name);
		if (!again)
			all[used++] = environ[i];
	}
	for (size_t k = 0; k < more_n; k++)
		all[used++] = (char *)more[k];
	return all;
}

static int spawn_with_output(const char *const *argv, const char *const *env, int out, bool both,
			     pid_t *pid)
{
	cleanup_free char **all = environment(env);
	posix_spawn_file_actions_t fa;
	int r = posix_spawn_file_actions_init(&fa);

	if (r)
		return -r;
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
	if (both)
		posix_spawn_file_actions_adddup2(&fa, out, STDERR_FILENO);
	else
		posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(pid, argv[0], &fa, NULL, (char *const *)argv, all);
	posix_spawn_file_actions_destroy(&fa);
	return -r;
}

/* Reads until the end, the limit or the deadline. */
static int read_until(int fd, size_t max, int64_t deadline, struct buf *out)
{
	size_t total = 0;
	char chunk[4096];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - (int64_t)clock_ms(CLOCK_MONOTONIC);
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		total += (size_t)n;
		if (total > max)
			return -EFBIG;
		buf_append(out, chunk, (size_t)n);
	}
}

static int capture(const char *const *argv, const char *const *env, bool both, size_t max,
		   int timeout_ms, struct buf *out, struct err *e)
{
	cleanup_close int rd = -1, wr = -1;
	int fds[2], status, r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	rd = fds[0];
	wr = fds[1];
	r = spawn_with_output(argv, env, wr, both, &pid);
	if (r < 0)
		return err_errno(e, -r, "cannot run %s", argv[0]);
	close(wr);
	wr = -1;
	r = read_until(rd, max, (int64_t)clock_ms(CLOCK_MONOTONIC) + timeout_ms, out);
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return err_errno(e, -r, "%s", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int proc_capture(const char *const *argv, size_t max, int timeout_ms, struct buf *out,
		 struct err *e)
{
	return capture(argv, NULL, false, max, timeout_ms, out, e);
}

int proc_capture_both(const char *const *argv, size_t max, int timeout_ms, struct buf *out,
		      struct err *e)
{
	return capture(argv, NULL, true, max, timeout_ms, out, e);
}

int proc_capture_env(const char *const *argv, const char *const *env, size_t max, int timeout_ms,
		     struct buf *out, struct err *e)
{
	return capture(argv, env, false, max, timeout_ms, out, e);
}

bool proc_exists(const char *name)
{
	const char *p = getenv("PATH");
	char path[PATH_MAX];

	while (p && *p) {
		size_t n = strcspn(p, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)n, p, name);
		if (access(path, X_OK) == 0)
			return true;
		p += n + (p[n] == ':');
	}
	return false;
}
