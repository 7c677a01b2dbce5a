/*
 * Activities with the rule that they fire: each case becomes the event that a sensor would make of
 * it, with the fields that the case tells (process chain, container, the call and its arguments).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "rules/rules.h"
#include "shared_path.h"
#include "support/event_memory.h"

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (o)
		json_object_object_get_ex(o, key, &v);
	return v;
}

static const char *text(struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key);

	return v ? json_object_get_string(v) : NULL;
}

static struct json_object *element(struct json_object *o, const char *key, size_t i)
{
	struct json_object *v = get(o, key);

	return v && i < json_object_array_length(v) ? json_object_array_get_idx(v, i) : NULL;
}

static void set(struct ev_memory *m, const char *field, const char *value)
{
	struct err e;

	if (value && ev_memory_add(m, field, value, &e))
		fail_msg("%s", e.msg);
}

static void set_process(struct ev_memory *m, struct json_object *o)
{
	struct json_object *context = get(o, "context"), *all = get(context, "processes");
	size_t n = all ? json_object_array_length(all) : 0;
	struct json_object *self = n ? json_object_array_get_idx(all, n - 1) : NULL;
	const char *name = self ? text(self, "name") : "eg_other", *args = text(self, "args");
	const char *user = text(self, "user");
	char line[512];

	snprintf(line, sizeof(line), "%s%s%s", name, args ? " " : "", args ? args : "");
	set(m, "proc.name", name);
	set(m, "proc.exe", name);
	set(m, "proc.args", args ? args : "");
	set(m, "proc.cmdline", line);
	set(m, "proc.pname", n > 1 ? text(json_object_array_get_idx(all, n - 2), "name") : "eg");
	for (size_t i = n; i-- > 1;)
		set(m, "proc.aname", text(json_object_array_get_idx(all, i - 1), "name"));
	set(m, "proc.aname", "eg");
	set(m, "proc.tty", "0");
	set(m, "proc.duration", "1000");
	set(m, "proc.is_exe_upper_layer", "false");
	set(m, "user.name", user ? user : "root");
	set(m, "user.uid", user ? "1" : "0");
	set(m, "container.id", get(context, "container") ? "0123456789ab" : "host");
}

static void set_open(struct ev_memory *m, struct json_object *o, struct json_object *args)
{
	set(m, "fd.name", text(element(o, "resources", 0), "filePath"));
	set(m, "fd.nameraw", text(args, "pathname"));
	set(m, "fd.typechar", "f");
	set(m, "fd.type", "file");
	set(m, "fd.num", "5");
	set(m, "evt.is_open_read", "true");
	set(m, "evt.is_open_write", "false");
	set(m, "evt.res", "SUCCESS");
}

static void set_dup(struct ev_memory *m, struct json_object *o, struct json_object *args)
{
	const char *proto = text(element(o, "resources", 0), "l4Proto");
	char l4[4] = { proto[0], proto[1], proto[2], '\0' };

	set(m, "fd.type", proto[3] == '6' ? "ipv6" : "ipv4");
	set(m, "fd.l4proto", l4);
	set(m, "evt.rawres", text(args, "newFd"));
}

static void make_event(struct ev_memory *m, struct json_object *o)
{
	struct json_object *step = element(o, "steps", 0), *args = get(step, "args");
	const char *call = step ? text(step, "syscall") : "execve";
	struct err e;

	assert_int_equal(ev_memory_init(m, call, NULL, &e), 0);
	set_process(m, o);
	if (!strncmp(call, "open", 4))
		set_open(m, o, args);
	else if (!strncmp(call, "dup", 3))
		set_dup(m, o, args);
	else if (!strncmp(call, "symlink", 7)) {
		set(m, "evt.arg.target", text(args, "target"));
		set(m, "evt.arg.linkpath", text(args, "linkPath"));
	} else if (get(element(o, "resources", 0), "fileLess")) {
		set(m, "proc.is_exe_from_memfd", "true");
		set(m, "evt.arg.flags", "EXE_WRITABLE|EXE_FROM_MEMFD");
	}
}

/* Whether every field that is expected has its value in the output. */
static bool fields_agree(struct rules_engine *g, size_t rule, struct json_object *expect)
{
	cleanup_buf struct buf out = { 0 };
	cleanup_json struct json_object *got = NULL;

	rules_engine_fields(g, rule, &out);
	got = json_tokener_parse(buf_str(&out));
	assert_non_null(got);
	json_object_object_foreach (expect, key, value) {
		const char *have = text(got, key);

		if (!have || strcmp(have, json_object_get_string(value)))
			return false;
	}
	return true;
}

static bool run_case(const struct rules *r, struct rules_engine *g, struct json_object *o)
{
	cleanup_ev_memory struct ev_memory m = { 0 };
	struct json_object *expect = get(o, "expectedOutcome");
	long rule = rules_find(r, text(o, "rule"));
	const uint32_t *fired;
	size_t n, i = 0;

	assert_true(rule >= 0);
	make_event(&m, o);
	n = rules_engine_event(g, &m.ev, &fired);
	while (i < n && fired[i] != (uint32_t)rule)
		i++;
	return i < n &&
	       !strcasecmp(rules_priority_name(rules_at(r, (size_t)rule)->priority),
			   text(expect, "priority")) &&
	       fields_agree(g, (size_t)rule, get(expect, "outputFields"));
}

static void test_cases(void **state)
{
	struct rules *r = rules_new(&(struct rules_options){ .min_priority = RP_DEBUG });
	cleanup_buf struct buf cases = { 0 };
	struct rules_engine *g;
	char path[4096];
	unsigned done = 0, wrong = 0;
	struct err e;

	(void)state;
	if (!shared_path(path, sizeof(path), "falco/falco_rules.yaml"))
		skip();
	assert_int_equal(rules_load_file(r, path), 0);
	assert_int_equal(rules_compile(r), 0);
	g = rules_engine_new(r, &(struct rules_engine_options){ .match_all = true });
	assert_true(shared_path(path, sizeof(path), "falco/event-cases.jsonl"));
	assert_int_equal(io_read_file(path, 16 << 20, &cases, &e), 0);
	for (char *line = strtok(cases.p, "\n"); line; line = strtok(NULL, "\n")) {
		cleanup_json struct json_object *o = json_tokener_parse(line);

		assert_non_null(o);
		done++;
		if (run_case(r, g, o))
			continue;
		wrong++;
		print_message("wrong: %s\n", json_object_to_json_string(get(o, "id")));
	}
	rules_engine_free(g);
	rules_free(r);
	print_message("%u cases, %u wrong\n", done, wrong);
	assert_true(done > 100);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
