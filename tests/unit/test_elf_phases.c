/* Start-up and serving, in programs of a few instructions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "elf/analyze.h"

enum { BASE = 0x400000, CODE = 0x1000, DATA = 0x2000 };

/* A program without sections: the code, and writable memory behind it. */
static void write_program(const char *path, uint16_t machine, const uint8_t *code, size_t n)
{
	static uint8_t file[DATA + 0x100];
	Elf64_Ehdr h = { .e_type = ET_EXEC,
			 .e_machine = machine,
			 .e_version = EV_CURRENT,
			 .e_entry = BASE + CODE,
			 .e_phoff = sizeof(h),
			 .e_ehsize = sizeof(h),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 2 };
	Elf64_Phdr p[2] = { { .p_type = PT_LOAD,
			      .p_flags = PF_R | PF_X,
			      .p_offset = CODE,
			      .p_vaddr = BASE + CODE,
			      .p_filesz = n,
			      .p_memsz = n },
			    { .p_type = PT_LOAD,
			      .p_flags = PF_R | PF_W,
			      .p_offset = DATA,
			      .p_vaddr = BASE + DATA,
			      .p_filesz = 0x100,
			      .p_memsz = 0x100 } };
	struct err e;

	memset(file, 0, sizeof(file));
	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	h.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(file, &h, sizeof(h));
	memcpy(file + sizeof(h), p, sizeof(p));
	memcpy(file + CODE, code, n);
	if (io_write_file(path, (const char *)file, sizeof(file), &e))
		fail_msg("%s", e.msg);
}

/* "getpid:start epoll_wait:serving …" in the order of the calls' names. */
static char *phases_of(uint16_t machine, const uint8_t *code, size_t n, struct buf *loops)
{
	cleanup_elf_analysis struct elf_analysis a = { 0 };
	cleanup_elf_dir struct elf_dir dir = { .fd = -1 };
	char folder[] = "/tmp/phases-XXXXXX";
	cleanup_free char *path = NULL;
	struct elf_options opt = { 0 };
	struct buf out = { 0 };
	struct elf_files files;
	struct err e;

	assert_non_null(mkdtemp(folder));
	path = xasprintf("%s/program", folder);
	write_program(path, machine, code, n);
	assert_int_equal(elf_dir_open(&dir, folder, &e), 0);
	files = elf_dir_files(&dir);
	if (elf_analyze(&a, &files, "/program", &opt, &e))
		fail_msg("%s", e.msg);
	for (unsigned nr = 0; nr < REACH_MAX_NR; nr++) {
		uint32_t p = elf_analysis_phases(&a, elf_analysis_abi(&a), nr);

		if (p)
			buf_printf(&out, "%s%s:%s%s", out.len ? " " : "",
				   sc_by_nr(elf_analysis_abi(&a), nr)->name,
				   p & WL_PHASE_BIT(WL_START) ? "s" : "",
				   p & WL_PHASE_BIT(WL_SERVING) ? "S" : "");
	}
	elf_analysis_loops(&a, loops);
	unlink(path);
	rmdir(folder);
	return buf_take(&out);
}

#define SYS(nr)	   0xb8, nr, 0, 0, 0, 0x0f, 0x05 /* mov eax, nr; syscall: 7 bytes */
#define JUMP(d)	   0xeb, (uint8_t)(d)		 /* jmp: 2 bytes */
#define CALL(d)	   0xe8, (uint8_t)(d), (d) < 0 ? 0xff : 0, (d) < 0 ? 0xff : 0, (d) < 0 ? 0xff : 0
#define RET	   0xc3, 0x90, 0x90
#define STOP	   0x0f, 0x0b /* ud2: 2 bytes */
/* cmp dword [BASE + DATA], 0: 8 bytes, and je: 2 bytes */
#define UNLESS(d)  0x83, 0x3c, 0x25, 0x00, 0x20, 0x40, 0x00, 0x00, 0x74, (uint8_t)(d)
#define COUNT(d)   0x83, 0xeb, 0x01, 0x75, (uint8_t)(d) /* sub ebx, 1; jne: 5 bytes */
#define BY_POINTER 0xff, 0xd0				/* call rax: 2 bytes */

enum { GETPID = 39, EXIT = 60, EPOLL_WAIT = 232, UMASK = 95, GETUID = 102, SETSID = 112 };

static void test_x86(void **state)
{
	/* Case by case: what comes in front of, in and behind the loop. */
	static const uint8_t waits[] = { SYS(GETPID), SYS(EPOLL_WAIT), UNLESS(-17), SYS(EXIT),
					 STOP };
	static const uint8_t never_ends[] = { SYS(GETPID), SYS(EPOLL_WAIT), JUMP(-9) };
	static const uint8_t no_loop[] = { SYS(GETPID), SYS(EPOLL_WAIT), SYS(EXIT), STOP };
	static const uint8_t counts[] = { SYS(GETPID), SYS(GETUID), COUNT(-12), SYS(EXIT), STOP };
	/* A loop by a variable that neither waits nor calls through a pointer. */
	static const uint8_t idle[] = { SYS(GETPID), SYS(GETUID), UNLESS(-17), SYS(EXIT), STOP };
	static const uint8_t by_pointer[] = { SYS(GETPID), BY_POINTER, SYS(GETUID),
					      UNLESS(-19), SYS(EXIT),  STOP };
	/* A loop that ends after a number of rounds, and then the one that waits. */
	static const uint8_t handlers[] = { SYS(GETPID),     BY_POINTER,  SYS(GETUID), COUNT(-14),
					    SYS(EPOLL_WAIT), UNLESS(-17), SYS(EXIT),   STOP };
	/* start: getpid; call serve; exit. serve: umask; loop: epoll_wait; ret. */
	static const uint8_t below[] = { SYS(GETPID), CALL(9),	       SYS(EXIT),   STOP,
					 SYS(UMASK),  SYS(EPOLL_WAIT), UNLESS(-17), RET };
	/* start: call both; loop; exit. both: setsid; ret, which the loop calls too. */
	static const uint8_t both[] = { CALL(28),    SYS(GETPID), SYS(EPOLL_WAIT),
					CALL(9),     JUMP(-14),	  0x90,
					0x90,	     0x90,	  0x90,
					0x90,	     0x90,	  0x90,
					SYS(SETSID), RET };
	static const struct {
		const char *name;
		const uint8_t *code;
		size_t n;
		const char *expected;
		bool known;
	} cases[] = {
		{ "waits", waits, sizeof(waits), "getpid:s exit:S epoll_wait:S", true },
		{ "never ends", never_ends, sizeof(never_ends), "getpid:s epoll_wait:S", true },
		{ "no loop", no_loop, sizeof(no_loop), "getpid:sS exit:sS epoll_wait:sS", false },
		{ "counts", counts, sizeof(counts), "getpid:sS exit:sS getuid:sS", false },
		{ "idle", idle, sizeof(idle), "getpid:sS exit:sS getuid:sS", false },
		{ "by pointer", by_pointer, sizeof(by_pointer), "getpid:s exit:S getuid:S", true },
		{ "handlers", handlers, sizeof(handlers), "getpid:s exit:S getuid:s epoll_wait:S",
		  true },
		{ "below", below, sizeof(below), "getpid:s exit:S umask:s epoll_wait:S", true },
		{ "both", both, sizeof(both), "getpid:s setsid:sS epoll_wait:S", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf loops = { 0 };
		cleanup_free char *got = phases_of(EM_X86_64, cases[i].code, cases[i].n, &loops);

		if (strcmp(got, cases[i].expected) != 0 ||
		    !strncmp(buf_str(&loops), "serving begins", 14) != cases[i].known)
			fail_msg("%s: %s, %s", cases[i].name, got, buf_str(&loops));
	}
}

static void test_arm64(void **state)
{
	/*
	 * mov x8, #172 (getpid); svc; loop: mov x8, #22 (epoll_pwait); svc; adrp x0, data;
	 * ldr w0, [x0]; cbz w0, loop; mov x8, #93 (exit); svc; brk
	 */
	static const uint32_t waits[] = { 0xd2801588, 0xd4000001, 0xd28002c8, 0xd4000001,
					  0xb0000000, 0xb9400000, 0x34ffff80, 0xd2800ba8,
					  0xd4000001, 0xd4200000 };
	/* The same with subs w19, w19, #1; b.ne loop, and getuid (174) instead of the wait. */
	static const uint32_t counts[] = { 0xd2801588, 0xd4000001, 0xd28015c8,
					   0xd4000001, 0x71000673, 0x54ffffa1,
					   0xd2800ba8, 0xd4000001, 0xd4200000 };
	/* A call through x1, and the variable. */
	static const uint32_t by_pointer[] = { 0xd2801588, 0xd4000001, 0xd63f0020, 0xd28015c8,
					       0xd4000001, 0xb0000000, 0xb9400000, 0x34ffff60,
					       0xd2800ba8, 0xd4000001, 0xd4200000 };
	static const struct {
		const uint32_t *code;
		size_t n;
		const char *expected;
	} cases[] = {
		{ waits, sizeof(waits), "epoll_pwait:S exit:S getpid:s" },
		{ counts, sizeof(counts), "exit:sS getpid:sS getuid:sS" },
		{ by_pointer, sizeof(by_pointer), "exit:S getpid:s getuid:S" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf loops = { 0 };
		cleanup_free char *got = phases_of(EM_AARCH64, (const uint8_t *)cases[i].code,
						   cases[i].n, &loops);

		if (strcmp(got, cases[i].expected) != 0)
			fail_msg("case %zu: %s, %s", i, got, buf_str(&loops));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86),
		cmocka_unit_test(test_arm64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
