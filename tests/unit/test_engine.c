/* Which container a runtime's command line and state directory speak of. */
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
#include "engine/engine.h"

struct call_case {
	const char *words; /* separated by "|" */
	const char *runtime, *verb, *id, *root, *bundle;
};

static const struct call_case calls[] = {
	{ "runc|run|web", "runc", "run", "web", "", "" },
	{ "/usr/sbin/runc|--root|/var/run/docker/runtime-runc/moby|--log|/x/"
	  "log.json|--log-format|json|"
	  "create|--bundle|/run/b|--pid-file|/run/b/init.pid|0123456789ab",
	  "runc", "create", "0123456789ab", "/var/run/docker/runtime-runc/moby", "/run/b" },
	{ "runc|--root=/r|exec|--process|/tmp/p|--detach|--pid-file|/x|abc", "runc", "exec", "abc",
	  "/r", "" },
	{ "crun|--systemd-cgroup|--root=/run/crun|create|--bundle=/b|--pid-file|/p|id1", "crun",
	  "create", "id1", "/run/crun", "/b" },
	{ "runc|exec|-t|-u|1000|-e|A=B|web|sh|-c|ls", "runc", "exec", "web", "", "" },
	{ "runc|--version", "runc", "", "", "", "" },
	{ "runc|init", "runc", "init", "", "", "" },
	{ "runc|start|web", "runc", "start", "web", "", "" },
	{ "", "", "", "", "", "" },
};

static size_t to_words(const char *s, char *out)
{
	size_t n = strlen(s);

	if (!n)
		return 0;
	memcpy(out, s, n + 1);
	for (size_t i = 0; i < n; i++)
		if (out[i] == '|')
			out[i] = '\0';
	return n + 1;
}

static void test_runtime_calls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct runtime_call c;
		char words[512];

		runtime_call_parse(words, to_words(calls[i].words, words), &c);
		assert_string_equal(c.runtime, calls[i].runtime);
		assert_string_equal(c.verb, calls[i].verb);
		assert_string_equal(c.id, calls[i].id);
		assert_string_equal(c.root, calls[i].root);
		assert_string_equal(c.bundle, calls[i].bundle);
	}
}

/* The kernel hands over the first kilobyte: a word that was cut is not taken for an id. */
static void test_cut_command_line(void **state)
{
	static const char cut[] = { 'r', 'u', 'n', 'c', 0, 'r', 'u', 'n', 0, 'w', 'e' };
	struct runtime_call c;

	(void)state;
	runtime_call_parse(cut, sizeof(cut), &c);
	assert_string_equal(c.verb, "run");
	assert_string_equal(c.id, "");
}

static void test_long_words(void **state)
{
	struct runtime_call c;
	char words[1024];

	(void)state;
	memset(words, 'a', sizeof(words));
	memcpy(words, "runc\0run", 9);
	words[1023] = '\0';
	runtime_call_parse(words, sizeof(words), &c);
	assert_int_equal(strlen(c.id), sizeof(c.id) - 1);
}

struct match_case {
	const char *wanted;
	bool matches;
};

static void test_matches(void **state)
{
	static const struct match_case cases[] = {
		{ "0123456789abcdef0123", true }, /* id */
		{ "0123456789ab", true },	  /* its beginning, as engines print it */
		{ "0123456789", false },	  /* too short to be meant as one */
		{ "web", true },
		{ "we", false },
		{ "nginx", true }, /* the image, tag left out */
		{ "nginx:latest", true },
		{ "nginx:1.2", false },
		{ "sha256:ff", true },
		{ "", false },
	};
	struct container c = { .id = "0123456789abcdef0123",
			       .name = "web",
			       .image = "nginx:latest",
			       .digest = "sha256:ff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(container_matches(&c, cases[i].wanted), cases[i].matches);
}

static void put(const char *dir, const char *id, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, id);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/%s/%s", dir, id, file);
	assert_int_equal(io_write_file(path, text, strlen(text), NULL), 0);
}

static void remove_tree(const char *dir)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
}

static void test_state_directories(void **state)
{
	char dir[] = "/tmp/boltseal-engine.XXXXXX";
	struct container c = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	put(dir, "a", "state.json", "{\"id\":\"a\",\"init_process_pid\":4711}");
	put(dir, "b", "status", "{\"pid\":12,\"bundle\":\"/b\"}");
	put(dir, "broken", "state.json", "{\"init_process_pid\":");
	put(dir, "odd", "state.json", "[1]");

	assert_int_equal(container_find_state(dir, "a", &c, &e), 0);
	assert_string_equal(c.engine, "runc");
	assert_int_equal(c.pid, 4711);
	container_free(&c);
	assert_int_equal(container_find_state(dir, "b", &c, &e), 0);
	assert_string_equal(c.engine, "crun");
	assert_int_equal(c.pid, 12);
	container_free(&c);
	assert_int_equal(container_find_state(dir, "broken", &c, &e), -ENOENT);
	assert_int_equal(container_find_state(dir, "none", &c, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "none"));
	assert_int_equal(container_find_state(dir, "../a", &c, &e), -ENOENT);
	assert_int_equal(container_find_state(dir, "odd", &c, &e), -ENOENT);
	remove_tree(dir);
}

static void test_bad_names(void **state)
{
	struct container c = { 0 };
	char name[400];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(container_find("", &c, &e), -EINVAL);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(container_find(name, &c, &e), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runtime_calls),	  cmocka_unit_test(test_cut_command_line),
		cmocka_unit_test(test_long_words),	  cmocka_unit_test(test_matches),
		cmocka_unit_test(test_state_directories), cmocka_unit_test(test_bad_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
