#include "elf/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/gates.h"
#include "elf/js_lex.h"
#include "elf/node_private.h"

enum {
	MAX_MODULES = 20000,
	MAX_WORD = 256,
	/* struct node_module of node.h: fields from the pointer to the function on */
	BINDING_NAME = 8,
	BINDING_FILE = -16,
	BINDING_FLAGS = -28,
	BINDING_INTERNAL = 4, /* a flag */
};

/* What a start with a script loads: node.cc, node_realm.cc, api/environment.cc. */
static const char *const at_start[] = {
	"internal/per_context/primordials",
	"internal/per_context/domexception",
	"internal/per_context/messageport",
	"internal/bootstrap/realm",
	"internal/bootstrap/loaders", /* its name before Node.js 18.17 */
	"internal/bootstrap/node",
	"internal/bootstrap/browser",
	"internal/bootstrap/web/exposed-wildcard", /* of Node.js 20 */
	"internal/bootstrap/web/exposed-window-or-worker",
	"internal/bootstrap/switches/is_main_thread",
	"internal/bootstrap/switches/does_own_process_state",
	"internal/main/environment",
	"internal/main/run_main_module",
};

/* Modules by which anything can be called, or which run code from elsewhere. */
static const char *const unbounded[] = { "vm",	   "worker_threads", "repl", "inspector",
					 "module", "test",	     "v8",   "wasi" };

bool node_gives_name(const char *symbol)
{
	static const char *const names[] = {
		"_ZN4node9SetMethodE",
		"_ZN4node21SetMethodNoSideEffectE",
		"_ZN4node14SetProtoMethodE",
		"_ZN4node26SetProtoMethodNoSideEffectE",
		"_ZN4node17SetInstanceMethodE",
		"_ZN4node13SetFastMethodE",
		"_ZN4node25SetFastMethodNoSideEffectE",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(symbol, names[i], strlen(names[i])))
			return true;
	return false;
}

static long find_library(const struct reach *r)
{
	for (size_t i = 0; i < r->l->objects_n; i++)
		if (link_defined(r->l->objects[i], "_ZN4node5StartEiPPc"))
			return (long)i;
	return -1;
}

bool node_is_program(const struct reach *r)
{
	return find_library(r) >= 0;
}

static void give_up(struct node *n, const char *where, uint32_t line, const char *why)
{
	if (n->everything)
		return;
	n->changed = true;
	n->r->gates_open |= gates_by_keyword();
	n->everything = line ? xasprintf("%s, line %u: %s", where, line, why)
			     : xasprintf("%s: %s", where, why);
}

static void add(struct node *n, struct map *to, const char *text, size_t len)
{
	void **known = map_at(to, text, len);

	n->changed |= !*known;
	*known = n;
}

static struct node_module *find_module(const struct node *n, const char *id, size_t len)
{
	void **known = map_find(&n->by_id, id, len);

	return known ? *known : NULL;
}

struct node_module *node_add_module(struct node *n, const char *id)
{
	struct node_module *m = find_module(n, id, strlen(id));

	if (m)
		return m;
	m = xcalloc(1, sizeof(*m));
	m->id = xstrdup(id);
	*vec_push(n->modules, n->modules_n, n->modules_cap) = m;
	*map_at(&n->by_id, id, strlen(id)) = m;
	return m;
}

/* The text that is part of the library; other than ASCII only matters as part of names. */
static char *text_of(const struct node *n, const struct node_module *m)
{
	const struct elf_image *image = &n->r->l->objects[n->object]->image;
	const uint8_t *p = elf_at(image, m->at, m->len * m->width);
	char *text = xcalloc(m->len + 1, 1);

	for (uint64_t i = 0; p && i < m->len; i++) {
		unsigned c = p[i * m->width] | (m->width > 1 ? p[i * m->width + 1] << 8 : 0);

		text[i] = (char)(c < 0x80 ? c : 0x80);
	}
	return text;
}

static bool read_file(struct node *n, struct node_module *m, const char *path)
{
	cleanup_elf_bytes struct elf_bytes b = { 0 };

	if (elf_files_open(n->r->l->files, path, ELF_MAX_TEXT, &b, NULL))
		return false;
	m->text = xcalloc(b.len + 1, 1);
	memcpy(m->text, b.data, b.len);
	m->len = b.len;
	return true;
}

static void load(struct node *n, struct node_module *m, const char *by)
{
	if (m->loaded)
		return;
	m->loaded = true;
	m->by = by;
	if (m->at)
		m->text = text_of(n, m);
	else if (!m->text && !read_file(n, m, m->path))
		give_up(n, m->id, 0, "cannot be read");
	if (!m->text)
		return;
	js_source_read(&m->source, m->text, m->len, !m->library);
	for (size_t i = 0; !m->library && i < m->source.dynamics_n; i++) {
		static const char *const kinds[] = {
			[JS_DYNAMIC_LOAD] = "loads a module whose name is made at run time",
			[JS_DYNAMIC_OBJECT] =
				"an object of node goes where names can be made at run time",
			[JS_DYNAMIC_CODE] = "runs code that is made at run time",
		};
		const struct js_dynamic *d = &m->source.dynamics[i];

		give_up(n, m->id, d->line, kinds[d->kind]);
	}
	n->changed = true;
}

/* A module of node's own by the name that a script uses; NULL: there is none. */
static struct node_module *find_public(const struct node *n, const char *name, size_t len)
{
	struct node_module *m;

	if (len > 5 && !memcmp(name, "node:", 5)) {
		name += 5;
		len -= 5;
	}
	m = find_module(n, name, len);
	return m && m->library && strncmp(m->id, "internal/", 9) != 0 ? m : NULL;
}

/* ./name from the module's folder, as require() looks for it. */
static bool load_beside(struct node *n, const struct node_module *m, const char *name, size_t len)
{
	static const char *const ends[] = { "", ".js", ".cjs", ".mjs", ".json", "/index.js" };
	const char *slash = strrchr(m->id, '/');

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		cleanup_free char *path = xasprintf("%.*s/%.*s%s", (int)(slash - m->id), m->id,
						    (int)len, name, ends[i]);
		struct node_module *x = find_module(n, path, strlen(path));
		size_t k = strlen(path);

		if (x)
			return true;
		if (n->modules_n >= MAX_MODULES || (k > 5 && !strcmp(path + k - 5, ".node")))
			return false;
		x = xcalloc(1, sizeof(*x));
		if (!read_file(n, x, path)) {
			free(x);
			continue;
		}
		x->id = xstrdup(path);
		*vec_push(n->modules, n->modules_n, n->modules_cap) = x;
		*map_at(&n->by_id, path, strlen(path)) = x;
		if (k > 5 && !strcmp(path + k - 5, ".json"))
			x->loaded = true;
		else
			load(n, x, m->id);
		return true;
	}
	return false;
}

static void load_for_script(struct node *n, const struct node_module *m, const char *name,
			    size_t len)
{
	struct node_module *x = find_public(n, name, len);

	for (size_t i = 0; x && i < ARRAY_SIZE(unbounded); i++)
		if (!strncmp(x->id, unbounded[i], strlen(unbounded[i])) &&
		    strchr("/", x->id[strlen(unbounded[i])]))
			give_up(n, m->id, 0, "requires a module by which anything can be called");
	if (x)
		load(n, x, m->id);
	else if (!len || *name != '.' || !load_beside(n, m, name, len))
		give_up(n, m->id, 0, "requires a module that is not followed");
}

static void follow_load(struct node *n, const struct node_module *m, const struct js_load *l)
{
	const char *name = m->text + l->at;
	struct node_module *x;

	if (l->kind == JS_LOAD_BINDING) {
		add(n, &n->bindings, name, l->len);
		return;
	}
	if (!m->library && l->kind == JS_LOAD_MODULE) {
		load_for_script(n, m, name, l->len);
		return;
	}
	x = m->library ? find_module(n, name, l->len) : NULL;
	if (x && x->library)
		load(n, x, m->id);
	else if (l->kind == JS_LOAD_MODULE && l->len > 9 && !memcmp(name, "internal/", 9))
		give_up(n, m->id, 0, "requires a part of node that is not found");
}

/* A name that a script mentions, and may give to a function as an option. */
static void add_option(struct node *n, const char *text, size_t len)
{
	cleanup_free char *opener = xasprintf("=%.*s", (int)len, text);

	n->r->gates_open |= gates_opened_by(opener);
}

static void reach_unit(struct node *n, struct node_module *m, size_t u)
{
	struct js_unit *x = &m->source.units[u];

	x->reached = true;
	n->changed = true;
	for (size_t i = x->words; !m->library && i < x->words + x->words_n; i++)
		add_option(n, m->text + m->source.words[i].at, m->source.words[i].len);
	for (size_t i = x->words; i < x->words + x->words_n; i++)
		add(n, &n->words, m->text + m->source.words[i].at, m->source.words[i].len);
	for (size_t i = 0; i < m->source.loads_n; i++)
		if (m->source.loads[i].unit == u)
			follow_load(n, m, &m->source.loads[i]);
}

static bool is_mentioned(const struct node *n, const struct node_module *m, const struct js_unit *u)
{
	const char *name = m->text + u->at;

	return map_find(&n->words, name, u->len) || map_find(&n->c_words, name, u->len);
}

static void reach_units(struct node *n)
{
	for (size_t k = 0; k < n->modules_n; k++) {
		struct node_module *m = n->modules[k];

		for (size_t u = 0; m->loaded && u < m->source.units_n; u++) {
			struct js_unit *x = &m->source.units[u];

			if (!x->reached && (!u || m->source.units[x->parent].reached) &&
			    (!u || !m->library || is_mentioned(n, m, x)))
				reach_unit(n, m, u);
		}
	}
}

static bool is_wanted(const struct node *n, const struct node_held *h)
{
	const struct map *in = h->binding ? &n->bindings : &n->words;

	return n->everything || (h->name && map_find(in, h->name, strlen(h->name)));
}

static void release(struct node *n)
{
	size_t kept = 0, held = n->held_n;

	for (size_t i = 0; i < held; i++) {
		struct node_held h = n->held[i];

		if (!is_wanted(n, &h))
			n->held[kept++] = h;
		else if (h.binding)
			reach_follow(n->r, h.node);
		else
			reach_take(n->r, h.node, h.to);
	}
	n->held_n = kept;
}

bool node_step(struct node *n)
{
	size_t nodes = n->r->nodes_n;

	do {
		n->changed = false;
		if (!n->everything)
			reach_units(n);
	} while (n->changed && !n->everything);
	release(n);
	return n->r->nodes_n != nodes;
}

/* Functions of the object that are given a name. */
static const bool *named_in(struct node *n, uint32_t object)
{
	while (n->named_n <= object) {
		const struct elf_facts *f = &n->r->l->objects[n->named_n]->facts;
		bool *named = NULL;

		for (size_t i = 0; i < f->refs_n; i++) {
			if (f->refs[i].kind != ELF_REF_NAMED)
				continue;
			if (!named)
				named = xcalloc(f->functions_n + 1, sizeof(*named));
			named[f->refs[i].to] = true;
		}
		*vec_push(n->named, n->named_n, n->named_cap) = named;
	}
	return n->named[object];
}

/*
 * Lists of functions that a snapshot of objects may refer to: objects that the same code made
 * earlier, with the same names.
 */
static bool lists_references(const struct link_object *o, const struct elf_function *f)
{
	uint64_t off;
	const char *name = reach_function_name(o, f->start, &off);

	return !off && (strstr(name, "_register_external_reference_") ||
			strstr(name, "RegisterExternalReferences"));
}

bool node_holds(struct node *n, uint32_t node, const struct elf_ref *ref)
{
	const struct reach_node *x = &n->r->nodes[node];
	const struct link_object *o = n->r->l->objects[x->object];
	struct node_held h = { .node = node, .to = ref->to };
	const bool *named;

	if (n->everything)
		return false;
	if (ref->kind == ELF_REF_NAMED) {
		h.name = elf_string_at(&o->image, ref->at, MAX_WORD);
		if (!h.name || is_wanted(n, &h))
			return false;
	} else {
		named = named_in(n, x->object);
		if (!named || !named[ref->to] ||
		    !lists_references(o, &o->facts.functions[x->index]))
			return false;
	}
	*vec_push(n->held, n->held_n, n->held_cap) = h;
	return true;
}

bool node_holds_binding(struct node *n, uint32_t node)
{
	const struct elf_image *m = &n->r->l->objects[n->r->nodes[node].object]->image;
	const struct elf_reloc *rel = &m->relocs[n->r->nodes[node].index], *name, *file;
	const uint8_t *flags = elf_at(m, rel->at + (uint64_t)BINDING_FLAGS, 4);
	struct node_held h = { .node = node, .binding = true };

	if (n->everything || rel->kind != ELF_REL_ADDRESS || !flags ||
	    !elf_is_code(m, rel->addend) || !(elf_number(flags, 4) & BINDING_INTERNAL))
		return false;
	name = elf_reloc_at(m, rel->at + BINDING_NAME);
	file = elf_reloc_at(m, rel->at + (uint64_t)BINDING_FILE);
	if (!name || name->kind != ELF_REL_ADDRESS || !file || file->kind != ELF_REL_ADDRESS ||
	    !elf_string_at(m, file->addend, MAX_WORD))
		return false;
	h.name = elf_string_at(m, name->addend, MAX_WORD);
	if (!h.name || is_wanted(n, &h))
		return false;
	*vec_push(n->held, n->held_n, n->held_cap) = h;
	return true;
}

void node_mention(struct node *n, uint32_t node, uint64_t addr)
{
	const char *text;
	size_t len = 0;

	if (n->everything || n->r->nodes[node].object != n->object)
		return;
	text = elf_string_at(&n->r->l->objects[n->object]->image, addr, MAX_WORD);
	while (text && js_is_name_char(text[len]))
		len++;
	/* Names of its own functions stand in traces and errors; it does not look them up. */
	if (len && !text[len] && !map_find(&n->given, text, len))
		add(n, &n->c_words, text, len);
}

static void find_given(struct node *n)
{
	const struct link_object *o = n->r->l->objects[n->object];

	for (size_t i = 0; i < o->facts.refs_n; i++) {
		const struct elf_ref *r = &o->facts.refs[i];
		const char *name = r->kind == ELF_REF_NAMED
					   ? elf_string_at(&o->image, r->at, MAX_WORD)
					   : NULL;

		if (name)
			*map_at(&n->given, name, strlen(name)) = n;
	}
}

int node_open(struct node **out, struct reach *r, const char *script, struct err *e)
{
	struct node *n = xcalloc(1, sizeof(*n));
	struct node_module *m;

	*out = n;
	n->r = r;
	n->object = (uint32_t)find_library(r);
	if (*script != '/')
		return err_set(e, EINVAL, "%s: the script's path in the root begins with /",
			       script);
	find_given(n);
	node_find_builtins(n);
	m = node_add_module(n, script);
	if (!read_file(n, m, script))
		return err_set(e, EINVAL, "%s: cannot read the script", script);
	if (!find_module(n, "internal/bootstrap/node", strlen("internal/bootstrap/node")))
		give_up(n, script, 0, "the sources of node's own modules are not found");
	load(n, m, "the command line");
	for (size_t i = 0; i < ARRAY_SIZE(at_start); i++) {
		struct node_module *x = find_module(n, at_start[i], strlen(at_start[i]));

		if (x)
			load(n, x, "the start");
	}
	return 0;
}

void node_free(struct node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->modules_n; i++) {
		js_source_free(&n->modules[i]->source);
		free(n->modules[i]->id);
		free(n->modules[i]->text);
		free(n->modules[i]->path);
		free(n->modules[i]);
	}
	for (size_t i = 0; i < n->named_n; i++)
		free(n->named[i]);
	free(n->modules);
	free(n->named);
	free(n->held);
	free(n->everything);
	map_free(&n->by_id);
	map_free(&n->words);
	map_free(&n->c_words);
	map_free(&n->given);
	map_free(&n->bindings);
	free(n);
}

void node_describe(const struct node *n, struct buf *out)
{
	size_t loaded = 0;

	for (size_t i = 0; i < n->modules_n; i++)
		loaded += n->modules[i]->loaded;
	if (n->everything)
		buf_printf(out, "JavaScript: every function of node counts: %s\n", n->everything);
	else
		buf_printf(out,
			   "JavaScript: left out, since no name in %zu modules mentions them: %zu "
			   "functions\n",
			   loaded, n->held_n);
}
