/* What is read from JavaScript sources: which names a function mentions, and what it loads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "elf/js_lex.h"
#include "elf/js_source.h"
#include "elf/node.h"

static void put(struct buf *b, const struct js_source *s, uint32_t at, uint32_t len)
{
	buf_append(b, s->text + at, len);
}

/* "NAME: word <module> {binding} (maybe);" for each unit, then what is dynamic. */
static void describe(const struct js_source *s, struct buf *b)
{
	static const char *const open[] = { "<", "{", "(" }, *const close[] = { ">", "}", ")" };
	static const char *const kinds[] = { "LOAD", "OBJECT", "CODE" };

	for (size_t u = 0; u < s->units_n; u++) {
		const struct js_unit *x = &s->units[u];

		buf_puts(b, u ? " " : "");
		put(b, s, x->at, x->len);
		buf_putc(b, ':');
		for (size_t i = x->words; i < x->words + x->words_n; i++) {
			buf_putc(b, ' ');
			put(b, s, s->words[i].at, s->words[i].len);
		}
		for (size_t i = 0; i < s->loads_n; i++) {
			if (s->loads[i].unit != u)
				continue;
			buf_printf(b, " %s", open[s->loads[i].kind]);
			put(b, s, s->loads[i].at, s->loads[i].len);
			buf_puts(b, close[s->loads[i].kind]);
		}
		buf_putc(b, ';');
	}
	for (size_t i = 0; i < s->dynamics_n; i++)
		buf_printf(b, " !%s@%u", kinds[s->dynamics[i].kind], s->dynamics[i].line);
}

struct js_case {
	const char *text, *expected;
};

static void try_cases(const struct js_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf b = { 0 };
		struct js_source s;

		js_source_read(&s, cases[i].text, strlen(cases[i].text), true);
		describe(&s, &b);
		js_source_free(&s);
		if (strcmp(buf_str(&b), cases[i].expected) != 0)
			fail_msg("case %zu:\n%s\n%s\n%s", i, cases[i].text, buf_str(&b),
				 cases[i].expected);
	}
}

static void test_units(void **state)
{
	static const struct js_case cases[] = {
		{ "", ":;" },
		{ "fs.open('a b', 'do it!')", ": fs open a b;" },
		{ "// x.a\n/* x.b\n */ x.c", ": x c;" },
		{ "x(`a ${b.c} d`, `e`)", ": x a b c d e;" },
		{ "x = a / b.c / d; y = /q.w'/.e", ": x a b c d y e;" },
		/* Functions count with their names. */
		{ "function f(a = b.c) { x.d }\ny.e", ": y e; f: a b c x d;" },
		{ "async function* f() { x.d }", ":; f: x d;" },
		{ "g(function f() { x.a }, () => { y.b })", ": g function f x a y b;" },
		{ "function f() { function g() { x.a } x.b }", ":; f: x b; g: x a;" },
		/* Members of classes; those that are read or set are not told apart. */
		{ "class A extends B { f() { x.a } get g() { x.b } static h() { x.c } }",
		  ": extends B; A: get x b static; f: x a; h: x c;" },
		{ "class A { constructor() { x.a } [k]() { x.b } #p() { x.c } }",
		  ":; A: x a k x b; #p: x c;" },
		/* Objects. */
		{ "module.exports = { f, g: h.i, j() { x.a }, k: l() }",
		  ": module k l; f: f; g: h i; j: x a;" },
		{ "module.exports = { return: f, default: g }", ": module return f default g;" },
		{ "x({ a: () => { y.b() }, c: (() => d)() })", ": x c d; a: y b;" },
		/* By a name that is made, any member can be taken. */
		{ "const t = { a: b.c };\nt[d]();", ": t d; t: a b c;" },
		{ "const t = { a: b.c };\nt.d();", ": t d; t:; a: b c;" },
		/* What is assigned without a call; with one it happens there. */
		{ "process.f = raw.g;\nprocess.h = wrap(raw.i);",
		  ": process wrap raw i; f: process raw g;" },
		{ "A.prototype.f = function() { x.a };", ":; f: A prototype function x a;" },
		{ "const f = x.a, g = x.b;\nlet h;\nconst i = x.c;", ": x a g x b; i: x c;" },
		{ "const f = new X(y.a);", ": new X y a;" },
		{ "const f = deprecate(x.a, 'b');", ":; f: deprecate x a b;" },
		{ "function f() { x.a } ObjectDefineProperty(f, b, { c: d });",
		  ": ObjectDefineProperty b; f: x a; c: d;" },
		{ "ObjectDefineProperty(f(), b)", ": ObjectDefineProperty f b;" },
		/* Taken apart: the member counts when the variable does. */
		{ "const { a, b: c, d = e } = f();", ": const d e f; c: b;" },
		{ "function f({ a: b }) { b() }", ":; f: b; b: a;" },
		{ "f(({ a: b }) => b)", ": f b; b: a;" },
		{ "function f(a = { b: c }) {}", ":; f: a; b: c;" },
	};

	(void)state;
	try_cases(cases, ARRAY_SIZE(cases));
}

static void test_loads(void **state)
{
	static const struct js_case cases[] = {
		{ "require('fs'); import('a/b');", ": require fs import <fs> <a/b>;" },
		{ "import a from 'fs'\nimport 'b'", ": import a from fs import b <fs> <b>;" },
		{ "internalBinding('fs'); f('internal/x'); defineLazy(g, 'buffer', ['h'])",
		  ": internalBinding fs f defineLazy g buffer h {fs} (internal/x) (buffer);" },
		/* Paths, and what is only compared, are no names. */
		{ "f('a/b', 'c d'); a === 'x'; 'y' !== b; switch (c) { case 'z': }",
		  ": f c d a b switch c case (a/b);" },
		{ "function f() { require('fs') }", ":; f: require fs <fs>;" },
	};

	(void)state;
	try_cases(cases, ARRAY_SIZE(cases));
}

static void test_dynamic(void **state)
{
	static const struct js_case cases[] = {
		{ "require(a)", ": require a; !LOAD@1" },
		{ "\nimport(a)", ": import a; !LOAD@2" },
		{ "const r = require;", ":; r: require; !LOAD@1" },
		{ "if (require.main === module) f()", ": if require main module f;" },
		{ "eval(a); new Function(b)", ": eval a new Function b; !CODE@1 !CODE@1" },
		{ "process.binding('fs')", ": process binding fs; !CODE@1" },
		{ "f.constructor(a)", ": f constructor a; !CODE@1" },
		{ "class A { constructor() {} }", ":; A:;" },
		{ "process[a](); process.env[a]; process.argv[2]",
		  ": process a process env a process argv; !OBJECT@1" },
		/* An object with node's functions stays where its names are written. */
		{ "const fs = require('fs');\nfs.a(); fs.b.c(); fs?.d",
		  ": require fs fs a fs b c fs d <fs>;" },
		{ "const fs = require('fs');\nfs['a'](); const { b } = fs;",
		  ": require fs fs a const fs <fs>;" },
		{ "const fs = require('fs');\nfs[a]()", ": require fs fs a <fs>; !OBJECT@2" },
		{ "const fs = require('fs');\nfs.b[a]()", ": require fs fs b a <fs>; !OBJECT@2" },
		{ "const fs = require('fs');\nf(fs)", ": require fs f fs <fs>; !OBJECT@2" },
		{ "import * as fs from 'fs';\nfor (a in fs) b()",
		  ": import as fs from fs for a in fs b <fs>; !OBJECT@2" },
		{ "const o = f();\no[a](); g(o)", ": f o a g o;" },
	};

	(void)state;
	try_cases(cases, ARRAY_SIZE(cases));
}

/* Brackets that do not fit: everything is in the file's unit. */
static void test_damaged(void **state)
{
	static const struct js_case cases[] = {
		{ "function f() { x.a", ": function f x a;" },
		{ "(x.a]", ": x a;" },
		{ "}x.a{", ": x a;" },
		{ "`${x.a", ": x a;" },
		{ "'x.a\ny.b", ": x a y b;" },
		{ "/x[", ":;" },
	};
	cleanup_buf struct buf deep = { 0 };
	struct js_source s;

	(void)state;
	try_cases(cases, ARRAY_SIZE(cases));
	for (unsigned i = 0; i < 100000; i++)
		buf_puts(&deep, "{a:[");
	js_source_read(&s, buf_str(&deep), deep.len, true);
	assert_int_equal(s.words_n, 100000);
	js_source_free(&s);
}

static void test_naming(void **state)
{
	(void)state;
	assert_true(node_gives_name("_ZN4node9SetMethodEN2v85LocalINS0_7ContextEEE"));
	assert_true(node_gives_name("_ZN4node14SetProtoMethodEPN2v87IsolateE"));
	assert_false(node_gives_name("_ZN4node19NewFunctionTemplateEPN2v87IsolateE"));
	assert_false(node_gives_name("SetMethod"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),	cmocka_unit_test(test_loads),
		cmocka_unit_test(test_dynamic), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_naming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
