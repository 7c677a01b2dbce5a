/*
 * Compiled code against the conditions themselves: random events, made of the values that the rules
 * compare with, have to fire exactly the rules whose condition holds when every test is evaluated
 * alone. Most are of processes (event.who) that had events before, of which the compiled code keeps
 * what it found; now and then one changes. And what is said of the kernel's filter has to hold for
 * every event that fires.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "random_below.h"
#include "rules/ruleset.h"
#include "rules/vm.h"
#include "shared_path.h"

enum { EVENTS = 30000, LIVES = 700 }; /* more of them than are kept */

/* A random event: for each field operand a value, or none. */
struct guess {
	struct event ev;
	const struct image *im;
	struct ev_values *values; /* by operand; v NULL: missing */
	char (*texts)[256];
	/* Processes, with what follows from event.who; made when they are first needed. */
	struct guess *lives;
	uint64_t last_who;
};

static bool guess_read(const struct event *ev, const struct ev_ref *ref, struct ev_values *out)
{
	const struct guess *g = (const struct guess *)ev;

	for (size_t i = 0; i < g->im->operands_n; i++) {
		const struct ev_ref *have = &g->im->operands[i].ref;

		if (have->field != ref->field || have->arg != ref->arg ||
		    have->index != ref->index || have->key.len != ref->key.len ||
		    (ref->key.len && memcmp(have->key.p, ref->key.p, ref->key.len)))
			continue;
		out->v = g->values[i].v;
		out->n = g->values[i].n;
		return out->v;
	}
	return false;
}

static const struct event_ops guess_ops = { .read = guess_read };

/* A literal that some test compares the operand with, sometimes changed a little. */
static bool pick(struct guess *g, uint32_t operand)
{
	struct ev_values *out = &g->values[operand];
	const struct test *t = NULL;
	uint32_t seen = 0;
	char *text = g->texts[operand];

	for (size_t i = 0; i < g->im->tests_n; i++)
		if (g->im->tests[i].left == operand && g->im->tests[i].values_n &&
		    !random_below(++seen))
			t = &g->im->tests[i];
	if (!t)
		return false;
	out->v = &out->one;
	out->n = 1;
	if (t->class == EV_C_NET)
		out->one.a = t->nets[random_below(t->values_n)].addr;
	else
		out->one = t->values[random_below(t->values_n)];
	if (t->class == EV_C_STRING) {
		static const char *const before[] = { "", "", "", "", "/x", "a " };
		static const char *const behind[] = { "", "", "", "/y", "b", ".so" };

		snprintf(text, sizeof(g->texts[0]), "%s%.*s%s", before[random_below(6)],
			 (int)out->one.s.len, out->one.s.p, behind[random_below(6)]);
		out->one.s = (struct ev_text){ text, strlen(text) };
	} else if (t->class == EV_C_SIGNED || t->class == EV_C_UNSIGNED) {
		out->one.u += random_below(3) - 1u;
	}
	return true;
}

static void make_values(struct guess *g)
{
	if (!g->values)
		g->values = calloc(g->im->operands_n, sizeof(*g->values));
	if (!g->texts)
		g->texts = calloc(g->im->operands_n, sizeof(*g->texts));
	assert_true(g->values && g->texts);
	for (uint32_t i = 0; i < g->im->operands_n; i++) {
		g->values[i].v = NULL;
		if (g->im->operands[i].source == OPERAND_FIELD && random_below(8))
			pick(g, i);
	}
}

static void free_values(struct guess *g)
{
	for (int i = 0; g->lives && i < LIVES; i++)
		free_values(&g->lives[i]);
	free(g->lives);
	free(g->values);
	free(g->texts);
}

/* Makes the event one of a process: often of the same few. */
static void give_who(struct guess *g)
{
	struct guess *life = &g->lives[random_below(random_below(2) ? 20 : LIVES)];

	g->ev.who = 0;
	if (!random_below(8))
		return;
	if (!life->values || !random_below(16)) {
		life->im = g->im;
		make_values(life);
		life->ev.who = ++g->last_who;
	}
	g->ev.who = life->ev.who;
	for (uint32_t i = 0; i < g->im->operands_n; i++) {
		if (!g->im->operands[i].who)
			continue;
		g->values[i] = life->values[i];
		if (g->values[i].v)
			g->values[i].v = &g->values[i].one;
	}
}

static void make_guess(struct guess *g, const struct ev_set *types)
{
	do
		g->ev.type = (uint16_t)random_below((uint32_t)ev_type_count());
	while (!ev_set_has(types, g->ev.type));
	make_values(g);
	give_who(g);
}

static bool has_fired(const uint32_t *fired, size_t n, size_t rule)
{
	for (size_t i = 0; i < n; i++)
		if (fired[i] == rule)
			return true;
	return false;
}

static const struct ev_value *value_of(const struct guess *g, enum ev_field_id id)
{
	for (size_t i = 0; i < g->im->operands_n; i++)
		if (g->im->operands[i].ref.field == ev_field_at(id) &&
		    g->im->operands[i].ref.arg == EV_ARG_NONE && g->values[i].v)
			return g->values[i].v;
	return NULL;
}

/* prctl(2)'s name. */
static const struct ev_value *name_given(const struct guess *g)
{
	for (size_t i = 0; i < g->im->operands_n; i++) {
		const struct ev_ref *ref = &g->im->operands[i].ref;

		if (ref->field == ev_field_at(EV_EVT_ARG) && ref->arg == EV_ARG_KEY &&
		    ref->key.len == 8 && !memcmp(ref->key.p, "arg2_str", 8) && g->values[i].v)
			return g->values[i].v;
	}
	return NULL;
}

static bool text_holds(const struct rules_need_text *t, struct ev_text have)
{
	size_t len = strlen(t->text);
	bool fits = have.len >= len;

	switch (t->place) {
	case NEED_WHOLE:
		return have.len == len && !memcmp(have.p, t->text, len);
	case NEED_SUFFIX:
		return fits && !memcmp(have.p + have.len - len, t->text, len);
	case NEED_PART:
		return fits && memmem(have.p, have.len, t->text, len);
	default:
		return fits && !memcmp(have.p, t->text, len);
	}
}

/* Directory and last component are independent of the name here: such texts may hold. */
static bool group_holds(const struct guess *g, const struct rules_need_group *group)
{
	static const enum ev_field_id fields[] = { [NEED_PATH] = EV_FD_NAME,
						   [NEED_RAW_PATH] = EV_FD_NAMERAW,
						   [NEED_COMM] = EV_PROC_NAME };

	if (value_of(g, EV_FD_DIRECTORY) || value_of(g, EV_FD_FILENAME))
		return true;
	for (size_t i = 0; i < group->n; i++) {
		const struct ev_value *v = group->v[i].subject == NEED_GIVEN
						   ? name_given(g)
						   : value_of(g, fields[group->v[i].subject]);

		if (v && text_holds(&group->v[i], v->s))
			return true;
	}
	return false;
}

/*
 * An event that fires meets what the kernel is told.
 */
static void check_need(const struct rules *r, const struct guess *g, size_t rule)
{
	const struct ev_value *container = value_of(g, EV_CONTAINER_ID);
	struct rules_need need;
	bool host = container && container->s.len == 4 && !memcmp(container->s.p, "host", 4);

	rules_needs_of(r, rule, g->ev.type, &need);
	assert_true(need.wanted);
	assert_true(need.where & (host || !container ? NEED_HOST : NEED_CONTAINER) ||
		    (!container && need.where == NEED_ANYWHERE));
	for (size_t i = 0; i < need.groups_n; i++)
		if (!group_holds(g, &need.groups[i])) {
			cleanup_buf struct buf text = { 0 };

			rules_need_print(&need, &text);
			fail_msg("%s: %s", r->rules[rule].info.name, buf_str(&text));
		}
}

static struct rules *load(const char *path, const char *text)
{
	struct rules *r = rules_new(&(struct rules_options){ .min_priority = RP_DEBUG });

	assert_int_equal(
		path ? rules_load_file(r, path) : rules_load_text(r, "t", text, strlen(text)), 0);
	assert_int_equal(rules_compile(r), 0);
	return r;
}

static void compare(const char *path, const char *text)
{
	struct rules *r = load(path, text), *plain = load(path, text);
	struct rules_engine *engine =
		rules_engine_new(r, &(struct rules_engine_options){ .match_all = true });
	struct guess g = { .ev = { .ops = &guess_ops, .num = 1 }, .im = &r->im };
	struct ev_set types = rules_wanted(r, EV_SYSCALL);
	size_t n, total = 0;
	const uint32_t *fired;
	struct vm *vm;

	for (size_t i = 0; i < plain->im.tests_n; i++)
		plain->im.tests[i].group = -1;
	vm = vm_new(&plain->im);
	g.lives = calloc(LIVES, sizeof(*g.lives));
	assert_non_null(g.lives);
	for (int i = 0; i < EVENTS; i++) {
		make_guess(&g, &types);
		n = rules_engine_event(engine, &g.ev, &fired);
		vm_begin(vm, &g.ev);
		total += n;
		for (size_t k = 0; k < r->rules_n; k++) {
			bool holds = vm_condition(vm, plain->rules[k].compiled);

			if (has_fired(fired, n, k) != holds)
				fail_msg("event %d: %s: %d", i, r->rules[k].info.name, holds);
			if (holds)
				check_need(r, &g, k);
		}
	}
	print_message("%d events, %zu fired\n", EVENTS, total);
	assert_true(total > 100);
	free_values(&g);
	vm_free(vm);
	rules_engine_free(engine);
	rules_free(plain);
	rules_free(r);
}

#define RULE(name, condition)                                                    \
	"- rule: " name "\n  desc: d\n  condition: " condition "\n  output: o\n" \
	"  priority: INFO\n  warn_evttypes: false\n"

/* All that is put together: sets, prefixes, endings, parts, shared chains, negations. */
static const char dense[] =
	"- macro: m\n  condition: (fd.name startswith /etc/ or (fd.num>=0 and proc.name in (a, "
	"b)))\n"
	"- macro: n\n  condition: (m and not fd.name endswith .so)\n" RULE(
		"A", "evt.type in (open, openat) and m and not proc.name = b")
		RULE("B", "evt.type=open and n and fd.name contains x")
			RULE("C", "evt.type in (open, connect) and not n") RULE(
				"D", "fd.name startswith anyof (/etc/a, /etc/b, /usr, /u, /v) and "
				     "evt.type=open")
				RULE("E", "evt.type != open and fd.name contains anyof (a, ab, b, "
					  "/x, y/)")
					RULE("F",
					     "evt.type=openat and fd.name endswith anyof (.so, .a, "
					     "a, o, xx)")
						RULE("G",
						     "not (m or n) and evt.type in (open, openat, "
						     "connect)")
							RULE("H",
							     "fd.name icontains anyof (ETC, US, "
							     "Q, R, S) and not m");

static void test_dense(void **state)
{
	(void)state;
	compare(NULL, dense);
}

static void test_stable(void **state)
{
	char path[4096];

	(void)state;
	if (!shared_path(path, sizeof(path), "falco/falco_rules.yaml"))
		skip();
	compare(path, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dense),
		cmocka_unit_test(test_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
