#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "confine/landlock.h"

/* Names of rights: those of linux/landlock.h without their prefix, in lower case. */
struct right {
	const char *name;
	uint64_t bit;
};

static const struct right fs_rights[] = {
	{ "execute", LANDLOCK_ACCESS_FS_EXECUTE },
	{ "write_file", LANDLOCK_ACCESS_FS_WRITE_FILE },
	{ "read_file", LANDLOCK_ACCESS_FS_READ_FILE },
	{ "read_dir", LANDLOCK_ACCESS_FS_READ_DIR },
	{ "remove_dir", LANDLOCK_ACCESS_FS_REMOVE_DIR },
	{ "remove_file", LANDLOCK_ACCESS_FS_REMOVE_FILE },
	{ "make_char", LANDLOCK_ACCESS_FS_MAKE_CHAR },
	{ "make_dir", LANDLOCK_ACCESS_FS_MAKE_DIR },
	{ "make_reg", LANDLOCK_ACCESS_FS_MAKE_REG },
	{ "make_sock", LANDLOCK_ACCESS_FS_MAKE_SOCK },
	{ "make_fifo", LANDLOCK_ACCESS_FS_MAKE_FIFO },
	{ "make_block", LANDLOCK_ACCESS_FS_MAKE_BLOCK },
	{ "make_sym", LANDLOCK_ACCESS_FS_MAKE_SYM },
	{ "refer", LANDLOCK_ACCESS_FS_REFER },
	{ "truncate", LL_FS_TRUNCATE },
	{ "ioctl_dev", LL_FS_IOCTL_DEV },
	{ 0 },
};

static const struct right net_rights[] = {
	{ "bind_tcp", LL_NET_BIND },
	{ "connect_tcp", LL_NET_CONNECT },
	{ 0 },
};

static const struct right scopes[] = {
	{ "abstract_unix_socket", LL_SCOPE_ABSTRACT },
	{ "signal", LL_SCOPE_SIGNAL },
	{ 0 },
};

static struct json_object *rights_json(const struct right *table, uint64_t bits)
{
	struct json_object *a = json_object_new_array();

	for (; table->name; table++)
		if (bits & table->bit)
			json_object_array_add(a, json_object_new_string(table->name));
	return a;
}

static int rule_cmp(const void *a, const void *b)
{
	return strcmp((*(const struct landlock_rule *const *)a)->path,
		      (*(const struct landlock_rule *const *)b)->path);
}

static int port_cmp(const void *pa, const void *pb)
{
	uint16_t a = ((const struct landlock_port *)pa)->port;
	uint16_t b = ((const struct landlock_port *)pb)->port;

	return (a > b) - (a < b);
}

static struct json_object *rules_json(const struct landlock_plan *p)
{
	cleanup_free const struct landlock_rule **sorted = xcalloc(p->rules_n + 1, sizeof(*sorted));
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < p->rules_n; i++)
		sorted[i] = &p->rules[i];
	qsort(sorted, p->rules_n, sizeof(*sorted), rule_cmp);
	for (size_t i = 0; i < p->rules_n; i++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "path", json_new_bytes(sorted[i]->path));
		json_object_object_add(o, "allow", rights_json(fs_rights, sorted[i]->rights));
		json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *ports_json(const struct landlock_plan *p)
{
	cleanup_free struct landlock_port *sorted = xcalloc(p->ports_n + 1, sizeof(*sorted));
	struct json_object *a = json_object_new_array();

	if (p->ports_n)
		memcpy(sorted, p->ports, p->ports_n * sizeof(*sorted));
	qsort(sorted, p->ports_n, sizeof(*sorted), port_cmp);
	for (size_t i = 0; i < p->ports_n; i++) {
		struct json_object *o = json_object_new_object();

		if (!(sorted[i].rights & p->handled_net)) {
			json_object_put(o);
			continue;
		}
		json_object_object_add(o, "port", json_object_new_int(sorted[i].port));
		json_object_object_add(o, "allow",
				       rights_json(net_rights, sorted[i].rights & p->handled_net));
		json_object_array_add(a, o);
	}
	return a;
}

struct json_object *landlock_plan_json(const struct landlock_plan *p)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "format", json_object_new_string(LANDLOCK_FORMAT));
	json_object_object_add(o, "abi", json_object_new_int(p->abi));
	json_object_object_add(o, "handled_access_fs", rights_json(fs_rights, p->handled_fs));
	json_object_object_add(o, "handled_access_net", rights_json(net_rights, p->handled_net));
	json_object_object_add(o, "scoped", rights_json(scopes, p->scoped));
	json_object_object_add(o, "rules", rules_json(p));
	json_object_object_add(o, "ports", ports_json(p));
	return o;
}

/* A list of names of rights under `key`. */
static int read_rights(const struct json_doc *d, const struct json_path *at, struct json_object *o,
		       const char *key, const struct right *table, uint64_t *bits, struct err *e)
{
	const struct json_path list_at = { at, key, 0 };
	struct json_object *a = NULL;
	int r = json_get_array(d, at, o, key, true, &a, e);

	for (size_t i = 0; r >= 0 && i < json_object_array_length(a); i++) {
		const struct json_path item_at = { &list_at, NULL, i };
		struct json_object *v = json_object_array_get_idx(a, i);
		const struct right *t = table;

		if (!json_object_is_type(v, json_type_string))
			return json_err(d, &item_at, e, EINVAL, "expected the name of a right");
		while (t->name && strcmp(t->name, json_object_get_string(v)))
			t++;
		if (!t->name)
			return json_err(d, &item_at, e, EINVAL,
					"'%.40s' is no right that boltseal knows here",
					json_object_get_string(v));
		*bits |= t->bit;
	}
	return r;
}

static int read_rule(struct landlock_plan *p, const struct json_doc *d, const struct json_path *at,
		     struct json_object *o, struct err *e)
{
	cleanup_free char *path = NULL;
	const char *text = NULL;
	uint64_t rights = 0;
	int r = json_get_str(d, at, o, "path", true, &text, e);

	if (r >= 0)
		r = read_rights(d, at, o, "allow", fs_rights, &rights, e);
	if (r < 0)
		return r;
	path = json_bytes(xstrdup(text));
	if (*path != '/')
		return json_err(d, at, e, EINVAL, "'%.100s': expected an absolute path", path);
	landlock_plan_rule(p, path, rights);
	return 0;
}

static int read_port(struct landlock_plan *p, const struct json_doc *d, const struct json_path *at,
		     struct json_object *o, struct err *e)
{
	uint64_t port = 0, rights = 0;
	int r = json_get_u64(d, at, o, "port", true, UINT16_MAX, &port, e);

	if (r >= 0)
		r = read_rights(d, at, o, "allow", net_rights, &rights, e);
	if (r < 0)
		return r;
	landlock_plan_port(p, (uint16_t)port, rights);
	return 0;
}

static int read_list(struct landlock_plan *p, const struct json_doc *d, const char *key, size_t max,
		     int (*item)(struct landlock_plan *, const struct json_doc *,
				 const struct json_path *, struct json_object *, struct err *),
		     struct err *e)
{
	const struct json_path at = { NULL, key, 0 };
	struct json_object *a = NULL;
	int r = json_get_array(d, NULL, d->root, key, true, &a, e);

	if (r >= 0 && json_object_array_length(a) > max)
		return json_err(d, &at, e, E2BIG, "more than %zu entries", max);
	for (size_t i = 0; r >= 0 && i < json_object_array_length(a); i++) {
		const struct json_path item_at = { &at, NULL, i };
		struct json_object *o = json_object_array_get_idx(a, i);

		if (!json_object_is_type(o, json_type_object))
			return json_err(d, &item_at, e, EINVAL, "expected an object");
		r = item(p, d, &item_at, o, e);
	}
	return r;
}

/* Keeps what the kernel handles; the rest stays unrestricted, and the notes say so. */
static void fit(struct landlock_plan *p, const struct right *table, uint64_t *bits,
		uint64_t possible)
{
	for (; table->name; table++)
		if (*bits & ~possible & table->bit)
			buf_printf(&p->notes,
				   "%s: this kernel's Landlock cannot restrict it (ABI %d)\n",
				   table->name, p->abi);
	*bits &= possible;
}

static int read_plan(struct landlock_plan *p, const struct json_doc *d, struct err *e)
{
	const struct json_path at_format = { NULL, "format", 0 };
	const char *format = NULL;
	int r;

	if (!json_object_is_type(d->root, json_type_object))
		return json_err(d, NULL, e, EINVAL, "expected an object");
	r = json_get_str(d, NULL, d->root, "format", true, &format, e);
	if (r >= 0 && strcmp(format, LANDLOCK_FORMAT))
		return json_err(d, &at_format, e, EINVAL, "expected \"" LANDLOCK_FORMAT "\"");
	if (r >= 0)
		r = read_rights(d, NULL, d->root, "handled_access_fs", fs_rights, &p->handled_fs,
				e);
	if (r >= 0)
		r = read_rights(d, NULL, d->root, "handled_access_net", net_rights, &p->handled_net,
				e);
	if (r >= 0)
		r = read_rights(d, NULL, d->root, "scoped", scopes, &p->scoped, e);
	if (r < 0)
		return r;
	fit(p, fs_rights, &p->handled_fs, landlock_fs_rights(p->abi));
	fit(p, net_rights, &p->handled_net, p->abi >= 4 ? LL_NET_BIND | LL_NET_CONNECT : 0);
	fit(p, scopes, &p->scoped, p->abi >= 6 ? LL_SCOPE_ABSTRACT | LL_SCOPE_SIGNAL : 0);
	r = read_list(p, d, "rules", LANDLOCK_MAX_RULES, read_rule, e);
	if (r >= 0)
		r = read_list(p, d, "ports", LANDLOCK_MAX_PORTS, read_port, e);
	return r < 0 ? r : 0;
}

int landlock_plan_read(struct landlock_plan *p, const struct json_doc *d, int abi, struct err *e)
{
	int r;

	*p = (struct landlock_plan){ .root = -1,
				     .abi = abi < LANDLOCK_ABI_MAX ? abi : LANDLOCK_ABI_MAX };
	r = read_plan(p, d, e);
	if (r < 0)
		landlock_plan_free(p);
	return r;
}

int landlock_plan_load(struct landlock_plan *p, const char *path, int abi, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	int r = json_load(&d, path, LANDLOCK_MAX_BYTES, e);

	return r < 0 ? r : landlock_plan_read(p, &d, abi, e);
}
