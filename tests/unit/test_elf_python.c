/* What is read from Python sources: which names a function mentions, and what it imports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "elf/python_source.h"

static void put(struct buf *b, const struct py_source *s, uint32_t at, uint32_t len)
{
	buf_append(b, s->text + at, len);
}

/* "NAME: word word ~plain prefix* keyword=call;" for each function, with its imports and what is
 * dynamic. */
static void describe(const struct py_source *s, struct buf *b)
{
	static const char *const kinds[] = { "IMPORT", "NAME", "CODE", "DATA" };

	for (size_t u = 0; u < s->units_n; u++) {
		const struct py_unit *x = &s->units[u];

		if (u)
			buf_puts(b, x->never ? " -" : x->always ? " +" : " ");
		put(b, s, x->at, x->len);
		buf_putc(b, ':');
		for (size_t i = x->words; i < x->words + x->words_n; i++) {
			buf_puts(b, s->words[i].plain ? " ~" : " ");
			put(b, s, s->words[i].at, s->words[i].len);
			buf_puts(b, s->words[i].prefix ? "*" : "");
			buf_puts(b, s->words[i].keyword ? "=" : "");
			put(b, s, s->words[i].call_at, s->words[i].call_len);
		}
		for (size_t i = 0; i < s->imports_n; i++) {
			const struct py_import *m = &s->imports[i];

			if (m->unit != u)
				continue;
			buf_printf(b, " <%.*s", m->level, "......");
			put(b, s, m->at, m->len);
			buf_puts(b, m->item_len ? "/" : "");
			put(b, s, m->item_at, m->item_len);
			buf_putc(b, '>');
		}
		for (size_t i = 0; i < s->dynamics_n; i++)
			if (s->dynamics[i].unit == u)
				buf_printf(b, " !%s@%u", kinds[s->dynamics[i].kind],
					   s->dynamics[i].line);
		buf_putc(b, ';');
	}
}

static void test_sources(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", ":;" },
		{ "os.sync()", ": ~os sync;" },
		{ "x.a # x.b\n'c.d'\nf('e', \"g h\")", ": ~x a ~f e= g h;" },
		/* Text is no name, but a name may begin with it. */
		{ "f('a: b', 'do_%s', f'{c}: d')", ": ~f do_* c d;" },
		{ "'''doc.a'''\nx('''b\nc''')", ": ~x b c;" },
		{ "x = '\\\\'; y.a", ": ~x ~y a;" },
		/* What is only compared. */
		{ "hasattr(os, 'sync')", ": ~hasattr ~os;" },
		{ "'sync' in x", ": ~in ~x;" },
		{ "g(hasattr(os, x), 'sync')", ": ~g ~hasattr ~os ~x sync;" },
		{ "__all__ = ['sync']", ":;" },
		{ "__about__ = 'sync'", ":;" },
		/* Functions, with what stands in their headers; classes. */
		{ "def f(a=os.b):\n x.c\ny.d", ": ~y d; f: ~def ~a ~os b ~x c;" },
		{ "def f(a=g()):\n x.c", ": ~def ~a ~g; f: ~x c;" },
		{ "def f():\n def g():\n  x.a\n x.b", ":; f: ~def ~x b; g: ~def ~x a;" },
		{ "class A(B):\n x.a\n def f(self):\n  x.b",
		  ": ~class ~B ~x a; A:; f: ~def ~self ~x b;" },
		{ "class A(B, m=C):\n def f(self): pass",
		  ": ~class ~B ~m=A ~C; +A:; f: ~def ~self ~pass;" },
		{ "def __x__(): pass\n@g(h)\ndef f(): pass\n@property\ndef p(): pass",
		  ": ~g ~h; +__x__: ~def ~pass; +f: ~def ~pass; p: property ~def ~pass;" },
		{ "@_wraps(m.f)\ndef f(): pass", ":; f: _wraps m f ~def ~pass;" },
		/* What is assigned without a call counts with the name. */
		{ "T = {'a': b.c}\nT['d'] = e\nU = f(g.h)",
		  ": ~U ~f ~g h; T: ~T a= ~b c; T: ~T d= ~e;" },
		{ "def f():\n t = x.a", ":; f: ~def ~t ~x a;" },
		{ "if __name__ == '__main__':\n x.a", ": ~if ~__name__; -if: ~x a;" },
		/* Lines that are left out, and what is below them. */
		{ "_add('a', 'b')\nx.c", ": ~x c; -:;" },
		/* What is only compared is no name to look up. */
		{ "a == 'x'; b != 'y'; c = 'z'", ": ~a ~b ~c z;" },
		/* What a function is given besides counts with that name. */
		{ "def f(): pass\nf.a = b.c\ng.a = b.c",
		  ": ~g a ~b c; f: ~def ~pass; a: ~f a ~b c;" },
		/* Arguments that are given by their names. */
		{ "f(a=b, c=d(e==g))", ": ~f ~a=f ~b ~c=f ~d ~e ~g;" },
		{ "o.f(1, a=b)", ": ~o f ~a=f ~b;" },
		{ "a = b", ":; a: ~a ~b;" },
		{ "def f(a=b, c=(d, e)): pass", ":; f: ~def ~a ~b ~c ~d ~e ~pass;" },
		{ "f(**{'a': b}); c['d'] = e; g('h', i); c['j'] == k",
		  ": ~f a= ~b ~c d= ~e ~g h= ~i ~c j ~k;" },
		{ "x(f'{g(a=b)} {c=} {d == e}')", ": ~x g a= b c d e;" },
		/* Imports. */
		{ "import a.b as c, d", ": ~import ~a b ~as ~c ~d <a.b> <d>;" },
		{ "from ..a import b, c as d", ": from a import b c as d <..a/b> <..a/c>;" },
		{ "from a import (b,\n c,)", ": from a import b c <a/b> <a/c> <a>;" },
		{ "def f():\n import a", ":; f: ~def ~import ~a <a>;" },
		{ "__import__('a'); importlib.import_module('b.c')",
		  ": __import__ a ~importlib import_module b c <a> <b.c>;" },
		{ "\n__import__(a)", ": __import__ ~a !IMPORT@2;" },
		{ "import_module('.a', b)", ": ~import_module a ~b !IMPORT@1;" },
		/* Names that are made at run time. */
		{ "getattr(os, 'a')", ": getattr ~os a;" },
		{ "getattr(os, a)", ": getattr ~os ~a !NAME@1;" },
		{ "getattr(os, 'a' + b)", ": getattr ~os a ~b !NAME@1;" },
		{ "vars(os); os.__dict__", ": ~vars ~os ~os __dict__ !NAME@1 !NAME@1;" },
		{ "exec(a); x.exec(b)", ": exec ~a ~x exec ~b !CODE@1;" },
		{ "pickle.dump(a); pickle.load(b)", ": ~pickle dump ~a ~pickle load ~b !DATA@1;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf b = { 0 };
		struct py_source s;

		py_source_read(&s, cases[i].text, strlen(cases[i].text), "_add");
		describe(&s, &b);
		py_source_free(&s);
		if (strcmp(buf_str(&b), cases[i].expected) != 0)
			fail_msg("case %zu:\n%s\n%s\n%s", i, cases[i].text, buf_str(&b),
				 cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sources) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
