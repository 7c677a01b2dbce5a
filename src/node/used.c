#include "node/used.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "model/podspec.h"

/* The annotations that came before the fields (Kubernetes 1.19 and 1.30). */
#define SECCOMP_POD	   "seccomp.security.alpha.kubernetes.io/pod"
#define SECCOMP_CONTAINER  "container.seccomp.security.alpha.kubernetes.io/"
#define APPARMOR_CONTAINER "container.apparmor.security.beta.kubernetes.io/"
#define LOCALHOST	   "localhost/"

struct ref {
	enum node_kind kind;
	char *name;
};

struct node_used_pod {
	char *id; /* NAMESPACE/NAME */
	struct ref *refs;
	size_t refs_n, refs_cap;
	bool marked;
};

static void pod_clear(struct node_used_pod *p)
{
	for (size_t i = 0; i < p->refs_n; i++)
		free(p->refs[i].name);
	free(p->refs);
	free(p->id);
}

static void add(struct node_used_pod *p, enum node_kind kind, const char *name)
{
	if (!name || !*name)
		return;
	*vec_push(p->refs, p->refs_n, p->refs_cap) = (struct ref){ kind, xstrdup(name) };
}

static void add_security(struct node_used_pod *p, const struct ps_security *s)
{
	add(p, NODE_SECCOMP, s->seccomp.localhost.v);
	add(p, NODE_APPARMOR, s->apparmor.localhost.v);
	add(p, NODE_SELINUX, s->selinux.type.v);
}

static void add_annotation(struct node_used_pod *p, const char *key, const char *value)
{
	bool seccomp = !strcmp(key, SECCOMP_POD) ||
		       !strncmp(key, SECCOMP_CONTAINER, strlen(SECCOMP_CONTAINER));

	if (!seccomp && strncmp(key, APPARMOR_CONTAINER, strlen(APPARMOR_CONTAINER)))
		return;
	if (!strncmp(value, LOCALHOST, strlen(LOCALHOST)))
		add(p, seccomp ? NODE_SECCOMP : NODE_APPARMOR, value + strlen(LOCALHOST));
}

static bool is_over(const struct yaml_node *root)
{
	const struct yaml_node *phase = yaml_get(yaml_get(root, "status"), "phase");

	return yaml_eq(phase, "Succeeded") || yaml_eq(phase, "Failed");
}

/* The pod, with its id; without references when it is over. */
static int read_pod(const char *text, size_t len, struct node_used_pod *out, struct err *e)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct ps_reader rd = { .s = &s, .arena = &s.arena, .e = e };
	const struct yaml_node *root, *meta;
	const char *name = NULL, *ns = NULL;
	struct ps_pod pod = { 0 };
	int r = yaml_parse(&s, "pod", text, len, e);

	if (r < 0)
		return r;
	root = yaml_only(&s, e);
	if (!root)
		return -EINVAL;
	meta = yaml_get(root, "metadata");
	if (!meta || meta->kind != YAML_MAP)
		return err_set(e, EINVAL, "a pod without metadata");
	r = yaml_get_str(&s, meta, "name", true, &name, e);
	if (r == 0)
		r = yaml_get_str(&s, meta, "namespace", true, &ns, e);
	if (r == 0 && !is_over(root))
		r = ps_read_kube(&rd, meta, yaml_get(root, "spec"), true, &pod);
	if (r < 0)
		return r;
	out->id = xasprintf("%s/%s", ns, name);
	add_security(out, &pod.sec);
	for (size_t i = 0; i < pod.containers_n; i++)
		add_security(out, &pod.containers[i].sec);
	for (size_t i = 0; i < pod.annotations.n; i++)
		add_annotation(out, pod.annotations.v[i].key, pod.annotations.v[i].value);
	return 0;
}

static void drop(struct node_used *u, const char *id)
{
	for (size_t i = 0; i < u->n; i++)
		if (!strcmp(u->v[i].id, id)) {
			pod_clear(&u->v[i]);
			u->v[i] = u->v[--u->n];
			return;
		}
}

int node_used_put(struct node_used *u, const char *text, size_t len, struct err *e)
{
	struct node_used_pod p = { 0 };
	int r = read_pod(text, len, &p, e);

	if (r < 0)
		return r;
	drop(u, p.id);
	*vec_push(u->v, u->n, u->cap) = p;
	return 0;
}

int node_used_gone(struct node_used *u, const char *text, size_t len, struct err *e)
{
	struct node_used_pod p = { 0 };
	int r = read_pod(text, len, &p, e);

	if (r < 0)
		return r;
	drop(u, p.id);
	pod_clear(&p);
	return 0;
}

void node_used_begin(struct node_used *u)
{
	for (size_t i = 0; i < u->n; i++)
		u->v[i].marked = true;
}

void node_used_end(struct node_used *u)
{
	for (size_t i = 0; i < u->n;) {
		if (u->v[i].marked) {
			pod_clear(&u->v[i]);
			u->v[i] = u->v[--u->n];
		} else {
			i++;
		}
	}
}

static bool matches(const struct ref *r, enum node_kind kind, const char *name)
{
	size_t n = strlen(name);

	if (r->kind != kind)
		return false;
	if (kind == NODE_SELINUX)
		return !strncmp(r->name, name, n) && (!r->name[n] || r->name[n] == '.');
	return !strcmp(r->name, name);
}

bool node_used_has(const struct node_used *u, enum node_kind kind, const char *ref)
{
	for (size_t i = 0; i < u->n; i++)
		for (size_t k = 0; k < u->v[i].refs_n; k++)
			if (matches(&u->v[i].refs[k], kind, ref))
				return true;
	return false;
}

void node_used_free(struct node_used *u)
{
	for (size_t i = 0; i < u->n; i++)
		pod_clear(&u->v[i]);
	free(u->v);
	*u = (struct node_used){ 0 };
}
