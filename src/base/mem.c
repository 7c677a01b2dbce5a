#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mem_exhausted(void)
{
	fputs("boltseal: out of memory\n", stderr);
	abort();
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p && n && size)
		mem_exhausted();
	return p;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n, size);

	if (!q && n && size)
		mem_exhausted();
	return q;
}

char *xstrdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		mem_exhausted();
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_exhausted();
	return p;
}

void *vec_grow(void *v, size_t *n, size_t *cap, size_t elem)
{
	if (*n == *cap) {
		size_t want = *cap ? *cap * 2 : 8;

		v = xreallocarray(v, want, elem);
		*cap = want;
	}
	memset((char *)v + *n * elem, 0, elem);
	(*n)++;
	return v;
}
