/* Modules of a Python program: where they are, what they import, which of their code counts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/python_private.h"

enum { MAX_MODULES = 20000, MAX_LEVEL = 16 };

/* What every start loads (initconfig, importlib, site); a name may be missing. */
static const char *const at_start[] = {
	"encodings", "encodings.aliases", "encodings.utf_8", "encodings.latin_1", "encodings.ascii",
	"codecs", "io", "abc", "site", "os", "stat", "posixpath", "genericpath", "_collections_abc",
	"_sitebuiltins", "sitecustomize", "usercustomize", "importlib._bootstrap",
	"importlib._bootstrap_external", "zipimport", "warnings",
	/* These are part of the interpreter. */
	"builtins", "sys", "_imp", "marshal", "_thread", "_warnings", "_weakref", "_io", "_codecs",
	"_signal", "_tracemalloc", "faulthandler", "gc", "posix", "time", "atexit", "errno", "_abc",
	"_stat"
};

/* Modules by which anything can be called. */
static const char *const unbounded[] = { "ctypes", "_ctypes", "cffi", "_cffi_backend",
					 "code",   "pdb",     "runpy" };

/* Parts of the standard library that no script gets to. */
static const struct {
	const char *module;
	const char *skip; /* lines that begin so, with what is indented below them */
} skipped[] = {
	{ "os", "_add" },		      /* tables that are only looked at: os.supports_fd */
	{ "site", "def register_readline" },  /* for input from a terminal */
	{ "_sitebuiltins", "class _Helper" }, /* help(), which reads from a terminal */
};

static void give_up(struct python *p, const struct py_module *m, uint32_t line, const char *why)
{
	if (p->everything)
		return;
	p->everything = line ? xasprintf("%s (imported by %s), line %u: %s", m->name, m->by, line,
					 why)
			     : xasprintf("%s (imported by %s): %s", m->name, m->by, why);
}

static struct py_module *find_module(const struct python *p, const char *name)
{
	void **known = map_find(&p->by_name, name, strlen(name));

	return known ? *known : NULL;
}

static struct py_module *add_module(struct python *p, const char *name)
{
	struct py_module *m = xcalloc(1, sizeof(*m));

	m->name = xstrdup(name);
	m->by = p->by;
	*vec_push(p->modules, p->modules_n, p->modules_cap) = m;
	*map_at(&p->by_name, name, strlen(name)) = m;
	return m;
}

static bool read_source(struct python *p, struct py_module *m, const char *path)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };
	const char *skip = NULL;
	size_t n = strlen(p->library);

	if (elf_files_open(p->r->l->files, path, ELF_MAX_TEXT, &b, NULL))
		return false;
	m->found = true;
	if (!strcmp(m->name, "_compat_pickle"))
		return true; /* a list of names for pickle */
	m->library = !strncmp(path, p->library, n) && path[n] == '/' &&
		     !strstr(path + n, "-packages/");
	m->text = xcalloc(b.len + 1, 1);
	memcpy(m->text, b.data, b.len);
	for (size_t i = 0; i < ARRAY_SIZE(skipped); i++)
		if (m->library && !strcmp(m->name, skipped[i].module))
			skip = skipped[i].skip;
	py_source_read(&m->source, m->text, b.len, skip);
	return true;
}

static bool load_extension(struct python *p, struct py_module *m, const char *path)
{
	struct linker *l = p->r->l;
	int at = link_add(l, path, 0, NULL);

	if (at < 0)
		return false;
	m->found = true;
	reach_add_library(p->r, at, true, "an extension that Python imports");
	return true;
}

static bool exists(struct python *p, const char *path)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };

	return elf_files_open(p->r->l->files, path, ELF_MAX_TEXT, &b, NULL) != -ENOENT;
}

/* A module in one folder, in the order in which Python looks. */
static bool load_below(struct python *p, struct py_module *m, const char *base)
{
	static const char *const machines[] = {
		[ELF_X86_64] = "x86_64", [ELF_AARCH64] = "aarch64"
	};
	const char *machine = machines[p->r->l->objects[0]->image.machine];
	cleanup_free char *init = xasprintf("%s/__init__.py", base);
	cleanup_free char *py = xasprintf("%s.py", base), *pyc = xasprintf("%s.pyc", base);
	cleanup_free char *own = xasprintf("%s.cpython-%c%s-%s-linux-gnu.so", base, *p->version,
					   p->version + 2, machine);
	cleanup_free char *stable = xasprintf("%s.abi3.so", base);
	cleanup_free char *plain = xasprintf("%s.so", base);

	if (read_source(p, m, init)) {
		m->package = true;
		return true;
	}
	if (load_extension(p, m, own) || load_extension(p, m, stable) ||
	    load_extension(p, m, plain) || read_source(p, m, py))
		return true;
	if (!exists(p, pyc))
		return false;
	give_up(p, m, 0, "its source is not there");
	return true;
}

static void reach_unit(struct python *p, struct py_module *m, size_t u);

static void begin_module(struct python *p, struct py_module *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(unbounded); i++)
		if (m->found && !strcmp(m->name, unbounded[i]))
			give_up(p, m, 0, "by this module anything can be called");
	if (m->text && !m->library && m->source.many)
		python_keyword(p, "...", 3);
	if (m->text)
		reach_unit(p, m, 0);
	p->changed = true;
}

static struct py_module *load_module(struct python *p, const char *name)
{
	struct py_module *m = find_module(p, name);
	cleanup_free char *base = xstrdup(name);
	const char *dot = strrchr(name, '.');

	if (m || p->modules_n >= MAX_MODULES)
		return m;
	if (dot) {
		cleanup_free char *parent = xasprintf("%.*s", (int)(dot - name), name);

		load_module(p, parent);
		m = find_module(p, name);
		if (m)
			return m;
	}
	m = add_module(p, name);
	for (char *c = base; *c; c++)
		*c = *c == '.' ? '/' : *c;
	for (size_t i = 0; i < p->folders_n && !m->found; i++) {
		cleanup_free char *path = xasprintf("%s/%s", p->folders[i], base);

		if (load_below(p, m, path))
			break;
	}
	begin_module(p, m);
	return m;
}

/* Whether the standard library has a source file for the dotted name. */
static bool has_source(struct python *p, const char *name)
{
	cleanup_free char *base = xstrdup(name), *init = NULL, *py = NULL;

	for (char *c = base; *c; c++)
		*c = *c == '.' ? '/' : *c;
	py = xasprintf("%s/%s.py", p->library, base);
	init = xasprintf("%s/%s/__init__.py", p->library, base);
	return exists(p, py) || exists(p, init);
}

void python_load_named(struct python *p, const char *name)
{
	p->by = "C code";
	/* runpy is for "python -m" and folders. */
	if (*name == '.' || strstr(name, "..") || !strcmp(name, "runpy"))
		return;
	if (!strchr(name, '.') || has_source(p, name))
		load_module(p, name);
}

/* The package to which the dots in front of a relative import lead. */
static char *package_of(const struct py_module *m, unsigned level)
{
	char *name = xstrdup(m->name);

	for (unsigned i = m->package ? 1 : 0; i < level; i++) {
		char *dot = strrchr(name, '.');

		*(dot ? dot : name) = '\0';
	}
	return name;
}

/* It uses itself only when it is used. */
static bool is_pickle(const struct py_module *m)
{
	return m->library && !strcmp(m->name, "pickle");
}

static void follow_import(struct python *p, const struct py_module *m, const struct py_import *i)
{
	const char *t = m->text;
	cleanup_free char *package = i->level && i->level < MAX_LEVEL ? package_of(m, i->level)
								      : xstrdup("");
	cleanup_free char *name = xasprintf("%s%s%.*s", package, *package && i->len ? "." : "",
					    (int)i->len, t + i->at);
	struct py_module *from;

	if (!*name || strspn(name, PY_DOTTED) != strlen(name))
		return;
	/* Under another name its use would not be seen. */
	if ((!strcmp(name, "pickle") || !strcmp(name, "_pickle")) && !is_pickle(m) &&
	    (i->item_len || i->bound_at != i->at))
		give_up(p, m, 0, "takes functions of pickle");
	from = load_module(p, name);
	if (from && from->package && i->item_len) {
		cleanup_free char *item = xasprintf("%s.%.*s", name, (int)i->item_len,
						    t + i->item_at);

		load_module(p, item);
	}
}

/* Whether the file knows a module by this name. */
static bool is_module(const struct python *p, const struct py_module *m, const struct py_dynamic *d)
{
	const char *t = m->text;

	for (size_t k = 0; k < m->source.imports_n; k++) {
		const struct py_import *i = &m->source.imports[k];
		cleanup_free char *item = NULL;
		const struct py_module *of;

		if (i->bound_len != d->len || memcmp(t + i->bound_at, t + d->at, d->len) != 0)
			continue;
		if (!i->item_len)
			return true;
		item = xasprintf("%.*s.%.*s", (int)i->len, t + i->at, (int)i->item_len,
				 t + i->item_at);
		of = find_module(p, item);
		if (i->level || (of && of->found))
			return true;
	}
	return false;
}

static int load_codec(void *arg, const char *name)
{
	struct python *p = arg;
	size_t n = strlen(name);

	if (n > 3 && !strcmp(name + n - 3, ".py") && *name != '_') {
		cleanup_free char *module = xasprintf("encodings.%.*s", (int)n - 3, name);

		load_module(p, module);
	}
	return 0;
}

/*
 * What imports are made of; classes of warnings that PYTHONWARNINGS names; pickle, whose users are
 * looked at instead.
 */
static const char *const harmless[] = { "importlib", "zipimport", "warnings", "pickle" };

static void follow_dynamic(struct python *p, const struct py_module *m, const struct py_dynamic *d)
{
	for (size_t i = 0; m->library && i < ARRAY_SIZE(harmless); i++)
		if (!strncmp(m->name, harmless[i], strlen(harmless[i])))
			return;
	if (m->library && d->kind == PY_DYNAMIC_IMPORT && !strcmp(m->name, "encodings")) {
		cleanup_free char *folder = xasprintf("%s/encodings", p->library);

		elf_files_list(p->r->l->files, folder, load_codec, p, NULL);
	} else if (d->kind == PY_DYNAMIC_IMPORT) {
		give_up(p, m, d->line, "imports a module whose name is made at run time");
	} else if (d->kind == PY_DYNAMIC_DATA && !is_pickle(m)) {
		give_up(p, m, d->line, "builds objects by names that stand in data");
	} else if (d->kind == PY_DYNAMIC_CODE && !m->library) {
		give_up(p, m, d->line, "runs code that is made at run time");
	} else if (d->kind == PY_DYNAMIC_NAME && !m->library && is_module(p, m, d)) {
		give_up(p, m, d->line, "takes something from a module by a name made at run time");
	}
}

/* It takes everything by place; its callers in the standard library pass on what they are given. */
static bool is_fork_exec(const struct py_module *m, const struct py_word *w)
{
	static const char name[] = "fork_exec";

	return !m->library && w->len == strlen(name) && !memcmp(m->text + w->at, name, w->len);
}

/* Arguments of the standard library's own calls of these functions, which do nothing by them. */
static const char *const follows_symlinks[] = { "stat",	  "lstat",   "utime",
						"is_dir", "is_file", "copystat" };

static bool is_argument(const struct py_module *m, const struct py_word *w)
{
	static const char name[] = "follow_symlinks";

	if (!m->library)
		return w->keyword || w->string;
	if (!w->keyword)
		return false;
	if (w->len != strlen(name) || memcmp(m->text + w->at, name, w->len) != 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(follows_symlinks); i++)
		if (w->call_len == strlen(follows_symlinks[i]) &&
		    !memcmp(m->text + w->call_at, follows_symlinks[i], w->call_len))
			return false;
	return true;
}

static void add_unit_words(struct python *p, struct py_module *m, const struct py_unit *u)
{
	for (size_t i = u->words; i < u->words + u->words_n; i++) {
		const struct py_word *w = &m->source.words[i];

		if (is_argument(m, w) || is_fork_exec(m, w))
			python_keyword(p, m->text + w->at, w->len);
		if (w->plain && !m->source.star) {
			void **known = map_at(&m->plain, m->text + w->at, w->len);

			p->changed |= !*known;
			*known = p;
			continue;
		}
		python_word(p, m->text + w->at, w->len);
		if (!w->prefix)
			continue;
		*vec_push(p->prefixes, p->prefixes_n,
			  p->prefixes_cap) = (struct py_prefix){ m->text + w->at, w->len, m };
		p->changed = true;
	}
}

/* Imports can load further modules, but never change this one's source. */
static void reach_unit(struct python *p, struct py_module *m, size_t u)
{
	const char *before = p->by;

	m->source.units[u].reached = true;
	p->by = m->name;
	p->changed = true;
	add_unit_words(p, m, &m->source.units[u]);
	for (size_t i = 0; i < m->source.imports_n; i++)
		if (m->source.imports[i].unit == u)
			follow_import(p, m, &m->source.imports[i]);
	for (size_t i = 0; i < m->source.dynamics_n; i++)
		if (m->source.dynamics[i].unit == u)
			follow_dynamic(p, m, &m->source.dynamics[i]);
	p->by = before;
}

static bool is_mentioned(const struct python *p, const struct py_module *m, const struct py_unit *u)
{
	const char *name = m->text + u->at;

	if (map_find(&p->words, name, u->len) || map_find(&m->plain, name, u->len))
		return true;
	/* Of objects, or of the same file. */
	for (size_t i = 0; i < p->prefixes_n; i++) {
		const struct py_prefix *x = &p->prefixes[i];

		if (x->len <= u->len && !memcmp(name, x->text, x->len) &&
		    (x->in == m || u->parent != m->source.units[u->parent].runs_in))
			return true;
	}
	return false;
}

void python_reach_units(struct python *p)
{
	for (size_t k = 0; k < p->modules_n; k++) {
		struct py_module *m = p->modules[k];

		for (size_t u = 1; u < m->source.units_n; u++) {
			const struct py_unit *x = &m->source.units[u];

			if (!x->reached && m->source.units[x->parent].reached &&
			    (!x->never || m == p->script) &&
			    (x->always || !m->library || is_mentioned(p, m, x)))
				reach_unit(p, m, u);
		}
	}
}

struct pth {
	struct python *p;
	const char *folder;
};

/* site runs the lines of NAME.pth that begin with "import". */
static int read_pth(void *arg, const char *name)
{
	const struct pth *f = arg;
	size_t n = strlen(name);
	cleanup_free char *path = xasprintf("%s/%s", f->folder, name);
	struct py_module *m;

	if (n <= 4 || strcmp(name + n - 4, ".pth") != 0)
		return 0;
	m = add_module(f->p, path);
	if (read_source(f->p, m, path))
		begin_module(f->p, m);
	return 0;
}

int python_begin(struct python *p, const char *script, struct err *e)
{
	struct py_module *os, *main;

	p->by = "the interpreter";
	main = add_module(p, "__main__");

	os = load_module(p, "os");
	if (!os->text)
		return err_set(e, EINVAL, "%s: the standard library of Python is not there",
			       p->library);
	if (!read_source(p, main, script))
		return err_set(e, EINVAL, "%s: cannot read the script", script);
	main->library = false;
	p->script = main;
	begin_module(p, main);
	for (size_t i = 0; i < ARRAY_SIZE(at_start); i++)
		load_module(p, at_start[i]);
	for (size_t i = 0; i < p->folders_n; i++) {
		struct pth f = { p, p->folders[i] };

		if (strstr(p->folders[i], "-packages"))
			elf_files_list(p->r->l->files, f.folder, read_pth, &f, NULL);
	}
	return 0;
}

static int load_each(void *arg, const char *name)
{
	struct python *p = arg;
	cleanup_free char *path = xasprintf("%s/lib-dynload/%s", p->library, name);
	struct py_module m = { 0 };

	if (strstr(name, ".so"))
		load_extension(p, &m, path);
	return 0;
}

void python_load_all(struct python *p)
{
	cleanup_free char *folder = xasprintf("%s/lib-dynload", p->library);

	if (!p->all_loaded)
		elf_files_list(p->r->l->files, folder, load_each, p, NULL);
	p->all_loaded = true;
}
