/*
 * Which functions in C a Python program can call. A method table of the interpreter or of an
 * extension module counts as a set of names: a method is reached when reached Python or C code
 * mentions its name, as a name or in a string. Modules are found by following imports from the
 * script; functions of the standard library count when their name is mentioned, all code of other
 * files does. Where names of modules, or of what is in them, are made at run time, everything
 * counts. Layout of tables: Python's C API, PyMethodDef.
 */
#ifndef ELF_PYTHON_H
#define ELF_PYTHON_H

#include "elf/reach.h"

struct python;

/*
 * For the program of `r` with the script at this path in the root. -EINVAL: the program is no
 * Python, or its library or the script is not there. `*out` is freed by python_free.
 */
int python_open(struct python **out, struct reach *r, const char *script, struct err *e);
void python_free(struct python *p);

/* Whether the pointer is one to a method that nothing mentions so far; it is kept back then. */
bool python_holds(struct python *p, uint32_t node);
/* A string whose address the function `node` forms. */
void python_mention(struct python *p, uint32_t node, uint64_t addr);
/* A string to which a pointer in data leads. */
void python_mention_slot(struct python *p, uint32_t object, const struct elf_reloc *rel);
/* Follows what was mentioned since; whether there is more to walk. */
bool python_step(struct python *p);
/* What was assumed, or why everything counts: a line. */
void python_describe(const struct python *p, struct buf *out);

/* Whether the file is part of a Python program: it has, or wants, symbols of its C API. */
bool python_is_part(const struct elf_image *m);

#endif
