/*
 * One machine instruction, reduced to what the analysis follows: where control goes, which
 * registers change, which addresses are formed and which memory is read. Everything not modelled is
 * ELF_OP_OTHER with a set of registers that it may change; that set may be too large, never too
 * small.
 */
#ifndef ELF_INSN_H
#define ELF_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/reader.h"

enum { ELF_REGS = 32, ELF_NO_REG = -1 };

enum elf_op {
	ELF_OP_OTHER,
	ELF_OP_CONST,	 /* dst = imm */
	ELF_OP_MOVE,	 /* dst = src */
	ELF_OP_CMOV,	 /* dst = src or dst */
	ELF_OP_LEA,	 /* dst = address of mem */
	ELF_OP_LOAD,	 /* dst = [mem] */
	ELF_OP_STORE,	 /* [mem] = src, or a constant with src = ELF_NO_REG */
	ELF_OP_ADD,	 /* dst = src + imm */
	ELF_OP_AND,	 /* dst = src & imm */
	ELF_OP_OR,	 /* dst = src | imm */
	ELF_OP_MOVK,	 /* AArch64: 16 bits of dst at `shift` = imm */
	ELF_OP_CSINC,	 /* AArch64: dst = src or src2 + imm */
	ELF_OP_COMPARE,	 /* registers are read, nothing changes */
	ELF_OP_PUSH,	 /* src */
	ELF_OP_POP,	 /* dst */
	ELF_OP_CALL,	 /* to target */
	ELF_OP_CALL_IND, /* to src or [mem] */
	ELF_OP_JUMP,
	ELF_OP_JUMP_IND,
	ELF_OP_BRANCH, /* to target or on */
	ELF_OP_RETURN,
	ELF_OP_STOP,	/* never goes on */
	ELF_OP_SYSCALL, /* the 64-bit entry: syscall, svc #0 */
	ELF_OP_COMPAT,	/* the i386 entry: int 0x80, sysenter */
};

struct elf_mem {
	bool used;
	bool absolute; /* disp is an address: relative to the instruction, or without a base */
	int8_t base, index;
	int64_t disp;
	uint8_t size; /* bytes accessed */
};

struct elf_insn {
	uint8_t len;
	uint8_t op;   /* enum elf_op */
	uint8_t size; /* of the operation in bytes: 4 clears the upper half of dst */
	uint8_t shift;
	int16_t moves; /* AArch64: is added to mem.base, which is in `kills`, after the access */
	int8_t dst, src, src2;
	bool final;	  /* a call that does not come back; set by the scan, not the decoder */
	bool escapes_imm; /* an immediate that might be an address, in an instruction not modelled
			   */
	uint32_t kills;	  /* registers whose value is not known afterwards, by bit */
	uint32_t reads;	  /* registers of ELF_OP_OTHER and ELF_OP_COMPARE that are read, by bit */
	struct elf_mem mem;
	uint64_t imm;
	uint64_t target;
};

/*
 * Decodes the instruction at the address from `n` bytes at `p`. 0: not an instruction, or it does
 * not end within `n`.
 */
unsigned elf_decode_x86(struct elf_insn *i, const uint8_t *p, size_t n, uint64_t addr);
unsigned elf_decode_arm64(struct elf_insn *i, const uint8_t *p, size_t n, uint64_t addr);

static inline unsigned elf_decode(enum elf_machine machine, struct elf_insn *i, const uint8_t *p,
				  size_t n, uint64_t addr)
{
	return machine == ELF_X86_64 ? elf_decode_x86(i, p, n, addr)
				     : elf_decode_arm64(i, p, n, addr);
}

/* Whether it only fills space: NOP in any form, INT3. */
bool elf_is_padding(const struct elf_insn *i);

/* What the flow analysis has to know of a machine's calling convention. */
struct elf_convention {
	uint32_t args;	    /* registers of arguments */
	uint32_t results;   /* registers of results */
	uint32_t clobbered; /* registers that a called function may change */
	int8_t number;	    /* holds the number of a system call */
	int8_t number_arg;  /* first argument of a function: that of syscall(3) */
	int8_t second_arg;  /* second argument of a function */
	int8_t third_arg, fourth_arg;
	int8_t stack;	    /* stack pointer */
	uint32_t by_kernel; /* registers that the kernel changes in a system call */
};

extern const struct elf_convention elf_conventions[]; /* by enum elf_machine */

#endif
