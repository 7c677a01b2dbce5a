/*
 * Where a program can stay to serve: loops that it can get into from main by direct calls, in which
 * it waits for events, or which end only when a variable says so and call through pointers.
 */
#ifndef ELF_LOOPS_H
#define ELF_LOOPS_H

#include "elf/blocks.h"
#include "elf/calls.h"

enum { LOOPS_MAX_FUNCTIONS = 65536 };

/* A function in which, or behind which, there is such a loop. */
struct loops_function {
	struct reach_place at;
	struct blocks code;
	bool *loops;  /* by block: it is in such a loop */
	bool *enters; /* by block: it calls a function that has one and is called by pointers too */
	long *through; /* by block: the function of `loops` that it calls, -1: none */
	bool stays;
};

struct loops {
	struct calls *calls;
	const struct reach *by_pointer;	  /* what can be called through pointers */
	struct loops_function *functions; /* [0] is main */
	size_t functions_n, functions_cap;
	uint32_t *known; /* by function: index in `functions` + 1, UINT32_MAX: it has none */
};

/*
 * Follows the calls from main. Only functions that stay are kept, and main. False: main cannot be
 * told apart, or there is no such loop.
 */
bool loops_find(struct loops *s, struct calls *c, const struct reach *by_pointer,
		struct reach_place main);
void loops_free(struct loops *s);
#define cleanup_loops cleanup(loops_free)

#endif
