/* Pods of Kubernetes: the members of core/v1 PodSpec that matter for isolation. */
#include <string.h>

#include "model/podspec.h"

static void read_profile(struct ps_reader *rd, const struct yaml_node *sc, const char *key,
			 struct ps_profile *out)
{
	out->at = ps_map(rd, sc, key);
	if (!out->at)
		return;
	ps_read_str(rd, out->at, "type", &out->type);
	ps_read_str(rd, out->at, "localhostProfile", &out->localhost);
}

static void read_sysctls(struct ps_reader *rd, const struct yaml_node *sc, struct ps_entries *out)
{
	const struct yaml_node *seq = ps_seq(rd, sc, "sysctls");

	if (!seq)
		return;
	out->at = seq;
	out->v = arena_alloc(rd->arena, seq->n * sizeof(*out->v));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		out->v[i].key = ps_text(rd, seq->item[i], "name");
		out->v[i].value = ps_text(rd, seq->item[i], "value");
		out->v[i].at = seq->item[i];
		out->n++;
	}
}

static void read_selinux(struct ps_reader *rd, const struct yaml_node *sc, struct ps_selinux *out)
{
	out->at = ps_map(rd, sc, "seLinuxOptions");
	if (!out->at)
		return;
	ps_read_str(rd, out->at, "type", &out->type);
	ps_read_str(rd, out->at, "user", &out->user);
	ps_read_str(rd, out->at, "role", &out->role);
	ps_read_str(rd, out->at, "level", &out->level);
}

/* PodSecurityContext and SecurityContext: each has a part of these members. */
static void read_security(struct ps_reader *rd, const struct yaml_node *parent, bool pod,
			  struct ps_security *out)
{
	const struct yaml_node *sc = ps_map(rd, parent, "securityContext"), *windows;

	if (!sc)
		return;
	out->at = sc;
	ps_read_bool(rd, sc, "runAsNonRoot", &out->non_root);
	ps_read_int(rd, sc, "runAsUser", &out->user);
	ps_read_int(rd, sc, "runAsGroup", &out->group);
	read_profile(rd, sc, "seccompProfile", &out->seccomp);
	read_profile(rd, sc, "appArmorProfile", &out->apparmor);
	read_selinux(rd, sc, &out->selinux);
	windows = ps_map(rd, sc, "windowsOptions");
	if (windows) {
		ps_read_bool(rd, windows, "hostProcess", &out->host_process);
		ps_read_str(rd, windows, "runAsUserName", &out->windows_user);
	}
	if (pod) {
		ps_read_int(rd, sc, "fsGroup", &out->fs_group);
		read_sysctls(rd, sc, &out->sysctls);
		return;
	}
	ps_read_bool(rd, sc, "privileged", &out->privileged);
	ps_read_bool(rd, sc, "allowPrivilegeEscalation", &out->escalation);
	ps_read_bool(rd, sc, "readOnlyRootFilesystem", &out->read_only_root);
	ps_read_str(rd, sc, "procMount", &out->proc_mount);
	out->caps_at = ps_map(rd, sc, "capabilities");
	if (out->caps_at) {
		ps_read_list(rd, out->caps_at, "add", &out->cap_add);
		ps_read_list(rd, out->caps_at, "drop", &out->cap_drop);
	}
}

static void read_ports(struct ps_reader *rd, const struct yaml_node *c, struct ps_container *out)
{
	const struct yaml_node *seq = ps_seq(rd, c, "ports");

	if (!seq)
		return;
	out->ports = arena_alloc(rd->arena, seq->n * sizeof(*out->ports));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		struct ps_int container = { 0 }, host = { 0 };

		ps_read_int(rd, seq->item[i], "containerPort", &container);
		ps_read_int(rd, seq->item[i], "hostPort", &host);
		out->ports[out->ports_n++] = (struct ps_port){ .container = container.v,
							       .host = host.v,
							       .at = host.at ? host.at
									     : seq->item[i] };
	}
}

static void read_mounts(struct ps_reader *rd, const struct yaml_node *c, struct ps_container *out)
{
	const struct yaml_node *seq = ps_seq(rd, c, "volumeMounts");

	if (!seq)
		return;
	out->mounts = arena_alloc(rd->arena, seq->n * sizeof(*out->mounts));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		struct ps_mount *m = &out->mounts[out->mounts_n++];

		m->at = seq->item[i];
		m->volume = ps_text(rd, m->at, "name");
		m->target = ps_text(rd, m->at, "mountPath");
		ps_read_str(rd, m->at, "mountPropagation", &m->propagation);
		ps_read_bool(rd, m->at, "readOnly", &m->read_only);
	}
}

static void read_handler(struct ps_reader *rd, const struct yaml_node *handler,
			 struct ps_container *out)
{
	static const char *const actions[] = { "httpGet", "tcpSocket" };

	for (size_t i = 0; handler && i < ARRAY_SIZE(actions); i++) {
		const struct yaml_node *action = ps_map(rd, handler, actions[i]);
		struct ps_str host = { 0 };

		if (action)
			ps_read_str(rd, action, "host", &host);
		if (host.at && *host.v)
			out->hosts[out->hosts_n++] = (struct ps_host){ host.v, host.at };
	}
}

static void read_hosts(struct ps_reader *rd, const struct yaml_node *c, struct ps_container *out)
{
	static const char *const probes[] = { "livenessProbe", "readinessProbe", "startupProbe" };
	const struct yaml_node *lifecycle = ps_map(rd, c, "lifecycle");

	out->hosts = arena_alloc(rd->arena, 10 * sizeof(*out->hosts)); /* five handlers, two each */
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		read_handler(rd, ps_map(rd, c, probes[i]), out);
	if (!lifecycle)
		return;
	read_handler(rd, ps_map(rd, lifecycle, "postStart"), out);
	read_handler(rd, ps_map(rd, lifecycle, "preStop"), out);
}

static void read_container(struct ps_reader *rd, const struct yaml_node *c, enum ps_class class,
			   struct ps_container *out)
{
	out->class = class;
	out->at = c;
	out->name = ps_text(rd, c, "name");
	out->image = ps_text(rd, c, "image");
	read_security(rd, c, false, &out->sec);
	read_ports(rd, c, out);
	read_mounts(rd, c, out);
	read_hosts(rd, c, out);
	ps_read_list(rd, c, "command", &out->command);
}

static void read_containers(struct ps_reader *rd, const struct yaml_node *spec, struct ps_pod *out)
{
	static const char *const keys[] = {
		[PS_INIT] = "initContainers",
		[PS_NORMAL] = "containers",
		[PS_EPHEMERAL] = "ephemeralContainers",
	};
	const struct yaml_node *seq[PS_CLASS_COUNT];
	size_t n = 0;

	for (int c = 0; c < PS_CLASS_COUNT; c++) {
		seq[c] = ps_seq(rd, spec, keys[c]);
		n += seq[c] ? seq[c]->n : 0;
	}
	if (n > PS_MAX_CONTAINERS) {
		rd->r = yaml_err(rd->s, spec, rd->e, E2BIG, "more than %d containers",
				 PS_MAX_CONTAINERS);
		return;
	}
	out->containers = arena_alloc(rd->arena, n * sizeof(*out->containers));
	for (int c = 0; c < PS_CLASS_COUNT; c++)
		for (uint32_t i = 0; seq[c] && i < seq[c]->n && rd->r == 0; i++)
			read_container(rd, seq[c]->item[i], (enum ps_class)c,
				       &out->containers[out->containers_n++]);
}

/* Volume sources that pods may use at level "restricted", then the others (core/v1 Volume). */
static const char *const volume_types[] = {
	"configMap",
	"csi",
	"downwardAPI",
	"emptyDir",
	"ephemeral",
	"image",
	"persistentVolumeClaim",
	"projected",
	"secret",
	"hostPath",
	"gcePersistentDisk",
	"awsElasticBlockStore",
	"gitRepo",
	"nfs",
	"iscsi",
	"glusterfs",
	"rbd",
	"flexVolume",
	"cinder",
	"cephfs",
	"flocker",
	"fc",
	"azureFile",
	"vsphereVolume",
	"quobyte",
	"azureDisk",
	"photonPersistentDisk",
	"portworxVolume",
	"scaleIO",
	"storageos",
};

/* What no other member says is an emptyDir: the API server's default. */
static void read_volume_type(struct ps_reader *rd, struct ps_volume *v)
{
	bool other = false;

	for (size_t i = 0; i < ARRAY_SIZE(volume_types) && !v->type; i++) {
		v->source = ps_map(rd, v->at, volume_types[i]);
		if (v->source)
			v->type = volume_types[i];
	}
	for (uint32_t i = 0; i < v->at->n && !v->type; i++)
		other |= strcmp(v->at->pair[i].key->text, "name") &&
			 !yaml_is_null(v->at->pair[i].value);
	if (!v->type)
		v->type = other ? "unknown" : "emptyDir";
}

static void read_volumes(struct ps_reader *rd, const struct yaml_node *spec, struct ps_pod *out)
{
	const struct yaml_node *seq = ps_seq(rd, spec, "volumes");

	if (!seq)
		return;
	out->volumes = arena_alloc(rd->arena, seq->n * sizeof(*out->volumes));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		struct ps_volume *v = &out->volumes[out->volumes_n++];
		const struct yaml_node *host;

		v->at = seq->item[i];
		v->name = ps_text(rd, v->at, "name");
		if (rd->r)
			return;
		read_volume_type(rd, v);
		host = ps_map(rd, v->at, "hostPath");
		if (host)
			ps_read_str(rd, host, "path", &v->host_path);
		if (host && !v->host_path.at)
			v->host_path = (struct ps_str){ "", host };
	}
}

/* Mounts of hostPath volumes get the path on the host. */
static void resolve_mounts(struct ps_pod *p)
{
	for (size_t i = 0; i < p->containers_n; i++)
		for (size_t k = 0; k < p->containers[i].mounts_n; k++)
			for (size_t v = 0; v < p->volumes_n; v++)
				if (p->volumes[v].host_path.at &&
				    !strcmp(p->volumes[v].name, p->containers[i].mounts[k].volume))
					p->containers[i].mounts[k].source =
						p->volumes[v].host_path.v;
}

/* core/v1 defaults.go: a pod on the host's network has its ports there. */
static void default_host_ports(struct ps_pod *p)
{
	for (size_t i = 0; i < p->containers_n; i++) {
		struct ps_container *c = &p->containers[i];

		for (size_t k = 0; c->class != PS_EPHEMERAL && k < c->ports_n; k++) {
			if (c->ports[k].host)
				continue;
			c->ports[k].host = c->ports[k].container;
			c->ports[k].implied = true;
		}
	}
}

int ps_read_kube(struct ps_reader *rd, const struct yaml_node *meta, const struct yaml_node *spec,
		 bool is_pod, struct ps_pod *out)
{
	const struct yaml_node *os;

	out->platform = PS_KUBERNETES;
	out->meta = meta;
	out->spec = spec;
	if (meta)
		ps_read_entries(rd, meta, "annotations", &out->annotations);
	read_security(rd, spec, true, &out->sec);
	ps_read_bool(rd, spec, "hostNetwork", &out->host_network);
	ps_read_bool(rd, spec, "hostPID", &out->host_pid);
	ps_read_bool(rd, spec, "hostIPC", &out->host_ipc);
	ps_read_bool(rd, spec, "hostUsers", &out->host_users);
	ps_read_bool(rd, spec, "automountServiceAccountToken", &out->automount_token);
	ps_read_str(rd, spec, "serviceAccountName", &out->service_account);
	ps_read_str(rd, spec, "runtimeClassName", &out->runtime_class);
	ps_read_str(rd, spec, "nodeName", &out->node_name);
	os = ps_map(rd, spec, "os");
	if (os)
		ps_read_str(rd, os, "name", &out->os_name);
	read_containers(rd, spec, out);
	read_volumes(rd, spec, out);
	if (rd->r)
		return rd->r;
	resolve_mounts(out);
	if (is_pod && out->host_network.v)
		default_host_ports(out);
	return 0;
}
