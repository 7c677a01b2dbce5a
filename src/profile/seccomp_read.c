/*
 * Formats: OCI runtime specification, config-linux.md "Seccomp"; Docker (moby/profiles seccomp.go)
 * and Podman (containers/common pkg/seccomp/types.go) add members to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "model/caps.h"
#include "profile/seccomp.h"

enum {
	MAX_ERRNO_RET = 4095, /* MAX_ERRNO: the kernel reduces greater ones to this */
	LAST_ERRNO = 133,     /* EHWPOISON of asm-generic/errno.h */
};

struct reader {
	const struct json_doc *d;
	const struct sp_host *h;
	struct sp_profile p;
	struct buf *unknown;
	struct err *e;
};

/* Architectures of the OCI schema that boltseal has no system call table for. */
static const char *const foreign_arches[] = {
	"ARM",	    "LOONGARCH64", "M68K",	  "MIPS",    "MIPS64", "MIPS64N32", "MIPSEL",
	"MIPSEL64", "MIPSEL64N32", "PARISC",	  "PARISC64", "PPC",   "PPC64",	    "PPC64LE",
	"RISCV64",  "S390",	   "S390X",	  "SH",	     "SHEB",
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

/* Go's names, as `arches` has them, with the native ABI they stand for; SC_ABI_COUNT: another. */
static const struct {
	const char *name;
	enum sc_abi abi;
} condition_arches[] = {
	{ "amd64", SC_X86_64 },	      { "arm64", SC_AARCH64 },
	{ "x86", SC_I386 },	      { "x32", SC_X32 },
	{ "arm", SC_ABI_COUNT },      { "loong64", SC_ABI_COUNT },
	{ "loongarch64", SC_ABI_COUNT }, { "mips", SC_ABI_COUNT },
	{ "mips64", SC_ABI_COUNT },   { "mips64n32", SC_ABI_COUNT },
	{ "mipsel", SC_ABI_COUNT },   { "mipsel64", SC_ABI_COUNT },
	{ "mipsel64n32", SC_ABI_COUNT }, { "mipsle", SC_ABI_COUNT },
	{ "mips3l64n32", SC_ABI_COUNT }, { "ppc", SC_ABI_COUNT },
	{ "ppc64", SC_ABI_COUNT },    { "ppc64le", SC_ABI_COUNT },
	{ "riscv64", SC_ABI_COUNT },  { "s390", SC_ABI_COUNT },
	{ "s390x", SC_ABI_COUNT },
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

void sp_host_current(struct sp_host *h)
{
	struct utsname u;
	unsigned major = 0, minor = 0;
	int abi;

	*h = (struct sp_host){ .native = SC_X86_64, .caps = bcap_docker_default_mask() };
	if (uname(&u) < 0)
		return;
	abi = sc_abi_parse(u.machine);
	if (abi >= 0)
		h->native = (enum sc_abi)abi;
	sscanf(u.release, "%3u.%3u", &major, &minor);
	h->kernel = (struct sc_kver){ (uint8_t)major, (uint8_t)minor, 0 };
}

static int check_members(struct reader *r, const struct json_path *at, struct json_object *o,
			 const char *const *known)
{
	json_object_object_foreach(o, key, value)
	{
		struct json_path here = { at, key, 0 };
		cleanup_buf struct buf list = { 0 };
		size_t i = 0;

		(void)value;
		while (known[i] && strcmp(known[i], key))
			i++;
		if (known[i])
			continue;
		for (i = 0; known[i]; i++)
			buf_printf(&list, "%s%s", i ? ", " : "", known[i]);
		return json_err(r->d, &here, r->e, EINVAL, "unknown member, expected one of %s",
				buf_str(&list));
	}
	return 0;
}

/* Calls `each` for the elements of the array `key`, which have to be of this type. */
static int for_each(struct reader *r, const struct json_path *at, struct json_object *o,
		    const char *key, enum json_type type,
		    int (*each)(struct reader *r, const struct json_path *at,
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

static int read_action(struct reader *r, const struct json_path *at, struct json_object *o,
		       const char *key, enum sp_action *out)
{
	struct json_path here = { at, key, 0 };
	const char *s;
	int rc = json_get_str(r->d, at, o, key, true, &s, r->e);

	if (rc < 0)
		return rc;
	*out = SP_KILL_THREAD;
	if (!strcmp(s, "SCMP_ACT_KILL")) /* the older name */
		return 0;
	for (unsigned a = 0; a < SP_ACTION_COUNT; a++) {
		*out = (enum sp_action)a;
		if (!strcmp(s, sp_action_name(*out)))
			return 0;
	}
	return json_err(r->d, &here, r->e, EINVAL,
			"unknown action \"%.64s\", expected SCMP_ACT_ and one of ALLOW, ERRNO, "
			"KILL, KILL_PROCESS, KILL_THREAD, LOG, NOTIFY, TRACE, TRAP",
			s);
}

/* Podman's "ENOSYS" or "38". */
static int errno_of_name(const char *s, uint64_t *out)
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
static int read_ret(struct reader *r, const struct json_path *at, struct json_object *o,
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
		if (errno_of_name(name, &data) < 0)
			return json_err(r->d, &name_at, r->e, EINVAL,
					"unknown errno \"%.64s\", expected a name such as ENOSYS or "
					"a number",
					name);
	}
	max = action == SP_ERRNO ? MAX_ERRNO_RET : UINT16_MAX;
	if (sp_action_takes_data(action) && data > max)
		return json_err(r->d, data_at, r->e, ERANGE,
				"%llu is too great for %s, expected at most %llu",
				(unsigned long long)data, sp_action_name(action),
				(unsigned long long)max);
	*out = (struct sp_ret){ action, sp_action_takes_data(action) ? (uint16_t)data : 0 };
	return 0;
}

static int add_arch(struct reader *r, const struct json_path *at, const char *s)
{
	static const char prefix[] = "SCMP_ARCH_";

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
	if (!strncmp(s, prefix, sizeof(prefix) - 1))
		for (size_t i = 0; i < ARRAY_SIZE(foreign_arches); i++)
			if (!strcmp(s + sizeof(prefix) - 1, foreign_arches[i]))
				return 0;
	return json_err(r->d, at, r->e, EINVAL,
			"unknown architecture \"%.64s\", expected SCMP_ARCH_ and one of X86_64, X86, "
			"X32, AARCH64, NATIVE (ARM, MIPS, PPC, S390, RISCV64 and their kin are known "
			"and left out)",
			s);
}

static int read_arch(struct reader *r, const struct json_path *at, struct json_object *v, void *ctx)
{
	*(bool *)ctx = true;
	return add_arch(r, at, json_object_get_string(v));
}

/* Docker uses the first entry for the native architecture; the others are only checked. */
static int read_arch_map(struct reader *r, const struct json_path *at, struct json_object *v,
			 void *ctx)
{
	static const char *const known[] = { "architecture", "subArchitectures", NULL };
	struct json_path here = { at, "architecture", 0 };
	bool before[SC_ABI_COUNT], *done = ctx, any = false;
	const char *s;
	int rc = check_members(r, at, v, known);

	if (rc == 0)
		rc = json_get_str(r->d, at, v, "architecture", true, &s, r->e);
	if (rc < 0)
		return rc;
	memcpy(before, r->p.abi, sizeof(before));
	rc = add_arch(r, &here, s);
	if (rc == 0)
		rc = for_each(r, at, v, "subArchitectures", json_type_string, read_arch, &any);
	if (rc == 0 && !*done && !strcmp(s, sc_abi_scmp(r->h->native)))
		*done = true;
	else
		memcpy(r->p.abi, before, sizeof(before));
	return rc;
}

static int read_arches(struct reader *r, struct json_object *o)
{
	struct json_path list = { NULL, "architectures", 0 };
	bool listed = false, mapped = false, any = false;
	struct json_object *map = NULL;
	int rc = for_each(r, NULL, o, "architectures", json_type_string, read_arch, &listed);

	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		any |= r->p.abi[i];
	if (rc == 0 && listed && !any)
		return json_err(r->d, &list, r->e, EINVAL,
				"none of these architectures has a table here, expected at least one "
				"of SCMP_ARCH_X86_64, X86, X32, AARCH64");
	if (rc == 0)
		rc = json_get_array(r->d, NULL, o, "archMap", false, &map, r->e);
	if (rc == 0 && listed && map && json_object_array_length(map))
		return json_err(r->d, &list, r->e, EINVAL,
				"both `architectures` and `archMap`, expected only one of them");
	if (rc == 0)
		rc = for_each(r, NULL, o, "archMap", json_type_object, read_arch_map, &mapped);
	if (rc == 0 && !listed && !mapped)
		r->p.abi[r->h->native] = true;
	return rc;
}

static int read_flag(struct reader *r, const struct json_path *at, struct json_object *v, void *ctx)
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

static int read_listener(struct reader *r, struct json_object *o)
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

/* What an `includes` or `excludes` says about the host. */
struct condition {
	bool arches, arch_native; /* the list is there; has the native one */
	bool caps_any, caps_all;  /* of the listed ones, which the host has */
	bool kernel, kernel_new;  /* minKernel is there; the host's is that new */
};

static int read_cond_arch(struct reader *r, const struct json_path *at, struct json_object *v,
			  void *ctx)
{
	struct condition *c = ctx;
	const char *s = json_object_get_string(v);

	c->arches = true;
	for (size_t i = 0; i < ARRAY_SIZE(condition_arches); i++) {
		if (strcmp(s, condition_arches[i].name))
			continue;
		c->arch_native |= condition_arches[i].abi == r->h->native;
		return 0;
	}
	return json_err(r->d, at, r->e, EINVAL,
			"unknown architecture \"%.64s\", expected a name such as amd64, x86, x32, "
			"arm64, arm, ppc64le, riscv64, s390x",
			s);
}

static int read_cond_cap(struct reader *r, const struct json_path *at, struct json_object *v,
			 void *ctx)
{
	struct condition *c = ctx;
	const char *s = json_object_get_string(v);
	const struct bcap_desc *cap = strncmp(s, "CAP_", 4) ? NULL : bcap_by_name(s);
	bool has;

	if (!cap || strcmp(cap->name, s))
		return json_err(r->d, at, r->e, EINVAL,
				"unknown capability \"%.64s\", expected a name such as CAP_SYS_ADMIN",
				s);
	has = r->h->caps >> cap->nr & 1;
	c->caps_any |= has;
	c->caps_all &= has;
	return 0;
}

/* Two decimal numbers with a point between; the empty string counts as 0.0. */
static int kver_parse(const char *s, struct sc_kver *out)
{
	unsigned part[2] = { 0 };

	*out = (struct sc_kver){ 0 };
	if (!*s)
		return 0;
	for (int i = 0; i < 2; i++) {
		size_t n = strspn(s, "0123456789");

		if (n == 0 || n > 3 || s[n] != (i ? '\0' : '.'))
			return -EINVAL;
		part[i] = (unsigned)strtoul(s, NULL, 10);
		s += n + 1;
	}
	if (part[0] > UINT8_MAX || part[1] > UINT8_MAX || (!part[0] && !part[1]))
		return -EINVAL;
	*out = (struct sc_kver){ (uint8_t)part[0], (uint8_t)part[1], 0 };
	return 0;
}

static int read_condition(struct reader *r, const struct json_path *up, struct json_object *o,
			  const char *key, struct condition *c)
{
	static const char *const known[] = { "caps", "arches", "minKernel", NULL };
	struct json_path at = { up, key, 0 }, kernel_at = { &at, "minKernel", 0 };
	struct json_object *v = NULL;
	const char *min = NULL;
	struct sc_kver need;
	int rc = json_get_object(r->d, up, o, key, false, &v, r->e);

	*c = (struct condition){ .caps_all = true };
	if (rc < 0 || !v)
		return rc;
	rc = check_members(r, &at, v, known);
	if (rc == 0)
		rc = for_each(r, &at, v, "arches", json_type_string, read_cond_arch, c);
	if (rc == 0)
		rc = for_each(r, &at, v, "caps", json_type_string, read_cond_cap, c);
	if (rc == 0)
		rc = json_get_str(r->d, &at, v, "minKernel", false, &min, r->e);
	if (rc < 0 || !min)
		return rc;
	if (kver_parse(min, &need) < 0)
		return json_err(r->d, &kernel_at, r->e, EINVAL,
				"\"%.32s\" is no kernel version, expected two numbers up to 255 "
				"such as 4.8",
				min);
	c->kernel = true;
	c->kernel_new = sc_kver_cmp(r->h->kernel, need) >= 0;
	return 0;
}

/* Whether the rule holds on the host: `excludes` first, then `includes`. */
static int read_conditions(struct reader *r, const struct json_path *at, struct json_object *o,
			   bool *keep)
{
	struct condition in, ex;
	int rc = read_condition(r, at, o, "excludes", &ex);

	if (rc == 0)
		rc = read_condition(r, at, o, "includes", &in);
	*keep = rc == 0 && !ex.arch_native && !ex.caps_any && !(ex.kernel && ex.kernel_new) &&
		(!in.arches || in.arch_native) && in.caps_all && (!in.kernel || in.kernel_new);
	return rc;
}

static bool is_foreign_call(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign_calls); i++)
		if (!strcmp(s, foreign_calls[i]))
			return true;
	return false;
}

static int add_name(struct reader *r, const struct json_path *at, struct sp_rule *rule,
		    const char *s)
{
	const char *near;

	if (sc_by_name(s) || is_foreign_call(s)) {
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

static int read_name(struct reader *r, const struct json_path *at, struct json_object *v, void *ctx)
{
	return add_name(r, at, ctx, json_object_get_string(v));
}

static int read_names(struct reader *r, const struct json_path *at, struct json_object *o,
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
	return for_each(r, at, o, "names", json_type_string, read_name, rule);
}

static int read_op(struct reader *r, const struct json_path *at, struct json_object *o,
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

static int read_arg(struct reader *r, const struct json_path *at, struct json_object *o, void *ctx)
{
	static const char *const known[] = { "index", "value", "valueTwo", "op", NULL };
	uint64_t index, value, value2 = 0;
	struct sp_rule *rule = ctx;
	enum sp_op op = SP_EQ;
	int rc = check_members(r, at, o, known);

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

static int read_rule(struct reader *r, const struct json_path *at, struct json_object *o, void *ctx)
{
	static const char *const known[] = { "names",	 "name",     "action",	 "errnoRet", "errno",
					     "args",	 "comment",  "includes", "excludes", NULL };
	const char *comment = NULL;
	struct sp_rule *rule;
	struct sp_ret ret;
	bool keep = false;
	int rc = check_members(r, at, o, known);

	(void)ctx;
	if (rc == 0 && r->p.rules_n == SP_MAX_RULES)
		return json_err(r->d, at, r->e, E2BIG, "more than %d rules", SP_MAX_RULES);
	if (rc == 0)
		rc = read_ret(r, at, o, "action", "errnoRet", "errno", &ret);
	if (rc == 0)
		rc = json_get_str(r->d, at, o, "comment", false, &comment, r->e);
	if (rc == 0)
		rc = read_conditions(r, at, o, &keep);
	if (rc < 0)
		return rc;
	rule = sp_rule_add(&r->p, ret, comment && *comment ? comment : NULL);
	rule->source = at->idx;
	rc = for_each(r, at, o, "args", json_type_object, read_arg, rule);
	if (rc == 0 && keep)
		rc = read_names(r, at, o, rule);
	if (!rule->names_n)
		drop_last_rule(&r->p);
	return rc;
}

static int read_profile(struct reader *r)
{
	static const char *const known[] = {
		"defaultAction",    "defaultErrnoRet", "defaultErrno",	   "architectures",
		"archMap",	    "flags",	       "listenerPath",	   "listenerMetadata",
		"syscalls",	    "comment",	       NULL,
	};
	struct json_object *o = r->d->root;
	int rc;

	if (!json_object_is_type(o, json_type_object))
		return json_err(r->d, NULL, r->e, EINVAL,
				"expected a seccomp profile (an object), found %s",
				json_type_word(o));
	rc = check_members(r, NULL, o, known);
	if (rc == 0)
		rc = read_ret(r, NULL, o, "defaultAction", "defaultErrnoRet", "defaultErrno",
			      &r->p.deflt);
	if (rc == 0)
		rc = read_arches(r, o);
	if (rc == 0)
		rc = for_each(r, NULL, o, "flags", json_type_string, read_flag, NULL);
	if (rc == 0)
		rc = read_listener(r, o);
	if (rc == 0)
		rc = for_each(r, NULL, o, "syscalls", json_type_object, read_rule, NULL);
	return rc;
}

int sp_read(struct sp_profile *p, const struct json_doc *d, const struct sp_host *h,
	    struct buf *unknown, struct err *e)
{
	struct reader r = { .d = d, .h = h, .unknown = unknown, .e = e };
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
