#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/command.h"
#include "app/show.h"
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

static int show_run(struct args *a, struct err *e)
{
	cleanup_workload struct workload w = { 0 };
	cleanup_buf struct buf out = { 0 };
	const char *format = args_value(a, "format"), *program = args_value(a, "program");
	struct show s = { .w = &w, .out = &out, .program = -1, .width = terminal_width() };

	if (read_options(a, &s, e) || wl_load(&w, args_at(a, 0), e))
		return EXIT_ERROR;
	if (format && !strcmp(format, "json"))
		return wl_save(&w, NULL, e) ? EXIT_ERROR : EXIT_OK;
	wl_sort(&w);
	if (program && find_program(&s, program, e))
		return EXIT_ERROR;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!s.sections || (s.sections & parts[i].section))
			parts[i].print(&s);
	fwrite(buf_str(&out), 1, out.len, stdout);
	return EXIT_OK;
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
	{ 0 },
};

const struct command command_show = {
	.name = "show",
	.synopsis = "[OPTION]... MODEL",
	.summary = "Prints a workload model for people.",
	.description =
		"Prints what a workload does: where the knowledge comes from and what it lacks, "
		"system calls by phase, capabilities with the evidence for them, programs, network "
		"and files. The options for single parts print those in full and can be combined.\n"
		"\n"
		"The phases: runtime and runtime_sealed are the container runtime's before the "
		"workload starts, without and with the seccomp filter; start lasts until the "
		"program first waits for requests; then it is serving.",
	.options = options,
	.examples = "# An overview\n"
		    "boltseal show nginx.json\n"
		    "# What it needs once it runs\n"
		    "boltseal show --syscalls --phase=serving nginx.json\n"
		    "# The files of one program\n"
		    "boltseal show --files --program=/usr/sbin/nginx nginx.json\n",
	.run = show_run,
};
