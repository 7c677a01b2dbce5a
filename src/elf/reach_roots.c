/* Where the walk begins, and what code adds to it by names of files and functions. */
#include <string.h>

#include "base/mem.h"
#include "elf/gates.h"
#include "elf/reach_private.h"

/* Functions that the dynamic loader looks up by name in what it loaded (glibc, elf/). */
static const char *const by_loader[] = { "__libc_early_init", "malloc", "calloc",
					 "realloc",	      "free",	"__tls_get_addr",
					 "_dl_signal_error" };

static uint32_t add_root(struct reach *r, const char *why)
{
	struct reach_node *n = vec_push(r->nodes, r->nodes_n, r->nodes_cap);

	*n = (struct reach_node){ .kind = REACH_ROOT,
				  .why = why,
				  .parent = (uint32_t)r->nodes_n - 1 };
	return (uint32_t)r->nodes_n - 1;
}

void reach_add_function(struct reach *r, int object, uint64_t addr, const char *why)
{
	uint32_t root = add_root(r, why);

	reach_visit_address(r, (uint32_t)object, addr, root);
}

static void add_constructors(struct reach *r, int object)
{
	const struct elf_image *m = &r->l->objects[object]->image;
	uint32_t root = add_root(r, "constructors and destructors");

	if (m->init)
		reach_visit_address(r, (uint32_t)object, m->init, root);
	if (m->fini)
		reach_visit_address(r, (uint32_t)object, m->fini, root);
	for (size_t i = 0; i < ARRAY_SIZE(m->arrays); i++)
		reach_visit_pointers(r, (uint32_t)object, m->arrays[i].start,
				     m->arrays[i].end - m->arrays[i].start, root);
}

void reach_add_start(struct reach *r)
{
	struct linker *l = r->l;

	if (l->interp >= 0)
		reach_add_function(r, l->interp, l->objects[l->interp]->image.entry,
				   "the kernel starts the dynamic loader");
	if (l->objects[0]->image.entry)
		reach_add_function(r, 0, l->objects[0]->image.entry, "the program's entry point");
	for (size_t i = 0; i < l->scope_n; i++) {
		add_constructors(r, l->scope[i]);
		for (size_t k = 0; l->interp >= 0 && k < ARRAY_SIZE(by_loader); k++) {
			const struct link_object *o = l->objects[l->scope[i]];
			uint32_t s = link_defined(o, by_loader[k]);

			if (s)
				reach_add_function(r, l->scope[i], o->image.syms[s].value,
						   "the dynamic loader looks it up");
		}
	}
}

void reach_add_library(struct reach *r, int object, bool exports, const char *why)
{
	const struct link_object *o = r->l->objects[object];
	uint32_t root;

	add_constructors(r, object);
	if (!exports)
		return;
	root = add_root(r, why);
	for (size_t i = 0; i < o->image.syms_n; i++) {
		const struct elf_sym *s = &o->image.syms[i];
		struct link_place at = { object, (uint32_t)i };

		if (s->defined && !s->local && s->type != ELF_SYM_TLS)
			reach_visit_symbol(r, &at, 0, root);
	}
}

/* dlopen of a name that code mentions. */
static void load_by_name(struct reach *r, uint32_t node, const char *name)
{
	uint32_t object = r->nodes[node].object;
	void **known = map_at(&r->libraries, name, strlen(name));
	size_t before = r->l->objects_n;
	bool by_libc = link_defined(r->l->objects[object], "dlopen") != 0;
	int at;

	if (*known)
		return;
	*known = r;
	at = link_add(r->l, name, (int)object, &r->error);
	if (at < 0)
		return;
	for (size_t i = before; i < r->l->objects_n; i++)
		reach_add_library(r, (int)i, false, "");
	if ((size_t)at >= before)
		reach_add_library(r, at, by_libc,
				  "loaded by the C library, which looks up its functions");
}

/* dlsym of a name that code mentions: every exported function of that name. */
static void find_by_name(struct reach *r, uint32_t node, const char *name)
{
	for (size_t i = 0; i < r->l->objects_n; i++) {
		uint32_t s = link_defined(r->l->objects[i], name);
		struct link_place at = { (int)i, s };

		if (!s)
			continue;
		r->gates_open |= gates_opened_by(name);
		reach_visit_symbol(r, &at, 0, node);
	}
}

void reach_name(struct reach *r, uint32_t node, uint64_t addr)
{
	const struct link_object *o = r->l->objects[r->nodes[node].object];
	const char *text = elf_string_at(&o->image, addr, 256);
	bool libc = link_defined(o, "dlopen") || (int)r->nodes[node].object == r->l->interp;
	size_t n = text ? strlen(text) : 0;

	if (n < 3)
		return;
	if (reach_expands(text) && !libc)
		r->gates_open |= gates_opened_by("$");
	if (!strncmp(text, "libnss_%s", 9))
		r->nss = true;
	else if (!strcmp(text, "gconv_init"))
		r->gconv = true;
	else if (!strchr(text, '%') && (strstr(text, ".so.") || !strcmp(text + n - 3, ".so")) &&
		 (int)r->nodes[node].object != r->l->interp)
		load_by_name(r, node, text);
	else if (!libc)
		find_by_name(r, node, text);
}
