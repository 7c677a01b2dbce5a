/*
 * What a node should have and what is on it: names and labels, the set of profiles, files that are
 * whole, pods that use profiles, Docker's configuration. tests/cluster/node.sh has the whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "node/docker.h"
#include "node/files.h"
#include "node/lsm.h"
#include "node/set.h"
#include "node/used.h"
#include "temp_folder.h"

static void test_names(void **state)
{
	static const struct {
		const char *file;
		int kind;
		const char *name;
	} files[] = {
		{ "web.json", NODE_SECCOMP, "web" },
		{ "a.b.apparmor", NODE_APPARMOR, "a.b" },
		{ "web.cil", NODE_SELINUX, "web" },
		{ "web.txt", -1, "web.txt" },
		{ ".json", -1, ".json" },
		{ "", -1, "" },
	};
	static const struct {
		const char *name;
		bool ok;
	} names[] = { { "a", true },	{ "Web-1.x_y", true }, { "", false },
		      { ".a", false },	{ "a-", false },       { "a/b", false },
		      { "a b", false }, { "\xc3\xa4", false } };
	cleanup_free char *longest = xcalloc(1, NODE_NAME_MAX + 2);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup_free char *name = node_name_of_file(files[i].file);

		assert_int_equal(node_kind_of_file(files[i].file), files[i].kind);
		assert_string_equal(name, files[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(node_name_ok(names[i].name), names[i].ok);
	memset(longest, 'a', NODE_NAME_MAX);
	assert_true(node_name_ok(longest));
	longest[NODE_NAME_MAX] = 'a';
	assert_false(node_name_ok(longest));
}

/* Keys are within the limits of Kubernetes, and different names have different ones. */
static void test_labels(void **state)
{
	cleanup_free char *plain = node_label(NODE_SECCOMP, "web");
	char a[101], b[101];

	(void)state;
	assert_string_equal(plain, "boltseal.dev/seccomp.web");
	memset(a, 'x', 100);
	memset(b, 'x', 100);
	a[100] = b[100] = '\0';
	b[99] = 'y';
	for (int k = 0; k < NODE_KIND_COUNT; k++) {
		cleanup_free char *one = node_label((enum node_kind)k, a);
		cleanup_free char *two = node_label((enum node_kind)k, b);

		assert_int_equal(strlen(one), strlen("boltseal.dev/") + 63);
		assert_string_not_equal(one, two);
		assert_true(node_label_is_ours(one));
	}
	assert_false(node_label_is_ours("boltseal.dev/admit"));
	assert_false(node_label_is_ours("boltseal.dev/seccompweb"));
	assert_false(node_label_is_ours("kubernetes.io/seccomp.web"));
}

static bool put(struct node_set *s, unsigned source, const char *origin, const char *name,
		const char *text)
{
	return node_set_put(s, source, origin, NODE_SECCOMP, name, text, strlen(text), NULL);
}

static void test_set(void **state)
{
	struct node_set s = { 0 };
	struct node_profile *p;

	(void)state;
	assert_true(put(&s, 1, "b", "web", "one"));
	assert_true(put(&s, 0, "z", "web", "two"));
	assert_true(put(&s, 1, "a", "web", "three"));
	p = node_set_find(&s, NODE_SECCOMP, "web");
	assert_string_equal(p->text, "two");
	assert_string_equal(p->hash, "3fc4ccfe7458"); /* printf two | sha256sum */
	assert_null(node_set_find(&s, NODE_APPARMOR, "web"));
	node_profile_is(p, NODE_INSTALLED, "note");
	p->checked = true;
	assert_true(put(&s, 0, "z", "web", "two"));
	assert_true(p->checked && p->state == NODE_INSTALLED);
	assert_true(put(&s, 0, "z", "web", "other"));
	assert_true(!p->checked && p->state == NODE_PENDING);
	node_set_begin(&s, 0, "z");
	node_set_end(&s, 0, "z");
	assert_string_equal(node_set_find(&s, NODE_SECCOMP, "web")->origin, "a");
	/* A list of the source, within it an object that lost a profile. */
	put(&s, 1, "a", "second", "x");
	node_set_begin(&s, 1, NULL);
	node_set_begin(&s, 1, "a");
	put(&s, 1, "a", "web", "three");
	node_set_end(&s, 1, "a");
	assert_null(node_set_find(&s, NODE_SECCOMP, "second"));
	node_set_end(&s, 1, NULL);
	assert_int_equal(s.n, 1);
	node_set_free(&s);
	for (int i = 0; i < NODE_MAX_PROFILES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		assert_true(put(&s, 0, "o", name, ""));
	}
	assert_false(put(&s, 0, "o", "more", ""));
	node_set_free(&s);
}

static void count(const char *name, void *ctx)
{
	(void)name;
	++*(int *)ctx;
}

static void test_files(void **state)
{
	cleanup_free char *dir = xasprintf("%s/a/b", folder);
	cleanup_free char *path = xasprintf("%s/p.json", dir);
	struct err e = { 0 };
	int n = 0;

	(void)state;
	assert_int_equal(node_files_each(dir, count, &n, &e), 0);
	assert_int_equal(node_files_put(dir, "p.json", "text", 4, &e), 1);
	assert_int_equal(node_files_put(dir, "p.json", "text", 4, &e), 0);
	assert_int_equal(node_files_put(dir, "p.json", "texts", 5, &e), 1);
	assert_false(node_files_same(dir, "p.json", "text", 4));
	/* What others may write, links, and folders are not what was put. */
	chmod(path, 0666);
	assert_int_equal(node_files_put(dir, "p.json", "texts", 5, &e), 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(node_files_put(dir, "p.json", "texts", 5, &e), 1);
	assert_int_equal(node_files_each(dir, count, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(node_files_remove(dir, "p.json", &e), 1);
	assert_int_equal(node_files_remove(dir, "p.json", &e), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_true(node_files_put(dir, "p.json", "x", 1, &e) < 0);
	assert_non_null(strstr(e.msg, "p.json: cannot write"));
	n = 0;
	node_files_each(dir, count, &n, &e);
	assert_int_equal(n, 1); /* nothing half-written is left */
}

static void test_file_names(void **state)
{
	static const struct {
		const char *file, *name, *hash;
	} cases[] = {
		{ "web.json", "web", "" },
		{ "web-0123456789ab.json", "web", "0123456789ab" },
		{ "web-0123456789AB.json", "web-0123456789AB", "" },
		{ "web-123456789ab.json", "web-123456789ab", "" },
		{ "-0123456789ab.json", "-0123456789ab", "" },
		{ ".web.json.aBcDeF", NULL, NULL },
		{ ".web.json", NULL, NULL },
		{ "web.txt", NULL, NULL },
		{ ".json", NULL, NULL },
	};
	char name[64], hash[NODE_HASH];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool is = node_files_parse(cases[i].file, name, sizeof(name), hash);

		assert_int_equal(is, cases[i].name != NULL);
		if (!is)
			continue;
		assert_string_equal(name, cases[i].name);
		assert_string_equal(hash, cases[i].hash);
	}
	assert_false(node_files_parse("longer.json", name, 5, hash));
}

static void test_guard(void **state)
{
	cleanup_free char *dir = xasprintf("%s/a", folder);
	struct err e = { 0 };
	struct node_guard *g = node_guard_new(&e);

	(void)state;
	assert_non_null(g);
	node_guard_add(g, dir); /* not there yet: the one above tells */
	assert_false(node_guard_drain(g));
	assert_int_equal(node_files_put(dir, "x", "y", 1, &e), 1);
	assert_true(node_guard_drain(g));
	node_guard_add(g, dir);
	assert_false(node_guard_drain(g));
	assert_int_equal(node_files_remove(dir, "x", &e), 1);
	assert_true(node_guard_drain(g));
	assert_false(node_guard_drain(g));
	node_guard_free(g);
}

#define POD(name, phase, spec)                                                       \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"n\",\"annotations\":{" \
	"\"container.apparmor.security.beta.kubernetes.io/c\":\"localhost/aa\"}},"   \
	"\"spec\":" spec ",\"status\":{\"phase\":\"" phase "\"}}"
#define SPEC(file)                                                                                \
	"{\"securityContext\":{\"seccompProfile\":{\"type\":\"Localhost\",\"localhostProfile\":"  \
	"\"" file "\"}},\"containers\":[{\"name\":\"c\",\"securityContext\":{\"seLinuxOptions\":" \
	"{\"type\":\"web.process\"}}}]}"

static void test_used(void **state)
{
	static const char a[] = POD("a", "Running", SPEC("b/x.json"));
	static const char a2[] = POD("a", "Running", SPEC("b/y.json"));
	static const char over[] = POD("a", "Succeeded", SPEC("b/y.json"));
	static const char b[] = POD("b", "Pending", SPEC("b/x.json"));
	struct node_used u = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(node_used_put(&u, a, strlen(a), &e), 0);
	assert_true(node_used_has(&u, NODE_SECCOMP, "b/x.json"));
	assert_true(node_used_has(&u, NODE_APPARMOR, "aa"));
	assert_true(node_used_has(&u, NODE_SELINUX, "web"));
	assert_false(node_used_has(&u, NODE_SELINUX, "we"));
	assert_false(node_used_has(&u, NODE_SECCOMP, "aa"));
	assert_int_equal(node_used_put(&u, a2, strlen(a2), &e), 0);
	assert_false(node_used_has(&u, NODE_SECCOMP, "b/x.json"));
	assert_int_equal(node_used_put(&u, over, strlen(over), &e), 0);
	assert_false(node_used_has(&u, NODE_SECCOMP, "b/y.json"));
	assert_int_equal(node_used_put(&u, b, strlen(b), &e), 0);
	assert_int_equal(node_used_put(&u, a, strlen(a), &e), 0);
	assert_int_equal(node_used_gone(&u, b, strlen(b), &e), 0);
	assert_true(node_used_has(&u, NODE_SECCOMP, "b/x.json"));
	node_used_begin(&u);
	assert_int_equal(node_used_put(&u, b, strlen(b), &e), 0);
	node_used_end(&u);
	assert_int_equal(u.n, 1);
	assert_true(node_used_put(&u, "{}", 2, &e) < 0);
	assert_true(node_used_put(&u, "{", 1, &e) < 0);
	assert_true(node_used_put(&u, "{\"metadata\":{\"name\":1}}", 23, &e) < 0);
	assert_int_equal(u.n, 1);
	node_used_free(&u);
}

static void expect_file(const char *path, const char *want)
{
	cleanup_buf struct buf text = { 0 };
	struct err e = { 0 };

	assert_int_equal(io_read_file(path, 4096, &text, &e), 0);
	assert_string_equal(buf_str(&text), want);
}

static void test_docker(void **state)
{
	static const struct {
		const char *before; /* NULL: no file */
		int result;
		const char *after; /* or a part of the error */
	} cases[] = {
		{ NULL, 1, "{\n  \"seccomp-profile\": \"/p.json\"\n}\n" },
		{ "", 1, "{\n  \"seccomp-profile\": \"/p.json\"\n}\n" },
		{ "{\"z\": 1.50, \"a\": [18446744073709551615], \"seccomp-profile\": \"/old\"}", 1,
		  "{\n  \"z\": 1.50,\n  \"a\": [\n    18446744073709551615\n  ],\n"
		  "  \"seccomp-profile\": \"/p.json\"\n}\n" },
		{ "{ \"seccomp-profile\" : \"/p.json\" }", 0,
		  "{ \"seccomp-profile\" : \"/p.json\" }" },
		{ "[]", -EINVAL, "expected an object, found" },
		{ "{\"a\": 1, \"a\": 2}", -EINVAL, "d.json:1:10: " },
		{ "{\"seccomp-profile\": 3}", -EINVAL, "/seccomp-profile: expected a string" },
	};
	cleanup_free char *path = xasprintf("%s/d.json", folder);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *before = cases[i].before;
		struct err e = { 0 };
		int r;

		unlink(path);
		if (before)
			assert_int_equal(io_write_file(path, before, strlen(before), &e), 0);
		assert_int_equal(node_docker_set(path, "/p.json", true, &e), cases[i].result);
		if (before)
			expect_file(path, before);
		r = node_docker_set(path, "/p.json", false, &e);
		assert_int_equal(r, cases[i].result);
		if (r < 0) {
			if (!strstr(e.msg, cases[i].after))
				fail_msg("case %zu: %s", i, e.msg);
			expect_file(path, before);
		} else {
			expect_file(path, cases[i].after);
		}
	}
}

/* What apparmor_parser says without a kernel that knows AppArmor. */
static void test_apparmor(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "profile web {\n  /x r,\n}\n", NULL },
		{ "profile web {\n  profile child {\n    /x r,\n  }\n}\n", NULL },
		{ "profile other {\n}\n", "defines the profile other, too" },
		{ "profile web {\n}\nprofile docker-default {\n}\n", "docker-default, too" },
		{ "", "does not define the profile web" },
		{ "profile web {\n  nonsense\n}\n", "at line 3: syntax error" },
	};
	cleanup_free char *path = xasprintf("%s/web.apparmor", folder);
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r;

		io_write_file(path, cases[i].text, strlen(cases[i].text), &e);
		r = node_apparmor_check(path, "web", &e);
		if (r == -ENOENT) {
			print_message("apparmor_parser is not installed\n");
			skip();
		}
		if ((r < 0) != (cases[i].error != NULL) ||
		    (cases[i].error && !strstr(e.msg, cases[i].error)))
			fail_msg("case %zu: %d %s", i, r, e.msg);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names), TEST(test_labels),	 TEST(test_set),
		TEST(test_files), TEST(test_file_names), TEST(test_guard),
		TEST(test_used),  TEST(test_docker),	 TEST(test_apparmor),
	};

	return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
