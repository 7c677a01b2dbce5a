/*
 * Code of libraries that runs only after a program asked for it through an interface, or only where
 * the system is another than can be expected. A test of a flag that such an interface sets looks
 * like any other branch, so without this knowledge every program that creates a thread could also
 * change the scheduling policy. A gate is closed until reached code of another file binds one of
 * the interface's functions, or calls it with an argument that asks for it.
 */
#ifndef ELF_GATES_H
#define ELF_GATES_H

#include "elf/link.h"

/* Rows of the table, as bits. */
__extension__ typedef unsigned __int128 gate_rows;

/* The set of one row. */
static inline gate_rows gates_row(unsigned row)
{
	return (gate_rows)1 << row;
}

/* Rows that apply to each function, as bits; NULL: there are none in this object. */
gate_rows *gates_of(const struct link_object *o);
/* The rows of which this is an interface's function, whatever its arguments are, as bits. */
gate_rows gates_opened_by(const char *name);
/* The rows that wait for an argument given by name in Python: "=NAME". */
gate_rows gates_by_keyword(void);
/* Which argument of the function decides about a row: 0, 1; -1: it decides about none. */
int gates_argument(const char *name);
/* The rows that a call with one of these values of that argument opens; n 0: any value. */
gate_rows gates_opened_by_call(const char *name, const uint32_t *values, size_t n);
/* The same for each function of an object, when it is called in another way; NULL: none. */
gate_rows *gates_opened_at(const struct link_object *o);
/* Rows that never apply in this root, because its configuration says otherwise. */
gate_rows gates_open_always(const struct elf_files *files);
/* Whether a row keeps what a reference leads to, or a number, back. */
bool gates_hold_ref(unsigned row, const struct link_object *o, const struct elf_ref *ref);
bool gates_hold_number(unsigned row, const struct link_object *o, uint32_t nr);
/* What is kept back, and until when: "the priority of threads … until …". */
const char *gates_what(unsigned row);
unsigned gates_count(void);

#endif
