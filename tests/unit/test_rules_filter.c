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
#include "model/event_memory.h"
#include "model/event_text.h"
#include "rules/filter.h"

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
	const char *shared = getenv("BOLTSEAL_SHARED");
	cleanup_buf struct buf text = { 0 };
	struct tally t = { 0 };
	char path[4096];
	struct err e;

	(void)state;
	snprintf(path, sizeof(path), "%s/testdata/falco/filter-cases.jsonl",
		 shared ? shared : "../shared");
	if (access(path, R_OK)) {
		print_message("%s is not there\n", path);
		skip();
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
