/*
 * Code generation for classic BPF: a decision graph of tests on 32-bit words of struct
 * seccomp_data, built from the leaves up, then laid out as instructions. Equal nodes are one node,
 * so equal parts of a filter are shared.
 *
 * The accumulator: a test node begins by loading its word, unless the node before it, on that very
 * edge, left the same word (with the same mask) there. Each node therefore has up to two entries,
 * and no instruction ever depends on what some other path has loaded.
 */
#ifndef PROFILE_CODE_H
#define PROFILE_CODE_H

#include <stdint.h>

#include "base/map.h"
#include "profile/seccomp.h"

/* Index of a 32-bit word of struct seccomp_data; little-endian, as all ABIs in enum sc_abi are. */
enum code_word { WORD_NR = 0, WORD_ARCH = 1, WORD_ARG0 = 4 };
#define WORD_LO(arg) (WORD_ARG0 + 2 * (arg))
#define WORD_HI(arg) (WORD_ARG0 + 2 * (arg) + 1)

struct code_node {
	uint16_t op; /* BPF_JEQ, BPF_JGE, BPF_JSET, or BPF_RET */
	uint16_t word;
	uint32_t mask; /* of the word, before it is compared */
	uint32_t k;    /* BPF_RET: the verdict */
	uint32_t t, f; /* nodes */
};

struct code {
	struct code_node *node; /* children come before their parents */
	size_t n, cap;
	struct map index;
	size_t steps; /* of the work that led to the nodes; the owner's limit */
	bool full;    /* sticky: more nodes than any filter can need, or too many steps */
};

/* A point from which on, up to the next one, `node` decides. */
struct code_piece {
	uint64_t lo;
	uint32_t node;
	uint64_t weight; /* how often, against the others, a search ends here; at least 1 */
};

struct code_pieces {
	struct code_piece *p; /* ascending */
	size_t n, cap;
};
/* `lo` must not be below the last piece; a piece at the same point replaces that one. */
void code_pieces_put(struct code_pieces *v, uint64_t lo, uint32_t node);
/* The weight of the last piece, which is 1 until then. */
void code_pieces_weigh(struct code_pieces *v, uint64_t weight);
void code_pieces_free(struct code_pieces *v);
#define cleanup_code_pieces cleanup(code_pieces_free)

void code_free(struct code *c);
#define cleanup_code cleanup(code_free)

uint32_t code_ret(struct code *c, uint32_t verdict);
/* (word & mask) `op` k ? t : f. With t == f that is t, except for the word arch, always tested. */
uint32_t code_test(struct code *c, uint16_t op, uint16_t word, uint32_t mask, uint32_t k,
		   uint32_t t, uint32_t f);
/*
 * Where (word & mask) lies among the pieces, of which the first starts at 0: a search tree in which
 * both sides of every test weigh about the same, so that heavy pieces are found early.
 */
uint32_t code_search(struct code *c, uint16_t word, uint32_t mask, struct code_pieces *v);
/* The same for an argument of 64 bits. */
uint32_t code_search64(struct code *c, unsigned arg, const struct code_pieces *v);

/* Lays out the graph below `root`; -E2BIG as sp_compile(). */
int code_emit(struct code *c, uint32_t root, struct sp_filter *out, struct err *e);

#endif
