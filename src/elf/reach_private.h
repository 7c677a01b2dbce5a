/* Shared by reach*.c only. */
#ifndef ELF_REACH_PRIVATE_H
#define ELF_REACH_PRIVATE_H

#include "elf/reach.h"

/* reach_objects.c: what the walk keeps of each object; objects are added while it runs. */
struct reach_object *reach_object_of(struct reach *r, uint32_t index);
/* Whether a relocation names a symbol that is used only in what is left out. */
bool reach_is_cut(struct reach *r, uint32_t object, const struct elf_reloc *rel);
/* Index of the piece of data that contains the address; -1: none. */
long reach_piece_at(const struct reach_object *p, uint64_t addr);
/*
 * The table of pointers that the linker fills is read in place, slot by slot; an address of it is
 * the end of what stands in front.
 */
bool reach_in_slots(const struct elf_image *m, uint64_t addr);

/* reach_refs.c: what a reference of the node, a function or a part of one, leads to. */
void reach_do_ref(struct reach *r, uint32_t node, const struct elf_ref *ref);

/* reach.c. Makes a node unless the slot already has one. */
void reach_visit(struct reach *r, uint32_t *slot, enum reach_kind kind, uint32_t object,
		 uint32_t index, uint32_t parent);
/* `number_known`: the call number that it gets as an argument counts already. */
void reach_visit_function(struct reach *r, uint32_t object, uint32_t index, uint32_t parent,
			  bool number_known);
void reach_visit_piece(struct reach *r, uint32_t object, uint64_t addr, uint32_t parent);
/* The node makes this call at the site, one of an unknown number. */
void reach_note_call(struct reach *r, bool compat, uint32_t nr, uint32_t node, uint64_t site);
void reach_note_open(struct reach *r, uint32_t node, uint64_t site, bool compat);
/* Whether it has to wait for a gate; then it is kept. `ref` is of the facts; or a site. */
bool reach_hold(struct reach *r, uint32_t node, gate_rows gates, uint32_t ref, bool site);
void reach_visit_pointers(struct reach *r, uint32_t object, uint64_t at, uint64_t size,
			  uint32_t parent);
void reach_visit_address(struct reach *r, uint32_t object, uint64_t addr, uint32_t parent);
/* A symbol that code or data refers to: its code, or all of its object. */
void reach_visit_symbol(struct reach *r, const struct link_place *at, uint64_t addend,
			uint32_t parent);
/* Whether the loader replaces something in a path: ld.so(8), "Dynamic string tokens". */
bool reach_expands(const char *path);

/* reach_roots.c: a string whose address reachable code of a file forms that can load others. */
void reach_name(struct reach *r, uint32_t node, uint64_t addr);

#endif
