/* Kubernetes objects: which of them run pods, and where the pod template stands in them. */
#include <string.h>

#include "base/suggest.h"
#include "inspect/document.h"

/* The path from the object to what has `metadata` and `spec` of a pod. */
static const struct workload_kind {
	const char *kind;
	const char *path[4];
} workloads[] = {
	{ "Pod", { NULL } },
	{ "PodTemplate", { "template" } },
	{ "Deployment", { "spec", "template" } },
	{ "ReplicaSet", { "spec", "template" } },
	{ "ReplicationController", { "spec", "template" } },
	{ "StatefulSet", { "spec", "template" } },
	{ "DaemonSet", { "spec", "template" } },
	{ "Job", { "spec", "template" } },
	{ "CronJob", { "spec", "jobTemplate", "spec", "template" } },
};

/* Kinds of Kubernetes' own API groups that run nothing. */
static const char *const other_kinds[] = {
	"APIService",
	"Binding",
	"CSIDriver",
	"CSINode",
	"CSIStorageCapacity",
	"CertificateSigningRequest",
	"ClusterRole",
	"ClusterRoleBinding",
	"ClusterTrustBundle",
	"ComponentStatus",
	"ConfigMap",
	"ControllerRevision",
	"CustomResourceDefinition",
	"DeviceClass",
	"EndpointSlice",
	"Endpoints",
	"Event",
	"FlowSchema",
	"HorizontalPodAutoscaler",
	"IPAddress",
	"Ingress",
	"IngressClass",
	"Kustomization",
	"Lease",
	"LimitRange",
	"MutatingAdmissionPolicy",
	"MutatingAdmissionPolicyBinding",
	"MutatingWebhookConfiguration",
	"NetworkPolicy",
	"Node",
	"PersistentVolume",
	"PersistentVolumeClaim",
	"PodDisruptionBudget",
	"PodSecurityPolicy",
	"PriorityClass",
	"PriorityLevelConfiguration",
	"ResourceClaim",
	"ResourceClaimTemplate",
	"ResourceQuota",
	"ResourceSlice",
	"Role",
	"RoleBinding",
	"RuntimeClass",
	"Scale",
	"Secret",
	"Service",
	"ServiceAccount",
	"ServiceCIDR",
	"StorageClass",
	"StorageVersionMigration",
	"ValidatingAdmissionPolicy",
	"ValidatingAdmissionPolicyBinding",
	"ValidatingWebhookConfiguration",
	"VolumeAttachment",
	"VolumeAttributesClass",
};

static const struct workload_kind *find_workload(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(workloads); i++)
		if (!strcmp(workloads[i].kind, kind))
			return &workloads[i];
	return NULL;
}

static bool is_other(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_kinds); i++)
		if (!strcmp(other_kinds[i], kind))
			return true;
	return false;
}

/* A custom resource may have a known kind's name; those of Kubernetes have no dot or end so. */
static bool own_group(const char *api_version)
{
	const char *slash = strchr(api_version, '/');
	size_t n = slash ? (size_t)(slash - api_version) : 0;

	return !memchr(api_version, '.', n) || (n > 7 && !memcmp(slash - 7, ".k8s.io", 7));
}

static void unknown_kind(struct ins_doc *d, const struct yaml_node *o, const char *api_version,
			 const char *kind)
{
	const struct yaml_node *at = yaml_get(o, "kind");
	struct suggest near;

	if (d->o->skip_unknown) {
		d->report->skipped++;
		return;
	}
	suggest_begin(&near, kind);
	for (size_t i = 0; i < ARRAY_SIZE(workloads) && own_group(api_version); i++)
		suggest_offer(&near, workloads[i].kind, strlen(workloads[i].kind));
	if (near.found)
		yaml_err(d->s, at, &d->err, EINVAL,
			 "unknown kind \"%.100s\" of %.100s; did you mean \"%s\"?", kind,
			 api_version, near.found);
	else
		yaml_err(d->s, at, &d->err, EINVAL, "unknown kind \"%.100s\" of %.100s", kind,
			 api_version);
}

/* What has `metadata` and `spec` of the pod; NULL, with an error, when a member is missing. */
static const struct yaml_node *template_of(struct ps_reader *rd, const struct yaml_node *o,
					   const struct workload_kind *w)
{
	const struct yaml_node *at = o;

	for (size_t i = 0; i < ARRAY_SIZE(w->path) && w->path[i]; i++) {
		const struct yaml_node *next = ps_map(rd, at, w->path[i]);

		if (!next && rd->r == 0)
			yaml_err(rd->s, at, rd->e, ENOENT,
				 "the member \"%s\" is missing (expected a map)", w->path[i]);
		if (!next)
			return NULL;
		at = next;
	}
	return at;
}

static int read_pod(struct ps_reader *rd, const struct yaml_node *o, const struct yaml_node *at,
		    const struct yaml_node *spec, struct ps_pod *pod)
{
	const struct yaml_node *meta = ps_map(rd, o, "metadata");

	pod->root = o;
	pod->name = ps_text(rd, meta, "name");
	if (!*pod->name)
		pod->name = ps_text(rd, meta, "generateName");
	pod->ns = ps_text(rd, meta, "namespace");
	if (meta)
		ps_read_entries(rd, meta, "annotations", &pod->own_annotations);
	if (rd->r < 0)
		return rd->r;
	return ps_read_kube(rd, at == o ? meta : ps_map(rd, at, "metadata"), spec, at == o, pod);
}

int ins_kube_pod(struct ps_reader *rd, const struct yaml_node *o, const char *kind,
		 struct ps_pod *pod)
{
	const struct workload_kind *w = find_workload(kind);
	const struct yaml_node *at, *spec;

	if (!w)
		return yaml_err(rd->s, o, rd->e, EINVAL, "unexpected kind \"%.100s\"", kind);
	*pod = (struct ps_pod){ .kind = w->kind };
	at = template_of(rd, o, w);
	if (!at)
		return rd->r < 0 ? rd->r : 1;
	spec = ps_map(rd, at, "spec");
	if (rd->r < 0)
		return rd->r;
	if (!spec)
		return yaml_err(rd->s, at, rd->e, ENOENT,
				"the member \"spec\" is missing (expected a map)");
	return read_pod(rd, o, at, spec, pod);
}

static void inspect_pod(struct ins_doc *d, const struct yaml_node *o, const char *api_version,
			const struct workload_kind *w)
{
	struct ps_reader rd = { .s = d->s, .arena = d->arena, .e = &d->err };
	struct ps_pod pod;

	if (ins_kube_pod(&rd, o, w->kind, &pod) != 0)
		return;
	pod.api_version = api_version;
	ins_workload(d, &pod, o);
}

/* What the list that has an object says about its items: those of PodList need not. */
struct typed {
	const char *api_version, *kind; /* NULL: nothing */
};

static void inspect_object(struct ins_doc *d, const struct yaml_node *o, const struct typed *list);

/* Items of a list are independent: one that is wrong leaves the others. */
static void inspect_list(struct ins_doc *d, const struct yaml_node *o, const char *api_version,
			 const char *kind)
{
	size_t len = strlen(kind) - strlen("List");
	struct typed typed = { api_version, len ? arena_strndup(d->arena, kind, len) : NULL };
	struct yaml_node *items = NULL;

	if (yaml_get_seq(d->s, o, "items", false, &items, &d->err) < 0 || !items)
		return;
	for (uint32_t i = 0; i < items->n; i++) {
		inspect_object(d, items->item[i], &typed);
		if (d->err.code)
			ins_problem(d->report, d->s->name, items->item[i]->start.line,
				    items->item[i]->start.col, d->err.msg);
		d->err = (struct err){ 0 };
	}
}

static void inspect_namespace(struct ins_doc *d, const struct yaml_node *o)
{
	struct ps_reader rd = { .s = d->s, .arena = d->arena, .e = &d->err };
	const char *name = ps_text(&rd, ps_map(&rd, o, "metadata"), "name");

	if (rd.r == 0)
		ins_configuration(d, INS_NAMESPACE, "Namespace", name, o);
}

/* Whether a controller made it from a template that is inspected itself. */
static bool owned(const struct yaml_stream *s, const struct yaml_node *o)
{
	const struct yaml_node *list = yaml_get(yaml_get(o, "metadata"), "ownerReferences");

	for (uint32_t i = 0; list && list->kind == YAML_SEQ && i < list->n; i++) {
		const struct yaml_node *kind = yaml_get(list->item[i], "kind");
		bool controller = false;

		if (yaml_get_bool(s, list->item[i], "controller", false, &controller, NULL) == 0 &&
		    controller && kind && kind->kind == YAML_SCALAR && find_workload(kind->text))
			return true;
	}
	return false;
}

static void inspect_object(struct ins_doc *d, const struct yaml_node *o, const struct typed *list)
{
	const struct workload_kind *w;
	bool own = !list || !list->kind;
	const char *api_version = own ? NULL : list->api_version, *kind = own ? NULL : list->kind;
	size_t len;

	if (yaml_get_str(d->s, o, "apiVersion", own, &api_version, &d->err) < 0 ||
	    yaml_get_str(d->s, o, "kind", own, &kind, &d->err) < 0)
		return;
	len = strlen(kind);
	w = own_group(api_version) ? find_workload(kind) : NULL;
	if (w && d->o->skip_owned && owned(d->s, o))
		d->report->skipped++;
	else if (w)
		inspect_pod(d, o, api_version, w);
	else if (len >= 4 && !strcmp(kind + len - 4, "List") && yaml_get(o, "items"))
		inspect_list(d, o, api_version, kind);
	else if (!strcmp(kind, "Namespace") && !strcmp(api_version, "v1"))
		inspect_namespace(d, o);
	else if (!strcmp(kind, "KubeletConfiguration"))
		ins_configuration(d, INS_KUBELET, kind, "kubelet", o);
	else if (is_other(kind) || !strncmp(kind, "Kubelet", 7))
		d->report->skipped++;
	else
		unknown_kind(d, o, api_version, kind);
}

bool ins_read_kube(struct ins_doc *d)
{
	if (!yaml_get(d->root, "apiVersion") && !yaml_get(d->root, "kind"))
		return false;
	inspect_object(d, d->root, NULL);
	return true;
}
