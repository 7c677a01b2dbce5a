#include "elf/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Folders of Debian, Fedora, Alpine and others, after those of /etc/ld.so.conf. */
static const char *const built_in[][8] = {
	[ELF_X86_64] = { "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64",
			 "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib" },
	[ELF_AARCH64] = { "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64",
			  "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib" },
};

static void object_free(struct link_object *o)
{
	if (!o)
		return;
	elf_facts_free(&o->facts);
	elf_image_free(&o->image);
	elf_bytes_free(&o->bytes);
	map_free(&o->by_name);
	free(o->same_name);
	free(o->needed);
	free(o->bound);
	free(o->bound_known);
	free(o->path);
	free(o->asked);
	free(o);
}

static void object_free_p(struct link_object **o)
{
	object_free(*o);
}

void link_close(struct linker *l)
{
	for (size_t i = 0; i < l->objects_n; i++)
		object_free(l->objects[i]);
	for (size_t i = 0; i < l->folders_n; i++)
		free(l->folders[i]);
	for (size_t i = 0; i < l->missing_n; i++)
		free(l->missing[i].name);
	free(l->objects);
	free(l->folders);
	free(l->missing);
	free(l->scope);
	*l = (struct linker){ .interp = -1 };
}

static void add_folder(struct linker *l, const char *path)
{
	if (*path == '/' && l->folders_n < LINK_MAX_FOLDERS)
		*vec_push(l->folders, l->folders_n, l->folders_cap) = xstrdup(path);
}

struct conf_folder {
	struct linker *l;
	const char *folder, *suffix;
	unsigned depth;
};

static void read_conf(struct linker *l, const char *path, unsigned depth);

static int include_one(void *arg, const char *name)
{
	const struct conf_folder *c = arg;
	size_t n = strlen(name), k = strlen(c->suffix);

	if (n >= k && !strcmp(name + n - k, c->suffix)) {
		cleanup_free char *path = xasprintf("%s/%s", c->folder, name);

		read_conf(c->l, path, c->depth);
	}
	return 0;
}

/* "include PATTERN", where the pattern is FOLDER/" *SUFFIX" (without the blank) or one file. */
static void include_conf(struct linker *l, char *pattern, unsigned depth)
{
	char *star = strchr(pattern, '*'), *slash = strrchr(pattern, '/');
	struct conf_folder c = { l, pattern, star ? star + 1 : "", depth };

	if (!star) {
		read_conf(l, pattern, depth);
	} else if (slash && slash < star) {
		*slash = '\0';
		elf_files_list(l->files, pattern, include_one, &c, NULL);
	}
}

/* /etc/ld.so.conf: a folder a line, comments, includes. That it is missing is no error. */
static void read_conf(struct linker *l, const char *path, unsigned depth)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };
	cleanup_free char *text = NULL;
	char *save = NULL;

	if (depth > 4 || elf_files_open(l->files, path, ELF_MAX_TEXT, &b, NULL))
		return;
	text = xcalloc(b.len + 1, 1);
	memcpy(text, b.data, b.len);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "#")] = '\0';
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r") + (!strncmp(line, "include", 7)
						       ? strcspn(line + strcspn(line, " \t"), "\r")
						       : 0)] = '\0';
		if (!strncmp(line, "include", 7))
			include_conf(l, line + 7 + strspn(line + 7, " \t"), depth + 1);
		else
			add_folder(l, line);
	}
}

static void index_symbols(struct link_object *o)
{
	const struct elf_image *m = &o->image;

	o->same_name = xcalloc(m->syms_n + 1, sizeof(*o->same_name));
	o->bound = xcalloc(m->syms_n + 1, sizeof(*o->bound));
	o->bound_known = xcalloc(m->syms_n + 1, sizeof(*o->bound_known));
	for (size_t i = m->syms_n; i-- > 1;) {
		const struct elf_sym *s = &m->syms[i];
		void **slot;

		if (!s->defined || s->local || !*s->name)
			continue;
		slot = map_at(&o->by_name, s->name, strlen(s->name));
		o->same_name[i] = (uint32_t)(uintptr_t)*slot;
		*slot = (void *)(uintptr_t)i;
	}
}

uint32_t link_defined(const struct link_object *o, const char *name)
{
	void **slot = map_find(&o->by_name, name, strlen(name));

	return slot ? (uint32_t)(uintptr_t)*slot : 0;
}

static int find_path(const struct linker *l, const char *path)
{
	for (size_t i = 0; i < l->objects_n; i++)
		if (!strcmp(l->objects[i]->path, path))
			return (int)i;
	return -1;
}

/* A library that is already there under this name. */
static int find_name(const struct linker *l, const char *name)
{
	for (size_t i = 0; i < l->objects_n; i++) {
		const struct link_object *o = l->objects[i];

		if (!strcmp(o->asked, name) || (o->image.soname && !strcmp(o->image.soname, name)))
			return (int)i;
	}
	return -1;
}

/* Opens a file by its path and adds it; the index, also of one that is already there. */
static int add_object(struct linker *l, const char *path, const char *asked, struct err *e)
{
	cleanup(object_free_p) struct link_object *o = xcalloc(1, sizeof(*o));
	int r = elf_files_open(l->files, path, ELF_MAX_FILE, &o->bytes, e), at;

	if (r)
		return r;
	at = find_path(l, o->bytes.path);
	if (at >= 0)
		return at;
	if (l->objects_n == LINK_MAX_OBJECTS)
		return err_set(e, E2BIG, "more than %d files in one program", LINK_MAX_OBJECTS);
	r = elf_image_read(&o->image, path, o->bytes.data, o->bytes.len, e);
	if (r)
		return r;
	if (l->objects_n && o->image.machine != l->objects[0]->image.machine)
		return err_set(e, ENOENT, "%s: of another machine than the program", path);
	o->path = xstrdup(o->bytes.path);
	o->asked = xstrdup(asked);
	r = l->facts(l->facts_ctx, &o->image, &o->bytes, &o->facts, e);
	if (r)
		return r;
	index_symbols(o);
	at = (int)l->objects_n;
	*vec_push(l->objects, l->objects_n, l->objects_cap) = take_ptr(o);
	return at;
}

/* One entry of a search path, with $ORIGIN and $LIB; in a fresh string. */
static char *expand(const struct link_object *by, const char *entry, size_t n, const char *name)
{
	cleanup_buf struct buf b = { 0 };
	const char *slash = strrchr(by->path, '/');
	int origin = slash ? (int)(slash - by->path) : 0;

	for (size_t i = 0; i < n;) {
		static const char *const tokens[] = { "$ORIGIN", "${ORIGIN}", "$LIB", "${LIB}" };
		size_t k = 0;

		while (k < ARRAY_SIZE(tokens) &&
		       (n - i < strlen(tokens[k]) ||
			strncmp(entry + i, tokens[k], strlen(tokens[k])) != 0))
			k++;
		if (k == ARRAY_SIZE(tokens)) {
			buf_putc(&b, entry[i++]);
			continue;
		}
		if (k < 2)
			buf_printf(&b, "%.*s", origin, by->path);
		else
			buf_puts(&b, by->image.machine == ELF_X86_64 ? "lib/x86_64-linux-gnu"
								     : "lib/aarch64-linux-gnu");
		i += strlen(tokens[k]);
	}
	buf_printf(&b, "/%s", name);
	return buf_take(&b);
}

static int try_search_path(struct linker *l, const struct link_object *by, const char *list,
			   const char *name, struct err *e)
{
	while (list && *list) {
		size_t n = strcspn(list, ":");
		cleanup_free char *path = expand(by, list, n, name);
		int r = *path == '/' ? add_object(l, path, name, e) : -ENOENT;

		if (r != -ENOENT && r != -ENOTSUP && r != -ENOEXEC)
			return r;
		list += n + (list[n] == ':');
	}
	return -ENOENT;
}

static int find_library(struct linker *l, const char *name, int by, struct err *e)
{
	const struct link_object *o = l->objects[by];
	int r = find_name(l, name);

	if (r >= 0)
		return r;
	if (strchr(name, '/')) {
		cleanup_free char *path = expand(o, name, strlen(name), "");

		path[strlen(path) - 1] = '\0';
		return *path == '/' ? add_object(l, path, name, e) : -ENOENT;
	}
	r = -ENOENT;
	if (!o->image.runpath)
		r = try_search_path(l, o, o->image.rpath, name, e);
	if (r == -ENOENT && !o->image.runpath && by)
		r = try_search_path(l, l->objects[0], l->objects[0]->image.rpath, name, e);
	if (r == -ENOENT)
		r = try_search_path(l, o, o->image.runpath, name, e);
	for (size_t i = 0; r == -ENOENT && i < l->folders_n; i++) {
		cleanup_free char *path = xasprintf("%s/%s", l->folders[i], name);

		r = add_object(l, path, name, e);
		if (r == -ENOTSUP || r == -ENOEXEC)
			r = -ENOENT;
	}
	return r;
}

static void note_missing(struct linker *l, const char *name, int by)
{
	struct link_missing *x = vec_push(l->missing, l->missing_n, l->missing_cap);

	x->name = xstrdup(name);
	x->by = by;
}

/* Opens what the objects from `first` on need, in breadth-first order. */
static int add_needed(struct linker *l, size_t first, struct err *e)
{
	for (size_t i = first; i < l->objects_n; i++) {
		struct link_object *o = l->objects[i];

		o->needed = xcalloc(o->image.needed_n + 1, sizeof(*o->needed));
		for (size_t k = 0; k < o->image.needed_n; k++) {
			int at = find_library(l, o->image.needed[k], (int)i, e);

			if (at == -ENOENT)
				note_missing(l, o->image.needed[k], (int)i);
			else if (at < 0)
				return at;
			else
				o->needed[o->needed_n++] = at;
		}
	}
	return 0;
}

int link_open(struct linker *l, const struct elf_files *files, link_facts_fn *facts,
	      void *facts_ctx, const char *path, struct err *e)
{
	const struct elf_image *m;
	int r;

	*l = (struct linker){
		.files = files, .facts = facts, .facts_ctx = facts_ctx, .interp = -1
	};
	r = add_object(l, path, path, e);
	if (r < 0)
		return r;
	m = &l->objects[0]->image;
	read_conf(l, "/etc/ld.so.conf", 0);
	for (size_t i = 0; built_in[m->machine][i]; i++)
		add_folder(l, built_in[m->machine][i]);
	r = add_needed(l, 0, e);
	if (r)
		return r;
	for (size_t i = 0; i < l->objects_n; i++)
		*vec_push(l->scope, l->scope_n, l->scope_cap) = (int)i;
	if (!m->interp)
		return 0;
	l->interp = add_object(l, m->interp, m->interp, e);
	if (l->interp < 0)
		return err_prefix(e, "%s: its interpreter", path);
	if ((size_t)l->interp + 1 == l->objects_n && l->scope_n < l->objects_n)
		*vec_push(l->scope, l->scope_n, l->scope_cap) = l->interp;
	return 0;
}

int link_add(struct linker *l, const char *name, int by, struct err *e)
{
	size_t first = l->objects_n;
	int at = find_library(l, name, by, e), r;

	if (at < 0 || (size_t)at < first)
		return at;
	r = add_needed(l, first, e);
	return r ? r : at;
}

/* Whether a definition satisfies a reference, as the loader's check of versions says. */
static bool version_fits(const struct elf_sym *want, const struct elf_sym *have)
{
	if (!want->version)
		return !have->hidden;
	if (!have->version)
		return true;
	return !strcmp(want->version, have->version) || (have->base_version && !have->hidden);
}

static bool look_in(const struct linker *l, int object, const struct elf_sym *want,
		    struct link_place *out)
{
	const struct link_object *o = l->objects[object];

	for (uint32_t s = link_defined(o, want->name); s; s = o->same_name[s])
		if (version_fits(want, &o->image.syms[s])) {
			*out = (struct link_place){ object, s };
			return true;
		}
	return false;
}

/* The scope of one that was loaded later: itself and what it needs, in breadth-first order. */
static bool look_in_group(const struct linker *l, int object, const struct elf_sym *want,
			  struct link_place *out)
{
	cleanup_free bool *seen = xcalloc(l->objects_n, sizeof(*seen));
	cleanup_free int *queue = xcalloc(l->objects_n, sizeof(*queue));
	size_t n = 0;

	queue[n++] = object;
	seen[object] = true;
	for (size_t i = 0; i < n; i++) {
		const struct link_object *o = l->objects[queue[i]];

		if (look_in(l, queue[i], want, out))
			return true;
		for (size_t k = 0; k < o->needed_n; k++)
			if (!seen[o->needed[k]]) {
				seen[o->needed[k]] = true;
				queue[n++] = o->needed[k];
			}
	}
	return false;
}

struct link_place link_resolve(struct linker *l, int object, uint32_t sym)
{
	struct link_object *o = l->objects[object];
	const struct elf_sym *want = &o->image.syms[sym];
	struct link_place r = { -1, 0 };

	if (o->bound_known[sym])
		return o->bound[sym];
	if (want->local && want->defined)
		r = (struct link_place){ object, sym };
	for (size_t i = 0; r.object < 0 && i < l->scope_n; i++)
		look_in(l, l->scope[i], want, &r);
	if (r.object < 0)
		look_in_group(l, object, want, &r);
	/* A library loaded later with RTLD_GLOBAL, or by what loads this one. */
	for (size_t i = 0; r.object < 0 && i < l->objects_n; i++)
		look_in(l, (int)i, want, &r);
	o->bound[sym] = r;
	o->bound_known[sym] = r.object >= 0;
	return r;
}
