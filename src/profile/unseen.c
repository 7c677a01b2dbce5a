#include "profile/unseen.h"

#include <string.h>

#include "profile/lint_private.h"

static bool recorded(const struct workload *w, uint32_t source)
{
	return source < w->sources_n && w->sources[source].kind != WL_STATIC;
}

bool unseen_only(const struct workload *w, const struct wl_prov *p)
{
	bool any = false;

	for (uint32_t i = 0; i < w->sources_n; i++)
		any = any || recorded(w, i);
	for (size_t i = 0; i < p->sources.n; i++) {
		if (recorded(w, p->sources.v[i]))
			return false;
	}
	return any && p->sources.n;
}

static bool dangerous(const char *name)
{
	for (const struct lint_danger *d = lint_dangers; d->name; d++) {
		if (!strcmp(d->name, name))
			return true;
	}
	return false;
}

bool unseen_left_out(const struct workload *w, const struct gen_options *o, const char *name,
		     const struct wl_prov *p)
{
	if (o->unseen == GEN_UNSEEN_ALL || !name)
		return false;
	return unseen_only(w, p) && (o->unseen == GEN_UNSEEN_NONE || dangerous(name));
}
