/* Models by what they are of. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "baseline/baseline_private.h"

struct baseline {
	struct bl_model **models;
	size_t n, cap;
	struct map by_digest, by_image, by_name; /* → model */
};

struct baseline *baseline_new(void)
{
	return xcalloc(1, sizeof(struct baseline));
}

void baseline_free(struct baseline *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		bl_model_free(b->models[i]);
	free(b->models);
	map_free(&b->by_digest);
	map_free(&b->by_image);
	map_free(&b->by_name);
	free(b);
}

size_t baseline_count(const struct baseline *b)
{
	return b->n;
}

/* Whether what stands before the first "/" is a registry: it has a dot or a port. */
static bool has_registry(const char *image)
{
	size_t n = strcspn(image, "/");

	return image[n] && (memchr(image, '.', n) || memchr(image, ':', n) ||
			    !strncmp(image, "localhost/", 10));
}

/* An image reference with its defaults, for comparing. */
static void put_image(const char *image, struct buf *out)
{
	const char *at = strchr(image, '@'), *slash;
	size_t len = at ? (size_t)(at - image) : strlen(image);

	if (!has_registry(image))
		buf_puts(out, strchr(image, '/') ? "docker.io/" : "docker.io/library/");
	buf_append(out, image, len);
	slash = memrchr(image, '/', len);
	slash = slash ? slash : image;
	if (!memchr(slash, ':', len - (size_t)(slash - image)))
		buf_puts(out, ":latest");
}

static int put(struct map *map, const char *key, const char *what, struct bl_model *m,
	       struct err *e)
{
	void **slot;

	if (!key || !*key)
		return 0;
	slot = map_at(map, key, strlen(key));
	if (*slot)
		return err_set(e, EEXIST, "%s and %s are both models of the %s '%s'",
			       bl_model_file(*slot), m->file, what, key);
	*slot = m;
	return 0;
}

/*
 * A model with a digest is of that image; without, of all of its name and tag; of a name only when
 * it has no image.
 */
static int enter(struct baseline *b, struct bl_model *m, struct err *e)
{
	const struct wl_identity *id = &m->w.identity;
	cleanup_buf struct buf image = { 0 };

	if (id->digest && *id->digest)
		return put(&b->by_digest, id->digest, "digest", m, e);
	if (id->image && *id->image) {
		put_image(id->image, &image);
		return put(&b->by_image, buf_str(&image), "image", m, e);
	}
	if (!id->name || !*id->name)
		return err_set(
			e, EINVAL,
			"%s: expected a digest, an image or a name in its identity, by which "
			"containers find it",
			m->file);
	return put(&b->by_name, id->name, "name", m, e);
}

static int add_file(struct baseline *b, const char *path, struct err *e)
{
	struct workload w;
	int r;

	if (b->n == BL_MAX_MODELS)
		return err_set(e, E2BIG, "more than %d models", BL_MAX_MODELS);
	r = wl_load(&w, path, e);
	if (r < 0)
		return r;
	*vec_push(b->models, b->n, b->cap) = bl_model_new(&w, path);
	return enter(b, b->models[b->n - 1], e);
}

static int is_model(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".json");
}

int baseline_add(struct baseline *b, const char *path, struct err *e)
{
	struct dirent **list = NULL;
	struct stat st;
	int n, r = 0;

	if (stat(path, &st) < 0)
		return err_errno(e, errno, "%s: cannot read models", path);
	if (!S_ISDIR(st.st_mode))
		return add_file(b, path, e);
	n = scandir(path, &list, is_model, alphasort);
	if (n < 0)
		return err_errno(e, errno, "%s: cannot read models", path);
	for (int i = 0; i < n; i++) {
		cleanup_free char *file = xasprintf("%s/%s", path, list[i]->d_name);

		if (r >= 0)
			r = add_file(b, file, e);
		free(list[i]);
	}
	free(list);
	return r;
}

static const struct bl_model *look(const struct map *map, const char *key)
{
	void **slot = key && *key ? map_find(map, key, strlen(key)) : NULL;

	return slot ? *slot : NULL;
}

const struct bl_model *baseline_find(const struct baseline *b, const struct bl_names *n)
{
	const struct bl_model *m = look(&b->by_digest, n->digest);
	cleanup_buf struct buf image = { 0 };

	if (!m)
		m = look(&b->by_digest, n->image_id);
	if (!m && n->image && *n->image) {
		put_image(n->image, &image);
		m = look(&b->by_image, buf_str(&image));
	}
	return m ? m : look(&b->by_name, n->name);
}
