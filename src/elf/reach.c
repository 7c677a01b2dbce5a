#include "elf/reach.h"

#include "base/mem.h"
#include "elf/gates.h"
#include "elf/insn.h"
#include "elf/node.h"
#include "elf/python.h"
#include "elf/reach_private.h"

void reach_visit(struct reach *r, uint32_t *slot, enum reach_kind kind, uint32_t object,
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

void reach_note_call(struct reach *r, bool compat, uint32_t nr, uint32_t node, uint64_t site)
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

void reach_note_open(struct reach *r, uint32_t node, uint64_t site, bool compat)
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
			reach_note_call(r, false, nr, r->objects[object].assumed - 1, 0);
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

void reach_visit_function(struct reach *r, uint32_t object, uint32_t index, uint32_t parent,
			  bool number_known)
{
	struct reach_object *p = reach_object_of(r, object);
	const struct elf_facts *f = &r->l->objects[object]->facts;
	const struct elf_function *x = &f->functions[index];

	reach_visit(r, &p->functions[index], REACH_FUNCTION, object, index, parent);
	r->gates_open |= p->opens ? p->opens[index] : 0;
	if (number_known || x->param < 0 || p->any_number[index])
		return;
	p->any_number[index] = true;
	if (assume_numbers(r, object, x, p->functions[index] - 1))
		return;
	for (uint32_t k = 0; k < x->sites_n; k++)
		if (f->sites[x->sites + k].kind == ELF_SITE_PARAM)
			reach_note_open(r, p->functions[index] - 1, f->sites[x->sites + k].addr,
					f->sites[x->sites + k].compat);
}

void reach_take(struct reach *r, uint32_t node, uint32_t to)
{
	reach_visit_function(r, r->nodes[node].object, to, node, false);
}

void reach_visit_pointers(struct reach *r, uint32_t object, uint64_t at, uint64_t size,
			  uint32_t parent)
{
	struct reach_object *p = reach_object_of(r, object);
	const struct elf_image *m = &r->l->objects[object]->image;
	size_t i = elf_reloc_from(m, at);

	for (; i < m->relocs_n && m->relocs[i].at - at < size; i++)
		reach_visit(r, &p->pointers[i], REACH_POINTER, object, (uint32_t)i, parent);
	/* Objects that were copied into the program's own data begin before the place. */
	for (i = elf_reloc_from(m, at); m->fixed && i > 0 && at - m->relocs[i - 1].at < 4096; i--)
		if (m->relocs[i - 1].kind == ELF_REL_COPY)
			reach_visit(r, &p->pointers[i - 1], REACH_POINTER, object, (uint32_t)i - 1,
				    parent);
}

void reach_visit_piece(struct reach *r, uint32_t object, uint64_t addr, uint32_t parent)
{
	struct reach_object *p = reach_object_of(r, object);
	long i = reach_piece_at(p, addr);

	if (i >= 0 && !reach_in_slots(&r->l->objects[object]->image, addr))
		reach_visit(r, &p->pieces[i], REACH_DATA, object, (uint32_t)i, parent);
}

void reach_visit_address(struct reach *r, uint32_t object, uint64_t addr, uint32_t parent)
{
	const struct link_object *o = r->l->objects[object];
	long f;

	if (!elf_is_code(&o->image, addr)) {
		reach_visit_piece(r, object, addr, parent);
		return;
	}
	f = elf_function_at(&o->facts, addr);
	if (f >= 0)
		reach_visit_function(r, object, (uint32_t)f, parent, false);
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
	if (reach_is_cut(r, object, rel))
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

static void do_site(struct reach *r, uint32_t node, const struct elf_site *s)
{
	const struct elf_facts *f = &r->l->objects[r->nodes[node].object]->facts;

	if (s->kind == ELF_SITE_ANY)
		reach_note_open(r, node, s->addr, s->compat);
	for (uint32_t i = 0; s->kind == ELF_SITE_KNOWN && i < s->numbers_n; i++)
		reach_note_call(r, s->compat, f->numbers[s->numbers + i], node, s->addr);
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
