/* A patch with the security context of one container (core/v1, Kubernetes API reference). */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/platform_private.h"

enum {
	LABEL_MAX = 63,	    /* RFC 1123 label, names of containers and volumes */
	SECCOMP_FIELD = 19, /* minor versions since which the pod has the field */
	APPARMOR_FIELD = 30,
};

const char *const gen_kubernetes_kinds[] = {
	"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", NULL,
};

/* Members on the way from the object to the pod, separated by "/". */
static const char *pod_path(const char *kind)
{
	if (!strcmp(kind, "Pod"))
		return "";
	return strcmp(kind, "CronJob") ? "/spec/template" : "/spec/jobTemplate/spec/template";
}

static bool is_label(const char *s)
{
	size_t n = strlen(s);

	if (!n || n > LABEL_MAX || *s == '-' || s[n - 1] == '-')
		return false;
	return !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

/* Caller frees. What no label may have becomes "-"; `fallback` when nothing is left. */
static char *to_label(const char *s, const char *fallback)
{
	cleanup_free char *out = xstrdup(s);
	size_t n = 0;

	for (; *s && n < LABEL_MAX; s++) {
		char c = (char)tolower((unsigned char)*s);
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (good || n)
			out[n++] = good ? c : '-';
	}
	while (n && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	return n ? take_ptr(out) : xstrdup(fallback);
}

static struct json_object *localhost(const char *profile)
{
	struct json_object *o = json_object_new_object();

	put_str(o, "type", "Localhost");
	put_str(o, "localhostProfile", profile);
	return o;
}

static struct json_object *capabilities(const struct gen_caps *caps)
{
	struct json_object *o = json_object_new_object(), *add = json_object_new_array(),
			   *drop = json_object_new_array();

	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (caps->needed >> nr & 1)
			push_str(add, platform_cap(nr));
	push_str(drop, "ALL");
	put(o, "drop", drop);
	if (json_object_array_length(add))
		put(o, "add", add);
	else
		json_object_put(add);
	return o;
}

static void put_user(struct json_object *ctx, const struct gen_container *c, struct buf *notes)
{
	unsigned long uid = 0, gid = 0;
	int n = c->user ? sscanf(c->user, "%lu:%lu", &uid, &gid) : 0;

	if (n < 1) {
		gen_note(notes, "runAsNonRoot is left out: the model does not say which user the "
				"program runs as (--user UID:GID)");
		return;
	}
	put_int(ctx, "runAsUser", (int64_t)uid);
	if (n == 2)
		put_int(ctx, "runAsGroup", (int64_t)gid);
	put_bool(ctx, "runAsNonRoot", uid != 0);
}

/* The API server takes a container with CAP_SYS_ADMIN for one that may gain privileges. */
static void put_escalation(struct json_object *ctx, const struct workload *w,
			   const struct gen_container *c, const struct gen_caps *caps,
			   struct buf *notes)
{
	unsigned sys_admin = bcap_by_name("CAP_SYS_ADMIN")->nr;
	bool on = platform_nnp(w, c, notes);

	if (on && caps->needed >> sys_admin & 1) {
		gen_note(notes, "allowPrivilegeEscalation is left out: with CAP_SYS_ADMIN "
				"Kubernetes does not honour it");
		return;
	}
	put_bool(ctx, "allowPrivilegeEscalation", !on);
}

static struct json_object *security_context(const struct workload *w, const struct gen_container *c,
					    const struct gen_kubernetes *k, bool read_only,
					    struct buf *notes)
{
	struct json_object *ctx = json_object_new_object();
	struct gen_caps caps;

	gen_caps(w, &caps);
	put_escalation(ctx, w, c, &caps, notes);
	put_bool(ctx, "privileged", false);
	put_bool(ctx, "readOnlyRootFilesystem", read_only);
	put_user(ctx, c, notes);
	put(ctx, "capabilities", capabilities(&caps));
	if (c->seccomp && k->minor >= SECCOMP_FIELD)
		put(ctx, "seccompProfile", localhost(c->seccomp));
	if (c->apparmor && k->minor >= APPARMOR_FIELD)
		put(ctx, "appArmorProfile", localhost(c->apparmor));
	if (c->selinux) {
		struct json_object *selinux = json_object_new_object();

		put_str(selinux, "type", c->selinux);
		put(ctx, "seLinuxOptions", selinux);
	}
	return ctx;
}

/* Kubernetes before the fields; NULL when there is nothing to say so. */
static struct json_object *annotations(const struct gen_container *c,
				       const struct gen_kubernetes *k, const char *container)
{
	struct json_object *o = json_object_new_object();
	cleanup_free char *apparmor = xasprintf("container.apparmor.security.beta.kubernetes.io/%s",
						container);
	cleanup_free char *seccomp = xasprintf("container.seccomp.security.alpha.kubernetes.io/%s",
					       container);

	if (c->apparmor && k->minor < APPARMOR_FIELD) {
		cleanup_free char *value = xasprintf("localhost/%s", c->apparmor);

		put_str(o, apparmor, value);
	}
	if (c->seccomp && k->minor < SECCOMP_FIELD) {
		cleanup_free char *value = xasprintf("localhost/%s", c->seccomp);

		put_str(o, seccomp, value);
	}
	if (json_object_object_length(o))
		return o;
	json_object_put(o);
	return NULL;
}

static bool wants_mount(const struct place *p)
{
	return !p->volume && place_may_be_empty(p);
}

/* An emptyDir for each place; equal names get a number. */
static void put_volumes(struct json_object *spec, struct json_object *container,
			const struct places *p)
{
	struct json_object *volumes = json_object_new_array(), *mounts = json_object_new_array();

	for (size_t i = 0, n = 0; i < p->n; i++) {
		cleanup_free char *label = NULL, *name = NULL;
		struct json_object *v, *m;

		if (!wants_mount(&p->v[i]))
			continue;
		label = to_label(p->v[i].dir, "dir");
		name = xasprintf("empty-%zu-%.50s", ++n, label);
		while (name[strlen(name) - 1] == '-')
			name[strlen(name) - 1] = '\0';
		v = json_object_new_object();
		m = json_object_new_object();
		put_str(v, "name", name);
		put(v, "emptyDir", json_object_new_object());
		push(volumes, v);
		put_str(m, "name", name);
		put_str(m, "mountPath", p->v[i].dir);
		push(mounts, m);
	}
	if (json_object_array_length(volumes)) {
		put(container, "volumeMounts", mounts);
		put(spec, "volumes", volumes);
	} else {
		json_object_put(mounts);
		json_object_put(volumes);
	}
}

/* The pod inside what makes it: {"spec": {"template": POD}}. */
static struct json_object *wrap(struct json_object *pod, const char *kind)
{
	const char *path = pod_path(kind), *end = path + strlen(path);

	while (end > path) {
		const char *at = end;
		cleanup_free char *key = NULL;
		struct json_object *outer = json_object_new_object();

		while (at[-1] != '/')
			at--;
		key = strndup(at, (size_t)(end - at));
		if (!key)
			mem_exhausted();
		put(outer, key, pod);
		pod = outer;
		end = at - 1;
	}
	return pod;
}

static int strategic(const struct workload *w, const struct gen_container *c,
		     const struct gen_kubernetes *k, struct json_object **out, struct buf *notes,
		     struct err *e)
{
	cleanup_places struct places p = { 0 };
	cleanup_free char *label = to_label(k->container ? k->container : c->name, "app");
	struct json_object *pod, *spec, *container, *list, *notation;
	bool read_only;

	if (k->container && !is_label(k->container))
		return err_set(e, EINVAL,
			       "container '%s': expected lower-case letters, digits and '-', at "
			       "most 63, as Kubernetes wants them",
			       k->container);
	places_find(w, c->volumes, c->volumes_n, &p);
	read_only = platform_read_only(c, &p, notes);
	pod = json_object_new_object();
	spec = json_object_new_object();
	container = json_object_new_object();
	list = json_object_new_array();
	put_str(container, "name", label);
	put(container, "securityContext", security_context(w, c, k, read_only, notes));
	push(list, container);
	notation = annotations(c, k, label);
	if (notation) {
		struct json_object *meta = json_object_new_object();

		put(meta, "annotations", notation);
		put(pod, "metadata", meta);
	}
	put(spec, "containers", list);
	if (read_only)
		put_volumes(spec, container, &p);
	put(pod, "spec", spec);
	*out = wrap(pod, k->kind);
	return 0;
}

static int json6902(const struct workload *w, const struct gen_container *c,
		    const struct gen_kubernetes *k, struct json_object **out, struct buf *notes,
		    struct err *e)
{
	const char *index = k->container ? k->container : "0";
	cleanup_places struct places p = { 0 };
	cleanup_free char *path = NULL;
	struct json_object *op;
	bool read_only, mounts = false;

	if (index[strspn(index, "0123456789")] || !*index || strlen(index) > 4)
		return err_set(e, EINVAL,
			       "container '%s': a JSON patch needs its index in the list, from 0",
			       index);
	if (k->minor < (c->apparmor ? APPARMOR_FIELD : SECCOMP_FIELD))
		return err_set(e, EINVAL,
			       "Kubernetes 1.%u needs annotations, which a JSON patch cannot add "
			       "safely: use a strategic merge patch",
			       k->minor);
	places_find(w, c->volumes, c->volumes_n, &p);
	read_only = platform_read_only(c, &p, notes);
	for (size_t i = 0; i < p.n; i++)
		mounts = mounts || wants_mount(&p.v[i]);
	if (read_only && mounts && c->read_only < 0) {
		gen_note(notes, "the root file system stays writable: a JSON patch cannot add the "
				"volumes that it would need safely; a strategic merge patch can");
		read_only = false;
	}
	path = xasprintf("%s/spec/containers/%s/securityContext", pod_path(k->kind), index);
	op = json_object_new_object();
	put_str(op, "op", "add");
	put_str(op, "path", path);
	put(op, "value", security_context(w, c, k, read_only, notes));
	*out = json_object_new_array();
	push(*out, op);
	gen_note(notes, "the patch replaces the whole security context of the container");
	return 0;
}

int gen_kubernetes(const struct workload *w, const struct gen_container *c,
		   const struct gen_kubernetes *k, struct json_object **out, struct buf *notes,
		   struct err *e)
{
	if (c->seccomp)
		gen_note(notes, "%s is looked for below /var/lib/kubelet/seccomp on every node",
			 c->seccomp);
	if (c->apparmor)
		gen_note(notes, "the AppArmor profile %s has to be loaded on every node",
			 c->apparmor);
	return k->json6902 ? json6902(w, c, k, out, notes, e) : strategic(w, c, k, out, notes, e);
}
