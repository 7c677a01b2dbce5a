#include <stdio.h>
#include <string.h>

#include "app/caps_list.h"
#include "app/command.h"
#include "app/operand.h"
#include "app/verify_subset.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "profile/generate.h"

struct verify {
	struct workload model;
	struct sp_profile profile;
	struct verify_options o;
	struct verify_report report;
	struct buf unknown, out;
};

static void verify_free(struct verify *v)
{
	wl_free(&v->model);
	sp_free(&v->profile);
	verify_report_free(&v->report);
	buf_free(&v->unknown);
	buf_free(&v->out);
}

static int read_options(struct verify *v, const struct args *a, struct err *e)
{
	const char *caps = args_value(a, "capabilities");
	const char *nnp = args_value(a, "no-new-privileges");

	v->o.runtime = args_value(a, "runtime");
	v->o.runtime_version = args_value(a, "runtime-version");
	v->o.no_new_privs = nnp && !strcmp(nnp, "on");
	v->o.check_caps = caps != NULL;
	if (args_count(a) != 1)
		return usage_error(a, e, "expected one workload model");
	if (!args_has(a, "profile") && !caps)
		return usage_error(a, e, "expected --profile, --capabilities or both");
	if (!v->o.runtime && (v->o.runtime_version || nnp))
		return usage_error(a, e,
				   "--runtime-version and --no-new-privileges need --runtime");
	if (v->o.runtime && !args_has(a, "profile"))
		return usage_error(a, e, "--runtime needs --profile");
	return caps ? caps_list_parse(caps, &v->o.caps, e) : 0;
}

/* A profile may depend on the architecture and the capabilities of the container it is for. */
static int load_profile(struct verify *v, const char *path, struct err *e)
{
	const char *arch = v->model.identity.arch;
	struct sp_host host;
	int r;

	sp_host_current(&host);
	if (arch && sc_abi_parse(arch) >= 0)
		host.native = (enum sc_abi)sc_abi_parse(arch);
	if (v->o.check_caps)
		host.caps = v->o.caps;
	r = sp_load(&v->profile, path, &host, &v->unknown, e);
	if (r < 0)
		return r;
	v->o.profile = &v->profile;
	return sp_check(&v->profile, e) < 0 ? err_prefix(e, "%s", path) : 0;
}

static void note_unknown(const struct verify *v, const char *path)
{
	const char *p = buf_str(&v->unknown), *end;

	for (; (end = strchr(p, '\n')); p = end + 1)
		log_note("%s: '%.*s' is no system call and has no effect", path, (int)(end - p), p);
}

static int print(struct verify *v, bool json, struct err *e)
{
	if (json) {
		cleanup_json struct json_object *o = verify_json(&v->model, &v->report);
		cleanup_free char *text = json_text(o);

		buf_puts(&v->out, text);
	} else {
		verify_text(&v->model, &v->report, &v->out);
	}
	return io_write_file(NULL, buf_str(&v->out), v->out.len, e);
}

static int verify(struct verify *v, struct args *a, struct err *e)
{
	const char *path = args_value(a, "profile"), *form = args_value(a, "format");

	if (read_options(v, a, e) || wl_load(&v->model, args_at(a, 0), e) < 0)
		return EXIT_ERROR;
	if (path && load_profile(v, path, e) < 0)
		return EXIT_ERROR;
	if (path) {
		note_unknown(v, path);
		operand_profile_remarks(path, &v->profile);
	}
	if (verify_model(&v->model, &v->o, &v->report, e) < 0 ||
	    print(v, form && !strcmp(form, "json"), e) < 0)
		return EXIT_ERROR;
	return verify_denials(&v->report) ? EXIT_FINDINGS : EXIT_OK;
}

static int run_verify(struct args *a, struct err *e)
{
	cleanup(verify_free) struct verify v = { 0 };

	if (args_has(a, "subset"))
		return verify_subset(a, e);
	wl_init(&v.model);
	sp_init(&v.profile);
	return verify(&v, a, e);
}

static const struct option_desc options[] = {
	{ 'p', "profile", "FILE", NULL, "The seccomp profile: JSON of OCI, Docker or Podman." },
	{ 0, "capabilities", "LIST", NULL,
	  "The capabilities that the container has: names separated by commas, none, ALL, or "
	  "docker (Docker's default)." },
	{ 0, "runtime", "NAME", "runc|crun",
	  "Also checks the calls that this container runtime makes under the profile." },
	{ 0, "runtime-version", "VERSION", NULL, "Its version, such as 1.1.5." },
	{ 0, "subset", NULL, NULL,
	  "Takes A and B in place of a model, and proves that B does to every call the same as A "
	  "or less: that A is at least as strict." },
	{ 0, "bad-arch", "ACTION", "kill_process|kill_thread",
	  "--subset: what happens to calls of architectures that a profile does not list; "
	  "kill_process is the default, kill_thread is what libseccomp does." },
	{ 0, "no-new-privileges", "on|off", "on|off",
	  "Whether the container runs with it, when the runtime makes fewer calls (off is the "
	  "default)." },
	{ 'o', "format", "FORMAT", "json|text", "Format of the report; text is the default." },
	{ 0 },
};

const struct command command_verify = {
	.name = "verify",
	.synopsis = "[OPTION]... MODEL | --subset A B",
	.summary = "Says what a profile denies of a workload, or compares strictness.",
	.description = "Evaluates a seccomp profile on every system call and every combination "
		       "of arguments of a workload model (- is standard input), and compares the "
		       "capabilities that a container has with those that the workload used.\n"
		       "\n"
		       "Each denial comes with the call, the recorded arguments, the phase and "
		       "program that made it, and the place: the rule (/syscalls/N in the "
		       "profile), the default action, or an architecture that is not listed. "
		       "Apart from denials it lists calls whose fate depends on arguments that "
		       "the model does not have, those that a tracer or a notification listener "
		       "decides on, and clone3 calls that answer ENOSYS while clone is allowed.\n"
		       "\n"
		       "With --subset, A and B are profiles, compiled filters in files (raw or "
		       "base64) or pid:N, the filters of a process, as for boltseal diff. A is a "
		       "subset of B when for every possible call the action of B is the same or "
		       "laxer in the kernel's order (kill the process, kill the thread, trap, "
		       "errno, notify, trace, log, allow); the errno does not matter. The answer "
		       "is a proof, or a call that shows the opposite, with what both do to it. "
		       "The JSON report (format boltseal.subset/1) has a, b, subset, proven and "
		       "counterexample (call, arch, nr, args, instruction_pointer, a, b).\n"
		       "\n"
		       "The JSON report (format boltseal.verify/1) has: denials and checked (how "
		       "many), runtime, calls (verdict, abi, syscall, number, args as index and "
		       "value, action, data, rule, needed_by with phases and programs) and "
		       "capabilities (names that were used and are not there).",
	.options = options,
	.examples =
		"# Would the workload run under Docker's own profile?\n"
		"boltseal verify --profile default.json --capabilities docker web.workload.json\n"
		"# With what the runtime itself needs\n"
		"boltseal verify -p web.json --runtime runc --runtime-version 1.1.5 "
		"web.workload.json\n"
		"# Is the new profile at least as strict as Docker's?\n"
		"boltseal verify --subset web.json default.json\n",
	.exit_status =
		"0 when nothing is denied, or A is a subset of B; 2 when something is, or A "
		"is none; 3 when it could not be proven, but no call that shows the opposite "
		"was found (filters that compute with arguments); 1 on errors.",
	.run = run_verify,
};
