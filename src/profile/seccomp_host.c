/* The host, and the conditions that Docker's and Podman's profiles put on it. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/version.h"
#include "model/caps.h"
#include "profile/seccomp_reader.h"

/* Go's names, as `arches` has them, with the native ABI they stand for; SC_ABI_COUNT: another. */
static const struct {
	const char *name;
	enum sc_abi abi;
} condition_arches[] = {
	{ "amd64", SC_X86_64 },
	{ "arm64", SC_AARCH64 },
	{ "x86", SC_I386 },
	{ "x32", SC_X32 },
	{ "arm", SC_ABI_COUNT },
	{ "loong64", SC_ABI_COUNT },
	{ "loongarch64", SC_ABI_COUNT },
	{ "mips", SC_ABI_COUNT },
	{ "mips64", SC_ABI_COUNT },
	{ "mips64n32", SC_ABI_COUNT },
	{ "mipsel", SC_ABI_COUNT },
	{ "mipsel64", SC_ABI_COUNT },
	{ "mipsel64n32", SC_ABI_COUNT },
	{ "mipsle", SC_ABI_COUNT },
	{ "mips3l64n32", SC_ABI_COUNT },
	{ "ppc", SC_ABI_COUNT },
	{ "ppc64", SC_ABI_COUNT },
	{ "ppc64le", SC_ABI_COUNT },
	{ "riscv64", SC_ABI_COUNT },
	{ "s390", SC_ABI_COUNT },
	{ "s390x", SC_ABI_COUNT },
};

const char *const sp_condition_members[] = { "caps", "arches", "minKernel", NULL };

bool sp_condition_arch(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(condition_arches); i++)
		if (!strcmp(s, condition_arches[i].name))
			return true;
	return false;
}

void sp_host_current(struct sp_host *h)
{
	struct utsname u;
	struct version kernel = version_of_kernel();
	int abi;

	*h = (struct sp_host){ .native = SC_X86_64, .caps = bcap_docker_default_mask() };
	if (uname(&u) < 0)
		return;
	abi = sc_abi_parse(u.machine);
	if (abi >= 0)
		h->native = (enum sc_abi)abi;
	h->kernel = (struct sc_kver){ (uint8_t)kernel.part[0], (uint8_t)kernel.part[1], 0 };
}

/* What an `includes` or `excludes` says about the host. */
struct condition {
	bool arches, arch_native; /* the list is there; has the native one */
	bool caps_any, caps_all;  /* of the listed ones, which the host has */
	bool kernel, kernel_new;  /* minKernel is there; the host's is that new */
};

static int read_cond_arch(struct sp_reader *r, const struct json_path *at, struct json_object *v,
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

static int read_cond_cap(struct sp_reader *r, const struct json_path *at, struct json_object *v,
			 void *ctx)
{
	struct condition *c = ctx;
	const char *s = json_object_get_string(v);
	const struct bcap_desc *cap = strncmp(s, "CAP_", 4) ? NULL : bcap_by_name(s);
	bool has;

	if (!cap || strcmp(cap->name, s))
		return json_err(
			r->d, at, r->e, EINVAL,
			"unknown capability \"%.64s\", expected a name such as CAP_SYS_ADMIN", s);
	has = r->h->caps >> cap->nr & 1;
	c->caps_any |= has;
	c->caps_all &= has;
	return 0;
}

int sp_condition_kernel(const char *s, struct sc_kver *out)
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

static int read_condition(struct sp_reader *r, const struct json_path *up, struct json_object *o,
			  const char *key, struct condition *c)
{
	struct json_path at = { up, key, 0 }, kernel_at = { &at, "minKernel", 0 };
	struct json_object *v = NULL;
	const char *min = NULL;
	struct sc_kver need;
	int rc = json_get_object(r->d, up, o, key, false, &v, r->e);

	*c = (struct condition){ .caps_all = true };
	if (rc < 0 || !v)
		return rc;
	rc = sp_reader_members(r, &at, v, sp_condition_members);
	if (rc == 0)
		rc = sp_reader_each(r, &at, v, "arches", json_type_string, read_cond_arch, c);
	if (rc == 0)
		rc = sp_reader_each(r, &at, v, "caps", json_type_string, read_cond_cap, c);
	if (rc == 0)
		rc = json_get_str(r->d, &at, v, "minKernel", false, &min, r->e);
	if (rc < 0 || !min)
		return rc;
	if (sp_condition_kernel(min, &need) < 0)
		return json_err(r->d, &kernel_at, r->e, EINVAL,
				"\"%.32s\" is no kernel version, expected two numbers up to 255 "
				"such as 4.8",
				min);
	c->kernel = true;
	c->kernel_new = sc_kver_cmp(r->h->kernel, need) >= 0;
	return 0;
}

int sp_reader_conditions(struct sp_reader *r, const struct json_path *at, struct json_object *o,
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
