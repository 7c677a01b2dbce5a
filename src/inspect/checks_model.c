/* A workload beside its model: what it may do and never did, what it needs and may not. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inspect/checks.h"
#include "inspect/words.h"
#include "model/caps.h"

static const uint64_t all_caps = (UINT64_C(1) << BCAP_COUNT) - 1;

static uint64_t cap_mask(const struct ps_list *list)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct bcap_desc *d = bcap_by_name(list->v[i].v);

		if (!strcasecmp(list->v[i].v, "ALL"))
			mask = all_caps;
		else if (d)
			mask |= UINT64_C(1) << d->nr;
	}
	return mask;
}

/* Engines take away what is dropped, then give what is added; ALL in `add` gives everything. */
static uint64_t granted(const struct ps_container *c)
{
	uint64_t base = bcap_docker_default_mask() & ~cap_mask(&c->sec.cap_drop);

	return c->sec.privileged.v ? all_caps : base | cap_mask(&c->sec.cap_add);
}

static uint64_t needed(const struct ins_run *r)
{
	uint64_t mask = 0;

	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (wl_cap_needed(&r->model->w, nr, WL_PROGRAM_PHASES))
			mask |= UINT64_C(1) << nr;
	return mask;
}

/* "CHOWN, SETUID" */
static const char *cap_names(struct ins_run *r, uint64_t mask)
{
	struct words names = { 0 };
	struct buf b = { 0 };

	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (mask & UINT64_C(1) << nr)
			words_add(&names, r->arena, bcap_by_nr(nr)->name + strlen("CAP_"));
	words_put(&names, "", &b);
	return words_keep(&b, r->arena);
}

/* The last step of an image's name, without tag and digest. */
static const char *image_base(const char *image, size_t *len)
{
	const char *slash = strrchr(image, '/');
	const char *base = slash ? slash + 1 : image;

	*len = strcspn(base, ":@");
	return base;
}

/* A model is of one container: the one whose image it has, or the only one. */
static bool is_modelled(const struct ins_run *r, const struct ps_container *c)
{
	const char *image = r->model->w.identity.image, *a, *b;
	size_t n, m;

	if (!image)
		return r->pod->containers_n == 1;
	a = image_base(image, &n);
	b = image_base(c->image, &m);
	return n == m && !memcmp(a, b, n);
}

/* Without what it would compare with a check has not passed. */
static bool can_compare(struct ins_run *r, bool known)
{
	r->unjudged = !known || !ins_linux(r);
	return !r->unjudged;
}

void check_caps_unused(struct ins_run *r)
{
	if (!can_compare(r, r->model))
		return;
	ins_each(r, c)
	{
		uint64_t unused = granted(c) & ~needed(r);
		uint64_t added = cap_mask(&c->sec.cap_add) & ~needed(r);
		struct ins_finding *f;

		if (!is_modelled(r, c) || !unused || c->sec.privileged.v)
			continue;
		f = ins_find(r, c, c->sec.cap_add.at, c->at,
			     ins_setting_path(r->pod->platform, SET_CAP_DROP),
			     "%s has capabilities that it never used: %s", ins_who(r, c),
			     unused == (all_caps & ~needed(r)) ? "all but those it needs"
							       : cap_names(r, unused));
		f->severity = added ? INS_MEDIUM : INS_LOW;
		ins_evidence(r, f,
			     needed(r) ? "the model %s has uses of %s only"
				       : "the model %s has "
					 "uses of none%s",
			     r->model->path, needed(r) ? cap_names(r, needed(r)) : "");
	}
}

void check_caps_needed(struct ins_run *r)
{
	if (!can_compare(r, r->model))
		return;
	ins_each(r, c)
	{
		uint64_t missing = needed(r) & ~granted(c);
		struct ins_finding *f;

		if (!is_modelled(r, c) || !missing)
			continue;
		f = ins_find(r, c, c->sec.cap_drop.at, c->at,
			     ins_setting_path(r->pod->platform, SET_CAP_ADD),
			     "%s is not given %s, which the workload used", ins_who(r, c),
			     cap_names(r, missing));
		ins_evidence(r, f, "the model %s has uses of %s by the program itself",
			     r->model->path, cap_names(r, missing));
		for (unsigned nr = 0; nr < BCAP_COUNT && r->pod->platform == PS_KUBERNETES; nr++)
			if (missing & UINT64_C(1) << nr)
				ins_fix(r, f, INS_APPEND, c->at,
					ins_setting_path(PS_KUBERNETES, SET_CAP_ADD),
					ins_json_string(r, bcap_by_nr(nr)->name + strlen("CAP_")),
					NULL);
	}
}

void check_profile_excess(struct ins_run *r)
{
	if (!can_compare(r, r->model && r->o->node_root && r->o->excess))
		return;
	ins_each(r, c)
	{
		const struct ps_profile *p = ins_seccomp_of(r, c);
		cleanup_free char *path = NULL;
		struct ins_excess x = { 0 };
		struct ins_finding *f;

		if (!p || !p->localhost.v || !is_modelled(r, c) || strstr(p->localhost.v, "..") ||
		    asprintf(&path, "%s/%s/seccomp/%s", r->o->node_root, r->o->kubelet_dir,
			     p->localhost.v) < 0 ||
		    access(path, R_OK) || r->o->excess(path, &r->model->w, &x, NULL) < 0 ||
		    x.allowed <= x.used)
			continue;
		f = ins_find(
			r, c, p->localhost.at, p->at, NULL,
			"the profile %s of %s allows %zu system calls that it was never seen to "
			"need%s%s",
			p->localhost.v, ins_who(r, c), x.allowed - x.used,
			*x.examples ? ", among them " : "", x.examples);
		ins_evidence(r, f,
			     "of %zu system calls that the profile allows, %zu are in the model %s",
			     x.allowed, x.used, r->model->path);
	}
}
