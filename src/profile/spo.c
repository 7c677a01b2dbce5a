/*
 * Objects of the Security Profiles Operator: its API of the group
 * security-profiles-operator.x-k8s.io, version v1.
 */
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/apparmor_files.h"
#include "profile/platform_private.h"
#include "profile/seen.h"

#define API "security-profiles-operator.x-k8s.io/v1"

const char *const spo_kind_names[SPO_KIND_COUNT + 1] = {
	[SPO_SECCOMP] = "SeccompProfile",
	[SPO_APPARMOR] = "AppArmorProfile",
	[SPO_SELINUX] = "SelinuxProfile",
	[SPO_RAW_SELINUX] = "RawSelinuxProfile",
};

static struct json_object *object(enum spo_kind kind, const char *name, struct json_object *spec)
{
	struct json_object *o = json_object_new_object(), *meta = json_object_new_object();

	put_str(o, "apiVersion", API);
	put_str(o, "kind", spo_kind_names[kind]);
	put_str(meta, "name", name);
	put(o, "metadata", meta);
	put(o, "spec", spec);
	return o;
}

int gen_object_name(const struct workload *w, const struct gen_options *o, char **out,
		    struct err *e)
{
	cleanup_free char *name = NULL;
	int r = gen_name(w, o, &name, e);

	if (r < 0)
		return r;
	for (char *p = name; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
		else if (*p == '_' || (*p == '.' && (p[1] == '.' || p[1] == '-')))
			*p = '-';
	}
	for (size_t n = strlen(name); n > 1 && strchr(".-", name[n - 1]); n--)
		name[n - 1] = '\0';
	*out = take_ptr(name);
	return 0;
}

int spo_check_values(const struct sp_profile *p, struct err *e)
{
	for (size_t i = 0; i < p->rules_n; i++) {
		const struct sp_rule *r = &p->rules[i];

		for (size_t k = 0; k < r->conds_n; k++) {
			uint64_t most = r->conds[k].value > r->conds[k].value2 ? r->conds[k].value
									       : r->conds[k].value2;

			if (most > INT64_MAX)
				return err_set(
					e, EINVAL,
					"the rule on %s compares with %llu, and objects of the "
					"API cannot hold values from 2^63 on: use "
					"--arguments safe, or off",
					r->names_n ? r->names[0] : "a call",
					(unsigned long long)most);
		}
	}
	return 0;
}

int platform_seccomp(const struct workload *w, const struct gen_options *o,
		     struct json_object **out, struct buf *notes, struct err *e)
{
	cleanup_sp_profile struct sp_profile p;
	cleanup_free char *text = NULL;
	int r;

	sp_init(&p);
	r = gen_seccomp(w, o, &p, notes, e);
	if (r >= 0)
		r = spo_check_values(&p, e);
	if (r < 0)
		return r;
	text = sp_write(&p, SP_DIALECT_OCI);
	*out = json_tokener_parse(text);
	if (!*out)
		mem_exhausted();
	return 0;
}

static int seccomp_spec(const struct workload *w, const struct gen_options *o,
			struct json_object **out, struct buf *notes, struct err *e)
{
	int r = platform_seccomp(w, o, out, notes, e);

	/* The API has no such field; what runtimes take without it is what is generated: EPERM. */
	if (r >= 0)
		json_object_object_del(*out, "defaultErrnoRet");
	return r;
}

struct lists {
	struct json_object *executables, *libraries, *read, *write, *both;
};

/* A path as AppArmor's language has it; false for one that only quotes can hold. */
static bool plain_path(const struct wl_file *f, struct buf *out)
{
	aa_path(f->path, f->pattern, out);
	return buf_str(out)[0] == '/';
}

static void add_path(struct lists *l, const struct wl_file *f, struct buf *notes)
{
	static const uint32_t reads = WL_F_READ | WL_F_MISSING | WL_F_EXEC | WL_F_MAP,
			      writes = WL_F_WRITE | WL_F_APPEND | WL_F_CREATE | WL_F_DELETE |
				       WL_F_META;
	cleanup_buf struct buf path = { 0 };
	bool r = f->access & reads, wr = f->access & writes;

	if (!(f->prov.phases & WL_PROGRAM_PHASES) || *f->path != '/' || (!r && !wr))
		return;
	if (!plain_path(f, &path)) {
		gen_note(notes, "left out, since an AppArmorProfile cannot quote it: %s",
			 buf_str(&path));
		return;
	}
	if (f->access & WL_F_EXEC)
		push_str(l->executables, buf_str(&path));
	if (f->access & WL_F_MAP && !(f->access & WL_F_EXEC))
		push_str(l->libraries, buf_str(&path));
	push_str(r && wr ? l->both : wr ? l->write : l->read, buf_str(&path));
}

static int string_cmp(const void *a, const void *b)
{
	struct json_object *const *x = a, *const *y = b;

	return strcmp(json_object_get_string(*x), json_object_get_string(*y));
}

/* Sorted and under its key, or not at all when it is empty. */
static void put_list(struct json_object *o, const char *key, struct json_object *list)
{
	if (!json_object_array_length(list)) {
		json_object_put(list);
		return;
	}
	json_object_array_sort(list, string_cmp);
	put(o, key, list);
}

static void put_files(struct json_object *abstract, const struct workload *w, struct buf *notes)
{
	struct lists l = { json_object_new_array(), json_object_new_array(),
			   json_object_new_array(), json_object_new_array(),
			   json_object_new_array() };
	struct json_object *code = json_object_new_object(), *fs = json_object_new_object();

	for (size_t i = 0; i < w->files_n; i++)
		add_path(&l, &w->files[i], notes);
	put_list(code, "allowedExecutables", l.executables);
	put_list(code, "allowedLibraries", l.libraries);
	put_list(fs, "readOnlyPaths", l.read);
	put_list(fs, "writeOnlyPaths", l.write);
	put_list(fs, "readWritePaths", l.both);
	put(abstract, "executable", code);
	put(abstract, "filesystem", fs);
}

/* Whether a socket of one of the types (a mask of 1 << SOCK_*) was made, or may have been. */
static bool uses_socket(const struct seen *s, bool known, unsigned types)
{
	for (size_t i = 0; i < s->n; i++) {
		uint64_t family = s->rows[i].v[0], type = s->rows[i].v[1];
		bool inet = family == AF_INET || family == AF_INET6 || family == AF_PACKET;

		if (inet && type < 32 && types >> type & 1)
			return true;
	}
	return !known;
}

static void put_network(struct json_object *abstract, const struct workload *w, struct buf *notes)
{
	cleanup_seen struct seen s = { 0 };
	struct json_object *net = json_object_new_object(), *protocols = json_object_new_object();
	bool known;

	seen_sockets(w, "socket", WL_PROGRAM_PHASES, true, &s);
	known = s.state != SEEN_UNKNOWN && !seen_called(w, "socketcall", WL_PROGRAM_PHASES);
	if (!known)
		gen_note(notes, "network: every protocol, since not all sockets are in the model");
	put_bool(net, "allowRaw", uses_socket(&s, known, 1u << SOCK_RAW | 1u << SOCK_PACKET));
	put_bool(protocols, "allowTcp", uses_socket(&s, known, 1u << SOCK_STREAM));
	put_bool(protocols, "allowUdp", uses_socket(&s, known, 1u << SOCK_DGRAM));
	put(net, "allowedProtocols", protocols);
	put(abstract, "network", net);
}

static struct json_object *apparmor_spec(const struct workload *w, const struct gen_options *o,
					 struct buf *notes)
{
	struct json_object *spec = json_object_new_object(), *abstract = json_object_new_object(),
			   *caps = json_object_new_array(), *cap = json_object_new_object();
	struct gen_caps c;

	gen_caps(w, &c);
	for (unsigned nr = 0; nr < BCAP_COUNT; nr++)
		if (c.needed >> nr & 1)
			push_str(caps, bcap_by_nr(nr)->aa_name);
	put_files(abstract, w, notes);
	put_network(abstract, w, notes);
	put_list(cap, "allowedCapabilities", caps);
	if (json_object_object_length(cap))
		put(abstract, "capability", cap);
	else
		json_object_put(cap);
	put_str(spec, "mode", o->complain ? "Complain" : "Enforce");
	put(spec, "abstract", abstract);
	gen_note(notes, "an AppArmorProfile has no fields for signals, ptrace, mounts, locks, "
			"links, unix sockets and denials; boltseal generate apparmor has them");
	return spec;
}

static int selinux_spec(const struct workload *w, const struct gen_options *o,
			const struct gen_selinux *selinux, bool raw, struct json_object **out,
			struct buf *notes, struct err *e)
{
	cleanup_se_policy struct se_policy p = { 0 };
	cleanup_buf struct buf text = { 0 };
	int r = gen_selinux(w, o, selinux, &p, notes, e);

	if (r < 0)
		return r;
	if (!raw) {
		*out = se_spec(&p);
		return 0;
	}
	se_write(&p, false, &text);
	*out = json_object_new_object();
	put_str(*out, "policy", buf_str(&text));
	return 0;
}

static int make_spec(const struct workload *w, const struct gen_options *o, enum spo_kind kind,
		     const struct gen_selinux *selinux, struct json_object **out, struct buf *notes,
		     struct err *e)
{
	int r;

	if (kind == SPO_SECCOMP)
		return seccomp_spec(w, o, out, notes, e);
	if (kind != SPO_APPARMOR)
		return selinux_spec(w, o, selinux, kind == SPO_RAW_SELINUX, out, notes, e);
	r = gen_check_model(w, o, notes, e);
	if (r >= 0)
		*out = apparmor_spec(w, o, notes);
	return r;
}

int gen_spo(const struct workload *w, const struct gen_options *o, enum spo_kind kind,
	    const struct gen_selinux *selinux, struct json_object **out, struct buf *notes,
	    struct err *e)
{
	cleanup_free char *name = NULL;
	struct json_object *spec = NULL;
	int r = gen_object_name(w, o, &name, e);

	if (r >= 0)
		r = make_spec(w, o, kind, selinux, &spec, notes, e);
	if (r < 0)
		return r;
	*out = object(kind, name, spec);
	return 0;
}
