#include <string.h>

#include "app/generate.h"
#include "app/operand.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "profile/engine_dialect.h"
#include "profile/filter_file.h"

enum { MAX_FREQUENCIES = 1024 * 1024 }; /* bytes of that file */

static const struct dialect {
	const char *name;
	bool compiled;
	enum sp_dialect json;
} dialects[] = {
	{ "docker", false, SP_DIALECT_DOCKER }, { "podman", false, SP_DIALECT_PODMAN },
	{ "oci", false, SP_DIALECT_OCI },	{ "kubernetes", false, SP_DIALECT_OCI },
	{ "bpf", true, SP_DIALECT_COUNT },	{ "bpf-base64", true, SP_DIALECT_COUNT },
	{ "c", true, SP_DIALECT_COUNT },
};

static const struct dialect *dialect_of(const struct args *a)
{
	for (size_t i = 1; i < ARRAY_SIZE(dialects); i++)
		if (generate_is(a, "dialect", dialects[i].name))
			return &dialects[i];
	return &dialects[0];
}

/* What only a model decides. */
static int check_options(const struct args *a, struct err *e)
{
	static const char *const of_models[] = {
		"runtime", "runtime-version",	"base",
		"clone3",  "close-equivalents", "arguments",
		"mode",	   "no-new-privileges", "allow-incomplete"
	};

	for (size_t i = 0; i < ARRAY_SIZE(of_models); i++)
		if (args_has(a, of_models[i]))
			return usage_error(a, e, "--%s has no effect on a finished profile",
					   of_models[i]);
	return 0;
}

static int load_frequencies(struct generate *g, const char *path, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	int r = io_read_file(path, MAX_FREQUENCIES, &text, e);

	return r < 0 ? r : sp_frequencies_read(&g->often, path, buf_str(&text), e);
}

int generate_load(struct generate *g, const struct args *a, const char *path, struct err *e)
{
	const char *often = args_value(a, "frequencies");
	cleanup_operand struct operand o = { 0 };
	int r = 0;

	if ((often || args_has(a, "bad-arch")) && !dialect_of(a)->compiled) {
		usage_error(a, e,
			    "--frequencies and --bad-arch are for compiled filters (--dialect bpf, "
			    "bpf-base64, c)");
		return -EINVAL;
	}
	if (often)
		r = load_frequencies(g, often, e);
	if (r == 0)
		r = operand_load(&o, path, NULL, e);
	if (r < 0)
		return r;
	switch (o.kind) {
	case OPERAND_MODEL:
		g->model = o.model;
		wl_init(&o.model);
		return 0;
	case OPERAND_PROFILE:
		g->profile = o.profile;
		sp_init(&o.profile);
		g->from_profile = true;
		return check_options(a, e) ? -EINVAL : 0;
	default:
		return err_set(e, EINVAL, "%s is %s; expected a workload model or a profile",
			       o.name, operand_kind_name(o.kind));
	}
}

static void put_filter(struct generate *g, const struct dialect *d, const struct sp_filter *f,
		       const char *name)
{
	cleanup_free char *title =
		xasprintf("The seccomp filter of %s, made by boltseal " BOLTSEAL_VERSION
			  " and proven equal to the profile.",
			  name);

	if (!strcmp(d->name, "bpf"))
		buf_append(&g->out, f->insn, f->n * sizeof(*f->insn));
	else if (!strcmp(d->name, "c"))
		sp_filter_c(f, name, title, &g->out);
	else
		sp_filter_base64(f, &g->out);
}

/* What the written form cannot say. */
static void note_lost(struct generate *g, const struct sp_profile *p, const struct dialect *d)
{
	if (d->compiled && p->flags)
		buf_puts(&g->notes, "the profile's flags are not part of a compiled filter: who "
				    "loads it has to set them\n");
	if (d->compiled && p->listener_path)
		buf_puts(&g->notes, "listenerPath is not part of a compiled filter\n");
}

static int put_profile(struct generate *g, const struct args *a, struct sp_profile *p,
		       const char *name, struct err *e)
{
	const struct dialect *d = dialect_of(a);
	cleanup_sp_filter struct sp_filter f = { 0 };
	cleanup_free char *text = NULL;
	int r;

	if (generate_is(a, "bad-arch", "kill_thread"))
		p->bad_arch = (struct sp_ret){ SP_KILL_THREAD, 0 };
	/* What was generated from a model has been proven already, but for other frequencies. */
	r = sp_compile_proven(p, g->often.count ? &g->often : NULL, &f, e);
	if (r < 0)
		return r;
	sp_remarks(p, &g->notes);
	note_lost(g, p, d);
	if (d->compiled) {
		put_filter(g, d, &f, name);
		return 0;
	}
	text = sp_write(p, d->json);
	buf_puts(&g->out, text);
	return 0;
}

/* The file's base name without its extension. */
static char *name_of_file(const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	char *name = strndup(*base ? base : "profile", strcspn(*base ? base : "profile", "."));

	if (!name)
		mem_exhausted();
	return name;
}

/* In the form that an engine takes. */
static int put_for_engine(struct generate *g, const struct args *a, struct sp_profile *p,
			  const struct engine *engine, struct err *e)
{
	const char *libseccomp = args_value(a, "libseccomp");
	cleanup_sp_filter struct sp_filter f = { 0 };
	cleanup_free char *text = NULL;
	int r = libseccomp ? engine_fit_names(p, engine, libseccomp, &g->notes, e) : 0;

	if (r >= 0)
		r = sp_compile_proven(p, NULL, &f, e);
	if (r < 0)
		return r;
	sp_remarks(p, &g->notes);
	text = engine_write(p, engine, &g->notes);
	buf_puts(&g->out, text);
	return 0;
}

/* From the model; an engine says which runtime it has, where the command line does not. */
static int make_profile(struct generate *g, const struct args *a, const struct engine *engine,
			struct sp_profile *p, struct err *e)
{
	if (args_has(a, "engine") && !g->o.runtime)
		g->o.runtime = engine_runtime(engine);
	return gen_seccomp(&g->model, &g->o, p, &g->notes, e);
}

int generate_seccomp(struct generate *g, const struct args *a, struct err *e)
{
	cleanup_free char *name = NULL;
	cleanup_sp_profile struct sp_profile made;
	struct sp_profile *p = g->from_profile ? &g->profile : &made;
	struct engine engine;
	int r = 0;

	sp_init(&made);
	if (args_has(a, "engine"))
		r = engine_parse(args_value(a, "engine"), &engine, e);
	if (r >= 0 && g->from_profile)
		name = args_has(a, "name") ? xstrdup(args_value(a, "name"))
					   : name_of_file(args_at(a, 1));
	else if (r >= 0)
		r = gen_name(&g->model, &g->o, &name, e);
	if (r >= 0 && !g->from_profile)
		r = make_profile(g, a, &engine, p, e);
	if (r < 0)
		return r;
	r = args_has(a, "engine") ? put_for_engine(g, a, p, &engine, e)
				  : put_profile(g, a, p, name, e);
	return r < 0 && g->from_profile ? err_prefix(e, "%s", args_at(a, 1)) : r;
}
