/* Checks of what the profile allows and refuses. */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/compare.h"
#include "profile/equivalents.h"
#include "profile/lint_private.h"
#include "profile/runtime_base.h"

/* Where a verdict comes from: its rule, or the default action. */
struct verdict_place {
	struct json_path deflt;
	struct lint_place rule;
};

static const struct json_path *verdict_at(struct verdict_place *at, const struct lint_verdict *v)
{
	at->deflt = (struct json_path){ NULL, "defaultAction", 0 };
	return v->rule ? lint_at(&at->rule, v->rule->source, NULL, -1, NULL) : &at->deflt;
}

/* Where the call stands in the rule. */
static const struct json_path *name_at(struct lint_place *at, const struct lint *l,
				       const struct sp_rule *r, const char *name)
{
	const struct lint_rule *raw = &l->rules[r->source];

	for (size_t n = 0; n < raw->names_n; n++)
		if (!strcmp(raw->names[n], name))
			return lint_at_name(at, raw, n);
	return lint_at(at, r->source, NULL, -1, NULL);
}

static bool refused(const struct lint_verdict *v)
{
	return v->plain.action <= SP_ERRNO;
}

static bool enosys(struct sp_ret r)
{
	return r.action == SP_ERRNO && r.data == ENOSYS;
}

/* The runtime that is asked for, or the one that the engine uses. */
static const char *runtime_of(const struct lint *l)
{
	static const char *const of_engine[LINT_ENGINE_COUNT] = {
		[LINT_DOCKER] = "runc",
		[LINT_PODMAN] = "crun",
		[LINT_CONTAINERD] = "runc",
		[LINT_CRUN] = "crun",
	};

	return l->o->runtime ? l->o->runtime : of_engine[l->o->engine];
}

/* The greatest number that a rule names: runc answers ENOSYS to those above. */
static int greatest_named(const struct lint *l, enum sc_abi abi)
{
	int max = -1;

	for (size_t i = 0; i < l->calls_n; i++)
		if (l->calls[i].d->nr[abi] > max)
			max = l->calls[i].d->nr[abi];
	return max;
}

/* Whether the program gets ENOSYS although the profile says otherwise. */
static bool stub_answers(const struct lint *l, const struct sc_desc *d)
{
	enum sc_abi abi = l->o->host.native;
	const char *runtime = runtime_of(l);

	return runtime && !strcmp(runtime, "runc") && d->nr[abi] >= 0 &&
	       d->nr[abi] > greatest_named(l, abi);
}

/* clone without any new namespace, as for a thread or a child. */
static bool clone_works(const struct lint *l)
{
	struct lint_verdict v = lint_verdict(l, "clone");

	return lint_lets(v.plain) || v.some_allowed;
}

void lint_run_clone3_refused(struct lint *l, const struct lint_check *c)
{
	struct lint_verdict v = lint_verdict(l, "clone3");
	cleanup_buf struct buf ret = { 0 };

	if (!clone_works(l) || !refused(&v) || enosys(v.plain) ||
	    stub_answers(l, sc_by_name("clone3")))
		return;
	sp_ret_text(v.plain, &ret);
	lint_add(
		l, c, LINT_HIGH, verdict_at(&(struct verdict_place){ 0 }, &v),
		"clone is allowed and clone3 gets %s: programs of glibc 2.34 and later cannot make "
		"threads or children",
		buf_str(&ret));
}

static bool clone_call_allowed(const struct lint *l, const char *name, uint64_t flags)
{
	uint64_t args[SC_MAX_ARGS] = { flags };
	enum sc_abi abi = l->o->host.native;
	int nr = sc_nr(abi, name);

	return nr >= 0 && lint_lets(sp_eval(&l->p, sc_abi_audit_arch(abi), (uint32_t)nr, args));
}

void lint_run_clone3_allowed(struct lint *l, const struct lint_check *c)
{
	struct lint_verdict v = lint_verdict(l, "clone3"), clone = lint_verdict(l, "clone");
	struct lint_place place;

	if (!lint_lets(v.plain) || !v.rule || !clone.limited ||
	    clone_call_allowed(l, "clone", CLONE_NEWUSER))
		return;
	lint_add(l, c, LINT_HIGH, name_at(&place, l, v.rule, "clone3"),
		 "clone is limited by its flags, and clone3 is allowed, which takes the same flags "
		 "from memory");
}

void lint_run_new_call_eperm(struct lint *l, const struct lint_check *c)
{
	for (const struct lint_new_call *n = lint_new_calls; n->name; n++) {
		const struct sc_desc *d = sc_by_name(n->name);
		struct lint_verdict v = lint_verdict(l, n->name);
		cleanup_buf struct buf ret = { 0 };
		bool listed = false;

		for (unsigned a = 0; a < SC_ABI_COUNT; a++)
			listed |= l->p.abi[a] && d->nr[a] >= 0;
		if (!listed || sc_kver_cmp(d->since, l->o->libc_kernel) <= 0 || !refused(&v) ||
		    v.some_allowed || enosys(v.plain) || stub_answers(l, d))
			continue;
		sp_ret_text(v.plain, &ret);
		lint_add(l, c, LINT_MEDIUM, verdict_at(&(struct verdict_place){ 0 }, &v),
			 "%s (Linux %u.%u) gets %s: %s", n->name, d->since.major, d->since.minor,
			 buf_str(&ret), n->breaks);
	}
}

/* The calls of the base that are refused; those that are only a precaution separately. */
struct missing {
	struct lint_list needed, precaution;
};

static void find_missing(const struct lint *l, const char *runtime, const struct runtime_base *base,
			 struct missing *m)
{
	for (size_t i = 0; i < base->n; i++) {
		struct lint_verdict v = lint_verdict(l, base->names[i]);

		if (!refused(&v) || v.some_allowed || sc_nr(l->o->host.native, base->names[i]) < 0)
			continue;
		lint_list_add(runtime_base_certain(runtime, base->names[i],
						   l->o->runtime && l->o->runtime_version)
				      ? &m->needed
				      : &m->precaution,
			      base->names[i]);
	}
}

static void missing_free(struct missing *m)
{
	lint_list_free(&m->needed);
	lint_list_free(&m->precaution);
}

/* Whether the runtime can start anything at all, with its smallest base. */
static bool starts(const struct lint *l, const char *runtime, int nnp)
{
	cleanup(missing_free) struct missing m = { 0 };
	struct runtime_base base;

	if (runtime_base_find(runtime, l->o->runtime ? l->o->runtime_version : NULL, nnp != 0,
			      &base, NULL) < 0)
		return true;
	find_missing(l, runtime, &base, &m);
	return !m.needed.n;
}

static void base_finding(struct lint *l, const struct lint_check *c, const char *runtime, int nnp,
			 enum lint_severity severity)
{
	const char *version = l->o->runtime ? l->o->runtime_version : NULL;
	struct json_path at = { NULL, "syscalls", 0 };
	cleanup(missing_free) struct missing m = { 0 };
	struct runtime_base base;
	const char *list;

	if (runtime_base_find(runtime, version, nnp == 1, &base, NULL) < 0)
		return;
	find_missing(l, runtime, &base, &m);
	list = lint_list_end(&m.needed);
	if (m.needed.n)
		lint_add(l, c, severity, &at, "%s, no_new_privs %s: no container starts without %s",
			 base.label, nnp == 1 ? "on" : "off", list);
	list = lint_list_end(&m.precaution);
	if (m.precaution.n && !m.needed.n)
		lint_add(l, c, LINT_LOW, &at,
			 "%s, no_new_privs %s: some starts may fail without %s", base.label,
			 nnp == 1 ? "on" : "off", list);
}

/*
 * A known runtime must start, with what is known of no_new_privs. Without a known one: some runtime
 * must start in some way, and those that do not are worth a remark.
 */
void lint_run_base_missing(struct lint *l, const struct lint_check *c)
{
	static const char *const all[] = { "runc", "crun" };
	const char *runtime = runtime_of(l);
	int nnp = l->o->no_new_privs;
	bool any = false;

	if (runtime && nnp >= 0) {
		base_finding(l, c, runtime, nnp, LINT_HIGH);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		any |= (!runtime || !strcmp(runtime, all[i])) && starts(l, all[i], nnp);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!runtime || !strcmp(runtime, all[i]))
			base_finding(l, c, all[i], any ? nnp : 1, any ? LINT_LOW : LINT_HIGH);
}

static void multiplexed(struct lint *l, const struct lint_check *c, const char *call,
			const char *through)
{
	const struct lint_call *limited = lint_call_find(l, call);
	struct lint_verdict v = lint_verdict(l, call);
	struct lint_place place;

	if (!limited || !v.limited || !v.some_allowed || lint_lets(v.plain))
		return;
	for (size_t i = 0; i < limited->n; i++) {
		if (!limited->rule[i]->conds_n || !lint_lets(limited->rule[i]->ret))
			continue;
		lint_add(l, c, LINT_MEDIUM, name_at(&place, l, limited->rule[i], call),
			 "%s is limited by its arguments, and SCMP_ARCH_X86 is listed: 32-bit "
			 "callers reach it without that limit through %s",
			 call, through);
		return;
	}
}

void lint_run_multiplexer(struct lint *l, const struct lint_check *c)
{
	static const char *const sockets[] = {
		"socket",      "bind",	     "connect",	 "listen",   "accept",	 "getsockname",
		"getpeername", "sendto",     "sendmsg",	 "recvfrom", "recvmsg",	 "socketpair",
		"setsockopt",  "getsockopt", "shutdown", "accept4",  "sendmmsg", "recvmmsg",
	};
	static const char *const ipcs[] = {
		"semget", "semctl", "semtimedop", "msgget", "msgctl", "msgsnd",
		"msgrcv", "shmget", "shmctl",	  "shmat",  "shmdt",
	};

	if (!l->p.abi[SC_I386])
		return;
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		multiplexed(l, c, sockets[i], "socketcall");
	for (size_t i = 0; i < ARRAY_SIZE(ipcs); i++)
		multiplexed(l, c, ipcs[i], "ipc");
}

/* What Docker's own profile does with the call. */
static const char *docker_says(const struct lint_danger *d, char text[128])
{
	if (!d->docker)
		return "";
	if (!*d->docker)
		return "; Docker's default profile never allows it";
	snprintf(text, 128, "; Docker's default profile allows it with %s only", d->docker);
	return text;
}

void lint_run_dangerous(struct lint *l, const struct lint_check *c)
{
	for (const struct lint_danger *d = lint_dangers; d->name; d++) {
		struct lint_verdict v = lint_verdict(l, d->name);
		struct lint_place place;
		char text[128];

		if (v.rule && v.plain.action == SP_ALLOW)
			lint_add(l, c, d->severity, name_at(&place, l, v.rule, d->name),
				 "%s is allowed: it %s%s", d->name, d->why, docker_says(d, text));
	}
}

void lint_run_namespaces(struct lint *l, const struct lint_check *c)
{
	static const struct {
		const char *call;
		enum lint_severity severity;
	} calls[] = { { "clone", LINT_HIGH }, { "unshare", LINT_HIGH } };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct lint_verdict v = lint_verdict(l, calls[i].call);
		const struct lint_call *call = lint_call_find(l, calls[i].call);
		struct lint_place place;

		if (call && clone_call_allowed(l, calls[i].call, CLONE_NEWUSER))
			lint_add(l, c, calls[i].severity,
				 name_at(&place, l, v.rule ? v.rule : call->rule[0], calls[i].call),
				 "%s may make user namespaces%s", calls[i].call,
				 v.limited ? ": the conditions let CLONE_NEWUSER through"
					   : ", without any condition on its flags");
	}
}

/* Explicitly refused in all cases, and not as "not implemented". */
static bool denied_on_purpose(const struct lint_verdict *v)
{
	return v->rule && refused(v) && !enosys(v->plain) && !v->some_allowed;
}

/* The calls of one group: a denied one beside an allowed one. */
static void incomplete(struct lint *l, const struct lint_check *c, const char *const *group,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct lint_verdict v = lint_verdict(l, group[i]);
		cleanup_lint_list struct lint_list open = { 0 };
		struct lint_place place;
		const char *list;

		/* clone3 has a check of its own. */
		if (!denied_on_purpose(&v) || !strcmp(group[i], "clone3"))
			continue;
		for (size_t k = 0; k < n; k++)
			if (k != i && lint_lets(lint_verdict(l, group[k]).plain) &&
			    sc_nr(l->o->host.native, group[k]) >= 0)
				lint_list_add(&open, group[k]);
		list = lint_list_end(&open);
		if (open.n)
			lint_add(l, c, LINT_MEDIUM, name_at(&place, l, v.rule, group[i]),
				 "%s is refused, and %s, which can do the same, allowed", group[i],
				 list);
	}
}

void lint_run_denial_incomplete(struct lint *l, const struct lint_check *c)
{
	const char *const *group;
	size_t n;

	for (size_t g = 0; lint_same_work[g].n; g++)
		incomplete(l, c, lint_same_work[g].names, lint_same_work[g].n);
	for (size_t g = 0; (group = equivalents_group(g, GEN_EQ_ALL, &n)); g++)
		incomplete(l, c, group, n);
}
