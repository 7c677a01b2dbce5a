/*
 * Judging pods and what makes pods by the Pod Security Standards, step by step as the API server's
 * own plugin does (pod-security-admission, admission/admission.go): enforced on pods; pod templates
 * get warnings and audit annotations.
 */
#include <string.h>

#include "inspect/admit_private.h"

/* Requests to these say nothing about what a pod is allowed to do. */
static const char *const ignored_subresources[] = {
	"exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status",
};

static const struct {
	const char *group, *resource;
} controllers[] = {
	{ "", "replicationcontrollers" },
	{ "", "podtemplates" },
	{ "apps", "replicasets" },
	{ "apps", "deployments" },
	{ "apps", "statefulsets" },
	{ "apps", "daemonsets" },
	{ "batch", "jobs" },
	{ "batch", "cronjobs" },
};

static bool ignored(const char *subresource)
{
	for (size_t i = 0; i < ARRAY_SIZE(ignored_subresources); i++)
		if (adm_is(ignored_subresources[i], subresource))
			return true;
	return false;
}

static bool is_controller(const struct adm *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (adm_is(controllers[i].group, r->group) &&
		    adm_is(controllers[i].resource, r->resource))
			return true;
	return false;
}

/* ---- what became of a pod */

struct judged {
	struct pss_policy policy;
	bool allowed;
	const char *message;
};

struct judgement {
	struct judged done[ADM_MODE_COUNT];
	size_t n;
};

static bool same_policy(const struct pss_policy *a, const struct pss_policy *b)
{
	return a->level == b->level && a->minor == b->minor;
}

/* Modes with the same level and version share what was found. */
static const struct judged *judge(struct adm *r, struct judgement *j, enum adm_mode mode,
				  const struct pss_policy *policy, const struct ps_pod *pod)
{
	struct pss_violation v[PSS_MAX_CHECKS];
	struct judged *d = NULL;
	struct buf b = { 0 };
	size_t n;

	for (size_t i = 0; i < j->n && !d; i++)
		if (same_policy(&j->done[i].policy, policy))
			d = &j->done[i];
	if (!d) {
		d = &j->done[j->n++];
		n = pss_evaluate(pod, policy, &r->arena, v);
		pss_message(v, n, &b);
		*d = (struct judged){ *policy, n == 0, words_keep(&b, &r->arena) };
	}
	/* Only enforcing counts what it lets through. */
	if (mode == ADM_ENFORCE || !d->allowed)
		r->answer->evaluations[mode][policy->level][!d->allowed]++;
	return d;
}

static const char *policy_name(struct adm *r, const struct pss_policy *policy)
{
	struct buf b = { 0 };

	pss_policy_name(policy, &b);
	return words_keep(&b, &r->arena);
}

static void audit_faults(struct adm *r, const struct adm_fault *f, size_t n)
{
	struct buf b = { 0 };

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%smetadata.labels[%s]: Invalid value: %s: %s", i ? ", " : "",
			   f[i].field, adm_quote(r, f[i].value), f[i].why);
	adm_audit(r, "error", n > 1 ? "Failed to parse policy: [%s]" : "Failed to parse policy: %s",
		  words_keep(&b, &r->arena));
}

static void evaluate(struct adm *r, const struct adm_policy *p, const struct ps_pod *pod,
		     bool enforce)
{
	struct judgement j = { 0 };
	const struct judged *d;

	if (enforce) {
		adm_audit(r, "enforce-policy", "%s", policy_name(r, &p->enforce));
		d = judge(r, &j, ADM_ENFORCE, &p->enforce, pod);
		if (!d->allowed)
			adm_forbid(r, "violates PodSecurity \"%s\": %s",
				   policy_name(r, &p->enforce), d->message);
	}
	d = judge(r, &j, ADM_AUDIT, &p->audit, pod);
	if (!d->allowed)
		adm_audit(r, "audit-violations", "would violate PodSecurity \"%s\": %s",
			  policy_name(r, &p->audit), d->message);
	if (r->denied)
		return; /* an error is enough */
	d = judge(r, &j, ADM_WARN, &p->warn, pod);
	if (!d->allowed)
		adm_warn(r, "would violate PodSecurity \"%s\": %s", policy_name(r, &p->warn),
			 d->message);
}

/* ---- steps */

static bool exempt(struct adm *r)
{
	if (*r->ns && adm_has(&r->c->exempt_namespaces, r->ns))
		adm_audit(r, "exempt", "namespace");
	else if (*r->user && adm_has(&r->c->exempt_users, r->user))
		adm_audit(r, "exempt", "user");
	else
		return false;
	return true;
}

static bool exempt_class(const struct adm *r, const struct ps_pod *pod)
{
	return pod->runtime_class.v && *pod->runtime_class.v &&
	       adm_has(&r->c->exempt_classes, pod->runtime_class.v);
}

static bool same_containers(const struct ps_pod *a, const struct ps_pod *b, enum ps_class class)
{
	size_t n = 0, m = 0;

	for (size_t i = 0; i < a->containers_n; i++)
		n += a->containers[i].class == class;
	for (size_t i = 0; i < b->containers_n; i++)
		m += b->containers[i].class == class;
	return n == m;
}

static const struct ps_container *by_name(const struct ps_pod *p, enum ps_class class,
					  const char *name)
{
	for (size_t i = 0; i < p->containers_n; i++)
		if (p->containers[i].class == class && adm_is(p->containers[i].name, name))
			return &p->containers[i];
	return NULL;
}

/* What of a pod can change so that it has to be judged again: containers and their images. */
static bool significant(const struct ps_pod *pod, const struct ps_pod *old)
{
	if (!same_containers(pod, old, PS_INIT) || !same_containers(pod, old, PS_NORMAL))
		return true;
	for (size_t i = 0; i < pod->containers_n; i++) {
		const struct ps_container *c = &pod->containers[i], *before;

		/* Init containers and containers come first and are as many as before. */
		before = c->class == PS_EPHEMERAL ? by_name(old, PS_EPHEMERAL, c->name)
						  : &old->containers[i];
		if (!before || strcmp(before->image, c->image) != 0)
			return true;
	}
	return false;
}

/* False: answered. */
static bool read_pods(struct adm *r, struct ps_pod *pod)
{
	struct ps_pod old;
	struct err e = { 0 };

	if (!r->object || adm_read_pod(r, r->object, pod, &e) != 0) {
		adm_deny(r, 400, "BadRequest", "failed to decode object: %s",
			 r->object ? e.msg : "there is none");
		return false;
	}
	if (!adm_is(r->operation, "UPDATE"))
		return true;
	if (!r->old || adm_read_pod(r, r->old, &old, &e) != 0) {
		adm_deny(r, 400, "BadRequest", "failed to decode old object: %s",
			 r->old ? e.msg : "there is none");
		return false;
	}
	return significant(pod, &old);
}

static void validate_pod(struct adm *r)
{
	struct adm_fault faults[ADM_MAX_FAULTS];
	struct ps_entries labels = { 0 };
	struct adm_policy p;
	struct ps_pod pod;
	struct err e = { 0 };
	bool standards = r->c->pod_security;
	size_t n = 0;

	if (ignored(r->subresource) || exempt(r))
		return;
	if (standards && r->cluster->labels(r->cluster->ctx, r->ns, &r->arena, &labels, &e) < 0) {
		adm_deny(r, 500, "InternalError",
			 "Internal error occurred: failed to lookup namespace %s",
			 adm_quote(r, r->ns));
		return;
	}
	p = adm_policy_of(&labels, &r->c->defaults, faults, &n);
	if (standards && !n && !p.enforce.level && !p.audit.level && !p.warn.level) {
		r->answer->evaluations[ADM_ENFORCE][PSS_PRIVILEGED][0]++;
		adm_audit(r, "enforce-policy", "privileged:latest");
		standards = false;
	}
	if (!standards && !r->c->checks_n)
		return;
	if (!read_pods(r, &pod))
		return;
	if (exempt_class(r, &pod)) {
		adm_audit(r, "exempt", "runtimeClass");
		return;
	}
	if (standards) {
		audit_faults(r, faults, n);
		evaluate(r, &p, &pod, true);
	}
	adm_run_checks(r, &pod, true);
}

/* Errors here let the object through: its pods will be judged. */
static void validate_controller(struct adm *r)
{
	struct adm_fault faults[ADM_MAX_FAULTS];
	struct ps_entries labels = { 0 };
	struct adm_policy p;
	struct ps_pod pod;
	struct err e = { 0 };
	bool standards = r->c->pod_security;
	size_t n = 0;
	int err;

	if (*r->subresource || exempt(r))
		return;
	if (standards && r->cluster->labels(r->cluster->ctx, r->ns, &r->arena, &labels, &e) < 0) {
		adm_audit(r, "error", "failed to lookup namespace %s: %s", adm_quote(r, r->ns),
			  e.msg);
		return;
	}
	p = adm_policy_of(&labels, &r->c->defaults, faults, &n);
	if (!n && !p.audit.level && !p.warn.level)
		standards = false;
	if (!standards && !r->c->checks_n)
		return;
	err = r->object ? adm_read_pod(r, r->object, &pod, &e) : 1;
	if (err < 0)
		adm_audit(r, "error", "failed to decode object: %s", e.msg);
	if (err)
		return;
	if (exempt_class(r, &pod)) {
		adm_audit(r, "exempt", "runtimeClass");
		return;
	}
	if (standards) {
		audit_faults(r, faults, n);
		evaluate(r, &p, &pod, false);
	}
	adm_run_checks(r, &pod, false);
}

void adm_validate(struct adm *r)
{
	bool changes = adm_is(r->operation, "CREATE") || adm_is(r->operation, "UPDATE");

	if (!*r->group && adm_is(r->resource, "namespaces"))
		adm_validate_namespace(r);
	else if (!changes)
		return;
	else if (!*r->group && adm_is(r->resource, "pods"))
		validate_pod(r);
	else if (is_controller(r))
		validate_controller(r);
}
