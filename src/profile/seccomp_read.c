/*
 * Formats: OCI runtime specification, config-linux.md "Seccomp"; Docker (moby/profiles seccomp.go)
 * and Podman (containers/common pkg/seccomp/types.go) add members to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/seccomp_reader.h"

enum {
	LAST_ERRNO = 133, /* EHWPOISON of asm-generic/errno.h */
};

/* Architectures of the OCI schema that boltseal has no system call table for. */
static const char *const foreign_arches[] = {
	"ARM",	    "LOONGARCH64", "M68K",   "MIPS",	 "MIPS64", "MIPS64N32", "MIPSEL",
	"MIPSEL64", "MIPSEL64N32", "PARISC", "PARISC64", "PPC",	   "PPC64",	"PPC64LE",
	"RISCV64",  "S390",	   "S390X",  "SH",	 "SHEB",
};

/* Calls that only such architectures have (their syscall tables; syscalls(2)). */
static const char *const foreign_calls[] = {
	"arm_fadvise64_64",
	"arm_sync_file_range",
	"breakpoint",
	"cachectl",
	"cacheflush",
	"get_tls",
	"multiplexer",
	"pciconfig_iobase",
	"pciconfig_read",
	"pciconfig_write",
	"recv",
	"riscv_flush_icache",
	"riscv_hwprobe",
	"rtas",
	"s390_guarded_storage",
	"s390_pci_mmio_read",
	"s390_pci_mmio_write",
	"s390_runtime_instr",
	"s390_sthyi",
	"send",
	"set_tls",
	"spu_create",
	"spu_run",
	"subpage_prot",
	"swapcontext",
	"switch_endian",
	"sync_file_range2",
	"sys_debug_setcontext",
	"syscall",
	"sysmips",
	"timerfd",
	"usr26",
	"usr32",
};

/* Names that strerrorname_np() gives as another one with the same number. */
static const struct {
	const char *name;
	int nr;
} errno_aliases[] = {
	{ "EWOULDBLOCK", EWOULDBLOCK },
	{ "EDEADLOCK", EDEADLOCK },
	{ "ENOTSUP", ENOTSUP },
	{ "EOPNOTSUPP", EOPNOTSUPP },
};

const char *const sp_profile_members[] = {
	"defaultAction", "defaultErrnoRet",  "defaultErrno", "architectures", "archMap", "flags",
	"listenerPath",	 "listenerMetadata", "syscalls",     "comment",	      NULL,
};
const char *const sp_rule_members[] = { "names", "name",    "action",	"errnoRet", "errno",
					"args",	 "comment", "includes", "excludes", NULL };
const char *const sp_arg_members[] = { "index", "value", "valueTwo", "op", NULL };
const char *const sp_arch_map_members[] = { "architecture", "subArchitectures", NULL };

bool sp_member_known(const char *const *known, const char *key)
{
	while (*known && strcmp(*known, key))
		known++;
	return *known;
}

int sp_reader_members(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		      const char *const *known)
{
	json_object_object_foreach (o, key, value) {
		struct json_path here = { at, key, 0 };
		cleanup_buf struct buf list = { 0 };

		(void)value;
		if (sp_member_known(known, key))
			continue;
		for (size_t i = 0; known[i]; i++)
			buf_printf(&list, "%s%s", i ? ", " : "", known[i]);
		return json_err(r->d, &here, r->e, EINVAL, "unknown member, expected one of %s",
				buf_str(&list));
	}
	return 0;
}

int sp_reader_each(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		   const char *key, enum json_type type,
		   int (*each)(struct sp_reader *r, const struct json_path *at,
			       struct json_object *v, void *ctx),
		   void *ctx)
{
	struct json_path list = { at, key, 0 };
	struct json_object *a = NULL;
	int rc = json_get_array(r->d, at, o, key, false, &a, r->e);

	for (size_t i = 0; rc == 0 && a && i < json_object_array_length(a); i++) {
		struct json_path here = { &list, NULL, i };
		struct json_object *v = json_object_array_get_idx(a, i);

		if (!json_object_is_type(v, type))
			return json_err(r->d, &here, r->e, EINVAL, "expected %s, found %s",
					type == json_type_string ? "a string" : "an object",
					json_type_word(v));
		if (type == json_type_string &&
		    strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v))
			return json_err(r->d, &here, r->e, EINVAL,
					"the string contains a NUL character");
		rc = each(r, &here, v, ctx);
	}
	return rc;
}

bool sp_action_parse(const char *s, enum sp_action *out)
{
	*out = SP_KILL_THREAD;
	if (!strcmp(s, "SCMP_ACT_KILL")) /* the older name */
		return true;
	for (unsigned a = 0; a < SP_ACTION_COUNT; a++) {
		*out = (enum sp_action)a;
		if (!strcmp(s, sp_action_name(*out)))
			return true;
	}
	return false;
}

static int read_action(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		       const char *key, enum sp_action *out)
{
	struct json_path here = { at, key, 0 };
	const char *s;
	int rc = json_get_str(r->d, at, o, key, true, &s, r->e);

	if (rc < 0)
		return rc;
	if (sp_action_parse(s, out))
		return 0;
	return json_err(r->d, &here, r->e, EINVAL,
			"unknown action \"%.64s\", expected SCMP_ACT_ and one of ALLOW, ERRNO, "
			"KILL, KILL_PROCESS, KILL_THREAD, LOG, NOTIFY, TRACE, TRAP",
			s);
}

/* Podman's "ENOSYS" or "38". */
int sp_errno_parse(const char *s, uint64_t *out)
{
	for (int n = 1; n <= LAST_ERRNO; n++) {
		const char *name = strerrorname_np(n);

		if (name && !strcmp(name, s)) {
			*out = (uint64_t)n;
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(errno_aliases); i++) {
		if (!strcmp(errno_aliases[i].name, s)) {
			*out = (uint64_t)errno_aliases[i].nr;
			return 0;
		}
	}
	if (!*s || strlen(s) > 6 || s[strspn(s, "0123456789")])
		return -EINVAL;
	*out = strtoul(s, NULL, 10);
	return 0;
}

/* Action and errno from members of these names. */
static int read_ret(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		    const char *action_key, const char *number_key, const char *name_key,
		    struct sp_ret *out)
{
	struct json_path number_at = { at, number_key, 0 }, name_at = { at, name_key, 0 };
	const struct json_path *data_at = &number_at;
	enum sp_action action;
	uint64_t data = EPERM, max;
	const char *name = NULL;
	int rc = read_action(r, at, o, action_key, &action);

	if (rc == 0)
		rc = json_get_u64(r->d, at, o, number_key, false, UINT32_MAX, &data, r->e);
	if (rc == 0)
		rc = json_get_str(r->d, at, o, name_key, false, &name, r->e);
	if (rc < 0)
		return rc;
	if (name && *name) {
		data_at = &name_at;
		if (sp_errno_parse(name, &data) < 0)
			return json_err(
				r->d, &name_at, r->e, EINVAL,
				"unknown errno \"%.64s\", expected a name such as ENOSYS or "
				"a number",
				name);
	}
	max = action == SP_ERRNO ? SP_MAX_ERRNO : UINT16_MAX;
	if (sp_action_takes_data(action) && data > max)
		return json_err(r->d, data_at, r->e, ERANGE,
				"%llu is too great for %s, expected at most %llu",
				(unsigned long long)data, sp_action_name(action),
				(unsigned long long)max);
	*out = (struct sp_ret){ action, sp_action_takes_data(action) ? (uint16_t)data : 0 };
	return 0;
}

bool sp_arch_foreign(const char *s)
{
	static const char prefix[] = "SCMP_ARCH_";

	if (strncmp(s, prefix, sizeof(prefix) - 1))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(foreign_arches); i++)
		if (!strcmp(s + sizeof(prefix) - 1, foreign_arches[i]))
			return true;
	return false;
}

static int add_arch(struct sp_reader *r, const struct json_path *at, const char *s)
{
	for (unsigned i = 0; i < SC_ABI_COUNT; i++) {
		if (!strcmp(s, sc_abi_scmp((enum sc_abi)i))) {
			r->p.abi[i] = true;
			return 0;
		}
	}
	if (!strcmp(s, "SCMP_ARCH_NATIVE")) {
		r->p.abi[r->h->native] = true;
		return 0;
	}
	if (sp_arch_foreign(s))
		return 0;
	return json_err(
		r->d, at, r->e, EINVAL,
		"unknown architecture \"%.64s\", expected SCMP_ARCH_ and one of X86_64, X86, "
		"X32, AARCH64, NATIVE (ARM, MIPS, PPC, S390, RISCV64 and their kin are known "
		"and left out)",
		s);
}

static int read_arch(struct sp_reader *r, const struct json_path *at, struct json_object *v,
		     void *ctx)
{
	*(bool *)ctx = true;
	return add_arch(r, at, json_object_get_string(v));
}

/* Docker uses the first entry for the native architecture; the others are only checked. */
static int read_arch_map(struct sp_reader *r, const struct json_path *at, struct json_object *v,
			 void *ctx)
{
	struct json_path here = { at, "architecture", 0 };
	bool before[SC_ABI_COUNT], *done = ctx, any = false;
	const char *s;
	int rc = sp_reader_members(r, at, v, sp_arch_map_members);

	if (rc == 0)
		rc = json_get_str(r->d, at, v, "architecture", true, &s, r->e);
	if (rc < 0)
		return rc;
	memcpy(before, r->p.abi, sizeof(before));
	rc = add_arch(r, &here, s);
	if (rc == 0)
		rc = sp_reader_each(r, at, v, "subArchitectures", json_type_string, read_arch,
				    &any);
	if (rc == 0 && !*done && !strcmp(s, sc_abi_scmp(r->h->native)))
		*done = true;
	else
		memcpy(r->p.abi, before, sizeof(before));
	return rc;
}

static int read_arches(struct sp_reader *r, struct json_object *o)
{
	struct json_path list = { NULL, "architectures", 0 };
	bool listed = false, mapped = false, any = false;
	struct json_object *map = NULL;
	int rc = sp_reader_each(r, NULL, o, "architectures", json_type_string, read_arch, &listed);

	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		any |= r->p.abi[i];
	if (rc == 0 && listed && !any)
		return json_err(
			r->d, &list, r->e, EINVAL,
			"none of these architectures has a table here, expected at least one "
			"of SCMP_ARCH_X86_64, X86, X32, AARCH64");
	if (rc == 0)
		rc = json_get_array(r->d, NULL, o, "archMap", false, &map, r->e);
	if (rc == 0 && listed && map && json_object_array_length(map))
		return json_err(r->d, &list, r->e, EINVAL,
				"both `architectures` and `archMap`, expected only one of them");
	if (rc == 0)
		rc = sp_reader_each(r, NULL, o, "archMap", json_type_object, read_arch_map,
				    &mapped);
	if (rc == 0 && !listed && !mapped)
		r->p.abi[r->h->native] = true;
	return rc;
}

static int read_flag(struct sp_reader *r, const struct json_path *at, struct json_object *v,
		     void *ctx)
{
	const char *s = json_object_get_string(v);

	(void)ctx;
	for (size_t i = 0; sp_flags[i].name; i++) {
		if (!strcmp(s, sp_flags[i].name)) {
			r->p.flags |= sp_flags[i].bit;
			return 0;
		}
	}
	return json_err(r->d, at, r->e, EINVAL,
			"unknown flag \"%.64s\", expected SECCOMP_FILTER_FLAG_ and one of TSYNC, "
			"LOG, SPEC_ALLOW, WAIT_KILLABLE_RECV",
			s);
}

static int read_listener(struct sp_reader *r, struct json_object *o)
{
	struct json_path here = { NULL, "listenerMetadata", 0 };
	const char *path = NULL, *meta = NULL;
	int rc = json_get_str(r->d, NULL, o, "listenerPath", false, &path, r->e);

	if (rc == 0)
		rc = json_get_str(r->d, NULL, o, "listenerMetadata", false, &meta, r->e);
	if (rc == 0 && meta && *meta && !(path && *path))
		return json_err(r->d, &here, r->e, EINVAL,
				"expected only together with listenerPath");
	if (rc == 0 && path && *path)
		r->p.listener_path = arena_strdup(&r->p.arena, path);
	if (rc == 0 && meta && *meta)
		r->p.listener_metadata = arena_strdup(&r->p.arena, meta);
	return rc;
}

bool sp_call_foreign(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign_calls); i++)
		if (!strcmp(s, foreign_calls[i]))
			return true;
	return false;
}

static int add_name(struct sp_reader *r, const struct json_path *at, struct sp_rule *rule,
		    const char *s)
{
	const char *near;

	if (r->names++ >= SP_MAX_NAMES)
		return json_err(r->d, at, r->e, E2BIG, "more than %d names in all rules",
				SP_MAX_NAMES);
	if (sc_by_name(s) || sp_call_foreign(s)) {
		sp_rule_name(&r->p, rule, s);
		return 0;
	}
	if (r->unknown) {
		buf_printf(r->unknown, "%s\n", s);
		return 0;
	}
	near = sc_suggest(s);
	if (near)
		return json_err(r->d, at, r->e, EINVAL,
				"unknown system call \"%.64s\", did you mean \"%s\"?", s, near);
	return json_err(r->d, at, r->e, EINVAL,
			"unknown system call \"%.64s\", expected a name from syscalls(2)", s);
}

static int read_name(struct sp_reader *r, const struct json_path *at, struct json_object *v,
		     void *ctx)
{
	return add_name(r, at, ctx, json_object_get_string(v));
}

static int read_names(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		      struct sp_rule *rule)
{
	struct json_path name_at = { at, "name", 0 };
	struct json_object *names = NULL;
	const char *name = NULL;
	int rc = json_get_array(r->d, at, o, "names", false, &names, r->e);
	bool many = rc == 0 && names && json_object_array_length(names);

	if (rc == 0)
		rc = json_get_str(r->d, at, o, "name", false, &name, r->e);
	if (rc < 0)
		return rc;
	if (name && !*name)
		name = NULL;
	if (name && many)
		return json_err(r->d, &name_at, r->e, EINVAL,
				"both `name` and `names`, expected only one of them");
	if (!name && !many)
		return json_err(r->d, at, r->e, EINVAL,
				"no system call is named, expected `names` with at least one");
	if (name)
		return add_name(r, &name_at, rule, name);
	return sp_reader_each(r, at, o, "names", json_type_string, read_name, rule);
}

static int read_op(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		   enum sp_op *out)
{
	struct json_path here = { at, "op", 0 };
	const char *s;
	int rc = json_get_str(r->d, at, o, "op", true, &s, r->e);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < SP_OP_COUNT; i++) {
		*out = (enum sp_op)i;
		if (!strcmp(s, sp_op_name(*out)))
			return 0;
	}
	return json_err(r->d, &here, r->e, EINVAL,
			"unknown operator \"%.64s\", expected SCMP_CMP_ and one of NE, LT, LE, EQ, "
			"GE, GT, MASKED_EQ",
			s);
}

static int read_arg(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		    void *ctx)
{
	uint64_t index, value, value2 = 0;
	struct sp_rule *rule = ctx;
	enum sp_op op = SP_EQ;
	int rc = sp_reader_members(r, at, o, sp_arg_members);

	if (rc == 0)
		rc = json_get_u64(r->d, at, o, "index", true, SC_MAX_ARGS - 1, &index, r->e);
	if (rc == 0)
		rc = json_get_u64(r->d, at, o, "value", true, UINT64_MAX, &value, r->e);
	if (rc == 0)
		rc = json_get_u64(r->d, at, o, "valueTwo", false, UINT64_MAX, &value2, r->e);
	if (rc == 0)
		rc = read_op(r, at, o, &op);
	if (rc < 0)
		return rc;
	if (rule->conds_n == SP_MAX_CONDS)
		return json_err(r->d, at, r->e, E2BIG, "more than %d conditions in one rule",
				SP_MAX_CONDS);
	sp_rule_cond(rule, (uint8_t)index, op, value, value2);
	return 0;
}

static void drop_last_rule(struct sp_profile *p)
{
	struct sp_rule *last = &p->rules[--p->rules_n];

	free(last->names);
	free(last->conds);
}

static int read_rule(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		     void *ctx)
{
	const char *comment = NULL;
	struct sp_rule *rule;
	struct sp_ret ret;
	bool keep = false;
	int rc = sp_reader_members(r, at, o, sp_rule_members);

	(void)ctx;
	if (rc == 0 && r->p.rules_n == SP_MAX_RULES)
		return json_err(r->d, at, r->e, E2BIG, "more than %d rules", SP_MAX_RULES);
	if (rc == 0)
		rc = read_ret(r, at, o, "action", "errnoRet", "errno", &ret);
	if (rc == 0)
		rc = json_get_str(r->d, at, o, "comment", false, &comment, r->e);
	if (rc == 0)
		rc = sp_reader_conditions(r, at, o, &keep);
	if (rc < 0)
		return rc;
	rule = sp_rule_add(&r->p, ret, comment && *comment ? comment : NULL);
	rule->source = at->idx;
	rc = sp_reader_each(r, at, o, "args", json_type_object, read_arg, rule);
	if (rc == 0 && keep)
		rc = read_names(r, at, o, rule);
	if (!rule->names_n)
		drop_last_rule(&r->p);
	return rc;
}

int sp_check_format(const struct json_doc *d, struct err *e)
{
	struct json_path at = { .key = "format" };
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(d->root, "format", &v) ||
	    !json_object_is_type(v, json_type_string) ||
	    strncmp(json_object_get_string(v), "boltseal.", 9))
		return 0;
	return json_err(d, &at, e, EINVAL, "expected a seccomp profile, found a %.64s",
			json_object_get_string(v));
}

static int read_profile(struct sp_reader *r)
{
	struct json_object *o = r->d->root;
	int rc;

	if (!json_object_is_type(o, json_type_object))
		return json_err(r->d, NULL, r->e, EINVAL,
				"expected a seccomp profile (an object), found %s",
				json_type_word(o));
	rc = sp_check_format(r->d, r->e);
	if (rc == 0)
		rc = sp_reader_members(r, NULL, o, sp_profile_members);
	if (rc == 0)
		rc = read_ret(r, NULL, o, "defaultAction", "defaultErrnoRet", "defaultErrno",
			      &r->p.deflt);
	if (rc == 0)
		rc = read_arches(r, o);
	if (rc == 0)
		rc = sp_reader_each(r, NULL, o, "flags", json_type_string, read_flag, NULL);
	if (rc == 0)
		rc = read_listener(r, o);
	if (rc == 0)
		rc = sp_reader_each(r, NULL, o, "syscalls", json_type_object, read_rule, NULL);
	return rc;
}

int sp_read(struct sp_profile *p, const struct json_doc *d, const struct sp_host *h,
	    struct buf *unknown, struct err *e)
{
	struct sp_reader r = { .d = d, .h = h, .unknown = unknown, .e = e };
	struct sp_host current;
	int rc;

	if (!h) {
		sp_host_current(&current);
		r.h = &current;
	}
	sp_init(&r.p);
	rc = read_profile(&r);
	if (rc < 0)
		sp_free(&r.p);
	else
		*p = r.p;
	return rc;
}

int sp_load(struct sp_profile *p, const char *path, const struct sp_host *h, struct buf *unknown,
	    struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	int rc = json_load(&d, path, SP_MAX_BYTES, e);

	return rc < 0 ? rc : sp_read(p, &d, h, unknown, e);
}
