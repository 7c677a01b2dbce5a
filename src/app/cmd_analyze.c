#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/command.h"
#include "base/mem.h"
#include "elf/analyze.h"
#include "elf/cache.h"

enum { MAX_LIBRARIES = 256 };

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
		err_errno(e, ENOENT, "%s: cannot find this program", given);
	return path;
}

/* Names of one ABI in columns that fit into a line. */
static void list_calls(const struct workload *w, enum sc_abi abi, struct buf *out)
{
	unsigned n = 0, column = 0;

	for (size_t i = 0; i < w->syscalls_n; i++)
		n += w->syscalls[i].abi == abi;
	if (!n)
		return;
	buf_printf(out, "%s: %u system calls\n", sc_abi_name(abi), n);
	for (size_t i = 0; i < w->syscalls_n; i++) {
		const struct wl_syscall *s = &w->syscalls[i];
		char number[16];
		const char *name = s->desc ? s->desc->name : number;

		if (s->abi != abi)
			continue;
		snprintf(number, sizeof(number), "%u", s->nr);
		if (column && column + strlen(name) > 90) {
			buf_putc(out, '\n');
			column = 0;
		}
		buf_printf(out, "%s%s", column ? " " : "    ", name);
		column += (unsigned)strlen(name) + 1;
	}
	buf_putc(out, '\n');
}

static void print_text(const struct elf_analysis *x, const struct workload *w)
{
	cleanup_buf struct buf out = { 0 };

	buf_printf(&out, "%s: %zu files\n", x->linker.objects[0]->path, x->linker.objects_n);
	for (int abi = 0; abi < SC_ABI_COUNT; abi++)
		list_calls(w, abi, &out);
	elf_analysis_gaps(x, &out);
	fwrite(buf_str(&out), 1, out.len, stdout);
}

static int explain(const struct elf_analysis *x, const char *name, struct err *e)
{
	static const enum sc_abi abis[] = { SC_X86_64, SC_AARCH64, SC_I386 };
	cleanup_buf struct buf out = { 0 };
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
		buf_printf(&out, "%s (%s %d)\n%s", name, sc_abi_name(abis[i]), d->nr[abis[i]],
			   buf_str(&way));
	}
	if (!out.len)
		buf_printf(&out, "%s: cannot be reached\n", name);
	fwrite(buf_str(&out), 1, out.len, stdout);
	return 0;
}

/* What is done with the result; the exit code. */
static int deliver(const struct args *a, const struct elf_analysis *x, struct err *e)
{
	cleanup_workload struct workload w;
	const char *format = args_value(a, "format"), *output = args_value(a, "output");
	const char *name = args_value(a, "name"), *path = x->linker.objects[0]->path;
	struct wl_source *s;
	int source, r = 0;

	wl_init(&w);
	source = elf_analysis_model(x, &w);
	s = &w.sources[source];
	s->target = wl_string(&w, path);
	s->version = BOLTSEAL_VERSION;
	w.identity.name = wl_string(&w, name ? name : strrchr(path, '/') + 1);
	w.identity.arch = sc_abi_name(elf_analysis_abi(x));
	wl_sort(&w);
	if (output)
		r = wl_save(&w, output, e);
	if (!r && args_has(a, "explain"))
		r = explain(x, args_value(a, "explain"), e);
	else if (!r && format && !strcmp(format, "json"))
		r = wl_save(&w, NULL, e);
	else if (!r && !output)
		print_text(x, &w);
	if (r)
		return EXIT_ERROR;
	return wl_incomplete(&w) ? EXIT_INCOMPLETE : EXIT_OK;
}

static int analyze_in(const struct args *a, struct elf_dir *dir, struct elf_cache *cache,
		      struct err *e)
{
	cleanup_elf_analysis struct elf_analysis x = { 0 };
	const char *libraries[MAX_LIBRARIES + 1] = { NULL };
	cleanup_free char *path = program_path(a, e);
	struct elf_files files = elf_dir_files(dir);
	struct elf_options opt = { .facts = elf_cache_facts,
				   .facts_ctx = cache,
				   .libraries = libraries };

	if (!path)
		return EXIT_ERROR;
	for (size_t i = 0; args_value_at(a, "library", i); i++) {
		if (i == MAX_LIBRARIES)
			return usage_error(a, e, "at most %d times --library", MAX_LIBRARIES);
		libraries[i] = args_value_at(a, "library", i);
	}
	if (elf_analyze(&x, &files, path, &opt, e))
		return EXIT_ERROR;
	return deliver(a, &x, e);
}

static int analyze_run(struct args *a, struct err *e)
{
	cleanup_elf_dir struct elf_dir dir = { .fd = -1 };
	cleanup_elf_cache struct elf_cache cache = { 0 };
	const char *root = args_value(a, "rootfs");

	if (args_count(a) != 1)
		return usage_error(
			a, e, args_count(a) ? "one program at a time" : "the program is missing");
	if (args_has(a, "explain") && args_has(a, "format"))
		return usage_error(a, e, "--explain prints text; it takes no --format");
	if (elf_dir_open(&dir, root ? root : "/", e))
		return EXIT_ERROR;
	if (!args_has(a, "no-cache"))
		elf_cache_open(&cache);
	return analyze_in(a, &dir, &cache, e);
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
	{ 0, "library", "FILE", NULL,
	  "A further file that the program loads while it runs, such as a module named in its "
	  "configuration; a path, or a name that is looked for as dlopen(3) does. All functions it "
	  "exports count as used. May be given several times." },
	{ 0, "name", "NAME", NULL,
	  "The workload's name in the model; the default is that of the program." },
	{ 0, "no-cache", NULL, NULL,
	  "Reads the code of all files, and keeps nothing for the next time." },
	{ 0 },
};

const struct command command_analyze = {
	.name = "analyze",
	.synopsis = "[OPTION]... PROGRAM",
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
		"What was read of a file is kept below $XDG_CACHE_HOME/boltseal, or "
		"/var/cache/boltseal for root, by the SHA-256 of its content.",
	.options = options,
	.examples = "# Which system calls can this server make?\n"
		    "boltseal analyze /usr/sbin/nginx\n"
		    "# Why is ptrace(2) among them?\n"
		    "boltseal analyze --explain=ptrace /usr/sbin/nginx\n"
		    "# A model of the program in an unpacked image\n"
		    "boltseal analyze --rootfs=rootfs --output=static.json /usr/sbin/nginx\n",
	.exit_status = "3 when a library is missing, or when a system call was found whose number "
		       "is not known: the model then contains all calls.",
	.run = analyze_run,
};
