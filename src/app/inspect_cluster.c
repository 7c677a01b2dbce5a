/* What a cluster has: its workloads and namespaces, read page by page. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/inspect.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "kube/kube.h"

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

int inspect_cluster(struct inspect *in, struct err *e)
{
	cleanup_kube_config struct kube_config config = { 0 };
	cleanup_kube struct kube *k = NULL;
	int err = kube_config_load(&config, in->kubeconfig, in->context, e);

	if (err < 0)
		return err_prefix(e, "--cluster"), err;
	k = kube_new(&config, NULL);
	in->o.skip_owned = true;
	for (size_t i = 0; i < ARRAY_SIZE(resources) && err == 0; i++)
		if (!resources[i].cluster_wide || !in->ns)
			err = inspect_resource(in, k, &resources[i], e);
	in->o.skip_owned = false;
	return err < 0 ? err_prefix(e, "--cluster"), err : 0;
}
