/* Checks of the file's form: keys, members that only some engines know, flags, architectures. */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "model/caps.h"
#include "profile/lint_private.h"
#include "profile/seccomp_reader.h"

void lint_run_duplicate_key(struct lint *l, const struct lint_check *c)
{
	for (size_t i = 0; i < l->again_n; i++) {
		struct lint_finding *f = lint_add_again(l, c, &l->again[i]);

		if (f)
			f->fixable = true;
	}
}

static void unknown_member(struct lint *l, const struct lint_check *c, const struct json_path *at,
			   const char *key, const char *const *known)
{
	struct json_path here = { at, key, 0 };
	struct suggest s;

	suggest_begin(&s, key);
	for (size_t i = 0; known[i]; i++)
		suggest_offer(&s, known[i], strlen(known[i]));
	for (size_t i = 0; known[i]; i++)
		if (!strcasecmp(known[i], key))
			s.found = known[i];
	if (s.found)
		lint_add(l, c, LINT_MEDIUM, &here,
			 "no engine knows the member \"%.64s\"; is \"%s\" meant?", key, s.found);
	else
		lint_add(l, c, LINT_LOW, &here, "no engine knows the member \"%.64s\"", key);
}

static void unknown_members(struct lint *l, const struct lint_check *c, const struct json_path *at,
			    struct json_object *o, const char *const *known)
{
	if (!json_object_is_type(o, json_type_object))
		return;
	json_object_object_foreach (o, key, value) {
		(void)value;
		if (!sp_member_known(known, key))
			unknown_member(l, c, at, key, known);
	}
}

void lint_run_unknown_member(struct lint *l, const struct lint_check *c)
{
	static const char *const conditions[] = { "includes", "excludes" };

	unknown_members(l, c, NULL, l->doc.root, sp_profile_members);
	for (size_t i = 0; i < l->rules_n; i++) {
		struct json_object *o = l->rules[i].o;
		struct json_object *args = lint_member(o, "args", json_type_array);

		unknown_members(l, c, lint_at(&(struct lint_place){ 0 }, i, NULL, -1, NULL), o,
				sp_rule_members);
		for (size_t k = 0; k < ARRAY_SIZE(conditions); k++)
			unknown_members(
				l, c,
				lint_at(&(struct lint_place){ 0 }, i, conditions[k], -1, NULL),
				lint_member(o, conditions[k], json_type_object),
				sp_condition_members);
		for (size_t k = 0; args && k < json_object_array_length(args); k++)
			unknown_members(
				l, c, lint_at(&(struct lint_place){ 0 }, i, "args", (long)k, NULL),
				json_object_array_get_idx(args, k), sp_arg_members);
	}
}

/* Members beyond the OCI runtime specification, by who reads them. */
static bool reads_docker(enum lint_engine e)
{
	return e == LINT_DOCKER || e == LINT_PODMAN || e == LINT_CRIO;
}

static void engine_rule(struct lint *l, const struct lint_check *c, const struct lint_rule *r)
{
	static const char *const conditions[] = { "includes", "excludes" };
	const char *engine = lint_engine_name(l->o->engine);
	struct lint_place at = { 0 };

	for (size_t k = 0; k < ARRAY_SIZE(conditions); k++) {
		struct json_object *o = lint_member(r->o, conditions[k], json_type_object);
		const char *kernel = lint_str(o, "minKernel");
		struct lint_finding *f;

		if (lint_says(o) && !reads_docker(l->o->engine)) {
			f = lint_add(l, c, LINT_HIGH,
				     lint_at(&at, r->index, conditions[k], -1, NULL),
				     "%s ignores it: the rule counts on every host", engine);
			if (f)
				f->fixable = true;
		} else if (kernel && *kernel && l->o->engine != LINT_DOCKER) {
			lint_add(l, c, LINT_LOW,
				 lint_at(&at, r->index, conditions[k], -1, "minKernel"),
				 "%s ignores it", engine);
		}
	}
	if (r->names_n > r->listed && !r->listed && !reads_docker(l->o->engine)) {
		struct lint_finding *f = lint_add(l, c, LINT_HIGH,
						  lint_at(&at, r->index, "name", -1, NULL),
						  "%s knows `names` only", engine);

		if (f)
			f->fixable = true;
	}
}

/* Podman's errno words, where the number beside them says something else. */
static void engine_errno(struct lint *l, const struct lint_check *c, struct json_object *o,
			 const struct json_path *at, const char *word, const char *number)
{
	struct json_path here = { at, word, 0 };
	struct json_object *v = lint_member(o, number, json_type_int);
	const char *s = lint_str(o, word);
	struct lint_finding *f;
	uint64_t nr;

	if (!s || !*s || sp_errno_parse(s, &nr) < 0 || l->o->engine == LINT_PODMAN ||
	    l->o->engine == LINT_CRIO || nr == (v ? json_object_get_uint64(v) : EPERM))
		return;
	f = lint_add(l, c, LINT_MEDIUM, &here, "%s ignores it and answers %s",
		     lint_engine_name(l->o->engine), v ? json_object_get_string(v) : "EPERM");
	if (f)
		f->fixable = true;
}

/* Without a known engine: one remark on what the file depends on. */
static void any_engine(struct lint *l, const struct lint_check *c)
{
	struct json_path at = { NULL, "archMap", 0 };
	size_t conditional = 0;

	for (size_t i = 0; i < l->rules_n; i++)
		conditional += l->rules[i].conditional || l->rules[i].names_n > l->rules[i].listed;
	if (conditional || lint_member(l->doc.root, "archMap", json_type_array))
		lint_add(l, c, LINT_INFO,
			 lint_member(l->doc.root, "archMap", json_type_array) ? &at : NULL,
			 "a profile for Docker or Podman: containerd's CRI, crun and runc ignore "
			 "archMap and the conditions of %zu rules",
			 conditional);
}

void lint_run_engine_members(struct lint *l, const struct lint_check *c)
{
	struct json_path map = { NULL, "archMap", 0 };

	if (l->o->engine == LINT_ANY_ENGINE) {
		any_engine(l, c);
		return;
	}
	if (!reads_docker(l->o->engine) && lint_member(l->doc.root, map.key, json_type_array)) {
		struct lint_finding *f =
			lint_add(l, c, LINT_MEDIUM, &map,
				 "%s ignores it: the profile is for the native architecture only",
				 lint_engine_name(l->o->engine));

		if (f)
			f->fixable = true;
	}
	engine_errno(l, c, l->doc.root, NULL, "defaultErrno", "defaultErrnoRet");
	for (size_t i = 0; i < l->rules_n; i++) {
		engine_rule(l, c, &l->rules[i]);
		engine_errno(l, c, l->rules[i].o,
			     lint_at(&(struct lint_place){ 0 }, i, NULL, -1, NULL), "errno",
			     "errnoRet");
	}
}

static void unknown_words(struct lint *l, const struct lint_check *c, const struct lint_rule *r,
			  const char *condition, const char *key)
{
	struct json_object *o = lint_member(r->o, condition, json_type_object);
	struct json_object *a = lint_member(o, key, json_type_array);
	bool caps = !strcmp(key, "caps");

	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		struct lint_place place;
		const struct json_path *up = lint_at(&place, r->index, condition, -1, key);
		struct json_path at = { up, NULL, i };
		struct json_object *v = json_object_array_get_idx(a, i);
		const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v)
									 : "";
		const struct bcap_desc *d = caps ? bcap_by_name(s) : NULL;

		if (caps ? d && !strcmp(d->name, s) : sp_condition_arch(s))
			continue;
		if (d)
			lint_add(l, c, LINT_MEDIUM, &at, "\"%.64s\" is not compared with %s", s,
				 d->name);
		else
			lint_add(l, c, LINT_MEDIUM, &at, "\"%.64s\" is no %s", s,
				 caps ? "capability" : "architecture");
	}
}

void lint_run_condition_unknown(struct lint *l, const struct lint_check *c)
{
	static const char *const conditions[] = { "includes", "excludes" };

	for (size_t i = 0; i < l->rules_n; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(conditions); k++) {
			struct json_object *o = lint_member(l->rules[i].o, conditions[k],
							    json_type_object);
			const char *kernel = lint_str(o, "minKernel");
			struct sc_kver v;

			unknown_words(l, c, &l->rules[i], conditions[k], "caps");
			unknown_words(l, c, &l->rules[i], conditions[k], "arches");
			if (kernel && sp_condition_kernel(kernel, &v) < 0)
				lint_add(l, c, LINT_HIGH,
					 lint_at(&(struct lint_place){ 0 }, i, conditions[k], -1,
						 "minKernel"),
					 "\"%.32s\" is no version, expected two numbers such as "
					 "4.8: Docker refuses the profile",
					 kernel);
		}
	}
}

void lint_run_arch_both(struct lint *l, const struct lint_check *c)
{
	struct json_path at = { NULL, "archMap", 0 };
	struct json_object *a = lint_member(l->doc.root, "architectures", json_type_array);
	struct json_object *map = lint_member(l->doc.root, "archMap", json_type_array);

	if (a && map && json_object_array_length(a) && json_object_array_length(map))
		lint_add(l, c, LINT_HIGH, &at,
			 "archMap beside architectures: Docker and Podman refuse the profile");
}

static bool arch_known(const char *s)
{
	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		if (!strcmp(s, sc_abi_scmp((enum sc_abi)i)))
			return true;
	return sp_arch_foreign(s);
}

static void arch_word(struct lint *l, const struct lint_check *c, const struct json_path *at,
		      struct json_object *v)
{
	const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";

	if (!strcmp(s, "SCMP_ARCH_NATIVE"))
		lint_add(l, c, LINT_HIGH, at,
			 "SCMP_ARCH_NATIVE is libseccomp's word: runc refuses it, and the OCI "
			 "specification does not have it");
	else if (!arch_known(s))
		lint_add(l, c, LINT_HIGH, at, "\"%.64s\" is no architecture: runtimes refuse it",
			 s);
}

void lint_run_arch_unknown(struct lint *l, const struct lint_check *c)
{
	struct json_path list = { NULL, "architectures", 0 }, maps = { NULL, "archMap", 0 };
	struct json_object *a = lint_member(l->doc.root, list.key, json_type_array);
	struct json_object *map = lint_member(l->doc.root, maps.key, json_type_array);

	for (size_t i = 0; a && i < json_object_array_length(a); i++)
		arch_word(l, c, &(struct json_path){ &list, NULL, i },
			  json_object_array_get_idx(a, i));
	for (size_t i = 0; map && i < json_object_array_length(map); i++) {
		struct json_path row = { &maps, NULL, i }, at = { &row, "architecture", 0 };
		struct json_path subs = { &row, "subArchitectures", 0 };
		struct json_object *o = json_object_array_get_idx(map, i);
		struct json_object *sub = lint_member(o, subs.key, json_type_array);

		if (lint_str(o, at.key))
			arch_word(l, c, &at, lint_member(o, at.key, json_type_string));
		for (size_t k = 0; sub && k < json_object_array_length(sub); k++)
			arch_word(l, c, &(struct json_path){ &subs, NULL, k },
				  json_object_array_get_idx(sub, k));
	}
}

void lint_run_arch_native(struct lint *l, const struct lint_check *c)
{
	struct json_path at = { NULL, "architectures", 0 };
	struct json_object *a = lint_member(l->doc.root, at.key, json_type_array);
	const char *native = sc_abi_scmp(l->o->host.native);

	if (!a || !json_object_array_length(a))
		return;
	for (size_t i = 0; i < json_object_array_length(a); i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(a, i));

		if (s && (!strcmp(s, native) || !strcmp(s, "SCMP_ARCH_NATIVE")))
			return;
	}
	lint_add(l, c, LINT_MEDIUM, &at,
		 "%s, the architecture of this host, is not in the list; runc and crun add it",
		 native);
}

void lint_run_arch_only_native(struct lint *l, const struct lint_check *c)
{
	struct json_object *a = lint_member(l->doc.root, "architectures", json_type_array);
	struct json_object *map = lint_member(l->doc.root, "archMap", json_type_array);

	if (!(a && json_object_array_length(a)) && !(map && json_object_array_length(map)))
		lint_add(l, c, LINT_INFO, NULL,
			 "neither architectures nor archMap: the profile is for the host's own "
			 "architecture, and calls of others (32-bit programs) are killed");
}

/* Where the word stands that lists this ABI: in `architectures` or for the host in archMap. */
static void arch_listed(struct lint *l, const struct lint_check *c, enum sc_abi abi,
			enum lint_severity severity, const char *what)
{
	struct json_path list = { NULL, "architectures", 0 }, map = { NULL, "archMap", 0 };
	struct json_object *a = lint_member(l->doc.root, list.key, json_type_array);

	if (!l->p.abi[abi] || l->o->host.native == abi)
		return;
	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(a, i));

		if (s && !strcmp(s, sc_abi_scmp(abi))) {
			lint_add(l, c, severity, &(struct json_path){ &list, NULL, i }, "%s", what);
			return;
		}
	}
	lint_add(l, c, severity, &map, "%s", what);
}

void lint_run_arch_x32(struct lint *l, const struct lint_check *c)
{
	arch_listed(l, c, SC_X32, LINT_LOW,
		    "x32 is listed: hardly any program uses it, and it is one more way into the "
		    "kernel");
}

void lint_run_arch_x86(struct lint *l, const struct lint_check *c)
{
	arch_listed(l, c, SC_I386, LINT_INFO,
		    "32-bit calls are let in too; leave it out when no 32-bit program runs");
}

static bool flag_known(const char *s)
{
	for (size_t i = 0; sp_flags[i].name; i++)
		if (!strcmp(sp_flags[i].name, s))
			return true;
	return false;
}

void lint_run_flag_unknown(struct lint *l, const struct lint_check *c)
{
	struct json_path flags = { NULL, "flags", 0 };
	struct json_object *a = lint_member(l->doc.root, flags.key, json_type_array);

	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(a, i));

		if (s && !flag_known(s))
			lint_add(
				l, c, LINT_HIGH, &(struct json_path){ &flags, NULL, i },
				"\"%.64s\" is no flag of seccomp(2): runc and crun refuse to start",
				s);
	}
}

void lint_run_flag_listener(struct lint *l, const struct lint_check *c)
{
	struct json_path at = { NULL, "flags", 0 };

	if (!(l->p.flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV))
		return;
	for (size_t i = 0; i < l->p.rules_n; i++)
		if (l->p.rules[i].ret.action == SP_NOTIFY)
			return;
	lint_add(l, c, LINT_HIGH, &at,
		 "WAIT_KILLABLE_RECV without a rule with SCMP_ACT_NOTIFY: the kernel answers "
		 "EINVAL");
}

void lint_run_listener_metadata(struct lint *l, const struct lint_check *c)
{
	struct json_path at = { NULL, "listenerMetadata", 0 };
	const char *meta = lint_str(l->doc.root, at.key);
	const char *path = lint_str(l->doc.root, "listenerPath");
	struct lint_finding *f;

	if (!meta || !*meta || (path && *path))
		return;
	f = lint_add(l, c, LINT_MEDIUM, &at, "listenerMetadata without listenerPath");
	if (f)
		f->fixable = true;
}

void lint_run_listener_unused(struct lint *l, const struct lint_check *c)
{
	struct json_path at = { NULL, "listenerPath", 0 };

	if (!l->p.listener_path || l->p.deflt.action == SP_NOTIFY)
		return;
	for (size_t i = 0; i < l->p.rules_n; i++)
		if (l->p.rules[i].ret.action == SP_NOTIFY)
			return;
	lint_add(l, c, LINT_LOW, &at, "no rule has SCMP_ACT_NOTIFY, so nothing is sent there");
}
