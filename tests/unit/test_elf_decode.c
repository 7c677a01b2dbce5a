/*
 * The decoders against capstone, instruction by instruction over whole libraries: lengths,
 * branches, and that every register which capstone calls written is one that we call changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <capstone/capstone.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "elf/insn.h"

enum { MAX_CODE = 400 * 1024 };

/* The number of a general register in both of our decoders; -1: another one. */
static int x86_number(unsigned reg)
{
	static const struct {
		uint16_t names[5];
	} rows[] = {
		{ { X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH } },
		{ { X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH } },
		{ { X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH } },
		{ { X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH } },
		{ { X86_REG_INVALID } },
		{ { X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL } },
		{ { X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL } },
		{ { X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL } },
		{ { X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B } },
		{ { X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B } },
		{ { X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B } },
		{ { X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B } },
		{ { X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B } },
		{ { X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B } },
		{ { X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B } },
		{ { X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < ARRAY_SIZE(rows[i].names) && rows[i].names[k]; k++)
			if (rows[i].names[k] == reg)
				return (int)i;
	return -1;
}

static int arm64_number(unsigned reg)
{
	if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
		return (int)(reg - ARM64_REG_W0);
	if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
		return (int)(reg - ARM64_REG_X0);
	return reg == ARM64_REG_X29 ? 29 : reg == ARM64_REG_X30 ? 30 : -1;
}

struct judge {
	csh cs;
	enum elf_machine machine;
	unsigned long compared, refused;
};

static uint32_t changed(const struct elf_insn *i, enum elf_machine machine)
{
	uint32_t r = i->kills | (i->dst >= 0 ? 1u << i->dst : 0);

	if (i->op == ELF_OP_CALL || i->op == ELF_OP_CALL_IND)
		r |= elf_conventions[machine].clobbered;
	return r;
}

/*
 * Where capstone 4 lists registers as written that the manuals do not: the first operand of some
 * comparisons, the source of CDQ, CQO and MSR, the link register of SVC.
 */
static bool listed_wrongly(const cs_insn *c, const struct elf_insn *i)
{
	static const char *const others[] = { "cdq", "cqo", "svc", "msr" };

	static const char *const names[] = { "test", "cmp", "cmn", "tst", "ccmp", "ccmn", "bt" };

	for (size_t k = 0; k < ARRAY_SIZE(names); k++)
		if (i->op == ELF_OP_COMPARE && !strcmp(c->mnemonic, names[k]))
			return true;
	for (size_t k = 0; k < ARRAY_SIZE(others); k++)
		if (!strcmp(c->mnemonic, others[k]))
			return true;
	return false;
}

static void check_writes(const struct judge *j, const cs_insn *c, const struct elf_insn *i)
{
	cs_regs reads, writes;
	uint8_t n = 0, m = 0;

	if (listed_wrongly(c, i) || cs_regs_access(j->cs, c, reads, &n, writes, &m))
		return;
	for (unsigned k = 0; k < m; k++) {
		int r = j->machine == ELF_X86_64 ? x86_number(writes[k]) : arm64_number(writes[k]);

		if (r >= 0 && !(changed(i, j->machine) >> r & 1))
			fail_msg("0x%llx %s %s: changes %s", (unsigned long long)c->address,
				 c->mnemonic, c->op_str, cs_reg_name(j->cs, writes[k]));
	}
}

static void check_target(const struct judge *j, const cs_insn *c, const struct elf_insn *i)
{
	bool ours = i->op == ELF_OP_CALL || i->op == ELF_OP_JUMP || i->op == ELF_OP_BRANCH;
	bool jump = cs_insn_group(j->cs, c, CS_GRP_JUMP) || cs_insn_group(j->cs, c, CS_GRP_CALL);
	char text[32];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)i->target);
	if (ours && !strstr(c->op_str, text))
		fail_msg("0x%llx %s %s: target %s", (unsigned long long)c->address, c->mnemonic,
			 c->op_str, text);
	if (jump && !ours && i->op != ELF_OP_CALL_IND && i->op != ELF_OP_JUMP_IND &&
	    strncmp(c->mnemonic, "ret", 3))
		fail_msg("0x%llx %s %s: not seen as a jump", (unsigned long long)c->address,
			 c->mnemonic, c->op_str);
}

/* What capstone cannot decode is skipped; capstone 4 lacks newer extensions, and has no CET. */
static void compare(struct judge *j, const uint8_t *p, size_t n, uint64_t addr)
{
	cs_insn *c = cs_malloc(j->cs);

	while (n) {
		const uint8_t *at = p;
		size_t left = n;
		uint64_t where = addr;
		struct elf_insn i;
		unsigned len = elf_decode(j->machine, &i, p, n, addr);

		if (!cs_disasm_iter(j->cs, &at, &left, &where, c)) {
			j->refused++;
			p += len ? len : 1;
			n -= len ? len : 1;
			addr += len ? len : 1;
			continue;
		}
		if (len != c->size)
			fail_msg("0x%llx %s %s: length %u, not %u", (unsigned long long)addr,
				 c->mnemonic, c->op_str, len, c->size);
		check_writes(j, c, &i);
		check_target(j, c, &i);
		j->compared++;
		p = at;
		n = left;
		addr = where;
	}
	cs_free(c, 1);
}

static void compare_file(struct judge *j, const char *path, size_t want)
{
	cleanup_buf struct buf b = { 0 };
	cleanup_elf_image struct elf_image m = { 0 };
	size_t done = 0;
	struct err e;

	if (io_read_file(path, ELF_MAX_FILE, &b, &e) ||
	    elf_image_read(&m, path, (const uint8_t *)buf_str(&b), b.len, &e))
		skip();
	for (size_t i = 0; i < m.sections_n && done < want; i++) {
		const struct elf_section *s = &m.sections[i];
		size_t n = s->size < MAX_CODE ? s->size : MAX_CODE;

		if (!s->exec || !elf_at(&m, s->addr, s->size))
			continue;
		compare(j, elf_at(&m, s->addr, n), n, s->addr);
		done += n;
	}
	assert_true(j->compared > 1000);
	assert_true(j->refused < j->compared / 100);
}

static void test_x86(void **state)
{
	struct judge j = { .machine = ELF_X86_64 };

	(void)state;
	assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &j.cs), CS_ERR_OK);
	cs_option(j.cs, CS_OPT_DETAIL, CS_OPT_ON);
	compare_file(&j, "/lib/x86_64-linux-gnu/libc.so.6", MAX_CODE);
	cs_close(&j.cs);
}

static void test_arm64(void **state)
{
	static const char native[] = "/lib/aarch64-linux-gnu/libc.so.6";
	struct judge j = { .machine = ELF_AARCH64 };

	(void)state;
	assert_int_equal(cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &j.cs), CS_ERR_OK);
	cs_option(j.cs, CS_OPT_DETAIL, CS_OPT_ON);
	compare_file(&j, access(native, R_OK) ? "/usr/aarch64-linux-gnu/lib/libc.so.6" : native,
		     MAX_CODE);
	cs_close(&j.cs);
}

/* Words of the class of vectors and floating point, of which libraries have only some. */
static void test_arm64_vectors(void **state)
{
	struct judge j = { .machine = ELF_AARCH64 };
	uint32_t seed = 12345;
	cs_insn *c;

	(void)state;
	assert_int_equal(cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &j.cs), CS_ERR_OK);
	cs_option(j.cs, CS_OPT_DETAIL, CS_OPT_ON);
	c = cs_malloc(j.cs);
	for (unsigned k = 0; k < 400000; k++) {
		uint8_t bytes[4];
		const uint8_t *at = bytes;
		size_t left = sizeof(bytes);
		uint64_t where = 0x1000;
		struct elf_insn i;
		uint32_t w;

		seed = seed * 1664525 + 1013904223; /* the upper bits are the better ones */
		w = seed >> 8 << 12;
		seed = seed * 1664525 + 1013904223;
		w = (w | seed >> 16) & ~(0xfu << 25) & (k & 1 ? ~0u : ~0xfc00u);
		w |= k & 2 ? 0x7u << 25 : 0xfu << 25; /* and half of them move or convert */
		for (unsigned b = 0; b < sizeof(bytes); b++)
			bytes[b] = (uint8_t)(w >> 8 * b);
		if (!cs_disasm_iter(j.cs, &at, &left, &where, c))
			continue;
		assert_int_equal(elf_decode_arm64(&i, bytes, sizeof(bytes), 0x1000), 4);
		check_writes(&j, c, &i);
		j.compared++;
	}
	assert_true(j.compared > 30000);
	cs_free(c, 1);
	cs_close(&j.cs);
}

static void test_meaning(void **state)
{
	static const struct {
		const char *bytes;
		unsigned n;
		enum elf_machine machine;
		enum elf_op op;
		int dst, src;
		uint64_t imm;
	} cases[] = {
		{ "\xb8\x27\0\0\0", 5, ELF_X86_64, ELF_OP_CONST, 0, -1, 39 },
		{ "\x48\xc7\xc0\xff\xff\xff\xff", 7, ELF_X86_64, ELF_OP_CONST, 0, -1, UINT64_MAX },
		{ "\x31\xc0", 2, ELF_X86_64, ELF_OP_CONST, 0, -1, 0 },
		{ "\x45\x31\xc9", 3, ELF_X86_64, ELF_OP_CONST, 9, -1, 0 },
		{ "\x31\xc8", 2, ELF_X86_64, ELF_OP_OTHER, -1, -1, 0 },
		{ "\x48\x89\xf8", 3, ELF_X86_64, ELF_OP_MOVE, 0, 7, 0 },
		{ "\x83\xc0\x10", 3, ELF_X86_64, ELF_OP_ADD, 0, 0, 16 },
		{ "\x48\x83\xec\x08", 4, ELF_X86_64, ELF_OP_ADD, 4, 4, -8ull },
		{ "\x0f\x05", 2, ELF_X86_64, ELF_OP_SYSCALL, -1, -1, 0 },
		{ "\xcd\x80", 2, ELF_X86_64, ELF_OP_COMPAT, -1, -1, -128ull },
		{ "\x0f\x34", 2, ELF_X86_64, ELF_OP_COMPAT, -1, -1, 0 },
		{ "\xf3\x0f\x1e\xfa", 4, ELF_X86_64, ELF_OP_OTHER, -1, -1, 0 },
		{ "\xc3", 1, ELF_X86_64, ELF_OP_RETURN, -1, -1, 0 },
		{ "\xe8\0\0", 3, ELF_X86_64, ELF_OP_OTHER, -2, 0, 0 }, /* too short */
		{ "\x06", 1, ELF_X86_64, ELF_OP_OTHER, -2, 0, 0 },     /* not in 64-bit mode */
		{ "\xe8\x07\x80\xd2", 4, ELF_AARCH64, ELF_OP_CONST, 8, -1, 63 },
		{ "\x01\x00\x00\xd4", 4, ELF_AARCH64, ELF_OP_SYSCALL, -1, -1, 0 },
		{ "\xe8\x03\x00\xaa", 4, ELF_AARCH64, ELF_OP_MOVE, 8, 0, 0 },
		{ "\xe0\x03\x1f\xaa", 4, ELF_AARCH64, ELF_OP_CONST, 0, -1, 0 },
		{ "\x00\x04\x00\x91", 4, ELF_AARCH64, ELF_OP_ADD, 0, 0, 1 },
		{ "\xc0\x03\x5f\xd6", 4, ELF_AARCH64, ELF_OP_RETURN, -1, 30, 0 },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		struct elf_insn i;
		unsigned len = elf_decode(cases[k].machine, &i, (const uint8_t *)cases[k].bytes,
					  cases[k].n, 0x1000);

		if (cases[k].dst == -2) {
			assert_int_equal(len, 0);
			continue;
		}
		if (len != cases[k].n || i.op != cases[k].op || i.dst != cases[k].dst ||
		    i.src != cases[k].src || i.imm != cases[k].imm)
			fail_msg("case %zu: length %u op %d dst %d src %d imm %llx", k, len, i.op,
				 i.dst, i.src, (unsigned long long)i.imm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86),
		cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_arm64_vectors),
		cmocka_unit_test(test_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
