#include <stdio.h>
#include <string.h>

#include "app/caps_list.h"
#include "app/command.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "profile/lint.h"

struct lint_run {
	struct lint_options o;
	enum lint_severity fail_on;
	struct json_object *json; /* the array of files, or NULL for text */
	struct buf text;
	bool found, incomplete;
};

static void lint_run_free(struct lint_run *r)
{
	if (r->json)
		json_object_put(r->json);
	buf_free(&r->text);
}

/* "5.4" */
static int read_kernel(const char *s, struct sc_kver *out, struct err *e)
{
	unsigned major, minor;
	char end;

	if (sscanf(s, "%3u.%3u%c", &major, &minor, &end) != 2 || major > UINT8_MAX ||
	    minor > UINT8_MAX)
		return err_set(e, EINVAL, "--libc-kernel '%s': expected two numbers such as 3.2",
			       s);
	*out = (struct sc_kver){ (uint8_t)major, (uint8_t)minor, 0 };
	return 0;
}

static int read_options(struct lint_run *r, const struct args *a, struct err *e)
{
	const char *nnp = args_value(a, "no-new-privileges"), *caps = args_value(a, "capabilities");
	const char *kernel = args_value(a, "libc-kernel"), *engine = args_value(a, "engine");
	const char *fail_on = args_value(a, "fail-on"), *form = args_value(a, "format");

	lint_options_default(&r->o);
	r->o.runtime = args_value(a, "runtime");
	r->o.runtime_version = args_value(a, "runtime-version");
	r->o.libseccomp = args_value(a, "libseccomp");
	r->o.engine = engine ? (enum lint_engine)lint_engine_parse(engine) : LINT_ANY_ENGINE;
	r->o.no_new_privs = nnp ? !strcmp(nnp, "on") : -1;
	r->fail_on = fail_on ? (enum lint_severity)lint_severity_parse(fail_on) : LINT_MEDIUM;
	if (form && !strcmp(form, "json"))
		r->json = json_object_new_array();
	if (!args_count(a))
		return usage_error(a, e, "expected a profile");
	if (r->o.runtime_version && !r->o.runtime)
		return usage_error(a, e, "--runtime-version needs --runtime");
	if (args_has(a, "fix") != args_has(a, "output"))
		return usage_error(a, e, "--fix and --output belong together");
	if (args_has(a, "fix") && args_count(a) != 1)
		return usage_error(a, e, "--fix takes one profile");
	if (kernel && read_kernel(kernel, &r->o.libc_kernel, e) < 0)
		return -EINVAL;
	if (caps && caps_list_parse(caps, &r->o.host.caps, e) < 0)
		return -EINVAL;
	return lint_options_check(&r->o, e);
}

static void put_counts(struct json_object *o, const struct lint_report *r)
{
	struct json_object *counts = json_object_new_object();

	for (int s = LINT_SEVERITY_COUNT; s-- > 0;)
		json_add(counts, lint_severity_name((enum lint_severity)s),
			 json_object_new_int64((int64_t)r->count[s]));
	json_add(o, "counts", counts);
	json_add(o, "incomplete", json_object_new_boolean(r->incomplete));
}

/* `corrected`: the report of the file before --fix, or NULL. */
static void put_report(struct lint_run *run, const char *name, const struct lint_report *r,
		       const struct lint_report *corrected)
{
	struct json_object *o;

	if (!run->json) {
		lint_text(name, r, &run->text);
		return;
	}
	o = json_object_new_object();
	json_add(o, "file", json_object_new_string(name));
	put_counts(o, r);
	json_add(o, "findings", lint_json(name, r));
	if (corrected) {
		struct json_object *before = lint_json(name, corrected);

		for (size_t i = corrected->n; i-- > 0;)
			if (!corrected->findings[i].fixable)
				json_object_array_del_idx(before, i, 1);
		json_add(o, "corrected", before);
	}
	json_append(run->json, o);
}

static void judge(struct lint_run *run, const struct lint_report *r)
{
	for (int s = run->fail_on; s < LINT_SEVERITY_COUNT; s++)
		run->found |= r->count[s] > 0;
	run->incomplete |= r->incomplete;
}

static size_t fixable(const struct lint_report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->findings[i].fixable;
	return n;
}

/* Writes the corrected profile, and reports what is left in it. */
static int fix(struct lint_run *run, const char *name, const struct buf *in,
	       const struct lint_report *before, const char *output, struct err *e)
{
	cleanup_lint_report struct lint_report left = { 0 };
	cleanup_free char *text = NULL;
	int rc = lint_fix(name, buf_str(in), in->len, &run->o, &text, e);

	if (rc == 0)
		rc = lint_profile(output, text, strlen(text), &run->o, &left, e);
	if (rc == 0)
		rc = io_write_file(output, text, strlen(text), e);
	if (rc < 0)
		return rc;
	if (!run->json)
		buf_printf(&run->text, "%s: corrected %zu of %zu findings; in %s are left:\n", name,
			   fixable(before), before->n, output);
	put_report(run, output, &left, before);
	judge(run, &left);
	return 0;
}

static int lint_file(struct lint_run *run, const char *path, const char *output, struct err *e)
{
	const char *name = strcmp(path, "-") ? path : "standard input";
	cleanup_buf struct buf in = { .max = SP_MAX_BYTES + 2 };
	cleanup_lint_report struct lint_report r = { 0 };
	int rc = io_read_file(path, SP_MAX_BYTES, &in, e);

	if (rc == 0)
		rc = lint_profile(name, buf_str(&in), in.len, &run->o, &r, e);
	if (rc < 0)
		return rc;
	if (output)
		return fix(run, name, &in, &r, output, e);
	put_report(run, name, &r, NULL);
	judge(run, &r);
	return 0;
}

static int print(struct lint_run *run, struct err *e)
{
	cleanup_json struct json_object *o = NULL;
	cleanup_free char *text = NULL;

	if (!run->json)
		return io_write_file(NULL, buf_str(&run->text), run->text.len, e);
	o = json_object_new_object();
	json_add(o, "format", json_object_new_string("boltseal.lint/1"));
	json_add(o, "files", json_object_get(run->json));
	text = json_text(o);
	return io_write_file(NULL, text, strlen(text), e);
}

static int print_checks_json(struct err *e)
{
	cleanup_json struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	cleanup_free char *text = NULL;

	json_add(o, "format", json_object_new_string("boltseal.lint-checks/1"));
	json_add(o, "checks", list);
	for (const struct lint_check *c = lint_checks; c->id; c++) {
		struct json_object *row = json_object_new_object();

		json_add(row, "id", json_object_new_string(c->id));
		json_add(row, "severity", json_object_new_string(lint_severity_name(c->severity)));
		json_add(row, "title", json_object_new_string(c->title));
		json_append(list, row);
	}
	text = json_text(o);
	return io_write_file(NULL, text, strlen(text), e) < 0 ? EXIT_ERROR : EXIT_OK;
}

static int print_checks(const struct args *a, struct err *e)
{
	const char *form = args_value(a, "format");
	cleanup_buf struct buf out = { 0 };

	if (form && !strcmp(form, "json"))
		return print_checks_json(e);
	for (const struct lint_check *c = lint_checks; c->id; c++)
		buf_printf(&out, "%-18s %-7s %s\n", c->id, lint_severity_name(c->severity),
			   c->title);
	return io_write_file(NULL, buf_str(&out), out.len, e) < 0 ? EXIT_ERROR : EXIT_OK;
}

static int run_lint(struct args *a, struct err *e)
{
	cleanup(lint_run_free) struct lint_run run = { 0 };

	if (args_has(a, "checks"))
		return args_count(a) ? usage_error(a, e, "--checks takes no profile")
				     : print_checks(a, e);
	if (read_options(&run, a, e))
		return EXIT_ERROR;
	for (size_t i = 0; i < args_count(a); i++)
		if (lint_file(&run, args_at(a, i), args_value(a, "output"), e) < 0)
			return EXIT_ERROR;
	if (print(&run, e) < 0)
		return EXIT_ERROR;
	return run.found ? EXIT_FINDINGS : run.incomplete ? EXIT_INCOMPLETE : EXIT_OK;
}

static const struct option_desc options[] = {
	{ 0, "engine", "NAME", "docker|podman|crun|containerd|cri-o",
	  "Who reads the profile; they differ in the members that they know." },
	{ 0, "runtime", "NAME", "runc|crun",
	  "The runtime under which it has to start containers; that of the engine is the "
	  "default." },
	{ 0, "runtime-version", "VERSION", NULL, "Its version, such as 1.1.5." },
	{ 0, "no-new-privileges", "on|off", "on|off",
	  "Whether the containers run with it, when the runtime makes fewer calls." },
	{ 0, "libseccomp", "VERSION", NULL,
	  "The version that the runtime uses, such as 2.5.4: names that it does not know are "
	  "reported." },
	{ 0, "libc-kernel", "VERSION", NULL,
	  "The Linux version that the containers' libc needs; newer calls that are refused must "
	  "answer ENOSYS. 3.2 is the default: glibc and musl run on it." },
	{ 0, "capabilities", "LIST", NULL,
	  "What the containers have, for conditions in Docker's and Podman's profiles: names "
	  "separated by commas, none, ALL, or docker (the default)." },
	{ 0, "fail-on", "SEVERITY", "high|medium|low|info",
	  "The lowest severity that makes the exit status 2; medium is the default." },
	{ 0, "fix", NULL, NULL,
	  "Corrects what can be corrected without changing what the profile means, and reports "
	  "what is left. Needs --output." },
	{ 0, "output", "FILE", NULL, "Where the corrected profile goes." },
	{ 0, "checks", NULL, NULL, "Lists the checks with their highest severity." },
	{ 'o', "format", "FORMAT", "json|text", "Format of the report; text is the default." },
	{ 0 },
};

const struct command command_lint = {
	.name = "lint",
	.synopsis = "[OPTION]... PROFILE...",
	.summary = "Finds what is wrong or dangerous in a seccomp profile, with the fix.",
	.description =
		"Reads seccomp profiles of any origin (OCI, Docker's or Podman's dialect; - is "
		"standard input) and reports what lets more through than it says, what keeps "
		"containers from starting, what breaks programs, and what has no effect. Each "
		"finding has its place as file:line:column and JSON pointer, the reason, the fix, "
		"and often the corrected rule.\n"
		"\n"
		"What a profile means is taken as docs/profiles.md says: conditions at the width "
		"that the kernel gives an argument, all conditions of a rule together, rules with "
		"conditions before those without, then the strictest action. Findings are where "
		"container runtimes and libseccomp make something else of it, and where the "
		"meaning itself is dangerous.\n"
		"\n"
		"With --fix the corrected profile is proven to mean the same as the original for "
		"every possible call before it is written. What needs a decision is left and "
		"reported.\n"
		"\n"
		"The JSON report (format boltseal.lint/1) has files, each with file, counts (of "
		"findings by severity), incomplete (the profile was too large to be looked at in "
		"full), findings and, with --fix, corrected: the findings that are gone. A finding "
		"has check, severity, title, file, line, column, pointer, what, why, fix, "
		"reference, fixable and, where there is one, rules: the corrected rules. The list "
		"of checks (format boltseal.lint-checks/1) has checks, each with id, severity and "
		"title.",
	.options = options,
	.examples =
		"# A profile from the net, for Docker\n"
		"boltseal lint --engine docker profile.json\n"
		"# For a node with runc 1.1.5 and libseccomp 2.5.4\n"
		"boltseal lint --runtime runc --runtime-version 1.1.5 --libseccomp 2.5.4 p.json\n"
		"# The corrected profile\n"
		"boltseal lint --fix --output better.json profile.json\n",
	.exit_status =
		"0 when nothing of that severity is found, 2 when something is, 1 on errors, "
		"3 when a profile was too large to be looked at in full.",
	.run = run_lint,
};
