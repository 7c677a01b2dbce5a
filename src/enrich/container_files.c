#include "enrich/container_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"

enum { MAX_BYTES = 4 * 1024 * 1024, MAX_NAMESPACES = 64, MIN_ID = 12 };

static const char *text(struct container *c, struct json_object *v)
{
	return v && json_object_is_type(v, json_type_string) && *json_object_get_string(v)
		       ? arena_strdup(&c->arena, json_object_get_string(v))
		       : NULL;
}

static const char *text_at(struct container *c, struct json_object *o, const char *key)
{
	return text(c, json_member(o, key));
}

/* "registry:5000/team/web:1.2@sha256:…" in its parts. */
static void split_image(struct container *c)
{
	const char *slash, *colon, *at;
	size_t len;

	if (!c->image)
		return;
	at = strchr(c->image, '@');
	if (at && !c->digest)
		c->digest = arena_strdup(&c->arena, at + 1);
	len = at ? (size_t)(at - c->image) : strlen(c->image);
	slash = memrchr(c->image, '/', len);
	colon = memrchr(c->image, ':', len);
	if (colon && (!slash || colon > slash)) {
		c->tag = arena_strndup(&c->arena, colon + 1, len - (size_t)(colon + 1 - c->image));
		len = (size_t)(colon - c->image);
	}
	c->repository = arena_strndup(&c->arena, c->image, len);
}

static void add_pairs(struct container *c, struct json_object *o)
{
	size_t n, i = 0;

	if (!o || !json_object_is_type(o, json_type_object))
		return;
	n = (size_t)json_object_object_length(o);
	c->labels = arena_alloc(&c->arena, (n + 1) * sizeof(*c->labels));
	json_object_object_foreach (o, key, v) {
		const char *value = text(c, v);

		c->labels[i].key = arena_strdup(&c->arena, key);
		c->labels[i++].value = value ? value : "";
	}
	c->labels_n = i;
}

static const char *label(const struct container *c, const char *key)
{
	return container_label(c, key, strlen(key));
}

/* Names of labels: k8s.io/kubernetes, pkg/kubelet/types/labels.go. */
static void pod_from_labels(struct container *c)
{
	c->pod_name = label(c, "io.kubernetes.pod.name");
	c->pod_namespace = label(c, "io.kubernetes.pod.namespace");
	c->pod_uid = label(c, "io.kubernetes.pod.uid");
}

static uint64_t parse_time(const char *s)
{
	struct tm tm = { 0 };
	double fraction = 0;
	const char *end = s ? strptime(s, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (!end || tm.tm_year <= 0)
		return 0;
	if (*end == '.')
		sscanf(end, "%lf", &fraction);
	return (uint64_t)timegm(&tm) * 1000000000u + (uint64_t)(fraction * 1e9);
}

static int is_host(struct container *c, struct json_object *o, const char *key)
{
	const char *mode = text_at(c, o, key);

	return mode && !strcmp(mode, "host");
}

static void docker_mounts(struct container *c, struct json_object *points)
{
	size_t n, i = 0;

	if (!points || !json_object_is_type(points, json_type_object))
		return;
	n = (size_t)json_object_object_length(points);
	c->mounts = arena_alloc(&c->arena, (n + 1) * sizeof(*c->mounts));
	json_object_object_foreach (points, dest, v) {
		struct container_mount *m = &c->mounts[i++];

		m->dest = arena_strdup(&c->arena, dest);
		m->source = text_at(c, v, "Source");
		/* The option of -v, under the name that Docker 1.10 gave it. */
		m->mode = text_at(c, v, "Relabel");
		m->propagation = text_at(c, v, "Propagation");
		m->rw = json_object_get_boolean(json_member(v, "RW"));
	}
	c->mounts_n = i;
}

static const char *docker_address(struct container *c, struct json_object *settings)
{
	struct json_object *networks = json_member(settings, "Networks");

	if (!networks || !json_object_is_type(networks, json_type_object))
		return NULL;
	json_object_object_foreach (networks, name, v) {
		const char *ip = text_at(c, v, "IPAddress");

		(void)name;
		if (ip)
			return ip;
	}
	return NULL;
}

static bool load(struct json_doc *d, const struct container *c, const char *folder, const char *id,
		 const char *file)
{
	cleanup_buf struct buf text = { 0 };
	char path[4096];

	return snprintf(path, sizeof(path), "%s/%s/%s", folder, id, file) < (int)sizeof(path) &&
	       outside_read(c->outside, path, MAX_BYTES, &text) == 0 &&
	       json_parse(d, path, buf_str(&text), text.len, NULL) == 0;
}

/* The file that tells when it has to be read again; what is read may be newer. */
static bool load_main(struct json_doc *d, struct container *c, const char *folder, const char *file)
{
	char *path = arena_printf(&c->arena, "%s/%s/%s", folder, c->id, file);
	struct stat st;

	if (outside_stat_of(c->outside, path, &st) < 0 || !load(d, c, folder, c->id, file))
		return false;
	c->file = path;
	c->changed = st.st_mtim;
	c->ino = st.st_ino;
	return true;
}

/* "web:1" or "web@sha256:…" of the repository "web". */
static void take_name(struct container *c, const char *repository, const char *name, const char *id)
{
	size_t len = strlen(repository);

	if (!id || strcmp(id, c->image_id) != 0 || strncmp(name, repository, len) != 0)
		return;
	if (name[len] == '@' && !c->digest)
		c->digest = arena_strdup(&c->arena, name + len + 1);
	if (name[len] == ':' && !c->tag && !c->repository) {
		c->image = arena_strdup(&c->arena, name);
		c->missing = NULL;
		split_image(c);
	}
}

/* Whether the image was named by (the beginning of) its id, with or without "sha256:". */
static bool is_image_id(const struct container *c)
{
	static const char hash[] = "sha256:";
	const char *given = c->image, *id = c->image_id;
	size_t n = sizeof(hash) - 1;

	if (!given || !id)
		return false;
	given += strncmp(given, hash, n) ? 0 : n;
	id += strncmp(id, hash, n) ? 0 : n;
	return strlen(given) >= MIN_ID && !strncmp(id, given, strlen(given));
}

/*
 * {"Repositories": {"web": {"web:1": IMAGE_ID, "web@DIGEST": IMAGE_ID}}}: the digest of the image
 * in its repository; and a name, when it was named by its id.
 */
static void docker_digest(struct container *c, const char *root, const char *driver)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct json_object *all;
	char folder[4096];

	if (!c->image_id || !driver || strchr(driver, '/') ||
	    snprintf(folder, sizeof(folder), "%s/image", root) >= (int)sizeof(folder) ||
	    !load(&d, c, folder, driver, "repositories.json"))
		return;
	all = json_member(d.root, "Repositories");
	if (!all || !json_object_is_type(all, json_type_object))
		return;
	json_object_object_foreach (all, repository, names) {
		if (!json_object_is_type(names, json_type_object) ||
		    (c->repository && strcmp(repository, c->repository) != 0))
			continue;
		json_object_object_foreach (names, name, id)
			take_name(c, repository, name, json_object_get_string(id));
	}
}

static bool read_docker(struct container *c, const char *root)
{
	cleanup_json_doc struct json_doc config = { 0 }, host = { 0 };
	struct json_object *cfg;
	char folder[4096];

	if (snprintf(folder, sizeof(folder), "%s/containers", root) >= (int)sizeof(folder) ||
	    !load_main(&config, c, folder, "config.v2.json"))
		return false;
	c->engine = CONTAINER_DOCKER;
	cfg = json_member(config.root, "Config");
	c->name = text_at(c, config.root, "Name");
	if (c->name && *c->name == '/')
		c->name++;
	c->image = text_at(c, cfg, "Image");
	c->image_id = text_at(c, config.root, "Image");
	if (is_image_id(c))
		c->missing = "the image was named by its id";
	else
		split_image(c);
	docker_digest(c, root, text_at(c, config.root, "Driver"));
	if (!c->digest)
		c->digest = text_at(c, json_member(config.root, "ImageManifest"), "digest");
	add_pairs(c, json_member(cfg, "Labels"));
	pod_from_labels(c);
	docker_mounts(c, json_member(config.root, "MountPoints"));
	c->ip = docker_address(c, json_member(config.root, "NetworkSettings"));
	c->started = parse_time(text_at(c, json_member(config.root, "State"), "StartedAt"));
	if (load(&host, c, folder, c->id, "hostconfig.json")) {
		c->privileged = json_object_get_boolean(json_member(host.root, "Privileged"));
		c->host_pid = is_host(c, host.root, "PidMode");
		c->host_network = is_host(c, host.root, "NetworkMode");
		c->host_ipc = is_host(c, host.root, "IpcMode");
	}
	return c->known = true;
}

static bool has_namespace(struct json_object *spec, const char *type)
{
	struct json_object *list = json_member(json_member(spec, "linux"), "namespaces");

	for (size_t i = 0; list && json_object_is_type(list, json_type_array) &&
			   i < json_object_array_length(list);
	     i++) {
		struct json_object *t = json_member(json_object_array_get_idx(list, i), "type");

		if (t && !strcmp(json_object_get_string(t), type))
			return true;
	}
	return false;
}

/* Everything that --privileged gives: all capabilities, and nothing hidden or read-only. */
static bool is_privileged(struct json_object *spec)
{
	struct json_object *caps = json_member(
				   json_member(json_member(spec, "process"), "capabilities"),
				   "bounding"),
			   *masked = json_member(json_member(spec, "linux"), "maskedPaths");
	size_t n = caps && json_object_is_type(caps, json_type_array)
			   ? json_object_array_length(caps)
			   : 0;

	return n >= 38 && (!masked || !json_object_is_type(masked, json_type_array) ||
			   !json_object_array_length(masked));
}

static void spec_mounts(struct container *c, struct json_object *list)
{
	size_t n;

	if (!list || !json_object_is_type(list, json_type_array))
		return;
	n = json_object_array_length(list);
	c->mounts = arena_alloc(&c->arena, (n + 1) * sizeof(*c->mounts));
	for (size_t i = 0; i < n; i++) {
		struct json_object *v = json_object_array_get_idx(list, i),
				   *options = json_member(v, "options");
		struct container_mount *m = &c->mounts[c->mounts_n];

		m->source = text_at(c, v, "source");
		m->dest = text_at(c, v, "destination");
		if (!m->source || !m->dest || *m->source != '/')
			continue; /* not from the host */
		m->rw = true;
		for (size_t k = 0; options && json_object_is_type(options, json_type_array) &&
				   k < json_object_array_length(options);
		     k++) {
			const char *o =
				json_object_get_string(json_object_array_get_idx(options, k));

			if (!o)
				continue;
			if (!strcmp(o, "ro"))
				m->rw = false;
			else if (strstr(o, "private") || strstr(o, "slave") || strstr(o, "shared"))
				m->propagation = arena_strdup(&c->arena, o);
		}
		c->mounts_n++;
	}
}

/* Annotations of containerd's and CRI-O's pods and of Podman, in the OCI specification. */
static const char *first_label(const struct container *c, const char *a, const char *b)
{
	const char *v = label(c, a);

	return v ? v : label(c, b);
}

static void from_annotations(struct container *c)
{
	pod_from_labels(c);
	c->name = first_label(c, "io.kubernetes.cri.container-name",
			      "io.kubernetes.container.name");
	if (!c->name)
		c->name = first_label(c, "io.podman.annotations.name", "nerdctl/name");
	c->image = first_label(c, "io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName");
	if (!c->image)
		c->image = label(c, "org.opencontainers.image.ref.name");
	c->image_id = label(c, "io.kubernetes.cri-o.ImageRef");
	c->sandbox_id = first_label(c, "io.kubernetes.cri.sandbox-id",
				    "io.kubernetes.cri-o.SandboxID");
	if (!c->pod_name)
		c->pod_name = first_label(c, "io.kubernetes.cri.sandbox-name",
					  "io.kubernetes.cri-o.KubeName");
	if (!c->pod_namespace)
		c->pod_namespace = first_label(c, "io.kubernetes.cri.sandbox-namespace",
					       "io.kubernetes.cri-o.Namespace");
	if (!c->pod_uid)
		c->pod_uid = label(c, "io.kubernetes.cri.sandbox-uid");
	split_image(c);
}

static bool read_spec(struct container *c, const char *folder, const char *below,
		      enum container_engine engine)
{
	cleanup_json_doc struct json_doc d = { 0 };

	if (!load_main(&d, c, folder, below))
		return false;
	if (c->engine == CONTAINER_UNKNOWN)
		c->engine = engine;
	add_pairs(c, json_member(d.root, "annotations"));
	from_annotations(c);
	spec_mounts(c, json_member(d.root, "mounts"));
	c->privileged = is_privileged(d.root);
	c->host_pid = !has_namespace(d.root, "pid");
	c->host_network = !has_namespace(d.root, "network");
	c->host_ipc = !has_namespace(d.root, "ipc");
	if (!c->image)
		c->missing = "its image does not stand in the engine's files";
	return c->known = true;
}

static bool read_containerd(struct container *c, const char *state)
{
	char folder[4096], one[4400];
	cleanup_closedir DIR *d = NULL;
	struct dirent *e;
	int n = 0, fd;

	snprintf(folder, sizeof(folder), "%s/io.containerd.runtime.v2.task", state);
	fd = outside_open(c->outside, folder, O_RDONLY | O_DIRECTORY);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !d)
		close(fd);
	while (d && (e = readdir(d)) && n++ < MAX_NAMESPACES) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(one, sizeof(one), "%s/%s", folder, e->d_name);
		if (read_spec(c, one, "config.json", CONTAINER_CONTAINERD))
			return true;
	}
	return false;
}

/* The index of containers/storage: names, and what the engine noted as text of its own. */
static void from_storage_index(struct container *c, const char *folder)
{
	cleanup_json_doc struct json_doc d = { 0 }, note = { 0 };

	if (!load(&d, c, folder, ".", "containers.json") ||
	    !json_object_is_type(d.root, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(d.root); i++) {
		struct json_object *o = json_object_array_get_idx(d.root, i);
		struct json_object *id = json_member(o, "id"), *names = json_member(o, "names");
		const char *metadata = text_at(c, o, "metadata");

		if (!id || strcmp(json_object_get_string(id), c->id) != 0)
			continue;
		if (names && json_object_is_type(names, json_type_array) && !c->name)
			c->name = text(c, json_object_array_get_idx(names, 0));
		if (!c->image_id)
			c->image_id = text_at(c, o, "image");
		if (metadata && !c->image &&
		    json_parse(&note, "metadata", metadata, strlen(metadata), NULL) == 0) {
			c->image = text_at(c, note.root, "image-name");
			split_image(c);
		}
		return;
	}
}

/* Of its index of images: the digest of the one with the id. */
static void storage_digest(struct container *c, const char *root, const char *driver)
{
	const char *at = c->image_id ? strchr(c->image_id, '@') : NULL;
	cleanup_json_doc struct json_doc d = { 0 };
	char folder[4096];

	if (at && !c->digest)
		c->digest = arena_strdup(&c->arena, at + 1);
	if (!c->image_id || c->digest)
		return;
	snprintf(folder, sizeof(folder), "%s/%s-images", root, driver);
	if (!load(&d, c, folder, ".", "images.json") ||
	    !json_object_is_type(d.root, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(d.root); i++) {
		struct json_object *o = json_object_array_get_idx(d.root, i);
		struct json_object *id = json_member(o, "id");

		if (id && !strcmp(json_object_get_string(id), c->image_id))
			c->digest = text_at(c, o, "digest");
	}
}

static bool read_storage(struct container *c, const char *root)
{
	/* Drivers of containers/storage whose containers have a control group. */
	static const char *const drivers[] = { "overlay", "vfs", "btrfs", "zfs" };
	char folder[4096];

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		snprintf(folder, sizeof(folder), "%s/%s-containers", root, drivers[i]);
		if (!read_spec(c, folder, "userdata/config.json",
			       c->engine == CONTAINER_CRIO ? CONTAINER_CRIO : CONTAINER_PODMAN))
			continue;
		from_storage_index(c, folder);
		storage_digest(c, root, drivers[i]);
		if (c->image)
			c->missing = NULL;
		return true;
	}
	return false;
}

/* containerd's own place, and those of Kubernetes distributions that bring it along. */
static bool read_usual_containerd(struct container *c)
{
	static const char *const states[] = { "/run/containerd", "/run/k3s/containerd",
					      "/run/k0s/containerd",
					      "/var/snap/microk8s/common/run/containerd" };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (read_containerd(c, states[i]))
			return true;
	return false;
}

bool container_files_read(struct container *c, const struct container_places *p)
{
	return read_docker(c, p->docker_root) || read_storage(c, p->storage_root) ||
	       read_storage(c, p->storage_run) ||
	       (p->containerd_state ? read_containerd(c, p->containerd_state)
				    : read_usual_containerd(c));
}
