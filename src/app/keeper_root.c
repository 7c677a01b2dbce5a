#include "app/keeper_root.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/command.h"
#include "app/keeper_acts.h"
#include "app/keeper_execs.h"
#include "app/keeper_table.h"
#include "app/keeper_wire.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enrich/outside.h"
#include "respond/policy.h"
#include "sensor/watch_drift.h"
#include "sensor/watch_share.h"

enum { SECOND_MS = 1000, KILLS_MS = 500 };

struct root {
	int sock;
	struct watch *watches[KEEPER_WATCHES];
	time_t counted;
	struct keeper_acts *acts; /* NULL: responses are not carried out */
};

static pid_t to;

static void hand_on(int sig)
{
	kill(to, sig);
}

static bool answer(struct root *r, const struct keeper_reply *reply, const void *bytes,
		   const int *fds)
{
	if (!keeper_send(r->sock, reply, sizeof(*reply)) ||
	    !keeper_send(r->sock, bytes, reply->len))
		return false;
	for (uint32_t i = 0; i < reply->fds; i++)
		if (!keeper_send_fd(r->sock, fds[i]))
			return false;
	return true;
}

static bool answer_error(struct root *r, int err, const struct err *e)
{
	struct keeper_reply reply = { .result = err, .len = (uint32_t)strlen(e->msg) };

	return answer(r, &reply, e->msg, NULL);
}

static bool do_watch(struct root *r, const char *plan, size_t len)
{
	struct keeper_reply reply = { 0 };
	int fds[WATCH_SHARED_MAX], slot = 0, err;
	enum watch_hooks hooks;
	struct err e;

	while (slot < KEEPER_WATCHES && r->watches[slot])
		slot++;
	if (slot == KEEPER_WATCHES)
		return answer_error(r, -EBUSY, &(struct err){ .msg = "too many are watching" });
	err = watch_plan_take(&r->watches[slot], plan, len, r->acts, &e);
	if (err < 0)
		return answer_error(r, err, &e);
	err = watch_start(r->watches[slot], &e);
	if (err < 0) {
		watch_free(r->watches[slot]);
		r->watches[slot] = NULL;
		return answer_error(r, err, &e);
	}
	if (r->acts)
		keeper_acts_programs(r->acts, (unsigned)slot, watch_kills(r->watches[slot]));
	if (watch_uring_unseen(r->watches[slot]))
		log_warn("what programs do through io_uring is not seen: %s",
			 watch_uring_unseen(r->watches[slot]));
	reply.result = slot;
	reply.fds = (uint32_t)watch_share(r->watches[slot], fds, &hooks);
	reply.hooks = hooks;
	reply.caps = watch_drift_caps(r->watches[slot]);
	return answer(r, &reply, NULL, fds);
}

static bool do_unwatch(struct root *r, int slot)
{
	struct keeper_reply reply = { .result = -EINVAL };

	if (slot >= 0 && slot < KEEPER_WATCHES) {
		if (r->acts)
			keeper_acts_programs(r->acts, (unsigned)slot, NULL);
		watch_free(r->watches[slot]);
		r->watches[slot] = NULL;
		reply.result = 0;
	}
	return answer(r, &reply, NULL, NULL);
}

static bool do_drift(struct root *r, int slot, const char *bytes, size_t len)
{
	struct keeper_reply reply = { .result = -EINVAL };
	struct watch_asked asked = { 0 };
	struct watch_drift_ask q;

	if (len != sizeof(q))
		return false;
	memcpy(&q, bytes, sizeof(q));
	if (slot >= 0 && slot < KEEPER_WATCHES && r->watches[slot])
		reply.result = watch_drift_do(r->watches[slot], &q, &asked);
	if (reply.result == 0 && q.op == WATCH_DRIFT_ASKED)
		reply.len = sizeof(asked);
	return answer(r, &reply, &asked, NULL);
}

static bool do_open(struct root *r, const char *path, int flags)
{
	cleanup_close int fd = keeper_open(path, flags);
	struct keeper_reply reply = { .result = fd < 0 ? fd : 0, .fds = fd >= 0 };

	return answer(r, &reply, NULL, &fd);
}

static bool do_link(struct root *r, const char *path)
{
	char target[KEEPER_PATH_MAX];
	ssize_t n = keeper_link(path, target, sizeof(target));
	struct keeper_reply reply = { .result = n < 0 ? (int)n : 0,
				      .len = n < 0 ? 0 : (uint32_t)n };

	return answer(r, &reply, target, NULL);
}

static bool do_pids(struct root *r)
{
	cleanup_free uint32_t *pids = NULL;
	size_t n;
	int err = outside_pids(&(struct outside){ 0 }, &pids, &n);
	struct keeper_reply reply = { .result = err, .len = (uint32_t)(n * sizeof(*pids)) };

	return answer(r, &reply, pids, NULL);
}

static bool do_policy(struct root *r, const char *bytes, size_t len)
{
	struct err e = { 0 };
	int err = r->acts ? keeper_acts_policy(r->acts, bytes, len, &e)
			  : err_set(&e, EPERM, "not asked for by --respond=enforce");

	return answer_error(r, err, &e);
}

static bool do_respond(struct root *r, const char *bytes, size_t len)
{
	struct keeper_reply reply = { .len = sizeof(struct respond_result) };
	struct respond_result result = { 0 };
	cleanup_close int program = -1;
	struct keeper_act act;

	if (len != sizeof(act))
		return false;
	memcpy(&act, bytes, sizeof(act));
	if (r->acts)
		keeper_acts_respond(r->acts, &act, &program, &result);
	else
		respond_say(&result, RESPOND_REFUSED, "not asked for by --respond=enforce");
	reply.fds = program >= 0;
	return answer(r, &reply, &result, &program);
}

static bool do_arm(struct root *r, const char *bytes, size_t len)
{
	struct keeper_reply reply = { .result = -EPERM };
	struct keeper_arm arm;

	if (len != sizeof(arm))
		return false;
	memcpy(&arm, bytes, sizeof(arm));
	if (r->acts)
		reply.result = keeper_acts_arm(r->acts, &arm);
	return answer(r, &reply, NULL, NULL);
}

static bool do_between(struct root *r, int slot, const char *bytes, size_t len)
{
	struct keeper_reply reply = { .result = -EPERM };
	struct keeper_time t;

	if (len != sizeof(t))
		return false;
	memcpy(&t, bytes, sizeof(t));
	if (r->acts)
		reply.result = keeper_acts_between(r->acts, (unsigned)slot, &t);
	return answer(r, &reply, NULL, NULL);
}

/* What follows a request at most. */
static uint32_t limit_of(uint32_t op)
{
	return op == KEEPER_WATCH     ? (uint32_t)WATCH_PLAN_MAX
	       : op == KEEPER_POLICY  ? (uint32_t)RESPOND_POLICY_BYTES
	       : op == KEEPER_RESPOND ? sizeof(struct keeper_act)
				      : KEEPER_PATH_MAX - 1;
}

/* One request; false: the connection is to end. */
static bool serve(struct root *r)
{
	struct keeper_request q;
	cleanup_free char *bytes = NULL;

	if (!keeper_receive(r->sock, &q, sizeof(q)) || q.len > limit_of(q.op))
		return false;
	bytes = xcalloc(1, q.len + 1);
	if (!keeper_receive(r->sock, bytes, q.len))
		return false;
	switch (q.op) {
	case KEEPER_WATCH:
		return do_watch(r, bytes, q.len);
	case KEEPER_UNWATCH:
		return do_unwatch(r, q.arg);
	case KEEPER_OPEN:
		return do_open(r, bytes, q.arg);
	case KEEPER_LINK:
		return do_link(r, bytes);
	case KEEPER_PIDS:
		return do_pids(r);
	case KEEPER_POLICY:
		return do_policy(r, bytes, q.len);
	case KEEPER_RESPOND:
		return do_respond(r, bytes, q.len);
	case KEEPER_ARM:
		return do_arm(r, bytes, q.len);
	case KEEPER_BETWEEN:
		return do_between(r, q.arg, bytes, q.len);
	case KEEPER_DRIFT:
		return do_drift(r, q.arg, bytes, q.len);
	}
	return false;
}

/* Each second it is counted what the kernel left out. */
static void count(struct root *r)
{
	time_t now = time(NULL);

	for (int i = 0; now != r->counted && i < KEEPER_WATCHES; i++)
		if (r->watches[i])
			watch_count(r->watches[i]);
	r->counted = now;
}

static void wait_for_request(struct root *r)
{
	struct pollfd p = { .fd = r->sock, .events = POLLIN };
	int n;

	do {
		count(r);
		if (r->acts)
			keeper_acts_refresh(r->acts);
		n = poll(&p, 1, r->acts ? KILLS_MS : SECOND_MS);
	} while (n == 0 || (n < 0 && errno == EINTR));
}

int keeper_root(int sock, int execs_sock, pid_t child, const struct respond_options *respond)
{
	struct sigaction sa = { .sa_handler = hand_on, .sa_flags = SA_RESTART };
	struct keeper_execs *execs = keeper_execs_new(execs_sock);
	struct root r = { .sock = sock };
	struct err e = { 0 };
	int status = 0;

	to = child;
	if (respond && keeper_acts_new(&r.acts, respond, execs, &e) < 0)
		log_warn("responses cannot be carried out: %s", e.msg);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	do
		wait_for_request(&r);
	while (serve(&r));
	/* Whoever asks for something else is no boltseal, and is to end. */
	shutdown(sock, SHUT_RDWR);
	keeper_execs_end(execs);
	keeper_acts_free(r.acts);
	keeper_execs_free(execs);
	for (int i = 0; i < KEEPER_WATCHES; i++)
		watch_free(r.watches[i]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_warn("the process that judges was ended by signal %d", WTERMSIG(status));
	return EXIT_ERROR;
}
