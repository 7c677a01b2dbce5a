#include "elf/python.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/gates.h"
#include "elf/python_private.h"

enum {
	METHOD_FLAGS = 0x3ff, /* METH_VARARGS … METH_METHOD */
	MAX_WORD = 256,
};

bool python_is_part(const struct elf_image *m)
{
	for (size_t i = 0; i < m->syms_n; i++)
		if (!strncmp(m->syms[i].name, "PyModule", 8) ||
		    !strncmp(m->syms[i].name, "PyType_", 7))
			return true;
	return false;
}

static bool is_identifier(const char *t)
{
	if (!t || !*t || isdigit((unsigned char)*t))
		return false;
	for (; *t; t++)
		if (!isalnum((unsigned char)*t) && *t != '_')
			return false;
	return true;
}

/* Of a method table's entry, by the place of its function's pointer; NULL: it is none. */
static const char *method_name(const struct elf_image *m, uint64_t at)
{
	const struct elf_reloc *name = elf_reloc_at(m, at - 8), *code = elf_reloc_at(m, at);
	const uint8_t *flags = elf_at(m, at + 8, 8);
	const char *text;

	if (!name || name->kind != ELF_REL_ADDRESS || !code || !flags || elf_reloc_at(m, at + 8))
		return NULL;
	if (code->kind == ELF_REL_ADDRESS && !elf_is_code(m, code->addend))
		return NULL;
	if (!elf_number(flags, 8) || elf_number(flags, 8) > METHOD_FLAGS)
		return NULL;
	text = elf_string_at(m, name->addend, MAX_WORD);
	return is_identifier(text) ? text : NULL;
}

void python_word(struct python *p, const char *text, size_t len)
{
	void **known = map_at(&p->words, text, len);

	p->changed |= !*known;
	*known = p;
}

void python_keyword(struct python *p, const char *text, size_t len)
{
	cleanup_free char *opener = xasprintf("=%.*s", (int)len, text);

	p->r->gates_open |= gates_opened_by(opener);
}

static bool is_import(const char *name)
{
	return !strncmp(name, "PyImport_Import", 15) || !strncmp(name, "_PyImport_GetModule", 19);
}

static bool calls_import(const struct link_object *o, const struct elf_function *f,
			 const bool *known)
{
	for (uint32_t k = 0; k < f->refs_n; k++) {
		const struct elf_ref *r = &o->facts.refs[f->refs + k];
		const struct elf_reloc *rel = r->kind == ELF_REF_READ
						      ? elf_reloc_at(&o->image, r->at)
						      : NULL;

		if ((r->kind == ELF_REF_CODE && known[r->to]) ||
		    (rel && rel->kind == ELF_REL_SYMBOL && is_import(o->image.syms[rel->sym].name)))
			return true;
	}
	return false;
}

/* Functions that import modules, and those that call one of the file's own that does. */
static bool *find_importers(const struct link_object *o)
{
	const struct elf_facts *f = &o->facts;
	bool *of = xcalloc(f->functions_n + 1, sizeof(*of));
	cleanup_free bool *inner = xcalloc(f->functions_n + 1, sizeof(*inner));
	cleanup_free bool *exported = xcalloc(f->functions_n + 1, sizeof(*exported));

	for (size_t i = 0; i < o->image.syms_n; i++) {
		const struct elf_sym *s = &o->image.syms[i];
		long at = s->defined ? elf_function_at(f, s->value) : -1;

		if (at >= 0)
			exported[at] = true;
		if (at >= 0 && is_import(s->name))
			inner[at] = true;
	}
	for (size_t i = 0; i < f->functions_n; i++)
		of[i] = calls_import(o, &f->functions[i], inner);
	for (size_t i = 0; i < f->functions_n; i++)
		inner[i] = of[i] && !exported[i];
	for (size_t i = 0; i < f->functions_n; i++)
		of[i] |= calls_import(o, &f->functions[i], inner);
	return of;
}

static bool is_part(struct python *p, uint32_t object)
{
	while (p->parts_n <= object) {
		const struct link_object *o = p->r->l->objects[p->parts_n];

		*vec_push(p->importers, p->parts_n,
			  p->parts_cap) = python_is_part(&o->image) ? find_importers(o) : NULL;
	}
	return p->importers[object];
}

/*
 * Of an entry in the table of built-in modules (PyImport_Inittab: name and function, the last one
 * empty), by the place of its function's pointer; NULL: it is none.
 */
static const char *builtin_name(const struct link_object *o, uint64_t at)
{
	uint32_t s = link_defined(o, "PyImport_Inittab");
	const struct elf_reloc *table = s ? elf_reloc_at(&o->image, o->image.syms[s].value) : NULL;
	const struct elf_reloc *name = elf_reloc_at(&o->image, at - 8);

	if (!table || at < table->addend || (at - table->addend) % 16 != 8 || !name)
		return NULL;
	for (uint64_t i = table->addend; i < at; i += 16)
		if (!elf_reloc_at(&o->image, i))
			return NULL;
	return elf_string_at(&o->image, name->addend, MAX_WORD);
}

static bool is_wanted(const struct python *p, const struct py_held *h)
{
	if (p->everything ||
	    map_find(h->module ? &p->by_name : &p->words, h->name, strlen(h->name)))
		return true;
	for (size_t i = 0; !h->module && i < p->prefixes_n; i++)
		if (!strncmp(h->name, p->prefixes[i].text, p->prefixes[i].len))
			return true;
	return false;
}

bool python_holds(struct python *p, uint32_t node)
{
	uint32_t object = p->r->nodes[node].object;
	const struct link_object *o = p->r->l->objects[object];
	uint64_t at = o->image.relocs[p->r->nodes[node].index].at;
	struct py_held h = { .node = node };

	if (p->everything || !is_part(p, object))
		return false;
	h.name = method_name(&o->image, at);
	if (!h.name) {
		h.name = builtin_name(o, at);
		h.module = true;
	}
	if (!h.name || (!h.module && !strncmp(h.name, "__", 2)) || is_wanted(p, &h))
		return false;
	*vec_push(p->held, p->held_n, p->held_cap) = h;
	return true;
}

static const char *mention(struct python *p, uint32_t object, uint64_t addr)
{
	const char *text;

	if (p->everything || !is_part(p, object))
		return NULL;
	text = elf_string_at(&p->r->l->objects[object]->image, addr, MAX_WORD);
	if (is_identifier(text))
		python_word(p, text, strlen(text));
	return text;
}

void python_mention(struct python *p, uint32_t node, uint64_t addr)
{
	const struct reach_node *n = &p->r->nodes[node];
	const char *text = mention(p, n->object, addr);

	/* PyImport_ImportModule("collections.abc") */
	if (text && *text && strspn(text, PY_DOTTED) == strlen(text) &&
	    p->importers[n->object][n->index])
		*vec_push(p->wanted, p->wanted_n, p->wanted_cap) = text;
}

void python_mention_slot(struct python *p, uint32_t object, const struct elf_reloc *rel)
{
	const struct elf_image *m = &p->r->l->objects[object]->image;

	if (!is_part(p, object) || !method_name(m, rel->at + 8))
		mention(p, object, rel->addend);
}

/* Names that the interpreter has as objects, beside each other in one variable (3.11 and later). */
static void add_own_names(struct python *p)
{
	for (size_t k = 0; k < p->r->l->objects_n; k++) {
		const struct link_object *o = p->r->l->objects[k];
		uint32_t s = link_defined(o, "_PyRuntime");
		const struct elf_sym *sym = &o->image.syms[s];
		const uint8_t *b = s ? elf_at(&o->image, sym->value, sym->size) : NULL;
		size_t from = 0;

		for (size_t i = 0; b && i < sym->size; i++) {
			if (isalnum(b[i]) || b[i] == '_')
				continue;
			if (!b[i] && i - from > 1)
				python_word(p, (const char *)b + from, i - from);
			from = i + 1;
		}
	}
}

static void release(struct python *p)
{
	size_t kept = 0, n = p->held_n;

	for (size_t i = 0; i < n; i++) {
		struct py_held h = p->held[i];

		if (is_wanted(p, &h))
			reach_follow(p->r, h.node);
		else
			p->held[kept++] = h;
	}
	p->held_n = kept;
}

bool python_step(struct python *p)
{
	size_t nodes = p->r->nodes_n;

	while (p->wanted_n)
		python_load_named(p, p->wanted[--p->wanted_n]);
	do {
		p->changed = false;
		python_reach_units(p);
	} while (p->changed && !p->everything);
	if (p->everything) {
		p->r->gates_open |= gates_by_keyword();
		python_load_all(p);
	}
	release(p);
	return p->r->nodes_n != nodes;
}

/* "3.11" of "/usr/bin/python3.11". */
static char *version_of(const char *program)
{
	const char *name = strrchr(program, '/') + 1;
	size_t n;

	if (strncmp(name, "python3.", 8) != 0)
		return NULL;
	n = strspn(name + 6, "0123456789.");
	return xasprintf("%.*s", (int)n, name + 6);
}

static void add_folder(struct python *p, char *path)
{
	*vec_push(p->folders, p->folders_n, p->folders_cap) = path;
}

static void add_folders(struct python *p, const char *program, const char *script)
{
	size_t n = (size_t)(strrchr(program, '/') - program);
	cleanup_free char *prefix = NULL;

	while (n && program[n - 1] != '/')
		n--;
	prefix = xasprintf("%.*s", (int)(n ? n - 1 : 0), program);
	add_folder(p, xasprintf("%.*s", (int)(strrchr(script, '/') - script), script));
	add_folder(p, xasprintf("%s/lib/python%s", prefix, p->version));
	p->library = p->folders[1];
	add_folder(p, xasprintf("%s/lib-dynload", p->library));
	add_folder(p, xasprintf("%s/site-packages", p->library));
	add_folder(p, xasprintf("%s/lib/python3/dist-packages", prefix));
	add_folder(p, xasprintf("/usr/local/lib/python%s/dist-packages", p->version));
}

int python_open(struct python **out, struct reach *r, const char *script, struct err *e)
{
	const char *program = r->l->objects[0]->path;
	struct python *p = xcalloc(1, sizeof(*p));

	*out = p;
	p->r = r;
	p->version = version_of(program);
	if (!p->version)
		return err_set(e, EINVAL, "%s: a script can be followed for python3.N only",
			       program);
	if (*script != '/')
		return err_set(e, EINVAL, "%s: the script's path in the root begins with /",
			       script);
	add_folders(p, program, script);
	add_own_names(p);
	return python_begin(p, script, e);
}

void python_free(struct python *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->modules_n; i++) {
		py_source_free(&p->modules[i]->source);
		map_free(&p->modules[i]->plain);
		free(p->modules[i]->name);
		free(p->modules[i]->text);
		free(p->modules[i]);
	}
	for (size_t i = 0; i < p->folders_n; i++)
		free(p->folders[i]);
	free(p->modules);
	free(p->folders);
	free(p->prefixes);
	free(p->held);
	free(p->wanted);
	for (size_t i = 0; i < p->parts_n; i++)
		free(p->importers[i]);
	free(p->importers);
	free(p->version);
	free(p->everything);
	map_free(&p->words);
	map_free(&p->by_name);
	free(p);
}

void python_describe(const struct python *p, struct buf *out)
{
	if (p->everything)
		buf_printf(out, "Python: every method of every module counts: %s\n", p->everything);
	else
		buf_printf(out,
			   "Python: left out, since no name in %zu modules mentions them: %zu "
			   "methods\n",
			   p->modules_n, p->held_n);
}
