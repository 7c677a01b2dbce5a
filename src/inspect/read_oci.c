/* config.json of an OCI bundle (opencontainers/runtime-spec), and configurations of nodes. */
#include <string.h>

#include "inspect/document.h"

/* Namespaces that are not listed are those of the runtime: the host's. */
static void read_namespaces(struct ps_reader *rd, const struct yaml_node *linux_node,
			    struct ps_pod *pod)
{
	const struct yaml_node *seq = ps_seq(rd, linux_node, "namespaces");
	struct {
		const char *type;
		struct ps_bool *host;
		bool own;
	} t[] = { { "pid", &pod->host_pid, false },
		  { "ipc", &pod->host_ipc, false },
		  { "network", &pod->host_network, false },
		  { "uts", &pod->host_uts, false } };

	for (uint32_t i = 0; seq && i < seq->n && rd->r == 0; i++) {
		const char *type = ps_text(rd, seq->item[i], "type");

		for (size_t k = 0; k < ARRAY_SIZE(t); k++)
			t[k].own |= !strcmp(t[k].type, type);
	}
	for (size_t k = 0; k < ARRAY_SIZE(t); k++)
		if (!t[k].own)
			*t[k].host = (struct ps_bool){ true, seq ? seq : linux_node };
}

/* The bounding set beyond the default one is what was added. */
static void read_caps(struct ps_reader *rd, const struct yaml_node *process, struct ps_container *c)
{
	const struct yaml_node *caps = ps_map(rd, process, "capabilities");

	c->sec.caps_at = caps;
	if (!caps)
		return;
	ps_read_list(rd, caps, "bounding", &c->sec.cap_add);
	ins_plain_caps(rd, &c->sec.cap_add);
}

static void read_mounts(struct ps_reader *rd, const struct yaml_node *root, struct ps_container *c)
{
	const struct yaml_node *seq = ps_seq(rd, root, "mounts");

	if (!seq)
		return;
	c->mounts = arena_alloc(rd->arena, seq->n * sizeof(*c->mounts));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		const struct yaml_node *n = seq->item[i];
		struct ps_mount *m = &c->mounts[c->mounts_n++];
		struct ps_list options = { 0 };
		bool bind = !strcmp(ps_text(rd, n, "type"), "bind");

		m->at = n;
		m->target = ps_text(rd, n, "destination");
		ps_read_list(rd, n, "options", &options);
		for (size_t k = 0; k < options.n; k++) {
			const char *o = options.v[k].v;

			bind |= !strcmp(o, "bind") || !strcmp(o, "rbind");
			if (!strcmp(o, "ro"))
				m->read_only = (struct ps_bool){ true, options.v[k].at };
			if (!strcmp(o, "shared") || !strcmp(o, "rshared"))
				m->propagation = options.v[k];
		}
		if (bind)
			m->source = ps_text(rd, n, "source");
	}
}

static void read_process(struct ps_reader *rd, const struct yaml_node *process,
			 struct ps_container *c)
{
	const struct yaml_node *user = ps_map(rd, process, "user");
	struct ps_bool no_new_privs = { 0 };
	struct ps_str profile = { 0 };
	const struct yaml_node *uid = yaml_get(user, "uid");

	if (uid && uid->kind == YAML_SCALAR)
		c->sec.user_name = (struct ps_str){ uid->text, uid };
	ps_read_bool(rd, process, "noNewPrivileges", &no_new_privs);
	c->sec.escalation = (struct ps_bool){ !no_new_privs.v, no_new_privs.at };
	ps_read_str(rd, process, "apparmorProfile", &profile);
	if (profile.at)
		c->sec.apparmor = (struct ps_profile){
			profile.at,
			{ strcmp(profile.v, "unconfined") ? "RuntimeDefault" : "Unconfined",
			  profile.at },
			{ 0 }
		};
	else
		c->sec.apparmor.at = process; /* none */
	read_caps(rd, process, c);
}

static void read_linux(struct ps_reader *rd, const struct yaml_node *linux_node, struct ps_pod *pod,
		       struct ps_container *c)
{
	const struct yaml_node *seccomp = ps_map(rd, linux_node, "seccomp");
	const struct yaml_node *masked = ps_seq(rd, linux_node, "maskedPaths");
	const struct yaml_node *pids = ps_map(rd, ps_map(rd, linux_node, "resources"), "pids");

	read_namespaces(rd, linux_node, pod);
	ps_read_entries(rd, linux_node, "sysctl", &c->sec.sysctls);
	if (pids)
		ps_read_int(rd, pids, "limit", &c->pids_limit);
	if (seccomp)
		c->sec.seccomp =
			(struct ps_profile){ seccomp, { "RuntimeDefault", seccomp }, { 0 } };
	if (!masked || !masked->n)
		c->sec.proc_mount = (struct ps_str){ "Unmasked", masked ? masked : linux_node };
}

bool ins_read_oci(struct ins_doc *d)
{
	struct ps_reader rd = { .s = d->s, .arena = d->arena, .e = &d->err };
	struct ps_container *c;
	const struct yaml_node *root, *linux_node;
	struct ps_pod pod = { .platform = PS_OCI,
			      .kind = "Bundle",
			      .ns = "",
			      .root = d->root,
			      .spec = d->root,
			      .containers_n = 1 };

	if (!yaml_get(d->root, "ociVersion"))
		return false;
	c = pod.containers = arena_alloc(d->arena, sizeof(*c));
	c->class = PS_NORMAL;
	c->at = c->sec.at = d->root;
	c->image = "";
	c->name = pod.name = ps_text(&rd, d->root, "hostname");
	root = ps_map(&rd, d->root, "root");
	if (root)
		ps_read_bool(&rd, root, "readonly", &c->sec.read_only_root);
	read_process(&rd, ps_map(&rd, d->root, "process"), c);
	linux_node = ps_map(&rd, d->root, "linux");
	if (linux_node)
		read_linux(&rd, linux_node, &pod, c);
	read_mounts(&rd, d->root, c);
	if (rd.r == 0)
		ins_workload(d, &pod, d->root);
	return true;
}

/* ---- nodes */

/* Members that only Docker's daemon.json has (docs.docker.com, "dockerd", daemon configuration). */
static const char *const daemon_members[] = {
	"storage-driver",
	"log-driver",
	"log-opts",
	"live-restore",
	"userns-remap",
	"default-ulimits",
	"no-new-privileges",
	"seccomp-profile",
	"icc",
	"insecure-registries",
	"registry-mirrors",
	"exec-opts",
	"data-root",
	"default-runtime",
	"selinux-enabled",
	"userland-proxy",
	"bip",
	"tlsverify",
	"iptables",
};

bool ins_read_node(struct ins_doc *d)
{
	const char *slash = strrchr(d->s->name, '/');
	const char *base = slash ? slash + 1 : d->s->name;
	bool daemon = !strcmp(base, "daemon.json");

	if (d->root->kind != YAML_MAP)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(daemon_members) && !daemon; i++)
		daemon = yaml_get(d->root, daemon_members[i]) != NULL;
	if (daemon)
		ins_configuration(d, INS_DAEMON, "Docker", "daemon", d->root);
	return daemon;
}
