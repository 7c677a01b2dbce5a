#include "profile/disassemble.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/constants.h"
#include "profile/compare.h"

enum {
	WORDS = sizeof(struct seccomp_data) / 4,
	W_NR = 0,
	W_ARCH = 1,
	W_IP = 2,
	W_ARG0 = 4,
	ANY = UINT32_MAX, /* of a word: not known, or something computed */
};

/* What holds on every path to an instruction. */
struct state {
	bool reached;
	uint32_t word, mask; /* in the accumulator */
	bool arch_known;
	uint32_t arch;
	uint32_t lo, hi; /* of the number */
};

struct disassembly {
	const struct sp_filter *f;
	struct state *at;
};

static void merge(struct state *into, const struct state *from)
{
	if (from->lo > from->hi)
		return; /* no number comes this way */
	if (!into->reached) {
		*into = *from;
		into->reached = true;
		return;
	}
	if (into->word != from->word || into->mask != from->mask)
		into->word = ANY;
	if (!from->arch_known || into->arch != from->arch)
		into->arch_known = false;
	into->lo = from->lo < into->lo ? from->lo : into->lo;
	into->hi = from->hi > into->hi ? from->hi : into->hi;
}

/* The state behind the jump when it is taken, or not. */
static struct state behind(const struct sock_filter *i, struct state s, bool taken)
{
	uint16_t op = BPF_OP(i->code);
	uint64_t from = op == BPF_JGT ? (uint64_t)i->k + 1 : i->k;

	if (BPF_SRC(i->code) != BPF_K || s.mask != UINT32_MAX)
		return s;
	if (s.word == W_ARCH && op == BPF_JEQ && taken) {
		s.arch_known = true;
		s.arch = i->k;
	}
	if (s.word != W_NR)
		return s;
	if (op == BPF_JEQ && taken) {
		if (i->k < s.lo || i->k > s.hi)
			s.lo = 1, s.hi = 0;
		else
			s.lo = s.hi = i->k;
	} else if (op == BPF_JEQ) {
		s.lo += s.lo == i->k && s.lo < UINT32_MAX;
		s.hi -= s.hi == i->k && s.hi > 0;
	} else if ((op == BPF_JGE || op == BPF_JGT) && taken) {
		if (from > s.hi)
			s.lo = 1, s.hi = 0;
		else if (from > s.lo)
			s.lo = (uint32_t)from;
	} else if (op == BPF_JGE || op == BPF_JGT) {
		if (from <= s.lo)
			s.lo = 1, s.hi = 0;
		else if (from <= s.hi)
			s.hi = (uint32_t)from - 1;
	}
	return s;
}

static void follow(struct disassembly *d, size_t pc)
{
	const struct sock_filter *i = &d->f->insn[pc];
	struct state s = d->at[pc], next;

	if (!s.reached || BPF_CLASS(i->code) == BPF_RET)
		return;
	if (i->code == (BPF_JMP | BPF_JA)) {
		merge(&d->at[pc + 1 + i->k], &s);
	} else if (BPF_CLASS(i->code) == BPF_JMP) {
		next = behind(i, s, true);
		merge(&d->at[pc + 1 + i->jt], &next);
		next = behind(i, s, false);
		merge(&d->at[pc + 1 + i->jf], &next);
	} else {
		if (i->code == (BPF_LD | BPF_W | BPF_ABS)) {
			s.word = i->k / 4;
			s.mask = UINT32_MAX;
		} else if (i->code == (BPF_ALU | BPF_AND | BPF_K)) {
			s.mask &= i->k;
		} else if (BPF_CLASS(i->code) == BPF_LD || BPF_CLASS(i->code) == BPF_ALU ||
			   i->code == (BPF_MISC | BPF_TXA)) {
			s.word = ANY;
		}
		merge(&d->at[pc + 1], &s);
	}
}

struct disassembly *disassemble(const struct sp_filter *f)
{
	struct disassembly *d = xcalloc(1, sizeof(*d));

	d->f = f;
	d->at = xcalloc(f->n, sizeof(*d->at));
	d->at[0] = (struct state){
		.reached = true, .word = ANY, .mask = UINT32_MAX, .hi = UINT32_MAX
	};
	for (size_t pc = 0; pc < f->n; pc++)
		follow(d, pc);
	return d;
}

void disassembly_free(struct disassembly **d)
{
	if (!*d)
		return;
	free((*d)->at);
	free(*d);
	*d = NULL;
}

static const char *jump_name(uint16_t op)
{
	switch (op) {
	case BPF_JEQ:
		return "jeq";
	case BPF_JGT:
		return "jgt";
	case BPF_JGE:
		return "jge";
	default:
		return "jset";
	}
}

static const char *alu_name(uint16_t op)
{
	static const char *const names[] = { "add", "sub", "mul", "div", "or", "and",
					     "lsh", "rsh", "neg", "mod", "xor" };

	return op >> 4 < (int)ARRAY_SIZE(names) ? names[op >> 4] : "?";
}

static void put_load(const struct sock_filter *i, struct buf *out)
{
	const char *name = BPF_CLASS(i->code) == BPF_LDX ? "ldx" : "ld";

	switch (BPF_MODE(i->code)) {
	case BPF_ABS:
		buf_printf(out, "%-4s [%u]", name, i->k);
		break;
	case BPF_MEM:
		buf_printf(out, "%-4s M[%u]", name, i->k);
		break;
	case BPF_LEN:
		buf_printf(out, "%-4s #len", name);
		break;
	default:
		buf_printf(out, "%-4s #0x%x", name, i->k);
	}
}

void disassembly_insn(const struct disassembly *d, size_t pc, struct buf *out)
{
	const struct sock_filter *i = &d->f->insn[pc];
	char k[16] = "x";

	if (BPF_SRC(i->code) != BPF_X)
		snprintf(k, sizeof(k), "#0x%x", i->k);
	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
	case BPF_LDX:
		put_load(i, out);
		break;
	case BPF_ST:
	case BPF_STX:
		buf_printf(out, "%-4s M[%u]", BPF_CLASS(i->code) == BPF_ST ? "st" : "stx", i->k);
		break;
	case BPF_ALU:
		if (BPF_OP(i->code) == BPF_NEG)
			buf_puts(out, "neg");
		else
			buf_printf(out, "%-4s %s", alu_name(BPF_OP(i->code)), k);
		break;
	case BPF_JMP:
		if (BPF_OP(i->code) == BPF_JA)
			buf_printf(out, "%-4s %zu", "ja", pc + 1 + i->k);
		else
			buf_printf(out, "%-4s %s, %zu, %zu", jump_name(BPF_OP(i->code)), k,
				   pc + 1 + i->jt, pc + 1 + i->jf);
		break;
	case BPF_RET:
		buf_printf(out, "%-4s %s", "ret", BPF_RVAL(i->code) == BPF_A ? "a" : k);
		break;
	default:
		buf_puts(out, BPF_MISCOP(i->code) == BPF_TAX ? "tax" : "txa");
	}
}

/* The ABI that the numbers of this state belong to; SC_ABI_COUNT: not known. */
static enum sc_abi abi_of(const struct state *s, uint32_t nr)
{
	struct seccomp_data sd = { .arch = s->arch, .nr = (int)nr };

	return s->arch_known ? sp_call_abi(&sd) : SC_ABI_COUNT;
}

static const char *call_name(const struct state *s, uint32_t nr)
{
	struct seccomp_data sd = { .arch = s->arch, .nr = (int)nr };
	const struct sc_desc *desc = s->arch_known ? sp_call_desc(&sd) : NULL;

	return desc ? desc->name : NULL;
}

/* The call that is being decided, when it is a single one. */
static const struct sc_desc *single(const struct state *s)
{
	struct seccomp_data sd = { .arch = s->arch, .nr = (int)s->lo };

	return s->arch_known && s->lo == s->hi ? sp_call_desc(&sd) : NULL;
}

static void put_word(const struct state *s, uint32_t word, struct buf *out)
{
	const struct sc_desc *desc = single(s);
	const struct sc_arg *args;
	unsigned n = 0, arg = (word - W_ARG0) / 2;

	if (word == W_NR || word == W_ARCH) {
		buf_puts(out, word == W_NR ? "number" : "architecture");
		return;
	}
	if (word < W_ARG0) {
		buf_printf(out, "instruction pointer, %s half", word == W_IP ? "low" : "high");
		return;
	}
	args = desc ? sc_args(desc, abi_of(s, s->lo), &n) : NULL;
	if (arg < n)
		buf_puts(out, args[arg].name);
	else
		buf_printf(out, "argument %u", arg);
	if (word % 2)
		buf_puts(out, ", high half");
	else if (arg < n && desc && sc_arg_width(abi_of(s, s->lo), args[arg].kind) > 32)
		buf_puts(out, ", low half");
}

static void put_arch_test(uint32_t k, struct buf *out)
{
	for (unsigned i = 0; i < SC_ABI_COUNT; i++) {
		if (sc_abi_audit_arch((enum sc_abi)i) == k) {
			buf_printf(out, "%s?", sc_abi_name((enum sc_abi)i));
			return;
		}
	}
	buf_puts(out, "another architecture?");
}

static void put_number_test(const struct state *s, const struct sock_filter *i, struct buf *out)
{
	const char *name = call_name(s, i->k);

	if (BPF_OP(i->code) == BPF_JSET && i->k == SC_X32_BIT)
		buf_puts(out, "x32?");
	else if (BPF_OP(i->code) == BPF_JGE && i->k == SC_X32_BIT && s->arch_known)
		buf_puts(out, "x32 and above?");
	else if (name && BPF_OP(i->code) == BPF_JEQ)
		buf_printf(out, "%s?", name);
	else if (name && BPF_OP(i->code) != BPF_JSET)
		buf_printf(out, "%s %s?", BPF_OP(i->code) == BPF_JGE ? "from" : "after", name);
}

static void put_arg_test(const struct state *s, const struct sock_filter *i, struct buf *out)
{
	static const char *const signs[] = { "==", ">", ">=", "&" };
	unsigned arg = (s->word - W_ARG0) / 2;
	bool low = s->word % 2 == 0 && s->word >= W_ARG0;

	put_word(s, s->word, out);
	if (s->mask != UINT32_MAX)
		buf_printf(out, " & 0x%x", s->mask);
	buf_printf(out, " %s ", signs[(BPF_OP(i->code) >> 4) - (BPF_JEQ >> 4)]);
	if (low)
		const_arg(single(s),
			  abi_of(s, s->lo) == SC_ABI_COUNT ? SC_X86_64 : abi_of(s, s->lo), arg,
			  i->k, NULL, out);
	else
		buf_printf(out, "0x%x", i->k);
	buf_putc(out, '?');
}

void disassembly_comment(const struct disassembly *d, size_t pc, struct buf *out)
{
	const struct sock_filter *i = &d->f->insn[pc];
	const struct state *s = &d->at[pc];

	if (!s->reached) {
		buf_puts(out, "never reached");
	} else if (i->code == (BPF_LD | BPF_W | BPF_ABS)) {
		put_word(s, i->k / 4, out);
	} else if (i->code == (BPF_RET | BPF_K)) {
		sp_ret_text(sp_ret_of_word(i->k), out);
	} else if (BPF_CLASS(i->code) == BPF_JMP && BPF_OP(i->code) != BPF_JA &&
		   BPF_SRC(i->code) == BPF_K && s->word < WORDS) {
		if (s->word == W_ARCH && s->mask == UINT32_MAX && BPF_OP(i->code) == BPF_JEQ)
			put_arch_test(i->k, out);
		else if (s->word == W_NR && s->mask == UINT32_MAX)
			put_number_test(s, i, out);
		else
			put_arg_test(s, i, out);
	}
}

void disassembly_text(const struct disassembly *d, struct buf *out)
{
	for (size_t pc = 0; pc < d->f->n; pc++) {
		cleanup_buf struct buf insn = { 0 }, comment = { 0 };

		disassembly_insn(d, pc, &insn);
		disassembly_comment(d, pc, &comment);
		buf_printf(out, "%4zu: %-*s%s%s\n", pc, comment.len ? 32 : 0, buf_str(&insn),
			   comment.len ? " ; " : "", buf_str(&comment));
	}
}

struct json_object *disassembly_json(const struct disassembly *d)
{
	struct json_object *list = json_object_new_array();

	for (size_t pc = 0; pc < d->f->n; pc++) {
		const struct sock_filter *i = &d->f->insn[pc];
		cleanup_buf struct buf insn = { 0 }, comment = { 0 };
		struct json_object *o = json_object_new_object();

		disassembly_insn(d, pc, &insn);
		disassembly_comment(d, pc, &comment);
		json_add(o, "pc", json_object_new_int64((int64_t)pc));
		json_add(o, "code", json_object_new_int(i->code));
		json_add(o, "jt", json_object_new_int(i->jt));
		json_add(o, "jf", json_object_new_int(i->jf));
		json_add(o, "k", json_object_new_int64(i->k));
		json_add(o, "text", json_object_new_string(buf_str(&insn)));
		json_add(o, "comment", json_object_new_string(buf_str(&comment)));
		json_append(list, o);
	}
	return list;
}
