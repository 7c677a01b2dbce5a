/*
 * Corrections. Each step reads the profile anew, changes the JSON in one way, and hands it on; the
 * members, comments and conditions that are not concerned stay as they are.
 */
#include <string.h>

#include "base/mem.h"
#include "profile/compare.h"
#include "profile/lint_private.h"
#include "profile/seccomp_reader.h"

enum { FIX_BUDGET = 100 * 1000 * 1000 };

static struct json_object *copy_of(struct json_object *v)
{
	struct json_object *out = NULL;

	if (json_object_deep_copy(v, &out, NULL) < 0)
		mem_exhausted();
	return out;
}

/* A new list of rules: rules that go away are NULL in `rule`, new ones stand behind `rule[i]`. */
struct edit {
	struct json_object **rule; /* copies, by their index */
	struct json_object **after;
	size_t n;
};

static void edit_begin(struct edit *e, const struct lint *l)
{
	e->n = l->rules_n;
	e->rule = xcalloc(e->n + 1, sizeof(*e->rule));
	e->after = xcalloc(e->n + 1, sizeof(*e->after));
	for (size_t i = 0; i < e->n; i++) {
		e->rule[i] = copy_of(l->rules[i].o);
		e->after[i] = json_object_new_array();
	}
}

static void edit_drop(struct edit *e, size_t i)
{
	json_object_put(e->rule[i]);
	e->rule[i] = NULL;
}

/* Takes the name out of the rule, and the rule away when it was the last one. */
static void edit_drop_name(struct edit *e, size_t i, const char *name)
{
	struct json_object *names = lint_member(e->rule[i], "names", json_type_array);

	for (size_t k = names ? json_object_array_length(names) : 0; k-- > 0;)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(names, k)), name))
			json_object_array_del_idx(names, k, 1);
	if (names && !json_object_array_length(names))
		edit_drop(e, i);
}

/* The text of the profile with the new rules. */
static char *edit_end(struct edit *e, struct json_object *root)
{
	cleanup_json struct json_object *out = copy_of(root);
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < e->n; i++) {
		if (e->rule[i])
			json_append(list, e->rule[i]);
		for (size_t k = 0; k < json_object_array_length(e->after[i]); k++)
			json_append(list,
				    json_object_get(json_object_array_get_idx(e->after[i], k)));
		json_object_put(e->after[i]);
	}
	if (e->n)
		json_add(out, "syscalls", list);
	else
		json_object_put(list);
	free(e->rule);
	free(e->after);
	return json_text(out);
}

/* `name` becomes one of `names`; a name that stands twice stands once. */
static void fix_names(struct edit *e, const struct lint_rule *r)
{
	struct json_object *names = json_object_new_array();

	for (size_t n = 0; n < r->names_n; n++) {
		size_t k = 0;

		while (k < n && strcmp(r->names[k], r->names[n]))
			k++;
		if (k == n)
			json_append(names, json_object_new_string(r->names[n]));
	}
	json_object_object_del(e->rule[r->index], "name");
	json_add(e->rule[r->index], "names", names);
}

static void fix_ret(struct json_object *o, const char *action, const char *number, const char *name)
{
	const char *s = lint_str(o, action);
	enum sp_action a;

	if (!s || !sp_action_parse(s, &a) || sp_action_takes_data(a))
		return;
	json_object_object_del(o, number);
	json_object_object_del(o, name);
}

/* Podman's word for the errno, as a number for who does not know it. */
static void fix_errno_word(const struct lint *l, struct json_object *o, const char *number,
			   const char *name)
{
	const char *s = lint_str(o, name);
	uint64_t nr;

	if (!s || !*s || l->o->engine == LINT_ANY_ENGINE || l->o->engine == LINT_PODMAN ||
	    l->o->engine == LINT_CRIO || sp_errno_parse(s, &nr) < 0)
		return;
	json_add(o, number, json_object_new_uint64(nr));
	json_object_object_del(o, name);
}

static void fix_value_two(struct json_object *rule, const struct lint_rule *r)
{
	struct json_object *args = lint_member(rule, "args", json_type_array);

	for (size_t k = 0; args && k < r->conds_n; k++)
		if (r->conds[k].op != SP_MASKED_EQ)
			json_object_object_del(json_object_array_get_idx(args, k), "valueTwo");
}

/* An engine that knows the OCI form only gets what counts on this host. */
static bool oci_only(const struct lint *l)
{
	return l->o->engine == LINT_CONTAINERD || l->o->engine == LINT_CRUN;
}

static void resolve_rule(struct edit *e, const struct lint *l, const struct lint_rule *r)
{
	if (!r->conditional || !oci_only(l))
		return;
	if (!r->sp) {
		edit_drop(e, r->index);
		return;
	}
	json_object_object_del(e->rule[r->index], "includes");
	json_object_object_del(e->rule[r->index], "excludes");
}

static void resolve_arches(const struct lint *l, struct json_object *root)
{
	struct json_object *a;

	if (!oci_only(l) || !lint_member(root, "archMap", json_type_array))
		return;
	json_object_object_del(root, "archMap");
	a = json_object_new_array();
	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		if (l->p.abi[i])
			json_append(a, json_object_new_string(sc_abi_scmp((enum sc_abi)i)));
	json_add(root, "architectures", a);
}

/* What stands in the file without effect, or in a form that some engine refuses. */
static char *fix_form(struct lint *l)
{
	cleanup_json struct json_object *root = copy_of(l->doc.root);
	const char *path = lint_str(root, "listenerPath");
	struct edit e;

	fix_ret(root, "defaultAction", "defaultErrnoRet", "defaultErrno");
	fix_errno_word(l, root, "defaultErrnoRet", "defaultErrno");
	if (!path || !*path)
		json_object_object_del(root, "listenerMetadata");
	resolve_arches(l, root);
	edit_begin(&e, l);
	for (size_t i = 0; i < l->rules_n; i++) {
		const struct lint_rule *r = &l->rules[i];

		if (!r->names_n) {
			edit_drop(&e, i);
			continue;
		}
		fix_names(&e, r);
		fix_ret(e.rule[i], "action", "errnoRet", "errno");
		fix_errno_word(l, e.rule[i], "errnoRet", "errno");
		fix_value_two(e.rule[i], r);
		resolve_rule(&e, l, r);
	}
	return edit_end(&e, root);
}

/* Rules without effect. */
static char *fix_dead(struct lint *l)
{
	struct edit e;

	edit_begin(&e, l);
	for (size_t i = 0; i < l->calls_n; i++) {
		const struct lint_call *c = &l->calls[i];
		cleanup_free bool *dead = xcalloc(c->n, sizeof(*dead));

		if (!lint_same_everywhere(l, c->d->name))
			continue;
		lint_dead_rules(l, c, dead);
		for (size_t k = 0; k < c->n; k++)
			if (dead[k])
				edit_drop_name(&e, c->rule[k]->source, c->d->name);
	}
	return edit_end(&e, l->doc.root);
}

static char *fix_default(struct lint *l)
{
	struct edit e;

	edit_begin(&e, l);
	for (size_t i = 0; i < l->p.rules_n; i++)
		if (lint_default_rule_is_idle(l, &l->p.rules[i]))
			edit_drop(&e, l->p.rules[i].source);
	return edit_end(&e, l->doc.root);
}

/* Calls whose rules meet. */
static char *fix_order(struct lint *l)
{
	struct edit e;

	edit_begin(&e, l);
	for (size_t i = 0; i < l->calls_n; i++) {
		const struct lint_call *c = &l->calls[i];

		if (!lint_call_depends_on_order(l, c) ||
		    !lint_reorder(l, c, e.after[c->rule[c->n - 1]->source]))
			continue;
		for (size_t k = 0; k < c->n; k++)
			edit_drop_name(&e, c->rule[k]->source, c->d->name);
	}
	return edit_end(&e, l->doc.root);
}

/* Conditions that runtimes take for something else. */
static char *fix_shape(struct lint *l)
{
	struct edit e;

	edit_begin(&e, l);
	for (size_t i = 0; i < l->rules_n; i++)
		if (lint_misshaped(&l->p, &l->rules[i]) &&
		    lint_reshape(l, &l->rules[i], e.after[i]))
			edit_drop(&e, i);
	return edit_end(&e, l->doc.root);
}

/* 0: the text means what `p` does. 1: it does not fit into a filter, so it is no better. */
static int same_meaning(const struct sp_profile *p, const char *name, const char *text,
			const struct lint_options *o, struct err *e)
{
	struct lint_report r = { 0 };
	cleanup_lint struct lint l = { .o = o, .r = &r };
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct sp_operand before = { .name = "the original", .profile = p };
	struct sp_operand after = { .name = "the corrected profile", .profile = &l.p };
	struct sp_difference diff;
	int rc = lint_read(&l, name, text, strlen(text), e);

	if (rc == 0)
		rc = sp_compile(&l.p, &f, e);
	if (rc == -E2BIG)
		return 1;
	if (rc == 0)
		rc = sp_compare(&before, &after, SP_EQUAL, &diff, e);
	return rc < 0 ? rc : 0;
}

int lint_fix(const char *name, const char *text, size_t len, const struct lint_options *o,
	     char **out, struct err *e)
{
	static char *(*const steps[])(struct lint *) = { fix_form,  fix_dead,  fix_default,
							 fix_order, fix_shape, fix_dead };
	cleanup_free char *now = NULL;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && rc == 0; i++) {
		struct lint_report r = { 0 };
		cleanup_lint struct lint l = { .o = o, .r = &r, .budget = FIX_BUDGET };
		cleanup_free char *next = NULL;
		int same;

		rc = lint_read(&l, name, now ? now : text, now ? strlen(now) : len, e);
		if (rc < 0)
			return rc;
		next = steps[i](&l);
		same = same_meaning(&l.p, name, next, o, e);
		if (same < 0)
			return same;
		if (same == 0 || !now) {
			free(now);
			now = take_ptr(next);
		}
	}
	*out = take_ptr(now);
	return 0;
}
