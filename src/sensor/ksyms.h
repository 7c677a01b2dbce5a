/* Names of kernel functions from /proc/kallsyms (proc(5)); needs the right to see addresses. */
#ifndef SENSOR_KSYMS_H
#define SENSOR_KSYMS_H

#include <stddef.h>
#include <stdint.h>

struct ksym {
	uint64_t addr;
	const char *name; /* "" when not found; owned by the table */
	uint64_t start;	  /* where that function begins */
};

struct ksyms {
	struct ksym *v; /* sorted by addr */
	size_t n;
	char *names;
};

/*
 * Resolves `n` addresses (any order, duplicates allowed) in one pass over /proc/kallsyms, without
 * keeping the file. 0 or a negative errno; -EACCES when the kernel hides addresses.
 */
int ksyms_resolve(struct ksyms *k, const uint64_t *addr, size_t n);
/* The name for one of the addresses, "" when unknown. */
const char *ksyms_name(const struct ksyms *k, uint64_t addr);
void ksyms_free(struct ksyms *k);

#endif
