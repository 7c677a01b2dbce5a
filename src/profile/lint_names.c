/* Checks of the names of calls. */
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "profile/libseccomp.h"
#include "profile/lint_private.h"
#include "profile/seccomp_reader.h"

void lint_run_names_missing(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		struct lint_finding *f;

		if (l->rules[i].names_n)
			continue;
		f = lint_add(l, c, LINT_MEDIUM,
			     lint_at(&(struct lint_place){ 0 }, i, NULL, -1, NULL),
			     "the rule names no system call");
		if (f)
			f->fixable = true;
	}
}

void lint_run_name_and_names(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		struct lint_finding *f;

		if (!l->rules[i].listed || l->rules[i].names_n == l->rules[i].listed)
			continue;
		f = lint_add(l, c, LINT_HIGH,
			     lint_at(&(struct lint_place){ 0 }, i, "name", -1, NULL),
			     "name beside names: Docker and Podman refuse the profile");
		if (f)
			f->fixable = true;
	}
}

void lint_run_name_old_form(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		struct lint_finding *f;

		if (l->rules[i].listed || !l->rules[i].names_n)
			continue;
		f = lint_add(l, c, LINT_LOW,
			     lint_at(&(struct lint_place){ 0 }, i, "name", -1, NULL),
			     "the form of one name, which Docker and Podman still read and nobody "
			     "else");
		if (f)
			f->fixable = true;
	}
}

/* The effect of a rule that does not count. */
static const char *unknown_effect(const struct lint *l, const struct lint_rule *r)
{
	enum sp_action a;

	if (!r->action || !sp_action_parse(r->action, &a))
		return "the rule has no effect for it";
	if (lint_lets((struct sp_ret){ a, 0 }))
		return lint_lets(l->p.deflt) ? "the rule has no effect for it"
					     : "the call that is meant stays refused";
	return lint_lets(l->p.deflt) ? "the call that is meant stays allowed"
				     : "the rule has no effect for it";
}

void lint_run_name_unknown(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];

		for (size_t n = 0; n < r->names_n; n++) {
			const struct json_path *at = lint_at_name(&(struct lint_place){ 0 }, r, n);
			const char *near;

			if (sc_by_name(r->names[n]) || sp_call_foreign(r->names[n]))
				continue;
			near = sc_suggest(r->names[n]);
			if (near)
				lint_add(l, c, LINT_MEDIUM, at,
					 "\"%.64s\" is no system call, is \"%s\" meant? %s",
					 r->names[n], near, unknown_effect(l, r));
			else
				lint_add(l, c, LINT_MEDIUM, at, "\"%.64s\" is no system call; %s",
					 r->names[n], unknown_effect(l, r));
		}
	}
}

void lint_run_name_twice(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];
		struct map seen = { 0 };

		for (size_t n = 0; n < r->names_n; n++) {
			void **v = map_at(&seen, r->names[n], strlen(r->names[n]));
			struct lint_finding *f = NULL;

			if (*v)
				f = lint_add(l, c, LINT_LOW,
					     lint_at_name(&(struct lint_place){ 0 }, r, n),
					     "%.64s stands twice in one rule", r->names[n]);
			if (f)
				f->fixable = true;
			*v = l;
		}
		map_free(&seen);
	}
}

static bool on_listed_arch(const struct lint *l, const struct sc_desc *d)
{
	for (unsigned a = 0; d && a < SC_ABI_COUNT; a++)
		if (l->p.abi[a] && d->nr[a] >= 0)
			return true;
	return false;
}

void lint_run_name_no_arch(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];
		cleanup_lint_list struct lint_list names = { 0 };
		const char *list;

		for (size_t n = 0; r->sp && n < r->names_n; n++)
			if ((sc_by_name(r->names[n]) || sp_call_foreign(r->names[n])) &&
			    !on_listed_arch(l, sc_by_name(r->names[n])))
				lint_list_add(&names, r->names[n]);
		list = lint_list_end(&names);
		if (names.n)
			lint_add(l, c, LINT_INFO,
				 lint_at(&(struct lint_place){ 0 }, i, "names", -1, NULL),
				 "on none of the listed architectures: %s", list);
	}
}

/* Denied or answered with another errno than the default when the library skips the name. */
static enum lint_severity skipped(const struct lint *l, const struct lint_rule *r)
{
	if (!r->sp || !sp_ret_cmp(r->sp->ret, l->p.deflt))
		return LINT_INFO;
	if (lint_lets(l->p.deflt) && !lint_lets(r->sp->ret))
		return LINT_HIGH;
	return lint_lets(r->sp->ret) ? LINT_MEDIUM : LINT_LOW;
}

void lint_run_name_libseccomp(struct lint *l, const struct lint_check *c)
{
	struct sc_kver knows;

	if (!l->o->libseccomp || libseccomp_kernel(l->o->libseccomp, &knows, NULL) < 0)
		return;
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];
		cleanup_lint_list struct lint_list names = { 0 };
		const char *list;

		for (size_t n = 0; n < r->names_n; n++) {
			const struct sc_desc *d = sc_by_name(r->names[n]);

			if (d && sc_kver_cmp(d->since, knows) > 0)
				lint_list_add(&names, d->name);
		}
		list = lint_list_end(&names);
		if (names.n)
			lint_add(l, c, skipped(l, r),
				 lint_at(&(struct lint_place){ 0 }, i, "names", -1, NULL),
				 "libseccomp %.32s knows calls up to Linux %u.%u, so the runtime "
				 "skips %s",
				 l->o->libseccomp, knows.major, knows.minor, list);
	}
}
