/* What docker inspect and podman inspect print of containers. */
#include <stdlib.h>
#include <string.h>

#include "inspect/document.h"

/* "seccomp=…", "apparmor=…", "no-new-privileges", "label=…", "systempaths=unconfined" */
static void read_option(struct ps_container *c, const struct ps_str *o)
{
	const char *v = o->v + strcspn(o->v, "=:");

	v += *v != '\0';
	if (!strncmp(o->v, "no-new-privileges", 17)) {
		c->sec.escalation = (struct ps_bool){ !strcmp(v, "false"), o->at };
	} else if (!strncmp(o->v, "seccomp", 7)) {
		c->sec.seccomp.at = o->at;
		c->sec.seccomp.type = (struct ps_str){ !strcmp(v, "unconfined") ? "Unconfined"
										: "RuntimeDefault",
						       o->at };
	} else if (!strncmp(o->v, "apparmor", 8)) {
		c->sec.apparmor.at = o->at;
		c->sec.apparmor.type = (struct ps_str){ !strcmp(v, "unconfined") ? "Unconfined"
										 : "RuntimeDefault",
							o->at };
	} else if (!strncmp(o->v, "systempaths", 11) && !strcmp(v, "unconfined")) {
		c->sec.proc_mount = (struct ps_str){ "Unmasked", o->at };
	} else if (!strncmp(o->v, "label", 5) && !strcmp(v, "disable")) {
		c->sec.selinux.at = o->at;
		c->sec.selinux.type = (struct ps_str){ "disable", o->at };
	}
}

void ins_docker_options(struct ps_container *c)
{
	for (size_t i = 0; i < c->sec.options.n; i++)
		read_option(c, &c->sec.options.v[i]);
}

static void read_mode(struct ps_reader *rd, const struct yaml_node *host, const char *key,
		      struct ps_bool *out)
{
	struct ps_str mode = { 0 };

	ps_read_str(rd, host, key, &mode);
	if (mode.at && !strcmp(mode.v, "host"))
		*out = (struct ps_bool){ true, mode.at };
}

static void read_mounts(struct ps_reader *rd, const struct yaml_node *root, struct ps_container *c)
{
	const struct yaml_node *seq = ps_seq(rd, root, "Mounts");

	if (!seq)
		return;
	c->mounts = arena_alloc(rd->arena, seq->n * sizeof(*c->mounts));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		const struct yaml_node *n = seq->item[i];
		struct ps_mount *m = &c->mounts[c->mounts_n++];
		struct ps_bool write = { 0 };
		const char *type = ps_text(rd, n, "Type");

		m->at = n;
		m->target = ps_text(rd, n, "Destination");
		m->source = strcmp(type, "volume") ? ps_text(rd, n, "Source") : NULL;
		ps_read_str(rd, n, "Propagation", &m->propagation);
		ps_read_bool(rd, n, "RW", &write);
		m->read_only = (struct ps_bool){ write.at && !write.v, write.at };
	}
}

static void read_devices(struct ps_reader *rd, const struct yaml_node *host, struct ps_container *c)
{
	const struct yaml_node *seq = ps_seq(rd, host, "Devices");

	if (!seq)
		return;
	c->devices.v = arena_alloc(rd->arena, seq->n * sizeof(*c->devices.v));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++)
		c->devices.v[c->devices.n++] =
			(struct ps_str){ ps_text(rd, seq->item[i], "PathOnHost"), seq->item[i] };
	c->devices.at = seq;
}

/* "80/tcp": [{"HostPort": "8080"}] */
static void read_ports(struct ps_reader *rd, const struct yaml_node *host, struct ps_container *c)
{
	const struct yaml_node *map = ps_map(rd, host, "PortBindings");

	if (!map)
		return;
	c->ports = arena_alloc(rd->arena, map->n * sizeof(*c->ports));
	for (uint32_t i = 0; i < map->n; i++) {
		const struct yaml_node *list = map->pair[i].value, *first, *port;

		first = list->kind == YAML_SEQ && list->n ? list->item[0] : NULL;
		port = yaml_get(first, "HostPort");
		if (port && port->kind == YAML_SCALAR && *port->text)
			c->ports[c->ports_n++] = (struct ps_port){
				.container = strtol(map->pair[i].key->text, NULL, 10),
				.host = strtol(port->text, NULL, 10),
				.at = port
			};
	}
}

/* "CAP_CHOWN" and "chown" are CHOWN. */
void ins_plain_caps(struct ps_reader *rd, struct ps_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		char *name = arena_strdup(rd->arena, list->v[i].v);

		for (char *p = name; *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		list->v[i].v = strncmp(name, "CAP_", 4) ? name : name + 4;
	}
}

static void read_host_config(struct ps_reader *rd, const struct yaml_node *host, struct ps_pod *pod,
			     struct ps_container *c)
{
	struct ps_str users = { 0 };

	ps_read_bool(rd, host, "Privileged", &c->sec.privileged);
	ps_read_bool(rd, host, "ReadonlyRootfs", &c->sec.read_only_root);
	ps_read_list(rd, host, "CapAdd", &c->sec.cap_add);
	ps_read_list(rd, host, "CapDrop", &c->sec.cap_drop);
	ps_read_list(rd, host, "SecurityOpt", &c->sec.options);
	ps_read_int(rd, host, "PidsLimit", &c->pids_limit);
	ps_read_entries(rd, host, "Sysctls", &c->sec.sysctls);
	read_mode(rd, host, "PidMode", &pod->host_pid);
	read_mode(rd, host, "IpcMode", &pod->host_ipc);
	read_mode(rd, host, "NetworkMode", &pod->host_network);
	read_mode(rd, host, "UTSMode", &pod->host_uts);
	ps_read_str(rd, host, "UsernsMode", &users);
	if (users.at && !strcmp(users.v, "host"))
		pod->host_users = (struct ps_bool){ true, users.at };
	read_devices(rd, host, c);
	read_ports(rd, host, c);
	ins_plain_caps(rd, &c->sec.cap_add);
	ins_plain_caps(rd, &c->sec.cap_drop);
	ins_docker_options(c);
}

static void inspect_container(struct ins_doc *d, const struct yaml_node *n)
{
	struct ps_reader rd = { .s = d->s, .arena = d->arena, .e = &d->err };
	struct ps_container *c = arena_alloc(d->arena, sizeof(*c));
	struct ps_pod pod = { .platform = PS_DOCKER,
			      .kind = "Container",
			      .ns = "",
			      .root = n,
			      .spec = n,
			      .containers = c,
			      .containers_n = 1 };
	const struct yaml_node *config = ps_map(&rd, n, "Config");
	struct ps_str profile = { 0 };

	c->class = PS_NORMAL;
	c->at = c->sec.at = n;
	pod.name = ps_text(&rd, n, "Name");
	pod.name += *pod.name == '/';
	c->name = pod.name;
	c->image = config ? ps_text(&rd, config, "Image") : "";
	if (config)
		ps_read_str(&rd, config, "User", &c->sec.user_name);
	ps_read_str(&rd, n, "AppArmorProfile", &profile);
	if (profile.at)
		c->sec.apparmor = (struct ps_profile){ profile.at,
						       { !*profile.v ? NULL
							 : !strcmp(profile.v, "unconfined")
								 ? "Unconfined"
								 : "RuntimeDefault",
							 profile.at },
						       { 0 } };
	read_host_config(&rd, ps_map(&rd, n, "HostConfig"), &pod, c);
	read_mounts(&rd, n, c);
	if (rd.r == 0)
		ins_workload(d, &pod, n);
}

bool ins_read_docker(struct ins_doc *d)
{
	const struct yaml_node *root = d->root;

	if (root->kind == YAML_MAP && yaml_get(root, "HostConfig")) {
		inspect_container(d, root);
		return true;
	}
	if (root->kind != YAML_SEQ || !root->n || !yaml_get(root->item[0], "HostConfig"))
		return false;
	for (uint32_t i = 0; i < root->n; i++) {
		inspect_container(d, root->item[i]);
		if (d->err.code)
			ins_problem(d->report, d->s->name, root->item[i]->start.line,
				    root->item[i]->start.col, d->err.msg);
		d->err = (struct err){ 0 };
	}
	return true;
}
