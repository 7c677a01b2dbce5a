/* Paths below another root, and the names of kernel functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sensor/ksyms.h"
#include "sensor/root_path.h"

static void test_normalise(void **state)
{
	static const char *const cases[][2] = {
		{ "/", "/" },
		{ "//", "/" },
		{ "/a/b", "/a/b" },
		{ "/a//b/", "/a/b" },
		{ "/a/./b/.", "/a/b" },
		{ "/a/../b", "/b" },
		{ "/../..", "/" },
		{ "/a/b/../../c", "/c" },
		{ "/..a/...", "/..a/..." },
		{ "/a/../../b", "/b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s", cases[i][0]);
		root_path_normalise(path);
		assert_string_equal(path, cases[i][1]);
	}
}

struct tree {
	char dir[64];
	int root;
};

static void in_tree(const struct tree *t, const char *name, char out[256])
{
	snprintf(out, 256, "%s/%s", t->dir, name);
}

static int make_tree(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));
	char a[256];

	snprintf(t->dir, sizeof(t->dir), "/tmp/boltseal-root.XXXXXX");
	if (!mkdtemp(t->dir))
		return -1;
	in_tree(t, "etc", a);
	mkdir(a, 0755);
	in_tree(t, "etc/conf", a);
	close(open(a, O_CREAT | O_WRONLY, 0644));
	in_tree(t, "link", a);
	if (symlink("/etc", a) < 0)
		return -1;
	in_tree(t, "out", a);
	if (symlink("../../../../etc", a) < 0)
		return -1;
	in_tree(t, "etc/self", a);
	if (symlink("conf", a) < 0)
		return -1;
	t->root = open(t->dir, O_PATH | O_DIRECTORY);
	*state = t;
	return t->root < 0;
}

static int remove_tree(void **state)
{
	struct tree *t = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", t->dir);
	close(t->root);
	free(t);
	return system(command);
}

static void expect(const struct tree *t, const char *path, bool follow, bool exists,
		   const char *want)
{
	char out[PATH_MAX];
	struct stat st;

	assert_int_equal(root_path_resolve(t->root, path, follow, out, &st), exists);
	assert_string_equal(out, want);
}

static void test_resolve(void **state)
{
	const struct tree *t = *state;

	expect(t, "/etc/conf", true, true, "/etc/conf");
	expect(t, "/link/conf", true, true, "/etc/conf"); /* absolute links stay inside */
	expect(t, "/out/conf", true, true, "/etc/conf");  /* and ".." does not lead out */
	expect(t, "/etc/self", true, true, "/etc/conf");
	expect(t, "/etc/self", false, true, "/etc/self");
	expect(t, "/link/none", true, false, "/etc/none");
	expect(t, "/none/none", true, false, "/none/none");
	expect(t, "/", true, true, "/");
}

static void test_ksyms(void **state)
{
	const uint64_t none[] = { 0, 1 };
	struct ksyms k;
	int r = ksyms_resolve(&k, none, 2);

	(void)state;
	if (r < 0)
		skip(); /* the kernel hides its addresses from us */
	assert_string_equal(ksyms_name(&k, 1), "");
	assert_string_equal(ksyms_name(&k, 99), "");
	ksyms_free(&k);
}

/* The address that /proc/kallsyms gives for a function, and one inside of it, have its name. */
static void test_ksyms_known(void **state)
{
	cleanup_fclose FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long at = 0;
	char line[512], name[256];
	struct ksyms k;

	(void)state;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %255s", &at, name) == 2 && !strcmp(name, "cap_capable"))
			break;
	if (!f || !at || strcmp(name, "cap_capable") != 0)
		skip();
	assert_int_equal(ksyms_resolve(&k, (const uint64_t[]){ at, at + 3 }, 2), 0);
	assert_string_equal(ksyms_name(&k, at), "cap_capable");
	assert_string_equal(ksyms_name(&k, at + 3), "cap_capable");
	ksyms_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalise),
		cmocka_unit_test_setup_teardown(test_resolve, make_tree, remove_tree),
		cmocka_unit_test(test_ksyms),
		cmocka_unit_test(test_ksyms_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
