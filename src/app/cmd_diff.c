#include <string.h>

#include "app/command.h"
#include "app/diff_models.h"
#include "app/operand.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "profile/diff.h"

struct diff {
	struct operand a, b;
	struct buf out;
	bool json;
};

static void diff_free(struct diff *d)
{
	operand_free(&d->a);
	operand_free(&d->b);
	buf_free(&d->out);
}

/* The number of differences, or a negative errno. */
static int diff_workloads(struct diff *d, bool all)
{
	uint32_t phases = all ? UINT32_MAX : WL_PROGRAM_PHASES;
	cleanup_model_diff struct model_diff *m = diff_models(&d->a.model, &d->b.model, phases);

	if (d->json)
		json_put_text(&d->out, model_diff_json(m, d->a.name, d->b.name));
	else
		model_diff_text(m, d->a.name, d->b.name, &d->out);
	return model_diff_count(m) ? 1 : 0;
}

static int diff_filters(struct diff *d, struct err *e)
{
	struct sp_operand a = operand_of(&d->a), b = operand_of(&d->b);
	cleanup_sp_diff struct sp_diff s = { 0 };
	int r = sp_diff(&a, &b, &s, e);

	if (r < 0)
		return r;
	if (d->json)
		json_put_text(&d->out, sp_diff_json(&s, &a, &b));
	else
		sp_diff_text(&s, &a, &b, &d->out);
	return s.n ? 1 : 0;
}

static int load(struct diff *d, const struct args *a, struct err *e)
{
	const char *bad_arch = args_value(a, "bad-arch");
	int r = operand_load(&d->a, args_at(a, 0), NULL, e);

	if (r == 0)
		r = operand_load(&d->b, args_at(a, 1), NULL, e);
	if (r == 0)
		r = operand_bad_arch(&d->a, bad_arch, e);
	if (r == 0)
		r = operand_bad_arch(&d->b, bad_arch, e);
	if (r == 0 && (d->a.kind == OPERAND_MODEL) != (d->b.kind == OPERAND_MODEL))
		return err_set(e, EINVAL, "%s is %s and %s is %s, which cannot be compared",
			       d->a.name, operand_kind_name(d->a.kind), d->b.name,
			       operand_kind_name(d->b.kind));
	return r;
}

static int run_diff(struct args *a, struct err *e)
{
	cleanup(diff_free) struct diff d = { 0 };
	const char *format = args_value(a, "format");
	int r;

	d.json = format && !strcmp(format, "json");
	if (args_count(a) != 2)
		return usage_error(a, e, "expected two things to compare");
	r = load(&d, a, e);
	if (r < 0)
		return EXIT_ERROR;
	operand_remarks(&d.a);
	operand_remarks(&d.b);
	r = d.a.kind == OPERAND_MODEL ? diff_workloads(&d, args_has(a, "all-phases"))
				      : diff_filters(&d, e);
	if (r < 0 || io_write_file(NULL, buf_str(&d.out), d.out.len, e) < 0)
		return EXIT_ERROR;
	return r ? EXIT_FINDINGS : EXIT_OK;
}

static const struct option_desc options[] = {
	{ 'o', "format", "FORMAT", "json|text", "Format of the result; text is the default." },
	{ 0, "bad-arch", "ACTION", "kill_process|kill_thread",
	  "What happens to calls of architectures that a profile does not list, which no profile "
	  "says: kill_process (the default), or kill_thread, as libseccomp does." },
	{ 0, "all-phases", NULL, NULL,
	  "Models: also what the container runtime did before the program started." },
	{ 0 },
};

const struct command command_diff = {
	.name = "diff",
	.synopsis = "[OPTION]... A B",
	.summary = "Says how two profiles, filters or workload models differ.",
	.description =
		"A and B are two workload models, or two of these in any combination: a seccomp "
		"profile (JSON of OCI, Docker or Podman), a compiled filter in a file (struct "
		"sock_filter as raw bytes, or base64 of them), and pid:N, the filters of a running "
		"process or thread. - is standard input.\n"
		"\n"
		"Profiles and filters are compared by what they do, not by how they are written: "
		"for every system call of every ABI, with all arguments. Each call that is treated "
		"differently is listed with what A and B do to it, in words, and with one call as "
		"an example. - marks calls where A lets more through, + those where B does. No "
		"difference listed means that there is none: the answer is computed for every "
		"possible call.\n"
		"\n"
		"Reading the filters of a process stops it for a moment and needs CAP_SYS_ADMIN "
		"and a kernel with CONFIG_CHECKPOINT_RESTORE. Several filters of one process count "
		"as the kernel combines them: the strictest action wins. A process that has none "
		"allows everything.\n"
		"\n"
		"Of models the program's phases are compared: system calls, their arguments, "
		"capabilities, programs, network and files.\n"
		"\n"
		"The JSON result (format boltseal.diff/1) has: kind (seccomp or workload), a, b, "
		"equal; for seccomp a_subset_of_b, b_subset_of_a and changes (kind, abi, syscall, "
		"always, a_laxer, b_laxer, a and b as lists of action, data and when, example); "
		"for workloads syscalls, arguments, capabilities, programs, network and files "
		"(change, what, a, b).",
	.options = options,
	.examples = "# What has become of the profile?\n"
		    "boltseal diff web-1.json web-2.json\n"
		    "# Does the running container have what the profile says?\n"
		    "boltseal diff --bad-arch kill_thread web.json pid:4711\n"
		    "# What does the new version of the program do?\n"
		    "boltseal diff web-1.workload.json web-2.workload.json\n",
	.exit_status = "0 when both are equal, 2 when they differ, 1 on errors.",
	.run = run_diff,
};
