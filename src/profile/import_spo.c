/*
 * Objects of the Security Profiles Operator: api/seccompprofile, api/apparmorprofile and
 * api/selinuxprofile of kubernetes-sigs/security-profiles-operator, v1alpha1 to v1.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/yaml.h"
#include "model/caps.h"
#include "model/policy.h"
#include "profile/import_private.h"

#define GROUP "security-profiles-operator.x-k8s.io/"

#define WRITES (WL_F_WRITE | WL_F_APPEND | WL_F_CREATE | WL_F_DELETE | WL_F_META | WL_F_LOCK)

struct spo {
	struct workload *w;
	struct yaml_stream *s;
	struct buf *notes;
	struct err *e;
	unsigned taken; /* objects */
};

/* The node as JSON, for the reader of seccomp profiles; numbers keep their text. */
static void put_json(const struct yaml_node *n, struct buf *out)
{
	if (n->kind == YAML_SCALAR && n->type == YAML_STR) {
		json_put_bytes(out, n->text);
	} else if (n->kind == YAML_SCALAR) {
		buf_puts(out, n->type == YAML_NULL ? "null" : n->text);
	} else {
		buf_putc(out, n->kind == YAML_MAP ? '{' : '[');
		for (uint32_t i = 0; i < n->n; i++) {
			if (i)
				buf_putc(out, ',');
			if (n->kind == YAML_MAP) {
				json_put_bytes(out, n->pair[i].key->text);
				buf_putc(out, ':');
			}
			put_json(n->kind == YAML_MAP ? n->pair[i].value : n->item[i], out);
		}
		buf_putc(out, n->kind == YAML_MAP ? '}' : ']');
	}
}

/* The members of a profile; what else a spec has is the operator's. */
static void put_profile(const struct yaml_node *spec, struct buf *out)
{
	static const char *const members[] = { "defaultAction",	   "architectures", "listenerPath",
					       "listenerMetadata", "syscalls",	    "flags" };
	const char *sep = "{";

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct yaml_node *v = yaml_get(spec, members[i]);

		if (yaml_is_null(v))
			continue;
		buf_printf(out, "%s\"%s\":", sep, members[i]);
		put_json(v, out);
		sep = ",";
	}
	buf_puts(out, *sep == '{' ? "{}" : "}");
}

static int seccomp(struct spo *x, const struct yaml_node *spec, const char *name, int source)
{
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_buf struct buf text = { 0 }, label = { 0 }, unknown = { 0 };
	const char *base = NULL;
	struct sp_profile p;
	int r = yaml_get_str(x->s, spec, "baseProfileName", false, &base, x->e);

	if (r)
		return r;
	put_profile(spec, &text);
	buf_printf(&label, "%s:%u:%u: SeccompProfile %s", x->s->name, spec->start.line,
		   spec->start.col, name);
	r = json_parse(&d, buf_str(&label), buf_str(&text), text.len, x->e);
	sp_init(&p);
	if (!r)
		r = sp_read(&p, &d, NULL, &unknown, x->e);
	if (!r) {
		import_profile(x->w, source, &p, name, x->notes);
		if (unknown.len)
			import_reason(x->w, source, x->notes, "%s: calls that are not known: %s",
				      name, import_line(&unknown));
		if (base)
			import_reason(x->w, source, x->notes,
				      "%s: what its base profile %s allows is not in the file",
				      name, base);
		import_reason(
			x->w, source, x->notes,
			"%s: a seccomp profile says nothing of files, capabilities and network",
			name);
	}
	sp_free(&p);
	return r;
}

/* Each string of a list that may be missing. */
static int each(struct spo *x, const struct yaml_node *map, const char *key,
		int (*one)(struct spo *x, const struct policy *p, const struct yaml_node *n,
			   const char *text, uint32_t access),
		const struct policy *p, uint32_t access)
{
	struct yaml_node *list = NULL;
	int r = map ? yaml_get_seq(x->s, map, key, false, &list, x->e) : 0;

	for (uint32_t i = 0; !r && list && i < list->n; i++) {
		const char *text;

		r = yaml_str(x->s, list->item[i], &text, x->e);
		if (!r)
			r = one(x, p, list->item[i], text, access);
	}
	return r;
}

static int one_path(struct spo *x, const struct policy *p, const struct yaml_node *n,
		    const char *text, uint32_t access)
{
	int r = policy_path(p, text, access);

	if (r < 0)
		return yaml_err(x->s, n, x->e, EINVAL,
				"expected an absolute path or glob, found \"%.80s\"", text);
	if ((access & WL_F_EXEC) && !strpbrk(text, "*?[{@\\")) {
		int i = wl_program_add(x->w, text);

		if (i >= 0)
			wl_set_add(&x->w->programs[i].sources, (uint32_t)p->source);
	}
	return 0;
}

static int one_cap(struct spo *x, const struct policy *p, const struct yaml_node *n,
		   const char *text, uint32_t access)
{
	const struct bcap_desc *d = bcap_by_name(text);

	(void)access;
	if (!d)
		return yaml_err(x->s, n, x->e, EINVAL, "expected a capability, found \"%.80s\"",
				text);
	policy_cap(p, d->nr);
	return 0;
}

static int sockets(struct spo *x, const struct yaml_node *network, const struct policy *p)
{
	static const struct {
		const char *key;
		uint16_t type;
	} kinds[] = { { "allowTcp", SOCK_STREAM }, { "allowUdp", SOCK_DGRAM } };
	struct yaml_node *protocols = NULL;
	bool yes = false;
	int r;

	if (!network)
		return 0;
	r = yaml_get_bool(x->s, network, "allowRaw", false, &yes, x->e);
	if (!r && yes) {
		policy_socket(p, AF_INET, SOCK_RAW);
		policy_socket(p, AF_INET6, SOCK_RAW);
	}
	if (!r)
		r = yaml_get_map(x->s, network, "allowedProtocols", false, &protocols, x->e);
	for (size_t i = 0; !r && protocols && i < ARRAY_SIZE(kinds); i++) {
		yes = false;
		r = yaml_get_bool(x->s, protocols, kinds[i].key, false, &yes, x->e);
		if (!r && yes) {
			policy_socket(p, AF_INET, kinds[i].type);
			policy_socket(p, AF_INET6, kinds[i].type);
		}
	}
	return r;
}

static int apparmor(struct spo *x, const struct yaml_node *spec, const char *name, int source)
{
	const struct policy p = { .w = x->w, .source = source, .abi = sc_abi_native() };
	struct yaml_node *abstract = NULL, *exec = NULL, *files = NULL, *net = NULL, *caps = NULL;
	int r = yaml_get_map(x->s, spec, "abstract", false, &abstract, x->e);

	if (!r && !yaml_is_null(yaml_get(spec, "policy")))
		import_reason(
			x->w, source, x->notes,
			"%s: its policy as text is not read (boltseal import apparmor reads such)",
			name);
	if (!r && abstract)
		r = yaml_get_map(x->s, abstract, "executable", false, &exec, x->e);
	if (!r && abstract)
		r = yaml_get_map(x->s, abstract, "filesystem", false, &files, x->e);
	if (!r && abstract)
		r = yaml_get_map(x->s, abstract, "network", false, &net, x->e);
	if (!r && abstract)
		r = yaml_get_map(x->s, abstract, "capability", false, &caps, x->e);
	if (!r)
		r = each(x, exec, "allowedExecutables", one_path, &p,
			 WL_F_EXEC | WL_F_READ | WL_F_MAP);
	if (!r)
		r = each(x, exec, "allowedLibraries", one_path, &p, WL_F_READ | WL_F_MAP);
	if (!r)
		r = each(x, files, "readOnlyPaths", one_path, &p, WL_F_READ);
	if (!r)
		r = each(x, files, "writeOnlyPaths", one_path, &p, WRITES);
	if (!r)
		r = each(x, files, "readWritePaths", one_path, &p, WL_F_READ | WRITES);
	if (!r)
		r = sockets(x, net, &p);
	if (!r)
		r = each(x, caps, "allowedCapabilities", one_cap, &p, 0);
	if (r)
		return r;
	policy_starts(&p);
	import_reason(x->w, source, x->notes,
		      "%s: an AppArmor profile says nothing of system calls", name);
	return 0;
}

static const struct {
	const char *kind;
	int (*import)(struct spo *x, const struct yaml_node *spec, const char *name, int source);
} kinds[] = {
	{ "SeccompProfile", seccomp },
	{ "AppArmorProfile", apparmor },
};

static int one_object(struct spo *x, const struct yaml_node *root);

static int list_items(struct spo *x, const struct yaml_node *root)
{
	struct yaml_node *items = NULL;
	int r = yaml_get_seq(x->s, root, "items", false, &items, x->e);

	for (uint32_t i = 0; !r && items && i < items->n; i++)
		r = one_object(x, items->item[i]);
	return r;
}

static int one_object(struct spo *x, const struct yaml_node *root)
{
	cleanup_buf struct buf target = { 0 };
	const char *api = NULL, *kind = NULL, *name = "", *state = NULL;
	struct yaml_node *spec = NULL, *meta = NULL;
	size_t i = 0;
	int r, source;

	if (root->kind != YAML_MAP)
		return yaml_err(x->s, root, x->e, EINVAL, "expected an object, found %s",
				yaml_word(root));
	r = yaml_get_str(x->s, root, "apiVersion", true, &api, x->e);
	if (!r)
		r = yaml_get_str(x->s, root, "kind", true, &kind, x->e);
	if (!r)
		r = yaml_get_map(x->s, root, "metadata", false, &meta, x->e);
	if (!r && meta)
		r = yaml_get_str(x->s, meta, "name", false, &name, x->e);
	if (r)
		return r;
	if (!strcmp(kind, "List"))
		return list_items(x, root);
	while (i < ARRAY_SIZE(kinds) && strcmp(kinds[i].kind, kind) != 0)
		i++;
	if (strncmp(api, GROUP, strlen(GROUP)) != 0 || i == ARRAY_SIZE(kinds)) {
		buf_printf(x->notes, "%s:%u:%u: %s %s has no place in a model\n", x->s->name,
			   root->start.line, root->start.col, kind, name);
		return 0;
	}
	r = yaml_get_map(x->s, root, "spec", true, &spec, x->e);
	if (!r)
		r = yaml_get_str(x->s, spec, "state", false, &state, x->e);
	if (r)
		return r;
	if (state && !strcmp(state, "Disabled"))
		buf_printf(x->notes, "%s %s is disabled; the model has it nevertheless\n", kind,
			   name);
	buf_printf(&target, "%s %s of %s", kind, name, x->s->name);
	source = import_source(x->w, buf_str(&target));
	x->taken++;
	if (!x->w->identity.name && *name)
		x->w->identity.name = wl_string(x->w, name);
	return kinds[i].import(x, spec, name, source);
}

static int all_documents(struct spo *x)
{
	int r = 0;

	for (size_t i = 0; !r && i < x->s->docs_n; i++) {
		const struct yaml_doc *d = &x->s->doc[i];

		r = d->root ? one_object(x, d->root) : err_set(x->e, EINVAL, "%s", d->error);
	}
	if (!r && !x->taken)
		r = err_set(x->e, ENODATA,
			    "%s: no SeccompProfile or AppArmorProfile of the group " GROUP " in it",
			    x->s->name);
	if (!r)
		x->w->identity.arch = wl_string(x->w, sc_abi_name(sc_abi_native()));
	return r;
}

int gen_import_spo_text(struct workload *w, const char *name, const char *text, size_t len,
			struct buf *notes, struct err *e)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct spo x = { .w = w, .s = &s, .notes = notes, .e = e };
	int r = yaml_parse(&s, name, text, len, e);

	return r ? r : all_documents(&x);
}

int gen_import_spo(struct workload *w, const char *path, struct buf *notes, struct err *e)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct spo x = { .w = w, .s = &s, .notes = notes, .e = e };
	int r = yaml_load(&s, path, SP_MAX_BYTES, e);

	return r ? r : all_documents(&x);
}
