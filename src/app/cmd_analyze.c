#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/analyze.h"
#include "base/mem.h"
#include "elf/analyze.h"

/* A program given by name, as a shell finds it; NULL: there is none. */
static char *search_path(const char *name)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t n = strcspn(path, ":");
		cleanup_free char *file = xasprintf("%.*s/%s", (int)n, path, name);
		struct stat st;

		if (n && access(file, X_OK) == 0 && stat(file, &st) == 0 && S_ISREG(st.st_mode))
			return take_ptr(file);
		path += n + (path[n] == ':');
	}
	return NULL;
}

/* The program's path inside the root; on the host it may be relative or just a name. */
static char *program_path(const struct args *a, struct err *e)
{
	const char *given = args_at(a, 0);
	char *path = NULL;

	if (args_has(a, "rootfs"))
		return *given == '/' ? xstrdup(given) : xasprintf("/%s", given);
	if (!strchr(given, '/') && access(given, F_OK) != 0) {
		cleanup_free char *found = search_path(given);

		if (found)
			path = realpath(found, NULL);
	} else {
		path = realpath(given, NULL);
	}
	if (!path)
		err_errno(e, errno, "%s: cannot find this program", given);
	return path;
}

/* Names of one ABI that have just these phases, in columns that fit into a line. */
static void list_names(const struct workload *w, enum sc_abi abi, uint32_t phases,
		       const char *title, struct buf *out)
{
	unsigned column = 0;
	bool any = false;

	for (size_t i = 0; i < w->syscalls_n; i++) {
		const struct wl_syscall *s = &w->syscalls[i];
		char number[16];
		const char *name = s->desc ? s->desc->name : number;

		if (s->abi != abi || s->prov.phases != phases)
			continue;
		if (!any)
			buf_puts(out, title);
		any = true;
		snprintf(number, sizeof(number), "%u", s->nr);
		if (column && column + strlen(name) > 90) {
			buf_putc(out, '\n');
			column = 0;
		}
		buf_printf(out, "%s%s", column ? " " : "    ", name);
		column += (unsigned)strlen(name) + 1;
	}
	if (any)
		buf_putc(out, '\n');
}

static unsigned count_calls(const struct workload *w, enum sc_abi abi, uint32_t phases)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->syscalls_n; i++)
		n += w->syscalls[i].abi == abi && w->syscalls[i].prov.phases & phases;
	return n;
}

static void list_calls(const struct workload *w, enum sc_abi abi, struct buf *out)
{
	unsigned n = count_calls(w, abi, WL_PROGRAM_PHASES);
	unsigned start = count_calls(w, abi, WL_PHASE_BIT(WL_START));
	unsigned serving = count_calls(w, abi, WL_PHASE_BIT(WL_SERVING));

	if (!n)
		return;
	buf_printf(out, "%s: %u system calls", sc_abi_name(abi), n);
	if (start != n || serving != n)
		buf_printf(out, ", %u at start-up, %u while serving", start, serving);
	buf_putc(out, '\n');
	list_names(w, abi, WL_PROGRAM_PHASES, "", out);
	list_names(w, abi, WL_PHASE_BIT(WL_START), "  only at start-up:\n", out);
	list_names(w, abi, WL_PHASE_BIT(WL_SERVING), "  only while serving:\n", out);
}

static void print_text(const struct analyze *a)
{
	cleanup_buf struct buf out = { 0 };

	buf_append(&out, buf_str(&a->head), a->head.len);
	for (int abi = 0; abi < SC_ABI_COUNT; abi++)
		list_calls(&a->model, abi, &out);
	buf_append(&out, buf_str(&a->gaps), a->gaps.len);
	fwrite(buf_str(&out), 1, out.len, stdout);
}

static int explain(const struct elf_analysis *x, const char *name, struct buf *out, struct err *e)
{
	static const enum sc_abi abis[] = { SC_X86_64, SC_AARCH64, SC_I386 };
	const struct sc_desc *d = sc_by_name(name);
	const char *near = d ? NULL : sc_suggest(name);

	if (!d)
		return err_set(e, EINVAL, "there is no system call '%s'%s%s%s", name,
			       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	for (size_t i = 0; i < ARRAY_SIZE(abis); i++) {
		cleanup_buf struct buf way = { 0 };

		if (d->nr[abis[i]] < 0 ||
		    !elf_analysis_explain(x, abis[i], (unsigned)d->nr[abis[i]], &way))
			continue;
		buf_printf(out, "%s (%s %d)\n%s", name, sc_abi_name(abis[i]), d->nr[abis[i]],
			   buf_str(&way));
	}
	return 0;
}

int analyze_program(struct analyze *a, const struct elf_files *files, const char *path,
		    struct err *e)
{
	cleanup_elf_analysis struct elf_analysis x = { 0 };
	const char *call = args_value(a->args, "explain"), *real;
	struct elf_options opt = { .facts = elf_cache_facts,
				   .facts_ctx = &a->cache,
				   .libraries = a->libraries,
				   .no_assumptions = args_has(a->args, "no-assumptions"),
				   .script = args_value(a->args, "script"),
				   .commands = (char *const *const *)a->commands,
				   .commands_n = a->commands_n };
	struct wl_source *s;
	int source, r;

	r = elf_analyze(&x, files, path, &opt, e);
	if (r)
		return r;
	real = x.linker.objects[0]->path;
	source = elf_analysis_model(&x, &a->model);
	s = &a->model.sources[source];
	s->target = wl_string(&a->model, real);
	s->version = BOLTSEAL_VERSION;
	if (!a->model.identity.name)
		a->model.identity.name = wl_string(&a->model, strrchr(real, '/') + 1);
	a->model.identity.arch = sc_abi_name(elf_analysis_abi(&x));
	buf_printf(&a->head, "%s: %zu files\n", real, x.linker.objects_n);
	elf_analysis_loops(&x, &a->gaps);
	elf_analysis_executed(&x, &a->gaps);
	elf_analysis_assumptions(&x, &a->gaps);
	elf_analysis_gaps(&x, &a->gaps);
	return call ? explain(&x, call, &a->ways, e) : 0;
}

/* What is done with the result; the exit code. */
static int deliver(struct analyze *a, struct err *e)
{
	const char *format = args_value(a->args, "format"), *output = args_value(a->args, "output");
	const char *call = args_value(a->args, "explain");
	int r = 0;

	wl_sort(&a->model);
	if (output)
		r = wl_save(&a->model, output, e);
	if (!r && call && a->ways.len)
		fwrite(buf_str(&a->ways), 1, a->ways.len, stdout);
	else if (!r && call)
		printf("%s: cannot be reached\n", call);
	else if (!r && format && !strcmp(format, "json"))
		r = wl_save(&a->model, NULL, e);
	else if (!r && !output)
		print_text(a);
	if (r)
		return EXIT_ERROR;
	return wl_incomplete(&a->model) ? EXIT_INCOMPLETE : EXIT_OK;
}

static int analyze_in_root(struct analyze *a, struct err *e)
{
	cleanup_elf_dir struct elf_dir dir = { .fd = -1 };
	const char *root = args_value(a->args, "rootfs");
	cleanup_free char *path = NULL;
	struct elf_files files;
	int r = elf_dir_open(&dir, root ? root : "/", e);

	if (r)
		return r;
	path = program_path(a->args, e);
	if (!path)
		return -ENOENT;
	files = elf_dir_files(&dir);
	return analyze_program(a, &files, path, e);
}

static int check_arguments(struct analyze *a, struct err *e)
{
	const struct args *args = a->args;
	bool image = args_has(args, "image");
	size_t n = args_count(args);

	if (image && args_has(args, "rootfs"))
		return usage_error(args, e, "either --image or --rootfs");
	if (args_has(args, "image-name") && !image)
		return usage_error(args, e, "--image-name chooses an image of --image");
	if (n > 1 || (!n && !image))
		return usage_error(args, e, n ? "one program at a time" : "the program is missing");
	if (!n && args_has(args, "command"))
		return usage_error(args, e, "--command is about one PROGRAM");
	if (args_has(args, "explain") && args_has(args, "format"))
		return usage_error(args, e, "--explain prints text; it takes no --format");
	for (size_t i = 0; args_value_at(args, "library", i); i++) {
		if (i == ANALYZE_MAX_LIBRARIES)
			return usage_error(args, e, "at most %d times --library",
					   ANALYZE_MAX_LIBRARIES);
		a->libraries[i] = args_value_at(args, "library", i);
	}
	for (size_t i = 0; args_value_at(args, "command", i); i++) {
		char **argv = asked_split(args_value_at(args, "command", i));

		if (i == ANALYZE_MAX_COMMANDS || !argv || !argv[0]) {
			asked_split_free(argv);
			return usage_error(args, e,
					   i == ANALYZE_MAX_COMMANDS
						   ? "--command is given too often"
						   : "--command: a quote is not closed, or "
						     "the program's name is missing");
		}
		a->commands[a->commands_n++] = argv;
	}
	return 0;
}

static void analyze_free(struct analyze *a)
{
	for (size_t i = 0; i < a->commands_n; i++)
		asked_split_free(a->commands[i]);
	elf_cache_close(&a->cache);
	wl_free(&a->model);
	buf_free(&a->head);
	buf_free(&a->gaps);
	buf_free(&a->ways);
}

static int analyze_run(struct args *args, struct err *e)
{
	cleanup(analyze_free) struct analyze a = { .args = args };
	const char *name = args_value(args, "name");
	int r;

	wl_init(&a.model);
	r = check_arguments(&a, e);
	if (r)
		return r;
	if (!args_has(args, "no-cache"))
		elf_cache_open(&a.cache);
	if (name)
		a.model.identity.name = wl_string(&a.model, name);
	r = args_has(args, "image") ? analyze_image(&a, e) : analyze_in_root(&a, e);
	if (r)
		return EXIT_ERROR;
	*e = (struct err){ 0 }; /* of folders in which a library was looked for in vain */
	return deliver(&a, e);
}

static const struct option_desc options[] = {
	{ 0, "output", "FILE", NULL,
	  "Writes the workload model there. The file is replaced in one step." },
	{ 'o', "format", "FORMAT", "json|text",
	  "text, the default, lists the system calls; json is the workload model." },
	{ 0, "explain", "CALL", NULL,
	  "Shows the way from the program's start to this system call: file and function of each "
	  "step." },
	{ 0, "rootfs", "DIR", NULL,
	  "A directory that is the root of the program's file system; the program's path is one "
	  "inside it. Libraries are looked for only there." },
	{ 0, "image", "FILE", NULL,
	  "A saved image: an archive of docker save or podman save, or an OCI image layout as a "
	  "directory or archive. Without PROGRAM: what its entry point and command execute." },
	{ 0, "image-name", "NAME", NULL,
	  "With --image, when it has several: a reference, a tag, or an architecture such as "
	  "arm64." },
	{ 0, "library", "FILE", NULL,
	  "A further file that the program loads while it runs, such as a module named in its "
	  "configuration; a path, or a name that is looked for as dlopen(3) does. All functions it "
	  "exports count as used. May be given several times." },
	{ 0, "script", "FILE", NULL,
	  "The script that PROGRAM, Python or Node.js, runs: its path inside the root. Then of the "
	  "functions in C that scripts call by name only those count that the script, what it "
	  "loads, or the interpreter mentions." },
	{ 0, "command", "LINE", NULL,
	  "The command line that starts PROGRAM, such as 'named -u bind', in the quotes of a "
	  "shell. "
	  "Then code of some well-known servers counts only when it, or the configuration that "
	  "they "
	  "read, has the option or directive that asks for it. May be given several times, for "
	  "several ways to start it." },
	{ 0, "no-assumptions", NULL, NULL,
	  "Counts code too that is left out because of what can be expected of the system and of "
	  "libraries: the lines \"left out\" of the text output." },
	{ 0, "name", "NAME", NULL,
	  "The workload's name in the model; the default is that of the program." },
	{ 0, "no-cache", NULL, NULL,
	  "Reads the code of all files, and keeps nothing for the next time." },
	{ 0 },
};

const struct command command_analyze = {
	.name = "analyze",
	.synopsis = "[OPTION]... (PROGRAM | --image FILE [PROGRAM])",
	.summary = "Finds the system calls that a program can make from its code.",
	.description =
		"Reads the machine code of a program and of the libraries it loads, follows it "
		"from "
		"the start, and lists every system call that can be reached: also those of rare "
		"paths that no recording saw. Nothing is executed. ELF files for x86-64 and "
		"AArch64, "
		"stripped or not.\n"
		"\n"
		"The result is larger than what the program needs in practice: where the code "
		"calls "
		"through a pointer, every function whose address the reached code or data contains "
		"counts as called. Programs that it executes are not part of it. Combine the model "
		"with recordings by merge.\n"
		"\n"
		"Where a loop is found in which the program serves, the calls are told apart: what "
		"can be made before a process gets into it, and what from then on "
		"(docs/analysis.md "
		"says what counts as such a loop).\n"
		"\n"
		"With --image, files come from a saved image without unpacking it. Its entry point "
		"and command are looked up; scripts are read for their interpreter and, when a "
		"shell runs them, for the commands in them; what is found is analysed together.\n"
		"\n"
		"What was read of a file is kept below $XDG_CACHE_HOME/boltseal, or "
		"/var/cache/boltseal for root, by the SHA-256 of its content.",
	.options = options,
	.examples = "# Which system calls can this server make?\n"
		    "boltseal analyze /usr/sbin/nginx\n"
		    "# Why is bind(2) among them?\n"
		    "boltseal analyze --explain=bind /usr/sbin/nginx\n"
		    "# A model of the program in an unpacked image\n"
		    "boltseal analyze --rootfs=rootfs --output=static.json /usr/sbin/nginx\n"
		    "# What an image executes\n"
		    "docker save -o web.tar web:1.2 && boltseal analyze --image web.tar\n",
	.exit_status = "0 when all calls are known, 1 on errors, 3 when a library is missing, or "
		       "when a system call was found whose number "
		       "is not known: the model then contains all calls; with --image also when "
		       "scripts execute commands whose names are made while they run.",
	.run = analyze_run,
};
