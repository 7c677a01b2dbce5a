/* Checks of actions, of the values that go with them, and of who receives what they hand on. */
#include <string.h>

#include "base/cleanup.h"
#include "profile/compare.h"
#include "profile/lint_private.h"
#include "profile/seccomp_reader.h"

/* The action and the members with its data, of the profile (`rule` NULL) or of a rule. */
struct ret_members {
	struct json_object *o;
	const char *action, *number, *name;
	struct json_path at[4];
};

static struct ret_members members(const struct lint *l, const struct lint_rule *r)
{
	if (!r)
		return (struct ret_members){
			.o = l->doc.root,
			.action = lint_str(l->doc.root, "defaultAction"),
			.number = "defaultErrnoRet",
			.name = "defaultErrno",
		};
	return (struct ret_members){
		.o = r->o, .action = r->action, .number = "errnoRet", .name = "errno"
	};
}

static const struct json_path *member_at(struct lint_place *at, const struct lint_rule *r,
					 const char *member)
{
	if (r)
		return lint_at(at, r->index, member, -1, NULL);
	at->step[0] = (struct json_path){ NULL, member, 0 };
	return &at->step[0];
}

/* Calls `each` for the default and for every rule. */
static void each_ret(struct lint *l, const struct lint_check *c,
		     void (*each)(struct lint *l, const struct lint_check *c,
				  const struct lint_rule *r, const struct ret_members *m))
{
	struct ret_members m = members(l, NULL);

	each(l, c, NULL, &m);
	for (size_t i = 0; i < l->rules_n; i++) {
		m = members(l, &l->rules[i]);
		each(l, c, &l->rules[i], &m);
	}
}

static bool action_is(const struct ret_members *m, enum sp_action want)
{
	enum sp_action a;

	return m->action && sp_action_parse(m->action, &a) && a == want;
}

static void errno_unused(struct lint *l, const struct lint_check *c, const struct lint_rule *r,
			 const struct ret_members *m)
{
	const char *name = lint_str(m->o, m->name);
	enum sp_action a;

	if (!m->action || !sp_action_parse(m->action, &a) || sp_action_takes_data(a))
		return;
	if (lint_member(m->o, m->number, json_type_int)) {
		struct lint_finding *f = lint_add(
			l, c, LINT_HIGH, member_at(&(struct lint_place){ 0 }, r, m->number),
			"%s with %s", m->number, sp_action_name(a));

		if (f)
			f->fixable = true;
	}
	if (name && *name) {
		struct lint_finding *f = lint_add(l, c, LINT_LOW,
						  member_at(&(struct lint_place){ 0 }, r, m->name),
						  "%s with %s", m->name, sp_action_name(a));

		if (f)
			f->fixable = true;
	}
}

void lint_run_errno_unused(struct lint *l, const struct lint_check *c)
{
	each_ret(l, c, errno_unused);
}

static void errno_range(struct lint *l, const struct lint_check *c, const struct lint_rule *r,
			const struct ret_members *m)
{
	struct json_object *v = lint_member(m->o, m->number, json_type_int);
	const char *name = lint_str(m->o, m->name);
	uint64_t nr = 0;

	if (!action_is(m, SP_ERRNO) && !action_is(m, SP_TRACE))
		return;
	if (v && (json_object_get_int64(v) < 0 || json_object_get_uint64(v) > SP_MAX_ERRNO))
		lint_add(l, c, LINT_HIGH, member_at(&(struct lint_place){ 0 }, r, m->number),
			 "%s, expected 1 to %d", json_object_get_string(v), SP_MAX_ERRNO);
	if (name && *name && sp_errno_parse(name, &nr) < 0)
		lint_add(l, c, LINT_HIGH, member_at(&(struct lint_place){ 0 }, r, m->name),
			 "\"%.64s\" is no errno, expected a name such as ENOSYS or a number", name);
	else if (nr > SP_MAX_ERRNO)
		lint_add(l, c, LINT_HIGH, member_at(&(struct lint_place){ 0 }, r, m->name),
			 "%.64s, expected 1 to %d", name, SP_MAX_ERRNO);
}

void lint_run_errno_range(struct lint *l, const struct lint_check *c)
{
	each_ret(l, c, errno_range);
}

static void errno_zero(struct lint *l, const struct lint_check *c, const struct lint_rule *r,
		       const struct ret_members *m)
{
	struct json_object *v = lint_member(m->o, m->number, json_type_int);
	const char *name = lint_str(m->o, m->name);
	bool by_name = name && *name; /* counts before the number */

	if (!action_is(m, SP_ERRNO) || (by_name ? strcmp(name, "0") != 0 : !v) ||
	    (!by_name && json_object_get_int64(v)))
		return;
	lint_add(l, c, LINT_MEDIUM,
		 member_at(&(struct lint_place){ 0 }, r, by_name ? m->name : m->number),
		 "the calls are not carried out, and the program is told that they succeeded");
}

void lint_run_errno_zero(struct lint *l, const struct lint_check *c)
{
	each_ret(l, c, errno_zero);
}

void lint_run_default_errno(struct lint *l, const struct lint_check *c)
{
	struct json_path number = { NULL, "defaultErrnoRet", 0 };
	struct json_path name = { NULL, "defaultErrno", 0 };
	bool has = lint_member(l->doc.root, number.key, json_type_int);
	cleanup_buf struct buf ret = { 0 };

	if (l->p.deflt.action != SP_ERRNO || l->p.deflt.data == EPERM)
		return;
	sp_ret_text(l->p.deflt, &ret);
	lint_add(l, c, LINT_LOW, has ? &number : &name,
		 "the default is %s; older engines drop it and answer EPERM", buf_str(&ret));
}

void lint_run_default_allow(struct lint *l, const struct lint_check *c)
{
	struct json_path at = { NULL, "defaultAction", 0 };
	cleanup_lint_list struct lint_list open = { 0 };

	if (l->p.deflt.action != SP_ALLOW)
		return;
	for (const struct lint_danger *d = lint_dangers; d->name; d++)
		if (d->severity == LINT_HIGH && lint_verdict(l, d->name).plain.action == SP_ALLOW)
			lint_list_add(&open, d->name);
	if (open.n)
		lint_add(l, c, LINT_HIGH, &at,
			 "everything that is not listed is allowed, among it %s",
			 lint_list_end(&open));
	else
		lint_add(l, c, LINT_HIGH, &at, "everything that is not listed is allowed");
}

void lint_run_default_log(struct lint *l, const struct lint_check *c)
{
	struct json_path at = { NULL, "defaultAction", 0 };

	if (l->p.deflt.action == SP_LOG)
		lint_add(l, c, LINT_HIGH, &at,
			 "everything that is not listed is carried out, with a line in the audit "
			 "log");
}

void lint_run_default_tracer(struct lint *l, const struct lint_check *c)
{
	struct json_path at = { NULL, "defaultAction", 0 };

	if (l->p.deflt.action == SP_NOTIFY)
		lint_add(l, c, LINT_HIGH, &at,
			 "NOTIFY as the default: runc refuses it, since it covers its own write");
	else if (l->p.deflt.action == SP_TRACE)
		lint_add(l, c, LINT_MEDIUM, &at,
			 "TRACE as the default: without a tracer every call answers ENOSYS");
}

static const struct lint_rule *first_with(const struct lint *l, enum sp_action want)
{
	for (size_t i = 0; i < l->rules_n; i++)
		if (l->rules[i].sp && l->rules[i].sp->ret.action == want)
			return &l->rules[i];
	return NULL;
}

void lint_run_notify_write(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];

		for (size_t n = 0; n < r->names_n; n++)
			if (r->sp && r->sp->ret.action == SP_NOTIFY &&
			    !strcmp(r->names[n], "write"))
				lint_add(l, c, LINT_HIGH,
					 lint_at_name(&(struct lint_place){ 0 }, r, n),
					 "write under NOTIFY: runc refuses the profile");
	}
}

void lint_run_listener_missing(struct lint *l, const struct lint_check *c)
{
	const struct lint_rule *r = first_with(l, SP_NOTIFY);

	if (r && !l->p.listener_path)
		lint_add(l, c, LINT_HIGH,
			 lint_at(&(struct lint_place){ 0 }, r->index, "action", -1, NULL),
			 "NOTIFY, and no listenerPath says who answers");
}

void lint_run_tracer_missing(struct lint *l, const struct lint_check *c)
{
	const struct lint_rule *r = first_with(l, SP_TRACE);

	if (r)
		lint_add(l, c, LINT_MEDIUM,
			 lint_at(&(struct lint_place){ 0 }, r->index, "action", -1, NULL),
			 "TRACE: without a tracer, which engines do not start, the call answers "
			 "ENOSYS");
}

void lint_run_kill_thread(struct lint *l, const struct lint_check *c)
{
	if (l->p.deflt.action == SP_KILL_THREAD) {
		struct json_path at = { NULL, "defaultAction", 0 };

		lint_add(l, c, LINT_INFO, &at, "%s ends one thread only",
			 lint_str(l->doc.root, "defaultAction"));
	}
	for (size_t i = 0; i < l->rules_n; i++)
		if (l->rules[i].sp && l->rules[i].sp->ret.action == SP_KILL_THREAD)
			lint_add(l, c, LINT_INFO,
				 lint_at(&(struct lint_place){ 0 }, i, "action", -1, NULL),
				 "%s ends one thread only", l->rules[i].action);
}
