#include "app/keeper_execs.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/keeper_wire.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

struct execs_answer {
	uint32_t seq, refuse;
};

/* ---- asking */

struct keeper_execs {
	int sock;
	uint32_t asked, answered; /* numbers; the same: nothing is open */
	uint64_t unasked;	  /* executions while something was */
	bool gone;		  /* nobody is there any more */
	atomic_bool refuse_late;
};

struct keeper_execs *keeper_execs_new(int sock)
{
	struct keeper_execs *x = xcalloc(1, sizeof(*x));

	x->sock = sock;
	return x;
}

void keeper_execs_free(struct keeper_execs *x)
{
	free(x);
}

void keeper_execs_late(struct keeper_execs *x, bool refuse)
{
	x->refuse_late = refuse;
}

void keeper_execs_end(struct keeper_execs *x)
{
	shutdown(x->sock, SHUT_RDWR);
}

/* 1: an answer came, and is noted; 0: none until then; -1: nobody is there any more. */
static int receive_answer(struct keeper_execs *x, uint64_t until, struct execs_answer *out)
{
	for (;;) {
		struct pollfd p = { .fd = x->sock, .events = POLLIN };
		uint64_t now = clock_ns(CLOCK_MONOTONIC);
		int ms = now < until ? (int)((until - now + 999999) / 1000000) : 0;
		int n = poll(&p, 1, ms);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return 0;
		x->gone = recv(x->sock, out, sizeof(*out), 0) != (ssize_t)sizeof(*out);
		if (!x->gone)
			x->answered = out->seq;
		return x->gone ? -1 : 1;
	}
}

/* Whether all that was asked is answered by now. */
static bool has_caught_up(struct keeper_execs *x)
{
	struct execs_answer answer;

	while (x->answered != x->asked && receive_answer(x, 0, &answer) > 0)
		;
	if (x->answered != x->asked)
		return false;
	if (x->unasked)
		log_note("executions are decided again; meanwhile %lu were %s",
			 (unsigned long)x->unasked, x->refuse_late ? "refused" : "permitted");
	x->unasked = 0;
	return true;
}

bool keeper_execs_ask(void *execs, struct exec_asked *a, int fd)
{
	struct keeper_execs *x = execs;
	struct execs_answer answer;
	int got;

	if (!has_caught_up(x)) {
		x->unasked += !x->gone;
		return !x->gone && x->refuse_late;
	}
	a->time = clock_ns(CLOCK_MONOTONIC);
	a->seq = x->asked + 1;
	if (!keeper_send_with_fd(x->sock, a, sizeof(*a), fd, MSG_DONTWAIT))
		return errno != EPIPE && errno != ECONNRESET && x->refuse_late;
	x->asked++;
	do
		got = receive_answer(x, a->time + EXEC_WAIT_NS, &answer);
	while (got > 0 && answer.seq != a->seq);
	if (got > 0)
		return answer.refuse;
	if (got < 0)
		return false;
	log_warn("nobody decided whether process %u of %.12s may execute its program; it is %s",
		 a->pid, a->container, x->refuse_late ? "refused" : "permitted");
	return x->refuse_late;
}

/* ---- answering */

struct keeper_answers {
	int sock;
	struct exec_judge *judge;
	pthread_t thread;
};

static void *run(void *arg)
{
	struct keeper_answers *x = arg;
	struct exec_asked a;
	int fd;

	while (keeper_receive_with_fd(x->sock, &a, sizeof(a), &fd)) {
		struct execs_answer answer = { a.seq, exec_judge_refuses(x->judge, &a, fd) };

		close(fd);
		if (send(x->sock, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	return NULL;
}

int keeper_answers_start(struct keeper_answers **out, int sock, struct exec_judge *judge)
{
	struct keeper_answers *x = xcalloc(1, sizeof(*x));
	sigset_t all, old;
	int err;

	x->sock = sock;
	x->judge = judge;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&x->thread, NULL, run, x);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		free(x);
	else
		*out = x;
	return -err;
}

void keeper_answers_stop(struct keeper_answers *x)
{
	if (!x)
		return;
	shutdown(x->sock, SHUT_RDWR);
	pthread_join(x->thread, NULL);
	free(x);
}
