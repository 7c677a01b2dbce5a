#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/seccomp.h"

/* Scratch memory words; all other facts are from the kernel's bpf_check_classic(). */
_Static_assert(BPF_MEMWORDS == 16, "known[] below is a set of 16 bits");

/* seccomp_check_filter(): what a seccomp filter may use; MOD and packet loads are not there. */
static bool insn_known(uint16_t code)
{
	switch (code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
	case BPF_ALU | BPF_NEG:
	case BPF_JMP | BPF_JA:
		return true;
	}
	switch (code & ~BPF_X) {
	case BPF_ALU | BPF_ADD:
	case BPF_ALU | BPF_SUB:
	case BPF_ALU | BPF_MUL:
	case BPF_ALU | BPF_DIV:
	case BPF_ALU | BPF_AND:
	case BPF_ALU | BPF_OR:
	case BPF_ALU | BPF_XOR:
	case BPF_ALU | BPF_LSH:
	case BPF_ALU | BPF_RSH:
	case BPF_JMP | BPF_JEQ:
	case BPF_JMP | BPF_JGT:
	case BPF_JMP | BPF_JGE:
	case BPF_JMP | BPF_JSET:
		return true;
	}
	return false;
}

static bool is_mem(uint16_t code)
{
	return code == (BPF_LD | BPF_MEM) || code == (BPF_LDX | BPF_MEM) || code == BPF_ST ||
	       code == BPF_STX;
}

static const char *insn_fault(const struct sock_filter *i, size_t pc, size_t n)
{
	if (!insn_known(i->code))
		return "no instruction of seccomp filters";
	if (i->code == (BPF_LD | BPF_W | BPF_ABS) &&
	    (i->k >= sizeof(struct seccomp_data) || i->k % 4))
		return "a load from outside of struct seccomp_data";
	if (i->code == (BPF_ALU | BPF_DIV | BPF_K) && !i->k)
		return "a division by zero";
	if ((i->code == (BPF_ALU | BPF_LSH | BPF_K) || i->code == (BPF_ALU | BPF_RSH | BPF_K)) &&
	    i->k >= 32)
		return "a shift by 32 bits or more";
	if (is_mem(i->code) && i->k >= BPF_MEMWORDS)
		return "scratch memory beyond its 16 words";
	if (BPF_CLASS(i->code) != BPF_JMP)
		return NULL;
	if (i->code == (BPF_JMP | BPF_JA) ? i->k >= n - pc - 1
					  : pc + i->jt + 1 >= n || pc + i->jf + 1 >= n)
		return "a jump beyond the end";
	return NULL;
}

/* check_load_and_stores(): scratch memory is read only where every path has written it. */
static const char *mem_fault(const struct sp_filter *f, size_t *at)
{
	uint16_t known[SP_MAX_INSNS], set = 0; /* words written on all paths to here */

	memset(known, 0xff, sizeof(known));
	for (size_t pc = 0; pc < f->n; pc++) {
		const struct sock_filter *i = &f->insn[pc];

		set &= known[pc];
		*at = pc;
		if (i->code == BPF_ST || i->code == BPF_STX)
			set |= (uint16_t)(1u << i->k);
		else if (is_mem(i->code) && !(set & (1u << i->k)))
			return "scratch memory is read that was not written";
		if (BPF_CLASS(i->code) != BPF_JMP)
			continue;
		if (BPF_OP(i->code) == BPF_JA) {
			known[pc + i->k + 1] &= set;
		} else {
			known[pc + i->jt + 1] &= set;
			known[pc + i->jf + 1] &= set;
		}
		set = UINT16_MAX;
	}
	return NULL;
}

int sp_filter_check(const struct sp_filter *f, struct err *e)
{
	const char *fault = NULL;
	size_t pc = 0;

	if (f->n == 0 || f->n > SP_MAX_INSNS)
		return err_set(e, EINVAL, "a filter of %zu instructions, expected 1 to %d", f->n,
			       SP_MAX_INSNS);
	for (size_t i = 0; i < f->n && !fault; i++) {
		fault = insn_fault(&f->insn[i], i, f->n);
		pc = i;
	}
	if (!fault)
		fault = mem_fault(f, &pc);
	if (!fault && BPF_CLASS(f->insn[f->n - 1].code) != BPF_RET) {
		fault = "the last instruction is no return";
		pc = f->n - 1;
	}
	if (!fault)
		return 0;
	return err_set(e, EINVAL, "instruction %zu (code 0x%02x, k 0x%x): %s", pc, f->insn[pc].code,
		       f->insn[pc].k, fault);
}

struct machine {
	uint32_t a, x, mem[BPF_MEMWORDS];
};

static uint32_t alu(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default:
		return -a; /* BPF_NEG */
	}
}

static bool jumps(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return a & b; /* BPF_JSET */
	}
}

static uint32_t load(const struct machine *m, const struct sock_filter *i,
		     const struct seccomp_data *sd)
{
	uint32_t v;

	switch (BPF_MODE(i->code)) {
	case BPF_ABS:
		memcpy(&v, (const char *)sd + i->k, sizeof(v));
		return v;
	case BPF_LEN:
		return sizeof(*sd);
	case BPF_MEM:
		return m->mem[i->k];
	default:
		return i->k; /* BPF_IMM */
	}
}

/* An instruction that neither jumps nor returns. */
static void step(struct machine *m, const struct sock_filter *i, const struct seccomp_data *sd)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
		m->a = load(m, i, sd);
		break;
	case BPF_LDX:
		m->x = load(m, i, sd);
		break;
	case BPF_ST:
		m->mem[i->k] = m->a;
		break;
	case BPF_STX:
		m->mem[i->k] = m->x;
		break;
	case BPF_ALU:
		m->a = alu(BPF_OP(i->code), m->a, BPF_SRC(i->code) == BPF_X ? m->x : i->k);
		break;
	default: /* BPF_MISC */
		if (BPF_MISCOP(i->code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
	}
}

uint32_t sp_run(const struct sp_filter *f, const struct seccomp_data *sd)
{
	struct machine m = { 0 };

	for (size_t pc = 0;; pc++) { /* jumps go forward only, and the last one returns */
		const struct sock_filter *i = &f->insn[pc];

		if (BPF_CLASS(i->code) == BPF_RET)
			return BPF_RVAL(i->code) == BPF_A ? m.a : i->k;
		if (i->code == (BPF_JMP | BPF_JA)) {
			pc += i->k;
		} else if (BPF_CLASS(i->code) == BPF_JMP) {
			uint32_t b = BPF_SRC(i->code) == BPF_X ? m.x : i->k;

			pc += jumps(BPF_OP(i->code), m.a, b) ? i->jt : i->jf;
		} else if (i->code == (BPF_ALU | BPF_DIV | BPF_X) && !m.x) {
			return 0; /* the kernel ends the program there */
		} else {
			step(&m, i, sd);
		}
	}
}

int sp_simulate(const struct sp_filter *f, const struct seccomp_data *sd, uint32_t *ret,
		struct err *e)
{
	int r = sp_filter_check(f, e);

	if (r == 0)
		*ret = sp_run(f, sd);
	return r;
}
