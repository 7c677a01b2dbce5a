/* Shared by reach*.c only. */
#ifndef ELF_REACH_PRIVATE_H
#define ELF_REACH_PRIVATE_H

#include "elf/reach.h"

/* What the walk keeps of each object; objects are added while it runs. */
struct reach_object *reach_object_of(struct reach *r, uint32_t index);
/* What a reference of the node, a function or a part of one, leads to. */
void reach_do_ref(struct reach *r, uint32_t node, const struct elf_ref *ref);
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
