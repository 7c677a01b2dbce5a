/* Words of command lines and configuration files, and the patterns that look for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "elf/asked.h"

static const struct {
	const char *path, *text;
} tree[] = {
	{ "/etc/x.conf", "user www;\n# priority 3;\ninclude \"x.d/*.conf\";\n" },
	{ "/etc/x.d/a.conf", "listen 80 default;\nlisten localhost:81;\n" },
	{ "/etc/x.d/b.conf", "bind :80,/run/socket; log \"|rotate\"\n" },
	{ "/etc/x.d/c.txt", "hidden;\n" },
	{ "/etc/loop.conf", "include /etc/loop.conf\n" },
	{ "/etc/gap.conf", "include /etc/none.conf\n" },
	{ "/etc/bare.conf", "include\n" },
	{ "/etc/output.conf", "include /usr/share/x/print\nchroot /srv\n" },
	{ "/etc/folders.conf", "include /etc/*/x\n" },
	{ "/srv/other.conf", "other\n" },
	{ "/etc/db.conf", "hba = '/etc/hba' # include none\nname = 'a # b'\nmore = 'x.d'\n" },
	{ "/etc/hba", "local peer # pam\n" },
	{ "/var/db/auto", "auto\n" },
};

static int open_one(void *ctx, const char *path, size_t max, struct elf_bytes *out, struct err *e)
{
	(void)ctx;
	(void)max;
	(void)e;
	for (size_t i = 0; i < ARRAY_SIZE(tree); i++)
		if (!strcmp(tree[i].path, path)) {
			*out = (struct elf_bytes){ .data = (const uint8_t *)tree[i].text,
						   .len = strlen(tree[i].text),
						   .path = xstrdup(path) };
			return 0;
		}
	return -ENOENT;
}

static int list_one(void *ctx, const char *path, int (*each)(void *arg, const char *name),
		    void *arg, struct err *e)
{
	(void)ctx;
	(void)e;
	for (size_t i = 0; i < ARRAY_SIZE(tree); i++)
		if (!strncmp(tree[i].path, path, strlen(path)) && tree[i].path[strlen(path)] == '/')
			each(arg, tree[i].path + strlen(path) + 1);
	return 0;
}

static const struct asked_source source = { .files = { "/etc/x.conf" },
					    .option = "-c",
					    .include = { "include" },
					    .output = "/usr/share/x/",
					    .another = "-p" };

static void read_line(struct asked *a, const struct asked_source *s, const char *line)
{
	struct elf_files files = { open_one, list_one, NULL };
	char **argv = asked_split(line);

	assert_non_null(argv);
	asked_read(a, &files, s, (char *const *const *)&argv, 1);
	asked_split_free(argv);
}

static void test_split(void **state)
{
	char **v = asked_split(" a 'b c'\"d\\\"e\" \\' '' ");

	(void)state;
	assert_string_equal(v[0], "a");
	assert_string_equal(v[1], "b cd\"e");
	assert_string_equal(v[2], "'");
	assert_string_equal(v[3], "");
	assert_null(v[4]);
	asked_split_free(v);
	assert_null(asked_split("a 'b"));
	assert_null(asked_split("a \"b\\\""));
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern;
		bool there;
	} cases[] = {
		{ "user", true },
		{ "USER", true },
		{ "www", true },
		{ "use", false },
		{ "us*", true },
		{ "*ser", true },
		{ "priority", false },
		{ "hidden", false },
		{ "listen", true },
		{ ">listen *[a-z]*", true },
		{ ">listen 8*", true },
		{ ">listen default", false },
		{ ">>listen default", true },
		{ ">>listen /*", false },
		{ ">>bind /*", true },
		{ ">bind /*", false },
		{ "|*", true },
		{ "-k", true },
		{ "-u", true },
		{ "-z", false },
		{ "<--extended", true },
		{ "<--lock", false },
		{ "<.timer", true },
		{ "<.cd", false },
		{ "\n", false },
		{ ASKED_FILE, false },
		{ "prog", true },
		{ "daemon", true },
	};
	cleanup_asked struct asked a = { 0 };

	(void)state;
	read_line(&a, &source, "prog -uk --ext '.ti on' -g 'daemon off;'");
	assert_null(a.unknown);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (asked_for(&a, cases[i].pattern) != cases[i].there)
			fail_msg("%s", cases[i].pattern);
}

static void test_another_file(void **state)
{
	cleanup_asked struct asked a = { 0 };

	(void)state;
	read_line(&a, &source, "prog -c /srv/other.conf");
	assert_null(a.unknown);
	assert_true(asked_for(&a, "other"));
	assert_true(asked_for(&a, ASKED_FILE));
	assert_false(asked_for(&a, "user"));
}

static void test_first_argument(void **state)
{
	static const struct asked_source first = { .option = "" };
	cleanup_asked struct asked a = { 0 }, b = { 0 };

	(void)state;
	read_line(&a, &first, "prog /srv/other.conf --x y");
	assert_true(asked_for(&a, "other") && asked_for(&a, ASKED_FILE));
	read_line(&b, &first, "prog --x /srv/other.conf");
	assert_false(b.unknown || asked_for(&b, "other") || asked_for(&b, ASKED_FILE));
}

/* What cannot be followed. */
static void test_unknown(void **state)
{
	static const struct asked_source stdin_below = { .arguments = 2, .another = "<.read" },
					 alone = { .option = "-f", .alone = true },
					 output = { .files = { "/etc/output.conf" },
						    .include = { "include" },
						    .output = "/usr/share/x/" },
					 folders = { .files = { "/etc/folders.conf" },
						     .include = { "include" } },
					 optional = { .files = { "?/etc/none" } };
	static const struct {
		const struct asked_source *source;
		const char *line;
		bool known;
	} cases[] = {
		{ &source, "prog", true },
		{ &source, "prog -c /etc/none.conf", false },
		{ &source, "prog -c other.conf", false },
		{ &source, "prog -c/srv/other.conf", false },
		{ &source, "prog -tc /srv/other.conf", false },
		{ &source, "prog -c /etc/loop.conf", false },
		{ &source, "prog -c /etc/gap.conf", false },
		{ &source, "prog -c /etc/bare.conf", false },
		{ &source, "prog -p /srv", false },
		{ &output, "prog", true },
		{ &folders, "prog", false },
		{ &optional, "prog", true },
		{ &stdin_below, "prog a 'b c'", true },
		{ &stdin_below, "prog a", false },
		{ &stdin_below, "prog -x a b", false },
		{ &stdin_below, "prog a '.read f'", false },
		{ &alone, "prog -f /srv/other.conf -sf 1", true },
		{ &alone, "prog -f/srv/other.conf", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_asked struct asked a = { 0 };

		read_line(&a, cases[i].source, cases[i].line);
		if (!a.unknown != cases[i].known)
			fail_msg("%s: %s", cases[i].line, a.unknown ? a.unknown : "known");
	}
}

static const struct asked_source database = { .option = "-c",
					      .value = "config=",
					      .folder_option = "-D",
					      .also = { "?/etc/none", "auto" },
					      .include = { "hba", "include" },
					      .include_folder = "more",
					      .needed = "hba",
					      .another = "--*" };

static void test_database(void **state)
{
	static const struct {
		const char *line;
		bool known;
	} cases[] = {
		{ "db -D /var/db -c config=/etc/db.conf", true },
		{ "db -D /var/db -c config=/etc/db.conf -c x=1", true },
		{ "db -D /var/db -c config=/etc/db.conf -c hba=/etc/x", false },
		{ "db -D /var/db -c config=/etc/db.conf --hba=/etc/x", false },
		{ "db -D /var/none -c config=/etc/db.conf", false },
		{ "db -c config=/etc/db.conf", false },
		{ "db -D /var/db", false },
		{ "db -D /var/db -c config=/etc/hba", false },
	};
	cleanup_asked struct asked a = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_asked struct asked b = { 0 };

		read_line(&b, &database, cases[i].line);
		if (!b.unknown != cases[i].known)
			fail_msg("%s: %s", cases[i].line, b.unknown ? b.unknown : "known");
	}
	read_line(&a, &database, cases[0].line);
	assert_true(asked_for(&a, "peer") && asked_for(&a, "auto") && asked_for(&a, "b"));
	assert_true(asked_for(&a, "listen")); /* of a file in the folder */
	assert_false(asked_for(&a, "pam") || asked_for(&a, "none"));
}

static void test_no_command(void **state)
{
	struct elf_files files = { open_one, list_one, NULL };
	cleanup_asked struct asked a = { 0 };

	(void)state;
	asked_read(&a, &files, &source, NULL, 0);
	assert_non_null(a.unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),	     cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_another_file), cmocka_unit_test(test_first_argument),
		cmocka_unit_test(test_database),     cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_no_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
