/* What a cluster has: its workloads and namespaces, read page by page. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/inspect.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/kube.h"
#include "node/files.h"
#include "node/set.h"

/*
 * Owners first, so that reports begin with what people wrote. The second version is that of older
 * servers (CronJob: batch/v1 since Kubernetes 1.21).
 */
static const struct resource {
	const char *api_version, *older, *plural, *kind;
	bool cluster_wide;
} resources[] = {
	{ "v1", NULL, "namespaces", "Namespace", true },
	{ "apps/v1", NULL, "deployments", "Deployment", false },
	{ "apps/v1", NULL, "statefulsets", "StatefulSet", false },
	{ "apps/v1", NULL, "daemonsets", "DaemonSet", false },
	{ "batch/v1", "batch/v1beta1", "cronjobs", "CronJob", false },
	{ "batch/v1", NULL, "jobs", "Job", false },
	{ "apps/v1", NULL, "replicasets", "ReplicaSet", false },
	{ "v1", NULL, "replicationcontrollers", "ReplicationController", false },
	{ "v1", NULL, "podtemplates", "PodTemplate", false },
	{ "v1", NULL, "pods", "Pod", false },
};

static int take_object(const char *text, size_t len, void *ctx, struct err *e)
{
	(void)e;
	inspect_text(ctx, "cluster", text, len);
	return 0;
}

static int list(struct inspect *in, struct kube *k, const struct resource *r,
		const char *api_version, struct err *e)
{
	cleanup_free char *path = kube_path(api_version, r->plural, r->cluster_wide ? NULL : in->ns,
					    NULL, NULL);
	struct kube_query q = { .path = path, .api_version = api_version, .kind = r->kind };

	return kube_list(k, &q, take_object, in, NULL, e);
}

/* What may not be listed is a problem of the report; the rest is inspected. */
static int inspect_resource(struct inspect *in, struct kube *k, const struct resource *r,
			    struct err *e)
{
	struct err why = { 0 };
	int err = list(in, k, r, r->api_version, &why);

	if (err == -ENOENT && r->older) {
		why = (struct err){ 0 };
		err = list(in, k, r, r->older, &why);
	}
	if (err == -EPERM || err == -ENOENT) {
		ins_problem(&in->report, kube_server(k), 0, 0, why.msg);
		return 0;
	}
	if (err < 0)
		*e = why;
	return err;
}

/* ---- nodes */

static bool profile_label(bool apparmor, const char *profile, struct ins_profile_label *out)
{
	static const char folder[] = "boltseal/";
	char name[NODE_NAME_MAX + 1];
	cleanup_free char *key = NULL;

	*out = (struct ins_profile_label){ 0 };
	if (!apparmor &&
	    (strncmp(profile, folder, strlen(folder)) ||
	     !node_files_parse(profile + strlen(folder), name, sizeof(name), out->hash)))
		return false;
	key = node_label(apparmor ? NODE_APPARMOR : NODE_SECCOMP, apparmor ? profile : name);
	snprintf(out->key, sizeof(out->key), "%s", key);
	return true;
}

static int take_node(const char *text, size_t len, void *ctx, struct err *e)
{
	struct inspect *in = ctx;
	struct arena *a = &in->report.arena;
	cleanup_json_doc struct json_doc d = { 0 };
	struct json_object *meta = NULL, *labels = NULL;
	struct ins_node *n;
	int err = json_parse(&d, "node", text, len, e);

	if (err < 0)
		return err;
	json_object_object_get_ex(d.root, "metadata", &meta);
	json_object_object_get_ex(meta, "labels", &labels);
	n = vec_push(in->nodes, in->o.nodes_n, in->nodes_cap);
	json_object_object_get_ex(meta, "name", &meta);
	n->name = arena_strdup(a, meta ? json_object_get_string(meta) : "");
	if (!json_object_is_type(labels, json_type_object))
		return 0;
	n->labels = arena_alloc(a, (size_t)json_object_object_length(labels) * sizeof(*n->labels));
	json_object_object_foreach (labels, key, value)
		n->labels[n->labels_n++] = (struct ps_entry){
			.key = arena_strdup(a, key),
			.value = arena_strdup(a, value ? json_object_get_string(value) : "")
		};
	return 0;
}

/* Which profiles the nodes have, by the labels of `boltseal node`. */
static int read_nodes(struct inspect *in, struct kube *k, struct err *e)
{
	struct kube_query q = { .path = "/api/v1/nodes", .api_version = "v1", .kind = "Node" };
	struct err why = { 0 };
	int err = kube_list(k, &q, take_node, in, NULL, &why);

	if (err == -EPERM) {
		log_note("profiles of nodes are not looked at: %s", why.msg);
		return 0;
	}
	if (err < 0)
		*e = why;
	in->o.nodes = in->nodes;
	in->o.profile_label = profile_label;
	return err;
}

int inspect_cluster(struct inspect *in, struct err *e)
{
	cleanup_kube_config struct kube_config config = { 0 };
	cleanup_kube struct kube *k = NULL;
	int err = kube_config_load(&config, in->kubeconfig, in->context, e);

	if (err < 0)
		return err_prefix(e, "--cluster"), err;
	k = kube_new(&config, NULL);
	err = read_nodes(in, k, e);
	in->o.skip_owned = true;
	for (size_t i = 0; i < ARRAY_SIZE(resources) && err == 0; i++)
		if (!resources[i].cluster_wide || !in->ns)
			err = inspect_resource(in, k, &resources[i], e);
	in->o.skip_owned = false;
	return err < 0 ? err_prefix(e, "--cluster"), err : 0;
}
