/*
 * Decoder of 64-bit x86 code: exact lengths, and the part of the meaning that elf/insn.h describes.
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, appendix A
 * (opcode maps) and chapter 2 (formats); XOP: AMD64 Architecture Programmer's Manual, volume 6. The
 * unit test compares lengths and changed registers with capstone over whole libraries.
 */
#include <string.h>

#include "elf/insn.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
#define R(r) (1u << (r))

const struct elf_convention elf_conventions[] = {
	[ELF_X86_64] = {
		.args = R(RDI) | R(RSI) | R(RDX) | R(RCX) | R(R8) | R(R9) | R(R10),
		.results = R(RAX) | R(RDX),
		.clobbered = R(RAX) | R(RCX) | R(RDX) | R(RSI) | R(RDI) | R(R8) | R(R9) | R(R10) |
			     R(R11),
		.number = RAX,
		.number_arg = RDI,
		.second_arg = RSI,
		.third_arg = RDX,
		.fourth_arg = RCX,
		.stack = RSP,
		.by_kernel = R(RAX) | R(RCX) | R(R11),
	},
	[ELF_AARCH64] = {
		.args = 0x1ff, /* x0-x7, and x8 for a result in memory */
		.results = 0x3,
		.clobbered = 0x4007ffff, /* x0-x18, x30 */
		.number = 8,
		.number_arg = 0,
		.second_arg = 1,
		.third_arg = 2,
		.fourth_arg = 3,
		.stack = 31,
		.by_kernel = 0x1,
	},
};

/*
 * What follows an opcode: n nothing, M ModRM, b w z an immediate of 8, 16, 16 or 32 bits, B Z ModRM
 * and one of those, v the immediate of MOV, e of ENTER, o an address, r R a distance of 8 or 32
 * bits, t T the groups of TEST, p a prefix or escape, - nothing that exists in 64-bit mode.
 */
static const char one_byte[] = "MMMMbz--MMMMbz-pMMMMbz--MMMMbz--" /* 00 */
			       "MMMMbzp-MMMMbzp-MMMMbzp-MMMMbzp-" /* 20 */
			       "ppppppppppppppppnnnnnnnnnnnnnnnn" /* 40 */
			       "--pMppppzZbBnnnnrrrrrrrrrrrrrrrr" /* 60 */
			       "BZ-BMMMMMMMMMMMMnnnnnnnnnn-nnnnn" /* 80 */
			       "oooonnnnbznnnnnnbbbbbbbbvvvvvvvv" /* a0 */
			       "BBwnppBZenwnnb-nMMMM---nMMMMMMMM" /* c0 */
			       "rrrrbbbbRR-rnnnnpnppnntTnnnnnnMM" /* e0 */;
static const char two_byte[] = "MMMM-nnnnn-n-MnBMMMMMMMMMMMMMMMM" /* 00 */
			       "MMMM----MMMMMMMMnnnnnn-np-p-----" /* 20 */
			       "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM" /* 40 */
			       "MMMMMMMMMMMMMMMMBBBBMMMnMM--MMMM" /* 60 */
			       "RRRRRRRRRRRRRRRRMMMMMMMMMMMMMMMM" /* 80 */
			       "nnnMBMMMnnnMBMMMMMMMMMMMMMBMMMMM" /* a0 */
			       "MMBMBBBMnnnnnnnnMMMMMMMMMMMMMMMM" /* c0 */
			       "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM" /* e0 */;

enum map { MAP_ONE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_OTHER };
enum coding { LEGACY, VEX, EVEX, XOP };

struct decoding {
	const uint8_t *p;
	size_t n, at;
	uint64_t addr;
	enum coding coding;
	unsigned map; /* enum map for LEGACY and VEX; the number in the prefix for the others */
	uint8_t op;
	bool rex, w, wide16, addr32, f2, f3, fs_gs, short_read;
	unsigned rex_r, rex_x, rex_b, vvvv;
	bool modrm;
	unsigned mod, reg, rm; /* reg and rm with their REX bits */
};

static uint64_t fetch(struct decoding *d, unsigned n)
{
	uint64_t v;

	if (d->n - d->at < n) {
		d->short_read = true;
		return 0;
	}
	v = elf_number(d->p + d->at, n);
	d->at += n;
	return v;
}

static int64_t fetch_signed(struct decoding *d, unsigned n)
{
	uint64_t v = fetch(d, n);

	switch (n) {
	case 1:
		return (int8_t)v;
	case 2:
		return (int16_t)v;
	case 4:
		return (int32_t)v;
	}
	return (int64_t)v;
}

static void vex_prefix(struct decoding *d, uint8_t first)
{
	uint8_t a = (uint8_t)fetch(d, 1), b = a;

	d->coding = VEX;
	d->map = MAP_0F;
	d->rex_r = a & 0x80 ? 0 : 8;
	if (first == 0xc4) {
		b = (uint8_t)fetch(d, 1);
		d->rex_x = a & 0x40 ? 0 : 8;
		d->rex_b = a & 0x20 ? 0 : 8;
		d->map = a & 0x1f;
		d->w = b & 0x80;
	}
	d->vvvv = ~(b >> 3) & 15;
	d->f3 = (b & 3) == 2;
	d->f2 = (b & 3) == 3;
}

static void xop_prefix(struct decoding *d)
{
	uint8_t a = (uint8_t)fetch(d, 1), b = (uint8_t)fetch(d, 1);

	d->coding = XOP;
	d->rex_r = a & 0x80 ? 0 : 8;
	d->rex_x = a & 0x40 ? 0 : 8;
	d->rex_b = a & 0x20 ? 0 : 8;
	d->map = a & 0x1f;
	d->vvvv = ~(b >> 3) & 15;
}

static void evex_prefix(struct decoding *d)
{
	uint8_t a = (uint8_t)fetch(d, 1), b = (uint8_t)fetch(d, 1);

	fetch(d, 1);
	d->coding = EVEX;
	d->rex_r = a & 0x80 ? 0 : 8;
	d->rex_x = a & 0x40 ? 0 : 8;
	d->rex_b = a & 0x20 ? 0 : 8;
	d->map = a & 7;
	d->w = b & 0x80;
	d->vvvv = ~(b >> 3) & 15;
}

static bool legacy_prefix(struct decoding *d, uint8_t b)
{
	switch (b) {
	case 0x66:
		d->wide16 = true;
		break;
	case 0x67:
		d->addr32 = true;
		break;
	case 0xf2:
		d->f2 = true;
		break;
	case 0xf3:
		d->f3 = true;
		break;
	case 0x64:
	case 0x65:
		d->fs_gs = true;
		break;
	case 0xf0:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x26:
		break;
	default:
		return false;
	}
	return true;
}

/* Prefixes and opcode; false: no such instruction. */
static bool read_opcode(struct decoding *d)
{
	uint8_t b = (uint8_t)fetch(d, 1), rex = 0;

	/* Only a REX right in front of the opcode counts. */
	while (!d->short_read && ((b & 0xf0) == 0x40 || legacy_prefix(d, b))) {
		rex = (b & 0xf0) == 0x40 ? b : 0;
		b = (uint8_t)fetch(d, 1);
	}
	d->rex = rex;
	d->w = rex & 8;
	d->rex_r = rex & 4 ? 8 : 0;
	d->rex_x = rex & 2 ? 8 : 0;
	d->rex_b = rex & 1 ? 8 : 0;
	if (b == 0xc4 || b == 0xc5)
		vex_prefix(d, b);
	else if (b == 0x62)
		evex_prefix(d);
	else if (b == 0x8f && d->at < d->n && (d->p[d->at] & 0x1f) >= 8)
		xop_prefix(d);
	if (d->coding != LEGACY) {
		d->op = (uint8_t)fetch(d, 1);
		return true;
	}
	d->op = b;
	if (b != 0x0f)
		return one_byte[b] != 'p' && one_byte[b] != '-';
	d->map = MAP_0F;
	d->op = (uint8_t)fetch(d, 1);
	if (d->op == 0x38 || d->op == 0x3a) {
		d->map = d->op == 0x38 ? MAP_0F38 : MAP_0F3A;
		d->op = (uint8_t)fetch(d, 1);
		return true;
	}
	return two_byte[d->op] != '-' && two_byte[d->op] != 'p';
}

/* What follows the opcode, as in the tables. */
static char layout(const struct decoding *d)
{
	switch (d->coding) {
	case LEGACY:
		if (d->map == MAP_ONE)
			return one_byte[d->op];
		return d->map == MAP_0F ? two_byte[d->op] : d->map == MAP_0F38 ? 'M' : 'B';
	case XOP:
		return d->map == 8 ? 'B' : d->map == 9 ? 'M' : d->map == 10 ? 'Z' : '-';
	case VEX:
	case EVEX:
		break;
	}
	if (d->map == 3)
		return 'B';
	if (d->map != 1)
		return d->map == 2 || d->map == 5 || d->map == 6 ? 'M' : '-';
	if (d->op == 0x77 && d->coding == VEX)
		return 'n';
	return two_byte[d->op] == 'B' ? 'B' : 'M';
}

static void read_modrm(struct decoding *d, struct elf_mem *m)
{
	uint8_t b = (uint8_t)fetch(d, 1), sib;
	unsigned rm = b & 7, base = rm;
	unsigned disp = (b >> 6) == 1 ? 1 : (b >> 6) == 2 ? 4 : 0;

	d->modrm = true;
	d->mod = b >> 6;
	d->reg = ((b >> 3) & 7) | d->rex_r;
	d->rm = rm | d->rex_b;
	if (d->mod == 3)
		return;
	m->used = true;
	m->base = (int8_t)d->rm;
	m->index = ELF_NO_REG;
	if (rm == 4) {
		sib = (uint8_t)fetch(d, 1);
		base = sib & 7;
		m->base = (int8_t)(base | d->rex_b);
		if ((((unsigned)sib >> 3) & 7) != 4 || d->rex_x)
			m->index = (int8_t)(((sib >> 3) & 7) | (int)d->rex_x);
	}
	if (d->mod == 0 && base == 5) {
		disp = 4;
		m->base = ELF_NO_REG;
		m->absolute = true;
	}
	if (disp)
		m->disp = fetch_signed(d, disp);
	/* Without SIB this form is relative to the next instruction; finish() adds its address. */
	if (m->absolute && rm != 4)
		m->base = -2;
}

/* What an immediate of this layout takes; `v` of MOV has 64 bits with REX.W. */
static unsigned immediate_size(const struct decoding *d, char form)
{
	switch (form) {
	case 'b':
	case 'B':
	case 'r':
		return 1;
	case 'w':
		return 2;
	case 'z':
		return d->wide16 ? 2 : 4;
	case 'Z':
		return d->wide16 && d->coding == LEGACY ? 2 : 4;
	case 'R':
		return 4;
	case 'v':
		return d->w ? 8 : d->wide16 ? 2 : 4;
	case 'o':
		return d->addr32 ? 4 : 8;
	case 't':
		return ((d->reg & 7) < 2) ? 1 : 0;
	case 'T':
		return ((d->reg & 7) < 2) ? (d->wide16 ? 2 : 4) : 0;
	case 'e':
		return 3;
	}
	return 0;
}

/* An 8-bit register without REX may be the second byte of another one: both. */
static uint32_t byte_reg(const struct decoding *d, unsigned r)
{
	return !d->rex && r >= 4 && r < 8 ? R(r) | R(r - 4) : R(r);
}

static unsigned operand_size(const struct decoding *d, bool byte)
{
	return byte ? 1 : d->w ? 8 : d->wide16 ? 2 : 4;
}

static void other(struct elf_insn *i, uint32_t kills, uint32_t reads)
{
	i->op = ELF_OP_OTHER;
	i->kills |= kills;
	i->reads |= reads;
}

/* ADD OR ADC SBB AND SUB XOR CMP with a register or memory and an immediate. */
static void arith_imm(struct decoding *d, struct elf_insn *i, unsigned kind, bool byte, unsigned rm)
{
	uint32_t regs = i->mem.used ? 0 : byte ? byte_reg(d, rm) : R(rm);

	i->escapes_imm = !byte;
	if (kind == 7) {
		i->op = ELF_OP_COMPARE;
		i->reads = regs;
		return;
	}
	other(i, regs, regs);
	if (i->mem.used || i->size < 4 || (kind != 0 && kind != 1 && kind != 4 && kind != 5))
		return;
	i->op = kind == 4 ? ELF_OP_AND : kind == 1 ? ELF_OP_OR : ELF_OP_ADD;
	if (kind == 5)
		i->imm = -i->imm;
	i->dst = i->src = (int8_t)rm;
	i->kills = 0;
}

/* The block 00-3f: eight operations in six forms. */
static void arith(struct decoding *d, struct elf_insn *i)
{
	unsigned kind = (d->op >> 3) & 7, form = d->op & 7;
	bool byte = !(form & 1);
	unsigned to = form & 2 ? d->reg : d->rm;
	uint32_t to_bits, all;

	i->size = (uint8_t)operand_size(d, byte);
	if (form >= 4) {
		arith_imm(d, i, kind, byte, RAX);
		return;
	}
	i->mem.size = i->size;
	all = byte_reg(d, d->reg) | (i->mem.used ? 0 : byte_reg(d, d->rm));
	to_bits = !(form & 2) && i->mem.used ? 0 : byte ? byte_reg(d, to) : R(to);
	if (kind == 7) {
		i->op = ELF_OP_COMPARE;
		i->reads = byte ? all : R(d->reg) | (i->mem.used ? 0 : R(d->rm));
		return;
	}
	other(i, to_bits, byte ? all : R(d->reg) | (i->mem.used ? 0 : R(d->rm)));
	if (!byte && i->size >= 4 && !i->mem.used && d->reg == d->rm && (kind == 6 || kind == 5)) {
		i->op = ELF_OP_CONST;
		i->dst = (int8_t)to;
		i->imm = 0;
		i->kills = i->reads = 0;
	}
}

static void move(struct decoding *d, struct elf_insn *i, bool byte, bool to_reg)
{
	i->size = i->mem.size = (uint8_t)operand_size(d, byte);
	if (i->mem.used && to_reg) {
		i->op = ELF_OP_LOAD;
		i->dst = (int8_t)d->reg;
		if (i->size < 4)
			other(i, byte ? byte_reg(d, d->reg) : R(d->reg), 0);
	} else if (i->mem.used) {
		i->op = ELF_OP_STORE;
		i->src = (int8_t)d->reg;
	} else {
		i->op = ELF_OP_MOVE;
		i->dst = (int8_t)(to_reg ? d->reg : d->rm);
		i->src = (int8_t)(to_reg ? d->rm : d->reg);
		if (i->size < 4)
			other(i, byte_reg(d, (unsigned)i->dst), 0);
	}
}

static void group_ff(struct decoding *d, struct elf_insn *i)
{
	unsigned kind = d->reg & 7;

	i->mem.size = 8;
	i->src = i->mem.used ? ELF_NO_REG : (int8_t)d->rm;
	switch (kind) {
	case 0:
	case 1:
		i->size = i->mem.size = (uint8_t)operand_size(d, false);
		i->imm = kind ? -1ull : 1;
		if (i->mem.used || i->size < 4) {
			other(i, i->mem.used ? 0 : R(d->rm), i->mem.used ? 0 : R(d->rm));
		} else {
			i->op = ELF_OP_ADD;
			i->dst = i->src;
		}
		break;
	case 2:
	case 3:
		i->op = ELF_OP_CALL_IND;
		break;
	case 4:
	case 5:
		i->op = ELF_OP_JUMP_IND;
		break;
	case 6:
		i->op = ELF_OP_PUSH;
		break;
	}
}

static void strings_op(struct decoding *d, struct elf_insn *i)
{
	switch (d->op & ~1u) {
	case 0xa4:
	case 0xa6:
		other(i, R(RSI) | R(RDI) | R(RCX), R(RSI) | R(RDI));
		break;
	case 0xaa:
		other(i, R(RDI) | R(RCX), R(RDI) | R(RAX));
		break;
	case 0xac:
		other(i, R(RAX) | R(RSI) | R(RCX), R(RSI));
		break;
	case 0xae:
		other(i, R(RDI) | R(RCX), R(RDI) | R(RAX));
		break;
	}
}

/* Opcodes of which all that matters are the general registers that they change and read. */
struct plain {
	uint8_t first, last;
	uint32_t kills, reads; /* registers by R(), and what the operands name */
};
#define IN_REG (1u << 16)
#define IN_RM  (1u << 17)

static uint32_t named(uint32_t set, uint32_t reg, uint32_t rm)
{
	return (set & (IN_REG - 1)) | (set & IN_REG ? reg : 0) | (set & IN_RM ? rm : 0);
}

/* False: the opcode is in no row. */
static bool plain_meaning(const struct plain *rows, size_t n, const struct decoding *d,
			  struct elf_insn *i, uint32_t reg, uint32_t rm)
{
	for (const struct plain *row = rows; row < rows + n; row++)
		if (d->op >= row->first && d->op <= row->last) {
			other(i, named(row->kills, reg, rm), named(row->reads, reg, rm));
			return true;
		}
	return false;
}

static const struct plain one_bytes[] = {
	{ 0x69, 0x69, IN_REG, IN_RM }, /* imul */
	{ 0x6b, 0x6b, IN_REG, IN_RM },
	{ 0x6c, 0x6d, R(RDI) | R(RCX), R(RDI) }, /* ins */
	{ 0x6e, 0x6f, R(RSI) | R(RCX), R(RSI) }, /* outs */
	{ 0x8c, 0x8c, IN_RM, 0 },
	{ 0x8e, 0x8e, 0, IN_RM },
	{ 0x98, 0x98, R(RAX), R(RAX) }, /* cdqe */
	{ 0x99, 0x99, R(RDX), R(RAX) }, /* cqo */
	{ 0x9f, 0xa1, R(RAX), 0 },
	{ 0xa2, 0xa3, 0, R(RAX) },
	{ 0xc8, 0xc8, R(RSP) | R(RBP), R(RBP) }, /* enter */
	{ 0xc9, 0xc9, R(RSP) | R(RBP), 0 },	 /* leave */
	{ 0xd7, 0xd7, R(RAX), R(RAX) | R(RBX) }, /* xlat */
	{ 0xe4, 0xe5, R(RAX), 0 },		 /* in */
	{ 0xec, 0xed, R(RAX), 0 },
};

static void one_byte_rest(struct decoding *d, struct elf_insn *i)
{
	uint32_t rm = i->mem.used ? 0 : R(d->rm);

	if (plain_meaning(one_bytes, ARRAY_SIZE(one_bytes), d, i, R(d->reg), rm))
		return;
	switch (d->op) {
	case 0x63:
		/* MOVSXD: the upper half does not matter for numbers, nor for what is a pointer. */
		i->op = i->mem.used ? ELF_OP_LOAD : ELF_OP_MOVE;
		i->size = i->mem.size = 4;
		i->dst = (int8_t)d->reg;
		i->src = i->mem.used ? ELF_NO_REG : (int8_t)d->rm;
		break;
	case 0x68:
	case 0x6a:
		i->op = ELF_OP_PUSH;
		i->escapes_imm = d->op == 0x68;
		break;
	case 0x84:
	case 0x85:
		i->op = ELF_OP_COMPARE;
		i->reads = R(d->reg) | rm;
		break;
	case 0x86:
	case 0x87:
		other(i, byte_reg(d, d->reg) | (rm ? byte_reg(d, d->rm) : 0), R(d->reg) | rm);
		break;
	case 0x8f:
		i->op = ELF_OP_POP;
		i->dst = i->mem.used ? ELF_NO_REG : (int8_t)d->rm;
		break;
	case 0x9c:
		i->op = ELF_OP_PUSH;
		break;
	case 0x9d:
		i->op = ELF_OP_POP;
		break;
	case 0xa8:
	case 0xa9:
		i->op = ELF_OP_COMPARE;
		i->reads = R(RAX);
		break;
	case 0xc0:
	case 0xc1:
	case 0xd0:
	case 0xd1:
	case 0xd2:
	case 0xd3:
		other(i, rm ? R(d->rm) | byte_reg(d, d->rm) : 0, rm);
		break;
	case 0xc2:
	case 0xc3:
	case 0xca:
	case 0xcb:
	case 0xcf:
		i->op = ELF_OP_RETURN;
		break;
	case 0xcc:
	case 0xf1:
	case 0xf4:
		i->op = ELF_OP_STOP;
		break;
	case 0xcd:
		i->op = i->imm == (uint64_t)(int8_t)0x80 ? ELF_OP_COMPAT : ELF_OP_OTHER;
		i->kills = R(RAX);
		break;
	case 0xdf:
		other(i, d->mod == 3 ? R(RAX) : 0, 0);
		break;
	case 0xf6:
	case 0xf7:
		i->size = i->mem.size = (uint8_t)operand_size(d, d->op == 0xf6);
		if ((d->reg & 7) < 2) {
			i->op = ELF_OP_COMPARE;
			i->reads = rm;
		} else if ((d->reg & 7) < 4) {
			other(i, rm ? R(d->rm) | byte_reg(d, d->rm) : 0, rm);
		} else {
			other(i, R(RAX) | R(RDX), R(RAX) | R(RDX) | rm);
		}
		break;
	case 0xfe:
		other(i, rm ? byte_reg(d, d->rm) : 0, rm);
		break;
	}
}

static void jump_to(struct decoding *d, struct elf_insn *i, enum elf_op op)
{
	i->op = (uint8_t)op;
	i->target = d->addr + d->at + i->imm;
}

static void one_byte_meaning(struct decoding *d, struct elf_insn *i)
{
	uint8_t op = d->op;

	/* x87 instructions, d8 to df, may access much more. */
	i->mem.size = op >= 0xd8 && op < 0xe0 ? 108 : (uint8_t)operand_size(d, !(op & 1));
	if (op < 0x40) {
		arith(d, i);
	} else if (op >= 0x50 && op < 0x58) {
		i->op = ELF_OP_PUSH;
		i->src = (int8_t)((op & 7) | d->rex_b);
	} else if (op >= 0x58 && op < 0x60) {
		i->op = ELF_OP_POP;
		i->dst = (int8_t)((op & 7) | d->rex_b);
	} else if ((op & 0xf0) == 0x70) {
		jump_to(d, i, ELF_OP_BRANCH);
	} else if (op >= 0x80 && op < 0x84) {
		i->size = i->mem.size = (uint8_t)operand_size(d, op == 0x80);
		arith_imm(d, i, d->reg & 7, op == 0x80, d->rm);
	} else if (op >= 0x88 && op < 0x8c) {
		move(d, i, !(op & 1), op & 2);
	} else if (op == 0x8d) {
		i->op = d->wide16 && !d->w ? ELF_OP_OTHER : ELF_OP_LEA;
		i->size = (uint8_t)operand_size(d, false);
		i->dst = (int8_t)d->reg;
		i->kills = i->op == ELF_OP_OTHER ? R(d->reg) : 0;
	} else if (op >= 0x90 && op < 0x98) {
		unsigned r = (op & 7) | d->rex_b;

		if (r)
			other(i, R(RAX) | R(r), R(RAX) | R(r));
	} else if (op >= 0xa4 && op < 0xb0 && op != 0xa8 && op != 0xa9) {
		strings_op(d, i);
	} else if ((op & 0xf8) == 0xb0) {
		other(i, byte_reg(d, (op & 7) | d->rex_b), 0);
	} else if ((op & 0xf8) == 0xb8) {
		i->size = (uint8_t)operand_size(d, false);
		i->dst = (int8_t)((op & 7) | d->rex_b);
		i->op = ELF_OP_CONST;
		if (i->size == 4)
			i->imm = (uint32_t)i->imm;
		else if (i->size == 2)
			other(i, R(i->dst), 0);
	} else if (op == 0xc6 || op == 0xc7) {
		i->size = i->mem.size = (uint8_t)operand_size(d, op == 0xc6);
		i->op = i->mem.used ? ELF_OP_STORE : ELF_OP_CONST;
		i->dst = i->mem.used ? ELF_NO_REG : (int8_t)d->rm;
		i->escapes_imm = op == 0xc7;
		if (!i->mem.used && (d->reg & 7) == 7) { /* XABORT, XBEGIN */
			other(i, R(RAX), 0);
			if (op == 0xc7)
				jump_to(d, i, ELF_OP_BRANCH);
		} else if (!i->mem.used && i->size < 4) {
			other(i, byte_reg(d, d->rm), 0);
		} else if (!i->mem.used && i->size == 4) {
			i->imm = (uint32_t)i->imm;
		}
	} else if (op >= 0xe0 && op < 0xe4) {
		jump_to(d, i, ELF_OP_BRANCH);
		i->kills = R(RCX);
	} else if (op == 0xe8) {
		jump_to(d, i, ELF_OP_CALL);
	} else if (op == 0xe9 || op == 0xeb) {
		jump_to(d, i, ELF_OP_JUMP);
	} else if (op == 0xff) {
		group_ff(d, i);
	} else {
		one_byte_rest(d, i);
	}
}

/* 0f xx of which all that matters are the general registers that it changes and reads. */
static const struct plain two_bytes[] = {
	{ 0x00, 0x00, IN_RM, IN_RM },
	{ 0x02, 0x03, IN_REG, IN_RM }, /* lar, lsl */
	{ 0x2a, 0x2a, 0, IN_RM },
	{ 0x31, 0x33, R(RAX) | R(RDX), 0 }, /* rdtsc, rdmsr, rdpmc */
	{ 0x37, 0x37, R(RAX) | R(RBX), 0 },
	{ 0x50, 0x50, IN_REG, 0 },
	{ 0x6e, 0x6e, 0, IN_RM },
	{ 0x78, 0x78, IN_RM, IN_REG | IN_RM },
	{ 0x79, 0x79, 0, IN_REG | IN_RM },
	{ 0xa2, 0xa2, R(RAX) | R(RBX) | R(RCX) | R(RDX), 0 }, /* cpuid */
	{ 0xa4, 0xa5, IN_RM, IN_REG | IN_RM },
	{ 0xa6, 0xa7, R(RAX) | R(RCX) | R(RDX) | R(RSI) | R(RDI) | R(RBX), R(RSI) | R(RDI) },
	{ 0xab, 0xab, IN_RM, IN_RM },
	{ 0xac, 0xad, IN_RM, IN_REG | IN_RM },
	{ 0xae, 0xae, IN_RM, IN_RM },
	{ 0xaf, 0xaf, IN_REG, IN_RM }, /* imul */
	{ 0xb2, 0xb2, IN_REG, 0 },
	{ 0xb3, 0xb3, IN_RM, IN_RM },
	{ 0xb4, 0xb5, IN_REG, 0 },
	{ 0xb6, 0xb8, IN_REG, IN_RM }, /* movzx, popcnt */
	{ 0xba, 0xbb, IN_RM, IN_RM },
	{ 0xbc, 0xbf, IN_REG, IN_RM }, /* bsf, bsr, movsx */
	{ 0xc3, 0xc3, 0, IN_REG },
	{ 0xc4, 0xc4, 0, IN_RM },
	{ 0xc5, 0xc5, IN_REG, 0 },
	{ 0xd7, 0xd7, IN_REG, 0 },
};

/* Those that are more than a row, or depend on prefixes and operands. */
static void two_byte_rest(struct decoding *d, struct elf_insn *i, uint32_t reg, uint32_t rm)
{
	switch (d->op) {
	case 0x05:
		i->op = ELF_OP_SYSCALL;
		i->kills = R(RAX) | R(RCX) | R(R11);
		break;
	case 0x34:
		i->op = ELF_OP_COMPAT;
		i->kills = R(RAX) | R(RCX) | R(RDX);
		break;
	case 0x0b:
	case 0xb9:
	case 0xff:
		i->op = ELF_OP_STOP;
		break;
	case 0x01:
		other(i, d->mod == 3 ? rm | R(RAX) | R(RBX) | R(RCX) | R(RDX) : 0, 0);
		break;
	case 0x0d:
	case 0x18 ... 0x1d:
	case 0x1f:
		i->mem.used = false;
		break;
	case 0x1e:
		other(i, d->f3 ? rm : 0, 0);
		break;
	case 0x20 ... 0x23:
		/* These have a register whatever mod says. */
		i->mem.used = false;
		other(i, R(d->rm), R(d->rm));
		break;
	case 0x2c:
	case 0x2d:
		other(i, d->f2 || d->f3 ? reg : 0, 0);
		break;
	case 0x7e:
		other(i, d->f3 ? 0 : rm, 0);
		break;
	case 0xa3:
		i->op = ELF_OP_COMPARE;
		i->reads = reg | rm;
		break;
	case 0xb0:
	case 0xb1:
		other(i, R(RAX) | (rm ? byte_reg(d, d->rm) | rm : 0), R(RAX) | reg | rm);
		break;
	case 0xc0:
	case 0xc1:
		other(i, reg | byte_reg(d, d->reg) | (rm ? rm | byte_reg(d, d->rm) : 0), reg | rm);
		break;
	case 0xc7:
		other(i, rm | (i->mem.used ? R(RAX) | R(RDX) : 0), R(RAX) | R(RBX) | R(RCX));
		break;
	}
}

static unsigned two_byte_size(const struct decoding *d)
{
	uint8_t op = d->op;

	if (op == 0xb6 || op == 0xb7 || op == 0xbe || op == 0xbf)
		return 2;
	if ((op >= 0xa3 && op < 0xae) || op == 0xaf || (op >= 0xb0 && op < 0xc2 && op != 0xb9))
		return operand_size(d, op == 0xb0 || op == 0xc0);
	return 16;
}

static void conditional_move(struct decoding *d, struct elf_insn *i, uint32_t reg, uint32_t rm)
{
	i->size = i->mem.size = (uint8_t)operand_size(d, false);
	other(i, reg, rm);
	if (!i->mem.used && i->size >= 4) {
		i->op = ELF_OP_CMOV;
		i->kills = i->reads = 0;
		i->dst = (int8_t)d->reg;
		i->src = (int8_t)d->rm;
	}
}

/* 0f xx: what touches general registers; the rest works on vectors. */
static void two_byte_meaning(struct decoding *d, struct elf_insn *i)
{
	uint32_t rm = d->modrm && !i->mem.used ? R(d->rm) : 0, reg = R(d->reg);

	i->mem.size = (uint8_t)two_byte_size(d);
	switch (d->op & 0xf0) {
	case 0x40:
		conditional_move(d, i, reg, rm);
		return;
	case 0x80:
		jump_to(d, i, ELF_OP_BRANCH);
		return;
	case 0x90:
		other(i, rm ? byte_reg(d, d->rm) : 0, 0);
		return;
	}
	if ((d->op & 0xf8) == 0xc8) {
		other(i, R((d->op & 7) | d->rex_b), 0);
		return;
	}
	if (!plain_meaning(two_bytes, ARRAY_SIZE(two_bytes), d, i, reg, rm))
		two_byte_rest(d, i, reg, rm);
}

/*
 * The three-byte maps and everything with VEX, EVEX and XOP. Most of it works on vectors; where
 * general registers are possible all that the encoding names are taken as changed.
 */
static void rest_meaning(struct decoding *d, struct elf_insn *i)
{
	uint32_t rm = d->modrm && !i->mem.used ? R(d->rm) : 0, reg = R(d->reg);

	i->mem.size = d->coding == LEGACY ? 16 : d->coding == EVEX ? 64 : 32;
	if (d->coding == LEGACY && d->map == MAP_0F38) {
		if (d->op >= 0xf0)
			other(i, reg | rm, reg | rm);
	} else if (d->coding == LEGACY) {
		if (d->op >= 0x14 && d->op < 0x18)
			other(i, rm, 0);
		else if (d->op == 0x20 || d->op == 0x22)
			other(i, 0, rm);
		else if (d->op >= 0x60 && d->op < 0x64)
			other(i, R(RCX), R(RAX) | R(RDX));
	} else {
		other(i, reg | rm | R(d->vvvv) | (d->map == 3 ? R(RCX) : 0), rm | R(d->vvvv));
	}
}

static void finish(const struct decoding *d, struct elf_insn *i)
{
	struct elf_mem *m = &i->mem;

	i->len = (uint8_t)d->at;
	if (m->used && m->base == -2) {
		m->base = ELF_NO_REG;
		m->disp = (int64_t)(d->addr + d->at + (uint64_t)m->disp);
	}
	if (d->fs_gs && i->op != ELF_OP_LEA) {
		/* Thread-local memory: no address of the file. */
		m->absolute = false;
		if (i->op == ELF_OP_LOAD) {
			i->op = ELF_OP_OTHER;
			i->kills |= R(i->dst);
		}
		m->used = false;
	}
	if (!m->used)
		m->base = m->index = ELF_NO_REG;
	if (i->op == ELF_OP_CALL_IND && d->fs_gs)
		i->src = ELF_NO_REG;
}

unsigned elf_decode_x86(struct elf_insn *i, const uint8_t *p, size_t n, uint64_t addr)
{
	struct decoding d = { .p = p, .n = n < 15 ? n : 15, .addr = addr };
	unsigned size;
	char form;

	*i = (struct elf_insn){ .dst = ELF_NO_REG, .src = ELF_NO_REG, .src2 = ELF_NO_REG };
	if (!read_opcode(&d) || d.short_read)
		return 0;
	form = layout(&d);
	if (form == '-')
		return 0;
	if (strchr("MBZtT", form))
		read_modrm(&d, &i->mem);
	size = immediate_size(&d, form);
	if (size == 3)
		fetch(&d, 3);
	else if (size)
		i->imm = (uint64_t)fetch_signed(&d, size);
	if (d.short_read)
		return 0;
	if (d.coding == LEGACY && d.map == MAP_ONE)
		one_byte_meaning(&d, i);
	else if (d.coding == LEGACY && d.map == MAP_0F)
		two_byte_meaning(&d, i);
	else
		rest_meaning(&d, i);
	finish(&d, i);
	return i->len;
}

bool elf_is_padding(const struct elf_insn *i)
{
	if (i->op == ELF_OP_OTHER)
		return !i->kills && !i->reads && !i->mem.used;
	if (i->op == ELF_OP_LEA)
		return i->mem.base == i->dst && i->mem.index == ELF_NO_REG && !i->mem.disp;
	return i->op == ELF_OP_STOP && i->len == 1;
}
