/*
 * Profiles from workload models: what `boltseal generate` makes of them, under the names that
 * `boltseal node` gives to files and labels (docs/admit.md).
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "app/admit.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "model/caps.h"
#include "node/set.h"
#include "profile/generate.h"

enum { HASH_DIGITS = NODE_HASH - 1 };

static void short_hash(const char *text, size_t len, char out[HASH_DIGITS + 1])
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256(text, len, digest);
	sha256_hex(digest, hex);
	memcpy(out, hex, HASH_DIGITS);
	out[HASH_DIGITS] = '\0';
}

static const char *label(struct adm_config *c, enum node_kind kind, const char *name,
			 const char *hash)
{
	cleanup_free char *key = node_label(kind, name);

	return arena_printf(&c->arena, "%s=%s", key, hash);
}

static int add_seccomp(struct adm_config *c, const struct workload *w, const struct gen_options *o,
		       const char *name, struct adm_profile *out, struct err *e)
{
	cleanup_sp_profile struct sp_profile p;
	cleanup_buf struct buf notes = { 0 };
	cleanup_free char *text = NULL;
	char hash[HASH_DIGITS + 1];
	int r;

	sp_init(&p);
	r = gen_seccomp(w, o, &p, &notes, e);
	if (r < 0)
		return r;
	text = sp_write(&p, SP_DIALECT_OCI);
	short_hash(text, strlen(text), hash);
	out->seccomp = arena_printf(&c->arena, "boltseal/%s-%s.json", name, hash);
	out->current = arena_printf(&c->arena, "boltseal/%s.json", name);
	out->label[ADM_SECCOMP] = label(c, NODE_SECCOMP, name, hash);
	return 0;
}

static int add_apparmor(struct adm_config *c, const struct workload *w, const struct gen_options *o,
			const char *name, struct adm_profile *out, struct err *e)
{
	cleanup_buf struct buf text = { 0 }, notes = { 0 };
	char hash[HASH_DIGITS + 1];
	int r = gen_apparmor(w, o, &text, &notes, e);

	if (r < 0)
		return r;
	short_hash(buf_str(&text), text.len, hash);
	out->apparmor = arena_strdup(&c->arena, name);
	out->label[ADM_APPARMOR] = label(c, NODE_APPARMOR, name, hash);
	return 0;
}

static void add_caps(struct adm_config *c, const struct workload *w, struct adm_profile *out)
{
	struct gen_caps caps;

	gen_caps(w, &caps);
	out->caps_known = true;
	out->caps.v = arena_alloc(&c->arena, BCAP_COUNT * sizeof(*out->caps.v));
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (caps.needed >> nr & 1)
			out->caps.v[out->caps.n++] = bcap_by_nr(nr)->name + strlen("CAP_");
}

/* The image's name: what was recorded of one tag holds for its successors. */
static const char *image_name(struct adm_config *c, const char *image)
{
	const char *slash = strrchr(image, '/');
	size_t len = strcspn(image, "@");
	const char *colon = strchr(slash ? slash : image, ':');

	if (colon && colon < image + len)
		len = (size_t)(colon - image);
	return arena_strndup(&c->arena, image, len);
}

static int read_model(struct adm_config *c, const char *path, struct adm_profile *out,
		      struct err *e)
{
	const struct adm_mutate *m = &c->mutate;
	cleanup_workload struct workload w;
	cleanup_free char *name = NULL;
	const char *base = strrchr(path, '/');
	struct gen_options o;
	int r;

	wl_init(&w);
	gen_options_default(&o);
	r = wl_load(&w, path, e);
	if (r < 0)
		return r;
	if (!w.identity.image) {
		log_note("%s: is left out: it names no image", path);
		return 1;
	}
	r = gen_name(&w, &o, &name, e);
	adm_profile_image(out, &c->arena, image_name(c, w.identity.image));
	out->why = arena_printf(&c->arena, "workload model %s", base ? base + 1 : path);
	if (r == 0 && m->model_seccomp)
		r = add_seccomp(c, &w, &o, name, out, e);
	if (r == 0 && m->model_apparmor)
		r = add_apparmor(c, &w, &o, name, out, e);
	if (r == 0 && m->model_caps)
		add_caps(c, &w, out);
	return r < 0 ? err_prefix(e, "%s", path) : 0;
}

static int is_model(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return *d->d_name != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".json");
}

int admit_models(struct adm_config *c, const char *folder, struct err *e)
{
	struct dirent **list;
	int n = scandir(folder, &list, is_model, alphasort), r = 0;
	struct adm_profile *all;
	size_t have = c->mutate.profiles_n;

	if (n < 0)
		return err_errno(e, errno, "%s: cannot read the folder", folder);
	all = arena_alloc(&c->arena, (have + (size_t)n + 1) * sizeof(*all));
	if (have)
		memcpy(all, c->mutate.profiles, have * sizeof(*all));
	for (int i = 0; i < n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", folder, list[i]->d_name);

		free(list[i]);
		if (r >= 0)
			r = read_model(c, path, &all[have], e);
		have += r == 0;
	}
	free(list);
	c->mutate.profiles = all;
	c->mutate.profiles_n = have;
	return r < 0 ? r : 0;
}
