/* Programs that reached code executes under names that are constants. */
#include <string.h>

#include "base/mem.h"
#include "elf/analyze.h"

enum { MAX_COMMAND = 4096, MAX_INTERPRETER = 256 };

/* Where a shell and execvp(3) look when nothing else is said: Debian's PATH. */
static const char *const folders[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
				       "/usr/bin",	  "/sbin",	    "/bin" };

static const char *name_of(const struct reach *r, const struct reach_executed *x)
{
	const struct link_object *o = r->l->objects[r->nodes[x->node].object];
	uint64_t at = o->facts.refs[x->ref].at;

	return at ? elf_string_at(&o->image, at, MAX_COMMAND) : NULL;
}

/* "executes /bin/sh by execve in libapr-1.so.0.7.2"; a command for the shell is quoted. */
static void put_executed(const struct reach *r, const struct reach_executed *x, struct buf *out)
{
	const struct link_object *o = r->l->objects[r->nodes[x->node].object];
	const struct elf_ref *ref = &o->facts.refs[x->ref];
	const char *text = name_of(r, x);
	size_t n = text ? strcspn(text, "\r\n\t\33") : 0;

	if (text)
		buf_printf(out, "executes \"%.*s\"", n < 200 ? (int)n : 200, text);
	else
		buf_puts(out, "executes a program whose name is not a constant");
	buf_printf(out, " by %s in %s\n", elf_executors[ref->to].name, strrchr(o->path, '/') + 1);
}

void elf_analysis_executed(const struct elf_analysis *a, struct buf *out)
{
	cleanup_buf struct buf all = { 0 };

	for (size_t i = 0; i < a->reach.executed_n; i++) {
		cleanup_buf struct buf line = { 0 };

		put_executed(&a->reach, &a->reach.executed[i], &line);
		if (strstr(buf_str(&all), buf_str(&line)))
			continue;
		buf_puts(&all, buf_str(&line));
	}
	buf_puts(out, buf_str(&all));
}

/* The file at a path, with the interpreter when it is a script, as executed by `parent`. */
static bool add_file(const struct elf_files *files, const char *path, struct workload *w,
		     int parent, int source)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };
	char line[MAX_INTERPRETER] = "";
	char *interpreter;
	int at;

	if (elf_files_open(files, path, ELF_MAX_FILE, &b, NULL))
		return false;
	at = wl_program_add(w, b.path);
	if (at < 0 || at == parent)
		return true;
	wl_set_add(&w->programs[at].parents, (uint32_t)parent);
	wl_set_add(&w->programs[at].sources, (uint32_t)source);
	if (b.len < 3 || memcmp(b.data, "#!", 2) != 0)
		return true;
	memcpy(line, b.data + 2, b.len - 2 < sizeof(line) - 1 ? b.len - 2 : sizeof(line) - 1);
	interpreter = line + strspn(line, " \t");
	interpreter[strcspn(interpreter, " \t\r\n")] = '\0';
	if (*interpreter == '/' && !w->programs[at].interpreter)
		w->programs[at].interpreter = wl_string(w, interpreter);
	return true;
}

/* A path, or a name that is looked for in the usual folders. */
static void add_named(const struct elf_files *files, const char *name, bool search,
		      struct workload *w, int parent, int source)
{
	if (*name == '/') {
		add_file(files, name, w, parent, source);
		return;
	}
	for (size_t i = 0; search && *name && !strchr(name, '/') && i < ARRAY_SIZE(folders); i++) {
		cleanup_free char *path = xasprintf("%s/%s", folders[i], name);

		if (add_file(files, path, w, parent, source))
			return;
	}
}

/* The shell, and the first word of its command if that is a plain one. */
static void add_command(const struct elf_files *files, const char *command, struct workload *w,
			int parent, int source)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "/._+-";
	cleanup_free char *word = xstrdup(command + strspn(command, " \t"));
	size_t n = strspn(word, plain);

	add_file(files, "/bin/sh", w, parent, source);
	if (word[n] && !strchr(" \t;\n", word[n]))
		return;
	word[n] = '\0';
	add_named(files, word, true, w, parent, source);
}

void elf_analysis_add_executed(const struct elf_analysis *a, struct workload *w, int program,
			       int source)
{
	const struct reach *r = &a->reach;
	struct map seen = { 0 };

	for (size_t i = 0; i < r->executed_n; i++) {
		const struct reach_executed *x = &r->executed[i];
		const struct link_object *o = r->l->objects[r->nodes[x->node].object];
		const struct elf_executor *by = &elf_executors[o->facts.refs[x->ref].to];
		const char *name = name_of(r, x);
		cleanup_free char *key = xasprintf("%d%s", by->how, name ? name : "");
		void **known = map_at(&seen, key, strlen(key));

		if (*known)
			continue;
		*known = &seen;
		if (by->how == ELF_BY_SHELL)
			add_command(r->l->files, name ? name : "", w, program, source);
		else if (name)
			add_named(r->l->files, name, by->how == ELF_BY_NAME, w, program, source);
	}
	map_free(&seen);
}
