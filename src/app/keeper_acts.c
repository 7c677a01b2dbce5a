#include "app/keeper_acts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/keeper_execs.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "enrich/container.h"
#include "respond/cgroup.h"
#include "respond/decide.h"
#include "respond/procinfo.h"
#include "respond/protect.h"
#include "sensor/watch_kill.h"

enum { BOXES_MAX = 4096, REFRESH_NS = 500000000, LEFT_MAX = 1000 };

/* What rules may ask for, and what the policy wants of a container from its start. */
enum {
	FROM_RULES = 1u << RESPOND_BLOCK_NETWORK | 1u << RESPOND_BLOCK_EXEC | 1u << RESPOND_FREEZE |
		     1u << RESPOND_QUARANTINE | 1u << RESPOND_KILL | 1u << RESPOND_KILL_CONTAINER,
	FROM_POLICY = 1u << RESPOND_DENY,
};

/* A container, as it was told first. */
struct box {
	struct keeper_box told;
	uint64_t group; /* the number of its control group; 0: not known */
	struct {
		uint32_t rules; /* rows that may act in it */
		int set;	/* kills that were left when it was looked at last */
	} armed[KEEPER_WATCHES];
};

struct keeper_acts {
	struct respond *acts;
	struct keeper_execs *execs;
	struct respond_policy policy;
	struct respond_decider *decider;
	bool sealed; /* the policy holds as it is */
	struct watch_kills *kills[KEEPER_WATCHES];
	struct map ids; /* → struct box */
	struct box **boxes;
	size_t n, cap;
	uint64_t refreshed;
};

/* ---- begin and end */

int keeper_acts_new(struct keeper_acts **out, const struct respond_options *given,
		    struct keeper_execs *execs, struct err *e)
{
	struct keeper_acts *a = xcalloc(1, sizeof(*a));
	struct respond_options o = *given;
	int err;

	a->execs = execs;
	o.decide = keeper_execs_ask;
	o.decider = execs;
	respond_policy_init(&a->policy);
	a->policy.enforce = true;
	a->decider = respond_decider_new(&a->policy);
	err = respond_new(&a->acts, &o, e);
	if (err < 0)
		keeper_acts_free(a);
	else
		*out = a;
	return err;
}

void keeper_acts_free(struct keeper_acts *a)
{
	if (!a)
		return;
	respond_free(a->acts);
	respond_decider_free(a->decider);
	respond_policy_free(&a->policy);
	for (size_t i = 0; i < a->n; i++)
		free(a->boxes[i]);
	free(a->boxes);
	map_free(&a->ids);
	free(a);
}

int keeper_acts_policy(struct keeper_acts *a, const void *bytes, size_t len, struct err *e)
{
	int err;

	if (a->sealed)
		return err_set(e, EPERM, "the response policy holds as it was given first");
	a->sealed = true;
	err = respond_policy_take(&a->policy, bytes, len, e);
	if (err < 0)
		return err;
	respond_set_evidence(a->acts, a->policy.evidence);
	keeper_execs_late(a->execs, a->policy.exec.refuse_late);
	return 0;
}

/* ---- containers */

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool is_whole(const struct keeper_box *b)
{
	return ends(b->id, sizeof(b->id)) && ends(b->cgroup, sizeof(b->cgroup)) &&
	       ends(b->name, sizeof(b->name)) && ends(b->image, sizeof(b->image)) &&
	       ends(b->namespace, sizeof(b->namespace)) && ends(b->pod, sizeof(b->pod));
}

/* Whether the path is one of the control group of the container with this id, and of no other. */
static bool is_of(const char *cgroup, const char *id)
{
	enum container_engine engine;
	char found[CONTAINER_ID_MAX];

	return container_id_of(cgroup, found, &engine) && !strcmp(found, id);
}

/* Containers that are gone make room. */
static void sweep(struct keeper_acts *a)
{
	size_t kept = 0;

	map_free(&a->ids);
	for (size_t i = 0; i < a->n; i++) {
		struct box *b = a->boxes[i];

		if (!cgroup_number(b->told.cgroup)) {
			free(b);
			continue;
		}
		a->boxes[kept++] = b;
		*map_at(&a->ids, b->told.id, strlen(b->told.id)) = b;
	}
	a->n = kept;
}

/* What was not known when it was told first is taken later. */
static void fill(char *to, const char *from)
{
	if (!*to)
		strcpy(to, from);
}

static struct box *told_again(struct box *b, const struct keeper_box *told)
{
	fill(b->told.name, told->name);
	fill(b->told.image, told->image);
	fill(b->told.namespace, told->namespace);
	fill(b->told.pod, told->pod);
	return b;
}

/* NULL: it is no container, or there are too many. */
static struct box *box_of(struct keeper_acts *a, const struct keeper_box *told)
{
	void **at;
	struct box *b;

	if (!is_whole(told) || !is_of(told->cgroup, told->id))
		return NULL;
	at = map_find(&a->ids, told->id, strlen(told->id));
	if (at)
		return told_again(*at, told);
	if (a->n == BOXES_MAX)
		sweep(a);
	if (a->n == BOXES_MAX)
		return NULL;
	b = xcalloc(1, sizeof(*b));
	b->told = *told;
	*vec_push(a->boxes, a->n, a->cap) = b;
	*map_at(&a->ids, told->id, strlen(told->id)) = b;
	return b;
}

static const char *known(const char *text)
{
	return *text ? text : NULL;
}

static struct respond_subject subject_of(const struct box *b)
{
	if (!b)
		return (struct respond_subject){ .priority = -1 };
	return (struct respond_subject){
		.container_id = b->told.id,
		.container_name = known(b->told.name),
		.image = known(b->told.image),
		.namespace = known(b->told.namespace),
		.pod = known(b->told.pod),
		.priority = -1,
	};
}

/* ---- requests */

/* A process is where /proc says it is. One that ended is nowhere, which is told later. */
static bool is_there(const struct respond_request *q)
{
	enum container_engine engine;
	char cgroup[RESPOND_CGROUP_MAX], id[CONTAINER_ID_MAX];
	int err = procinfo_cgroup((pid_t)q->pid, cgroup, sizeof(cgroup));

	if (err == -ENODATA)
		return !q->container[0];
	if (err < 0)
		return true;
	return q->container[0] ? strstr(cgroup, q->container) != NULL
			       : !container_id_of(cgroup, id, &engine);
}

/* Whether the policy wants all of this of the container. */
static bool is_wanted(const struct keeper_acts *a, const struct respond_request *q,
		      const struct respond_subject *who)
{
	uint64_t capabilities = 0;
	unsigned operations = 0;

	for (size_t i = 0; i < a->policy.denials_n; i++)
		if (respond_match(&a->policy.denials[i].match, who)) {
			operations |= a->policy.denials[i].operations;
			capabilities |= a->policy.denials[i].capabilities;
		}
	return !(q->operations & ~operations) && !(q->capabilities & ~capabilities);
}

/* What is asked for, with everything in it that follows from something else; false: it is none. */
static bool read_request(struct keeper_acts *a, const struct keeper_act *act,
			 struct respond_request *q, struct box **box, struct respond_result *out)
{
	*q = act->request;
	*box = NULL;
	if (q->action >= RESPOND_ACTION_COUNT || !((FROM_RULES | FROM_POLICY) >> q->action & 1)) {
		respond_say(out, RESPOND_REFUSED, "only done by hand");
		return false;
	}
	if (!ends(q->container, sizeof(q->container)) || !ends(q->exe, sizeof(q->exe)) ||
	    !ends(q->rule, sizeof(q->rule))) {
		respond_say(out, RESPOND_REFUSED, "no such action");
		return false;
	}
	q->flags = (a->policy.keep[q->action] ? RESPOND_KEEP : 0) |
		   (a->policy.host ? RESPOND_HOST : 0);
	if (!q->container[0])
		return true;
	*box = strcmp(q->container, act->box.id) == 0 ? box_of(a, &act->box) : NULL;
	if (!*box) {
		respond_say(out, RESPOND_REFUSED, "the container is not known");
		return false;
	}
	memcpy(q->cgroup, (*box)->told.cgroup, sizeof(q->cgroup));
	memcpy(q->image, (*box)->told.image, sizeof(q->image));
	return true;
}

static bool decide(struct keeper_acts *a, const struct respond_request *q,
		   const struct respond_subject *who, bool from_start, struct respond_result *out)
{
	const char *what = q->action == RESPOND_KILL ? respond_who(a->acts, (pid_t)q->pid) : NULL;

	if (q->action == RESPOND_KILL && !is_there(q)) {
		respond_say(out, RESPOND_REFUSED, "process %u is not where it is said to be",
			    q->pid);
		return false;
	}
	if (q->action == RESPOND_DENY && !is_wanted(a, q, who)) {
		respond_say(out, RESPOND_REFUSED, "the policy does not deny that");
		return false;
	}
	if (from_start)
		return respond_may(a->decider, q, who, what, out);
	respond_decide(a->decider, q, who, what, clock_ns(CLOCK_MONOTONIC), out);
	return out->outcome == RESPOND_DONE;
}

void keeper_acts_respond(struct keeper_acts *a, const struct keeper_act *act, int *program,
			 struct respond_result *out)
{
	char exe[RESPOND_EXE_MAX];
	struct respond_subject who;
	struct respond_request q;
	struct box *box;
	bool from_start;

	*program = -1;
	a->sealed = true;
	if (!read_request(a, act, &q, &box, out))
		return;
	/* About the container as such, once: limits are for what rules ask for. */
	from_start = q.action == RESPOND_DENY || (q.action == RESPOND_BLOCK_EXEC && !q.exe[0]);
	who = subject_of(box);
	who.rule = known(q.rule);
	who.program = q.action == RESPOND_KILL &&
				      procinfo_link((pid_t)q.pid, "exe", exe, sizeof(exe)) > 0
			      ? exe
			      : known(q.exe);
	if (!decide(a, &q, &who, from_start, out))
		return;
	respond_act(a->acts, &q, out);
	*program = respond_take_program(a->acts);
	if (out->outcome == RESPOND_DONE || out->outcome == RESPOND_ALREADY)
		respond_decider_set(a->decider, q.container, q.action,
				    respond_action_is_container(q.action) &&
					    q.action != RESPOND_BLOCK_EXEC);
}

/* ---- killing in the kernel */

/* By entries that name neither a rule nor a user: those the other process has to look at. */
static bool is_allowed(const struct keeper_acts *a, const struct box *b)
{
	struct respond_subject who = subject_of(b);

	for (size_t i = 0; i < a->policy.allow_n; i++) {
		struct respond_match m = a->policy.allow[i];

		m.program = NULL;
		if (!m.rule && !m.tag && !m.user && respond_match(&m, &who))
			return true;
	}
	return false;
}

/* Counts what the kernel did since the last look. */
static void count(struct keeper_acts *a, unsigned slot, uint64_t now)
{
	for (size_t i = 0; a->kills[slot] && i < a->n; i++) {
		struct box *b = a->boxes[i];
		int left;

		if (!b->armed[slot].rules)
			continue;
		left = watch_kill_left(a->kills[slot], b->group);
		if (left < b->armed[slot].set)
			respond_decider_count(a->decider, b->told.id, now,
					      (unsigned)(b->armed[slot].set - left));
		b->armed[slot].set = left;
	}
}

static void set_left(struct keeper_acts *a, unsigned slot, struct box *b, uint64_t now)
{
	unsigned left = respond_decider_left(a->decider, b->told.id, now);
	struct watch_killable k = { b->armed[slot].rules, left > LEFT_MAX ? LEFT_MAX : (int)left };

	if (watch_kill_arm(a->kills[slot], b->group, &k) == 0)
		b->armed[slot].set = k.left;
}

static void set_total(struct keeper_acts *a, unsigned slot, uint64_t now)
{
	watch_kill_limit(a->kills[slot], (int)respond_decider_left(a->decider, "", now));
}

void keeper_acts_programs(struct keeper_acts *a, unsigned slot, struct watch_kills *kills)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	a->sealed = true;
	count(a, slot, now);
	a->kills[slot] = kills && watch_kill_rows(kills) ? kills : NULL;
	for (size_t i = 0; i < a->n; i++)
		a->boxes[i]->armed[slot].rules = 0;
	if (a->kills[slot])
		set_total(a, slot, now);
}

int keeper_acts_arm(struct keeper_acts *a, const struct keeper_arm *arm)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), group;
	unsigned slot = arm->slot;
	struct box *b;

	if (slot >= KEEPER_WATCHES || !a->kills[slot])
		return -EINVAL;
	b = box_of(a, &arm->box);
	if (!b)
		return -EINVAL;
	if (respond_is_own_container(b->told.id) || cgroup_has_self(b->told.cgroup))
		return -EPERM;
	group = cgroup_number(b->told.cgroup);
	if (!group)
		return -ENOENT;
	count(a, slot, now);
	if (b->group != group) /* it was started again */
		for (unsigned i = 0; i < KEEPER_WATCHES; i++)
			b->armed[i].rules = 0;
	b->group = group;
	b->armed[slot].rules = is_allowed(a, b) ? 0 : arm->rules;
	set_left(a, slot, b, now);
	return 0;
}

int keeper_acts_between(struct keeper_acts *a, unsigned slot, const struct keeper_time *t)
{
	if (slot >= KEEPER_WATCHES || !a->kills[slot])
		return -EINVAL;
	watch_kill_between(a->kills[slot], t->from, t->until);
	return 0;
}

void keeper_acts_refresh(struct keeper_acts *a)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now - a->refreshed < REFRESH_NS)
		return;
	a->refreshed = now;
	for (unsigned slot = 0; slot < KEEPER_WATCHES; slot++)
		count(a, slot, now);
	for (unsigned slot = 0; slot < KEEPER_WATCHES; slot++) {
		if (!a->kills[slot])
			continue;
		set_total(a, slot, now);
		for (size_t i = 0; i < a->n; i++)
			if (a->boxes[i]->armed[slot].rules)
				set_left(a, slot, a->boxes[i], now);
	}
}
