/*
 * Pods get what they lack: seccomp and AppArmor profiles, fewer capabilities, and a node that has
 * the profiles. What a pod says itself stays. The second time nothing is left to do.
 */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "inspect/admit_plan.h"

/* ---- changes */

void adm_edit(struct adm_plan *p, enum ins_op op, const char *pointer, const char *json)
{
	*vec_push(p->r->edits, p->r->edits_n, p->r->edits_cap) =
		(struct ins_edit){ .op = op, .pointer = pointer, .json = json };
}

const char *adm_json(struct adm_plan *p, const char *text)
{
	struct buf b = { 0 };

	json_put_bytes(&b, text);
	return words_keep(&b, &p->r->arena);
}

/* The pointer of a member of the container's security context. */
static const char *context_of(struct adm_plan *p, const struct ps_container *c, const char *member)
{
	static const char *const lists[] = { "initContainers", "containers",
					     "ephemeralContainers" };

	return arena_printf(&p->r->arena, "/spec/%s/%u/securityContext/%s", lists[c->class],
			    c->at->idx, member);
}

static void set_annotation(struct adm_plan *p, const char *key, const char *value)
{
	struct buf b = { 0 };

	buf_puts(&b, "/metadata/annotations/");
	for (; *key; key++) {
		if (*key == '/' || *key == '~')
			buf_puts(&b, *key == '/' ? "~1" : "~0");
		else
			buf_putc(&b, *key);
	}
	adm_edit(p, INS_SET, words_keep(&b, &p->r->arena), adm_json(p, value));
}

void adm_note(struct adm_plan *p, const struct ps_container *c, const char *what, const char *why)
{
	buf_puts(&p->notes, p->notes.len ? "; " : "");
	if (c)
		buf_printf(&p->notes, "container %s: %s", adm_quote(p->r, c->name), what);
	else
		buf_printf(&p->notes, "pod: %s", what);
	if (why)
		buf_printf(&p->notes, " (%s)", why);
	p->r->answer->additions++;
}

static bool is_localhost(const struct ps_profile *f)
{
	return f->type.v && adm_is(f->type.v, "Localhost") && f->localhost.v;
}

static bool is_default(const struct ps_profile *f)
{
	return f->type.v && adm_is(f->type.v, "RuntimeDefault");
}

/* ---- seccomp */

static const char *annotation(const struct adm_plan *p, const char *prefix, const char *name)
{
	cleanup_free char *key = xasprintf("%s%s", prefix, name);

	return adm_label(&p->pod->annotations, key);
}

static bool seccomp_by_field(const struct adm_plan *p)
{
	return p->r->c->kubernetes >= ADM_SECCOMP_FIELD;
}

/* Whether the pod's profile is one that gives way to that of an image. */
static bool gives_way(const struct adm_plan *p)
{
	const char *explained = adm_label(&p->pod->annotations, ADM_EXPLAIN);

	if (!p->pod->sec.seccomp.at)
		return !annotation(p, ADM_SECCOMP_KEY, "");
	/* Ours from the first time: the container came later. */
	return is_default(&p->pod->sec.seccomp) &&
	       (p->m->tighten || (explained && strstr(explained, "pod: seccomp RuntimeDefault")));
}

static void add_localhost(struct adm_plan *p, const struct ps_container *c,
			  const struct adm_profile *f)
{
	const char *json = arena_printf(&p->r->arena,
					"{\"type\":\"Localhost\",\"localhostProfile\":%s}",
					adm_json(p, f->seccomp));

	if (seccomp_by_field(p))
		adm_edit(p, INS_SET, context_of(p, c, "seccompProfile"), json);
	else
		set_annotation(p,
			       arena_printf(&p->r->arena, ADM_SECCOMP_CONTAINER_KEY "%s", c->name),
			       arena_printf(&p->r->arena, "localhost/%s", f->seccomp));
	adm_note(p, c, arena_printf(&p->r->arena, "seccomp Localhost %s", f->seccomp), f->why);
	adm_select_node(p, f->label[ADM_SECCOMP]);
}

/* True when the container has a profile of its own now. */
static bool container_seccomp(struct adm_plan *p, const struct ps_container *c,
			      const struct adm_profile *f)
{
	const struct ps_profile *own = &c->sec.seccomp;
	bool set = own->at || annotation(p, ADM_SECCOMP_CONTAINER_KEY, c->name);

	if (is_localhost(own))
		adm_select_profile(p, ADM_SECCOMP, own->localhost.v);
	if (f && f->seccomp && (set ? p->m->tighten && is_default(own) : gives_way(p))) {
		add_localhost(p, c, f);
		return true;
	}
	return set;
}

static void add_default(struct adm_plan *p, const struct ps_container *c)
{
	static const char json[] = "{\"type\":\"RuntimeDefault\"}";

	if (!seccomp_by_field(p))
		set_annotation(p, ADM_SECCOMP_KEY, "runtime/default");
	else
		adm_edit(p, INS_SET,
			 c ? context_of(p, c, "seccompProfile")
			   : "/spec/securityContext/seccompProfile",
			 json);
	adm_note(p, c, "seccomp RuntimeDefault", NULL);
}

static void pod_seccomp(struct adm_plan *p)
{
	const struct ps_profile *own = &p->pod->sec.seccomp;
	bool bare = false;

	if (p->out & OUT_SECCOMP)
		return;
	if (is_localhost(own))
		adm_select_profile(p, ADM_SECCOMP, own->localhost.v);
	for (size_t i = 0; i < p->pod->containers_n; i++) {
		const struct ps_container *c = &p->pod->containers[i];

		/* A privileged container runs without a filter, whatever is said. */
		if (c->sec.privileged.v || container_seccomp(p, c, p->of[i]))
			continue;
		bare = true;
	}
	if (bare && p->m->seccomp && !own->at && !annotation(p, ADM_SECCOMP_KEY, ""))
		add_default(p, NULL);
}

/* ---- AppArmor */

static void add_apparmor(struct adm_plan *p, const struct ps_container *c, const char *name,
			 const char *why)
{
	const char *json = "{\"type\":\"RuntimeDefault\"}", *value = "runtime/default";

	if (name) {
		json = arena_printf(&p->r->arena,
				    "{\"type\":\"Localhost\",\"localhostProfile\":%s}",
				    adm_json(p, name));
		value = arena_printf(&p->r->arena, "localhost/%s", name);
	}
	if (p->r->c->kubernetes >= ADM_APPARMOR_FIELD)
		adm_edit(p, INS_SET, context_of(p, c, "appArmorProfile"), json);
	else
		set_annotation(p, arena_printf(&p->r->arena, ADM_APPARMOR_KEY "%s", c->name),
			       value);
	adm_note(p, c,
		 name ? arena_printf(&p->r->arena, "AppArmor Localhost %s", name)
		      : "AppArmor RuntimeDefault",
		 why);
}

static void container_apparmor(struct adm_plan *p, const struct ps_container *c,
			       const struct adm_profile *f)
{
	const struct ps_profile *own = c->sec.apparmor.at ? &c->sec.apparmor
							  : &p->pod->sec.apparmor;
	const char *old = annotation(p, ADM_APPARMOR_KEY, c->name);

	if ((p->out & OUT_APPARMOR) || p->m->apparmor == ADM_APPARMOR_OFF || c->sec.privileged.v)
		return;
	if (is_localhost(own))
		adm_select_profile(p, ADM_APPARMOR, own->localhost.v);
	if (old && !strncmp(old, "localhost/", 10))
		adm_select_profile(p, ADM_APPARMOR, old + 10);
	if (own->at || old)
		return;
	if (f && f->apparmor) {
		add_apparmor(p, c, f->apparmor, f->why);
		adm_select_node(p, f->label[ADM_APPARMOR]);
	} else if (p->m->apparmor == ADM_APPARMOR_DEFAULT) {
		add_apparmor(p, c, NULL, NULL);
	}
}

/* ---- capabilities */

static bool adds(const struct ps_container *c, const char *cap)
{
	for (size_t i = 0; i < c->sec.cap_add.n; i++)
		if (adm_is(c->sec.cap_add.v[i].v, cap))
			return true;
	return false;
}

static void container_caps(struct adm_plan *p, const struct ps_container *c,
			   const struct adm_profile *f)
{
	struct buf what = { 0 };

	if ((p->out & OUT_CAPABILITIES) || !p->m->capabilities || !f || !f->caps_known)
		return;
	if (c->sec.cap_drop.n || c->sec.privileged.v || adds(c, "ALL"))
		return;
	adm_edit(p, INS_SET, context_of(p, c, "capabilities/drop"), "[\"ALL\"]");
	buf_puts(&what, "capabilities drop ALL");
	for (size_t i = 0; i < f->caps.n; i++) {
		if (adds(c, f->caps.v[i]))
			continue;
		adm_edit(p, INS_APPEND, context_of(p, c, "capabilities/add"),
			 adm_json(p, f->caps.v[i]));
		buf_printf(&what, " add %s", f->caps.v[i]);
	}
	adm_note(p, c, words_keep(&what, &p->r->arena), f->why);
}

/* ---- opting out */

static unsigned parse_out(const char *text)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = { { "seccomp", OUT_SECCOMP },
		      { "apparmor", OUT_APPARMOR },
		      { "capabilities", OUT_CAPABILITIES },
		      { "affinity", OUT_AFFINITY },
		      { "all", OUT_ALL },
		      { "true", OUT_ALL } };
	unsigned out = 0;

	/* Values of labels have no commas. */
	for (const char *w = text; w && *w; w += strcspn(w, ".,"), w += strspn(w, ".,"))
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (strcspn(w, ".,") == strlen(names[i].name) &&
			    !strncmp(w, names[i].name, strlen(names[i].name)))
				out |= names[i].bit;
	return out;
}

static void opt_out(struct adm_plan *p)
{
	const char *own = adm_label(&p->pod->annotations, ADM_OPT_OUT);
	const struct adm_cluster *cl = p->r->cluster;
	struct ps_entries labels = { 0 };

	if (p->m->opt_out_namespaces &&
	    cl->labels(cl->ctx, p->r->ns, &p->r->arena, &labels, NULL) == 0)
		p->out |= parse_out(adm_label(&labels, ADM_OPT_OUT));
	if (own && adm_matches(&p->m->opt_out_pods, p->r->ns))
		p->out |= parse_out(own);
	else if (own && parse_out(own))
		adm_warn(p->r, "the annotation " ADM_OPT_OUT " has no effect in namespace %s",
			 adm_quote(p->r, p->r->ns));
}

/* ---- pods */

static bool is_windows(const struct ps_pod *pod)
{
	return ps_is_windows(pod) ||
	       yaml_eq(yaml_get(yaml_get(pod->spec, "nodeSelector"), "kubernetes.io/os"),
		       "windows");
}

static void explain(struct adm_plan *p)
{
	const char *before = adm_label(&p->pod->annotations, ADM_EXPLAIN);

	if (!p->notes.len)
		return;
	adm_audit(p->r, "mutated", "%s", p->notes.p);
	if (*p->r->subresource)
		return;
	set_annotation(p, ADM_EXPLAIN,
		       before && *before ? arena_printf(&p->r->arena, "%s; %s", before, p->notes.p)
					 : p->notes.p);
}

static void mutate_pod(struct adm_plan *p)
{
	pod_seccomp(p);
	for (size_t i = 0; i < p->pod->containers_n; i++) {
		const struct ps_container *c = &p->pod->containers[i];
		const struct adm_profile *f = p->of[i];

		container_apparmor(p, c, f);
		container_caps(p, c, f);
	}
	adm_plan_nodes(p);
}

/* Containers that are added to a pod that runs; nothing else of it may change. */
static void mutate_ephemeral(struct adm_plan *p, const struct ps_pod *old)
{
	for (size_t i = 0; i < p->pod->containers_n; i++) {
		const struct ps_container *c = &p->pod->containers[i];
		const struct adm_profile *f = p->of[i];
		bool is_new = c->class == PS_EPHEMERAL;

		for (size_t k = 0; k < old->containers_n; k++)
			is_new &= old->containers[k].class != PS_EPHEMERAL ||
				  !adm_is(old->containers[k].name, c->name);
		if (!is_new || c->sec.privileged.v || !seccomp_by_field(p))
			continue;
		if (!(p->out & OUT_SECCOMP) && !container_seccomp(p, c, f) && p->m->seccomp &&
		    !p->pod->sec.seccomp.at)
			add_default(p, c);
		container_caps(p, c, f);
	}
}

void adm_mutate(struct adm *r)
{
	struct adm_plan p = { .r = r, .m = &r->c->mutate };
	bool create = adm_is(r->operation, "CREATE") && !*r->subresource;
	bool debug = adm_is(r->operation, "UPDATE") &&
		     adm_is(r->subresource, "ephemeralcontainers");
	struct ps_pod pod, old = { 0 };
	struct err e = { 0 };

	if (*r->group || !adm_is(r->resource, "pods") || !adm_is(r->kind, "Pod") ||
	    (!create && !debug) || adm_matches(&p.m->except, r->ns))
		return;
	if (!r->object || adm_read_pod(r, r->object, &pod, &e) != 0 ||
	    (debug && r->old && adm_read_pod(r, r->old, &old, &e) != 0)) {
		adm_deny(r, 400, "BadRequest", "failed to decode object: %s",
			 r->object ? e.msg : "there is none");
		return;
	}
	p.pod = &pod;
	/* The kubelet makes mirrors of what it runs already. */
	if (adm_label(&pod.annotations, "kubernetes.io/config.mirror") || is_windows(&pod))
		return;
	opt_out(&p);
	p.of = arena_alloc(&r->arena, (pod.containers_n + 1) * sizeof(const void *));
	for (size_t i = 0; i < pod.containers_n; i++)
		p.of[i] = adm_profile_of(&p, &pod.containers[i]);
	if (create)
		mutate_pod(&p);
	else
		mutate_ephemeral(&p, &old);
	explain(&p);
	buf_free(&p.notes);
}
