/* A model from its text: docs/workload-model.md says what is accepted. */
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "model/constants.h"
#include "model/workload_private.h"
#include "model/workload_reader.h"

static const char *kind_name(unsigned i)
{
	return wl_source_kind_name((enum wl_source_kind)i);
}

static const char *op_name(unsigned i)
{
	return wl_net_op_name((enum wl_net_op)i);
}

static const char *result_name(unsigned i)
{
	return wl_cap_result_name((enum wl_cap_result)i);
}

static const char *abi_name(unsigned i)
{
	return sc_abi_name((enum sc_abi)i);
}

static int read_entrypoint(struct reader *r, const struct json_path *at, struct json_object *o,
			   struct wl_identity *id)
{
	struct json_path list = { .up = at, .key = "entrypoint" };
	struct json_object *a = NULL;
	int rc = json_get_array(r->d, at, o, "entrypoint", false, &a, r->e);
	size_t n = a ? json_object_array_length(a) : 0;

	if (rc < 0 || !n)
		return rc;
	id->entrypoint = arena_alloc(&r->w->arena, n * sizeof(*id->entrypoint));
	for (size_t i = 0; i < n; i++) {
		struct json_path here = { .up = &list, .idx = i };
		cleanup_free char *s = NULL;

		rc = rd_item_text(r, &here, json_object_array_get_idx(a, i), &s);
		if (rc < 0)
			return rc;
		id->entrypoint[i] = wl_string(r->w, s);
	}
	id->entrypoint_n = n;
	return 0;
}

static int read_identity(struct reader *r, struct json_object *root)
{
	struct json_path at = { .key = "identity" }, arch = { .up = &at, .key = "arch" };
	struct wl_identity *id = &r->w->identity;
	const char *const keys[] = { "name", "image", "digest", "runtime", "arch" };
	const char **const out[] = { &id->name, &id->image, &id->digest, &id->runtime, &id->arch };
	struct json_object *o = NULL;
	int rc = json_get_object(r->d, NULL, root, "identity", true, &o, r->e);

	for (size_t i = 0; !rc && i < ARRAY_SIZE(keys); i++)
		rc = rd_text(r, &at, o, keys[i], false, out[i]);
	if (!rc && id->arch && strcmp(id->arch, "x86_64") && strcmp(id->arch, "aarch64"))
		rc = json_err(r->d, &arch, r->e, EINVAL, "\"%.64s\" is not one of x86_64, aarch64",
			      id->arch);
	return rc ? rc : read_entrypoint(r, &at, o, id);
}

static int read_losses(struct reader *r, const struct json_path *at, struct json_object *o,
		       int source)
{
	struct json_path list = { .up = at, .key = "lost" };
	struct json_object *lost = NULL;
	int rc = json_get_object(r->d, at, o, "lost", false, &lost, r->e);

	if (rc < 0 || !lost)
		return rc;
	if (json_object_object_length(lost) > WL_MAX_LOSSES)
		return json_err(r->d, &list, r->e, E2BIG, "more than %d kinds of loss",
				WL_MAX_LOSSES);
	json_object_object_foreach (lost, key, v) {
		struct json_path here = { .up = &list, .key = key };
		cleanup_free char *what = json_bytes(xstrdup(key));
		uint64_t n;

		rc = json_u64(r->d, &here, v, UINT64_MAX, &n, r->e);
		if (rc < 0)
			return rc;
		wl_loss_add(r->w, source, what, n);
	}
	return 0;
}

static int read_source(struct reader *r, const struct json_path *at, struct json_object *o,
		       void *arg)
{
	int kind = rd_word_member(r, at, o, "kind", WL_SOURCE_KIND_COUNT, kind_name), i, rc;
	struct wl_source *s;

	(void)arg;
	if (kind < 0)
		return kind;
	if (r->w->sources_n >= WL_MAX_SOURCES)
		return json_err(r->d, at, r->e, E2BIG, "more than %d sources", WL_MAX_SOURCES);
	i = wl_source_add(r->w, (enum wl_source_kind)kind);
	s = &r->w->sources[i];
	rc = rd_text(r, at, o, "target", false, &s->target);
	if (!rc)
		rc = rd_text(r, at, o, "started", false, &s->started);
	if (!rc)
		rc = rd_text(r, at, o, "ended", false, &s->ended);
	if (!rc)
		rc = rd_text(r, at, o, "kernel", false, &s->kernel);
	if (!rc)
		rc = rd_text(r, at, o, "version", false, &s->version);
	if (!rc)
		rc = json_get_u64(r->d, at, o, "runs", true, UINT64_MAX, &s->runs, r->e);
	if (!rc)
		rc = json_get_bool(r->d, at, o, "complete", true, &s->complete, r->e);
	if (!rc)
		rc = json_get_bool(r->d, at, o, "supplement", false, &s->supplement, r->e);
	if (!rc)
		rc = rd_text(r, at, o, "incomplete_reason", false, &s->incomplete_reason);
	if (!rc && s->complete && s->incomplete_reason)
		return json_err(r->d, at, r->e, EINVAL,
				"\"complete\" is true, but there is an \"incomplete_reason\"");
	return rc ? rc : read_losses(r, at, o, i);
}

/* Programs name each other as parents, so all paths are read before anything else of them. */
static int read_program_path(struct reader *r, const struct json_path *at, struct json_object *o,
			     void *arg)
{
	const char *path = NULL;
	int rc = rd_text(r, at, o, "path", true, &path);

	(void)arg;
	if (rc < 0)
		return rc;
	if (wl_program_find(r->w, path) >= 0)
		return json_err(r->d, at, r->e, EINVAL, "the program \"%.200s\" stands twice",
				path);
	if (wl_program_add(r->w, path) < 0)
		return json_err(r->d, at, r->e, E2BIG, "more than %d programs", WL_MAX_PROGRAMS);
	return 0;
}

static int read_program(struct reader *r, const struct json_path *at, struct json_object *o,
			void *arg)
{
	struct wl_program *p = &r->w->programs[at->idx];
	int rc = rd_text(r, at, o, "interpreter", false, &p->interpreter);

	(void)arg;
	if (!rc)
		rc = rd_programs(r, at, o, "parents", &p->parents);
	return rc ? rc : rd_sources(r, at, o, &p->sources);
}

/* "index": up to WL_MAX_ARGS different arguments. */
static int read_indices(struct reader *r, const struct json_path *at, struct json_object *o,
			struct wl_call *c)
{
	struct json_path list = { .up = at, .key = "index" };
	struct json_object *index = NULL;
	uint64_t seen = 0, n;
	size_t count;
	int rc = json_get_array(r->d, at, o, "index", true, &index, r->e);

	if (rc < 0)
		return rc;
	count = json_object_array_length(index);
	if (count < 1 || count > WL_MAX_ARGS)
		return json_err(r->d, &list, r->e, EINVAL, "expected 1 to %d arguments, found %zu",
				WL_MAX_ARGS, count);
	for (size_t i = 0; i < count; i++) {
		struct json_path a = { .up = &list, .idx = i };

		rc = json_u64(r->d, &a, json_object_array_get_idx(index, i), SC_MAX_ARGS - 1, &n,
			      r->e);
		if (rc < 0)
			return rc;
		if (seen & 1u << n)
			return json_err(r->d, &a, r->e, EINVAL, "the argument %d stands twice",
					(int)n);
		seen |= 1u << n;
		c->index[i] = (uint8_t)n;
	}
	c->n = (uint8_t)count;
	return 0;
}

/* "value", or with `required` false "mask": one for each index. 1: it is not there. */
static int read_values(struct reader *r, const struct json_path *at, struct json_object *o,
		       const char *key, bool required, unsigned n, uint64_t *out)
{
	struct json_path list = { .up = at, .key = key };
	struct json_object *value = NULL;
	int rc = json_get_array(r->d, at, o, key, required, &value, r->e);

	if (rc < 0 || !value)
		return rc < 0 ? rc : 1;
	if (json_object_array_length(value) != n)
		return json_err(r->d, &list, r->e, EINVAL, "expected %u values as in \"index\"", n);
	for (size_t i = 0; i < n; i++) {
		struct json_path v = { .up = &list, .idx = i };

		rc = json_u64(r->d, &v, json_object_array_get_idx(value, i), UINT64_MAX, &out[i],
			      r->e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_call(struct reader *r, const struct json_path *at, struct json_object *o, void *arg)
{
	struct wl_syscall *s = arg;
	struct wl_call c = { 0 }, *to;
	int rc = read_indices(r, at, o, &c);

	if (!rc)
		rc = read_values(r, at, o, "value", true, c.n, c.value);
	if (rc)
		return rc;
	rc = read_values(r, at, o, "mask", false, c.n, c.mask);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; !rc && i < c.n; i++) {
		struct json_path list = { .up = at, .key = "value" };
		struct json_path v = { .up = &list, .idx = i };

		if (!c.mask[i] || c.value[i] & ~c.mask[i])
			return json_err(r->d, &v, r->e, EINVAL,
					"the value has bits outside of its mask, or no bit counts");
	}
	to = rc ? wl_call_add(s, c.n, c.index, c.value)
		: wl_rule_add(s, c.n, c.index, c.mask, c.value);
	return rd_prov(r, at, o, &to->prov);
}

static int read_any(struct reader *r, const struct json_path *at, struct json_object *o,
		    struct wl_syscall *s)
{
	struct json_path here = { .up = at, .key = "any_arguments" };
	struct json_object *any = NULL;
	int rc = json_get_object(r->d, at, o, "any_arguments", false, &any, r->e);

	return rc || !any ? rc : rd_prov(r, &here, any, &s->any);
}

/* The number of the call, from its name or its number; negative on error. */
static int read_syscall_nr(struct reader *r, const struct json_path *at, struct json_object *o,
			   enum sc_abi abi, uint32_t *nr)
{
	struct json_path here = { .up = at, .key = "name" };
	const char *name = NULL, *near;
	uint64_t n = 0;
	int rc = json_get_str(r->d, at, o, "name", false, &name, r->e);

	if (rc < 0)
		return rc;
	if (!name) {
		rc = json_get_u64(r->d, at, o, "number", false, SC_X32_BIT - 1, &n, r->e);
		if (rc < 0)
			return rc;
		if (!json_object_object_get_ex(o, "number", NULL))
			return json_err(r->d, at, r->e, ENOENT,
					"expected a member \"name\" or \"number\"");
		*nr = (uint32_t)n;
		return 0;
	}
	rc = sc_nr(abi, name);
	if (rc < 0 && sc_by_name(name))
		return json_err(r->d, &here, r->e, EINVAL,
				"the system call %s does not exist in %s", name, sc_abi_name(abi));
	near = rc < 0 ? sc_suggest(name) : NULL;
	if (near)
		return json_err(r->d, &here, r->e, EINVAL,
				"unknown system call \"%.64s\"; did you mean \"%s\"?", name, near);
	if (rc < 0)
		return json_err(r->d, &here, r->e, EINVAL, "unknown system call \"%.64s\"", name);
	*nr = (uint32_t)rc;
	return 0;
}

static int read_syscall(struct reader *r, const struct json_path *at, struct json_object *o,
			void *arg)
{
	enum sc_abi abi = *(enum sc_abi *)arg;
	struct wl_syscall *s;
	uint32_t nr = 0;
	int rc = read_syscall_nr(r, at, o, abi, &nr);

	if (rc < 0)
		return rc;
	s = wl_syscall_add(r->w, abi, nr);
	rc = rd_prov(r, at, o, &s->prov);
	if (!rc)
		rc = read_any(r, at, o, s);
	return rc ? rc : rd_each(r, at, o, "arguments", false, read_call, s);
}

static int read_syscalls(struct reader *r, struct json_object *root)
{
	struct json_path at = { .key = "syscalls" };
	struct json_object *o = NULL;
	int rc = json_get_object(r->d, NULL, root, "syscalls", false, &o, r->e);

	if (rc < 0 || !o)
		return rc;
	json_object_object_foreach (o, key, v) {
		struct json_path here = { .up = &at, .key = key };
		enum sc_abi abi;

		rc = rd_word(r, &here, key, SC_ABI_COUNT, abi_name);
		if (rc < 0)
			return rc;
		abi = (enum sc_abi)rc;
		(void)v;
		rc = rd_each(r, &at, o, key, true, read_syscall, &abi);
		if (rc < 0)
			return rc;
	}
	return 0;
}

struct cap_place {
	unsigned nr;
	enum wl_cap_result result;
};

static int read_cap_use(struct reader *r, const struct json_path *at, struct json_object *o,
			void *arg)
{
	const struct cap_place *c = arg;
	const char *syscall = "", *function = "";
	bool speculative = false, inferred = false;
	int rc = rd_text(r, at, o, "syscall", false, &syscall);

	if (!rc)
		rc = rd_text(r, at, o, "function", false, &function);
	if (!rc)
		rc = json_get_bool(r->d, at, o, "speculative", false, &speculative, r->e);
	if (!rc)
		rc = json_get_bool(r->d, at, o, "inferred", false, &inferred, r->e);
	if (rc < 0)
		return rc;
	return rd_prov(r, at, o,
		       &wl_cap_add(r->w, c->nr, c->result, syscall, function, speculative, inferred)
				->prov);
}

static int read_cap(struct reader *r, const struct json_path *at, struct json_object *o, void *arg)
{
	struct json_path here = { .up = at, .key = "name" };
	const struct bcap_desc *d = NULL;
	const char *name = NULL;
	struct cap_place c;
	uint64_t nr = 0;
	int rc = json_get_str(r->d, at, o, "name", false, &name, r->e);

	(void)arg;
	if (!rc && name && !(d = bcap_by_name(name)))
		return json_err(r->d, &here, r->e, EINVAL, "unknown capability \"%.64s\"", name);
	if (!rc && !name)
		rc = json_get_u64(r->d, at, o, "number", true, 63, &nr, r->e);
	if (rc < 0)
		return rc;
	rc = rd_word_member(r, at, o, "result", WL_CAP_RESULT_COUNT, result_name);
	if (rc < 0)
		return rc;
	c = (struct cap_place){ d ? d->nr : (unsigned)nr, (enum wl_cap_result)rc };
	return rd_each(r, at, o, "uses", true, read_cap_use, &c);
}

static int read_file(struct reader *r, const struct json_path *at, struct json_object *o, void *arg)
{
	struct json_path here = { .up = at, .key = "path" };
	const char *path = NULL;
	struct wl_file *f;
	bool pattern = false;
	uint32_t access = 0;
	int rc = rd_text(r, at, o, "path", true, &path);

	(void)arg;
	if (!rc)
		rc = json_get_bool(r->d, at, o, "pattern", false, &pattern, r->e);
	if (!rc)
		rc = rd_bits(r, at, o, "access", true, WL_F_BITS, wl_access_name, &access);
	if (rc < 0)
		return rc;
	f = wl_file_add(r->w, path, pattern, access);
	if (f)
		return rd_prov(r, at, o, &f->prov);
	if (path[0] != '/')
		return json_err(r->d, &here, r->e, EINVAL, "expected an absolute path");
	if (strlen(path) > WL_MAX_PATH)
		return json_err(r->d, &here, r->e, EINVAL, "the path is longer than %d bytes",
				WL_MAX_PATH);
	if (pattern && !wl_pattern_valid(path))
		return json_err(
			r->d, &here, r->e, EINVAL,
			"not a pattern: expected *, ** or @{pid}, and \\ only before one of "
			"* @ \\");
	return json_err(r->d, at, r->e, E2BIG, "more than %d files", WL_MAX_FILES);
}

/* A number, or one of its names as `lookup` knows them. */
static int read_const(struct reader *r, const struct json_path *at, struct json_object *o,
		      const char *key, bool required,
		      bool (*lookup)(unsigned family, const char *name, uint64_t *v),
		      unsigned family, uint16_t *out)
{
	struct json_path here = { .up = at, .key = key };
	struct json_object *v = NULL;
	uint64_t n = 0;
	int rc = 0;

	if (!json_object_object_get_ex(o, key, &v) || !v) {
		if (!required)
			return 0;
		return json_err(r->d, at, r->e, ENOENT, "the member \"%s\" is missing", key);
	}
	if (json_object_is_type(v, json_type_string)) {
		if (!lookup(family, json_object_get_string(v), &n))
			return json_err(r->d, &here, r->e, EINVAL, "unknown %s \"%.64s\"", key,
					json_object_get_string(v));
	} else {
		rc = json_u64(r->d, &here, v, UINT16_MAX, &n, r->e);
	}
	if (!rc)
		*out = (uint16_t)n;
	return rc;
}

static bool lookup_family(unsigned family, const char *name, uint64_t *v)
{
	(void)family;
	return const_value(CONST_FAMILY, name, v);
}

static bool lookup_type(unsigned family, const char *name, uint64_t *v)
{
	(void)family;
	return const_value(CONST_SOCKTYPE, name, v) && *v <= 0xf;
}

static bool lookup_protocol(unsigned family, const char *name, uint64_t *v)
{
	if (family == AF_NETLINK)
		return const_value(CONST_NETLINK, name, v);
	return (family == AF_INET || family == AF_INET6) && const_value(CONST_IPPROTO, name, v);
}

const char *wl_net_protocol_name(unsigned family, unsigned protocol)
{
	if (family == AF_NETLINK)
		return const_name(CONST_NETLINK, protocol);
	if (family == AF_INET || family == AF_INET6)
		return const_name(CONST_IPPROTO, protocol);
	return NULL;
}

static int read_net(struct reader *r, const struct json_path *at, struct json_object *o, void *arg)
{
	int op = rd_word_member(r, at, o, "op", WL_NET_OP_COUNT, op_name), rc;
	uint16_t family = 0, type = 0, protocol = 0;
	const char *address = "";
	uint64_t port = 0;

	(void)arg;
	if (op < 0)
		return op;
	rc = read_const(r, at, o, "family", true, lookup_family, 0, &family);
	if (!rc)
		rc = read_const(r, at, o, "type", false, lookup_type, family, &type);
	if (!rc)
		rc = read_const(r, at, o, "protocol", false, lookup_protocol, family, &protocol);
	if (!rc)
		rc = rd_text(r, at, o, "address", false, &address);
	if (!rc)
		rc = json_get_u64(r->d, at, o, "port", false, UINT16_MAX, &port, r->e);
	if (rc < 0)
		return rc;
	return rd_prov(r, at, o,
		       &wl_net_add(r->w, (enum wl_net_op)op, family, type, protocol, address,
				   (uint16_t)port)
				->prov);
}

static int read_format(struct reader *r, struct json_object *root)
{
	static const char want[] = "expected a workload model, with \"format\": \"" WL_FORMAT "\"";
	struct json_path at = { .key = "format" };
	const char *format = NULL;
	int rc = json_get_str(r->d, NULL, root, "format", false, &format, r->e);

	if (rc < 0 || (format && (!strcmp(format, WL_FORMAT) || !strcmp(format, WL_FORMAT_1))))
		return rc;
	if (!format && json_object_object_get_ex(root, "defaultAction", NULL))
		return json_err(r->d, NULL, r->e, EINVAL, "this is a seccomp profile; %s", want);
	if (!format)
		return json_err(r->d, NULL, r->e, ENOENT, "the member \"format\" is missing; %s",
				want);
	if (!strncmp(format, "boltseal.workload/", 18))
		return json_err(r->d, &at, r->e, EPROTONOSUPPORT,
				"the format \"%.64s\" is not supported, only \"" WL_FORMAT
				"\" and \"" WL_FORMAT_1 "\" are",
				format);
	return json_err(r->d, &at, r->e, EINVAL,
			"\"%.64s\" is not a workload model, whose format is \"" WL_FORMAT "\"",
			format);
}

static int read_sequences(struct reader *r, struct json_object *root)
{
	struct json_object *o = NULL;
	int rc = json_get_object(r->d, NULL, root, "sequences", false, &o, r->e);

	if (!rc && o)
		r->w->sequences = wl_string(
			r->w, json_object_to_json_string_ext(
				      o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	return rc;
}

static int read_all(struct reader *r, struct json_object *root)
{
	int rc = read_format(r, root);

	if (!rc)
		rc = read_identity(r, root);
	if (!rc)
		rc = rd_each(r, NULL, root, "sources", false, read_source, NULL);
	if (!rc)
		rc = rd_each(r, NULL, root, "programs", false, read_program_path, NULL);
	if (!rc)
		rc = rd_each(r, NULL, root, "programs", false, read_program, NULL);
	if (!rc)
		rc = read_syscalls(r, root);
	if (!rc)
		rc = rd_each(r, NULL, root, "capabilities", false, read_cap, NULL);
	if (!rc)
		rc = rd_each(r, NULL, root, "files", false, read_file, NULL);
	if (!rc)
		rc = rd_each(r, NULL, root, "network", false, read_net, NULL);
	return rc ? rc : read_sequences(r, root);
}

int wl_read(struct workload *w, const struct json_doc *d, struct err *e)
{
	struct reader r = { w, d, e };
	int rc;

	wl_init(w);
	if (!json_object_is_type(d->root, json_type_object))
		return json_err(d, NULL, e, EINVAL, "expected an object, found %s",
				json_type_word(d->root));
	rc = read_all(&r, d->root);
	if (rc < 0)
		wl_free(w);
	else
		wl_settle(w);
	return rc;
}
