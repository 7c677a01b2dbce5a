/* exe_describe(): real programs of this machine, and files whose headers lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor/exe.h"

static int describe(const void *data, size_t n, struct exe_info *out)
{
	int fd = memfd_create("exe", MFD_CLOEXEC), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	r = exe_describe_fd(fd, out);
	close(fd);
	return r;
}

static void test_scripts(void **state)
{
	static char endless[300] = "#!/";
	static const struct {
		const char *text, *interpreter; /* NULL: refused */
	} cases[] = {
		{ "#!/bin/sh\necho\n", "/bin/sh" },
		{ "#!/bin/sh", "/bin/sh" },
		{ "#! \t/usr/bin/env  python3 -u\n", "/usr/bin/env" },
		{ "#!sh\n", "sh" },
		{ "#!\n/bin/sh\n", NULL },
		{ "#!   \n", NULL },
		{ "#!", NULL },
		{ endless, NULL },
	};
	struct exe_info x;

	(void)state;
	memset(endless + 3, 'a', sizeof(endless) - 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int r = describe(cases[i].text, strlen(cases[i].text), &x);

		assert_int_equal(r, cases[i].interpreter ? 0 : -EINVAL);
		assert_int_equal(x.kind, EXE_SCRIPT);
		assert_string_equal(x.interpreter,
				    cases[i].interpreter ? cases[i].interpreter : "");
	}
	assert_int_equal(describe("echo\n", 5, &x), 0);
	assert_int_equal(x.kind, EXE_OTHER);
	assert_int_equal(describe("", 0, &x), 0);
	assert_int_equal(x.kind, EXE_OTHER);
}

/* A file of 64 or 32 bits with one PT_INTERP behind a PT_LOAD. */
struct image64 {
	Elf64_Ehdr e;
	Elf64_Phdr p[2];
	char interp[16];
};

struct image32 {
	Elf32_Ehdr e;
	Elf32_Phdr p[2];
	char interp[16];
};

static struct image64 good64(void)
{
	return (struct image64){
		.e = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		       .e_machine = EM_AARCH64,
		       .e_phoff = offsetof(struct image64, p),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 2 },
		.p = { { .p_type = PT_LOAD },
		       { .p_type = PT_INTERP,
			 .p_offset = offsetof(struct image64, interp),
			 .p_filesz = 8 } },
		.interp = "/ld/one",
	};
}

static void test_elf(void **state)
{
	struct image64 f = good64();
	struct image32 g = {
		.e = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
		       .e_machine = EM_386,
		       .e_phoff = offsetof(struct image32, p),
		       .e_phentsize = sizeof(Elf32_Phdr),
		       .e_phnum = 2 },
		.p = { { .p_type = PT_LOAD },
		       { .p_type = PT_INTERP,
			 .p_offset = offsetof(struct image32, interp),
			 .p_filesz = 8 } },
		.interp = "/ld/two",
	};
	struct exe_info x;

	(void)state;
	assert_int_equal(describe(&f, sizeof(f), &x), 0);
	assert_int_equal(x.kind, EXE_ELF);
	assert_int_equal(x.elf_class, ELFCLASS64);
	assert_int_equal(x.elf_machine, EM_AARCH64);
	assert_string_equal(x.interpreter, "/ld/one");
	assert_int_equal(describe(&g, sizeof(g), &x), 0);
	assert_int_equal(x.elf_machine, EM_386);
	assert_string_equal(x.interpreter, "/ld/two");
	f.p[1].p_type = PT_NOTE; /* static */
	assert_int_equal(describe(&f, sizeof(f), &x), 0);
	assert_string_equal(x.interpreter, "");
	f.e.e_phnum = 0;
	assert_int_equal(describe(&f, sizeof(f), &x), 0);
}

static void test_big_endian(void **state)
{
	/* s390x: the smallest header, a program header and the name, by hand. */
	uint8_t f[64 + 56 + 4] = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2MSB, EV_CURRENT };
	struct exe_info x;

	(void)state;
	f[19] = EM_S390;
	f[39] = 64; /* e_phoff */
	f[55] = 56; /* e_phentsize */
	f[57] = 1;  /* e_phnum */
	f[64 + 3] = PT_INTERP;
	f[64 + 15] = 120; /* p_offset */
	f[64 + 39] = 3;	  /* p_filesz */
	memcpy(f + 120, "/i", 3);
	assert_int_equal(describe(f, sizeof(f), &x), 0);
	assert_int_equal(x.elf_machine, EM_S390);
	assert_string_equal(x.interpreter, "/i");
}

static void test_lies(void **state)
{
	struct exe_info x;
	struct image64 f;

	(void)state;
#define LIE(field, value)                                               \
	do {                                                            \
		f = good64();                                           \
		f.field = (value);                                      \
		assert_int_equal(describe(&f, sizeof(f), &x), -EINVAL); \
		assert_int_equal(x.kind, EXE_ELF);                      \
		assert_string_equal(x.interpreter, "");                 \
	} while (0)
	LIE(e.e_phoff, UINT64_MAX);
	LIE(e.e_phoff, (uint64_t)INT64_MAX - 8);
	LIE(e.e_phoff, 1 << 20);
	LIE(e.e_phentsize, 1);
	LIE(e.e_phnum, UINT16_MAX);
	LIE(p[1].p_filesz, 0);
	LIE(p[1].p_filesz, 1);
	LIE(p[1].p_filesz, 5); /* not terminated */
	LIE(p[1].p_filesz, UINT64_MAX);
	LIE(p[1].p_offset, UINT64_MAX);
	LIE(p[1].p_offset, sizeof(f));
	LIE(e.e_ident[EI_CLASS], 9);
	f = good64();
	for (size_t n = 4; n < sizeof(f.e); n++)
		assert_int_equal(describe(&f, n, &x), -EINVAL);
}

static void test_files(void **state)
{
	char dir[] = "/tmp/test-exe-XXXXXX", name[64];
	struct exe_info x;
	int root;

	(void)state;
	root = open("/", O_PATH | O_DIRECTORY);
	assert_int_equal(exe_describe(root, "/bin/ls", &x), 0);
	assert_int_equal(x.kind, EXE_ELF);
	assert_true(x.interpreter[0] == '/');
	assert_int_equal(exe_describe(root, "/bin", &x), -EACCES);
	assert_int_equal(exe_describe(root, "/dev/null", &x), -EACCES);
	assert_int_equal(exe_describe(root, "/no/such", &x), -ENOENT);
	close(root);

	/* A link out of the root stays inside; a pipe with a name is not waited for. */
	assert_non_null(mkdtemp(dir));
	root = open(dir, O_PATH | O_DIRECTORY);
	assert_int_equal(symlinkat("../../../../bin/ls", root, "out"), 0);
	assert_int_equal(exe_describe(root, "/out", &x), -ENOENT);
	snprintf(name, sizeof(name), "%s/fifo", dir);
	assert_int_equal(mkfifo(name, 0600), 0);
	assert_int_equal(exe_describe(root, "/fifo", &x), -EACCES);
	unlink(name);
	unlinkat(root, "out", 0);
	close(root);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),	   cmocka_unit_test(test_elf),
		cmocka_unit_test(test_big_endian), cmocka_unit_test(test_lies),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
