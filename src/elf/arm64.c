/*
 * Decoder of AArch64 code, reduced to what elf/insn.h describes. Source: Arm Architecture Reference
 * Manual for A-profile, chapter C4 (encoding index). The unit test compares with capstone.
 */
#include "elf/insn.h"

enum { ZR = 31, SP = 31 };
#define R(r) (1u << (r))

static uint32_t bits(uint32_t w, unsigned hi, unsigned lo)
{
	return w >> lo & (uint32_t)((1ull << (hi - lo + 1)) - 1);
}

static int64_t signed_bits(uint32_t w, unsigned hi, unsigned lo)
{
	unsigned n = hi - lo + 1;

	return (int64_t)((uint64_t)bits(w, hi, lo) << (64 - n)) >> (64 - n);
}

/* A register that reads as zero, or stands for nothing as a target, when its number is 31. */
static int8_t zr(uint32_t r)
{
	return r == ZR ? ELF_NO_REG : (int8_t)r;
}

static uint32_t zr_bit(uint32_t r)
{
	return r == ZR ? 0 : R(r);
}

static void other(struct elf_insn *i, uint32_t kills, uint32_t reads)
{
	i->op = ELF_OP_OTHER;
	i->kills = kills;
	i->reads = reads;
}

/* DecodeBitMasks() of the manual for logical immediates; false: reserved. */
static bool logical_imm(uint32_t w, uint64_t *out)
{
	unsigned n = bits(w, 22, 22), r = bits(w, 21, 16), s = bits(w, 15, 10);
	unsigned len = 6, size;
	uint64_t ones, v = 0;

	if (!n)
		for (len = 5; len && !(~s >> len & 1); len--)
			;
	if (!n && !len)
		return false;
	size = 1u << len;
	s &= size - 1;
	r &= size - 1;
	if (s == size - 1)
		return false;
	ones = (1ull << (s + 1)) - 1;
	if (r)
		ones = (ones >> r | ones << (size - r)) & (size == 64 ? ~0ull : (1ull << size) - 1);
	for (unsigned at = 0; at < 64; at += size)
		v |= ones << at;
	*out = v;
	return true;
}

static void set_const(struct elf_insn *i, uint32_t rd, uint64_t v)
{
	i->op = ELF_OP_CONST;
	i->dst = (int8_t)rd;
	i->imm = i->size == 4 ? (uint32_t)v : v;
}

static void move_wide(struct elf_insn *i, uint32_t w)
{
	unsigned shift = bits(w, 22, 21) * 16;
	uint64_t imm = (uint64_t)bits(w, 20, 5) << shift;
	uint32_t rd = bits(w, 4, 0);

	if (rd == ZR)
		return;
	switch (bits(w, 30, 29)) {
	case 0:
		set_const(i, rd, ~imm);
		break;
	case 2:
		set_const(i, rd, imm);
		break;
	case 3:
		i->op = ELF_OP_MOVK;
		i->dst = i->src = (int8_t)rd;
		i->shift = (uint8_t)shift;
		i->imm = imm;
		break;
	default:
		other(i, R(rd), 0);
	}
}

static void dp_imm(struct elf_insn *i, uint32_t w, uint64_t addr)
{
	uint32_t rd = bits(w, 4, 0), rn = bits(w, 9, 5), kind = bits(w, 25, 23);
	uint64_t imm;

	i->size = w >> 31 ? 8 : 4;
	if (kind < 2) { /* ADR, ADRP */
		int64_t d = (int64_t)((uint64_t)signed_bits(w, 23, 5) << 2 | bits(w, 30, 29));

		if (rd == ZR)
			return;
		i->op = ELF_OP_LEA;
		i->size = 8;
		i->dst = (int8_t)rd;
		i->mem = (struct elf_mem){
			.used = true, .absolute = true, .base = ELF_NO_REG, .index = ELF_NO_REG
		};
		i->mem.disp = w >> 31 ? (int64_t)((addr & ~0xfffull) + ((uint64_t)d << 12))
				      : (int64_t)(addr + (uint64_t)d);
	} else if (kind == 2) { /* ADD, SUB */
		imm = (uint64_t)bits(w, 21, 10) << (w >> 22 & 1 ? 12 : 0);
		if (w >> 29 & 1 && rd == ZR) {
			i->op = ELF_OP_COMPARE;
			i->reads = R(rn);
			return;
		}
		i->op = ELF_OP_ADD;
		i->dst = (int8_t)rd;
		i->src = (int8_t)rn;
		i->imm = w >> 30 & 1 ? -imm : imm;
	} else if (kind == 4) { /* AND, ORR, EOR, ANDS */
		unsigned op = bits(w, 30, 29);

		if (op == 3 && rd == ZR) {
			i->op = ELF_OP_COMPARE;
			i->reads = zr_bit(rn);
		} else if (!logical_imm(w, &imm)) {
			other(i, R(rd), zr_bit(rn));
		} else if (op == 1 && rn == ZR) {
			set_const(i, rd, imm);
		} else if (op == 2 || rn == ZR) {
			other(i, R(rd), zr_bit(rn));
		} else {
			i->op = op == 1 ? ELF_OP_OR : ELF_OP_AND;
			i->dst = (int8_t)rd;
			i->src = (int8_t)rn;
			i->imm = imm;
		}
	} else if (kind == 5) {
		move_wide(i, w);
	} else {
		other(i, zr_bit(rd), zr_bit(rn) | zr_bit(bits(w, 20, 16)));
	}
}

static void branch_to(struct elf_insn *i, enum elf_op op, uint64_t addr, int64_t words)
{
	i->op = (uint8_t)op;
	i->target = addr + (uint64_t)words * 4;
}

static void branch_register(struct elf_insn *i, uint32_t w)
{
	unsigned opc = bits(w, 24, 21);

	i->src = zr(bits(w, 9, 5));
	switch (opc) {
	case 0:
	case 8:
		i->op = ELF_OP_JUMP_IND;
		break;
	case 1:
	case 9:
		i->op = ELF_OP_CALL_IND;
		break;
	default:
		i->op = ELF_OP_RETURN;
	}
}

static void branches(struct elf_insn *i, uint32_t w, uint64_t addr)
{
	if ((w & 0x7c000000) == 0x14000000) {
		branch_to(i, w >> 31 ? ELF_OP_CALL : ELF_OP_JUMP, addr, signed_bits(w, 25, 0));
	} else if ((w & 0xff000000) == 0x54000000) {
		branch_to(i, ELF_OP_BRANCH, addr, signed_bits(w, 23, 5));
	} else if ((w & 0x7e000000) == 0x34000000) { /* CBZ, CBNZ */
		branch_to(i, ELF_OP_BRANCH, addr, signed_bits(w, 23, 5));
	} else if ((w & 0x7e000000) == 0x36000000) { /* TBZ, TBNZ */
		branch_to(i, ELF_OP_BRANCH, addr, signed_bits(w, 18, 5));
	} else if ((w & 0xfe000000) == 0xd6000000) {
		branch_register(i, w);
	} else if ((w & 0xffe0001f) == 0xd4000001) {
		i->op = ELF_OP_SYSCALL;
		i->kills = R(0);
	} else if ((w & 0xff000000) == 0xd4000000) {
		i->op = (w & 0xffe0001f) == 0xd4200000 ? ELF_OP_STOP : ELF_OP_OTHER; /* BRK */
	} else if ((w & 0xfff00000) == 0xd5300000 || (w & 0xfff80000) == 0xd5280000) {
		other(i, zr_bit(bits(w, 4, 0)), 0); /* MRS, SYSL */
	} else {
		other(i, 0, 0);
	}
}

/* Pre-index and post-index: the stack pointer that only moves is no address that goes elsewhere. */
static void write_back(struct elf_insn *i, uint32_t rn, int64_t distance)
{
	i->moves = (int16_t)distance;
	i->kills |= R(rn);
	i->reads |= rn == SP ? 0 : R(rn);
}

/* Register forms with an immediate distance: unsigned and scaled, unscaled, and with write-back. */
static void load_store_imm(struct elf_insn *i, uint32_t w)
{
	unsigned size = bits(w, 31, 30), opc = bits(w, 23, 22), rt = bits(w, 4, 0);
	unsigned rn = bits(w, 9, 5), scale = size;
	bool vector = w >> 26 & 1, scaled = w >> 24 & 1, store = opc == 0 || (vector && opc == 2);
	bool writeback = !scaled && bits(w, 11, 10) & 1;

	if (vector && opc & 2)
		scale = 4;
	i->mem = (struct elf_mem){ .used = true, .base = (int8_t)rn, .index = ELF_NO_REG };
	i->mem.size = (uint8_t)(1u << scale);
	if (scaled)
		i->mem.disp = (int64_t)bits(w, 21, 10) << scale;
	else if (!writeback || w >> 11 & 1) /* post-index uses the address before */
		i->mem.disp = signed_bits(w, 20, 12);
	i->size = size == 3 ? 8 : 4;
	if (writeback)
		write_back(i, rn, signed_bits(w, 20, 12));
	if (vector) {
		i->op = ELF_OP_OTHER;
	} else if (size == 3 && opc == 2) {
		i->mem.used = false; /* PRFM */
	} else if (store) {
		i->op = ELF_OP_STORE;
		i->src = zr(rt);
	} else if (size >= 2 && (opc == 1 || (size == 2 && opc == 2)) && !writeback && rt != ZR) {
		i->op = ELF_OP_LOAD;
		i->dst = (int8_t)rt;
	} else {
		i->op = ELF_OP_OTHER;
		i->kills |= zr_bit(rt);
	}
}

static void load_store_pair(struct elf_insn *i, uint32_t w)
{
	unsigned mode = bits(w, 24, 23), rn = bits(w, 9, 5);
	bool vector = w >> 26 & 1, load = w >> 22 & 1;
	unsigned scale = vector ? 2 + bits(w, 31, 30) : w >> 31 ? 3 : 2;
	int64_t distance = (int64_t)((uint64_t)signed_bits(w, 21, 15) << scale);
	uint32_t pair = zr_bit(bits(w, 4, 0)) | zr_bit(bits(w, 14, 10));

	i->mem = (struct elf_mem){ .used = true, .base = (int8_t)rn, .index = ELF_NO_REG };
	i->mem.size = (uint8_t)(2u << scale);
	i->mem.disp = mode == 1 ? 0 : distance;
	other(i, vector || !load ? 0 : pair, vector || load ? 0 : pair);
	if (mode & 1)
		write_back(i, rn, distance);
}

/* Structures of vectors, exclusive, atomic, tagged, copying: all that the encoding can change. */
static void load_store_other(struct elf_insn *i, uint32_t w)
{
	uint32_t rn = bits(w, 9, 5), rm = bits(w, 20, 16);
	uint32_t named = zr_bit(bits(w, 4, 0)) | zr_bit(rm) | zr_bit(bits(w, 14, 10)) | R(rn);
	bool vector = w >> 26 & 1;

	i->mem = (struct elf_mem){ .used = true, .base = (int8_t)rn, .index = ELF_NO_REG };
	if (vector) { /* at most four registers of 16 bytes; post-index adds to the base */
		i->mem.size = 64;
		other(i, w >> 23 & 1 ? R(rn) : 0, R(rn) | zr_bit(rm));
		return;
	}
	if ((w & 0x3f000000) == 0x08000000)
		i->mem.size = 16; /* exclusive, ordered, compare and swap */
	else if ((w & 0x3f200c00) == 0x38200000)
		i->mem.size = 64; /* atomic; the largest of them */
	else
		i->mem.index = (int8_t)rn; /* some with a distance that is not decoded */
	other(i, named, named);
}

static void load_store(struct elf_insn *i, uint32_t w, uint64_t addr)
{
	uint32_t rt = bits(w, 4, 0), rn = bits(w, 9, 5), rm = bits(w, 20, 16);
	bool vector = w >> 26 & 1;

	if ((w & 0x3a000000) == 0x28000000) {
		load_store_pair(i, w);
	} else if ((w & 0x3b000000) == 0x18000000) { /* LDR literal */
		i->mem = (struct elf_mem){ .used = true,
					   .absolute = true,
					   .base = ELF_NO_REG,
					   .index = ELF_NO_REG,
					   .size = 16 };
		i->mem.disp = (int64_t)(addr + (uint64_t)signed_bits(w, 23, 5) * 4);
		other(i, vector ? 0 : zr_bit(rt), 0);
	} else if ((w & 0x3b000000) == 0x39000000 ||
		   ((w & 0x3b200000) == 0x38000000 && bits(w, 11, 10) != 2)) {
		load_store_imm(i, w);
	} else if ((w & 0x3b200c00) == 0x38200800) { /* register distance */
		i->mem = (struct elf_mem){
			.used = true, .base = (int8_t)rn, .index = (int8_t)rm, .size = 16
		};
		other(i, !vector && bits(w, 23, 22) ? zr_bit(rt) : 0,
		      !vector && !bits(w, 23, 22) ? zr_bit(rt) : 0);
	} else {
		load_store_other(i, w);
	}
}

static void dp_register(struct elf_insn *i, uint32_t w)
{
	uint32_t rd = bits(w, 4, 0), rn = bits(w, 9, 5), rm = bits(w, 20, 16);

	i->size = w >> 31 ? 8 : 4;
	if ((w & 0x7fe0ffe0) == 0x2a0003e0) { /* MOV: ORR with the zero register, no shift */
		if (rd == ZR)
			return;
		i->dst = (int8_t)rd;
		i->src = zr(rm);
		i->op = rm == ZR ? ELF_OP_CONST : ELF_OP_MOVE;
	} else if ((w & 0x7fe00800) == 0x1a800000) { /* CSEL, CSINC */
		if (rd == ZR)
			return;
		i->op = ELF_OP_CSINC;
		i->dst = (int8_t)rd;
		i->src = zr(rn);
		i->src2 = zr(rm);
		i->imm = w >> 10 & 1;
	} else if ((w & 0x3f000000) == 0x2b000000 || (w & 0x7f000000) == 0x6a000000 ||
		   (w & 0x3fe00800) == 0x3a400000) {
		/* ADDS, SUBS, ANDS, CCMP: comparisons when there is no target */
		other(i, zr_bit(rd), R(rn) | zr_bit(rm));
		if (rd == ZR || (w & 0x3fe00000) == 0x3a400000)
			i->op = ELF_OP_COMPARE;
	} else {
		other(i, R(rd), R(rn) | zr_bit(rm) | zr_bit(bits(w, 14, 10)));
	}
}

/*
 * Vectors and floating point. General registers change by SMOV and UMOV, and by what converts or
 * moves from a floating point register (the classes with fixed point, and with integers).
 */
static void vectors(struct elf_insn *i, uint32_t w)
{
	bool scalar = (w & 0x5f000000) == 0x1e000000;
	bool to_general = (w & 0xbfe0ec00) == 0x0e002c00 ||
			  (scalar && (!(w >> 21 & 1) || !bits(w, 15, 10)));

	other(i, to_general ? zr_bit(bits(w, 4, 0)) : 0, zr_bit(bits(w, 9, 5)));
}

unsigned elf_decode_arm64(struct elf_insn *i, const uint8_t *p, size_t n, uint64_t addr)
{
	uint32_t w;

	*i = (struct elf_insn){
		.dst = ELF_NO_REG, .src = ELF_NO_REG, .src2 = ELF_NO_REG, .size = 8
	};
	i->mem.base = i->mem.index = ELF_NO_REG;
	if (n < 4)
		return 0;
	w = (uint32_t)elf_number(p, 4);
	i->len = 4;
	switch (bits(w, 28, 25)) {
	case 0x8:
	case 0x9:
		dp_imm(i, w, addr);
		break;
	case 0xa:
	case 0xb:
		branches(i, w, addr);
		break;
	case 0x4:
	case 0x6:
	case 0xc:
	case 0xe:
		load_store(i, w, addr);
		break;
	case 0x5:
	case 0xd:
		dp_register(i, w);
		break;
	case 0x7:
	case 0xf:
		vectors(i, w);
		break;
	case 0x0:
		if (w < 0x10000) { /* UDF */
			i->op = ELF_OP_STOP;
			break;
		}
		return 0;
	case 0x2:
		other(i, zr_bit(bits(w, 4, 0)), 0);
		break; /* SVE */
	default:
		return 0;
	}
	return 4;
}
