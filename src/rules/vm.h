/* The state of evaluating events. Private to src/rules. */
#ifndef RULES_VM_H
#define RULES_VM_H

#include "rules/image.h"

enum {
	VM_SCRATCH = 256 * 1024, /* bytes that transformers may make of one event's values */
	VM_ELEMENTS = 2048,	 /* elements of lists that they may make */
	VM_WHOS = 512,		 /* numbers event.who about which something is known */
};

/* What follows from event.who, as bits: for each 64 a word of what is known and one of the truth.
 */
struct who {
	uint64_t number;
	uint64_t bits[][2];
};

struct vm {
	const struct image *im;
	uint32_t now; /* the event's generation: what carries another one is not known yet */
	const struct event *ev;
	struct who *who;  /* what is known of the event's */
	struct who *whos; /* VM_WHOS, and one for events of nobody */
	size_t who_size;
	struct {
		uint32_t known; /* generation << 1 | has a value */
		struct ev_values values;
	} * operands;
	uint32_t *tests; /* generation << 1 | truth */
	uint32_t *memos;
	uint32_t *groups; /* generation << 1 */
	uint64_t *group_bits;
	char *scratch;
	size_t scratch_used;
	struct ev_value *elements;
	size_t elements_used;
	struct compare_scratch compare;
	uint64_t full;	   /* values that were left out because scratch was full */
	uint64_t was_full; /* the same, before the event */
	uint64_t gave_up;  /* regexes that were too costly */
};

/* Everything that evaluating needs is allocated here. The image must stay. */
struct vm *vm_new(const struct image *im);
void vm_free(struct vm *vm);

/* Begins an event: nothing is known of it. */
void vm_begin(struct vm *vm, const struct event *ev);
/* vm_value.c: the operand's values, or NULL when it has none. Cached for the event. */
const struct ev_values *vm_values(struct vm *vm, uint32_t operand);
/* The truth of a test. Cached for the event. */
bool vm_test(struct vm *vm, uint32_t test);
/* A truth that follows from event.who: -1 when it is not known yet. */
static inline int vm_who(const struct vm *vm, uint32_t slot)
{
	const uint64_t *word = vm->who->bits[slot / 64];

	return word[0] >> (slot % 64) & 1 ? (int)(word[1] >> (slot % 64) & 1) : -1;
}

static inline void vm_know(struct vm *vm, uint32_t slot, bool truth)
{
	uint64_t *word = vm->who->bits[slot / 64];

	word[0] |= UINT64_C(1) << (slot % 64);
	word[1] |= (uint64_t)truth << (slot % 64);
}

/* The truth of a condition, without code. */
bool vm_condition(struct vm *vm, gref r);

/* Scratch memory for the event; NULL when there is no more. */
char *vm_scratch(struct vm *vm, size_t size);

#endif
