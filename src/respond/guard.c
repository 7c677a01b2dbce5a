/*
 * Taking back what shall not stay. A process of its own waits for the end of the agent, since a
 * process that is killed can do nothing any more and a frozen group stays frozen.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "respond/act_private.h"

struct lifting {
	struct respond *r;
	pid_t agent; /* 0: any that does not run any more */
};

static void lift_one(const struct respond_state *s, void *ctx)
{
	const struct lifting *l = ctx;
	struct respond_request undo = s->request;
	struct respond_result result;

	if (s->request.flags & RESPOND_KEEP)
		return;
	if (l->agent ? s->agent != l->agent : state_agent_runs(s))
		return;
	undo.action = respond_action_undo(s->request.action);
	respond_act(l->r, &undo, &result);
	/* A container that is gone needs no taking back. */
	state_remove(l->r->state, s->request.action, &s->request);
}

void guard_lift(struct respond *r, pid_t agent)
{
	state_each(r->state, lift_one, &(struct lifting){ r, agent });
}

/* Lives until the other end of the pipe is closed, and leaves everything else open alone. */
static _Noreturn void guard_main(struct respond *r, int pipe_end, pid_t agent)
{
	char byte;

	setsid();
	prctl(PR_SET_NAME, "boltseal-guard");
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGCHLD)
			signal(sig, SIG_IGN);
	if (chdir("/") < 0)
		_exit(1);
	for (int fd = 0; fd < 3; fd++) /* whoever reads the agent's output must see its end */
		close(fd);
	while (read(pipe_end, &byte, 1) < 0 && errno == EINTR)
		;
	guard_lift(r, agent);
	_exit(0);
}

int guard_start(struct respond *r, struct err *e)
{
	pid_t agent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	r->guard = fork();
	if (r->guard < 0) {
		int code = errno;

		close(ends[0]);
		close(ends[1]);
		r->guard = 0;
		return err_errno(e, code, "cannot start the process that takes blocking back");
	}
	if (r->guard == 0) {
		close(ends[1]);
		guard_main(r, ends[0], agent);
	}
	close(ends[0]);
	r->guard_pipe = ends[1];
	return 0;
}

void guard_end(struct respond *r)
{
	close(r->guard_pipe);
	waitpid(r->guard, NULL, 0);
	r->guard = 0;
	r->guard_pipe = -1;
}
