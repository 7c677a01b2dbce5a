#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "import/import.h"
#include "profile/import.h"
#include "sensor/exe.h"
#include "sensor/root_path.h"

enum { MAX_MIB = 1 << 30, MAX_SECONDS = 100000000 };

/* What an import works on and leaves. */
struct job {
	struct workload model;
	struct import_options o;
	struct import_input *in;
	size_t n;
	struct buf notes;
	int root; /* --root, -1 without */
};

static void job_free(struct job *j)
{
	wl_free(&j->model);
	buf_free(&j->notes);
	free(j->in);
	close_p(&j->root);
}

static bool resolve(void *ctx, const char *path, bool follow, char *out, bool *directory)
{
	const struct job *j = ctx;
	struct stat st;

	if (!root_path_resolve(j->root, path, follow, out, &st))
		return false;
	*directory = S_ISDIR(st.st_mode);
	return true;
}

static bool interpreter(void *ctx, const char *path, char *out, bool *script)
{
	const struct job *j = ctx;
	struct exe_info info;
	char real[PATH_MAX];

	if (exe_describe(j->root, path, &info) || info.kind == EXE_OTHER || !info.interpreter[0])
		return false;
	*script = info.kind == EXE_SCRIPT;
	if (!root_path_resolve(j->root, info.interpreter, true, real, NULL))
		return false;
	memcpy(out, real, sizeof(real));
	return true;
}

static int each_strace(struct job *j, struct err *e)
{
	return import_strace(&j->model, j->in, j->n, &j->o, &j->notes, e);
}

static int each_audit(struct job *j, struct err *e)
{
	return import_audit(&j->model, j->in, j->n, &j->o, &j->notes, e);
}

static int each_run(struct job *j, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < j->n && r >= 0; i++)
		r = import_run(&j->model, &j->in[i], &j->o, &j->notes, e);
	return r;
}

static int each_seccomp(struct job *j, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < j->n && r >= 0; i++)
		r = gen_import_seccomp(&j->model, j->in[i].name, &j->notes, e);
	return r;
}

static int each_apparmor(struct job *j, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < j->n && r >= 0; i++)
		r = import_apparmor(&j->model, &j->in[i], &j->o, &j->notes, e);
	return r;
}

static int each_bane(struct job *j, struct err *e)
{
	if (j->n > 1)
		return err_set(e, EINVAL, "bane: one file at a time");
	return import_bane(&j->model, &j->in[0], &j->o, &j->notes, e);
}

static int each_spo(struct job *j, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < j->n && r >= 0; i++)
		r = gen_import_spo(&j->model, j->in[i].name, &j->notes, e);
	return r;
}

static const struct kind {
	const char *name, *what;
	int (*import)(struct job *j, struct err *e);
} kinds[] = {
	{ "strace", "log of strace", each_strace },
	{ "audit", "audit or kernel log", each_audit },
	{ "run", "report of boltseal run", each_run },
	{ "seccomp", "seccomp profile", each_seccomp },
	{ "spo", "objects of the Security Profiles Operator", each_spo },
	{ "apparmor", "AppArmor profile", each_apparmor },
	{ "bane", "configuration of bane", each_bane },
};

static const struct kind *kind_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static const struct kind *detect(struct job *j, struct err *e)
{
	const char *name = import_detect(&j->in[0], e);
	const struct kind *k = name ? kind_by_name(name) : NULL;

	if (name && !k)
		err_set(e, EINVAL, "%s: no importer for files of the kind %s", j->in[0].name, name);
	else if (k)
		buf_printf(&j->notes, "read as %s\n", k->what);
	return k;
}

static int read_options(struct job *j, const struct args *a, struct err *e)
{
	const char *arch = args_value(a, "arch"), *root = args_value(a, "root");
	int abi = arch ? sc_abi_parse(arch) : (int)sc_abi_native();
	uint64_t mib;

	if (abi != SC_X86_64 && abi != SC_AARCH64)
		return usage_error(a, e, "--arch: '%s' is neither x86_64 nor aarch64", arch);
	j->o.arch = (enum sc_abi)abi;
	j->o.profile = args_value(a, "profile");
	j->o.container = args_value(a, "container");
	j->o.comm = args_value(a, "comm");
	j->o.compatible = args_has(a, "compatible");
	j->o.apparmor_root = args_value(a, "includes");
	if (args_u64(a, "max-size", 0, 1, MAX_MIB, &mib, e) ||
	    args_time(a, "max-time", 's', 0, 1, MAX_SECONDS, &j->o.max_seconds, e))
		return -EINVAL;
	j->o.max_bytes = mib << 20;
	if (!root)
		return 0;
	j->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (j->root < 0)
		return err_errno(e, errno, "--root: %s: cannot open this directory", root);
	j->o.resolve = resolve;
	j->o.interpreter = interpreter;
	j->o.ctx = j;
	return 0;
}

/* The first of several arguments, which is neither a kind nor a file. */
static int unknown_kind(const struct args *a, struct err *e)
{
	cleanup_buf struct buf list = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		buf_printf(&list, "%s%s", i ? ", " : "", kinds[i].name);
	return usage_error(a, e, "'%s': expected a file, or one of %s", args_at(a, 0),
			   buf_str(&list));
}

static int import(struct job *j, struct args *a, struct err *e)
{
	const struct kind *k = args_count(a) ? kind_by_name(args_at(a, 0)) : NULL;
	const char *name = args_value(a, "name");
	size_t first = k ? 1 : 0;

	if (args_count(a) <= first)
		return usage_error(a, e, "the file to import is missing");
	if (!k && args_count(a) > 1 && strcmp(args_at(a, 0), "-") &&
	    access(args_at(a, 0), F_OK) < 0)
		return unknown_kind(a, e);
	if (read_options(j, a, e))
		return EXIT_ERROR;
	j->n = args_count(a) - first;
	j->in = xcalloc(j->n, sizeof(*j->in));
	for (size_t i = 0; i < j->n; i++)
		j->in[i].name = args_at(a, first + i);
	if (!k)
		k = detect(j, e);
	if (!k || k->import(j, e) < 0)
		return EXIT_ERROR;
	if (name)
		j->model.identity.name = wl_string(&j->model, name);
	if (!args_has(a, "no-generalise"))
		wl_generalise(&j->model);
	if (wl_save(&j->model, args_value(a, "output"), e))
		return EXIT_ERROR;
	log_notes(&j->notes);
	return EXIT_OK;
}

static int run_import(struct args *a, struct err *e)
{
	cleanup(job_free) struct job j = { .root = -1 };

	wl_init(&j.model);
	return import(&j, a, e);
}

static const struct option_desc options[] = {
	{ 0, "output", "FILE", NULL, "Where to write; standard output is the default." },
	{ 0, "name", "NAME", NULL, "The workload's name in the model." },
	{ 0, "root", "DIR", NULL,
	  "strace: the root file system in which the program ran (/ for this machine): symbolic "
	  "links are followed there, and interpreters of programs are found." },
	{ 0, "arch", "ARCH", NULL,
	  "The machine on which a log was made, x86_64 or aarch64; this one is the default." },
	{ 0, "profile", "NAME", NULL,
	  "audit: only records of this AppArmor profile or SELinux type. apparmor: only this "
	  "profile of the file." },
	{ 0, "container", "ID", NULL, "audit: only records that name this container." },
	{ 0, "comm", "NAME", NULL, "audit: only records of processes of this name." },
	{ 0, "includes", "DIR", NULL,
	  "apparmor: where included files are; /etc/apparmor.d is the default." },
	{ 0, "compatible", NULL, NULL,
	  "bane: what its profiles allowed, which is every file, in place of what the keys mean." },
	{ 0, "max-size", "MIB", NULL,
	  "strace, audit: how much of each log is read; 16384 MiB is the default. What comes "
	  "behind it is missing, and the model is marked incomplete." },
	{ 0, "max-time", "TIME", NULL,
	  "strace, audit: for how long a log is read that is no file but a pipe; an hour (1h) is "
	  "the "
	  "default. The same happens then." },
	{ 0, "no-generalise", NULL, NULL, "Leaves names that change from run to run as they are." },
	{ 0 },
};

const struct command command_import = {
	.name = "import",
	.synopsis = "[KIND] [OPTION]... FILE...",
	.summary = "Makes a workload model from logs and policies of other tools.",
	.description =
		"Reads what another tool wrote and writes a workload model, which merge, show, "
		"generate and verify take like a recording. KIND is one of:\n"
		"\n"
		"  strace    a log of strace: -f, -ff (all files NAME.PID), -c, with or without\n"
		"            times, -y, -yy, -n, -X\n"
		"  audit     audit.log, kernel log or journal: what seccomp, AppArmor and\n"
		"            SELinux refused, or would have refused in complain mode\n"
		"  run       the JSON report of boltseal run --mode complain\n"
		"  seccomp   a seccomp profile of OCI, Docker or Podman\n"
		"  spo       SeccompProfile and AppArmorProfile objects of the Security\n"
		"            Profiles Operator, YAML or JSON\n"
		"  apparmor  an AppArmor profile with what it includes\n"
		"  bane      a TOML configuration of bane\n"
		"\n"
		"Without KIND it is told from the contents. What a log cannot tell is said on "
		"standard error and in the model, which is marked incomplete when something is "
		"missing in it: calls that were filtered out, values that are not understood, a "
		"log "
		"that begins in the middle. Lines that are not understood are counted, and the "
		"first one is shown. \"-\" is standard input.\n"
		"\n"
		"strace -f -y -o FILE gives the best log. On the machine where it was made, --root "
		"/ "
		"finds the files behind symbolic links and the dynamic loaders, as a recording "
		"would.\n"
		"\n"
		"A log of denials has only what was missing in a profile: merge it into the model "
		"that the profile was made from, and make the profile again. By itself such a log "
		"counts as incomplete; with a complete recording the model is complete, unless "
		"the "
		"log says that the kernel dropped records.\n"
		"\n"
		"A policy fills the model with what it allows. It is about system calls or about "
		"files, never both, so such a model is marked incomplete, and generate needs "
		"--allow-incomplete. Rules that a model has no place for are listed with file, "
		"line and column.",
	.options = options,
	.examples =
		"# A log of the program, made where boltseal is not installed\n"
		"boltseal import strace --name web --output web.json web.strace\n"
		"# One file for each process\n"
		"boltseal import strace log.*\n"
		"# Several runs together\n"
		"boltseal import strace run2.log | boltseal merge web.json - --output web.json\n"
		"# What the kernel said about a profile in complain mode\n"
		"dmesg | boltseal import audit --profile web - >denied.json\n"
		"boltseal merge web.json denied.json --output web.json\n"
		"# What an AppArmor profile allows, as an object of the operator\n"
		"boltseal import apparmor /etc/apparmor.d/usr.sbin.web >web.json\n"
		"boltseal generate spo --kind AppArmorProfile --allow-incomplete web.json\n",
	.run = run_import,
};
