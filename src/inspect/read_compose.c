/* Compose files: each service is a workload (compose-spec). */
#include <stdlib.h>
#include <string.h>

#include "inspect/document.h"

/* A scalar of any type as text: Compose takes 1000 for "1000". */
static void any_str(const struct yaml_node *map, const char *key, struct ps_str *out)
{
	const struct yaml_node *v = yaml_get(map, key);

	if (v && v->kind == YAML_SCALAR && v->type != YAML_NULL)
		*out = (struct ps_str){ v->text, v };
}

static void host_flag(const struct yaml_node *service, const char *key, struct ps_bool *out)
{
	struct ps_str mode = { 0 };

	any_str(service, key, &mode);
	if (mode.at && !strcmp(mode.v, "host"))
		*out = (struct ps_bool){ true, mode.at };
}

/* Whether the word is in a list that commas separate. */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, word, n) && (!p[n] || p[n] == ','))
			return true;
	}
	return false;
}

/* The folder of the host that the named volume is ("o: bind" of the local driver), or NULL. */
static const char *bound_folder(const struct yaml_node *volumes, const char *name)
{
	const struct yaml_node *o = yaml_get(yaml_get(volumes, name), "driver_opts");
	struct ps_str mode = { .v = "" }, device = { 0 };

	any_str(o, "o", &mode);
	any_str(o, "device", &device);
	return has_word(mode.v, "bind") || has_word(mode.v, "rbind") ? device.v : NULL;
}

/* "SOURCE:TARGET[:ro]"; a source that is no path is a named volume. */
static void short_mount(struct ps_reader *rd, const struct yaml_node *volumes, const char *text,
			struct ps_mount *m)
{
	const char *colon = strchr(text, ':'), *rest;

	if (!colon) {
		m->target = text;
		return;
	}
	m->source = arena_strndup(rd->arena, text, (size_t)(colon - text));
	if (!strchr("/.~", *text))
		m->source = bound_folder(volumes, m->source);
	rest = strchr(colon + 1, ':');
	m->target = rest ? arena_strndup(rd->arena, colon + 1, (size_t)(rest - colon - 1))
			 : colon + 1;
	if (rest && has_word(rest + 1, "ro"))
		m->read_only = (struct ps_bool){ true, m->at };
	if (rest && (has_word(rest + 1, "shared") || has_word(rest + 1, "rshared")))
		m->propagation = (struct ps_str){ "shared", m->at };
}

static void long_mount(struct ps_reader *rd, const struct yaml_node *volumes,
		       const struct yaml_node *n, struct ps_mount *m)
{
	const struct yaml_node *bind = ps_map(rd, n, "bind");
	const char *source = ps_text(rd, n, "source");

	m->target = ps_text(rd, n, "target");
	m->source = strcmp(ps_text(rd, n, "type"), "bind") ? bound_folder(volumes, source) : source;
	ps_read_bool(rd, n, "read_only", &m->read_only);
	if (bind)
		ps_read_str(rd, bind, "propagation", &m->propagation);
}

static void read_mounts(struct ps_reader *rd, const struct yaml_node *volumes,
			const struct yaml_node *service, struct ps_container *c)
{
	const struct yaml_node *seq = ps_seq(rd, service, "volumes");

	if (!seq)
		return;
	c->mounts = arena_alloc(rd->arena, seq->n * sizeof(*c->mounts));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		struct ps_mount *m = &c->mounts[c->mounts_n++];

		m->at = seq->item[i];
		m->target = "";
		if (m->at->kind == YAML_SCALAR)
			short_mount(rd, volumes, m->at->text, m);
		else
			long_mount(rd, volumes, m->at, m);
	}
}

/* "[IP:]HOST:CONTAINER[/tcp]"; a port alone is published on one that the engine chooses. */
static int64_t host_port(const char *text)
{
	const char *last = strrchr(text, ':'), *before;

	if (!last)
		return 0;
	before = memrchr(text, ':', (size_t)(last - text));
	return strtol(before ? before + 1 : text, NULL, 10);
}

static void read_ports(struct ps_reader *rd, const struct yaml_node *service,
		       struct ps_container *c)
{
	const struct yaml_node *seq = ps_seq(rd, service, "ports");

	if (!seq)
		return;
	c->ports = arena_alloc(rd->arena, seq->n * sizeof(*c->ports));
	for (uint32_t i = 0; i < seq->n; i++) {
		const struct yaml_node *n = seq->item[i];
		const struct yaml_node *published = yaml_get(n, "published");
		struct ps_port *p = &c->ports[c->ports_n++];

		p->at = published ? published : n;
		if (n->kind == YAML_SCALAR)
			p->host = host_port(n->text);
		else if (published && published->kind == YAML_SCALAR)
			p->host = strtol(published->text, NULL, 10);
	}
}

/* A map of names, or a list of NAME=VALUE. */
static void read_sysctls(struct ps_reader *rd, const struct yaml_node *service,
			 struct ps_container *c)
{
	const struct yaml_node *n = yaml_get(service, "sysctls");

	if (!n || n->kind == YAML_SCALAR)
		return;
	c->sec.sysctls.at = n;
	c->sec.sysctls.v = arena_alloc(rd->arena, n->n * sizeof(*c->sec.sysctls.v));
	for (uint32_t i = 0; i < n->n; i++) {
		const struct yaml_node *v = n->kind == YAML_MAP ? n->pair[i].value : n->item[i];
		const char *key = n->kind == YAML_MAP	   ? n->pair[i].key->text
				  : v->kind == YAML_SCALAR ? v->text
							   : "";

		c->sec.sysctls.v[c->sec.sysctls.n++] = (struct ps_entry){
			arena_strndup(rd->arena, key, strcspn(key, "=")), "", v
		};
	}
}

/* Also as deploy.resources.limits.pids. */
static void read_pids_limit(struct ps_reader *rd, const struct yaml_node *service,
			    struct ps_container *c)
{
	static const char *const way[] = { "deploy", "resources", "limits" };
	const struct yaml_node *n = service;

	ps_read_int(rd, service, "pids_limit", &c->pids_limit);
	for (size_t i = 0; i < ARRAY_SIZE(way) && n; i++)
		n = ps_map(rd, n, way[i]);
	if (n && !c->pids_limit.at)
		ps_read_int(rd, n, "pids", &c->pids_limit);
}

static void inspect_service(struct ins_doc *d, const char *name, const struct yaml_node *service)
{
	struct ps_reader rd = { .s = d->s, .arena = d->arena, .e = &d->err };
	struct ps_container *c = arena_alloc(d->arena, sizeof(*c));
	struct ps_pod pod = { .platform = PS_COMPOSE,
			      .kind = "Service",
			      .ns = "",
			      .name = name,
			      .root = d->root,
			      .spec = service,
			      .containers = c,
			      .containers_n = 1 };
	struct ps_str image = { .v = "" };

	if (service->kind != YAML_MAP) {
		yaml_err(d->s, service, &d->err, EINVAL, "expected a map, found %s",
			 yaml_word(service));
		return;
	}
	c->class = PS_NORMAL;
	c->name = name;
	c->at = c->sec.at = service;
	any_str(service, "image", &image);
	c->image = image.v;
	any_str(service, "user", &c->sec.user_name);
	ps_read_bool(&rd, service, "privileged", &c->sec.privileged);
	ps_read_bool(&rd, service, "read_only", &c->sec.read_only_root);
	ps_read_list(&rd, service, "cap_add", &c->sec.cap_add);
	ps_read_list(&rd, service, "cap_drop", &c->sec.cap_drop);
	ps_read_list(&rd, service, "security_opt", &c->sec.options);
	ps_read_list(&rd, service, "devices", &c->devices);
	read_pids_limit(&rd, service, c);
	host_flag(service, "pid", &pod.host_pid);
	host_flag(service, "ipc", &pod.host_ipc);
	host_flag(service, "network_mode", &pod.host_network);
	host_flag(service, "uts", &pod.host_uts);
	host_flag(service, "userns_mode", &pod.host_users);
	read_mounts(&rd, yaml_get(d->root, "volumes"), service, c);
	read_ports(&rd, service, c);
	read_sysctls(&rd, service, c);
	ins_plain_caps(&rd, &c->sec.cap_add);
	ins_plain_caps(&rd, &c->sec.cap_drop);
	ins_docker_options(c);
	if (rd.r == 0)
		ins_workload(d, &pod, service);
}

bool ins_read_compose(struct ins_doc *d)
{
	const struct yaml_node *services = yaml_get(d->root, "services");
	struct yaml_node *volumes;

	if (!services || services->kind != YAML_MAP)
		return false;
	volumes = yaml_get(d->root, "volumes");
	if (volumes)
		ins_compose_vars(d->arena, volumes);
	for (uint32_t i = 0; i < services->n; i++) {
		struct yaml_node *v = services->pair[i].value;

		if (yaml_is_null(v))
			continue;
		ins_compose_vars(d->arena, v);
		inspect_service(d, services->pair[i].key->text, v);
		if (d->err.code)
			ins_problem(d->report, d->s->name, v->start.line, v->start.col, d->err.msg);
		d->err = (struct err){ 0 };
	}
	return true;
}
