/* A seccomp profile in the making; shared by generate_seccomp.c and generate_filters.c. */
#ifndef PROFILE_GENERATE_BUILDER_H
#define PROFILE_GENERATE_BUILDER_H

#include "profile/generate_private.h"

#define SEALED_AND_PROGRAM (WL_PROGRAM_PHASES | WL_PHASE_BIT(WL_SEALED))

/* Why a name is allowed, as bits; the lowest bit names the group in the profile. */
enum {
	WHY_PROGRAM = 1 << 0,
	WHY_ALWAYS = 1 << 1,
	WHY_PAIR = 1 << 2,
	WHY_BASE = 1 << 3,
	DONE = 1 << 4,	     /* has its own rules */
	WHY_UNSEEN = 1 << 5, /* only an analysis knows it */
	WHY_ANY = WHY_PROGRAM | WHY_ALWAYS | WHY_PAIR | WHY_BASE | WHY_UNSEEN,
};

struct builder {
	const struct workload *w;
	const struct gen_options *o;
	struct sp_profile *p;
	struct buf *notes;
	uint8_t *why;	/* per sc_at(i) */
	bool clone3;	/* it may be called */
	char base[160]; /* whose base it is, for comments */
};

/* The place of a name in sc_at(); SIZE_MAX for none of its. */
size_t builder_place(const char *name);
/* Whether the name is allowed for one of the reasons. */
bool builder_has(const struct builder *b, const char *name, uint8_t why);

/* The kind of an argument, when it is the same in all listed ABIs that have the call; else -1. */
int builder_kind(const struct builder *b, const struct sc_desc *d, unsigned index);

/*
 * generate_rules.c: whether all that the model has of the call's arguments are conditions of
 * policies, and giving such calls these conditions.
 */
bool builder_by_rules(const struct builder *b, const char *name);
void builder_add_rules(struct builder *b);

/* Gives calls of the program rules on their arguments, and marks them DONE. */
void builder_add_filters(struct builder *b);

#endif
