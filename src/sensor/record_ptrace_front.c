/* The process that a shell sees while the tracer stays behind: see record_ptrace.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "sensor/record_ptrace.h"

static volatile sig_atomic_t front_tracer;

/* A terminal's signals reach both processes; one that a process sent reaches only this one. */
static void forward(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code <= 0)
		kill((pid_t)front_tracer, sig);
}

static void forward_to(pid_t tracer)
{
	struct sigaction sa = { .sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART };

	front_tracer = tracer;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* What comes meanwhile waits, and finds the front ready to hand it on. */
static pid_t fork_front(void)
{
	sigset_t both, before;
	pid_t pid;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, &before);
	pid = fork();
	if (pid > 0)
		forward_to(pid);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int record_ptrace_split(struct record_ptrace_front *f, struct err *e)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return err_errno(e, errno, "cannot make a pipe");
	f->tracer = fork_front();
	if (f->tracer < 0) {
		int err = err_errno(e, errno, "cannot fork");

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	f->fd = f->tracer ? fds[0] : fds[1];
	close(f->tracer ? fds[1] : fds[0]);
	return f->tracer ? 1 : 0;
}

int record_ptrace_front_wait(struct record_ptrace_front *f)
{
	int status = 0;
	ssize_t n;

	n = TEMP_FAILURE_RETRY(read(f->fd, &status, sizeof(status)));
	close(f->fd);
	f->fd = -1;
	if (n == (ssize_t)sizeof(status))
		return status;
	if (TEMP_FAILURE_RETRY(waitpid(f->tracer, &status, 0)) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void record_ptrace_release(struct record_ptrace_front *f, int exit_status)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Neither the terminal nor the folder that it was started in is held, or ends it. */
	signal(SIGHUP, SIG_IGN);
	setsid();
	if (chdir("/")) {
		/* The old folder stays in use: nothing depends on it. */
	}
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	(void)io_write_all(f->fd, &exit_status, sizeof(exit_status));
	close(f->fd);
	f->fd = -1;
}
