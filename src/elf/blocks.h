/*
 * One function as blocks: which of its code can run after a place in it, or without passing one.
 * Parts of a function that the compiler moved away belong to it. A block ends where control can
 * turn and behind every call.
 */
#ifndef ELF_BLOCKS_H
#define ELF_BLOCKS_H

#include "elf/facts.h"

enum {
	BLOCKS_MAX_PIECES = 16,	     /* of one function */
	BLOCKS_MAX_BLOCKS = 1 << 16, /* of one function */
};

struct block {
	uint64_t start, end;
	bool calls;    /* ends in a call */
	bool pointer;  /* of that, or of a jump out of the function: through a pointer */
	bool leaves;   /* control can leave the function at the end: a return, a jump elsewhere */
	uint64_t slot; /* the linker's slot through which that goes, 0: none */
	long to;       /* function of the file that it goes to; -1: none, or not known */
	size_t next, next_n; /* into `next` */
	uint32_t loop;	     /* number of the loop that it is in, from 1; 0: in none */
};

struct blocks {
	const struct elf_image *m;
	const struct elf_facts *facts;
	uint32_t pieces[BLOCKS_MAX_PIECES]; /* functions of the facts; [0] is the one asked for */
	size_t pieces_n;
	struct block *blocks; /* ascending by address */
	size_t blocks_n, blocks_cap;
	size_t *next;
	size_t next_n, next_cap;
	size_t entry;
	uint32_t loops_n; /* outermost ones */
	/* Places at which control arrives from elsewhere, such as handlers of C++ exceptions. */
	bool *loose;
};

/* Reads a function. False: it cannot be told apart (it is damaged, cut off, or too large). */
bool blocks_read(struct blocks *c, const struct elf_image *m, const struct elf_facts *facts,
		 uint32_t function);
void blocks_free(struct blocks *c);

/* Marks what can run after the marked blocks began, but for what is behind `ends` (NULL: none). */
void blocks_spread(const struct blocks *c, bool *marks, const bool *ends);

/*
 * What of piece `i` belongs to the marked blocks: by its references and its sites, counted from 0.
 * Only calls and system calls are left out; jumps from piece to piece always are.
 */
void blocks_keep(const struct blocks *c, size_t i, const bool *marks, bool *refs, bool *sites);

#endif
