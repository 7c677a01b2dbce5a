/* The values of one argument that lead to one place of a diagram, in words. */
#ifndef PROFILE_VALUES_H
#define PROFILE_VALUES_H

#include "base/buf.h"
#include "model/workload.h"
#include "profile/bdd.h"
#include "profile/seccomp.h"

enum { VALUES_MAX_NEXT = 64 };

/* One argument of one call. */
struct values {
	const struct bdd *b;
	enum sc_abi abi;
	const struct sc_desc *d; /* NULL: no known call */
	unsigned arg;		 /* 6: the instruction pointer */
	uint32_t node;		 /* tests this argument */
	/* The values of arguments before it, on which names may depend. */
	const struct wl_call *before;
};

/*
 * Where the values of the argument lead, each place once, in the order of the smallest value.
 * False when there are more than VALUES_MAX_NEXT.
 */
bool values_next(const struct values *v, uint32_t next[VALUES_MAX_NEXT], size_t *n);

/*
 * Appends "family is one of AF_UNIX, AF_INET", "(flags & CLONE_NEWNS) is 0" … for those that lead
 * to `next`; false when they cannot be told in a few words (nothing is appended then). With exactly
 * one value, *single is true and *value is it.
 */
bool values_text(const struct values *v, uint32_t next, struct buf *out, bool *single,
		 uint64_t *value);

#endif
