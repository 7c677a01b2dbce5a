/* Which configuration and layers an image has: Docker's manifest.json, OCI's index.json. */
#include <string.h>
#include <sys/utsname.h>

#include "image/image_private.h"

enum { MAX_INDEX_DEPTH = 4, MAX_MANIFESTS = 1024 };

/* name is the whole choice, or ends with it behind '/' or ':'. */
static bool choice_is(const char *choice, const char *name)
{
	size_t n, c;

	if (!choice)
		return true;
	if (!name)
		return false;
	n = strlen(name);
	c = strlen(choice);
	return c && c <= n && !strcmp(name + n - c, choice) &&
	       (c == n || name[n - c - 1] == '/' || name[n - c - 1] == ':');
}

int json_words(struct image *image, const struct json_doc *d, const struct json_path *at,
	       struct json_object *array, struct image_words *out, struct err *e)
{
	size_t n = array ? json_object_array_length(array) : 0;

	if (n > IMAGE_MAX_ARGS)
		return json_err(d, at, e, E2BIG, "more than %d words", IMAGE_MAX_ARGS);
	out->v = arena_alloc(&image->arena, (n + 1) * sizeof(*out->v));
	for (size_t i = 0; i < n; i++) {
		struct json_object *v = json_object_array_get_idx(array, i);
		struct json_path here = { at, NULL, i };

		if (!json_object_is_type(v, json_type_string))
			return json_err(d, &here, e, EINVAL, "expected a string");
		if (strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v))
			return json_err(d, &here, e, EINVAL, "a NUL in a string");
		out->v[i] = arena_strdup(&image->arena, json_object_get_string(v));
	}
	out->n = n;
	return 0;
}

/* --- docker save --- */

/* Hands a list for a message over to the image. */
static const char *keep_text(struct image *image, struct buf *b)
{
	const char *kept = arena_strdup(&image->arena, buf_str(b));

	buf_free(b);
	return kept;
}

static const char *known_tags(struct image *image, struct json_object *root)
{
	struct buf b = { .max = 400 };

	for (size_t i = 0; i < json_object_array_length(root); i++) {
		struct json_object *entry = json_object_array_get_idx(root, i), *tags;

		if (json_object_object_get_ex(entry, "RepoTags", &tags) &&
		    json_object_is_type(tags, json_type_array) && json_object_array_length(tags))
			buf_printf(&b, " %s",
				   json_object_get_string(json_object_array_get_idx(tags, 0)));
	}
	return keep_text(image, &b);
}

static int docker_entry(struct image *image, const struct json_doc *d, size_t i,
			struct json_object *entry, struct manifest *out, struct err *e)
{
	const struct json_path at = { NULL, NULL, i }, layers_at = { &at, "Layers", 0 };
	struct json_object *layers;
	struct image_words words;
	const char *config;
	int r = json_get_str(d, &at, entry, "Config", true, &config, e);

	if (!r)
		r = json_get_array(d, &at, entry, "Layers", true, &layers, e);
	if (!r)
		r = json_words(image, d, &layers_at, layers, &words, e);
	if (r)
		return r;
	out->config_path = arena_strdup(&image->arena, config);
	out->layers = words.v;
	out->n_layers = words.n;
	return 0;
}

int manifest_docker(struct image *image, const char *choice, struct manifest *out, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	size_t found = 0, n;
	int r = store_json(image, "manifest.json", NULL, &d, e);

	if (r)
		return r;
	if (!json_object_is_type(d.root, json_type_array))
		return json_err(&d, NULL, e, EINVAL, "expected a list of images");
	n = json_object_array_length(d.root);
	for (size_t i = 0; i < n; i++) {
		struct json_object *entry = json_object_array_get_idx(d.root, i), *tags = NULL;
		const struct json_path at = { NULL, NULL, i }, tags_at = { &at, "RepoTags", 0 };
		struct image_words names;
		const char *name = NULL;

		if (!json_object_is_type(entry, json_type_object))
			return json_err(&d, &at, e, EINVAL, "expected an object");
		r = json_get_array(&d, &at, entry, "RepoTags", false, &tags, e);
		if (!r)
			r = json_words(image, &d, &tags_at, tags, &names, e);
		if (r)
			return r;
		for (size_t k = 0; k < names.n && !name; k++) {
			if (choice_is(choice, names.v[k]))
				name = names.v[k];
		}
		if (choice && !name)
			continue;
		found++;
		out->name = name;
		r = docker_entry(image, &d, i, entry, out, e);
		if (r)
			return r;
	}
	if (found == 1)
		return 0;
	return err_set(e, found ? EINVAL : ENOENT, "%s: %s%s%s; it has:%s", image->store.name,
		       found ? "several images" : "no image", choice ? " named " : "",
		       choice ? choice : "", known_tags(image, d.root));
}

/* --- OCI --- */

/* One manifest that an index names. */
struct candidate {
	const char *digest, *name, *arch;
};

struct candidates {
	struct candidate v[MAX_MANIFESTS];
	size_t n;
	int indexes; /* read */
};

static const char *member(struct image *image, struct json_object *o, const char *object,
			  const char *key)
{
	struct json_object *in, *v;

	if (!json_object_object_get_ex(o, object, &in) ||
	    !json_object_is_type(in, json_type_object) || !json_object_object_get_ex(in, key, &v) ||
	    !json_object_is_type(v, json_type_string))
		return NULL;
	return arena_strdup(&image->arena, json_object_get_string(v));
}

static bool is_index(const char *media_type)
{
	return media_type &&
	       (strstr(media_type, "image.index") || strstr(media_type, "manifest.list"));
}

static int read_index(struct image *image, const char *path, const char *digest, const char *name,
		      int depth, struct candidates *all, struct err *e);

/* A descriptor of an index. What is for no platform, such as an attestation, is left out. */
static int read_descriptor(struct image *image, const struct json_doc *d,
			   const struct json_path *at, struct json_object *o, const char *name,
			   int depth, struct candidates *all, struct err *e)
{
	const char *os, *arch, *media = NULL, *digest, *own, *path;
	int r = json_object_is_type(o, json_type_object)
			? 0
			: json_err(d, at, e, EINVAL, "expected an object");

	if (!r)
		r = json_get_str(d, at, o, "digest", true, &digest, e);
	if (!r)
		r = json_get_str(d, at, o, "mediaType", false, &media, e);
	if (r)
		return r;
	os = member(image, o, "platform", "os");
	arch = member(image, o, "platform", "architecture");
	own = member(image, o, "annotations", "io.containerd.image.name");
	if (!own)
		own = member(image, o, "annotations", "org.opencontainers.image.ref.name");
	if (own)
		name = own;
	if (os && strcmp(os, "linux") != 0)
		return 0;
	digest = arena_strdup(&image->arena, digest);
	if (is_index(media)) {
		r = store_blob_path(image, digest, &path, e);
		return r ? r : read_index(image, path, digest, name, depth + 1, all, e);
	}
	if (all->n == MAX_MANIFESTS)
		return json_err(d, at, e, E2BIG, "more than %d manifests", MAX_MANIFESTS);
	all->v[all->n++] = (struct candidate){ digest, name, arch };
	return 0;
}

static int read_index(struct image *image, const char *path, const char *digest, const char *name,
		      int depth, struct candidates *all, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	const struct json_path at = { NULL, "manifests", 0 };
	struct json_object *list;
	int r;

	if (depth > MAX_INDEX_DEPTH)
		return err_set(e, ELOOP, "%s: indexes in more than %d levels", image->store.name,
			       MAX_INDEX_DEPTH);
	if (++all->indexes > MAX_MANIFESTS)
		return err_set(e, E2BIG, "%s: more than %d indexes", image->store.name,
			       MAX_MANIFESTS);
	r = store_json(image, path, digest, &d, e);
	if (!r && !json_object_is_type(d.root, json_type_object))
		r = json_err(&d, NULL, e, EINVAL, "expected an object");
	if (!r)
		r = json_get_array(&d, NULL, d.root, "manifests", true, &list, e);
	for (size_t i = 0; !r && i < json_object_array_length(list); i++) {
		const struct json_path here = { &at, NULL, i };

		r = read_descriptor(image, &d, &here, json_object_array_get_idx(list, i), name,
				    depth, all, e);
	}
	return r;
}

static const char *machine_arch(void)
{
	struct utsname u;

	if (uname(&u))
		return "";
	return !strcmp(u.machine, "x86_64")    ? "amd64"
	       : !strcmp(u.machine, "aarch64") ? "arm64"
					       : "";
}

/* The one that is meant; NULL when none or several are. */
static const struct candidate *choose(const struct candidates *all, const char *choice)
{
	const struct candidate *one = NULL, *ours = NULL;
	size_t n = 0, n_ours = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct candidate *c = &all->v[i];

		if (!choice_is(choice, c->name) && !(c->arch && !strcmp(choice, c->arch)))
			continue;
		one = c;
		n++;
		if (c->arch && !strcmp(c->arch, machine_arch())) {
			ours = c;
			n_ours++;
		}
	}
	return n == 1 ? one : n_ours == 1 ? ours : NULL;
}

static int read_manifest(struct image *image, const struct candidate *c, struct manifest *out,
			 struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	const struct json_path config_at = { NULL, "config", 0 }, layers_at = { NULL, "layers", 0 };
	struct json_object *config, *layers;
	const char *path, *digest;
	int r = store_blob_path(image, c->digest, &path, e);

	if (!r)
		r = store_json(image, path, c->digest, &d, e);
	if (!r && !json_object_is_type(d.root, json_type_object))
		r = json_err(&d, NULL, e, EINVAL, "expected an object");
	if (!r)
		r = json_get_object(&d, NULL, d.root, "config", true, &config, e);
	if (!r)
		r = json_get_array(&d, NULL, d.root, "layers", true, &layers, e);
	if (!r)
		r = json_get_str(&d, &config_at, config, "digest", true, &digest, e);
	if (r)
		return r;
	out->config_digest = arena_strdup(&image->arena, digest);
	r = store_blob_path(image, out->config_digest, &out->config_path, e);
	out->n_layers = json_object_array_length(layers);
	if (!r && out->n_layers > IMAGE_MAX_LAYERS)
		r = json_err(&d, &layers_at, e, E2BIG, "more than %d layers", IMAGE_MAX_LAYERS);
	if (r)
		return r;
	out->layers = arena_alloc(&image->arena, (out->n_layers + 1) * sizeof(*out->layers));
	for (size_t i = 0; !r && i < out->n_layers; i++) {
		const struct json_path here = { &layers_at, NULL, i };
		struct json_object *layer = json_object_array_get_idx(layers, i);

		if (!json_object_is_type(layer, json_type_object))
			return json_err(&d, &here, e, EINVAL, "expected an object");
		r = json_get_str(&d, &here, layer, "digest", true, &digest, e);
		if (!r)
			r = store_blob_path(image, digest, &out->layers[i], e);
	}
	return r;
}

static const char *known_candidates(struct image *image, const struct candidates *all)
{
	struct buf b = { .max = 400 };

	for (size_t i = 0; i < all->n; i++)
		buf_printf(&b, " %s%s%s", all->v[i].name ? all->v[i].name : "(no name)",
			   all->v[i].arch ? " for " : "", all->v[i].arch ? all->v[i].arch : "");
	return keep_text(image, &b);
}

int manifest_oci(struct image *image, const char *choice, struct manifest *out, struct err *e)
{
	struct candidates *all = arena_alloc(&image->arena, sizeof(*all));
	const struct candidate *c;
	int r = read_index(image, "index.json", NULL, NULL, 0, all, e);

	if (r)
		return r;
	c = choose(all, choice);
	if (!c)
		return err_set(e, all->n ? EINVAL : ENOENT,
			       "%s: %s%s: name one of the images of this layout:%s",
			       image->store.name, choice ? "not one image is " : "several images",
			       choice ? choice : "", known_candidates(image, all));
	out->name = c->name;
	return read_manifest(image, c, out, e);
}
