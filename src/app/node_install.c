#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/node.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "node/docker.h"
#include "node/lsm.h"

bool node_is_winner(const struct node_agent *a, const struct node_profile *p)
{
	return node_set_find(&a->set, p->kind, p->name) == p;
}

static void count_write(struct node_agent *a, const struct node_profile *p, bool was_there)
{
	if (!was_there) {
		a->numbers.written++;
		return;
	}
	a->numbers.repaired++;
	buf_printf(&a->repaired, "%s%s %s", a->repaired.len ? ", " : "", node_kind_name(p->kind),
		   p->name);
}

/* ---- seccomp */

/* NAME-HASH.json, then NAME.json. */
static void install_seccomp(struct node_agent *a, struct node_profile *p, const char *note)
{
	cleanup_free char *version = xasprintf("%s-%s.json", p->name, p->hash);
	cleanup_free char *stable = xasprintf("%s.json", p->name);
	bool was_there = p->state == NODE_INSTALLED;
	struct err e = { 0 };
	int wrote = 0, r;

	if (a->o.dry) {
		bool same = node_files_same(a->o.dir, version, p->text, p->len) &&
			    node_files_same(a->o.dir, stable, p->text, p->len);

		node_profile_is(p, same ? NODE_INSTALLED : NODE_PENDING, "%s",
				same ? note : "would be written");
		return;
	}
	r = node_files_put(a->o.dir, version, p->text, p->len, &e);
	wrote |= r;
	if (r >= 0) {
		r = node_files_put(a->o.dir, stable, p->text, p->len, &e);
		wrote |= r;
	}
	if (r < 0) {
		node_profile_is(p, NODE_FAILED, "%s", e.msg);
		return;
	}
	if (wrote > 0)
		count_write(a, p, was_there);
	/* The note is that of the check, which is made once. */
	if (!was_there)
		node_profile_is(p, NODE_INSTALLED, "%s", note);
}

bool node_has_version(const struct node_agent *a, const char *name, const char *hash)
{
	cleanup_free char *path = xasprintf("%s/%s-%s.json", a->o.dir, name, hash);
	cleanup_buf struct buf text = { 0 };
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];
	struct err ignored;

	if (strlen(hash) != NODE_HASH - 1 || io_read_file(path, NODE_TEXT_MAX, &text, &ignored) < 0)
		return false;
	sha256(buf_str(&text), text.len, digest);
	sha256_hex(digest, hex);
	return !memcmp(hex, hash, NODE_HASH - 1);
}

/* ---- AppArmor and SELinux */

static const struct lsm {
	const char *ending;
	bool (*on)(char why[256]);
	bool (*loaded)(const char *name);
	int (*load)(const char *file, const char *name, struct err *e);
} lsms[NODE_KIND_COUNT] = {
	[NODE_APPARMOR] = { "apparmor", node_apparmor_on, node_apparmor_loaded,
			    node_apparmor_load },
	[NODE_SELINUX] = { "cil", node_selinux_on, node_selinux_loaded, node_selinux_load },
};

static const char *lsm_dir(const struct node_agent *a, enum node_kind kind)
{
	return kind == NODE_APPARMOR ? a->o.apparmor_dir : a->o.selinux_dir;
}

/*
 * Whether the tool takes it, tried with a file beside the one that may be in use. A missing tool is
 * no fault of the profile.
 */
static bool lsm_check(const struct node_agent *a, struct node_profile *p, const char *name)
{
	const char *dir = lsm_dir(a, p->kind);
	cleanup_free char *trial = xasprintf("%s.check", name);
	cleanup_free char *file = xasprintf("%s/%s", dir, trial);
	struct err e = { 0 }, ignored;
	int r;

	r = node_files_put(dir, trial, p->text, p->len, &e);
	if (r >= 0)
		r = node_apparmor_check(file, p->name, &e);
	node_files_remove(dir, trial, &ignored);
	if (r == -EINVAL)
		node_profile_is(p, NODE_REFUSED, "%s: %s", p->origin, e.msg);
	else if (r < 0)
		node_profile_is(p, NODE_FAILED, "%s", e.msg);
	return r >= 0;
}

static void load_lsm(struct node_agent *a, struct node_profile *p, const char *name, bool wrote)
{
	cleanup_free char *file = xasprintf("%s/%s", lsm_dir(a, p->kind), name);
	const struct lsm *l = &lsms[p->kind];
	bool was_there = p->state == NODE_INSTALLED;
	struct err e = { 0 };

	if (was_there && !wrote && l->loaded(p->name))
		return;
	if (l->load(file, p->name, &e) < 0) {
		node_profile_is(p, NODE_FAILED, "%s", e.msg);
		return;
	}
	count_write(a, p, was_there);
	node_profile_is(p, NODE_INSTALLED, "%s", "");
}

/* A module is judged by being installed, from a folder beside: its name is that of its file. */
static void install_module(struct node_agent *a, struct node_profile *p, const char *name)
{
	cleanup_free char *dir = xasprintf("%s/check", a->o.selinux_dir);
	cleanup_free char *trial = xasprintf("%s/%s", dir, name);
	bool was_there = p->state == NODE_INSTALLED;
	struct err e = { 0 }, ignored;
	int r;

	if (was_there && node_files_same(a->o.selinux_dir, name, p->text, p->len) &&
	    node_selinux_loaded(p->name))
		return;
	r = node_files_put(dir, name, p->text, p->len, &e);
	if (r >= 0)
		r = node_selinux_load(trial, p->name, &e);
	node_files_remove(dir, name, &ignored);
	if (r >= 0)
		r = node_files_put(a->o.selinux_dir, name, p->text, p->len, &e) < 0 ? -EIO : 0;
	if (r == -EINVAL)
		node_profile_is(p, NODE_REFUSED, "%s: %s", p->origin, e.msg);
	else if (r < 0)
		node_profile_is(p, NODE_FAILED, "%s", e.msg);
	if (r < 0)
		return;
	count_write(a, p, was_there);
	node_profile_is(p, NODE_INSTALLED, "%s", "");
}

static void install_lsm(struct node_agent *a, struct node_profile *p)
{
	const char *dir = lsm_dir(a, p->kind);
	cleanup_free char *name = xasprintf("%s.%s", p->name, lsms[p->kind].ending);
	struct err e = { 0 };
	char why[256];
	int wrote;

	if (a->o.dry) {
		bool on = lsms[p->kind].on(why), there = on && lsms[p->kind].loaded(p->name);

		node_profile_is(p,
				!on	? NODE_UNAVAILABLE
				: there ? NODE_INSTALLED
					: NODE_PENDING,
				"%s",
				!on	? why
				: there ? ""
					: "would be loaded");
		return;
	}
	if (p->kind == NODE_SELINUX) {
		if (node_selinux_on(why))
			install_module(a, p, name);
		else
			node_profile_is(p, NODE_UNAVAILABLE, "%s", why);
		return;
	}
	if ((!p->checked || p->state == NODE_FAILED) && !lsm_check(a, p, name))
		return;
	if (!lsms[p->kind].on(why)) {
		node_profile_is(p, NODE_UNAVAILABLE, "%s", why);
		return;
	}
	wrote = node_files_put(dir, name, p->text, p->len, &e);
	if (wrote < 0) {
		node_profile_is(p, NODE_FAILED, "%s", e.msg);
		return;
	}
	load_lsm(a, p, name, wrote > 0);
}

/* ---- all */

static void install(struct node_agent *a, struct node_profile *p)
{
	const struct node_profile *winner = node_set_find(&a->set, p->kind, p->name);
	char note[NODE_MESSAGE_MAX] = "";

	if (winner != p) {
		node_profile_is(p, NODE_REFUSED, "%s has a profile of this name already",
				winner->origin);
		p->checked = false; /* until it wins */
		return;
	}
	if (p->checked && p->state == NODE_REFUSED)
		return;
	if (p->problem) {
		node_profile_is(p, NODE_REFUSED, "%s", p->problem);
	} else if (p->kind == NODE_SECCOMP) {
		if (p->checked || node_check_seccomp(&a->o, p, note))
			install_seccomp(a, p, note);
	} else {
		install_lsm(a, p);
	}
	p->checked = true;
}

static void set_docker(struct node_agent *a)
{
	const struct node_profile *p;
	cleanup_free char *file = NULL;
	struct err e = { 0 };

	if (!a->o.docker)
		return;
	a->docker = -1;
	p = node_set_find(&a->set, NODE_SECCOMP, a->o.docker_profile);
	if (!p || (p->state != NODE_INSTALLED && !a->o.dry)) {
		snprintf(a->docker_error, sizeof(a->docker_error),
			 "the profile %s is not installed", a->o.docker_profile);
		return;
	}
	file = xasprintf("%s/%s.json", a->o.dir, a->o.docker_profile);
	a->docker = node_docker_set(a->o.docker, file, a->o.dry, &e);
	if (a->docker < 0)
		snprintf(a->docker_error, sizeof(a->docker_error), "%.*s",
			 (int)sizeof(a->docker_error) - 1, e.msg);
}

void node_install_all(struct node_agent *a)
{
	for (size_t i = 0; i < a->set.n; i++)
		install(a, a->set.v[i]);
	set_docker(a);
}

/* ---- what nobody uses */

static struct node_old *find_old(struct node_agent *a, const char *key)
{
	for (size_t i = 0; i < a->old_n; i++)
		if (!strcmp(a->old[i].name, key))
			return &a->old[i];
	struct node_old *o = vec_push(a->old, a->old_n, a->old_cap);

	*o = (struct node_old){ .name = xstrdup(key), .since = time(NULL) };
	return o;
}

/* True when it was unwanted for the whole grace. */
static bool is_overdue(struct node_agent *a, const char *key)
{
	struct node_old *o = find_old(a, key);

	o->seen = true;
	return time(NULL) - o->since >= (time_t)a->o.grace_s;
}

/* While the label is there, pods may still be sent here for it. */
static bool is_labelled(const struct node_agent *a, enum node_kind kind, const char *name,
			const char *hash)
{
	cleanup_free char *key = node_label(kind, name);
	struct json_object *v;

	if (!a->kube)
		return false;
	if (!a->labels)
		return true; /* not known */
	return json_object_object_get_ex(a->labels, key, &v) &&
	       (!*hash || !strcmp(json_object_get_string(v), hash));
}

static void remove_file(struct node_agent *a, const char *dir, const char *name)
{
	struct err e = { 0 };

	if (a->o.dry)
		return;
	if (node_files_remove(dir, name, &e) < 0)
		log_warn("%s", e.msg);
	else
		a->numbers.removed++;
}

/* ".NAME.json.XXXXXX": what a writing that was cut off left behind. */
static bool is_torn(const char *file)
{
	const char *end = strrchr(file, '.');

	return *file == '.' && end && strlen(end) == 7 && end - file > 5 &&
	       !strncmp(end - 5, ".json", 5);
}

static void judge_seccomp(const char *file, void *ctx)
{
	struct node_agent *a = ctx;
	cleanup_free char *ref = xasprintf("%s/%s", a->o.subfolder, file);
	char name[NODE_NAME_MAX + 1], hash[NODE_HASH];
	const struct node_profile *p;

	if (is_torn(file) && is_overdue(a, ref))
		remove_file(a, a->o.dir, file);
	if (!node_files_parse(file, name, sizeof(name), hash))
		return;
	p = node_set_find(&a->set, NODE_SECCOMP, name);
	/* A new version that is refused leaves what was there. */
	if (p && (p->state != NODE_INSTALLED || !*hash || !strcmp(p->hash, hash)))
		return;
	if (node_used_has(&a->used, NODE_SECCOMP, ref) || is_labelled(a, NODE_SECCOMP, name, hash))
		return;
	if (is_overdue(a, ref))
		remove_file(a, a->o.dir, file);
}

static void judge_lsm(struct node_agent *a, enum node_kind kind, const char *file)
{
	cleanup_free char *name = node_name_of_file(file);
	cleanup_free char *path = xasprintf("%s/%s", lsm_dir(a, kind), file);
	cleanup_free char *key = xasprintf("%s %s", node_kind_name(kind), file);
	struct err e = { 0 };
	int r;

	if (node_kind_of_file(file) != (int)kind || !node_name_ok(name) ||
	    node_set_find(&a->set, kind, name) || node_used_has(&a->used, kind, name) ||
	    is_labelled(a, kind, name, "") || !is_overdue(a, key) || a->o.dry)
		return;
	r = kind == NODE_APPARMOR ? node_apparmor_unload(path, name, &e)
				  : node_selinux_unload(name, &e);
	if (r < 0 && r != -ENOENT) {
		log_warn("%s %s: %s", node_kind_name(kind), name, e.msg);
		return;
	}
	remove_file(a, lsm_dir(a, kind), file);
}

static void judge_apparmor(const char *file, void *ctx)
{
	judge_lsm(ctx, NODE_APPARMOR, file);
}

static void judge_selinux(const char *file, void *ctx)
{
	judge_lsm(ctx, NODE_SELINUX, file);
}

static void forget_wanted(struct node_agent *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->old_n; i++) {
		if (a->old[i].seen)
			a->old[kept++] = a->old[i];
		else
			free(a->old[i].name);
	}
	a->old_n = kept;
}

void node_clean(struct node_agent *a)
{
	const struct {
		const char *dir;
		void (*judge)(const char *file, void *ctx);
	} folders[] = { { a->o.dir, judge_seccomp },
			{ a->o.apparmor_dir, judge_apparmor },
			{ a->o.selinux_dir, judge_selinux } };
	struct err e = { 0 };

	/* What the sources have not said yet may still be wanted. */
	if (!node_sources_synced(a))
		return;
	for (size_t i = 0; i < a->old_n; i++)
		a->old[i].seen = false;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (node_files_each(folders[i].dir, folders[i].judge, a, &e) < 0)
			log_warn("%s", e.msg);
	forget_wanted(a);
}
