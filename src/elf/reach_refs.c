/* What the references of reached code lead to. */
#include "base/mem.h"
#include "elf/insn.h"
#include "elf/node.h"
#include "elf/programs.h"
#include "elf/python.h"
#include "elf/reach_private.h"

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
		reach_note_open(r, node, 0, false);
	for (unsigned k = 0; k < ref->numbers_n; k++) {
		uint32_t nr = f->numbers[ref->numbers + k];

		if (!r->programs ||
		    !programs_cut_number(r->programs, r->l, (int)r->nodes[node].object, nr))
			reach_note_call(r, false, nr, node, 0);
	}
}

/* What a slot that the linker fills leads to; an object of -1: nowhere, or its symbol is left out.
 */
static struct link_place slot_place(struct reach *r, uint32_t object, const struct elf_reloc *rel)
{
	if (!rel || reach_is_cut(r, object, rel) || rel->kind != ELF_REL_SYMBOL)
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
		reach_visit_function(r, (uint32_t)at.object, (uint32_t)f, node, true);
	} else {
		reach_visit_function(r, (uint32_t)at.object, (uint32_t)f, node, false);
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
	reach_visit(r, &reach_object_of(r, (uint32_t)at.object)->functions[f], REACH_FUNCTION,
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
		reach_visit_function(r, object, ref->to, node, false);
		break;
	case ELF_REF_CODE:
		reach_visit_function(r, object, ref->to, node, false);
		break;
	case ELF_REF_READ:
		reach_visit_pointers(r, object, ref->at, ref->size, node);
		break;
	case ELF_REF_ADDRESS:
		reach_visit_piece(r, object, ref->at, node);
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
		reach_visit_function(r, object, ref->to, node, true);
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
