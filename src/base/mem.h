/*
 * Allocation that cannot fail: sizes that input drives are limited before they come here, so an
 * allocation that fails means the machine is out of memory, and the process ends with a message.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

_Noreturn void mem_exhausted(void);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
__attribute__((format(printf, 1, 2))) char *xasprintf(const char *fmt, ...);

/*
 * Growing arrays: `vec_push(v, n, cap)` makes room for one more element in the array `v` with `n`
 * used and `cap` allocated elements, and has the address of the new, zeroed one.
 */
void *vec_grow(void *v, size_t *n, size_t *cap, size_t elem);
#define vec_push(v, n, cap)                                      \
	({                                                       \
		(v) = vec_grow((v), &(n), &(cap), sizeof(*(v))); \
		&(v)[(n)-1];                                     \
	})

#endif
