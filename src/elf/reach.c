#include "elf/reach.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/gates.h"
#include "elf/insn.h"
#include "elf/node.h"
#include "elf/programs.h"
#include "elf/python.h"
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

static bool is_cut(struct reach *r, uint32_t object, const struct elf_reloc *rel)
{
	const bool *cut = reach_object_of(r, object)->cut;

	return cut && rel->kind == ELF_REL_SYMBOL && cut[rel->sym];
}

/* Makes a node unless the slot already has one. */
static void visit(struct reach *r, uint32_t *slot, enum reach_kind kind, uint32_t object,
		  uint32_t index, uint32_t parent)
{
	struct reach_node *n;

	if (*slot)
		return;
	n = vec_push(r->nodes, r->nodes_n, r->nodes_cap);
	*n = (struct reach_node){
		.kind = kind, .object = object & 0x1fffffff, .index = index, .parent = parent
	};
	*slot = (uint32_t)r->nodes_n;
}

static void note_call(struct reach *r, bool compat, uint32_t nr, uint32_t node, uint64_t site)
{
	struct reach_call *c;

	/* The x32 numbers have a bit of their own; no such call is made by mistake. */
	if (!compat)
		nr &= ~SC_X32_BIT;
	if (nr >= REACH_MAX_NR)
		return;
	c = &r->calls[compat][nr];
	if (!c->seen)
		*c = (struct reach_call){ .seen = true, .node = node, .site = site };
}

static void note_open(struct reach *r, uint32_t node, uint64_t site, bool compat)
{
	*vec_push(r->open, r->open_n, r->open_cap) =
		(struct reach_open){ .node = node, .site = site, .compat = compat };
}

static bool is_exported(const struct elf_image *m, const struct elf_function *x)
{
	for (size_t i = 0; i < m->syms_n; i++)
		if (m->syms[i].defined && m->syms[i].value - x->start < x->end - x->start)
			return true;
	return false;
}

/* Numbers that the function passes in calls through pointers. */
static void add_assumed(struct reach *r, uint32_t object, const struct elf_function *x)
{
	const struct elf_facts *f = &r->l->objects[object]->facts;

	for (uint32_t k = 0; k < x->refs_n; k++) {
		const struct elf_ref *ref = &f->refs[x->refs + k];

		for (unsigned i = 0; ref->kind == ELF_REF_INDIRECT && i < ref->numbers_n; i++) {
			uint32_t nr = f->numbers[ref->numbers + i];

			if (nr >= REACH_MAX_NR || r->calls[0][nr].seen)
				continue;
			note_call(r, false, nr, r->objects[object].assumed - 1, 0);
			r->calls[0][nr].why = "constant of a call through a pointer in this file";
		}
	}
}

/*
 * A function with a number as first argument whose address is taken, but which no other file can
 * name: its callers are taken to be the calls through pointers in its own file that have a constant
 * there.
 */
static bool assume_numbers(struct reach *r, uint32_t object, const struct elf_function *x,
			   uint32_t node)
{
	const struct link_object *o = r->l->objects[object];
	const struct elf_facts *f = &o->facts;

	if (x->param != elf_conventions[o->image.machine].number_arg || x->field >= 0 ||
	    is_exported(&o->image, x))
		return false;
	if (r->objects[object].assumed)
		return true;
	r->objects[object].assumed = node + 1;
	for (size_t i = 0; i < f->functions_n; i++)
		if (r->objects[object].functions[i])
			add_assumed(r, object, &f->functions[i]);
	return true;
}

static void visit_function(struct reach *r, uint32_t object, uint32_t index, uint32_t parent,
			   bool number_known)
{
	struct reach_object *p = reach_object_of(r, object);
	const struct elf_facts *f = &r->l->objects[object]->facts;
	const struct elf_function *x = &f->functions[index];

	visit(r, &p->functions[index], REACH_FUNCTION, object, index, parent);
	r->gates_open |= p->opens ? p->opens[index] : 0;
	if (number_known || x->param < 0 || p->any_number[index])
		return;
	p->any_number[index] = true;
	if (assume_numbers(r, object, x, p->functions[index] - 1))
		return;
	for (uint32_t k = 0; k < x->sites_n; k++)
		if (f->sites[x->sites + k].kind == ELF_SITE_PARAM)
			note_open(r, p->functions[index] - 1, f->sites[x->sites + k].addr,
				  f->sites[x->sites + k].compat);
}

void reach_take(struct reach *r, uint32_t node, uint32_t to)
{
	visit_function(r, r->nodes[node].object, to, node, false);
}

void reach_visit_pointers(struct reach *r, uint32_t object, uint64_t at, uint64_t size,
			  uint32_t parent)
{
	struct reach_object *p = reach_object_of(r, object);
	const struct elf_image *m = &r->l->objects[object]->image;
	size_t i = elf_reloc_from(m, at);

	for (; i < m->relocs_n && m->relocs[i].at - at < size; i++)
		visit(r, &p->pointers[i], REACH_POINTER, object, (uint32_t)i, parent);
	/* Objects that were copied into the program's own data begin before the place. */
	for (i = elf_reloc_from(m, at); m->fixed && i > 0 && at - m->relocs[i - 1].at < 4096; i--)
		if (m->relocs[i - 1].kind == ELF_REL_COPY)
			visit(r, &p->pointers[i - 1], REACH_POINTER, object, (uint32_t)i - 1,
			      parent);
}

/* Index of the piece that contains the address; -1: none. */
static long piece_at(const struct reach_object *p, uint64_t addr)
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

/*
 * The table of pointers that the linker fills is read in place, slot by slot; an address of it is
 * the end of what stands in front.
 */
static bool in_slots(const struct elf_image *m, uint64_t addr)
{
	for (size_t i = 0; i < m->sections_n; i++)
		if (addr - m->sections[i].addr < m->sections[i].size)
			return !strncmp(m->sections[i].name, ".got", 4);
	return false;
}

static void visit_piece(struct reach *r, uint32_t object, uint64_t addr, uint32_t parent)
{
	struct reach_object *p = reach_object_of(r, object);
	long i = piece_at(p, addr);

	if (i >= 0 && !in_slots(&r->l->objects[object]->image, addr))
		visit(r, &p->pieces[i], REACH_DATA, object, (uint32_t)i, parent);
}

void reach_visit_address(struct reach *r, uint32_t object, uint64_t addr, uint32_t parent)
{
	const struct link_object *o = r->l->objects[object];
	long f;

	if (!elf_is_code(&o->image, addr)) {
		visit_piece(r, object, addr, parent);
		return;
	}
	f = elf_function_at(&o->facts, addr);
	if (f >= 0)
		visit_function(r, object, (uint32_t)f, parent, false);
}

void reach_visit_symbol(struct reach *r, const struct link_place *at, uint64_t addend,
			uint32_t parent)
{
	const struct elf_sym *s = &r->l->objects[at->object]->image.syms[at->sym];

	if (s->type == ELF_SYM_TLS)
		return;
	if (s->type != ELF_SYM_OBJECT || !s->size) {
		reach_visit_address(r, (uint32_t)at->object, s->value + addend, parent);
		return;
	}
	reach_visit_pointers(r, (uint32_t)at->object, s->value, s->size, parent);
}

void reach_follow(struct reach *r, uint32_t node)
{
	uint32_t object = r->nodes[node].object;
	const struct link_object *o = r->l->objects[object];
	const struct elf_reloc *rel = &o->image.relocs[r->nodes[node].index];
	struct link_place at;

	if (rel->kind == ELF_REL_ADDRESS || rel->kind == ELF_REL_RESOLVER) {
		if (r->python && rel->kind == ELF_REL_ADDRESS)
			python_mention_slot(r->python, object, rel);
		reach_visit_address(r, object, rel->addend, node);
		return;
	}
	if (is_cut(r, object, rel))
		return;
	at = link_resolve(r->l, (int)object, rel->sym);
	if (rel->kind == ELF_REL_COPY && at.object == (int)object) {
		/* The definition that is copied is the next one in the scope. */
		const struct elf_sym *want = &o->image.syms[rel->sym];

		for (size_t i = 0; i < r->l->scope_n; i++) {
			const struct link_object *from = r->l->objects[r->l->scope[i]];
			uint32_t s = r->l->scope[i] == (int)object ? 0
								   : link_defined(from, want->name);

			if (s) {
				at = (struct link_place){ r->l->scope[i], s };
				break;
			}
		}
		if (at.object == (int)object)
			return;
	}
	if (at.object < 0)
		return;
	if (at.object != (int)object)
		r->gates_open |= gates_opened_by(o->image.syms[rel->sym].name);
	reach_visit_symbol(r, &at, rel->kind == ELF_REL_SYMBOL ? rel->addend : 0, node);
}

static void do_piece(struct reach *r, uint32_t node)
{
	uint32_t object = r->nodes[node].object, i = r->nodes[node].index;
	const struct reach_object *p = reach_object_of(r, object);
	uint64_t end = i + 1 < p->starts_n ? p->starts[i + 1] : UINT64_MAX;

	reach_visit_pointers(r, object, p->starts[i], end - p->starts[i], node);
}

/* Memory behind a pointer that the loader fills in: `size` bytes at `off` of the symbol. */
static void do_field(struct reach *r, uint32_t node, const struct elf_ref *ref)
{
	uint32_t object = r->nodes[node].object;
	const struct elf_image *m = &r->l->objects[object]->image;
	const struct elf_reloc *rel = elf_reloc_at(m, ref->at);
	struct link_place at = { -1, 0 };
	const struct elf_sym *s;

	if (rel && rel->kind == ELF_REL_SYMBOL)
		at = link_resolve(r->l, (int)object, rel->sym);
	if (at.object < 0)
		return;
	s = &r->l->objects[at.object]->image.syms[at.sym];
	reach_visit_pointers(r, (uint32_t)at.object, s->value + rel->addend + (uint64_t)ref->off,
			     ref->size, node);
}

static void note_numbers(struct reach *r, uint32_t node, const struct elf_facts *f,
			 const struct elf_ref *ref)
{
	if (!ref->numbers_n && !ref->size)
		note_open(r, node, 0, false);
	for (unsigned k = 0; k < ref->numbers_n; k++) {
		uint32_t nr = f->numbers[ref->numbers + k];

		if (!r->programs ||
		    !programs_cut_number(r->programs, r->l, (int)r->nodes[node].object, nr))
			note_call(r, false, nr, node, 0);
	}
}

/* What a slot that the linker fills leads to; an object of -1: nowhere, or its symbol is left out.
 */
static struct link_place slot_place(struct reach *r, uint32_t object, const struct elf_reloc *rel)
{
	if (!rel || is_cut(r, object, rel) || rel->kind != ELF_REL_SYMBOL)
		return (struct link_place){ -1, 0 };
	return link_resolve(r->l, (int)object, rel->sym);
}

static void do_wrap_slot(struct reach *r, uint32_t node, const struct elf_ref *ref)
{
	uint32_t object = r->nodes[node].object;
	const struct link_object *o = r->l->objects[object];
	struct link_place at = slot_place(r, object, elf_reloc_at(&o->image, ref->at));
	const struct link_object *to;
	long f;

	if (at.object < 0)
		return;
	to = r->l->objects[at.object];
	f = elf_function_at(&to->facts, to->image.syms[at.sym].value);
	if (f < 0)
		return;
	if (to->facts.functions[f].param == elf_conventions[to->image.machine].number_arg) {
		note_numbers(r, node, &o->facts, ref);
		visit_function(r, (uint32_t)at.object, (uint32_t)f, node, true);
	} else {
		visit_function(r, (uint32_t)at.object, (uint32_t)f, node, false);
	}
}

/* The function that is called through the slot. */
static bool called_by_slot(struct reach *r, uint32_t object, uint64_t slot, struct reach_place *out)
{
	const struct link_object *o = r->l->objects[object];
	const struct elf_reloc *rel = elf_reloc_at(&o->image, slot);
	struct link_place at = { -1, 0 };
	uint64_t addr;
	long f;

	if (!rel)
		return false;
	if (rel->kind == ELF_REL_SYMBOL)
		at = link_resolve(r->l, (int)object, rel->sym);
	else if (rel->kind == ELF_REL_ADDRESS)
		at.object = (int)object;
	if (at.object < 0)
		return false;
	addr = rel->kind == ELF_REL_SYMBOL ? r->l->objects[at.object]->image.syms[at.sym].value
					   : rel->addend;
	f = elf_function_at(&r->l->objects[at.object]->facts, addr);
	*out = (struct reach_place){ (uint32_t)at.object, (uint32_t)f };
	return f >= 0;
}

bool reach_called(struct reach *r, uint32_t object, const struct elf_ref *ref,
		  struct reach_place *out)
{
	switch (ref->kind) {
	case ELF_REF_CODE:
	case ELF_REF_WRAPPER:
		break;
	case ELF_REF_READ:
		return ref->to == 1 && called_by_slot(r, object, ref->at, out);
	case ELF_REF_WRAP_SLOT:
		return called_by_slot(r, object, ref->at, out);
	case ELF_REF_WATCHED:
		if (ref->at)
			return called_by_slot(r, object, ref->at, out);
		break;
	default:
		return false;
	}
	*out = (struct reach_place){ object, ref->to };
	return true;
}

bool reach_has(const struct reach *r, uint32_t object, uint32_t function)
{
	return object < r->objects_n && r->objects[object].functions[function];
}

/* The rows that a watched call opens, by all names of the function. */
static gate_rows opened_by_call(const struct link_object *o, uint64_t addr, const uint32_t *values,
				size_t n)
{
	gate_rows rows = 0;

	for (size_t i = 0; i < o->image.syms_n; i++)
		if (o->image.syms[i].defined && o->image.syms[i].value == addr)
			rows |= gates_opened_by_call(o->image.syms[i].name, values, n);
	return rows;
}

/*
 * A call whose argument decides what the function does. glob(3) calls itself with fewer flags than
 * it was given; no watched function calls itself with more.
 */
static void do_watched(struct reach *r, uint32_t node, const struct elf_ref *ref)
{
	uint32_t object = r->nodes[node].object;
	const struct link_object *o = r->l->objects[object], *to = o;
	struct link_place at = { (int)object, 0 };
	long f = ref->to;

	if (ref->at)
		at = slot_place(r, object, elf_reloc_at(&o->image, ref->at));
	if (at.object < 0)
		return;
	to = r->l->objects[at.object];
	if (ref->at)
		f = elf_function_at(&to->facts, to->image.syms[at.sym].value);
	if (f < 0 || (to == o && r->nodes[node].kind == REACH_FUNCTION &&
		      r->nodes[node].index == (uint32_t)f))
		return;
	visit(r, &reach_object_of(r, (uint32_t)at.object)->functions[f], REACH_FUNCTION,
	      (uint32_t)at.object, (uint32_t)f, node);
	r->gates_open |= opened_by_call(to, to->facts.functions[f].start,
					o->facts.numbers + ref->numbers, ref->numbers_n);
}

void reach_do_ref(struct reach *r, uint32_t node, const struct elf_ref *ref)
{
	uint32_t object = r->nodes[node].object;
	const struct elf_facts *f = &r->l->objects[object]->facts;

	switch (ref->kind) {
	case ELF_REF_TAKEN:
	case ELF_REF_NAMED:
		if (r->node && node_holds(r->node, node, ref))
			break;
		visit_function(r, object, ref->to, node, false);
		break;
	case ELF_REF_CODE:
		visit_function(r, object, ref->to, node, false);
		break;
	case ELF_REF_READ:
		reach_visit_pointers(r, object, ref->at, ref->size, node);
		break;
	case ELF_REF_ADDRESS:
		visit_piece(r, object, ref->at, node);
		if (!ref->size)
			reach_name(r, node, ref->at);
		if (r->python)
			python_mention(r->python, node, ref->at);
		if (r->node)
			node_mention(r->node, node, ref->at);
		break;
	case ELF_REF_FIELD:
		do_field(r, node, ref);
		break;
	case ELF_REF_WRAPPER:
		note_numbers(r, node, f, ref);
		visit_function(r, object, ref->to, node, true);
		break;
	case ELF_REF_WRAP_SLOT:
		do_wrap_slot(r, node, ref);
		break;
	case ELF_REF_WATCHED:
		do_watched(r, node, ref);
		break;
	case ELF_REF_CASES:
		for (unsigned k = 0; k < ref->numbers_n && r->objects[object].asked; k++)
			r->objects[object].asked[ref->to] |= 1ull
							     << (f->numbers[ref->numbers + k] & 63);
		break;
	case ELF_REF_EXECUTES:
		*vec_push(r->executed, r->executed_n, r->executed_cap) =
			(struct reach_executed){ node, (uint32_t)(ref - f->refs) };
		break;
	}
}

static void do_site(struct reach *r, uint32_t node, const struct elf_site *s)
{
	const struct elf_facts *f = &r->l->objects[r->nodes[node].object]->facts;

	if (s->kind == ELF_SITE_ANY)
		note_open(r, node, s->addr, s->compat);
	for (uint32_t i = 0; s->kind == ELF_SITE_KNOWN && i < s->numbers_n; i++)
		note_call(r, s->compat, f->numbers[s->numbers + i], node, s->addr);
}

/* The closed gates of `gates` that hold this call back, or this number. */
static gate_rows held_by(const struct reach *r, const struct link_object *o, gate_rows gates,
			 const struct elf_ref *ref, const struct elf_site *site)
{
	const struct elf_facts *f = &o->facts;
	gate_rows held = 0;

	for (unsigned i = 0; i < gates_count(); i++) {
		if (!(gates & ~r->gates_open & gates_row(i)))
			continue;
		if (ref && gates_hold_ref(i, o, ref))
			held |= gates_row(i);
		if (site && site->numbers_n == 1 &&
		    gates_hold_number(i, o, f->numbers[site->numbers]))
			held |= gates_row(i);
	}
	return held;
}

static uint32_t function_of(const struct reach *r, uint32_t node)
{
	const struct reach_node *n = &r->nodes[node];

	return n->kind == REACH_PART ? r->parts[n->index].function : n->index;
}

/* The numbers for which a group of the function counts, when it was asked for none of them so far.
 */
static uint64_t cases_of(const struct reach *r, uint32_t node, uint8_t group)
{
	uint32_t object = r->nodes[node].object;
	const uint64_t *asked = r->objects[object].asked;
	uint64_t mask = group ? r->l->objects[object]->facts.masks[group - 1] : 0;

	return asked && asked[function_of(r, node)] & mask ? 0 : mask;
}

bool reach_hold(struct reach *r, uint32_t node, gate_rows gates, uint32_t ref, bool site)
{
	const struct link_object *o = r->l->objects[r->nodes[node].object];
	const struct elf_facts *f = &o->facts;
	gate_rows held = held_by(r, o, gates, site ? NULL : &f->refs[ref],
				 site ? &f->sites[ref] : NULL);
	uint64_t cases = cases_of(r, node, site ? f->sites[ref].group : f->refs[ref].group);

	if (!held && !cases)
		return false;
	*vec_push(r->held, r->held_n, r->held_cap) = (struct reach_held){
		.node = node, .gates = held, .cases = cases, .ref = ref, .site = site
	};
	return true;
}

/* Whether it waits no longer, for a gate or for somebody who asks. */
static bool is_opened(const struct reach *r, const struct reach_held *h)
{
	const uint64_t *asked = r->objects[r->nodes[h->node].object].asked;

	return !(h->gates & ~r->gates_open) &&
	       (!h->cases || (asked && asked[function_of(r, h->node)] & h->cases));
}

/* Part of the function that it is taken for; NULL: all of it. */
static const struct reach_part *part_instead(const struct reach *r, uint32_t object,
					     uint32_t function)
{
	for (size_t i = 0; i < r->parts_n; i++)
		if (r->parts[i].instead && r->parts[i].object == object &&
		    r->parts[i].function == function)
			return &r->parts[i];
	return NULL;
}

static void do_function(struct reach *r, uint32_t node)
{
	bool whole = r->nodes[node].kind == REACH_FUNCTION;
	uint32_t object = r->nodes[node].object, at = r->nodes[node].index;
	uint32_t index = whole ? at : r->parts[at].function;
	const struct elf_facts *f = &r->l->objects[object]->facts;
	const struct elf_function *x = &f->functions[index];
	const struct reach_part *part = whole ? part_instead(r, object, index) : &r->parts[at];
	struct reach_object *p = reach_object_of(r, object);
	gate_rows gates = p->gates ? p->gates[index] : 0;

	if (p->assumed)
		add_assumed(r, object, x);
	for (uint32_t k = 0; k < x->sites_n; k++)
		if ((!part || part->sites[k]) && ((!gates && !f->sites[x->sites + k].group) ||
						  !reach_hold(r, node, gates, x->sites + k, true)))
			do_site(r, node, &f->sites[x->sites + k]);
	for (uint32_t k = 0; k < x->refs_n; k++)
		if ((!part || part->refs[k]) && ((!gates && !f->refs[x->refs + k].group) ||
						 !reach_hold(r, node, gates, x->refs + k, false)))
			reach_do_ref(r, node, &f->refs[x->refs + k]);
}

/* Goes on where a gate has opened meanwhile; whether there was such a place. */
static bool do_opened(struct reach *r)
{
	size_t kept = 0, n = r->held_n;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		struct reach_held h = r->held[i];
		const struct elf_facts *f = &r->l->objects[r->nodes[h.node].object]->facts;

		if (!is_opened(r, &h)) {
			r->held[kept++] = h;
			continue;
		}
		any = true;
		if (h.site)
			do_site(r, h.node, &f->sites[h.ref]);
		else
			reach_do_ref(r, h.node, &f->refs[h.ref]);
	}
	r->held_n = kept;
	return any;
}

static void walk(struct reach *r)
{
	for (; r->done < r->nodes_n; r->done++) {
		uint32_t node = (uint32_t)r->done;

		switch (r->nodes[node].kind) {
		case REACH_FUNCTION:
		case REACH_PART:
			do_function(r, node);
			break;
		case REACH_DATA:
			do_piece(r, node);
			break;
		case REACH_POINTER:
			if ((!r->python || !python_holds(r->python, node)) &&
			    (!r->node || !node_holds_binding(r->node, node)))
				reach_follow(r, node);
			break;
		}
	}
}

void reach_run(struct reach *r)
{
	do {
		walk(r);
	} while (do_opened(r) || (r->python && python_step(r->python)) ||
		 (r->node && node_step(r->node)));
}

const char *reach_function_name(const struct link_object *o, uint64_t addr, uint64_t *off)
{
	const struct elf_image *m = &o->image;
	const struct elf_sym *best = NULL;

	for (size_t i = 0; i < m->syms_n + m->local_syms_n; i++) {
		const struct elf_sym *s = i < m->syms_n ? &m->syms[i]
							: &m->local_syms[i - m->syms_n];

		if (!s->defined || s->value > addr || !*s->name ||
		    (s->type != ELF_SYM_FUNC && s->type != ELF_SYM_IFUNC) ||
		    addr - s->value >= (s->size ? s->size : 1))
			continue;
		if (!best || s->value > best->value)
			best = s;
	}
	*off = best ? addr - best->value : 0;
	return best ? best->name : "";
}
