/* A region for documents and models: many small allocations, one release. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used; /* bytes handed out, for limits and statistics */
};

/* Zeroed memory aligned for any type, owned by the arena. Aborts when memory is exhausted. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *a, const char *fmt, ...);
/* Releases everything; the arena is empty and may be used again. */
void arena_free(struct arena *a);

#endif
