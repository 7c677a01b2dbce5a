/* What the agent watches in the API: its node, the pods on it, and the sources of profiles. */
#include <stdlib.h>
#include <string.h>

#include "app/node.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"

static void node_forget_status(struct node_agent *a)
{
	free(a->status);
	a->status = NULL;
	a->status_owned = false;
	a->dirty = true;
}

static void forget_node(struct node_agent *a)
{
	json_object_put(a->labels);
	json_object_put(a->taints);
	free(a->uid);
	a->labels = a->taints = NULL;
	a->uid = NULL;
	node_forget_status(a); /* goes with the node */
}

static void take_node(struct node_agent *a, const char *text, size_t len)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct json_object *meta, *uid, *labels, *taints;
	struct err e = { 0 };

	if (json_parse(&d, "Node", text, len, &e) < 0) {
		log_warn("%s", e.msg);
		return;
	}
	meta = json_member(d.root, "metadata");
	uid = json_member(meta, "uid");
	if (!uid)
		return;
	if (!a->uid || strcmp(a->uid, json_object_get_string(uid))) {
		forget_node(a);
		a->uid = xstrdup(json_object_get_string(uid));
		a->dirty = true;
	}
	labels = json_member(meta, "labels");
	taints = json_member(json_member(d.root, "spec"), "taints");
	a->dirty |= !a->labels || !json_object_equal(a->labels, labels) ||
		    !json_object_equal(a->taints, taints);
	json_object_put(a->labels);
	json_object_put(a->taints);
	a->labels = labels ? json_object_get(labels) : json_object_new_object();
	a->taints = json_object_get(taints);
}

static void on_node(const struct kube_watch_event *ev, void *ctx)
{
	struct node_agent *a = ctx;

	switch (ev->kind) {
	case KUBE_PUT:
		take_node(a, ev->text, ev->len);
		break;
	case KUBE_GONE:
		forget_node(a);
		break;
	case KUBE_LOST:
		a->numbers.api_lost = true;
		log_warn("%s", ev->why);
		break;
	case KUBE_BACK:
		a->numbers.api_lost = false;
		a->dirty = true;
		a->retry_ms = 0;
		log_note("the API server answers again");
		break;
	case KUBE_RELIST:
	case KUBE_SYNCED:
		break;
	}
}

/* Only whether it is there; what it says is written whole each time. */
static void on_status(const struct kube_watch_event *ev, void *ctx)
{
	struct node_agent *a = ctx;

	if (ev->kind == KUBE_RELIST)
		a->status_seen = false;
	else if (ev->kind == KUBE_PUT)
		a->status_seen = true;
	else if (ev->kind == KUBE_GONE || (ev->kind == KUBE_SYNCED && !a->status_seen))
		node_forget_status(a);
}

static void on_pod(const struct kube_watch_event *ev, void *ctx)
{
	struct node_agent *a = ctx;
	struct err e = { 0 };
	int r = 0;

	switch (ev->kind) {
	case KUBE_RELIST:
		node_used_begin(&a->used);
		break;
	case KUBE_SYNCED:
		node_used_end(&a->used);
		a->dirty = true;
		break;
	case KUBE_PUT:
		r = node_used_put(&a->used, ev->text, ev->len, &e);
		break;
	case KUBE_GONE:
		r = node_used_gone(&a->used, ev->text, ev->len, &e);
		break;
	case KUBE_LOST:
	case KUBE_BACK:
		break;
	}
	if (r < 0)
		log_warn("%s", e.msg);
}

static void watch_source(struct node_agent *a, enum node_source source, const char *path,
			 const char *labels)
{
	struct node_watch *w = &a->watches[source];

	w->agent = a;
	w->source = source;
	w->watch = kube_watch_new(a->kube, &(struct kube_query){ .path = path, .labels = labels },
				  node_source_event, w);
}

static void watch_spo(struct node_agent *a)
{
	static const char *const plurals[NODE_SOURCE_COUNT] = {
		[NODE_SPO_SECCOMP] = "seccompprofiles",
		[NODE_SPO_APPARMOR] = "apparmorprofiles",
		[NODE_SPO_SELINUX] = "rawselinuxprofiles",
	};
	cleanup_free char *api = xasprintf(SPO_API "%s", a->o.spo);

	for (int i = 0; i < NODE_SOURCE_COUNT; i++) {
		cleanup_free char *path = NULL;

		if (!plurals[i])
			continue;
		path = kube_path(api, plurals[i], NULL, NULL, NULL);
		watch_source(a, (enum node_source)i, path, NULL);
	}
}

static void watch_node(struct node_agent *a)
{
	cleanup_free char *node = xasprintf("metadata.name=%s", a->o.name);
	cleanup_free char *pods = xasprintf("spec.nodeName=%s", a->o.name);

	a->node_watch = kube_watch_new(
		a->kube, &(struct kube_query){ .path = "/api/v1/nodes", .fields = node }, on_node,
		a);
	a->pod_watch = kube_watch_new(
		a->kube,
		&(struct kube_query){ .path = "/api/v1/pods", .fields = pods, .cached = true },
		on_pod, a);
	kube_watch_new(a->kube,
		       &(struct kube_query){ .path = "/apis/" NODE_API "/nodeprofilestatuses",
					     .fields = node },
		       on_status, a);
}

static int load_config(const struct node_agent *a, struct kube_config *c, struct err *e)
{
	if (a->o.account)
		return kube_config_in_cluster(c, a->o.account, e);
	return kube_config_load(c, a->o.kubeconfig, a->o.context, e);
}

int node_cluster_open(struct node_agent *a, struct err *e)
{
	const struct kube_options o = { .manager = "boltseal-node", .timeout_ms = 10000 };
	struct kube_config c = { 0 };
	int r = load_config(a, &c, e);

	if (r < 0)
		return r;
	a->kube = kube_new(&c, &o);
	watch_node(a);
	if (a->o.seals)
		watch_source(a, NODE_SEALS, "/apis/" NODE_API "/sealprofiles", NULL);
	if (a->o.configmaps) {
		cleanup_free char *path = kube_path("v1", "configmaps",
						    a->o.ns ? a->o.ns : kube_namespace(a->kube),
						    NULL, NULL);

		watch_source(a, NODE_CONFIGMAPS, path, a->o.configmaps);
	}
	if (a->o.spo)
		watch_spo(a);
	return 0;
}

bool node_in_sync(const struct node_agent *a)
{
	if (!node_sources_synced(a))
		return false;
	for (size_t i = 0; i < a->set.n; i++)
		if (a->set.v[i]->state == NODE_PENDING || a->set.v[i]->state == NODE_FAILED)
			return false;
	return true;
}
