/* Conditions of rules: syntax, types, meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "model/event_text.h"
#include "shared_path.h"
#include "support/event_memory.h"
#include "support/filter.h"

/* Fields that the cases use and that no source of events has. */
enum { T_TRUE = 1000, T_FALSE, T_SINGLE, T_DOUBLE, T_BUFFER, T_OPEN, T_NAME, T_TICK, T_RET };
static const struct ev_field test_fields[] = {
	{ "c.true", EV_CHARBUF, EV_F_NONE, 0, T_TRUE },
	{ "c.false", EV_CHARBUF, EV_F_NONE, 0, T_FALSE },
	{ "c.singlequote", EV_CHARBUF, EV_F_NONE, 0, T_SINGLE },
	{ "c.doublequote", EV_CHARBUF, EV_F_NONE, 0, T_DOUBLE },
	{ "c.buffer", EV_BYTEBUF, EV_F_NONE, 0, T_BUFFER },
	{ "sample.is_open", EV_UINT64, EV_F_NONE, 0, T_OPEN },
	{ "sample.proc_name", EV_CHARBUF, EV_F_NONE, 0, T_NAME },
	{ "sample.tick", EV_CHARBUF, EV_F_NONE, 0, T_TICK },
};
static const struct ev_fields more = { test_fields, ARRAY_SIZE(test_fields) };

struct pair {
	const char *field, *text;
};

static void fill(struct ev_memory *m, const char *type, const struct pair *p)
{
	struct err e;

	assert_int_equal(ev_memory_init(m, type, &more, &e), 0);
	m->ev.time = UINT64_C(1795318500319988480);
	for (; p->field; p++)
		if (ev_memory_add(m, p->field, p->text, &e))
			fail_msg("%s", e.msg);
}

/* The events of the files of filter-cases.jsonl; the first row that fits is taken. */
static const struct shared_event {
	const char *file, *with; /* part of the expression, or NULL */
	const char *type;
	struct pair fields[16];
} shared_events[] = {
	{ "filter_compiler.ut.cpp",
	  NULL,
	  "getcwd",
	  { { "c.true", "1" },
	    { "c.false", "0" },
	    { "c.singlequote", "hello 'quoted'" },
	    { "c.doublequote", "hello \"quoted\"" },
	    { "evt.arg.res", "0" },
	    { "evt.arg[1]", "/test/dir" },
	    { "evt.args", "res=0 path=/test/dir" },
	    { "sample.is_open", "0" } } },
	{ "filter_op_contains.ut.cpp",
	  NULL,
	  "openat",
	  { { "evt.arg.flags", "O_CREAT|O_WRONLY" }, { "fd.name", "/tmp/the_file" } } },
	{ "filter_op_net_compare.ut.cpp",
	  "::",
	  "connect",
	  { { "fd.ip", "::1" },
	    { "fd.ip", "2001:4860:4860::8888" },
	    { "fd.net", "::1" },
	    { "fd.net", "2001:4860:4860::8888" },
	    { "fd.cip", "::1" },
	    { "fd.sip", "2001:4860:4860::8888" },
	    { "fd.lip", "2001:4860:4860::8888" },
	    { "fd.rip", "::1" } } },
	{ "filter_op_net_compare.ut.cpp",
	  NULL,
	  "connect",
	  { { "fd.ip", "172.40.111.222" },
	    { "fd.ip", "142.251.111.147" },
	    { "fd.net", "172.40.111.222" },
	    { "fd.net", "142.251.111.147" },
	    { "fd.sip", "142.251.111.147" },
	    { "fd.cip", "172.40.111.222" },
	    { "fd.lip", "142.251.111.147" },
	    { "fd.rip", "172.40.111.222" } } },
	{ "filter_op_numeric_compare.ut.cpp",
	  NULL,
	  "openat",
	  { { "evt.cpu", "1" }, { "evt.rawarg.res", "-13" }, { "fd.num", "-1" } } },
	{ "filter_op_pmatch.ut.cpp", NULL, "openat", { { "fd.name", "/opt/dir/subdir/term" } } },
	{ "filter_transformer.ut.cpp",
	  NULL,
	  "openat",
	  { { "fd.name", "/tmp/file_to_run" },
	    { "fd.directory", "/tmp" },
	    { "fd.types", "file" },
	    { "evt.arg.data", "abcdef" } } },
	{ "filterchecks/cmp_operator_modifiers.cpp", NULL, "openat", { { "proc.name", "myexe" } } },
	{ "filterchecks/invalid_utf8.cpp",
	  NULL,
	  "renameat",
	  { { "fd.name", "/p\xff/q\xff" },
	    { "fd.filename", "q\xff" },
	    { "fs.path.name", "/p\xff/q\xff" },
	    { "fs.path.source", "/s\xff" },
	    { "fs.path.target", "/t\xff" },
	    { "proc.name", "n\xff" },
	    { "proc.cwd", "/tmp/c\xff/" } } },
	{ "filterchecks/proc.cpp",
	  NULL,
	  "open",
	  { { "proc.aname", "bash" }, { "proc.aname", "init" }, { "proc.name", "good-exe" } } },
	{ "plugins.ut.cpp",
	  NULL,
	  "pluginevent",
	  { { "sample.proc_name", "init" }, { "sample.is_open", "1" }, { "sample.tick", "no" } } },
};

static const struct ev_text hello = { "hello", 5 }, zero = { "a\0b", 3 };

static bool shared_event(struct ev_memory *m, const char *file, const char *expr)
{
	struct err e;

	if (!strcmp(file, "filter_op_bytebuf.ut.cpp")) {
		fill(m, "read", (struct pair[]){ { 0 } });
		assert_int_equal(ev_memory_add_bytes(m, "evt.buffer",
						     strstr(expr, "6100") ? zero : hello, &e),
				 0);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(shared_events); i++) {
		const struct shared_event *s = &shared_events[i];

		if (strcmp(s->file, file) || (s->with && !strstr(expr, s->with)))
			continue;
		fill(m, s->type, s->fields);
		return true;
	}
	return false;
}

struct tally {
	unsigned done, wrong, without;
};

static const char *member(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : "";
}

/* 1 true, 0 false, -1 does not compile, -2 there is no event for it. */
static int evaluate(const char *file, const char *expr, struct err *e)
{
	cleanup_ev_memory struct ev_memory m = { 0 };
	struct filter *f = NULL;
	int r;

	if (filter_compile(&f, "case", expr, strlen(expr), &more, e))
		return -1;
	r = shared_event(&m, file, expr) ? filter_eval(f, &m.ev) : -2;
	filter_free(f);
	return r;
}

static bool compiles(const char *expr, long notes, struct err *e)
{
	struct filter *f = NULL;
	bool ok = !filter_compile(&f, "case", expr, strlen(expr), &more, e);

	if (ok && notes >= 0 && (long)filter_notes(f) != notes) {
		err_set(e, EINVAL, "%zu notes instead of %ld", filter_notes(f), notes);
		ok = false;
	}
	filter_free(f);
	return ok;
}

/* Whether the case gives what it should; e says what it gave. */
static bool run_case(struct json_object *o, struct tally *t, struct err *e)
{
	const char *kind = member(o, "kind"), *expr = member(o, "expr"), *msg = member(o, "msg");
	bool expect = !strcmp(member(o, "expect"), "true");
	int r;

	*e = (struct err){ 0 };
	if (!strncmp(kind, "parse", 5)) {
		bool ok = !filter_parse("case", expr, strlen(expr), e);

		return ok == !strcmp(kind, "parse_ok") && (!*msg || strstr(e->msg, msg));
	}
	if (!strcmp(kind, "compile_ok"))
		return compiles(expr, atol(member(o, "warnings")), e);
	if (!strcmp(kind, "compile_error"))
		return !compiles(expr, -1, e) && (!*msg || strstr(e->msg, msg));
	if (!strcmp(kind, "filter_compiles"))
		return compiles(expr, -1, e) == expect;
	r = evaluate(member(o, "file"), expr, e);
	t->without += r == -2;
	return r == -2 || (r == 1) == expect;
}

static void test_shared_cases(void **state)
{
	cleanup_buf struct buf text = { 0 };
	struct tally t = { 0 };
	char path[4096];
	struct err e;

	(void)state;
	if (!shared_path(path, sizeof(path), "falco/filter-cases.jsonl"))
		skip();
	assert_int_equal(io_read_file(path, 16 << 20, &text, &e), 0);
	for (char *line = strtok(text.p, "\n"); line; line = strtok(NULL, "\n")) {
		cleanup_json struct json_object *o = json_tokener_parse(line);

		assert_non_null(o);
		t.done++;
		if (run_case(o, &t, &e))
			continue;
		t.wrong++;
		print_message("wrong: %s %s: %s: %s\n", member(o, "kind"), member(o, "expect"),
			      member(o, "expr"), e.msg);
	}
	print_message("%u cases, %u wrong, %u without an event\n", t.done, t.wrong, t.without);
	assert_true(t.done > 600);
	assert_int_equal(t.wrong, 0);
	assert_int_equal(t.without, 0);
}

/* One event with a value of every class. */
static const struct pair every[] = {
	{ "proc.name", "cat" },
	{ "fd.name", "/usr/lib/x.so" },
	{ "proc.args", "-la --all x" },
	{ "proc.args[0]", "-la" },
	{ "proc.args[1]", "--all" },
	{ "proc.args[2]", "x" },
	{ "proc.aname", "sh" },
	{ "proc.aname", "init" },
	{ "proc.exe", "" },
	{ "fd.num", "-1" },
	{ "proc.pid", "7" },
	{ "evt.buflen", "18446744073709551615" },
	{ "proc.fdusage", "2.5" },
	{ "evt.failed", "true" },
	{ "fd.sport", "443" },
	{ "fd.ip", "10.1.2.3" },
	{ "fd.ip", "192.168.0.1" },
	{ "fd.net", "10.1.2.3" },
	{ "fd.net", "192.168.0.1" },
	{ "fd.port", "40000" },
	{ "fd.port", "443" },
	{ "fd.sip", "2001:db8::1" },
	{ "fd.snet", "2001:db8::1" },
	{ "fd.types", "file" },
	{ "fd.types", "ipv4" },
	{ "fd.sip.name", "a.example" },
	{ "fd.sip.name", "b.example" },
	{ "user.name", "Cat" },
	{ "proc.pname", "cat" },
	{ "proc.cmdline", "aGVsbG8" },
	{ "proc.pcmdline", "not base64!" },
	{ 0 },
};

static const struct {
	const char *expr;
	int expect; /* 1, 0; -1: does not compile */
} meanings[] = {
	/* Missing values: false for every operator, also for the inverted ones. */
	{ "proc.cwd = a", 0 },
	{ "proc.cwd != a", 0 },
	{ "not proc.cwd = a", 1 },
	{ "not proc.cwd != a", 1 },
	{ "proc.cwd exists", 0 },
	{ "proc.cwd in (a, b)", 0 },
	{ "not proc.cwd in (a, b)", 1 },
	{ "proc.exe exists", 1 },
	{ "proc.exe = ''", 1 },
	{ "proc.exe != ''", 0 },
	{ "fd.sip.name exists", 1 },
	/* Strings. */
	{ "proc.name = cat", 1 },
	{ "proc.name == cat", 1 },
	{ "proc.name != cat", 0 },
	{ "proc.name > 1", 1 },
	{ "proc.name < cau", -1 },
	{ "proc.name < 1", 0 },
	{ "proc.name in (dog, cat)", 1 },
	{ "proc.name in ()", 0 },
	{ "proc.name intersects (dog, cat)", 1 },
	{ "proc.name contains a", 1 },
	{ "proc.name contains ''", 1 },
	{ "proc.name startswith ''", 1 },
	{ "proc.name endswith at", 1 },
	{ "proc.name endswith cats", 0 },
	{ "proc.name icontains AT", 1 },
	{ "proc.name glob c?t", 1 },
	{ "proc.name glob c", 0 },
	{ "proc.name glob [!d]*", 1 },
	{ "proc.name glob [a-c][[:alpha:]]t", 1 },
	{ "proc.name glob C*", 0 },
	{ "proc.name iglob C*", 1 },
	{ "fd.name glob /usr*.so", 1 },
	{ "fd.name pmatch (/usr/lib)", 1 },
	{ "fd.name pmatch (/us, /lib, /usr/l?b)", 1 },
	{ "fd.name pmatch (/usr/lib/x)", 0 },
	{ "proc.name regex c.t", 1 },
	{ "proc.name regex c", 0 },
	{ "proc.name regex '(c|d)[a]*t{1}'", 1 },
	{ "proc.name regex 'c(a*)*+t'", 1 },
	{ "proc.name regex '\\\\d'", -1 },
	{ "proc.name regex '(?i)CAT'", -1 },
	{ "proc.name regex '*a'", -1 },
	{ "proc.name regex '(a'", -1 },
	{ "proc.name regex 'a{2000}'", -1 },
	/* Many strings against one value take other ways. */
	{ "proc.name in (a, b, c, d, e, cat)", 1 },
	{ "not proc.name in (a, b, c, d, e, f)", 1 },
	{ "fd.name startswith anyof (/a, /b, /c, /d, /usr)", 1 },
	{ "fd.name startswith anyof (/a, /b, /c, /d, /usx)", 0 },
	{ "fd.name endswith anyof (.a, .b, .c, .d, .so)", 1 },
	{ "fd.name contains anyof (abc, /li, b/xy, qq, zz)", 1 },
	{ "fd.name contains anyof (abc, /lix, b/xy, qq, zz)", 0 },
	{ "fd.name icontains anyof (ABC, /LI, B/XY, QQ, ZZ)", 1 },
	{ "proc.aname in (a, b, c, d, init)", 1 },
	{ "proc.aname in (a, b, c, d, cat)", 0 },
	/* Modifiers. */
	{ "proc.name != allof (a, b)", 1 },
	{ "proc.name != allof (a, cat)", 0 },
	{ "proc.name != anyof (a, cat)", 1 },
	{ "proc.name != oneof (a, cat)", 1 },
	{ "proc.name = oneof (cat, cat)", 0 },
	{ "proc.name contains allof (c, a, t)", 1 },
	{ "proc.name contains oneof (c, x)", 1 },
	{ "proc.name contains allof ()", 0 },
	{ "proc.name != allof ()", 0 },
	/* Ancestors, and names of addresses: one is enough. */
	{ "proc.aname = sh", 1 },
	{ "proc.aname = cat", 0 },
	{ "proc.aname != sh", 1 },
	{ "proc.aname startswith in", 1 },
	{ "fd.sip.name = b.example", 1 },
	{ "fd.sip.name contains b", -1 },
	/* Numbers. */
	{ "fd.num = -1", 1 },
	{ "fd.num < 0", 1 },
	{ "fd.num in (1, -1)", 1 },
	{ "evt.buflen = -1", 1 },
	{ "evt.buflen > 9223372036854775807", 1 },
	{ "proc.pid >= 7", 1 },
	{ "proc.pid > 7", 0 },
	{ "proc.pid = 0x7", -1 },
	{ "proc.pid = 7.5", -1 },
	{ "proc.pid = seven", -1 },
	{ "proc.fdusage > 2", 1 },
	{ "proc.fdusage < 2.5", -1 },
	{ "evt.failed = true", 1 },
	{ "evt.failed != true", 0 },
	{ "evt.failed = 1", -1 },
	{ "evt.failed > false", -1 },
	{ "fd.sport = https", 1 },
	{ "fd.sport = 65979", 1 },
	{ "fd.sport = no-such-service", -1 },
	{ "fd.port = 443", 1 },
	{ "fd.port != 443", 0 },
	{ "fd.port != 80", 1 },
	{ "fd.port > 1024", 1 },
	/* Addresses. */
	{ "fd.ip = 192.168.0.1", 1 },
	{ "fd.ip != 192.168.0.1", 0 },
	{ "fd.ip != 1.1.1.1", 1 },
	{ "fd.ip in (1.1.1.1, 10.1.2.3)", 1 },
	{ "fd.ip intersects (1.1.1.1)", -1 },
	{ "fd.ip = 1.2.3", -1 },
	{ "fd.sip = 2001:db8::1", 1 },
	{ "fd.sip = 10.1.2.3", 0 },
	{ "fd.sip != 10.1.2.3", 1 },
	{ "fd.net = 10.0.0.0/8", 1 },
	{ "fd.net != 10.0.0.0/8", 0 },
	{ "fd.net = 10.1.2.2/31", 1 },
	{ "fd.net = 10.1.2.0/31", 0 },
	{ "fd.net in (1.0.0.0/8, 10.0.0.0/8)", 0 },
	{ "fd.snet in (10.0.0.0/8, 2001:db8::/32)", 1 },
	{ "fd.snet = 10.0.0.0", -1 },
	{ "fd.snet = 10.0.0.0/33", -1 },
	{ "fd.snet > 10.0.0.0/8", -1 },
	/* Lists. */
	{ "fd.types in (file, ipv4, pipe)", 1 },
	{ "fd.types in (file)", 0 },
	{ "fd.types intersects (ipv4)", 1 },
	{ "fd.types = file", -1 },
	{ "len(fd.types) = 2", 1 },
	/* Transformers. */
	{ "toupper(proc.name) = CAT", 1 },
	{ "tolower(user.name) = val(proc.name)", 1 },
	{ "basename(fd.name) = x.so", 1 },
	{ "b64(proc.cmdline) = hello", 1 },
	{ "b64(proc.pcmdline) exists", 0 },
	{ "len(proc.name) = 3", 1 },
	{ "join(\"-\", (proc.name, fd.name)) = cat-/usr/lib/x.so", 1 },
	{ "concat(proc.name, proc.cwd) exists", 0 },
	{ "getopt(proc.args, \"al\") in (l, a)", 1 },
	{ "getopt(proc.args, \"l:\")[l] = a", 1 },
	{ "toupper(proc.pid) = 7", -1 },
	{ "tolower(proc.aname) = sh", -1 },
	{ "tolower(proc.name)[x] = cat", -1 },
	{ "concat(proc.name) = cat", -1 },
	/* A field on the right. */
	{ "proc.name = val(proc.pname)", 1 },
	{ "proc.name != val(proc.pname)", 0 },
	{ "proc.name = val(proc.cwd)", 0 },
	{ "proc.name = val(proc.pid)", -1 },
	{ "proc.name regex val(proc.pname)", -1 },
	{ "fd.ip = val(fd.sip)", -1 },
	{ "proc.name startswith val(proc.pname)", 1 },
	{ "fd.types in val(fd.types)", -1 },
	/* The event itself. */
	{ "evt.type = open", 1 },
	{ "evt.type != open", 0 },
	{ "evt.type startswith op", 1 },
	{ "evt.type = opeen", -1 },
	{ "evt.type = val(proc.name)", -1 },
	{ "evt.type.is.open = 1 and evt.type.is[close] = 0", 1 },
	{ "evt.num = 0", 0 },
	{ "evt.num >= 0", 1 },
	{ "evt.num > 0", 1 },
	{ "evt.dir = <", 1 },
	{ "evt.dir = >", 0 },
	{ "evt.around[1795318500319988480] = 1", 1 },
	{ "evt.around[1795318500019988480] = 1", 0 },
	{ "evt.source = syscall", 1 },
	{ "evt.rawtime = 1795318500319988480", 1 },
	{ "evt.time.iso8601 = 2026-11-22T03:35:00.319988480Z", 1 },
	{ "evt.time startswith 03:35:00.319", 1 },
	/* Fields and their arguments. */
	{ "proc.nam = x", -1 },
	{ "proc.name[1] = x", -1 },
	{ "proc.aname[x] = x", -1 },
	{ "proc.aname[5] exists", 0 },
	{ "container.mount.dest = x", -1 },
	{ "evt.arg = x", -1 },
	{ "evt.rawarg[0] = 1", -1 },
	{ "evt.type.is.opeen = 1", -1 },
	{ "proc.name = \"a\\x00\"", -1 },
};

static void test_meanings(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		cleanup_ev_memory struct ev_memory m = { 0 };
		struct filter *f = NULL;
		const char *expr = meanings[i].expr;
		struct err e = { 0 };
		int got = -1;

		fill(&m, "open", every);
		if (!filter_compile(&f, "case", expr, strlen(expr), NULL, &e))
			got = filter_eval(f, &m.ev);
		filter_free(f);
		if (got == meanings[i].expect)
			continue;
		wrong++;
		print_message("wrong: %s: %d %s\n", expr, got, e.msg);
	}
	assert_int_equal(wrong, 0);
}

/* Errors name line and column. */
static void test_places(void **state)
{
	static const struct {
		const char *expr, *expect;
	} cases[] = {
		{ "", "case:1:1: filter input string is empty" },
		{ "evt.type=open\n  and proc.nam=x",
		  "case:2:7: filter_check called with nonexistent field proc.nam"
		  " (did you mean 'proc.name'?)" },
		{ "evt.type=open or", "case:1:17: expected blank or '(' after 'or'" },
		{ "evt.type=open x",
		  "case:1:15: unexpected token after 'evt.type=open ', expecting 'or', 'and'" },
		{ "proc.name = \"a\\q\"", "case:1:15: unsupported string escape sequence: \\q" },
		{ "proc.name = 'a\\\"'", "case:1:15: invalid \\\" escape in '-quoted string" },
		{ "proc.name = 'a\\x1'", "case:1:15: truncated hex char escape sequence" },
		{ "proc.name = 'a\\xzz'", "case:1:15: invalid hex char escape sequence: zz" },
		{ "proc.pid contains 1",
		  "case:1:1: 'contains' operator not supported for numeric filters" },
		{ "evt.buffer < 1", "case:1:1: '<' operator not supported for buffer filters" },
		{ "fd.sip < 1", "case:1:1: '<' operator not supported for ip address and network "
				"filters" },
		{ "proc.name bcontains 00",
		  "case:1:1: 'bcontains' operator not supported for string filters" },
		{ "fd.types = file", "case:1:1: '=' operator not supported list filters" },
		{ "proc.name = val(proc.pid)",
		  "case:1:1: field 'proc.name' has type 'CHARBUF' while the right-hand side field "
		  "'proc.pid' has incompatible type 'INT64'" },
		{ "evt.buffer bcontains 2g", "case:1:22: filter error: bcontains and bstartswith "
					     "operator support hex strings only" },
		{ "proc.pid in (1, 0x2)", "case:1:17: 0x2 is not a valid number" },
		{ "some_macro", "case:1:1: Undefined macro 'some_macro' used in filter." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct filter *f = NULL;
		const char *expr = cases[i].expr;
		struct err e = { 0 };

		assert_true(filter_compile(&f, "case", expr, strlen(expr), NULL, &e) < 0);
		assert_string_equal(e.msg, cases[i].expect);
	}
}

static void test_depth(void **state)
{
	char text[5000] = "";
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		text[i] = '(';
	strcpy(text + 1000, "a.b = 1");
	assert_true(filter_parse("case", text, strlen(text), &e) < 0);
	assert_non_null(strstr(e.msg, "exceeded max depth limit of 100"));
}

static void test_kinds_and_types(void **state)
{
	(void)state;
	for (unsigned t = 0; t < ev_type_count(); t++)
		assert_int_equal(ev_type_by_name(ev_type_name(t)), t);
	assert_true(ev_type_count() <= EV_TYPE_MAX);
	assert_null(ev_type_name((unsigned)ev_type_count()));
	for (size_t i = 0; ev_field_at(i); i++) {
		const struct ev_field *f = ev_field_at(i);
		struct ev_text name = { f->name, strlen(f->name) };
		struct ev_ref ref;
		enum ev_ref_error r = ev_ref_parse(NULL, name, (struct ev_text){ 0 }, &ref);

		assert_int_equal(f->id, i);
		assert_true(r == EV_REF_ARG_MISSING || (r == EV_REF_OK && ref.field == f));
	}
	/* The parameters are listed for each of these, and each has a kind that is known. */
	for (unsigned t = 0; t < ev_type_count(); t++) {
		struct ev_param p;

		for (unsigned n = 0; ev_param_at(t, n, &p); n++)
			assert_int_equal(ev_param_index(t, p.name, strlen(p.name)), n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meanings),     cmocka_unit_test(test_places),
		cmocka_unit_test(test_depth),	     cmocka_unit_test(test_kinds_and_types),
		cmocka_unit_test(test_shared_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
