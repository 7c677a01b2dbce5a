/*
 * What a process may do, for guest-init:   probe [read|write|exec PATH | raw - | securebits -]...
 * Prints for each what came of it: "ok", or the error's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int try_raw(void)
{
	int fd = socket(AF_INET, SOCK_RAW, 1 /* ICMP */);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* The error of execve(2) as the child's exit status; a program that starts ends with 0. */
static int try_exec(const char *path)
{
	char *argv[] = { (char *)path, "-c", ":", NULL }, *envp[] = { NULL };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execve(path, argv, envp);
		_exit(errno);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *what = argv[i], *path = argv[i + 1];
		int err = EINVAL;

		if (!strcmp(what, "read"))
			err = try_open(path, O_RDONLY);
		else if (!strcmp(what, "write"))
			err = try_open(path, O_WRONLY | O_APPEND);
		else if (!strcmp(what, "exec"))
			err = try_exec(path);
		else if (!strcmp(what, "raw"))
			err = try_raw();
		else if (!strcmp(what, "securebits"))
			err = prctl(PR_SET_SECUREBITS, 0) ? errno : 0;
		printf("%s %s: %s\n", what, path, err ? strerrorname_np(err) : "ok");
	}
	return 0;
}
