/*
 * Two readings of one file: the rules as they stand there, and what the profile means. sp_read()
 * refuses what no runtime should be given; here a copy without such faults is read, and the checks
 * report them from the file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/caps.h"
#include "profile/lint_private.h"
#include "profile/seccomp_reader.h"

/* The name of a rule that is not to count; no system call has it. */
static const char no_call[] = "-";

struct json_object *lint_member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, type))
		return NULL;
	return v;
}

const char *lint_str(struct json_object *o, const char *key)
{
	struct json_object *v = lint_member(o, key, json_type_string);

	return v ? json_object_get_string(v) : NULL;
}

bool lint_says(struct json_object *condition)
{
	struct json_object *caps = lint_member(condition, "caps", json_type_array);
	struct json_object *arches = lint_member(condition, "arches", json_type_array);
	const char *kernel = lint_str(condition, "minKernel");

	return (caps && json_object_array_length(caps)) ||
	       (arches && json_object_array_length(arches)) || (kernel && *kernel);
}

/* Leaves out members that no dialect knows. */
static void keep_members(struct json_object *o, const char *const *known)
{
	if (!json_object_is_type(o, json_type_object))
		return;
	json_object_object_foreach (o, key, value) {
		(void)value;
		if (!sp_member_known(known, key))
			json_object_object_del(o, key);
	}
}

static bool known_flag(const char *s)
{
	for (size_t i = 0; sp_flags[i].name; i++)
		if (!strcmp(s, sp_flags[i].name))
			return true;
	return false;
}

static bool known_cap(const char *s)
{
	const struct bcap_desc *d = bcap_by_name(s);

	return d && !strcmp(d->name, s);
}

static bool known_arch(const char *s)
{
	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		if (!strcmp(s, sc_abi_scmp((enum sc_abi)i)))
			return true;
	return !strcmp(s, "SCMP_ARCH_NATIVE") || sp_arch_foreign(s);
}

/* Leaves out strings that are not known; how many. */
static size_t keep_strings(struct json_object *a, bool (*known)(const char *))
{
	size_t gone = 0;

	for (size_t i = a ? json_object_array_length(a) : 0; i-- > 0;) {
		struct json_object *v = json_object_array_get_idx(a, i);

		if (!json_object_is_type(v, json_type_string) || known(json_object_get_string(v)))
			continue;
		json_object_array_del_idx(a, i, 1);
		gone++;
	}
	return gone;
}

static void forget(struct json_object *rule)
{
	struct json_object *names = json_object_new_array();

	json_append(names, json_object_new_string(no_call));
	json_object_object_del(rule, "name");
	json_object_object_del(rule, "args");
	json_add(rule, "names", names);
}

/* Unknown words hold nowhere: `includes` with one never counts. */
static void clean_condition(struct json_object *rule, const char *key)
{
	struct json_object *o = lint_member(rule, key, json_type_object);
	const char *kernel = lint_str(o, "minKernel");
	struct sc_kver v;
	size_t gone;

	if (!o)
		return;
	keep_members(o, sp_condition_members);
	gone = keep_strings(lint_member(o, "caps", json_type_array), known_cap);
	gone += keep_strings(lint_member(o, "arches", json_type_array), sp_condition_arch);
	if (kernel && sp_condition_kernel(kernel, &v) < 0) {
		json_object_object_del(o, "minKernel");
		gone++;
	}
	if (gone && !strcmp(key, "includes"))
		forget(rule);
}

static void clean_errno(struct json_object *o, const char *number, const char *name)
{
	struct json_object *v = lint_member(o, number, json_type_int);
	const char *s = lint_str(o, name);
	uint64_t nr;

	if (v && (json_object_get_int64(v) < 0 || json_object_get_uint64(v) > SP_MAX_ERRNO))
		json_add(o, number, json_object_new_int(SP_MAX_ERRNO));
	if (s && *s && (sp_errno_parse(s, &nr) < 0 || nr > SP_MAX_ERRNO))
		json_object_object_del(o, name);
}

static bool index_fits(struct json_object *arg)
{
	struct json_object *v = lint_member(arg, "index", json_type_int);

	return !v || (json_object_get_int64(v) >= 0 && json_object_get_int64(v) < SC_MAX_ARGS);
}

static void clean_rule(struct json_object *o)
{
	struct json_object *args = lint_member(o, "args", json_type_array);
	struct json_object *names = lint_member(o, "names", json_type_array);
	const char *name = lint_str(o, "name");
	bool one = name && *name, many = names && json_object_array_length(names);
	bool wrong = !one && !many;

	keep_members(o, sp_rule_members);
	clean_errno(o, "errnoRet", "errno");
	for (size_t i = 0; args && i < json_object_array_length(args); i++) {
		struct json_object *arg = json_object_array_get_idx(args, i);

		keep_members(arg, sp_arg_members);
		wrong |= !index_fits(arg);
	}
	if (one && many) {
		json_append(names, json_object_new_string(name));
		json_object_object_del(o, "name");
	}
	if (wrong)
		forget(o);
	clean_condition(o, "excludes");
	clean_condition(o, "includes");
}

/* None that has a table here: read as if the native one were listed, as runtimes do. */
static void clean_arches(struct json_object *o, const struct sp_host *h)
{
	struct json_object *a = lint_member(o, "architectures", json_type_array);
	struct json_object *map = lint_member(o, "archMap", json_type_array);
	size_t known = 0;

	keep_strings(a, known_arch);
	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(a, i));

		known += s && !sp_arch_foreign(s);
	}
	if (a && json_object_array_length(a) && !known)
		json_append(a, json_object_new_string(sc_abi_scmp(h->native)));
	if (a && json_object_array_length(a)) {
		json_object_object_del(o, "archMap");
		map = NULL;
	}
	for (size_t i = 0; map && i < json_object_array_length(map); i++) {
		struct json_object *row = json_object_array_get_idx(map, i);
		const char *s = lint_str(row, "architecture");

		keep_members(row, sp_arch_map_members);
		keep_strings(lint_member(row, "subArchitectures", json_type_array), known_arch);
		if (s && !known_arch(s)) /* counts nowhere */
			json_add(row, "architecture", json_object_new_string("SCMP_ARCH_S390X"));
	}
}

static struct json_object *clean_copy(struct json_object *root, const struct sp_host *h)
{
	struct json_object *o = NULL, *list;

	if (json_object_deep_copy(root, &o, NULL) < 0)
		mem_exhausted();
	keep_members(o, sp_profile_members);
	keep_strings(lint_member(o, "flags", json_type_array), known_flag);
	clean_errno(o, "defaultErrnoRet", "defaultErrno");
	if (!lint_str(o, "listenerPath") || !*lint_str(o, "listenerPath"))
		if (json_object_is_type(o, json_type_object))
			json_object_object_del(o, "listenerMetadata");
	clean_arches(o, h);
	list = lint_member(o, "syscalls", json_type_array);
	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		if (json_object_is_type(json_object_array_get_idx(list, i), json_type_object))
			clean_rule(json_object_array_get_idx(list, i));
	return o;
}

/* sp_read() has seen that all types are right, except what was cleaned away. */
static void read_conds(struct lint_rule *r)
{
	struct json_object *args = lint_member(r->o, "args", json_type_array);

	for (size_t i = 0; args && i < json_object_array_length(args); i++) {
		struct json_object *a = json_object_array_get_idx(args, i);
		struct json_object *index = lint_member(a, "index", json_type_int);
		struct json_object *v1 = lint_member(a, "value", json_type_int);
		struct json_object *v2 = lint_member(a, "valueTwo", json_type_int);
		const char *op = lint_str(a, "op");
		struct sp_cond *c = vec_push(r->conds, r->conds_n, r->conds_cap);

		c->index = index && index_fits(a) ? (uint8_t)json_object_get_int(index)
						  : SC_MAX_ARGS;
		c->value = v1 ? json_object_get_uint64(v1) : 0;
		c->value2 = v2 ? json_object_get_uint64(v2) : 0;
		c->op = SP_OP_COUNT;
		for (unsigned k = 0; op && k < SP_OP_COUNT; k++)
			if (!strcmp(op, sp_op_name((enum sp_op)k)))
				c->op = (enum sp_op)k;
	}
}

static void read_rule(struct lint *l, struct lint_rule *r, struct json_object *o)
{
	struct json_object *names = lint_member(o, "names", json_type_array);
	const char *name = lint_str(o, "name");

	r->o = o;
	r->action = lint_str(o, "action");
	r->conditional = lint_says(lint_member(o, "includes", json_type_object)) ||
			 lint_says(lint_member(o, "excludes", json_type_object));
	for (size_t i = 0; names && i < json_object_array_length(names); i++)
		*vec_push(r->names, r->names_n, r->names_cap) =
			json_object_get_string(json_object_array_get_idx(names, i));
	r->listed = r->names_n;
	if (name && *name)
		*vec_push(r->names, r->names_n, r->names_cap) = name;
	read_conds(r);
	for (size_t i = 0; i < l->p.rules_n; i++)
		if (l->p.rules[i].source == r->index)
			r->sp = &l->p.rules[i];
}

static void read_rules(struct lint *l)
{
	struct json_object *list = lint_member(l->doc.root, "syscalls", json_type_array);

	l->rules_n = list ? json_object_array_length(list) : 0;
	l->rules = xcalloc(l->rules_n + 1, sizeof(*l->rules));
	for (size_t i = 0; i < l->rules_n; i++) {
		l->rules[i].index = i;
		read_rule(l, &l->rules[i], json_object_array_get_idx(list, i));
	}
}

struct use {
	const struct sc_desc *d;
	size_t rule;
};

static int use_cmp(const void *pa, const void *pb)
{
	const struct use *a = pa, *b = pb;
	int c = strcmp(a->d->name, b->d->name);

	return c ? c : (a->rule > b->rule) - (a->rule < b->rule);
}

/* A listed ABI that has the call, 64-bit ones first; SC_ABI_COUNT: none. */
static enum sc_abi abi_of(const struct sp_profile *p, const struct sc_desc *d)
{
	static const enum sc_abi order[] = { SC_X86_64, SC_AARCH64, SC_X32, SC_I386 };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (p->abi[order[i]] && d->nr[order[i]] >= 0)
			return order[i];
	return SC_ABI_COUNT;
}

static void read_calls(struct lint *l)
{
	cleanup_free struct use *use = NULL;
	size_t n = 0, cap = 0, calls_cap = 0;

	for (size_t i = 0; i < l->p.rules_n; i++) {
		for (size_t k = 0; k < l->p.rules[i].names_n; k++) {
			const struct sc_desc *d = sc_by_name(l->p.rules[i].names[k]);

			if (d && abi_of(&l->p, d) != SC_ABI_COUNT)
				*vec_push(use, n, cap) = (struct use){ d, i };
		}
	}
	if (n)
		qsort(use, n, sizeof(*use), use_cmp);
	l->pool = xcalloc(n + 1, sizeof(struct sp_rule *));
	for (size_t i = 0; i < n; i++) {
		l->pool[i] = &l->p.rules[use[i].rule];
		if (!i || use[i].d != use[i - 1].d)
			*vec_push(l->calls, l->calls_n, calls_cap) = (struct lint_call){
				use[i].d, abi_of(&l->p, use[i].d), &l->pool[i], 0
			};
		l->calls[l->calls_n - 1].n++;
	}
}

static int call_cmp(const void *name, const void *call)
{
	return strcmp(name, ((const struct lint_call *)call)->d->name);
}

const struct lint_call *lint_call_find(const struct lint *l, const char *name)
{
	if (!l->calls_n)
		return NULL;
	return bsearch(name, l->calls, l->calls_n, sizeof(*l->calls), call_cmp);
}

static void note_again(const char *pointer, unsigned line, unsigned col, void *ctx)
{
	struct lint *l = ctx;

	if (l->again_n < LINT_MAX_FINDINGS)
		*vec_push(l->again, l->again_n,
			  l->again_cap) = (struct lint_again){ xstrdup(pointer), line, col };
}

int lint_read(struct lint *l, const char *name, const char *text, size_t len, struct err *e)
{
	const struct json_again again = { note_again, l };
	cleanup_buf struct buf unknown = { 0 };
	struct json_doc clean;
	int rc = json_parse_again(&l->doc, name, text, len, &again, e);

	if (rc == 0 && json_object_is_type(l->doc.root, json_type_object))
		rc = sp_check_format(&l->doc, e);
	if (rc < 0)
		return rc;
	clean = l->doc; /* the text stays that of the file, so that errors name places in it */
	clean.root = clean_copy(l->doc.root, &l->o->host);
	rc = sp_read(&l->p, &clean, &l->o->host, &unknown, e);
	json_object_put(clean.root);
	if (rc < 0)
		return rc;
	read_rules(l);
	read_calls(l);
	return 0;
}

void lint_free(struct lint *l)
{
	for (size_t i = 0; i < l->rules_n; i++) {
		free(l->rules[i].names);
		free(l->rules[i].conds);
	}
	for (size_t i = 0; i < l->again_n; i++)
		free(l->again[i].pointer);
	free(l->rules);
	free(l->again);
	free(l->calls);
	free(l->pool);
	sp_free(&l->p);
	json_doc_free(&l->doc);
	*l = (struct lint){ 0 };
}
