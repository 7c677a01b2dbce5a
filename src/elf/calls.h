/*
 * Who calls whom directly, among the functions that a program reaches; and from where it is known
 * that something is called which waits, or calls through pointers.
 */
#ifndef ELF_CALLS_H
#define ELF_CALLS_H

#include "elf/reach.h"

struct calls {
	struct reach *r;
	size_t *base; /* by object: number of its first function */
	size_t n;     /* functions of all objects */
	uint32_t *first, *callers;
	bool *waits;		/* by function: it waits for events by direct calls */
	bool *pointers;		/* by function: it, or what it calls, calls through pointers */
	bool *libc;		/* by object */
	bool nrs[REACH_MAX_NR]; /* system calls that wait */
};

void calls_find(struct calls *c, struct reach *r, enum sc_abi abi);
void calls_free(struct calls *c);
#define cleanup_calls cleanup(calls_free)

static inline size_t calls_id(const struct calls *c, struct reach_place p)
{
	return c->base[p.object] + p.function;
}

/* Whether a wait for events is between these addresses of the function itself. */
bool calls_waits_at(const struct calls *c, struct reach_place at, uint64_t slot, uint64_t start,
		    uint64_t end);

#endif
