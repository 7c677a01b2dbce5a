#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "image/image_private.h"
#include "image/unpack.h"

static int open_archive(struct image *image, uint64_t len, struct err *e)
{
	struct store *s = &image->store;
	struct blob file = { .fd = s->fd, .len = len }, tar;
	int fd = -1;
	int r = unpack_blob(&file, IMAGE_MAX_UNPACKED, &tar, &fd, s->name, e);

	if (r)
		return r;
	if (fd >= 0)
		*vec_push(image->fds, image->n_fds, image->cap_fds) = fd;
	return tree_add_tar(&s->members, &tar, false, s->name, e);
}

static int open_store(struct image *image, const char *path, struct err *e)
{
	struct store *s = &image->store;
	struct stat st;

	s->name = arena_strdup(&image->arena, path);
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0 || fstat(s->fd, &st))
		return err_errno(e, errno, "%s: cannot open", path);
	s->is_dir = S_ISDIR(st.st_mode);
	if (s->is_dir)
		return 0;
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s: neither a file nor a directory", path);
	return open_archive(image, (uint64_t)st.st_size, e);
}

static const char *text_of(struct image *image, const char *s)
{
	return arena_strdup(&image->arena, s ? s : "");
}

static int read_words(struct image *image, const struct json_doc *d, const struct json_path *up,
		      struct json_object *o, const char *key, struct image_words *out,
		      struct err *e)
{
	const struct json_path at = { up, key, 0 };
	struct json_object *list = NULL;
	int r = o ? json_get_array(d, up, o, key, false, &list, e) : 0;

	return r ? r : json_words(image, d, &at, list, out, e);
}

/* The member "config", where there is one: what to run. */
static int read_run(struct image *image, const struct json_doc *d, struct json_object *o,
		    struct err *e)
{
	const struct json_path at = { NULL, "config", 0 };
	struct image_config *c = &image->config;
	const char *user = NULL, *workdir = NULL;
	int r = o ? json_get_str(d, &at, o, "User", false, &user, e) : 0;

	if (!r && o)
		r = json_get_str(d, &at, o, "WorkingDir", false, &workdir, e);
	c->user = text_of(image, user);
	c->workdir = text_of(image, workdir);
	if (!r)
		r = read_words(image, d, &at, o, "Entrypoint", &c->entrypoint, e);
	if (!r)
		r = read_words(image, d, &at, o, "Cmd", &c->cmd, e);
	return r ? r : read_words(image, d, &at, o, "Env", &c->env, e);
}

/* Reads the configuration; diff_ids: the layers' digests, uncompressed (n of them; arena). */
static int read_config(struct image *image, const struct manifest *m, struct image_words *diff_ids,
		       struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	const struct json_path at = { NULL, "rootfs", 0 };
	struct json_object *run = NULL, *rootfs = NULL;
	const char *arch = NULL;
	char hex[SHA256_HEX];
	struct blob blob;
	int r = store_json(image, m->config_path, m->config_digest, &d, e);

	if (!r && !json_object_is_type(d.root, json_type_object))
		r = json_err(&d, NULL, e, EINVAL, "expected an object");
	if (!r)
		r = json_get_str(&d, NULL, d.root, "architecture", false, &arch, e);
	if (!r)
		r = json_get_object(&d, NULL, d.root, "config", false, &run, e);
	if (!r)
		r = json_get_object(&d, NULL, d.root, "rootfs", false, &rootfs, e);
	if (!r)
		r = read_run(image, &d, run, e);
	if (!r)
		r = read_words(image, &d, &at, rootfs, "diff_ids", diff_ids, e);
	if (!r)
		r = store_find(image, m->config_path, &blob, e);
	if (!r)
		r = blob_sha256(&blob, hex, d.name, e);
	if (r)
		return r;
	image->config.arch = text_of(image, arch);
	image->config.name = text_of(image, m->name);
	image->config.digest = arena_printf(&image->arena, "sha256:%s", hex);
	return 0;
}

static int add_layer(struct image *image, const char *path, const char *diff_id, struct err *e)
{
	const char *what = arena_printf(&image->arena, "%s: %s", image->store.name, path);
	struct blob packed, tar;
	int fd = -1;
	int r = store_find(image, path, &packed, e);

	if (!r)
		r = unpack_blob(&packed, IMAGE_MAX_UNPACKED - image->unpacked, &tar, &fd, what, e);
	if (r)
		return r;
	if (fd >= 0) {
		*vec_push(image->fds, image->n_fds, image->cap_fds) = fd;
		image->unpacked += tar.len;
	}
	if (diff_id)
		r = store_check(&tar, diff_id, what, e);
	return r ? r : tree_add_tar(&image->tree, &tar, true, what, e);
}

static int read_image(struct image *image, const char *choice, struct err *e)
{
	struct manifest m = { 0 };
	struct image_words diff_ids = { 0 };
	struct blob blob;
	int r;

	if (!store_find(image, "manifest.json", &blob, NULL))
		r = manifest_docker(image, choice, &m, e);
	else if (!store_find(image, "index.json", &blob, NULL))
		r = manifest_oci(image, choice, &m, e);
	else
		r = err_set(
			e, EINVAL,
			"%s: neither an archive of docker save (manifest.json) nor an OCI image "
			"layout (index.json)",
			image->store.name);
	if (!r && m.n_layers > IMAGE_MAX_LAYERS)
		r = err_set(e, E2BIG, "%s: more than %d layers", image->store.name,
			    IMAGE_MAX_LAYERS);
	if (!r)
		r = read_config(image, &m, &diff_ids, e);
	if (!r && diff_ids.n && diff_ids.n != m.n_layers)
		r = err_set(e, EINVAL, "%s: %zu layers, but the configuration has digests of %zu",
			    image->store.name, m.n_layers, diff_ids.n);
	for (size_t i = 0; !r && i < m.n_layers; i++)
		r = add_layer(image, m.layers[i], diff_ids.n ? diff_ids.v[i] : NULL, e);
	image->verified = diff_ids.n || !m.n_layers;
	return r;
}

int image_open(struct image **out, const char *path, const char *name, struct err *e)
{
	cleanup_image struct image *image = xcalloc(1, sizeof(*image));
	int r;

	image->store.fd = -1;
	tree_init(&image->store.members);
	tree_init(&image->tree);
	r = open_store(image, path, e);
	if (!r)
		r = read_image(image, name, e);
	if (!r)
		*out = take_ptr(image);
	return r;
}

void image_close(struct image **image)
{
	struct image *i = *image;

	if (!i)
		return;
	tree_free(&i->tree);
	tree_free(&i->store.members);
	for (size_t k = 0; k < i->n_fds; k++)
		close(i->fds[k]);
	free(i->fds);
	if (i->store.fd >= 0)
		close(i->store.fd);
	arena_free(&i->arena);
	free(i);
	*image = NULL;
}

const struct image_config *image_config(const struct image *image)
{
	return &image->config;
}

bool image_verified(const struct image *image)
{
	return image->verified;
}

static int read_file(const struct image *image, const char *path, size_t max, bool head,
		     struct image_file *out, struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	struct tree_node *n;
	size_t len;
	int r = tree_find(&image->tree, path, true, &n, e);

	*out = (struct image_file){ 0 };
	if (r)
		return r;
	if (n->type != TREE_FILE)
		return err_set(e, EINVAL, "%s: not a regular file", path);
	if (n->data.len > max && !head)
		return err_set(e, EFBIG, "%s: larger than the limit of %zu MiB", path, max >> 20);
	len = n->data.len < max ? (size_t)n->data.len : max;
	data = xcalloc(len + 1, 1);
	r = blob_read(&n->data, 0, data, len, path, e);
	if (r)
		return r;
	*out = (struct image_file){ .len = len, .path = tree_path(n) };
	out->data = take_ptr(data);
	return 0;
}

int image_read(const struct image *image, const char *path, size_t max, struct image_file *out,
	       struct err *e)
{
	return read_file(image, path, max, false, out, e);
}

int image_read_head(const struct image *image, const char *path, size_t max, struct image_file *out,
		    struct err *e)
{
	return read_file(image, path, max, true, out, e);
}

void image_file_free(struct image_file *f)
{
	free(f->data);
	free(f->path);
	*f = (struct image_file){ 0 };
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int image_list(const struct image *image, const char *path,
	       int (*each)(void *arg, const char *name), void *arg, struct err *e)
{
	cleanup_free const char **names = NULL;
	size_t n = 0, cap = 0;
	struct tree_node *dir;
	int r = tree_find(&image->tree, path, true, &dir, e);

	if (r)
		return r;
	if (dir->type != TREE_DIR)
		return err_set(e, ENOENT, "%s: not a directory", path);
	for (const struct tree_node *c = dir->first; c; c = c->next)
		*vec_push(names, n, cap) = c->name;
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; !r && i < n; i++)
		r = each(arg, names[i]);
	return r;
}
