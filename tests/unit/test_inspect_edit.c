/* Corrections: JSON patches, and texts that keep what they do not change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "inspect/edit.h"

#define SET(p, j)                   \
	{                           \
		INS_SET, p, j, NULL \
	}
#define APPEND(p, j)                   \
	{                              \
		INS_APPEND, p, j, NULL \
	}
#define REMOVE(p)                         \
	{                                 \
		INS_REMOVE, p, NULL, NULL \
	}

static const struct {
	const char *before;
	struct ins_edit edits[5];
	const char *after;
	const char *patch;
} cases[] = {
	{ "a: 1 # one\nb: 2\n",
	  { SET("/a", "7") },
	  "a: 7 # one\nb: 2\n",
	  "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":7}]" },
	{ "# head\na:\n  b: 1 # one\n\n  # about c\n  c: 2\n# tail\n",
	  { SET("/a/d", "true"), SET("/a/e/f", "\"x\"") },
	  "# head\na:\n  b: 1 # one\n\n  # about c\n  c: 2\n  d: true\n  e:\n    f: x\n# tail\n",
	  "[{\"op\":\"add\",\"path\":\"/a/d\",\"value\":true},{\"op\":\"add\",\"path\":\"/a/e\","
	  "\"value\":{\"f\":\"x\"}}]" },
	{ "- name: x\n  image: y\n- name: z\n",
	  { SET("/0/s/p", "false"), SET("/1/s/p", "false") },
	  "- name: x\n  image: y\n  s:\n    p: false\n- name: z\n  s:\n    p: false\n",
	  "[{\"op\":\"add\",\"path\":\"/0/s\",\"value\":{\"p\":false}},{\"op\":\"add\",\"path\":\"/"
	  "1/"
	  "s\",\"value\":{\"p\":false}}]" },
	/* the end of an inner block is the end of the outer one, too */
	{ "s:\n  c:\n  - n: 1\n",
	  { SET("/s/c/0/k", "1"), SET("/s/t", "2"), SET("/u", "3") },
	  "s:\n  c:\n  - n: 1\n    k: 1\n  t: 2\nu: 3\n",
	  NULL },
	{ "a: 1", { SET("/b", "2") }, "a: 1\nb: 2", NULL },
	{ "a: |\n  text\nz: 1\n", { SET("/a", "\"t\"") }, "a: t\nz: 1\n", NULL },
	{ "a: 1\nb: |\n  text\n", { SET("/c", "2") }, "a: 1\nb: |\n  text\nc: 2\n", NULL },
	{ "a:\nb: 1\n",
	  { SET("/a/x/k", "1") },
	  "a:\n  x:\n    k: 1\nb: 1\n",
	  "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":{\"x\":{\"k\":1}}}]" },
	{ "a: {} # none\nb: 1\n", { SET("/a/x", "1") }, "a: # none\n  x: 1\nb: 1\n", NULL },
	{ "a: ~\n", { APPEND("/a", "\"ALL\"") }, "a:\n- ALL\n", NULL },
	{ "c:\n  drop:\n  - A # a\n  - B\n",
	  { APPEND("/c/drop", "\"ALL\""), APPEND("/c/drop", "\"A\"") },
	  "c:\n  drop:\n  - A # a\n  - B\n  - ALL\n",
	  "[{\"op\":\"add\",\"path\":\"/c/drop/-\",\"value\":\"ALL\"}]" },
	{ "c:\n    - A\n", { APPEND("/c", "\"B\"") }, "c:\n    - A\n    - B\n", NULL },
	{ "c: {add: [A, B, C], x: 1}\n",
	  { REMOVE("/c/add/0"), REMOVE("/c/add/2") },
	  "c: {add: [B], x: 1}\n",
	  "[{\"op\":\"remove\",\"path\":\"/c/add/2\"},{\"op\":\"remove\",\"path\":\"/c/add/0\"}]" },
	{ "c: {add: [A, B], x: 1}\n",
	  { REMOVE("/c/add/0"), REMOVE("/c/add/1") },
	  "c: {x: 1}\n",
	  NULL },
	{ "c: {x: 1, add: [A]}\n",
	  { REMOVE("/c/add/0"), SET("/c/k", "[\"q\"]") },
	  "c: {x: 1, \"k\": [\"q\"]}\n",
	  NULL },
	{ "k:\n- a # first\n# about b\n- b\n- c\n",
	  { REMOVE("/k/1") },
	  "k:\n- a # first\n# about b\n- c\n",
	  NULL },
	{ "s:\n  caps:\n    add:\n    - X\n  y: 1\n",
	  { REMOVE("/s/caps/add/0"), APPEND("/s/caps/drop", "\"ALL\"") },
	  "s:\n  caps:\n    drop:\n    - ALL\n  y: 1\n",
	  NULL },
	{ "s:\n  caps:\n    add:\n    - X\n  y: 1\n",
	  { REMOVE("/s/caps/add/0") },
	  "s:\n  y: 1\n",
	  NULL },
	{ "- hostPort: 1\n  containerPort: 2\n",
	  { REMOVE("/0/hostPort") },
	  "- containerPort: 2\n",
	  NULL },
	{ "- containerPort: 2\n  hostPort: 1\n- x: 1\n",
	  { REMOVE("/0/hostPort") },
	  "- containerPort: 2\n- x: 1\n",
	  NULL },
	{ "v:\n- name: a\n  hostPath:\n    path: /x\n- name: b\n",
	  { REMOVE("/v/0/hostPath"), SET("/v/0/emptyDir", "{}") },
	  "v:\n- name: a\n  emptyDir: {}\n- name: b\n",
	  NULL },
	{ "p:\n  type: Unconfined # why\n  localhostProfile: x\n",
	  { SET("/p/type", "\"RuntimeDefault\""), REMOVE("/p/localhostProfile") },
	  "p:\n  type: RuntimeDefault # why\n",
	  NULL },
	/* JSON stays JSON */
	{ "{\n  \"a\": 1,\n  \"b\": {}\n}\n",
	  { SET("/c", "{\"d\":true}"), SET("/b/x", "1") },
	  "{\n  \"a\": 1,\n  \"b\": {\"x\":1},\n  \"c\": {\"d\":true}\n}\n",
	  NULL },
	{ "{\"a\":[]}", { APPEND("/a", "\"x\"") }, "{\"a\":[\"x\"]}", NULL },
	/* what an alias brings is changed at its anchor, once */
	{ "x: &s\n  u: 1\na: *s\nb: *s\n",
	  { SET("/a/k", "1"), SET("/b/k", "1"), SET("/b/u", "2") },
	  "x: &s\n  u: 2\n  k: 1\na: *s\nb: *s\n",
	  "[{\"op\":\"add\",\"path\":\"/a/k\",\"value\":1},{\"op\":\"add\",\"path\":\"/b/"
	  "k\",\"value\":1},{\"op\":\"replace\",\"path\":\"/b/u\",\"value\":2}]" },
	{ "x: &s {u: 1}\na:\n  <<: *s\n  v: 2\n",
	  { SET("/a/u", "5"), SET("/a/w", "3") },
	  "x: &s {u: 5}\na:\n  <<: *s\n  v: 2\n  w: 3\n",
	  NULL },
	/* lines end as they did */
	{ "a: 1\r\nb:\r\n  c: 2\r\n",
	  { SET("/b/d", "3") },
	  "a: 1\r\nb:\r\n  c: 2\r\n  d: 3\r\n",
	  NULL },
	/* keys that need quotes */
	{ "a: {}\n",
	  { SET("/a/true", "1"), SET("/a/x~1y", "\"1\"") },
	  "a:\n  \"true\": 1\n  x/y: \"1\"\n",
	  NULL },
};

static void test_edits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_yaml struct yaml_stream s = { 0 };
		cleanup_buf struct buf out = { 0 }, patch = { 0 };
		struct arena a = { 0 };
		size_t n = 0;

		while (n < ARRAY_SIZE(cases[i].edits) && cases[i].edits[n].pointer)
			n++;
		assert_int_equal(
			yaml_parse(&s, "in", cases[i].before, strlen(cases[i].before), NULL), 0);
		assert_int_equal(s.docs_n, 1);
		buf_append(&out, s.text, s.doc[0].start.off);
		assert_int_equal(edit_text(&a, &s, &s.doc[0], cases[i].edits, n, &out), 0);
		if (strcmp(buf_str(&out), cases[i].after))
			fail_msg("case %zu: expected\n%s---found\n%s---", i, cases[i].after,
				 buf_str(&out));
		edit_patch(&a, s.doc[0].root, cases[i].edits, n, &patch);
		if (cases[i].patch)
			assert_string_equal(buf_str(&patch), cases[i].patch);
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
