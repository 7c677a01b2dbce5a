/*
 * Decision diagrams over all 512 bits of struct seccomp_data. The ends are the kernel's words
 * (sp_ret_word()) without what the kernel does not act on, so two filters are equal exactly when
 * their diagrams are. Variables: arch, number, arguments 0 to 5 (of each the high word first),
 * instruction pointer.
 */
#ifndef PROFILE_DIAGRAM_H
#define PROFILE_DIAGRAM_H

#include "profile/bdd.h"
#include "profile/seccomp.h"

enum { DIAGRAM_LEVELS = sizeof(struct seccomp_data) * 8 };
/* The first variable of 64 that stand for the argument; of 6, the instruction pointer. */
#define DIAGRAM_ARG(index) (64u + 64u * (index))

/* Numbers of the operations that are applied to diagrams (struct bdd_op). */
enum { DIAGRAM_OP_STRICTER, DIAGRAM_OP_RELATION, DIAGRAM_OP_COMPLAIN };

/* With room for what filters and profiles need; see bdd_failed(). */
struct bdd *diagram_new(void);
uint32_t diagram_of_profile(struct bdd *b, const struct sp_profile *p);
/* The condition (ends 0 and 1) that all conditions of the rule hold for a call of this ABI. */
uint32_t diagram_of_rule(struct bdd *b, const struct sp_rule *r, enum sc_abi abi,
			 const struct sc_desc *d);
/*
 * False when the program does what the diagrams do not cover: arithmetic other than AND on what it
 * loaded, or too many states. The filter has passed sp_filter_check().
 */
bool diagram_of_filter(struct bdd *b, const struct sp_filter *f, uint32_t *out);
/* What the kernel makes of two filters on one thread: the stricter word, of equal actions `x`. */
uint32_t diagram_stricter(struct bdd *b, uint32_t x, uint32_t y);
/* What is left of the diagram for one number of one architecture. */
uint32_t diagram_at(const struct bdd *b, uint32_t node, uint32_t arch, uint32_t nr);
/* The call that values of the variables (DIAGRAM_LEVELS of them) spell. */
void diagram_call(const bool *value, struct seccomp_data *sd);

#endif
