/*
 * Rules that a kernel can decide entirely: a conjunction of tests, each of which a BPF program can
 * answer as exactly as the engine does. What is needed to kill in the very event.
 */
#ifndef RULES_KERNEL_H
#define RULES_KERNEL_H

#include "rules/rules.h"

enum {
	RULES_KERNEL_TEXTS = 16,
	RULES_KERNEL_PATH = 240, /* bytes of a path that are compared */
	RULES_KERNEL_COMM = 15,
};

struct rules_kernel_text {
	const char *text;
	bool prefix; /* or the whole */
};

struct rules_kernel_texts {
	struct rules_kernel_text v[RULES_KERNEL_TEXTS];
	size_t n; /* 0: any */
};

struct rules_kernel {
	unsigned result;		 /* enum rules_need_result */
	bool reads, writes;		 /* opened so; both: for both */
	bool containers;		 /* only those; never the host */
	int upper, memfd;		 /* of the executable: 1 it is, 0 it is not, -1 either */
	struct rules_kernel_texts paths; /* of the file that is open, fd.name */
	struct rules_kernel_texts exes;	 /* proc.exepath */
	struct rules_kernel_texts comms; /* proc.name; no prefixes */
};

/*
 * What the rule's condition is for events of one type. False: it is more than that; `why` (may be
 * NULL) has what stands in the way.
 */
bool rules_kernel_of(const struct rules *r, size_t rule, unsigned type, struct rules_kernel *out,
		     struct buf *why);

#endif
