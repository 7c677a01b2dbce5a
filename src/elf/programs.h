/*
 * Code of well-known programs that runs only when a word of their command line or configuration
 * asks for it. Such a test reads a structure that option handling filled, and so looks like any
 * other branch. What is left out are symbols that such code imports.
 */
#ifndef ELF_PROGRAMS_H
#define ELF_PROGRAMS_H

#include "base/buf.h"
#include "elf/asked.h"
#include "elf/link.h"

struct program_rule;

struct programs {
	const struct program_rule *rule; /* NULL: the program is none of them */
	struct asked words;
	uint64_t left_out; /* rows of the rule whose code nothing asks for */
};

/*
 * Decides about all rows for the files that are loaded so far: what decides in other files are
 * those that the configuration names. `commands` as for asked_read.
 */
void programs_open(struct programs *p, const struct linker *l, char *const *const *commands,
		   size_t commands_n);
void programs_free(struct programs *p);

/* Symbols of the object's file that its code uses only in what is left out, by index; NULL: none.
 */
bool *programs_cut(const struct programs *p, const struct linker *l, int object);
/* Numbers of system calls, likewise, which it passes to syscall(3). */
bool programs_cut_number(const struct programs *p, const struct linker *l, int object, uint32_t nr);
/* What was left out, a line each; or why nothing was. */
void programs_describe(const struct programs *p, struct buf *out);

#endif
