#include "profile/engine_dialect.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "profile/generate_private.h"
#include "profile/libseccomp.h"

struct engine_facts {
	const char *name;
	enum sp_dialect dialect;
	const char *runtime;
	struct version default_errno; /* drops defaultErrnoRet before; 0: never */
	bool no_conditions; /* takes OCI JSON: includes, excludes, archMap have no effect */
};

/*
 * Docker: release notes of Docker Engine 23.0 (moby/moby#42604). runc: 1.0.0-rc95, its release
 * notes. containerd decodes the file as the OCI runtime specification's LinuxSeccomp, CRI-O as
 * containers/common's.
 */
static const struct engine_facts engines[] = {
	{ "docker", SP_DIALECT_DOCKER, "runc", { { 23, 0, 0 } }, false },
	{ "podman", SP_DIALECT_PODMAN, NULL, { { 0 } }, false },
	{ "containerd", SP_DIALECT_OCI, NULL, { { 0 } }, true },
	{ "cri-o", SP_DIALECT_PODMAN, NULL, { { 0 } }, false },
	{ "runc", SP_DIALECT_OCI, "runc", { { 1, 0, 0 } }, true },
	{ "crun", SP_DIALECT_OCI, "crun", { { 0 } }, true },
};

int engine_parse(const char *spec, struct engine *out, struct err *e)
{
	size_t n = strcspn(spec, ":");

	*out = (struct engine){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (strlen(engines[i].name) == n && !strncmp(engines[i].name, spec, n))
			out->facts = &engines[i];
	if (!out->facts)
		return err_set(e, EINVAL,
			       "--engine '%.60s': expected docker, podman, containerd, cri-o, runc "
			       "or crun, and a version as in docker:20.10",
			       spec);
	out->version_known = spec[n] == ':';
	if (out->version_known && !version_parse(spec + n + 1, &out->version, NULL))
		return err_set(e, EINVAL, "--engine '%.60s': expected a version such as 20.10",
			       spec);
	return 0;
}

enum sp_dialect engine_dialect(const struct engine *g)
{
	return g->facts->dialect;
}

const char *engine_runtime(const struct engine *g)
{
	return g->facts->runtime;
}

/* Whether the call came after the kernel in every ABI of the profile. */
static bool is_newer(const struct sp_profile *p, const char *name, struct sc_kver kernel)
{
	const struct sc_desc *d = sc_by_name(name);

	if (!d)
		return false;
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++)
		if (p->abi[abi] && d->nr[abi] >= 0 && sc_kver_cmp(d->abi_since[abi], kernel) <= 0)
			return false;
	return true;
}

static void note_lost(const struct engine *g, const char *name, const char *libseccomp,
		      struct buf *notes)
{
	const char *runtime = g->facts->runtime;

	gen_note(notes,
		 "%s was called, and libseccomp %s does not know it: it is left out and "
		 "answers %s",
		 name, libseccomp,
		 !runtime ? "ENOSYS under runc, EPERM under crun"
		 : !strcmp(runtime, "runc")
			 ? "ENOSYS, as runc answers to numbers beyond the profile"
			 : "EPERM");
}

int engine_fit_names(struct sp_profile *p, const struct engine *g, const char *libseccomp,
		     struct buf *notes, struct err *e)
{
	struct sc_kver kernel;
	int r = libseccomp_kernel(libseccomp, &kernel, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < p->rules_n; i++) {
		struct sp_rule *rule = &p->rules[i];
		size_t n = 0;

		for (size_t k = 0; k < rule->names_n; k++) {
			if (!is_newer(p, rule->names[k], kernel))
				rule->names[n++] = rule->names[k];
			else if (rule->ret.action == SP_ALLOW || rule->ret.action == SP_LOG)
				note_lost(g, rule->names[k], libseccomp, notes);
		}
		rule->names_n = n;
	}
	return 0;
}

/* The default errno is EPERM in what is generated, which is what engines take without the member.
 */
static bool keeps_default_errno(const struct engine *g)
{
	return !g->version_known || version_cmp(&g->version, &g->facts->default_errno) >= 0;
}

char *engine_write(const struct sp_profile *p, const struct engine *g, struct buf *notes)
{
	cleanup_free char *text = sp_write(p, g->facts->dialect);
	cleanup_json struct json_object *o = NULL;
	bool lossless = p->deflt.action != SP_ERRNO || p->deflt.data == EPERM;

	if (g->facts->no_conditions)
		gen_note(notes,
			 "%s takes the OCI form: no comments, and conditions (includes, "
			 "excludes, archMap) would have no effect; the profile needs none",
			 g->facts->name);
	if (g->facts->runtime ? !strcmp(g->facts->runtime, "crun") : true)
		gen_note(notes, "crun answers EPERM, not ENOSYS, to calls that are newer than this "
				"boltseal");
	if (keeps_default_errno(g))
		return take_ptr(text);
	gen_note(notes, "this %s drops defaultErrnoRet without a word; %s", g->facts->name,
		 lossless ? "it is left out, and the default is EPERM as it should be"
			  : "the default answers EPERM there and not what the profile says");
	o = json_tokener_parse(text);
	json_object_object_del(o, "defaultErrnoRet");
	return json_text(o);
}
