#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "app/record.h"
#include "base/cleanup.h"

static _Noreturn void child_main(int gate, int status, char **argv, bool own_terminal)
{
	sigset_t none;
	char go;
	int saved;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	/* Ctrl-C is meant for the recording; the command goes on. */
	if (!own_terminal)
		setpgid(0, 0);
	if (read(gate, &go, 1) != 1)
		_exit(126);
	execvp(argv[0], argv);
	saved = errno;
	if (write(status, &saved, sizeof(saved)) < 0)
		_exit(126);
	_exit(127);
}

int record_child_start(struct record_child *c, char **argv, bool own_terminal, struct err *e)
{
	int gate[2], status[2];

	if (pipe2(gate, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	if (pipe2(status, O_CLOEXEC) < 0) {
		close(gate[0]);
		close(gate[1]);
		return err_errno(e, errno, "cannot make a pipe");
	}
	c->pid = fork();
	if (c->pid == 0) {
		close(gate[1]);
		close(status[0]);
		child_main(gate[0], status[1], argv, own_terminal);
	}
	close(gate[0]);
	close(status[1]);
	c->gate = gate[1];
	c->status = status[0];
	if (c->pid < 0) {
		close(c->gate);
		close(c->status);
		return err_errno(e, errno, "cannot fork");
	}
	return 0;
}

int record_child_go(struct record_child *c, const char *name, struct err *e)
{
	cleanup_close int gate = c->gate, status = c->status;
	int failed = 0;
	ssize_t n;

	if (write(gate, "g", 1) != 1)
		return err_errno(e, errno, "the command died before it was executed");
	do {
		n = read(status, &failed, sizeof(failed));
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(failed))
		return 0; /* closed by a successful execve */
	waitpid(c->pid, NULL, 0);
	return err_errno(e, failed, "cannot execute %s", name);
}

void record_child_abort(struct record_child *c)
{
	close(c->gate);
	close(c->status);
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
}
