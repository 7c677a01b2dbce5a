/* What is inspected where it runs: containers of Docker and Podman, and the node itself. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/inspect.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/docker.h"
#include "engine/engine.h"
#include "inspect/node_state.h"

void inspect_text(struct inspect *in, const char *name, const char *text, size_t len)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	size_t first = in->report.findings_n;
	struct err e = { 0 };

	if (yaml_parse(&s, name, text, len, &e) < 0) {
		ins_problem(&in->report, name, 0, 0, e.msg);
		return;
	}
	in->o.no_lines = true; /* nobody can look them up */
	ins_stream(&in->report, &in->o, &s, false);
	in->o.no_lines = false;
	ins_waivers_apply(&in->report, first);
}

/* ---- engines */

static void inspect_docker_container(struct inspect *in, const char *id, const char *name)
{
	cleanup_free char *document = xasprintf("docker:%s", name);
	cleanup_json_doc struct json_doc d = { 0 };
	struct err e = { 0 };
	int r = docker_inspect(id, &d, &e);
	const char *text;

	if (r == -ENOENT)
		return; /* it ended meanwhile */
	if (r < 0) {
		ins_problem(&in->report, document, 0, 0, e.msg);
		return;
	}
	text = json_object_to_json_string(d.root);
	inspect_text(in, document, text, strlen(text));
}

int inspect_docker(struct inspect *in, struct err *e)
{
	cleanup_json_doc struct json_doc list = { 0 };
	int r = docker_list(&list, e);

	if (r < 0)
		return err_prefix(e, "--docker"), r;
	if (!json_object_is_type(list.root, json_type_array))
		return err_set(e, EPROTO, "--docker: expected a list of containers");
	for (size_t i = 0; i < json_object_array_length(list.root); i++) {
		struct json_object *c = json_object_array_get_idx(list.root, i), *names = NULL;
		const char *id = NULL, *name;

		if (json_get_str(&list, NULL, c, "Id", true, &id, e) < 0)
			return err_prefix(e, "--docker"), -EPROTO;
		json_object_object_get_ex(c, "Names", &names);
		name = json_object_is_type(names, json_type_array)
			       ? json_object_get_string(json_object_array_get_idx(names, 0))
			       : NULL;
		name = name && *name ? name + (*name == '/') : id;
		inspect_docker_container(in, id, name);
	}
	return 0;
}

int inspect_podman(struct inspect *in, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	int r = podman_inspect_running(&text, e);

	if (r < 0)
		return err_prefix(e, "--podman"), r;
	if (strcmp(buf_str(&text), "[]"))
		inspect_text(in, "podman", text.p, text.len);
	return 0;
}

/* ---- the node */

/* A configuration file of the node, if it has it. */
static void inspect_config(struct inspect *in, const char *root, const char *path)
{
	cleanup_free char *full = xasprintf("%s/%s", root, path);
	struct err e = { 0 };

	if (access(full, F_OK) == 0 && inspect_path(in, full, &e) < 0)
		ins_problem(&in->report, full, 0, 0, e.msg);
}

int inspect_node(struct inspect *in, struct err *e)
{
	const char *root = strcmp(in->o.node_root, "/") ? in->o.node_root : "";
	cleanup_buf struct buf state = { 0 };
	struct ins_kubelet kubelet;

	if (access(in->o.node_root, X_OK) < 0)
		return err_errno(e, errno, "--node: %s", in->o.node_root);
	ins_kubelet_flags(root, &kubelet);
	in->o.seccomp_default |= kubelet.seccomp_default;
	inspect_config(in, root, kubelet.config);
	inspect_config(in, root, "etc/docker/daemon.json");
	ins_node_state(root, kubelet.config, &state);
	inspect_text(in, "node", buf_str(&state), state.len);
	return 0;
}
