/* YAML and JSON: types, places, errors and limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/yaml.h"

static void parse(struct yaml_stream *s, const char *text)
{
	struct err e = { 0 };

	if (yaml_parse(s, "in", text, strlen(text), &e) < 0)
		fail_msg("%s", e.msg);
}

static struct yaml_node *parse_one(struct yaml_stream *s, const char *text)
{
	struct err e = { 0 };
	struct yaml_node *n;

	parse(s, text);
	n = yaml_only(s, &e);
	if (!n)
		fail_msg("%s", e.msg);
	return n;
}

static void test_types(void **state)
{
	static const struct {
		const char *text;
		enum yaml_type type;
	} t[] = {
		{ "true", YAML_BOOL },	   { "False", YAML_BOOL },
		{ "YES", YAML_BOOL },	   { "off", YAML_BOOL },
		{ "y", YAML_BOOL },	   { "yEs", YAML_STR },
		{ "'true'", YAML_STR },	   { "\"no\"", YAML_STR },
		{ "~", YAML_NULL },	   { "null", YAML_NULL },
		{ "nULL", YAML_STR },	   { "0", YAML_INT },
		{ "-12", YAML_INT },	   { "+1_000", YAML_INT },
		{ "0x1F", YAML_INT },	   { "0o17", YAML_INT },
		{ "0b101", YAML_INT },	   { "0777", YAML_INT },
		{ "08", YAML_FLOAT },	   { "0x", YAML_STR },
		{ "1.5", YAML_FLOAT },	   { ".5", YAML_FLOAT },
		{ "1.", YAML_FLOAT },	   { "1e3", YAML_FLOAT },
		{ "-1.5e-3", YAML_FLOAT }, { ".inf", YAML_FLOAT },
		{ ".NaN", YAML_FLOAT },	   { "1.2.3", YAML_STR },
		{ "1e", YAML_STR },	   { "-x", YAML_STR },
		{ "1-2", YAML_STR },	   { "2024-01-01", YAML_STR },
		{ "100m", YAML_STR },	   { "!!str 5", YAML_STR },
		{ "! 5", YAML_STR },	   { "!!int '5'", YAML_INT },
		{ "abc", YAML_STR },	   { "18446744073709551615", YAML_INT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cleanup_yaml struct yaml_stream s = { 0 };
		cleanup_free char *text = xasprintf("k: %s\n", t[i].text);
		const struct yaml_node *n = yaml_get(parse_one(&s, text), "k");

		if (!n || n->kind != YAML_SCALAR || n->type != t[i].type)
			fail_msg("%s: expected type %d, found %d", t[i].text, t[i].type,
				 n ? n->type : -1);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t v;
	} t[] = {
		{ "0", 0, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "0xffffffffffffffff", 0, UINT64_MAX },
		{ "1_000", 0, 1000 },
		{ "0777", 0, 0777 },
		{ "0o17", 0, 15 },
		{ "0b101", 0, 5 },
		{ "-0", 0, 0 },
		{ "-1", -ERANGE, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "'1'", -EINVAL, 0 },
		{ "[1]", -EINVAL, 0 },
		{ "0000000000000000000000000000000000000000000000000000000000000000000000000000017",
		  0, 15 },
		{ "0b111111111111111111111111111111111111111111111111111111111111111111111111111111"
		  "1",
		  -ERANGE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cleanup_yaml struct yaml_stream s = { 0 };
		cleanup_free char *text = xasprintf("{\"k\": %s}", t[i].text);
		uint64_t v = 0;
		int r = yaml_get_u64(&s, parse_one(&s, text), "k", true, UINT64_MAX, &v, NULL);

		if (r != t[i].r || v != t[i].v)
			fail_msg("%s: %d, %llu", t[i].text, r, (unsigned long long)v);
	}
}

static void test_signed(void **state)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct yaml_node *n = parse_one(&s, "[-9223372036854775808, 9223372036854775808]");
	int64_t v = 0;

	(void)state;
	assert_int_equal(yaml_i64(&s, n->item[0], &v, NULL), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(yaml_i64(&s, n->item[1], &v, NULL), -ERANGE);
}

static void expect_place(const struct yaml_stream *s, const struct yaml_node *n, unsigned line,
			 unsigned col, const char *text)
{
	size_t len = strlen(text);

	assert_non_null(n);
	if (n->start.line != line || n->start.col != col)
		fail_msg("%s: at %u:%u, expected %u:%u", text, n->start.line, n->start.col, line,
			 col);
	if (n->end.off - n->start.off != len || memcmp(s->text + n->start.off, text, len))
		fail_msg("offsets %u to %u are not '%s'", n->start.off, n->end.off, text);
}

static void test_places(void **state)
{
	static const char text[] = "# Grüße\r\n"
				   "a: \"ü\" # é\n"
				   "---\n"
				   "list:\n"
				   "- {ключ: 'значение', b: 2}\n"
				   "- last\n";
	cleanup_yaml struct yaml_stream s = { 0 };
	cleanup_buf struct buf pointer = { 0 };
	const struct yaml_node *list, *flow;

	(void)state;
	parse(&s, text);
	assert_int_equal(s.docs_n, 2);
	expect_place(&s, yaml_get(s.doc[0].root, "a"), 2, 4, "\"ü\"");
	list = yaml_get(s.doc[1].root, "list");
	flow = list->item[0];
	expect_place(&s, flow, 5, 3, "{ключ: 'значение', b: 2}");
	expect_place(&s, flow->pair[0].value, 5, 10, "'значение'");
	expect_place(&s, flow->pair[1].key, 5, 22, "b");
	expect_place(&s, list->item[1], 6, 3, "last");
	yaml_pointer(flow->pair[1].value, &pointer);
	assert_string_equal(buf_str(&pointer), "/list/0/b");
}

static void test_long_non_ascii(void **state)
{
	cleanup_buf struct buf b = { 0 };
	cleanup_yaml struct yaml_stream s = { 0 };
	const struct yaml_node *n;

	(void)state;
	for (int i = 0; i < 700; i++)
		buf_printf(&b, "é%d: ü\n", i);
	n = parse_one(&s, b.p);
	assert_int_equal(n->n, 700);
	for (unsigned i = 0; i < 700; i++)
		expect_place(&s, n->pair[i].value, i + 1, i < 10 ? 5 : i < 100 ? 6 : 7, "ü");
}

/* What each document of a text becomes: its error, or "ok". */
static void test_documents(void **state)
{
	static const struct {
		const char *text;
		const char *docs[4];
	} t[] = {
		{ "", { NULL } },
		{ "# only this\n", { NULL } },
		{ "---\n---\n# nothing\n", { NULL } },
		{ "a: 1\n---\nb: 2\n", { "ok", "ok" } },
		{ "%YAML 1.1\n# c\n---\na: 1\n", { "ok" } },
		{ "a: 1\n...\n%YAML 1.1\n---\nb: 1\n", { "ok", "ok" } },
		{ "a: 1\n...\nb: 2\n", { "ok", "ok" } },
		{ "--- a\n--- |\n x\n---\tq\n", { "ok", "ok", "ok" } },
		{ "a: [1\n---\nb: 2\n---\nc: \"\n",
		  { "in:2:1: not valid YAML: did not find expected ',' or ']' (while parsing a "
		    "flow "
		    "sequence from line 1)",
		    "ok",
		    "in:6:1: not valid YAML: found unexpected end of stream (while scanning a "
		    "quoted "
		    "scalar from line 5)" } },
		{ "a: 1\nb: 2\na: 3\n",
		  { "in:3:1: the key \"a\" is there already, in line 1, column 1" } },
		{ "x:\n  - {q: 1, 'q': 2}\n",
		  { "in:2:12: the key \"q\" is there already, in line 2, column 6" } },
		{ "? [a]\n: b\n", { "in:1:3: a key must be a scalar, found a list" } },
		{ "a: *b\n", { "in:1:4: the alias *b has no anchor before it" } },
		{ "a: &b [*b]\n", { "in:1:8: the alias *b stands within its own anchor" } },
		{ "a: &b 1\n---\na: *b\n",
		  { "ok", "in:3:4: the alias *b has no anchor before it" } },
		{ "<<: 1\n",
		  { "in:1:5: a merge key (<<) takes a map or maps, found a whole number" } },
		{ "a: \x01\n", { "in:1:4: not valid YAML: control characters are not allowed" } },
		{ "é: \xff\n", { "in:1:4: not valid YAML: invalid leading UTF-8 octet" } },
		{ "a:\n\t- b\n",
		  { "in:2:1: not valid YAML: found character that cannot start any token (while "
		    "scanning for the next token)" } },
		{ "\xef\xbb\xbf"
		  "a: 1\n",
		  { "ok" } },
		{ "{\"a\": 1}\n{\"b\": 2}\n",
		  { "ok", "in:2:1: not valid YAML: did not find expected <document start>" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cleanup_yaml struct yaml_stream s = { 0 };
		size_t n = 0;

		parse(&s, t[i].text);
		while (n < ARRAY_SIZE(t[i].docs) && t[i].docs[n])
			n++;
		for (size_t k = 0; k < n && k < s.docs_n; k++)
			assert_string_equal(s.doc[k].error ? s.doc[k].error : "ok", t[i].docs[k]);
		if (s.docs_n != n)
			fail_msg("%s: %zu documents, expected %zu", t[i].text, s.docs_n, n);
	}
}

static void test_whole(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *msg;
	} t[] = {
		{ "a\0b", 3, "in: binary, neither YAML nor JSON (NUL at byte 1)" },
		{ "\xff\xfe"
		  "a\0",
		  4, "in:1:1: the text is UTF-16, expected UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct yaml_stream s;
		struct err e = { 0 };

		assert_int_equal(yaml_parse(&s, "in", t[i].text, t[i].len, &e), -EINVAL);
		assert_string_equal(e.msg, t[i].msg);
	}
}

static void test_aliases(void **state)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	cleanup_buf struct buf pointer = { 0 };
	struct yaml_node *n = parse_one(&s, "base: &b {x: 1, y: [2]}\n"
					    "copy: *b\n"
					    "more: {y: 3, <<: [*b, {x: 5, z: 6}]}\n"
					    "'<<': plain\n");
	const struct yaml_node *copy = yaml_get(n, "copy"), *more = yaml_get(n, "more");
	uint64_t v = 0;

	(void)state;
	assert_int_equal(n->n, 4);
	assert_true(yaml_get(n, "base")->anchored && !yaml_get(n, "base")->aliased);
	assert_true(copy->aliased && copy->up == n);
	yaml_pointer(yaml_get(copy, "y")->item[0], &pointer);
	assert_string_equal(buf_str(&pointer), "/copy/y/0");
	expect_place(&s, yaml_get(copy, "y")->item[0], 1, 21, "2");
	assert_int_equal(more->n, 3);
	assert_int_equal(yaml_get_u64(&s, more, "y", true, 9, &v, NULL), 0);
	assert_int_equal(v, 3);
	assert_int_equal(yaml_get_u64(&s, more, "x", true, 9, &v, NULL), 0);
	assert_int_equal(v, 1);
	assert_true(yaml_pair_of(more, "z")->merged && !yaml_pair_of(more, "y")->merged);
}

static void expect_doc_error(const char *text, const char *error)
{
	cleanup_yaml struct yaml_stream s = { 0 };

	parse(&s, text);
	assert_int_equal(s.docs_n, 2);
	assert_null(s.doc[0].root);
	assert_string_equal(s.doc[0].error, error);
	assert_non_null(s.doc[1].root);
}

static void test_limits(void **state)
{
	cleanup_buf struct buf deep = { 0 }, bomb = { 0 }, merges = { 0 };

	(void)state;
	for (int i = 0; i < 101; i++)
		buf_putc(&deep, '[');
	buf_puts(&deep, "\n---\nok: 1\n");
	expect_doc_error(deep.p, "in:1:101: nested deeper than 100 levels");
	buf_puts(&bomb, "a0: &a0 [x]\n");
	for (int i = 1; i < 30; i++)
		buf_printf(&bomb, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
	buf_puts(&bomb, "---\nok: 1\n");
	expect_doc_error(bomb.p, "in:16:12: aliases expand to more than 100000 values");
	buf_puts(&merges, "a: &a {");
	for (int i = 0; i < 1000; i++)
		buf_printf(&merges, "k%d: 1, ", i);
	buf_puts(&merges, "}\n");
	for (int i = 0; i < 200; i++)
		buf_printf(&merges, "b%d: {<<: *a}\n", i);
	buf_puts(&merges, "---\nok: 1\n");
	expect_doc_error(merges.p, "in:101:11: aliases expand to more than 100000 values");
}

static void test_duplicates_in_large_map(void **state)
{
	cleanup_buf struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "k%d: 1\n", i);
	buf_puts(&b, "k17: 2\n---\nok: 1\n");
	expect_doc_error(b.p, "in:1001:1: the key \"k17\" is there already, in line 18, column 1");
}

static void test_getters(void **state)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct yaml_node *n = parse_one(&s,
					"name: x\nnum: 5\nbool: on\nnone: ~\n\"nul\": \"a\\0b\"\n"
					"list: []\nmap: {\"a/b~c\": 1}\n");
	struct yaml_node *out = NULL;
	const char *text = "untouched";
	struct err e = { 0 };
	uint64_t v;
	bool flag = false;

	(void)state;
	assert_int_equal(yaml_get_str(&s, n, "name", true, &text, &e), 0);
	assert_string_equal(text, "x");
	assert_int_equal(yaml_get_str(&s, n, "none", false, &text, &e), 0);
	assert_string_equal(text, "x");
	assert_int_equal(yaml_get_str(&s, n, "none", true, &text, &e), -ENOENT);
	assert_string_equal(e.msg,
			    "in:4:7: /none: the member \"none\" is missing (expected a string)");
	assert_int_equal(yaml_get_str(&s, n, "gone", true, &text, &e), -ENOENT);
	assert_string_equal(e.msg, "in:1:1: /: the member \"gone\" is missing (expected a string)");
	assert_int_equal(yaml_get_str(&s, n, "num", true, &text, &e), -EINVAL);
	assert_string_equal(e.msg, "in:2:6: /num: expected a string, found a whole number (5)");
	assert_int_equal(yaml_get_str(&s, n, "nul", true, &text, &e), -EINVAL);
	assert_int_equal(yaml_get_bool(&s, n, "bool", true, &flag, &e), 0);
	assert_true(flag);
	assert_int_equal(yaml_get_bool(&s, n, "name", true, &flag, &e), -EINVAL);
	assert_int_equal(yaml_get_u64(&s, n, "num", true, 4, &v, &e), -ERANGE);
	assert_int_equal(yaml_get_seq(&s, n, "list", true, &out, &e), 0);
	assert_int_equal(yaml_get_seq(&s, n, "map", true, &out, &e), -EINVAL);
	assert_string_equal(e.msg, "in:7:6: /map: expected a list, found a map");
	assert_int_equal(yaml_get_map(&s, n, "map", true, &out, &e), 0);
	assert_int_equal(yaml_get_str(&s, out, "a/b~c", true, &text, &e), -EINVAL);
	assert_string_equal(e.msg,
			    "in:7:16: /map/a~1b~0c: expected a string, found a whole number (1)");
	assert_int_equal(yaml_get_str(&s, out->pair[0].value, "x", false, &text, &e), -EINVAL);
}

static void test_only_keys(void **state)
{
	static const char *const known[] = { "privileged", "user", NULL };
	cleanup_yaml struct yaml_stream s = { 0 };
	struct err e = { 0 };
	struct yaml_node *n = parse_one(&s, "user: 1\nprivilegd: true\n");

	(void)state;
	assert_int_equal(yaml_only_keys(&s, n, known, &e), -EINVAL);
	assert_string_equal(e.msg, "in:2:1: /privilegd: unknown key \"privilegd\"; did you mean "
				   "\"privileged\"?");
	assert_int_equal(yaml_only_keys(&s, n->pair[0].value, known, &e), -EINVAL);
	assert_string_equal(e.msg, "in:1:7: /user: expected a map, found a whole number (1)");
}

static void test_json(void **state)
{
	static const char text[] =
		"{\n  \"é\": [1, -0.5e3, \"\\ud83d\\ude00\\u00e9\\/\"],\n  \"b\": "
		"{\"c\": true, \"<<\": 1}\n}\n";
	cleanup_yaml struct yaml_stream s = { 0 };
	const struct yaml_node *n = parse_one(&s, text), *list = yaml_get(n, "é");

	(void)state;
	expect_place(&s, list->item[1], 2, 12, "-0.5e3");
	assert_string_equal(list->item[2]->text, "\xf0\x9f\x98\x80\xc3\xa9/");
	expect_place(&s, yaml_get(yaml_get(n, "b"), "c"), 3, 14, "true");
	assert_non_null(yaml_get(yaml_get(n, "b"), "<<"));
	assert_int_equal(n->end.line, 4);
	expect_doc_error("{\"a\": 1, \"a\": 2}\n---\nok: 1\n",
			 "in:1:10: the key \"a\" is there already, in line 1, column 2");
	expect_doc_error(
		"{\"a\": [}\n---\n[1]\n",
		"in:1:8: not valid YAML: did not find expected node content (while parsing a flow "
		"node)");
}

static void test_bools(void **state)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct yaml_node *n = parse_one(&s, "[true, Yes, on, ON, y, Y, no, off, Off, n, FALSE]");

	(void)state;
	for (uint32_t i = 0; i < n->n; i++) {
		bool v = i >= 6;

		assert_int_equal(yaml_bool(&s, n->item[i], &v, NULL), 0);
		assert_int_equal(v, i < 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_long_non_ascii),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_duplicates_in_large_map),
		cmocka_unit_test(test_getters),
		cmocka_unit_test(test_only_keys),
		cmocka_unit_test(test_bools),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
