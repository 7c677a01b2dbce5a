/* What the response policy wants of containers without any rule, and what came of it. */
#include <stdio.h>
#include <string.h>

#include "app/watch_respond_private.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum { SEEN_MAX = 65536, TELL_NS = 100000000 };

/* Of no event: what is known of the process and its container. */
static struct finding *finding_of(struct watch_session *s, const struct respond_request *q)
{
	struct finding *f = finding_new();

	f->last_seen = clock_ns(CLOCK_REALTIME);
	f->hostname = s->hostname;
	f->source = "syscall";
	f->uid = f->loginuid = -1;
	f->container.id = q->container[0] ? arena_strdup(&f->arena, q->container) : NULL;
	f->container.image = q->image[0] ? arena_strdup(&f->arena, q->image) : NULL;
	f->process.pid = q->pid;
	f->process.exe = q->exe[0] ? arena_strdup(&f->arena, q->exe) : NULL;
	return f;
}

static void do_first(struct watch_respond *r, struct watch_session *s, struct respond_request *q,
		     const struct respond_subject *who)
{
	struct respond_result result;

	q->flags = r->policy.keep[q->action] ? RESPOND_KEEP : 0;
	if (respond_may(r->decider, q, who, NULL, &result))
		respond_do(r, q, who, &result);
	if (result.outcome != RESPOND_ALREADY)
		respond_tell(s, finding_of(s, q), q, &result);
}

void respond_container_seen(struct watch_respond *r, struct watch_session *s,
			    const struct process *p)
{
	static const struct rule_info no_rule = { .name = "", .priority = RP_DEBUG };
	const struct container *c = p->container;
	struct respond_subject who = respond_subject_of(c, &no_rule);
	struct respond_request q;

	if (map_find(&r->seen, c->id, strlen(c->id)) || r->seen.n >= SEEN_MAX)
		return;
	*map_at(&r->seen, c->id, strlen(c->id)) = r;
	respond_fill(&q, p, "");
	q.exe[0] = '\0'; /* it is about the container, and nothing of this program is forbidden */
	if (r->policy.exec.always) {
		q.action = RESPOND_BLOCK_EXEC;
		do_first(r, s, &q, &who);
	}
	q.action = RESPOND_DENY;
	for (size_t i = 0; i < r->policy.denials_n; i++) {
		const struct respond_denial *d = &r->policy.denials[i];

		if (!respond_match(&d->match, &who))
			continue;
		q.operations |= d->operations;
		q.capabilities |= d->capabilities;
	}
	if (q.operations)
		do_first(r, s, &q, &who);
}

void respond_tell_refusals(struct watch_respond *r, struct watch_session *s)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct exec_refusal one;

	if (now - r->told < TELL_NS)
		return;
	r->told = now;
	while (r->keeper ? exec_judge_take(r->judge, &one) : respond_refused(r->acts, &one)) {
		struct respond_request q = { .action = RESPOND_BLOCK_EXEC, .pid = one.pid };
		struct respond_result result;

		memcpy(q.container, one.container, sizeof(q.container));
		memcpy(q.exe, one.path, sizeof(q.exe));
		respond_say(&result, one.late ? RESPOND_FAILED : RESPOND_DONE,
			    "%s execute %.200s: %.200s",
			    one.late ? "decided too late to refuse to" : "refused to", one.path,
			    one.reason);
		respond_tell(s, finding_of(s, &q), &q, &result);
	}
	watch_flush(s);
}
