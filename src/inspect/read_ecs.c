/*
 * ECS task definitions: as registered (camelCase members), as described by the AWS command line,
 * and where CloudFormation templates and Terraform plans have them literally.
 */
#include <string.h>

#include "inspect/document.h"

/*
 * CloudFormation writes PascalCase where ECS has camelCase; values and structure are the same. A
 * member is looked for by both names.
 */
static const char *name_in(struct ps_reader *rd, const struct yaml_node *map, const char *name)
{
	char *pascal;

	if (!map || yaml_get(map, name))
		return name;
	pascal = arena_strdup(rd->arena, name);
	if (*pascal >= 'a' && *pascal <= 'z')
		*pascal = (char)(*pascal - 'a' + 'A');
	return pascal;
}

/* Functions of CloudFormation (maps such as {"Ref": …}) are not literal: such members are skipped.
 */
static bool literal(struct ps_reader *rd, const struct yaml_node *map, const char *name)
{
	const struct yaml_node *v = map ? yaml_get(map, name_in(rd, map, name)) : NULL;

	return v &&
	       !(v->kind == YAML_MAP && v->n == 1 &&
		 (!strcmp(v->pair[0].key->text, "Ref") ||
		  !strncmp(v->pair[0].key->text, "Fn::", 4))) &&
	       !(v->tag && *v->tag == '!');
}

static void get_str(struct ps_reader *rd, const struct yaml_node *map, const char *name,
		    struct ps_str *out)
{
	const struct yaml_node *v = map ? yaml_get(map, name_in(rd, map, name)) : NULL;

	if (!literal(rd, map, name) || yaml_is_null(v))
		return;
	if (v->kind == YAML_SCALAR && (v->type == YAML_INT || v->type == YAML_FLOAT)) {
		out->v = v->text; /* users and ports may be written as numbers */
		out->at = v;
		return;
	}
	ps_read_str(rd, map, name_in(rd, map, name), out);
}

/* true, and "true" as templates write it */
static void get_bool(struct ps_reader *rd, const struct yaml_node *map, const char *name,
		     struct ps_bool *out)
{
	const struct yaml_node *v = map ? yaml_get(map, name_in(rd, map, name)) : NULL;

	if (!literal(rd, map, name))
		return;
	if (yaml_eq(v, "true") || yaml_eq(v, "false"))
		*out = (struct ps_bool){ yaml_eq(v, "true"), v };
	else
		ps_read_bool(rd, map, name_in(rd, map, name), out);
}

static const struct yaml_node *get_map(struct ps_reader *rd, const struct yaml_node *map,
				       const char *name)
{
	return literal(rd, map, name) ? ps_map(rd, map, name_in(rd, map, name)) : NULL;
}

static const struct yaml_node *get_seq(struct ps_reader *rd, const struct yaml_node *map,
				       const char *name)
{
	return literal(rd, map, name) ? ps_seq(rd, map, name_in(rd, map, name)) : NULL;
}

static void get_list(struct ps_reader *rd, const struct yaml_node *map, const char *name,
		     struct ps_list *out)
{
	if (literal(rd, map, name))
		ps_read_list(rd, map, name_in(rd, map, name), out);
}

/* "no-new-privileges", "apparmor:NAME", "label:…" */
static void read_options(struct ps_reader *rd, struct ps_container *c)
{
	get_list(rd, c->at, "dockerSecurityOptions", &c->sec.options);
	for (size_t i = 0; i < c->sec.options.n; i++) {
		const struct ps_str *o = &c->sec.options.v[i];

		if (!strcmp(o->v, "no-new-privileges") || !strcmp(o->v, "no-new-privileges:true"))
			c->sec.escalation = (struct ps_bool){ false, o->at };
		if (strncmp(o->v, "apparmor:", 9))
			continue;
		c->sec.apparmor.at = o->at;
		c->sec.apparmor.type = (struct ps_str){
			strcmp(o->v + 9, "unconfined") ? "Localhost" : "Unconfined", o->at
		};
		c->sec.apparmor.localhost = (struct ps_str){ o->v + 9, o->at };
	}
}

static void read_linux(struct ps_reader *rd, struct ps_container *c)
{
	const struct yaml_node *linux_parameters = get_map(rd, c->at, "linuxParameters");
	const struct yaml_node *caps = get_map(rd, linux_parameters, "capabilities");
	const struct yaml_node *devices = get_seq(rd, linux_parameters, "devices");

	c->sec.caps_at = caps;
	if (caps) {
		get_list(rd, caps, "add", &c->sec.cap_add);
		get_list(rd, caps, "drop", &c->sec.cap_drop);
	}
	if (!devices)
		return;
	c->devices.v = arena_alloc(rd->arena, devices->n * sizeof(*c->devices.v));
	for (uint32_t i = 0; i < devices->n && rd->r == 0; i++) {
		struct ps_str path = { "?", devices->item[i] };

		get_str(rd, devices->item[i], "hostPath", &path);
		path.at = devices->item[i];
		c->devices.v[c->devices.n++] = path;
	}
	c->devices.at = devices;
}

static void read_mounts(struct ps_reader *rd, struct ps_container *c, const struct ps_pod *pod)
{
	const struct yaml_node *seq = get_seq(rd, c->at, "mountPoints");

	if (!seq)
		return;
	c->mounts = arena_alloc(rd->arena, seq->n * sizeof(*c->mounts));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		struct ps_mount *m = &c->mounts[c->mounts_n++];
		struct ps_str volume = { .v = "" }, target = { .v = "" };

		m->at = seq->item[i];
		get_str(rd, m->at, "sourceVolume", &volume);
		get_str(rd, m->at, "containerPath", &target);
		get_bool(rd, m->at, "readOnly", &m->read_only);
		m->volume = volume.v;
		m->target = target.v;
		for (size_t k = 0; k < pod->volumes_n; k++)
			if (pod->volumes[k].host_path.at && !strcmp(pod->volumes[k].name, volume.v))
				m->source = pod->volumes[k].host_path.v;
	}
}

static void read_sysctls(struct ps_reader *rd, struct ps_container *c)
{
	const struct yaml_node *seq = get_seq(rd, c->at, "systemControls");

	if (!seq)
		return;
	c->sec.sysctls.at = seq;
	c->sec.sysctls.v = arena_alloc(rd->arena, seq->n * sizeof(*c->sec.sysctls.v));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		struct ps_str name = { .v = "" };

		get_str(rd, seq->item[i], "namespace", &name);
		c->sec.sysctls.v[c->sec.sysctls.n++] = (struct ps_entry){ name.v, "",
									  seq->item[i] };
	}
}

static void read_container(struct ps_reader *rd, const struct yaml_node *n,
			   const struct ps_pod *pod, struct ps_container *c)
{
	struct ps_str name = { .v = "" }, image = { .v = "" };

	c->class = PS_NORMAL;
	c->at = n;
	get_str(rd, n, "name", &name);
	get_str(rd, n, "image", &image);
	c->name = name.v;
	c->image = image.v;
	c->sec.at = n;
	get_bool(rd, n, "privileged", &c->sec.privileged);
	get_bool(rd, n, "readonlyRootFilesystem", &c->sec.read_only_root);
	get_str(rd, n, "user", &c->sec.user_name);
	if (rd->r == 0 && n->kind != YAML_MAP)
		rd->r = yaml_err(rd->s, n, rd->e, EINVAL, "expected a map, found %s", yaml_word(n));
	read_options(rd, c);
	read_linux(rd, c);
	read_mounts(rd, c, pod);
	read_sysctls(rd, c);
}

static void read_volumes(struct ps_reader *rd, const struct yaml_node *task, struct ps_pod *pod)
{
	const struct yaml_node *seq = get_seq(rd, task, "volumes");

	if (!seq)
		return;
	pod->volumes = arena_alloc(rd->arena, seq->n * sizeof(*pod->volumes));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		struct ps_volume *v = &pod->volumes[pod->volumes_n++];
		const struct yaml_node *host = get_map(rd, seq->item[i], "host");
		struct ps_str name = { .v = "" };

		get_str(rd, seq->item[i], "name", &name);
		v->at = seq->item[i];
		v->name = name.v;
		v->type = "host";
		if (host)
			get_str(rd, host, "sourcePath", &v->host_path);
	}
}

/* "host" of pidMode, ipcMode, networkMode. */
static void host_mode(struct ps_reader *rd, const struct yaml_node *task, const char *name,
		      struct ps_bool *out)
{
	struct ps_str mode = { 0 };

	get_str(rd, task, name, &mode);
	if (mode.at)
		*out = (struct ps_bool){ !strcmp(mode.v, "host"), mode.at };
}

static void read_task(struct ps_reader *rd, const struct yaml_node *task,
		      const struct yaml_node *containers, struct ps_pod *pod)
{
	struct ps_str family = { .v = "" }, os = { 0 };
	struct ps_list types = { 0 };

	pod->platform = PS_ECS;
	pod->kind = "TaskDefinition";
	pod->ns = "";
	pod->spec = task;
	get_str(rd, task, "family", &family);
	pod->name = family.v;
	host_mode(rd, task, "networkMode", &pod->host_network);
	host_mode(rd, task, "pidMode", &pod->host_pid);
	host_mode(rd, task, "ipcMode", &pod->host_ipc);
	get_list(rd, task, "requiresCompatibilities", &types);
	for (size_t i = 0; i < types.n; i++)
		pod->fargate |= !strcmp(types.v[i].v, "FARGATE");
	get_str(rd, get_map(rd, task, "runtimePlatform"), "operatingSystemFamily", &os);
	if (os.at)
		pod->os_name = (struct ps_str){ strncmp(os.v, "WINDOWS", 7) ? "linux" : "windows",
						os.at };
	read_volumes(rd, task, pod);
	if (containers->n > PS_MAX_CONTAINERS) {
		rd->r = yaml_err(rd->s, containers, rd->e, E2BIG, "more than %d containers",
				 PS_MAX_CONTAINERS);
		return;
	}
	pod->containers = arena_alloc(rd->arena, containers->n * sizeof(*pod->containers));
	for (uint32_t i = 0; i < containers->n && rd->r == 0; i++)
		read_container(rd, containers->item[i], pod, &pod->containers[pod->containers_n++]);
}

static void inspect_task(struct ins_doc *d, const struct yaml_node *task,
			 const struct yaml_node *containers, const char *name)
{
	struct ps_reader rd = { .s = d->s, .arena = d->arena, .e = &d->err };
	struct ps_pod pod = { .root = task };

	read_task(&rd, task, containers, &pod);
	pod.pascal_case = name != NULL;
	if (rd.r < 0)
		return;
	if (!*pod.name && name)
		pod.name = name;
	ins_workload(d, &pod, task);
}

/* A definition that is wrong leaves the others of its document. */
static void report_err(struct ins_doc *d, const struct yaml_node *at)
{
	if (d->err.code)
		ins_problem(d->report, d->s->name, at->start.line, at->start.col, d->err.msg);
	d->err = (struct err){ 0 };
}

/* ---- CloudFormation */

static bool is_cloudformation(const struct yaml_node *root)
{
	const struct yaml_node *resources = yaml_get(root, "Resources");

	return resources && resources->kind == YAML_MAP &&
	       (yaml_get(root, "AWSTemplateFormatVersion") ||
		(resources->n && yaml_get(resources->pair[0].value, "Type")));
}

static void read_cloudformation(struct ins_doc *d)
{
	const struct yaml_node *resources = yaml_get(d->root, "Resources");
	bool any = false;

	for (uint32_t i = 0; i < resources->n; i++) {
		const struct yaml_node *r = resources->pair[i].value;
		const struct yaml_node *properties = yaml_get(r, "Properties");
		const struct yaml_node *list = yaml_get(properties, "ContainerDefinitions");

		if (!yaml_eq(yaml_get(r, "Type"), "AWS::ECS::TaskDefinition") || !list ||
		    list->kind != YAML_SEQ)
			continue;
		inspect_task(d, properties, list, resources->pair[i].key->text);
		report_err(d, r);
		any = true;
	}
	if (!any)
		d->report->skipped++;
}

/* ---- Terraform plans */

/* container_definitions is JSON in a string: a document within the document. */
static void terraform_containers(struct ins_doc *d, const struct yaml_node *values,
				 const struct yaml_node *text, const char *address)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct buf pointer = { 0 };
	struct ps_reader rd = { .s = d->s, .arena = d->arena, .e = &d->err };
	struct ps_pod pod = { .root = values };
	const struct yaml_node *list;
	struct ins_doc inner = *d;

	if (yaml_parse(&s, d->s->name, text->text, text->n, &d->err) < 0)
		return;
	list = yaml_only(&s, &d->err);
	if (!list || list->kind != YAML_SEQ) {
		yaml_err(d->s, text, &d->err, EINVAL,
			 "expected a list of container definitions as JSON");
		return;
	}
	yaml_pointer(text, &pointer);
	inner.s = &s;
	inner.root = list;
	inner.outer = text;
	inner.prefix = arena_strndup(d->arena, buf_str(&pointer), pointer.len);
	buf_free(&pointer);
	rd.s = &s;
	read_task(&rd, values, list, &pod);
	if (rd.r < 0)
		return;
	if (!*pod.name)
		pod.name = address;
	ins_workload(&inner, &pod, list);
}

static void terraform_resource(struct ins_doc *d, const struct yaml_node *r,
			       const struct yaml_node *values)
{
	const struct yaml_node *text = yaml_get(values, "container_definitions");
	const struct yaml_node *address = yaml_get(r, "address");

	if (!yaml_eq(yaml_get(r, "type"), "aws_ecs_task_definition") || !yaml_is_str(text))
		return;
	terraform_containers(d, values, text, yaml_is_str(address) ? address->text : "");
	report_err(d, r);
}

static void terraform_module(struct ins_doc *d, const struct yaml_node *module)
{
	const struct yaml_node *resources = yaml_get(module, "resources");
	const struct yaml_node *children = yaml_get(module, "child_modules");

	for (uint32_t i = 0; resources && resources->kind == YAML_SEQ && i < resources->n; i++)
		terraform_resource(d, resources->item[i], yaml_get(resources->item[i], "values"));
	for (uint32_t i = 0; children && children->kind == YAML_SEQ && i < children->n; i++)
		terraform_module(d, children->item[i]);
}

static bool read_terraform(struct ins_doc *d)
{
	const struct yaml_node *planned = yaml_get(d->root, "planned_values");
	const struct yaml_node *state = yaml_get(d->root, "values");
	size_t before = d->report->subjects_n;

	if ((!yaml_get(d->root, "terraform_version") && !yaml_get(d->root, "format_version")) ||
	    (!planned && !state))
		return false;
	terraform_module(d, yaml_get(planned ? planned : state, "root_module"));
	if (d->report->subjects_n == before)
		d->report->skipped++;
	return true;
}

bool ins_read_ecs(struct ins_doc *d)
{
	const struct yaml_node *task = yaml_get(d->root, "taskDefinition");
	const struct yaml_node *list;

	if (is_cloudformation(d->root)) {
		read_cloudformation(d);
		return true;
	}
	if (read_terraform(d))
		return true;
	if (!task || task->kind != YAML_MAP)
		task = d->root;
	list = yaml_get(task, "containerDefinitions");
	if (!list)
		return false;
	if (list->kind != YAML_SEQ)
		yaml_err(d->s, list, &d->err, EINVAL, "expected a list, found %s", yaml_word(list));
	else
		inspect_task(d, task, list, NULL);
	return true;
}
