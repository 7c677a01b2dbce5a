/* What yaml_write makes comes back from two readers: the words it must quote, and the real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/yaml_write.h"

static void text_of(const char *json, struct buf *out)
{
	cleanup_json struct json_object *v = json_tokener_parse(json);

	yaml_write(v, out);
}

static void forms(void **state)
{
	static const struct {
		const char *json, *yaml;
	} cases[] = {
		{ "{}", "{}\n" },
		{ "[]", "[]\n" },
		{ "\"a\"", "a\n" },
		{ "{\"a\":1,\"b\":[1,\"x\"],\"c\":{\"d\":null,\"e\":true}}",
		  "a: 1\nb:\n  - 1\n  - x\nc:\n  d: null\n  e: true\n" },
		{ "[{\"a\":1,\"b\":{}},{},[],[1,[2]]]",
		  "- a: 1\n  b: {}\n- {}\n- []\n-\n  - 1\n  -\n    - 2\n" },
		{ "{\"a\":[{\"b\":[{\"c\":1}],\"d\":2}]}", "a:\n  - b:\n      - c: 1\n    d: 2\n" },
		{ "{\"on\":\"off\",\"1\":\"0x10\",\"x y\":\"1:30\"}",
		  "\"on\": \"off\"\n\"1\": \"0x10\"\n\"x y\": \"1:30\"\n" },
		{ "{\"p\":\"a\\nb\\n\"}", "p: |\n  a\n  b\n" },
		{ "{\"p\":\"a\\nb\"}", "p: \"a\\nb\"\n" },
		{ "{\"p\":\" a\\nb\\n\"}", "p: \" a\\nb\\n\"\n" },
		{ "{\"v\":18446744073709551615}", "v: 18446744073709551615\n" },
		{ "{\"v\":-9223372036854775808}", "v: -9223372036854775808\n" },
		{ "{\"s\":\"\\u0085\\u2028\\ufeff\\u0001\\u00fc\"}",
		  "s: \"\\x85\\u2028\\ufeff\\x01\xc3\xbc\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf out = { 0 };

		text_of(cases[i].json, &out);
		assert_string_equal(cases[i].yaml, buf_str(&out));
	}
}

/* Strings that are easy to get wrong, each as a value, as a key and in a list. */
static struct json_object *hard_strings(void)
{
	static const char *const strings[] = {
		"",
		" ",
		"a ",
		" a",
		"y",
		"N",
		"Yes",
		"NO",
		"on",
		"OFF",
		"true",
		"False",
		"null",
		"Null",
		"~",
		"-",
		"- a",
		"?",
		"? a",
		":",
		"a: b",
		"a:",
		"#",
		"a #b",
		"&a",
		"*a",
		"!a",
		"|",
		">",
		"%a",
		"@a",
		"`a",
		"'",
		"\"",
		"'a'",
		"\"a\"",
		"{",
		"}",
		"[a]",
		",",
		"0",
		"1",
		"-1",
		"+1",
		"0x1f",
		"0o17",
		"017",
		"1_000",
		"1e3",
		"1.5",
		".5",
		".inf",
		"-.INF",
		".nan",
		"1:30",
		"190:20:30.15",
		"2001-01-01",
		"2001-12-14t21:59:43.10-05:00",
		"<<",
		"=",
		"---",
		"...",
		"a\nb\n",
		"a\nb",
		"\na\nb\n",
		"a\n\nb\n",
		"a\n b\nc\n",
		"a\tb",
		"\t",
		"\\",
		"\\n",
		"a\\b\n",
		"/a b/*.c",
		"\x01\x1f\x7f",
		"\xc2\x85",
		"\xe2\x80\xa8",
		"\xef\xbb\xbf",
		"\xc3\xbc",
		"\xf0\x9f\x98\x80",
		"_",
		"_1",
		"/",
		"nan",
		"inf",
		"e1",
		"a.b-c_d/e",
		"...a",
		"%YAML 1.1",
		"0b1",
		"0.1.2",
	};
	struct json_object *o = json_object_new_object(), *list = json_object_new_array(),
			   *map = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		json_object_array_add(list, json_object_new_string(strings[i]));
		json_object_object_add(map, strings[i], json_object_new_string(strings[i]));
	}
	json_object_object_add(o, "list", list);
	json_object_object_add(o, "map", map);
	return o;
}

/* PyYAML reads YAML 1.1; the same document as JSON has to be the same value. */
static void reader_gives_it_back(void **state)
{
	char path[] = "/tmp/boltseal-yaml.XXXXXX";
	int fd = mkstemp(path), st;
	cleanup_json struct json_object *v = hard_strings();
	cleanup_buf struct buf yaml = { 0 };
	cleanup_free char *json = json_text(v), *json_path = xasprintf("%s.json", path);
	cleanup_free char *command =
		xasprintf("/usr/bin/python3 -c 'import yaml, json, sys\n"
			  "a = yaml.safe_load(open(sys.argv[1], encoding=\"utf-8\"))\n"
			  "b = json.load(open(sys.argv[2], encoding=\"utf-8\"))\n"
			  "sys.exit(a != b and repr([x for x in zip(a[\"list\"], b[\"list\"]) if "
			  "x[0] != x[1]]))' "
			  "%s %s",
			  path, json_path);
	struct err e;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	if (system("/usr/bin/python3 -c 'import yaml' 2>/dev/null") != 0) {
		print_message("skip: no PyYAML\n");
		unlink(path);
		skip();
	}
	yaml_write(v, &yaml);
	assert_int_equal(0, io_write_file(path, buf_str(&yaml), yaml.len, &e));
	assert_int_equal(0, io_write_file(json_path, json, strlen(json), &e));
	st = system(command); /* NOLINT: the command has no outside text */
	unlink(path);
	unlink(json_path);
	if (!WIFEXITED(st) || WEXITSTATUS(st) != 0)
		fail_msg("the reader gets another value from:\n%s", buf_str(&yaml));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(reader_gives_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
