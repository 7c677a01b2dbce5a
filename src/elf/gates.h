/*
 * Code of the C library that runs only after a program asked for it through an interface. A test of
 * a flag that such an interface sets looks like any other branch, so without this knowledge every
 * program that creates a thread could also change the scheduling policy. A gate is closed until
 * reached code of another file binds one of the interface's functions.
 */
#ifndef ELF_GATES_H
#define ELF_GATES_H

#include "elf/link.h"

/* Rows that apply to each function, as bits; NULL: the object is not a C library that is known. */
uint32_t *gates_of(const struct link_object *o);
/* The rows of which this is an interface's function, as bits. */
uint32_t gates_opened_by(const char *name);
/* Rows that never apply in this root, because its configuration says otherwise. */
uint32_t gates_open_always(const struct elf_files *files);
/* Whether a row keeps a call to an exported function (any of its names), or a number, back. */
bool gates_hold_call(unsigned row, const struct link_object *o, uint64_t target);
bool gates_hold_number(unsigned row, const struct link_object *o, uint32_t nr);
/* What is kept back, and until when: "the priority of threads … until …". */
const char *gates_what(unsigned row);
unsigned gates_count(void);

#endif
