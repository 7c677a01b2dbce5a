/*
 * Values in registers, followed forward through the blocks of one function until nothing changes.
 * What is known of a register: one or a few constants, an argument of the function, an address that
 * the code formed, or a pointer loaded from a slot that the linker fills. Everything else is
 * unknown, which is always a correct answer.
 */
#ifndef ELF_FLOW_H
#define ELF_FLOW_H

#include "elf/insn.h"

enum {
	FLOW_MAX_SET = 16,    /* constants of one register */
	FLOW_MAX_VISITS = 64, /* of one block; then what still changes is unknown */
	FLOW_MAX_SETS = 256,  /* different sets of constants in one function */
	FLOW_SLOTS = 8,	      /* places on the stack that are followed */
};

enum flow_kind {
	FLOW_NONE, /* not reached yet */
	FLOW_CONST,
	FLOW_SET,	   /* constants: `base` is an index into struct flow's sets */
	FLOW_ARG,	   /* the argument in register `base` at the function's entry */
	FLOW_ADDRESS,	   /* base + off, where `base` was formed by the code */
	FLOW_SLOT,	   /* what the slot at `base` holds, plus off */
	FLOW_STACK,	   /* the stack pointer at the function's entry plus off */
	FLOW_FIELD,	   /* four bytes at `off` behind the argument in register `base` */
	FLOW_GLOBAL,	   /* the eight bytes at the address `base` */
	FLOW_GLOBAL_FIELD, /* four bytes at `off` behind the pointer at the address `base` */
	FLOW_ANY,
};

struct flow_value {
	uint8_t kind; /* enum flow_kind */
	uint64_t base;
	int64_t off;
};

struct flow_set {
	uint8_t n;
	uint64_t v[FLOW_MAX_SET];
};

struct flow_state {
	struct flow_value reg[ELF_REGS];
	/* Eight or four bytes at a place of the stack; FLOW_NONE: not used. */
	struct {
		int64_t at;
		struct flow_value v;
	} slot[FLOW_SLOTS];
};

struct flow_block {
	size_t first, end; /* instructions */
	long next, branch; /* blocks, -1: none */
	bool open;	   /* control can come from where this analysis does not see it */
	bool dead;	   /* padding that nothing leads to */
	bool queued;
	unsigned visits;
};

/* One function. Arrays are reused from function to function. */
struct flow {
	const struct elf_image *m;
	const struct elf_convention *cc;
	unsigned regs; /* 16 or 32 */
	struct elf_insn *insns;
	uint64_t *addrs; /* of the instructions */
	size_t n, cap, addrs_n, addrs_cap;
	struct flow_block *blocks;
	size_t blocks_n, blocks_cap;
	struct flow_state *in; /* by block */
	size_t in_cap;
	uint32_t *block_of; /* by instruction: the block that begins there, or UINT32_MAX */
	size_t block_of_cap;
	struct flow_set *sets;
	size_t sets_n, sets_cap;
	bool stack_taken;  /* addresses on the stack go elsewhere */
	bool only_reached; /* what nothing leads to is data, not code */
	bool damaged;	   /* bytes that are no instruction */
};

void flow_init(struct flow *f, const struct elf_image *m);
void flow_free(struct flow *f);

/* Decodes [start, end). */
void flow_decode(struct flow *f, uint64_t start, uint64_t end);
/*
 * Blocks and values of what was decoded. `open` (ascending) are addresses inside at which control
 * can arrive from elsewhere.
 */
void flow_solve(struct flow *f, const uint64_t *open, size_t open_n);
/* What the instruction does to the state. */
void flow_step(struct flow *f, struct flow_state *s, size_t insn);
/* The address that a memory operand without index names; false: not known. */
bool flow_address(const struct flow_state *s, const struct elf_mem *mem, struct flow_value *out);
/* The slot from which the load takes a pointer to an object of this or another file; 0: none. */
uint64_t flow_slot_loaded(const struct flow *f, const struct flow_state *s,
			  const struct elf_insn *i);
/* What stands at a place of the stack. */
struct flow_value flow_stacked(const struct flow_state *s, int64_t at);
/* Index of the instruction at the address, -1: none begins there. */
long flow_insn_at(const struct flow *f, uint64_t addr);
/* The block of that instruction, -1: none, or it is in none. */
long flow_block_at(const struct flow *f, uint64_t addr);

/*
 * The values of a register as numbers, at most FLOW_MAX_SET. 0: they are not known.
 */
unsigned flow_constants(const struct flow *f, const struct flow_value *v, uint64_t *out);

static inline bool flow_is_pointer(const struct flow_value *v)
{
	return v->kind == FLOW_ADDRESS || v->kind == FLOW_SLOT;
}

static inline bool flow_same(const struct flow_value *a, const struct flow_value *b)
{
	return a->kind == b->kind && a->base == b->base && a->off == b->off;
}

#endif
