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

/* Of constructors and destructors, or destructors only. */
static void add_constructors(struct reach *r, int object, bool both)
{
	const struct elf_image *m = &r->l->objects[object]->image;
	uint32_t root = add_root(r, both ? "constructors and destructors" : "destructors");

	reach_object_of(r, (uint32_t)object)->added = true;
	if (both && m->init)
		reach_visit_address(r, (uint32_t)object, m->init, root);
	if (m->fini)
		reach_visit_address(r, (uint32_t)object, m->fini, root);
	for (size_t i = both ? 0 : 2; i < ARRAY_SIZE(m->arrays); i++)
		reach_visit_pointers(r, (uint32_t)object, m->arrays[i].start,
				     m->arrays[i].end - m->arrays[i].start, root);
}

static void add_looked_up(struct reach *r, int object)
{
	const struct link_object *o = r->l->objects[object];

	for (size_t k = 0; r->l->interp >= 0 && k < ARRAY_SIZE(by_loader); k++) {
		uint32_t s = link_defined(o, by_loader[k]);

		if (s)
			reach_add_function(r, object, o->image.syms[s].value,
					   "the dynamic loader looks it up");
	}
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
		add_constructors(r, l->scope[i], true);
		add_looked_up(r, l->scope[i]);
	}
}

void reach_add_end(struct reach *r)
{
	for (size_t i = 0; i < r->l->scope_n; i++) {
		add_constructors(r, r->l->scope[i], false);
		add_looked_up(r, r->l->scope[i]);
	}
}

static void add_exports(struct reach *r, int object, const char *why)
{
	const struct link_object *o = r->l->objects[object];
	uint32_t root = add_root(r, why);

	for (size_t i = 0; i < o->image.syms_n; i++) {
		const struct elf_sym *s = &o->image.syms[i];
		struct link_place at = { object, (uint32_t)i };

		if (s->defined && !s->local && s->type != ELF_SYM_TLS)
			reach_visit_symbol(r, &at, 0, root);
	}
}

void reach_add_library(struct reach *r, int object, bool exports, const char *why)
{
	const struct link_object *o = r->l->objects[object];

	if (reach_object_of(r, (uint32_t)object)->added)
		return;
	add_constructors(r, object, true);
	for (size_t i = 0; i < o->needed_n; i++)
		reach_add_library(r, o->needed[i], false, why);
	if (exports)
		add_exports(r, object, why);
}

void reach_add_part(struct reach *r, const struct reach_part *part, const char *why)
{
	uint32_t root = add_root(r, why);

	*vec_push(r->parts, r->parts_n, r->parts_cap) = *part;
	*vec_push(r->nodes, r->nodes_n,
		  r->nodes_cap) = (struct reach_node){ .kind = REACH_PART,
						       .object = part->object & 0x1fffffff,
						       .index = (uint32_t)r->parts_n - 1,
						       .parent = root };
}

void reach_replace(struct reach *r, const struct reach_part *part)
{
	*vec_push(r->parts, r->parts_n, r->parts_cap) = *part;
	r->parts[r->parts_n - 1].instead = true;
}

/* Whether the reference puts an address into a register. */
static bool forms(const struct elf_ref *ref)
{
	switch (ref->kind) {
	case ELF_REF_TAKEN:
	case ELF_REF_ADDRESS:
		return true;
	case ELF_REF_READ:
	case ELF_REF_FIELD:
		return !ref->to;
	}
	return false;
}

static void add_formed(struct reach *r, const struct reach_node *from)
{
	const struct elf_facts *f = &r->l->objects[from->object]->facts;
	const struct elf_function *x = &f->functions[from->index];
	struct reach_object *p = reach_object_of(r, from->object);
	gate_rows gates = p->gates ? p->gates[from->index] : 0;
	uint32_t node = UINT32_MAX;

	for (uint32_t k = x->refs; k < x->refs + x->refs_n; k++) {
		if (!forms(&f->refs[k]))
			continue;
		if (node == UINT32_MAX) {
			node = (uint32_t)r->nodes_n;
			*vec_push(r->nodes, r->nodes_n,
				  r->nodes_cap) = (struct reach_node){ .kind = REACH_FORMED,
								       .object = from->object,
								       .index = from->index,
								       .parent = node };
		}
		if ((!gates && !f->refs[k].group) || !reach_hold(r, node, gates, k, false))
			reach_do_ref(r, node, &f->refs[k]);
	}
}

void reach_add_formed(struct reach *r, const struct reach *from)
{
	for (size_t i = 0; i < from->nodes_n; i++)
		if (from->nodes[i].kind == REACH_FUNCTION)
			add_formed(r, &from->nodes[i]);
}

/* dlopen of a name that code mentions. */
static void load_by_name(struct reach *r, uint32_t node, const char *name)
{
	uint32_t object = r->nodes[node].object;
	void **known = map_at(&r->libraries, name, strlen(name));
	bool by_libc = link_defined(r->l->objects[object], "dlopen") != 0;
	int at;

	if (*known)
		return;
	*known = r;
	at = link_add(r->l, name, (int)object, &r->error);
	if (at < 0)
		return;
	reach_add_library(r, at, by_libc, "loaded by the C library, which looks up its functions");
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
	else if (!strchr(text, '%') && (strstr(text, ".so.") || !strcmp(text + n - 3, ".so")) &&
		 (int)r->nodes[node].object != r->l->interp)
		load_by_name(r, node, text);
	else if (!libc)
		find_by_name(r, node, text);
}
