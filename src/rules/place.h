/*
 * Text of rules files that keeps its places through everything that is done to it: appending,
 * substitution of lists, exceptions. Each byte knows the scalar of the file that it comes from.
 */
#ifndef RULES_PLACE_H
#define RULES_PLACE_H

#include "base/yaml.h"

/* A scalar (or any node) of a loaded file. */
struct place {
	const struct yaml_stream *file;
	const struct yaml_node *node;
};

struct origin {
	uint32_t place; /* in ptext.places */
	uint32_t off;	/* in the node's text */
};

struct ptext {
	char *p; /* NUL-terminated */
	struct origin *from;
	size_t n, cap;
	struct place *places;
	size_t places_n, places_cap;
};

enum { PTEXT_MAX = 4 * 1024 * 1024 };

void ptext_free(struct ptext *t);

/* The number of a place in the text. */
uint32_t ptext_place(struct ptext *t, struct place at);
/* Appends bytes that come from `off` of a place, or (step 0) all from that one point. */
void ptext_add(struct ptext *t, const char *s, size_t n, uint32_t place, uint32_t off,
	       uint32_t step);
/* Appends a whole scalar. */
void ptext_add_scalar(struct ptext *t, struct place at);
/* Appends a part of a text that has the same places. */
void ptext_slice(struct ptext *t, const struct ptext *from, size_t begin, size_t end);
/* Replaces the content. */
void ptext_copy(struct ptext *t, const struct ptext *from);

/* Line and column, from 1, of the byte at `off` of a scalar's text. */
void place_of(struct place at, size_t off, unsigned *line, unsigned *column);
/* The same of the byte at `off` of a text. *at gets the place that it comes from. */
void ptext_where(const struct ptext *t, size_t off, struct place *at, unsigned *line,
		 unsigned *column);

#endif
