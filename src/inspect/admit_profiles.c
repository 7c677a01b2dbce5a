/* Which profile a container gets, and which node labels say that the profile is there. */
#include <fnmatch.h>
#include <string.h>

#include "inspect/admit_plan.h"

static const char *plain_image(struct arena *a, const char *image, bool tag)
{
	static const char *const prefixes[] = { "docker.io/", "library/" };
	const char *at, *slash, *colon;
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(image, prefixes[i], strlen(prefixes[i])))
			image += strlen(prefixes[i]);
	at = strchr(image, '@');
	len = at ? (size_t)(at - image) : strlen(image);
	slash = memrchr(image, '/', len);
	colon = memrchr(slash ? slash : image, ':',
			len - (size_t)((slash ? slash : image) - image));
	if (!tag && colon)
		len = (size_t)(colon - image);
	return arena_strndup(a, image, len);
}

void adm_profile_image(struct adm_profile *f, struct arena *a, const char *image)
{
	const char *slash;

	f->image = image;
	if (!image)
		return;
	f->plain = plain_image(a, image, true);
	slash = strrchr(f->plain, '/');
	f->tag = strchr(slash ? slash : f->plain, ':') != NULL;
	f->wild = strpbrk(f->plain, "*?[\\") != NULL;
}

/* There may be thousands of profiles: most are told apart by their first characters. */
static bool image_fits(const struct adm_profile *f, const char *const names[2])
{
	return f->wild ? !fnmatch(f->plain, names[f->tag], 0) : adm_is(f->plain, names[f->tag]);
}

/* Profiles of the configuration and of models, then those of seals; NULL behind the last. */
static const struct adm_profile *profile_at(const struct adm_plan *p, size_t i)
{
	const struct adm_seals *seals = p->r->cluster->seals;

	if (i < p->m->profiles_n)
		return &p->m->profiles[i];
	i -= p->m->profiles_n;
	return seals && i < seals->n ? &seals->v[i] : NULL;
}

const struct adm_profile *adm_profile_of(struct adm_plan *p, const struct ps_container *c)
{
	/* Without its tag, and with. */
	const char *const names[] = { plain_image(&p->r->arena, c->image, false),
				      plain_image(&p->r->arena, c->image, true) };
	const struct adm_profile *f;

	for (size_t i = 0; (f = profile_at(p, i)); i++) {
		if (f->named_only || (f->plain && !image_fits(f, names)) ||
		    (f->ns && fnmatch(f->ns, p->r->ns, 0)))
			continue;
		if (!f->container || !fnmatch(f->container, c->name, 0))
			return f;
	}
	return NULL;
}

void adm_select_node(struct adm_plan *p, const char *label)
{
	if (label && !words_have(&p->selects, label))
		words_add(&p->selects, &p->r->arena, label);
}

void adm_select_profile(struct adm_plan *p, enum adm_kind kind, const char *name)
{
	const struct adm_profile *f;

	for (size_t i = 0; (f = profile_at(p, i)); i++) {
		const char *own = kind == ADM_SECCOMP ? f->seccomp : f->apparmor;
		const char *label = f->label[kind];

		if (own && adm_is(own, name)) {
			adm_select_node(p, label);
			return;
		}
		if (kind == ADM_SECCOMP && f->current && adm_is(f->current, name)) {
			adm_select_node(p, arena_strndup(&p->r->arena, label, strcspn(label, "=")));
			return;
		}
	}
}
