#include "respond/act.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "respond/act_private.h"
#include "respond/kill.h"

static struct respond_held *held_find(struct respond *r, const struct respond_request *q)
{
	for (size_t i = 0; i < r->held_n; i++)
		if (!strcmp(r->held[i].container, q->container) &&
		    (q->container[0] || !strcmp(r->held[i].cgroup, q->cgroup)))
			return &r->held[i];
	return NULL;
}

static struct respond_held *held_of(struct respond *r, const struct respond_request *q)
{
	struct respond_held *h = held_find(r, q);

	if (h)
		return h;
	h = vec_push(r->held, r->held_n, r->held_cap);
	memcpy(h->container, q->container, sizeof(h->container));
	memcpy(h->cgroup, q->cgroup, sizeof(h->cgroup));
	return h;
}

/* ---- what is permitted */

static void act_kill(struct respond *r, const struct respond_request *q,
		     const struct cgroup_place *p, struct respond_result *out)
{
	(void)r;
	(void)p;
	kill_process(q, out);
}

static void act_kill_container(struct respond *r, const struct respond_request *q,
			       const struct cgroup_place *p, struct respond_result *out)
{
	(void)r;
	(void)q;
	cgroup_kill(p, out);
}

static void act_freeze(struct respond *r, const struct respond_request *q,
		       const struct cgroup_place *p, struct respond_result *out)
{
	(void)r;
	(void)q;
	if (cgroup_is_frozen(p))
		respond_say(out, RESPOND_ALREADY, "the container is frozen");
	else
		cgroup_freeze(p, out);
}

static void act_thaw(struct respond *r, const struct respond_request *q,
		     const struct cgroup_place *p, struct respond_result *out)
{
	(void)r;
	(void)q;
	cgroup_thaw(p, out);
}

static void act_block_network(struct respond *r, const struct respond_request *q,
			      const struct cgroup_place *p, struct respond_result *out)
{
	bool keep = q->flags & RESPOND_KEEP;
	struct respond_held *h = held_find(r, q);
	struct network_block *b;

	if ((h && h->network) || network_count(p)) {
		respond_say(out, RESPOND_ALREADY, "the network is blocked");
		return;
	}
	network_block(p, keep, &b, out);
	if (b)
		held_of(r, q)->network = b;
}

static void act_allow_network(struct respond *r, const struct respond_request *q,
			      const struct cgroup_place *p, struct respond_result *out)
{
	struct respond_held *h = held_find(r, q);

	network_allow(p, out);
	if (h) {
		network_block_free(h->network);
		h->network = NULL;
	}
}

/* What the program is has to be known where it is decided. */
static void block_exec(struct respond *r, const struct respond_request *q,
		       const struct cgroup_place *p, struct respond_result *out)
{
	int old = respond_take_program(r), program;

	if (old >= 0)
		close(old);
	exec_guard_add(r->execs, q, p, &program, out);
	if (!r->judge) {
		r->program = program;
		return;
	}
	if (out->outcome == RESPOND_DONE)
		exec_judge_forbid(r->judge, q, program, out);
	if (program >= 0)
		close(program);
}

static void act_block_exec(struct respond *r, const struct respond_request *q,
			   const struct cgroup_place *p, struct respond_result *out)
{
	if (q->flags & RESPOND_KEEP)
		respond_say(out, RESPOND_REFUSED,
			    "executions are refused as long as boltseal runs (fanotify); the "
			    "policy says keep");
	else if (r->judge && !exec_judge_add(r->judge, q))
		respond_say(out, RESPOND_FAILED, "too many containers");
	else
		block_exec(r, q, p, out);
}

static void act_allow_exec(struct respond *r, const struct respond_request *q,
			   const struct cgroup_place *p, struct respond_result *out)
{
	(void)p;
	exec_guard_remove(r->execs, q->container);
	if (r->judge)
		exec_judge_remove(r->judge, q->container);
	respond_say(out, RESPOND_DONE, "executions are permitted again");
}

static void act_deny(struct respond *r, const struct respond_request *q,
		     const struct cgroup_place *p, struct respond_result *out)
{
	if (!q->operations || q->operations >> RESPOND_OP_COUNT)
		respond_say(out, RESPOND_REFUSED, "no operations, or none that are known");
	else
		deny_add(r->denials, q, p, out);
}

static void act_permit(struct respond *r, const struct respond_request *q,
		       const struct cgroup_place *p, struct respond_result *out)
{
	(void)q;
	deny_remove(r->denials, p, out);
}

/* Stopped first, so that nothing changes what is then kept. */
static void act_quarantine(struct respond *r, const struct respond_request *q,
			   const struct cgroup_place *p, struct respond_result *out)
{
	struct respond_result frozen, cut, kept;

	act_freeze(r, q, p, &frozen);
	act_block_network(r, q, p, &cut);
	quarantine_collect(r, q, p, &kept);
	respond_say(out,
		    frozen.outcome == RESPOND_FAILED || kept.outcome == RESPOND_FAILED
			    ? RESPOND_FAILED
			    : RESPOND_DONE,
		    "%.150s; %.150s; %.180s", frozen.text, cut.text, kept.text);
}

static void act_release(struct respond *r, const struct respond_request *q,
			const struct cgroup_place *p, struct respond_result *out)
{
	struct respond_result thawed, allowed;

	act_allow_network(r, q, p, &allowed);
	act_thaw(r, q, p, &thawed);
	respond_say(out, thawed.outcome, "%.250s; %.250s", thawed.text, allowed.text);
}

/* The table of permitted requests. Nothing else is ever done. */
static const struct permitted {
	enum respond_action action;
	bool group; /* needs the container's control group */
	bool stops; /* is done to processes, so nothing protected may be among them */
	bool lasts; /* is written down, so that it can be taken back */
	void (*act)(struct respond *r, const struct respond_request *q,
		    const struct cgroup_place *p, struct respond_result *out);
} permitted[] = {
	{ RESPOND_KILL, false, true, false, act_kill },
	{ RESPOND_KILL_CONTAINER, true, true, false, act_kill_container },
	{ RESPOND_FREEZE, true, true, true, act_freeze },
	{ RESPOND_BLOCK_NETWORK, true, true, true, act_block_network },
	{ RESPOND_BLOCK_EXEC, true, true, true, act_block_exec },
	{ RESPOND_DENY, true, true, true, act_deny },
	{ RESPOND_QUARANTINE, true, true, true, act_quarantine },
	{ RESPOND_THAW, true, false, false, act_thaw },
	{ RESPOND_ALLOW_NETWORK, true, false, false, act_allow_network },
	{ RESPOND_ALLOW_EXEC, true, false, false, act_allow_exec },
	{ RESPOND_PERMIT, true, false, false, act_permit },
	{ RESPOND_RELEASE, true, false, false, act_release },
};

/* ---- the way in */

/* Texts must end, whoever sent them. */
static bool is_whole(const struct respond_request *q)
{
	return memchr(q->container, '\0', sizeof(q->container)) &&
	       memchr(q->cgroup, '\0', sizeof(q->cgroup)) && memchr(q->exe, '\0', sizeof(q->exe)) &&
	       memchr(q->rule, '\0', sizeof(q->rule)) && memchr(q->image, '\0', sizeof(q->image));
}

/* Whom the request is about: false, with the reason, when that must not be. */
static bool check_target(struct respond *r, const struct permitted *row,
			 const struct respond_request *q, struct cgroup_place *p,
			 struct respond_result *out)
{
	const char *who = NULL;

	if (row->group && !cgroup_find(q, p, out))
		return false;
	if (!row->stops)
		return true;
	if (q->container[0] &&
	    (respond_is_own_container(q->container) || cgroup_has_self(q->cgroup)))
		who = "boltseal's own container";
	if (!row->group) {
		if (!who)
			who = respond_protected(r->protect, (pid_t)q->pid);
		if (!who && !q->container[0] && !(q->flags & RESPOND_HOST)) {
			respond_say(out, RESPOND_REFUSED, "a process of the host");
			return false;
		}
	} else {
		for (int i = 0; i < 2 && !who; i++)
			who = respond_protected_group(r->protect, i ? p->v1 : p->v2);
	}
	if (who)
		respond_say(out, RESPOND_REFUSED, "never done to %s", who);
	return !who;
}

/* What is on stands in the folder of states; what is taken back goes from there. */
static void write_down(struct respond *r, const struct permitted *row,
		       const struct respond_request *q, struct respond_result *out)
{
	struct respond_state s = { .request = *q, .since = clock_ns(CLOCK_REALTIME) };
	struct err e = { 0 };

	for (enum respond_action a = 0; a < RESPOND_ACTION_COUNT; a++)
		if (respond_action_undo(a) == q->action)
			state_remove(r->state, a, q);
	if (!row->lasts)
		return;
	state_sign(&s);
	memcpy(s.detail, out->text, sizeof(s.detail));
	if (state_put(r->state, &s, &e) < 0) {
		size_t len = strlen(out->text);

		snprintf(out->text + len, sizeof(out->text) - len, "; not written down: %s", e.msg);
	}
}

/*
 * What is taken back from a container that is gone went with it, but for what this process holds
 * and what is pinned.
 */
static void forget(struct respond *r, const struct permitted *row, const struct respond_request *q,
		   const struct cgroup_place *p, struct respond_result *out)
{
	row->act(r, q, p, out);
	respond_say(out, RESPOND_DONE, "the container is gone, and what was switched on with it");
	write_down(r, row, q, out);
}

void respond_act(struct respond *r, const struct respond_request *q, struct respond_result *out)
{
	const struct permitted *row = NULL;
	struct cgroup_place p = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(permitted); i++)
		if (permitted[i].action == q->action)
			row = &permitted[i];
	if (!row || !is_whole(q)) {
		respond_say(out, RESPOND_REFUSED, "no such action");
		return;
	}
	if (!check_target(r, row, q, &p, out)) {
		if (!row->stops && cgroup_is_gone(&p))
			forget(r, row, q, &p, out);
		return;
	}
	row->act(r, q, &p, out);
	if (out->outcome == RESPOND_DONE)
		write_down(r, row, q, out);
}

void respond_set_evidence(struct respond *r, const char *folder)
{
	free(r->evidence);
	r->evidence = xstrdup(folder);
}

const char *respond_who(struct respond *r, pid_t pid)
{
	return respond_protected(r->protect, pid);
}

bool respond_refused(struct respond *r, struct exec_refusal *out)
{
	return r->judge && exec_judge_take(r->judge, out);
}

int respond_take_program(struct respond *r)
{
	int fd = r->program;

	r->program = -1;
	return fd;
}

static bool decide_here(void *ctx, struct exec_asked *a, int fd)
{
	return exec_judge_refuses(ctx, a, fd);
}

int respond_new(struct respond **out, const struct respond_options *o, struct err *e)
{
	struct respond *r = xcalloc(1, sizeof(*r));
	int err;

	r->guard_pipe = -1;
	r->state = xstrdup(o->state ? o->state : RESPOND_STATE_DEFAULT);
	r->evidence = xstrdup(o->evidence ? o->evidence : RESPOND_EVIDENCE);
	r->program = -1;
	r->protect = respond_protect_new();
	r->denials = deny_new();
	err = o->decide ? 0 : exec_judge_new(&r->judge, o->policy, e);
	if (err == 0)
		exec_guard_new(&r->execs, o->decide ? o->decide : decide_here,
			       o->decide ? o->decider : r->judge);
	if (err == 0 && o->guard) {
		guard_lift(r, 0);
		err = guard_start(r, e);
	}
	if (err < 0) {
		respond_free(r);
		return err;
	}
	*out = r;
	return 0;
}

void respond_free(struct respond *r)
{
	if (!r)
		return;
	if (r->guard) {
		guard_lift(r, getpid());
		guard_end(r);
	}
	for (size_t i = 0; i < r->held_n; i++)
		network_block_free(r->held[i].network);
	free(r->held);
	exec_guard_free(r->execs);
	exec_judge_free(r->judge);
	if (r->program >= 0)
		close(r->program);
	deny_free(r->denials);
	respond_protect_free(r->protect);
	free(r->state);
	free(r->evidence);
	free(r);
}
