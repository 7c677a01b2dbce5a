/* Where profiles come from: a folder, ConfigMaps, objects of boltseal and of the Security Profiles
 * Operator. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/node.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"

/* Puts a profile whose name a source chose. */
static void put(struct node_agent *a, enum node_source source, const char *origin,
		enum node_kind kind, const char *name, const char *text, size_t len,
		const char *problem)
{
	if (!node_name_ok(name))
		problem = "a profile's name has letters, digits, '-', '_' and '.', and 200 bytes "
			  "at most";
	if (len > NODE_TEXT_MAX)
		problem = "the profile is larger than 1 MiB";
	if (!node_set_put(&a->set, source, origin, kind, name, problem ? NULL : text, len, problem))
		log_warn("%s: there are more than %d profiles", origin, NODE_MAX_PROFILES);
}

/* ---- a folder */

static void scan_file(const char *name, void *ctx)
{
	struct node_agent *a = ctx;
	size_t len = strlen(a->o.folder);
	const char *slash = len && a->o.folder[len - 1] == '/' ? "" : "/";
	cleanup_free char *path = xasprintf("%s%s%s", a->o.folder, slash, name);
	cleanup_free char *profile = node_name_of_file(name);
	cleanup_buf struct buf text = { 0 };
	int kind = node_kind_of_file(name);
	struct err e = { 0 };
	bool bad;

	if (kind < 0 || *name == '.')
		return;
	bad = io_read_file(path, NODE_TEXT_MAX, &text, &e) < 0;
	put(a, NODE_FOLDER, path, (enum node_kind)kind, profile, buf_str(&text), text.len,
	    bad ? e.msg : NULL);
}

void node_scan_folder(struct node_agent *a)
{
	struct err e = { 0 };

	if (!a->o.folder)
		return;
	node_set_begin(&a->set, NODE_FOLDER, NULL);
	/* What cannot be read takes nothing away. */
	if (node_files_each(a->o.folder, scan_file, a, &e) < 0)
		log_warn("%s", e.msg);
	else
		node_set_end(&a->set, NODE_FOLDER, NULL);
}

/* ---- objects */

struct object {
	struct node_agent *a;
	enum node_source source;
	struct json_object *root, *spec;
	const char *name;
	char *origin; /* "ConfigMap NAMESPACE/NAME" */
};

static const char *member_str(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get_string(v);
}

static void put_text(const struct object *o, enum node_kind kind, const char *text,
		     const char *problem)
{
	put(o->a, o->source, o->origin, kind, o->name, text, text ? strlen(text) : 0, problem);
}

/* data: {NAME.json: "…"}; keys with other endings are none of ours. */
static void take_configmap(const struct object *o)
{
	struct json_object *data = json_member(o->root, "data");

	if (!json_object_is_type(data, json_type_object))
		return;
	json_object_object_foreach (data, key, v) {
		cleanup_free char *name = node_name_of_file(key);
		int kind = node_kind_of_file(key);

		if (kind >= 0 && json_object_is_type(v, json_type_string))
			put(o->a, o->source, o->origin, (enum node_kind)kind, name,
			    json_object_get_string(v), (size_t)json_object_get_string_len(v), NULL);
	}
}

static void take_seal(const struct object *o)
{
	struct json_object *seccomp = json_member(o->spec, "seccomp");
	const char *apparmor = member_str(o->spec, "apparmor");
	const char *selinux = member_str(o->spec, "selinux");

	if (seccomp) {
		cleanup_free char *text = json_text(seccomp);

		put_text(o, NODE_SECCOMP, text, NULL);
	}
	if (apparmor)
		put_text(o, NODE_APPARMOR, apparmor, NULL);
	if (selinux)
		put_text(o, NODE_SELINUX, selinux, NULL);
}

static bool is_disabled(const struct object *o)
{
	const char *state = member_str(o->spec, "state");
	struct json_object *disabled = json_member(o->spec, "disabled");

	return (state && !strcmp(state, "Disabled")) ||
	       (disabled && json_object_get_boolean(disabled));
}

/* The spec is a profile of the OCI dialect, with members of the operator's own. */
static void take_spo_seccomp(const struct object *o)
{
	static const char *const own[] = { "state", "disabled", "baseProfileName" };
	const char *base = member_str(o->spec, "baseProfileName");
	struct json_object *copy = NULL;
	cleanup_free char *text = NULL;

	if (!o->spec || is_disabled(o))
		return;
	if (base && *base) {
		put_text(o, NODE_SECCOMP, NULL,
			 "spec.baseProfileName: give the whole profile; boltseal merges none");
		return;
	}
	if (json_object_deep_copy(o->spec, &copy, NULL) < 0)
		mem_exhausted();
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		json_object_object_del(copy, own[i]);
	text = json_text(copy);
	json_object_put(copy);
	put_text(o, NODE_SECCOMP, text, NULL);
}

static void take_spo_policy(const struct object *o)
{
	enum node_kind kind = o->source == NODE_SPO_APPARMOR ? NODE_APPARMOR : NODE_SELINUX;
	const char *policy = member_str(o->spec, "policy");

	if (is_disabled(o))
		return;
	put_text(o, kind, policy,
		 policy ? NULL
			: "spec.policy: expected the policy's text (spec.abstract is not "
			  "read)");
}

static const struct {
	const char *kind;
	void (*take)(const struct object *o);
} takers[NODE_SOURCE_COUNT] = {
	[NODE_SEALS] = { "SealProfile", take_seal },
	[NODE_CONFIGMAPS] = { "ConfigMap", take_configmap },
	[NODE_SPO_SECCOMP] = { "SeccompProfile", take_spo_seccomp },
	[NODE_SPO_APPARMOR] = { "AppArmorProfile", take_spo_policy },
	[NODE_SPO_SELINUX] = { "RawSelinuxProfile", take_spo_policy },
};

static void take_object(struct node_watch *w, const char *text, size_t len, bool gone)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct object o = { .a = w->agent, .source = w->source };
	struct err e = { 0 };
	const char *ns;

	if (json_parse(&d, takers[w->source].kind, text, len, &e) < 0) {
		log_warn("%s", e.msg);
		return;
	}
	o.root = d.root;
	o.spec = json_member(d.root, "spec");
	o.name = member_str(json_member(d.root, "metadata"), "name");
	ns = member_str(json_member(d.root, "metadata"), "namespace");
	if (!o.name)
		return;
	o.origin = xasprintf("%s %s%s%s", takers[w->source].kind, ns ? ns : "", ns ? "/" : "",
			     o.name);
	node_set_begin(&w->agent->set, w->source, o.origin);
	if (!gone)
		takers[w->source].take(&o);
	node_set_end(&w->agent->set, w->source, o.origin);
	free(o.origin);
}

/* The operator may be there without all of its kinds. What was there once is waited for. */
static bool is_absent(const struct node_watch *w, int code)
{
	struct kube_watch_stats n;

	kube_watch_get_stats(w->watch, &n);
	return code == ENOENT && !n.synced && w->source >= NODE_SPO_SECCOMP;
}

void node_source_event(const struct kube_watch_event *ev, void *watch)
{
	struct node_watch *w = watch;
	struct node_agent *a = w->agent;

	switch (ev->kind) {
	case KUBE_RELIST:
		w->absent = false;
		node_set_begin(&a->set, w->source, NULL);
		break;
	case KUBE_SYNCED:
		node_set_end(&a->set, w->source, NULL);
		break;
	case KUBE_PUT:
	case KUBE_GONE:
		take_object(w, ev->text, ev->len, ev->kind == KUBE_GONE);
		break;
	case KUBE_LOST:
		log_warn("%s: %s", takers[w->source].kind, ev->why);
		if (!is_absent(w, ev->code))
			return;
		w->absent = true;
		break;
	case KUBE_BACK:
		log_note("%s: the API server answers again", takers[w->source].kind);
		return;
	}
	a->dirty = true;
}

bool node_sources_synced(const struct node_agent *a)
{
	struct kube_watch_stats n;

	for (int i = 0; i < NODE_SOURCE_COUNT; i++) {
		if (!a->watches[i].watch || a->watches[i].absent)
			continue;
		kube_watch_get_stats(a->watches[i].watch, &n);
		if (!n.synced)
			return false;
	}
	if (a->pod_watch) {
		kube_watch_get_stats(a->pod_watch, &n);
		return n.synced;
	}
	return true;
}
