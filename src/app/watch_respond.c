#include "app/watch_respond_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/delivery.h"
#include "app/keeper.h"
#include "app/keeper_execs.h"
#include "app/watch_finding.h"
#include "app/watch_own.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/event_text.h"
#include "model/finding.h"
/* ---- begin and end */

static bool some_rule_responds(const struct rules *rules)
{
	for (size_t i = 0; i < rules_count(rules); i++)
		if (rules_at(rules, i)->respond)
			return true;
	return false;
}

/* The other process decides once more, by the policy as it is now. */
static int use_keeper(struct watch_respond *r, const char *mode, struct err *e)
{
	int err;

	if (!r->acting)
		return 0;
	if (!mode)
		return err_set(e, EINVAL,
			       "mode: enforce: with --user, expected --respond=enforce as well");
	if (r->policy.evidence[0] != '/')
		return err_set(e, EINVAL, "evidence: with --user, expected an absolute path");
	err = keeper_policy(r->keeper, &r->policy, e);
	if (err == 0)
		err = exec_judge_new(&r->judge, &r->policy, e);
	if (err < 0)
		return err;
	err = keeper_answers_start(&r->answers, keeper_execs_socket(r->keeper), r->judge);
	return err < 0 ? err_set(e, -err, "no thread to decide about executions") : 0;
}

/* Done there; which program it is that is forbidden is found out here. */
static void do_there(struct watch_respond *r, const struct respond_request *q,
		     const struct respond_subject *who, struct respond_result *out)
{
	cleanup_close int program = -1;

	if (q->action == RESPOND_BLOCK_EXEC && !exec_judge_add(r->judge, q)) {
		respond_say(out, RESPOND_FAILED, "too many containers");
		return;
	}
	keeper_respond(r->keeper, q, who, &program, out);
	if (q->action == RESPOND_BLOCK_EXEC && out->outcome == RESPOND_DONE)
		exec_judge_forbid(r->judge, q, program, out);
}

void respond_do(struct watch_respond *r, const struct respond_request *q,
		const struct respond_subject *who, struct respond_result *out)
{
	if (r->keeper)
		do_there(r, q, who, out);
	else
		respond_act(r->acts, q, out);
	r->guards |= q->action == RESPOND_BLOCK_EXEC;
}

static int start(struct watch_respond *r, const struct args *a, struct err *e)
{
	const char *mode = args_value(a, "respond"), *file = args_value(a, "response");
	struct respond_options o = { .state = args_value(a, "respond-state"), .guard = true };
	int err = file ? respond_policy_load(&r->policy, file, e) : 0;

	if (err < 0)
		return err;
	if (mode)
		r->policy.enforce = !strcmp(mode, "enforce");
	r->decider = respond_decider_new(&r->policy);
	r->protect = respond_protect_new();
	o.policy = &r->policy;
	o.evidence = r->policy.evidence;
	r->from_start = r->policy.enforce && (r->policy.exec.always || r->policy.denials_n);
	r->acting = r->policy.enforce;
	if (r->keeper)
		err = use_keeper(r, mode, e);
	else
		err = r->acting ? respond_new(&r->acts, &o, e) : 0;
	if (err == 0)
		log_note(r->policy.enforce
				 ? "responses are carried out"
				 : "responses are a dry run: they are told and not carried out");
	return err;
}

int watch_respond_new(struct watch_respond **out, const struct args *a, const struct rules *rules,
		      struct keeper *keeper, struct err *e)
{
	struct watch_respond *r;
	int err;

	if (!args_has(a, "respond") && !args_has(a, "response") && !some_rule_responds(rules))
		return 0;
	r = xcalloc(1, sizeof(*r));
	r->keeper = keeper;
	respond_policy_init(&r->policy);
	err = start(r, a, e);
	if (err < 0)
		watch_respond_free(r);
	else
		*out = r;
	return err;
}

void watch_respond_free(struct watch_respond *r)
{
	if (!r)
		return;
	keeper_answers_stop(r->answers);
	exec_judge_free(r->judge);
	respond_free(r->acts);
	respond_kernel_free(&r->kernel);
	map_free(&r->seen);
	respond_protect_free(r->protect);
	respond_decider_free(r->decider);
	respond_policy_free(&r->policy);
	free(r);
}

/* ---- the finding of an action */

static const struct {
	const char *priority;
	unsigned severity; /* tenths */
} weights[RESPOND_OUTCOME_COUNT] = {
	[RESPOND_DONE] = { "Warning", 50 }, [RESPOND_ALREADY] = { "Informational", 10 },
	[RESPOND_DRY] = { "Notice", 30 },   [RESPOND_REFUSED] = { "Notice", 30 },
	[RESPOND_FAILED] = { "Error", 70 },
};

/* "kill-container" → "KillContainer". */
static const char *type_of(struct finding *f, const char *action)
{
	char *type = arena_printf(&f->arena, "Response:Runtime/%s", action);
	char *to = strchr(type, '/') + 1;
	bool upper = true;

	for (const char *from = to; *from; from++) {
		if (*from == '-')
			upper = true;
		else
			*to++ = upper ? (char)(*from & ~32) : *from;
		upper = *from == '-';
	}
	*to = '\0';
	return type;
}

static void put_evidence(struct finding *f, const struct respond_request *q,
			 const struct respond_result *result)
{
	const struct {
		const char *key, *value;
	} members[] = {
		{ "response.action", respond_action_name(q->action) },
		{ "response.outcome", respond_outcome_name(result->outcome) },
		{ "response.text", result->text },
		{ "response.rule", q->rule },
		{ "container.id", q->container[0] ? q->container : "host" },
		{ "proc.exepath", q->exe },
	};
	cleanup_buf struct buf b = { 0 };

	buf_putc(&b, '{');
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		buf_printf(&b, "\"%s\":", members[i].key);
		json_put_bytes(&b, members[i].value);
		buf_putc(&b, ',');
	}
	buf_printf(&b, "\"proc.pid\":%u}", q->pid);
	f->evidence = arena_strdup(&f->arena, buf_str(&b));
}

/* `f` is a finding of the rule; it becomes one of the action. */
static void describe(struct finding *f, const struct respond_request *q,
		     const struct respond_result *result)
{
	cleanup_buf struct buf line = { 0 }, key = { 0 };
	const char *action = respond_action_name(q->action);

	f->priority = weights[result->outcome].priority;
	f->severity = weights[result->outcome].severity;
	f->apart = true;
	f->rule = f->title = arena_printf(&f->arena, "Response: %s", action);
	f->type = type_of(f, action);
	f->description = q->rule[0] ? arena_printf(&f->arena,
						   "What boltseal did because of the rule '%s'.",
						   q->rule)
				    : "What boltseal did because of the response policy.";
	f->remedy = "Look at the finding of the rule itself. 'boltseal respond list' shows what is "
		    "switched on, 'boltseal respond undo' takes it back.";
	f->tags_n = 0;
	f->technique = NULL;
	ev_time_put(EV_EVT_TIME, f->last_seen, &line);
	buf_printf(&line, ": %s response %s: %s: %s (rule=%s container=%.12s ", f->priority, action,
		   respond_outcome_name(result->outcome), result->text, q->rule,
		   q->container[0] ? q->container : "host");
	buf_printf(&line, "proc_pid=%u proc_exepath=%s)", q->pid, q->exe);
	f->output = arena_strdup(&f->arena, buf_str(&line));
	put_evidence(f, q, result);
	buf_printf(&key, "%s %s %s %u", q->rule, action, respond_outcome_name(result->outcome),
		   respond_action_is_container(q->action) ? 0 : q->pid);
	finding_set_key(f, buf_str(&key));
	f->first_seen = f->last_seen;
	finding_set_id(f);
}

void respond_tell(struct watch_session *s, struct finding *f, const struct respond_request *q,
		  const struct respond_result *result)
{
	describe(f, q, result);
	watch_tell(s, f);
}

/* ---- a rule fired */

/* By name, since neither folder knows the other. */
static unsigned actions_of_rule(const struct rule_info *rule)
{
	unsigned actions = 0;

	for (enum rules_action a = 0; a < RA_COUNT; a++)
		if (rule->respond >> a & 1)
			actions |= 1u << respond_action_by_name(rules_action_name(a));
	return actions;
}

struct respond_subject respond_subject_of(const struct container *c, const struct rule_info *rule)
{
	return (struct respond_subject){
		.container_id = c ? c->id : NULL,
		.container_name = c ? c->name : NULL,
		.image = c ? c->image : NULL,
		.namespace = c ? c->pod_namespace : NULL,
		.pod = c ? c->pod_name : NULL,
		.rule = rule->name,
		.tags = rule->tags,
		.tags_n = rule->tags_n,
		.priority = (int)rule->priority,
	};
}

static void set_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

void respond_fill(struct respond_request *q, const struct process *p, const char *rule)
{
	*q = (struct respond_request){ .pid = p->pid, .start = p->start };
	if (p->container) {
		set_text(q->container, sizeof(q->container), p->container->id);
		set_text(q->image, sizeof(q->image), p->container->image);
	}
	set_text(q->cgroup, sizeof(q->cgroup), p->program->cgroup);
	set_text(q->exe, sizeof(q->exe), p->program->exepath);
	set_text(q->rule, sizeof(q->rule), rule);
}

static void respond_one(struct watch_respond *r, struct respond_request *q,
			const struct respond_subject *who, struct respond_result *result)
{
	q->flags = (r->policy.keep[q->action] ? RESPOND_KEEP : 0) |
		   (r->policy.host ? RESPOND_HOST : 0);
	respond_decide(r->decider, q, who, respond_protected(r->protect, (pid_t)q->pid),
		       clock_ns(CLOCK_MONOTONIC), result);
	if (result->outcome != RESPOND_DONE)
		return;
	respond_do(r, q, who, result);
	if (result->outcome == RESPOND_DONE || result->outcome == RESPOND_ALREADY)
		/* Of block-exec each one adds a program. */
		respond_decider_set(r->decider, q->container, q->action,
				    respond_action_is_container(q->action) &&
					    q->action != RESPOND_BLOCK_EXEC);
}

/* Does what is asked for and tells it. */
static void carry_out(struct watch_respond *r, struct watch_session *s, const struct event *ev,
		      size_t rule, unsigned actions, const struct respond_subject *who,
		      struct respond_request *q)
{
	for (enum respond_action a = 0; a < RESPOND_ACTION_COUNT; a++) {
		struct respond_result result;

		if (!(actions >> a & 1))
			continue;
		q->action = a;
		if (a == RESPOND_KILL && r->kernel.killed >= 0 && r->kernel.killed != (int)rule)
			continue; /* told for the rule for which the kernel did it */
		if (a == RESPOND_KILL && r->kernel.killed == (int)rule)
			respond_say(&result, RESPOND_DONE,
				    "killed process %u by the kernel, in the event itself", q->pid);
		else
			respond_one(r, q, who, &result);
		if (result.outcome == RESPOND_ALREADY)
			continue;
		respond_tell(s, watch_finding(s, ev, rule), q, &result);
	}
	if (r->kernel.killed == (int)rule)
		r->kernel.killed = -1;
}

void watch_respond_fired(struct watch_respond *r, struct watch_session *s, const struct event *ev,
			 size_t rule)
{
	const struct rule_info *info = rules_at(s->rules, rule);
	const struct process *p = enrich_process(s->enrich);
	unsigned actions = actions_of_rule(info);
	cleanup_finding struct finding *of_rule = NULL;
	struct respond_subject who;
	struct respond_request q;

	if (!p || !p->program || (!actions && !r->policy.reactions_n))
		return;
	of_rule = watch_finding(s, ev, rule);
	who = respond_subject_of(p->container, info);
	who.program = of_rule->process.exe;
	who.user = of_rule->user;
	actions |= respond_policy_actions(&r->policy, &who);
	respond_fill(&q, p, info->name);
	carry_out(r, s, ev, rule, actions, &who, &q);
}

void watch_respond_begin(struct watch_respond *r, struct watch_session *s,
			 const struct watch_rec *rec)
{
	const struct process *p = enrich_process(s->enrich);

	if (r->from_start && rec->kind == WATCH_EXEC && p && p->program && p->container)
		respond_container_seen(r, s, p);
	respond_kernel_record(r, s, rec);
}

void watch_respond_tick(struct watch_respond *r, struct watch_session *s)
{
	respond_kernel_refresh(r);
	if (r->guards)
		respond_tell_refusals(r, s);
}

/* The kernel acted for a rule that another one hid: first come, first told. */
void watch_respond_end(struct watch_respond *r, struct watch_session *s, const struct event *ev)
{
	if (ev && r->kernel.killed >= 0)
		watch_respond_fired(r, s, ev, (size_t)r->kernel.killed);
	r->kernel.killed = -1;
}
