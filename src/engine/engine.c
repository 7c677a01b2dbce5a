#include "engine/engine.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "engine/docker.h"

enum {
	STATE_MAX = 4 * 1024 * 1024, /* runc's state.json holds the whole configuration */
	PODMAN_MAX = 4 * 1024 * 1024,
	PODMAN_TIMEOUT = 10000, /* ms */
};

void container_free(struct container *c)
{
	arena_free(&c->arena);
	*c = (struct container){ 0 };
}

static const char *copy(struct container *c, const char *s)
{
	return arena_strdup(&c->arena, s ? s : "");
}

static void set_empty(struct container *c, const char *engine)
{
	*c = (struct container){
		.engine = engine, .id = "", .name = "", .image = "", .digest = "", .runtime = ""
	};
}

/* A string member at a path of keys, "" when anything on the way is missing. */
static const char *deep_str(struct json_object *o, const char *const *keys)
{
	for (; *keys; keys++)
		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, *keys, &o))
			return "";
	return json_object_is_type(o, json_type_string) ? json_object_get_string(o) : "";
}

#define DEEP(o, ...) deep_str((o), (const char *const[]){ __VA_ARGS__, NULL })

static pid_t deep_pid(struct json_object *o, const char *first, const char *second)
{
	if (!json_object_object_get_ex(o, first, &o) ||
	    (second && !json_object_object_get_ex(o, second, &o)))
		return 0;
	return (pid_t)json_object_get_int64(o);
}

static void append_argv(struct container *c, struct json_object *list, size_t max)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n && c->argv_n < max; i++)
		c->argv[c->argv_n++] =
			copy(c, json_object_get_string(json_object_array_get_idx(list, i)));
}

enum { ARGV_MAX = 256 };

/* The inspect document that Docker's API and Podman's command both give. */
static void from_inspect(struct container *c, struct json_object *o)
{
	const char *name = DEEP(o, "Name"), *image = DEEP(o, "Config", "Image");
	struct json_object *args = NULL;

	c->id = copy(c, DEEP(o, "Id"));
	c->name = copy(c, *name == '/' ? name + 1 : name);
	c->image = copy(c, *image ? image : DEEP(o, "ImageName"));
	c->digest = copy(c, DEEP(o, "Image"));
	if (*DEEP(o, "ImageDigest"))
		c->digest = copy(c, DEEP(o, "ImageDigest"));
	c->runtime = copy(c, *DEEP(o, "HostConfig", "Runtime") ? DEEP(o, "HostConfig", "Runtime")
							       : DEEP(o, "OCIRuntime"));
	c->pid = deep_pid(o, "State", "Pid");
	c->argv = arena_alloc(&c->arena, ARGV_MAX * sizeof(*c->argv));
	if (*DEEP(o, "Path"))
		c->argv[c->argv_n++] = copy(c, DEEP(o, "Path"));
	json_object_object_get_ex(o, "Args", &args);
	append_argv(c, args, ARGV_MAX);
}

static int find_docker(const char *name, struct container *c, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	int r = docker_inspect(name, &d, e);

	if (r < 0)
		return r;
	set_empty(c, "docker");
	from_inspect(c, d.root);
	return 0;
}

static int find_podman(const char *name, struct container *c, struct err *e)
{
	const char *argv[] = { "podman", "container", "inspect", "--", name, NULL };
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_buf struct buf out = { 0 };
	struct json_object *o;
	int r;

	if (!proc_exists("podman"))
		return err_set(e, ENOENT, "podman is not installed");
	r = proc_capture(argv, PODMAN_MAX, PODMAN_TIMEOUT, &out, e);
	if (r < 0)
		return r;
	if (r > 0)
		return err_set(e, ENOENT, "podman knows no container \"%s\"", name);
	r = json_parse(&d, "podman container inspect", buf_str(&out), out.len, e);
	if (r < 0)
		return r;
	o = json_object_is_type(d.root, json_type_array) ? json_object_array_get_idx(d.root, 0)
							 : NULL;
	if (!json_object_is_type(o, json_type_object))
		return err_set(e, EPROTO, "podman container inspect: expected a list of objects");
	set_empty(c, "podman");
	from_inspect(c, o);
	return 0;
}

int podman_inspect_running(struct buf *out, struct err *e)
{
	enum { MAX_CONTAINERS = 4000 };
	const char *list[] = { "podman", "ps", "--quiet", "--no-trunc", NULL };
	cleanup_free const char **argv = xcalloc(MAX_CONTAINERS + 5, sizeof(*argv));
	cleanup_buf struct buf ids = { 0 };
	char *save = NULL;
	size_t n = 0;
	int r;

	if (!proc_exists("podman"))
		return err_set(e, ENOENT, "podman is not installed");
	r = proc_capture(list, PODMAN_MAX, PODMAN_TIMEOUT, &ids, e);
	if (r > 0)
		return err_set(e, EPROTO, "podman ps ended with status %d", r);
	if (r < 0)
		return r;
	argv[n++] = "podman";
	argv[n++] = "container";
	argv[n++] = "inspect";
	argv[n++] = "--";
	for (char *id = ids.len ? strtok_r(ids.p, "\n", &save) : NULL; id && n < MAX_CONTAINERS + 4;
	     id = strtok_r(NULL, "\n", &save))
		argv[n++] = id;
	if (n == 4) {
		buf_puts(out, "[]");
		return 0;
	}
	r = proc_capture(argv, PODMAN_MAX, PODMAN_TIMEOUT, out, e);
	return r > 0 ? err_set(e, EPROTO, "podman container inspect ended with status %d", r) : r;
}

/* ---- state directories of OCI runtimes */

static bool plain_name(const char *id)
{
	return *id && *id != '.' && !strchr(id, '/');
}

/* runc: <root>/<id>/state.json (libcontainer.State). */
static int read_runc_state(const char *root, const char *id, struct container *c)
{
	cleanup_json_doc struct json_doc d = { 0 };
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s/state.json", root, id);
	if (json_load(&d, path, STATE_MAX, NULL) < 0 ||
	    !json_object_is_type(d.root, json_type_object))
		return -ENOENT;
	set_empty(c, strstr(root, "containerd") ? "containerd" : "runc");
	c->id = copy(c, id);
	c->runtime = "runc";
	c->pid = deep_pid(d.root, "init_process_pid", NULL);
	return 0;
}

/* crun: <root>/<id>/status. */
static int read_crun_status(const char *root, const char *id, struct container *c)
{
	cleanup_json_doc struct json_doc d = { 0 };
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s/status", root, id);
	if (json_load(&d, path, STATE_MAX, NULL) < 0 ||
	    !json_object_is_type(d.root, json_type_object))
		return -ENOENT;
	set_empty(c, "crun");
	c->id = copy(c, id);
	c->runtime = "crun";
	c->pid = deep_pid(d.root, "pid", NULL);
	return 0;
}

int container_find_state(const char *root, const char *id, struct container *c, struct err *e)
{
	if (plain_name(id) &&
	    (read_runc_state(root, id, c) == 0 || read_crun_status(root, id, c) == 0))
		return 0;
	return err_set(e, ENOENT, "%s: no container \"%s\"", root, id);
}

/* A container below `root` whose id is `name` or the only one that begins with it. */
static int find_below(const char *root, const char *name, struct container *c)
{
	cleanup_closedir DIR *d = NULL;
	char only[256] = "";

	if (container_find_state(root, name, c, NULL) == 0)
		return 0;
	d = strlen(name) >= 4 ? opendir(root) : NULL;
	for (struct dirent *ent; d && (ent = readdir(d));) {
		if (strncmp(ent->d_name, name, strlen(name)) != 0)
			continue;
		if (only[0])
			return -ENOTUNIQ;
		snprintf(only, sizeof(only), "%s", ent->d_name);
	}
	return only[0] ? container_find_state(root, only, c, NULL) : -ENOENT;
}

static int find_in_states(const char *name, struct container *c)
{
	static const char *const roots[] = { "/run/runc", "/run/crun",
					     "/run/docker/runtime-runc/moby" };
	static const char containerd[] = "/run/containerd/runc";
	cleanup_closedir DIR *d = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (find_below(roots[i], name, c) == 0)
			return 0;
	d = opendir(containerd);
	for (struct dirent *ent; d && (ent = readdir(d));) {
		char root[512];

		snprintf(root, sizeof(root), "%s/%s", containerd, ent->d_name);
		if (ent->d_name[0] != '.' && find_below(root, name, c) == 0)
			return 0;
	}
	return -ENOENT;
}

int container_find(const char *name, struct container *c, struct err *e)
{
	struct err docker = { 0 }, podman = { 0 };

	if (!*name || strlen(name) > 255)
		return err_set(e, EINVAL, "not a container name: \"%.40s\"", name);
	/* The engines first: the states of their runtimes know neither names nor images. */
	if (find_docker(name, c, &docker) == 0 || find_podman(name, c, &podman) == 0 ||
	    find_in_states(name, c) == 0)
		return 0;
	return err_set(
		e, ENOENT,
		"no container \"%s\": docker: %s; podman: %s; runc, crun and containerd have "
		"no state of it",
		name, docker.msg, podman.msg);
}

bool container_matches(const struct container *c, const char *wanted)
{
	size_t n = strlen(wanted);

	if (!strcmp(c->id, wanted) || !strcmp(c->name, wanted) || !strcmp(c->image, wanted) ||
	    !strcmp(c->digest, wanted))
		return true;
	if (n >= 12 && !strncmp(c->id, wanted, n))
		return true;
	/* "nginx" means "nginx:latest", as it does for the engines. */
	return !strchr(wanted, ':') && !strncmp(c->image, wanted, n) &&
	       !strcmp(c->image + n, ":latest");
}

size_t container_pids(pid_t pid, pid_t *out, size_t max)
{
	cleanup_closedir DIR *d = NULL;
	struct stat own, host, st;
	char path[64];
	size_t n = 0;

	out[n++] = pid;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	if (stat(path, &own) < 0 || stat("/proc/self/ns/pid", &host) < 0 ||
	    own.st_ino == host.st_ino)
		return n;
	d = opendir("/proc");
	for (struct dirent *ent; d && n < max && (ent = readdir(d));) {
		pid_t p = (pid_t)strtol(ent->d_name, NULL, 10);

		snprintf(path, sizeof(path), "/proc/%d/ns/pid", p);
		if (p > 0 && p != pid && stat(path, &st) == 0 && st.st_ino == own.st_ino)
			out[n++] = p;
	}
	return n;
}
