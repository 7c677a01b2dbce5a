/*
 * Reduced ordered decision diagrams over boolean variables, with 32-bit words at the ends.
 * Canonical: two functions are equal exactly when their node numbers are. A condition is a diagram
 * that ends in 0 (false) and 1 (true).
 */
#ifndef PROFILE_BDD_H
#define PROFILE_BDD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bdd;

/* Variables are 0 … levels-1 (at most 65534), tested in that order. */
struct bdd *bdd_new(unsigned levels, size_t max_nodes);
void bdd_free(struct bdd **b);
#define cleanup_bdd cleanup(bdd_free)

/* Sticky: more nodes or more work than the limit; all results since then mean nothing. */
bool bdd_failed(const struct bdd *b);

uint32_t bdd_leaf(struct bdd *b, uint32_t value);
/* The variable `level` tested; `lo` and `hi` test none up to it. */
uint32_t bdd_node(struct bdd *b, unsigned level, uint32_t lo, uint32_t hi);
/* c ? t : f, where c is a condition. */
uint32_t bdd_ite(struct bdd *b, uint32_t c, uint32_t t, uint32_t f);

/* A function of two ends, applied to two diagrams point by point. `id`: a small number of its own.
 */
struct bdd_op {
	uint32_t id;
	uint32_t (*of)(uint32_t x, uint32_t y);
};
uint32_t bdd_apply(struct bdd *b, const struct bdd_op *op, uint32_t x, uint32_t y);

/* Walking: the variable that a node tests (the number of levels for an end), its ends, its word. */
unsigned bdd_level(const struct bdd *b, uint32_t id);
/* The node behind `id` when variable `level` has this value; `id` tests none above it. */
uint32_t bdd_child(const struct bdd *b, uint32_t id, unsigned level, bool bit);
bool bdd_is_leaf(const struct bdd *b, uint32_t id);
uint32_t bdd_word(const struct bdd *b, uint32_t leaf);
/* The words at the ends below a node, each once; at most `max` are looked for. Returns how many. */
size_t bdd_words(const struct bdd *b, uint32_t id, uint32_t *words, size_t max);

/*
 * Conditions on the number that `bits` variables from `level` on spell, highest bit first: the
 * number AND `mask` equals, or is at least, k.
 */
uint32_t bdd_eq(struct bdd *b, unsigned level, unsigned bits, uint64_t mask, uint64_t k);
uint32_t bdd_ge(struct bdd *b, unsigned level, unsigned bits, uint64_t mask, uint64_t k);

/* For x != y: one value for each variable (0 where it does not matter) that tells them apart. */
void bdd_difference(const struct bdd *b, uint32_t x, uint32_t y, bool *value);

#endif
