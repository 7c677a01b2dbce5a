/* A directory as the root: links stay inside, names come sorted, limits are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "elf/files.h"

static const char *const folders[] = { "etc", "usr", "usr/lib" };
static const struct {
	const char *target, *name;
} links[] = {
	{ "/usr/lib", "lib" },
	{ "/etc/one", "usr/absolute" },
	{ "../../../etc/one", "usr/out" },
	{ "usr/lib/../two", "etc/broken" },
};

static void make_tree(char *dir)
{
	char path[128];

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, links[i].name);
		assert_int_equal(symlink(links[i].target, path), 0);
	}
	for (const char *const *n = (const char *const[]){ "etc/one", "usr/lib/two", NULL }; *n;
	     n++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", dir, *n);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(*n, f);
		fclose(f);
	}
	snprintf(path, sizeof(path), "%s/etc/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void remove_tree(const char *dir)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

static void test_open(void **state)
{
	static const struct {
		const char *path;
		size_t max;
		int result;
		const char *real;
	} cases[] = {
		{ "/etc/one", 100, 0, "/etc/one" },	  { "/lib/two", 100, 0, "/usr/lib/two" },
		{ "/usr/absolute", 100, 0, "/etc/one" },  { "/usr/out", 100, 0, "/etc/one" },
		{ "/../../etc/one", 100, 0, "/etc/one" }, { "/etc/one", 7, 0, "/etc/one" },
		{ "/etc/one", 6, -EFBIG, NULL },	  { "/etc/broken", 100, -ENOENT, NULL },
		{ "/etc/one/more", 100, -ENOENT, NULL },  { "/none", 100, -ENOENT, NULL },
		{ "/etc", 100, -EINVAL, NULL },		  { "/etc/fifo", 100, -EINVAL, NULL },
	};
	char dir[] = "/tmp/test-elf-files-XXXXXX";
	cleanup_elf_dir struct elf_dir d = { .fd = -1 };
	struct elf_files files;
	struct err e;

	(void)state;
	make_tree(dir);
	assert_int_equal(elf_dir_open(&d, dir, &e), 0);
	files = elf_dir_files(&d);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_elf_bytes struct elf_bytes b = { 0 };
		int r = elf_files_open(&files, cases[i].path, cases[i].max, &b, &e);

		if (r != cases[i].result)
			fail_msg("%s: %d, %s", cases[i].path, r, r ? e.msg : "");
		if (r)
			continue;
		assert_string_equal(b.path, cases[i].real);
		assert_int_equal(b.len, strlen(b.path + 1));
		assert_memory_equal(b.data, b.path + 1, b.len);
	}
	remove_tree(dir);
}

static int collect(void *arg, const char *name)
{
	buf_printf(arg, "%s ", name);
	return strcmp(name, "lib") ? 0 : 5;
}

static void test_list(void **state)
{
	char dir[] = "/tmp/test-elf-files-XXXXXX";
	cleanup_elf_dir struct elf_dir d = { .fd = -1 };
	cleanup_buf struct buf names = { 0 };
	struct elf_files files;
	struct err e;

	(void)state;
	make_tree(dir);
	assert_int_equal(elf_dir_open(&d, dir, &e), 0);
	files = elf_dir_files(&d);
	assert_int_equal(elf_files_list(&files, "/etc", collect, &names, &e), 0);
	assert_string_equal(buf_str(&names), "broken fifo one ");
	assert_int_equal(elf_files_list(&files, "/", collect, &names, &e), 5);
	assert_string_equal(buf_str(&names), "broken fifo one etc lib ");
	assert_int_equal(elf_files_list(&files, "/etc/one", collect, &names, &e), -ENOENT);
	assert_int_equal(elf_files_list(&files, "/none", collect, &names, &e), -ENOENT);
	remove_tree(dir);
	assert_int_equal(elf_dir_open(&(struct elf_dir){ 0 }, dir, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
