/*
 * Start-up and serving. Serving begins when a process gets into one of the loops of loops.h; what
 * can run then is what follows them in their functions and in those that called them, what can be
 * called through pointers (handlers of signals, starts of threads, callbacks), and the end of the
 * process. Each phase is a walk of its own.
 */
#ifndef ELF_PHASES_H
#define ELF_PHASES_H

#include "elf/reach.h"

/* The beginning of serving: the address in the object. */
struct phases_loop {
	uint32_t object;
	uint64_t addr;
};

struct phases {
	const char *why_not; /* NULL: the phases are told apart */
	struct reach start, serving;
	struct phases_loop *loops;
	size_t loops_n, loops_cap;
};

/* What a walk of the whole program begins with besides the loader's and the program's start. */
struct phases_rest {
	void (*add)(void *ctx, struct reach *r);
	void (*run)(struct reach *r);
	void *ctx;
};

/* `all` is the walk through the whole program, which must outlive the result. */
void phases_find(struct phases *p, struct reach *all, const struct phases_rest *rest);
void phases_free(struct phases *p);

#endif
