#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/seccomp.h"

/* A rule to be written: conditions sorted, names of all equal rules. */
struct entry {
	struct sp_ret ret;
	const char *comment;
	struct sp_cond *conds;
	size_t conds_n;
	const char **names;
	size_t names_n, names_cap;
};

struct entries {
	struct entry *v;
	size_t n;
};

static void entries_free(struct entries *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].conds);
		free(s->v[i].names);
	}
	free(s->v);
}

static int u64_cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int cond_cmp(const void *pa, const void *pb)
{
	const struct sp_cond *a = pa, *b = pb;
	int c = u64_cmp(a->index, b->index);

	if (c == 0)
		c = u64_cmp(a->op, b->op);
	if (c == 0)
		c = u64_cmp(a->value, b->value);
	return c ? c : u64_cmp(a->value2, b->value2);
}

/* Strict ones first, then by conditions, then by comment; equal ones become one. */
static int entry_cmp(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int c = sp_ret_cmp(a->ret, b->ret);

	for (size_t i = 0; c == 0 && i < a->conds_n && i < b->conds_n; i++)
		c = cond_cmp(&a->conds[i], &b->conds[i]);
	if (c == 0)
		c = u64_cmp(a->conds_n, b->conds_n);
	return c ? c : strcmp(a->comment, b->comment);
}

static int name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_names(struct entry *en)
{
	size_t n = 0;

	qsort(en->names, en->names_n, sizeof(*en->names), name_cmp);
	for (size_t i = 0; i < en->names_n; i++)
		if (!n || strcmp(en->names[n - 1], en->names[i]))
			en->names[n++] = en->names[i];
	en->names_n = n;
}

static void fill_entry(struct entry *en, const struct sp_rule *r, bool comments)
{
	size_t n = 0;

	*en = (struct entry){ .ret = r->ret, .comment = "" };
	if (comments && r->comment)
		en->comment = r->comment;
	en->conds = xcalloc(r->conds_n + 1, sizeof(*en->conds));
	if (r->conds_n)
		memcpy(en->conds, r->conds, r->conds_n * sizeof(*en->conds));
	qsort(en->conds, r->conds_n, sizeof(*en->conds), cond_cmp);
	for (size_t i = 0; i < r->conds_n; i++)
		if (!n || cond_cmp(&en->conds[n - 1], &en->conds[i]))
			en->conds[n++] = en->conds[i];
	en->conds_n = n;
	for (size_t i = 0; i < r->names_n; i++)
		*vec_push(en->names, en->names_n, en->names_cap) = r->names[i];
}

static void join_entry(struct entry *into, struct entry *from)
{
	for (size_t i = 0; i < from->names_n; i++)
		*vec_push(into->names, into->names_n, into->names_cap) = from->names[i];
	free(from->conds);
	free(from->names);
}

static void collect(struct entries *s, const struct sp_profile *p, bool comments)
{
	size_t n = 0;

	s->v = xcalloc(p->rules_n + 1, sizeof(*s->v));
	for (size_t i = 0; i < p->rules_n; i++)
		if (p->rules[i].names_n)
			fill_entry(&s->v[s->n++], &p->rules[i], comments);
	qsort(s->v, s->n, sizeof(*s->v), entry_cmp);
	for (size_t i = 0; i < s->n; i++) {
		if (n && !entry_cmp(&s->v[n - 1], &s->v[i]))
			join_entry(&s->v[n - 1], &s->v[i]);
		else
			s->v[n++] = s->v[i];
	}
	s->n = n;
	for (size_t i = 0; i < n; i++)
		sort_names(&s->v[i]);
}

static void add_str(struct json_object *o, const char *key, const char *s)
{
	json_add(o, key, json_object_new_string(s));
}

static void append_str(struct json_object *a, const char *s)
{
	struct json_object *v = json_object_new_string(s);

	json_append(a, v);
}

/* An errno or message, only for actions that take one: crun refuses it elsewhere. */
static void add_ret(struct json_object *o, struct sp_ret r, const char *action_key,
		    const char *number_key, const char *name_key)
{
	const char *name = strerrorname_np(r.data);
	char number[8];

	add_str(o, action_key, sp_action_name(r.action));
	if (!sp_action_takes_data(r.action))
		return;
	json_add(o, number_key, json_object_new_int64(r.data));
	if (!name_key)
		return;
	snprintf(number, sizeof(number), "%u", r.data);
	add_str(o, name_key, r.data && name ? name : number);
}

static struct json_object *json_conds(const struct entry *en)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < en->conds_n; i++) {
		const struct sp_cond *c = &en->conds[i];
		struct json_object *o = json_object_new_object();

		json_add(o, "index", json_object_new_int64(c->index));
		json_add(o, "value", json_object_new_uint64(c->value));
		if (c->op == SP_MASKED_EQ)
			json_add(o, "valueTwo", json_object_new_uint64(c->value2));
		add_str(o, "op", sp_op_name(c->op));
		json_append(a, o);
	}
	return a;
}

static struct json_object *json_entry(const struct entry *en, const char *errno_key)
{
	struct json_object *o = json_object_new_object(), *names = json_object_new_array();

	for (size_t i = 0; i < en->names_n; i++)
		append_str(names, en->names[i]);
	json_add(o, "names", names);
	add_ret(o, en->ret, "action", "errnoRet", errno_key);
	if (en->conds_n)
		json_add(o, "args", json_conds(en));
	if (*en->comment)
		add_str(o, "comment", en->comment);
	return o;
}

static void add_flags(struct json_object *o, uint32_t bits)
{
	struct json_object *a;

	if (!bits)
		return;
	a = json_object_new_array();
	for (size_t i = 0; sp_flags[i].name; i++)
		if (bits & sp_flags[i].bit)
			append_str(a, sp_flags[i].name);
	json_add(o, "flags", a);
}

static void add_arches(struct json_object *o, const struct sp_profile *p)
{
	struct json_object *a = json_object_new_array();

	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		if (p->abi[i])
			append_str(a, sc_abi_scmp((enum sc_abi)i));
	json_add(o, "architectures", a);
}

char *sp_write(const struct sp_profile *p, enum sp_dialect dialect)
{
	bool podman = dialect == SP_DIALECT_PODMAN;
	cleanup(entries_free) struct entries entries = { 0 };
	cleanup_json struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	collect(&entries, p, dialect != SP_DIALECT_OCI);
	add_ret(o, p->deflt, "defaultAction", "defaultErrnoRet", podman ? "defaultErrno" : NULL);
	add_arches(o, p);
	add_flags(o, p->flags);
	if (p->listener_path)
		add_str(o, "listenerPath", p->listener_path);
	if (p->listener_metadata)
		add_str(o, "listenerMetadata", p->listener_metadata);
	for (size_t i = 0; i < entries.n; i++)
		if (json_object_array_add(list,
					  json_entry(&entries.v[i], podman ? "errno" : NULL)) < 0)
			mem_exhausted();
	json_add(o, "syscalls", list);
	return json_text(o);
}
