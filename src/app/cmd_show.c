#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/command.h"
#include "app/operand.h"
#include "app/show.h"
#include "app/show_filter.h"
#include "base/cleanup.h"
#include "base/suggest.h"

static const struct {
	const char *option;
	unsigned section;
	void (*print)(struct show *s);
} parts[] = {
	{ NULL, 0, show_identity },
	{ NULL, 0, show_sources },
	{ "syscalls", SHOW_SYSCALLS, show_syscalls },
	{ "capabilities", SHOW_CAPS, show_caps },
	{ "programs", SHOW_PROGRAMS, show_programs },
	{ "network", SHOW_NET, show_net },
	{ "files", SHOW_FILES, show_files },
};

static unsigned terminal_width(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_col < 40)
		return 100;
	return ws.ws_col;
}

static int find_program(struct show *s, const char *path, struct err *e)
{
	struct suggest near;

	s->program = wl_program_find(s->w, path);
	if (s->program >= 0)
		return 0;
	suggest_begin(&near, path);
	for (size_t i = 0; i < s->w->programs_n; i++)
		suggest_offer(&near, s->w->programs[i].path, strlen(s->w->programs[i].path));
	if (near.found)
		return err_set(e, ENOENT, "there is no program %s in the model; did you mean %s?",
			       path, near.found);
	return err_set(e, ENOENT, "there is no program %s in the model; --programs lists them",
		       path);
}

static int read_options(const struct args *a, struct show *s, struct err *e)
{
	const char *phase = args_value(a, "phase");
	const char *format = args_value(a, "format");
	bool json = format && !strcmp(format, "json");

	if (args_count(a) != 1)
		return usage_error(a, e,
				   args_count(a) ? "one model at a time" : "the model is missing");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].option && args_has(a, parts[i].option))
			s->sections |= parts[i].section;
	if (json && (s->sections || phase || args_has(a, "program")))
		return usage_error(a, e, "-o json prints the whole model; it takes no selection");
	s->phases = phase ? WL_PHASE_BIT(wl_phase_parse(phase)) : UINT32_MAX;
	return EXIT_OK;
}

static int show_model(struct show *s, const struct args *a, struct err *e)
{
	const char *program = args_value(a, "program"), *format = args_value(a, "format");

	if (args_has(a, "disassemble"))
		return usage_error(a, e, "--disassemble is for profiles and filters");
	if (format && !strcmp(format, "json"))
		return wl_save(s->w, NULL, e) ? EXIT_ERROR : EXIT_OK;
	wl_sort(s->w);
	if (program && find_program(s, program, e))
		return EXIT_ERROR;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!s->sections || (s->sections & parts[i].section))
			parts[i].print(s);
	fwrite(buf_str(s->out), 1, s->out->len, stdout);
	return EXIT_OK;
}

static int show_run(struct args *a, struct err *e)
{
	cleanup_operand struct operand o = { 0 };
	cleanup_buf struct buf out = { 0 };
	const char *format = args_value(a, "format");
	struct show s = { .w = &o.model, .out = &out, .program = -1, .width = terminal_width() };

	if (read_options(a, &s, e) || operand_load(&o, args_at(a, 0), NULL, e) < 0 ||
	    operand_bad_arch(&o, args_value(a, "bad-arch"), e) < 0)
		return EXIT_ERROR;
	if (o.kind == OPERAND_MODEL)
		return show_model(&s, a, e);
	if (s.sections || args_has(a, "phase") || args_has(a, "program"))
		return usage_error(a, e, "%s is %s; only models have parts to select", o.name,
				   operand_kind_name(o.kind));
	operand_remarks(&o);
	return show_filter(&o, format && !strcmp(format, "json"), args_has(a, "disassemble"),
			   s.width, e) < 0
		       ? EXIT_ERROR
		       : EXIT_OK;
}

static const struct option_desc options[] = {
	{ 'o', "format", "FORMAT", "json|text",
	  "text, the default, is for people; json is the model itself in its regular order." },
	{ 0, "syscalls", NULL, NULL,
	  "Each system call with its phases, its programs and the arguments that were seen." },
	{ 0, "files", NULL, NULL, "Each file with what was done to it." },
	{ 0, "capabilities", NULL, NULL, "Each capability with where it was checked." },
	{ 0, "network", NULL, NULL, "Listening, connections, datagrams." },
	{ 0, "programs", NULL, NULL, "Which program executed which." },
	{ 0, "phase", "PHASE", "runtime|runtime_sealed|start|serving",
	  "Only what happened in this phase." },
	{ 0, "program", "PATH", NULL, "Only what this program did." },
	{ 0, "disassemble", NULL, NULL,
	  "Filters: the program, with comments; a profile is compiled for that." },
	{ 0, "bad-arch", "ACTION", "kill_process|kill_thread",
	  "Profiles: what happens to calls of architectures that are not listed; kill_process is "
	  "the default, kill_thread is what libseccomp does." },
	{ 0 },
};

const struct command command_show = {
	.name = "show",
	.synopsis = "[OPTION]... MODEL|PROFILE|FILTER|pid:N",
	.summary = "Prints a workload model, or explains a profile or filter.",
	.description =
		"Of a workload model it prints what the workload does: where the knowledge comes "
		"from and what it lacks, "
		"system calls by phase, capabilities with the evidence for them, programs, network "
		"and files. The options for single parts print those in full and can be combined.\n"
		"\n"
		"The phases: runtime and runtime_sealed are the container runtime's before the "
		"workload starts, without and with the seccomp filter; start lasts until the "
		"program first waits for requests; then it is serving.\n"
		"\n"
		"A seccomp profile (JSON of OCI, Docker or Podman), a compiled filter (struct "
		"sock_filter as raw bytes, or base64 of them) and pid:N, the filters of a running "
		"process, are explained: which calls are allowed, under which conditions on their "
		"arguments, which errno the others get, for each ABI. That is computed from what "
		"the filter does to every possible call. --disassemble prints the program.\n"
		"\n"
		"As JSON: the model itself; of a filter (format boltseal.filter/1) name, filters "
		"and instructions (how many), abis (abi, otherwise, syscalls with a list of "
		"action, "
		"data and when for each) and other_architectures; of a program (format "
		"boltseal.disassembly/1) name and filters, each a list of pc, code, jt, jf, k, "
		"text "
		"and comment.",
	.options = options,
	.examples = "# An overview\n"
		    "boltseal show nginx.json\n"
		    "# What it needs once it runs\n"
		    "boltseal show --syscalls --phase=serving nginx.json\n"
		    "# The files of one program\n"
		    "boltseal show --files --program=/usr/sbin/nginx nginx.json\n"
		    "# What does the filter of a running process allow?\n"
		    "boltseal show pid:4711\n"
		    "# The program that a profile becomes\n"
		    "boltseal show --disassemble seccomp.json\n",
	.run = show_run,
};
