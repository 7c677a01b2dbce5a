#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/gates.h"
#include "elf/programs.h"
#include "elf/reach_private.h"

void reach_init(struct reach *r, struct linker *l)
{
	*r = (struct reach){ .l = l, .gates_open = gates_open_always(l->files) };
}

void reach_free(struct reach *r)
{
	for (size_t i = 0; i < r->objects_n; i++) {
		free(r->objects[i].functions);
		free(r->objects[i].any_number);
		free(r->objects[i].cut);
		free(r->objects[i].gates);
		free(r->objects[i].opens);
		free(r->objects[i].asked);
		free(r->objects[i].starts);
		free(r->objects[i].pieces);
		free(r->objects[i].pointers);
	}
	free(r->objects);
	free(r->nodes);
	free(r->open);
	free(r->held);
	free(r->executed);
	for (size_t i = 0; i < r->parts_n; i++) {
		free(r->parts[i].refs);
		free(r->parts[i].sites);
	}
	free(r->parts);
	map_free(&r->libraries);
	*r = (struct reach){ 0 };
}

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void add_start(struct reach_object *p, uint64_t addr)
{
	*vec_push(p->starts, p->starts_n, p->starts_cap) = addr;
}

/*
 * Where pieces of data begin: sections, segments, symbols and their ends, and the addresses that
 * code and pointers name. On AArch64 compilers reach several objects from one address, so only
 * sections and symbols count there.
 */
static void find_pieces(struct reach_object *p, const struct link_object *o)
{
	const struct elf_image *m = &o->image;
	bool fine = m->machine == ELF_X86_64;
	size_t kept = 0;

	for (size_t i = 0; i < m->segments_n; i++)
		add_start(p, m->segments[i].vaddr);
	for (size_t i = 0; i < m->sections_n; i++)
		add_start(p, m->sections[i].addr);
	for (size_t i = 0; i < m->syms_n; i++)
		if (m->syms[i].defined && m->syms[i].type == ELF_SYM_OBJECT) {
			add_start(p, m->syms[i].value);
			add_start(p, m->syms[i].value + m->syms[i].size);
		}
	for (size_t i = 0; fine && i < o->facts.starts_n; i++)
		if (!(o->facts.starts[i] & 7))
			add_start(p, o->facts.starts[i]);
	for (size_t i = 0; fine && i < m->relocs_n; i++)
		if (m->relocs[i].kind == ELF_REL_ADDRESS && !(m->relocs[i].addend & 7) &&
		    !elf_is_code(m, m->relocs[i].addend))
			add_start(p, m->relocs[i].addend);
	if (p->starts_n)
		qsort(p->starts, p->starts_n, sizeof(*p->starts), compare_addresses);
	for (size_t i = 0; i < p->starts_n; i++)
		if (!kept || p->starts[i] != p->starts[kept - 1])
			p->starts[kept++] = p->starts[i];
	p->starts_n = kept;
}

bool reach_expands(const char *path)
{
	static const char *const tokens[] = { "ORIGIN", "LIB", "PLATFORM" };

	for (const char *p = path ? strchr(path, '$') : NULL; p; p = strchr(p + 1, '$')) {
		const char *name = p + 1 + (p[1] == '{');

		for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
			if (!strncmp(name, tokens[i], strlen(tokens[i])))
				return true;
	}
	return false;
}

/* Whether the loader has to replace something in the names and paths that a file gives it. */
static bool has_tokens(const struct elf_image *m)
{
	bool any = reach_expands(m->rpath) || reach_expands(m->runpath);

	for (size_t i = 0; i < m->needed_n; i++)
		any |= reach_expands(m->needed[i]);
	return any;
}

struct reach_object *reach_object_of(struct reach *r, uint32_t index)
{
	while (r->objects_n <= index) {
		const struct link_object *o = r->l->objects[r->objects_n];
		struct reach_object *p = vec_push(r->objects, r->objects_n, r->objects_cap);

		p->functions = xcalloc(o->facts.functions_n + 1, sizeof(*p->functions));
		p->any_number = xcalloc(o->facts.functions_n + 1, sizeof(*p->any_number));
		p->gates = gates_of(o);
		p->opens = gates_opened_at(o);
		if (o->facts.masks_n)
			p->asked = xcalloc(o->facts.functions_n + 1, sizeof(*p->asked));
		p->cut = r->programs ? programs_cut(r->programs, r->l, (int)r->objects_n - 1)
				     : NULL;
		r->gates_open |= has_tokens(&o->image) ? gates_opened_by("$") : 0;
		find_pieces(p, o);
		p->pieces = xcalloc(p->starts_n + 1, sizeof(*p->pieces));
		p->pointers = xcalloc(o->image.relocs_n + 1, sizeof(*p->pointers));
	}
	return &r->objects[index];
}

void reach_leave_out(struct reach *r, const struct programs *p)
{
	for (size_t i = 0; i < r->objects_n; i++)
		r->objects[i].cut = programs_cut(p, r->l, (int)i);
	r->programs = p;
}

bool reach_is_cut(struct reach *r, uint32_t object, const struct elf_reloc *rel)
{
	const bool *cut = reach_object_of(r, object)->cut;

	return cut && rel->kind == ELF_REL_SYMBOL && cut[rel->sym];
}

long reach_piece_at(const struct reach_object *p, uint64_t addr)
{
	size_t lo = 0, hi = p->starts_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->starts[mid] <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (long)lo - 1;
}

bool reach_in_slots(const struct elf_image *m, uint64_t addr)
{
	for (size_t i = 0; i < m->sections_n; i++)
		if (addr - m->sections[i].addr < m->sections[i].size)
			return !strncmp(m->sections[i].name, ".got", 4);
	return false;
}
