#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "probe/probe.h"

/* How the text marks a state, with and without UTF-8. */
static const struct {
	const char *utf8, *ascii;
	enum log_style style;
} marks[PROBE_STATE_COUNT] = {
	[PROBE_YES] = { "✓", "yes", LOG_GREEN },
	[PROBE_LIMITED] = { "–", "lim", LOG_YELLOW },
	[PROBE_NO] = { "✗", "no ", LOG_RED },
};

static const char *recorder(const struct probe_verdict *v)
{
	return v->record_ebpf ? "ebpf" : v->record_ptrace ? "ptrace" : "none";
}

static void print_json(const struct probe_result *results, const struct probe_verdict *v)
{
	cleanup_json struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	cleanup_free char *text = NULL;

	for (size_t i = 0; i < probe_count(); i++) {
		const struct probe_feature *f = probe_at(i);
		struct json_object *row = json_object_new_object();
		const char *state = probe_state_name(results[i].state);

		json_object_object_add(row, "id", json_object_new_string(f->id));
		json_object_object_add(row, "group", json_object_new_string(f->group));
		json_object_object_add(row, "title", json_object_new_string(f->title));
		json_object_object_add(row, "state", json_object_new_string(state));
		json_object_object_add(row, "detail", json_object_new_string(results[i].detail));
		json_object_object_add(row, "use", json_object_new_string(f->use));
		json_object_object_add(row, "fix", json_object_new_string(f->fix));
		json_object_array_add(list, row);
	}
	json_object_object_add(o, "format", json_object_new_string("boltseal.doctor/1"));
	json_object_object_add(o, "record", json_object_new_string(recorder(v)));
	json_object_object_add(o, "seal", json_object_new_boolean(v->seal));
	json_object_object_add(o, "features", list);
	text = json_text(o);
	fputs(text, stdout);
}

static int title_width(void)
{
	size_t width = 0;

	for (size_t i = 0; i < probe_count(); i++)
		if (strlen(probe_at(i)->title) > width)
			width = strlen(probe_at(i)->title);
	return (int)width;
}

static void print_row(const struct probe_feature *f, const struct probe_result *r, bool utf8,
		      int width)
{
	const char *plain = log_style(stdout, LOG_PLAIN), *dim = log_style(stdout, LOG_DIM);
	const char *mark = utf8 ? marks[r->state].utf8 : marks[r->state].ascii;
	int indent = 2 + (utf8 ? 1 : 3) + 1;

	printf("  %s%s%s %-*s  %s\n", log_style(stdout, marks[r->state].style), mark, plain, width,
	       f->title, r->detail);
	printf("%*s%-*s  %s%s%s\n", indent, "", width, "", dim, f->use, plain);
	if (r->state != PROBE_YES && f->fix[0])
		printf("%*s%-*s  %s %s\n", indent, "", width, "", utf8 ? "→" : "->", f->fix);
}

static void print_text(const struct probe_result *results, const struct probe_verdict *v)
{
	bool utf8 = setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
	const char *group = "";
	int width = title_width();

	for (size_t i = 0; i < probe_count(); i++) {
		const struct probe_feature *f = probe_at(i);

		if (strcmp(group, f->group))
			printf("%s%s%s%s\n", i ? "\n" : "", log_style(stdout, LOG_BOLD), f->group,
			       log_style(stdout, LOG_PLAIN));
		group = f->group;
		print_row(f, &results[i], utf8, width);
	}
	printf("\nboltseal will record with %s.\n",
	       v->record_ebpf	  ? "eBPF"
	       : v->record_ptrace ? "ptrace, because eBPF is not possible"
				  : "nothing: neither eBPF nor ptrace is possible");
	printf("Profiles %s be enforced here.\n", v->seal ? "can" : "cannot");
}

static int doctor_run(struct args *a, struct err *e)
{
	cleanup_free struct probe_result *results = xcalloc(probe_count(), sizeof(*results));
	const char *output = args_value(a, "format");
	struct log_progress progress;
	struct probe_verdict v;

	if (args_count(a))
		return usage_error(a, e, "expected no arguments, got '%s'", args_at(a, 0));
	log_progress_begin(&progress);
	for (size_t i = 0; i < probe_count(); i++) {
		log_progress_update(&progress, "looking at %s", probe_at(i)->title);
		probe_at(i)->probe(&results[i]);
	}
	log_progress_end(&progress);
	probe_conclude(results, &v);
	if (output && !strcmp(output, "json"))
		print_json(results, &v);
	else
		print_text(results, &v);
	return (v.record_ebpf || v.record_ptrace) && v.seal ? EXIT_OK : EXIT_INCOMPLETE;
}

static const struct option_desc options[] = {
	{ 'o', "format", "FORMAT", "json|text", "Format of the result; text is the default." },
	{ 0 },
};

const struct command command_doctor = {
	.name = "doctor",
	.synopsis = "[OPTION]...",
	.summary = "Says what this kernel and host support and what boltseal will use.",
	.description =
		"Looks at each thing that boltseal uses, mostly by trying it: whether it is there, "
		"what "
		"boltseal does with it, and what to do when it is missing. Nothing is changed.\n"
		"\n"
		"JSON (format boltseal.doctor/1): record (ebpf, ptrace or none), seal (true or "
		"false), "
		"features: a list of id, group, title, state (yes, limited or no), detail, use and "
		"fix. "
		"Features keep their id from version to version.",
	.options = options,
	.examples =
		"# What is missing here\n"
		"boltseal doctor\n"
		"# All that is not there, for a script\n"
		"boltseal doctor -o json | jq -r '.features[] | select(.state == \"no\") | .id'\n",
	.exit_status =
		"0 when programs can be recorded, by eBPF or ptrace, and profiles enforced; 3 when "
		"something essential is missing; 1 on errors.",
	.run = doctor_run,
};
