/* What a node's kernel and files say of it, as a document that checks look at like any other. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "inspect/document.h"
#include "inspect/node_state.h"

/* docs.kernel.org, admin-guide/sysctl: the settings that the checks know. */
static const char *const sysctls[] = {
	"kernel/unprivileged_bpf_disabled",
	"kernel/kptr_restrict",
	"kernel/dmesg_restrict",
	"kernel/yama/ptrace_scope",
	"kernel/randomize_va_space",
	"kernel/perf_event_paranoid",
	"kernel/core_pattern",
	"vm/mmap_min_addr",
	"fs/protected_symlinks",
	"fs/protected_hardlinks",
	"net/core/bpf_jit_harden",
};

/* Whoever may write there is root of the node. */
static const char *const engine_sockets[] = {
	"var/run/docker.sock",
	"run/containerd/containerd.sock",
	"run/crio/crio.sock",
	"run/podman/podman.sock",
};

static bool read_below(const char *root, const char *path, char *out, size_t size)
{
	cleanup_free char *full = xasprintf("%s/%s", root, path);

	if (io_read_small(full, out, size) < 0)
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static void add_sysctls(struct json_object *state, const char *root)
{
	struct json_object *list = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(sysctls); i++) {
		cleanup_free char *path = xasprintf("proc/sys/%s", sysctls[i]);
		char value[256], *name = strdupa(sysctls[i]);

		if (!read_below(root, path, value, sizeof(value)))
			continue;
		for (char *p = name; (p = strchr(p, '/'));)
			*p = '.';
		json_add(list, name, json_object_new_string(value));
	}
	json_add(state, "sysctl", list);
}

/* The security modules that run, and whether they enforce. */
static void add_modules(struct json_object *state, const char *root)
{
	struct json_object *list = json_object_new_array(), *security = json_object_new_object();
	char text[512], *save = NULL;

	if (read_below(root, "sys/kernel/security/lsm", text, sizeof(text))) {
		for (char *w = strtok_r(text, ",\n", &save); w; w = strtok_r(NULL, ",\n", &save))
			json_append(list, json_object_new_string(w));
		json_add(security, "modules", list);
	} else {
		json_object_put(list); /* securityfs is not mounted */
	}
	if (read_below(root, "sys/module/apparmor/parameters/enabled", text, sizeof(text)))
		json_add(security, "apparmor", json_object_new_boolean(*text == 'Y'));
	if (read_below(root, "sys/fs/selinux/enforce", text, sizeof(text)))
		json_add(security, "selinuxEnforcing", json_object_new_boolean(*text == '1'));
	json_add(state, "security", security);
}

static void add_mode(struct json_object *list, const char *root, const char *path)
{
	cleanup_free char *full = xasprintf("%s/%s", root, path), *name = xasprintf("/%s", path);
	char mode[16];
	struct stat st;

	if (stat(full, &st) < 0)
		return;
	snprintf(mode, sizeof(mode), "%04o", st.st_mode & 07777);
	json_add(list, name, json_object_new_string(mode));
}

static void add_files(struct json_object *state, const char *root, const char *kubelet_config)
{
	struct json_object *sockets = json_object_new_object(), *files = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(engine_sockets); i++)
		add_mode(sockets, root, engine_sockets[i]);
	add_mode(files, root, kubelet_config);
	add_mode(files, root, "etc/kubernetes/kubelet.conf");
	add_mode(files, root, "etc/docker/daemon.json");
	json_add(state, "sockets", sockets);
	json_add(state, "files", files);
}

void ins_node_state(const char *root, const char *kubelet_config, struct buf *out)
{
	struct json_object *state = json_object_new_object();
	cleanup_free char *json = NULL;
	char text[256];

	json_add(state, INS_STATE_KEY, json_object_new_int(1));
	if (read_below(root, "proc/sys/kernel/hostname", text, sizeof(text)))
		json_add(state, "name", json_object_new_string(text));
	if (read_below(root, "proc/sys/kernel/osrelease", text, sizeof(text)))
		json_add(state, "kernel", json_object_new_string(text));
	add_modules(state, root);
	add_sysctls(state, root);
	add_files(state, root, kubelet_config);
	json = json_text(state);
	buf_puts(out, json);
	json_object_put(state);
}

bool ins_read_state(struct ins_doc *d)
{
	const struct yaml_node *name;

	if (d->root->kind != YAML_MAP || !yaml_get(d->root, INS_STATE_KEY))
		return false;
	name = yaml_get(d->root, "name");
	ins_configuration(d, INS_NODE_STATE, "Node",
			  name && name->kind == YAML_SCALAR ? name->text : "", d->root);
	return true;
}

/* ---- the kubelet's command line */

/* The value of --NAME=VALUE or --NAME VALUE among NUL-separated words; NULL: not there. */
static const char *flag_value(const char *words, size_t len, const char *name)
{
	size_t n = strlen(name);

	for (const char *w = words; w < words + len; w += strlen(w) + 1) {
		const char *p = w;

		while (*p == '-')
			p++;
		if (p == w || strncmp(p, name, n))
			continue;
		if (p[n] == '=')
			return p + n + 1;
		if (!p[n])
			return w + strlen(w) + 1 < words + len ? w + strlen(w) + 1 : "";
	}
	return NULL;
}

static bool is_kubelet(const char *words)
{
	const char *slash = strrchr(words, '/');

	return !strcmp(slash ? slash + 1 : words, "kubelet");
}

void ins_kubelet_flags(const char *root, struct ins_kubelet *out)
{
	cleanup_free char *proc = xasprintf("%s/proc", root);
	cleanup_closedir DIR *d = opendir(proc);
	struct dirent *de;

	*out = (struct ins_kubelet){ .config = "var/lib/kubelet/config.yaml" };
	while (d && (de = readdir(d))) {
		cleanup_free char *path = xasprintf("%s/%s/cmdline", proc, de->d_name);
		cleanup_buf struct buf words = { 0 };
		const char *config, *seccomp;

		if (*de->d_name < '0' || *de->d_name > '9' ||
		    io_read_file(path, 1024 * 1024, &words, NULL) < 0 || !words.len ||
		    !is_kubelet(buf_str(&words)))
			continue;
		config = flag_value(words.p, words.len, "config");
		seccomp = flag_value(words.p, words.len, "seccomp-default");
		out->runs = true;
		out->seccomp_default = seccomp && strcmp(seccomp, "false");
		if (config && strlen(config) < sizeof(out->config_path)) {
			snprintf(out->config_path, sizeof(out->config_path), "%s",
				 config + (*config == '/'));
			out->config = out->config_path;
		}
		return;
	}
}
