/* Which blocks of a function are in loops. */
#ifndef ELF_BLOCKS_LOOPS_H
#define ELF_BLOCKS_LOOPS_H

#include "elf/blocks.h"

/* Sets `loop` of every block, and how many loops there are; the blocks are linked already. */
void blocks_find_loops(struct blocks *c);

#endif
