/*
 * Profile -> import -> generate: the profile that comes out allows nothing less, and where nothing
 * is said of a call, exactly the same of it. Both are proven, on diagrams over all arguments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/compare.h"
#include "profile/diagram.h"
#include "profile/generate.h"
#include "profile/import_private.h"
#include "profile/runtime_base.h"
#include "random_profile.h"

/* Only what passes and what does not. */
static struct sp_ret two_ways(struct sp_ret r)
{
	bool passes = r.action == SP_ALLOW || r.action == SP_LOG;

	return passes ? (struct sp_ret){ SP_ALLOW, 0 } : (struct sp_ret){ SP_ERRNO, EPERM };
}

static void simplify(struct sp_profile *p)
{
	p->deflt = two_ways(p->deflt);
	p->bad_arch = (struct sp_ret){ SP_KILL_PROCESS, 0 };
	for (size_t i = 0; i < p->rules_n; i++)
		p->rules[i].ret = two_ways(p->rules[i].ret);
}

/* What an import of `p` generates; the notes of both steps are appended. */
static void round_trip(const struct sp_profile *p, struct sp_profile *out, struct buf *notes)
{
	cleanup_workload struct workload w, loaded;
	cleanup_buf struct buf text = { 0 };
	cleanup_json_doc struct json_doc d = { 0 };
	struct gen_options o;
	struct err e = { 0 };

	wl_init(&w);
	import_profile(&w, import_source(&w, "random"), p, "random", notes);
	w.identity.arch = wl_string(&w, "x86_64");
	wl_write(&w, &text);
	assert_int_equal(0, json_parse(&d, "model", text.p, text.len, &e));
	if (wl_read(&loaded, &d, &e))
		fail_msg("%s\n%s", e.msg, buf_str(&text));
	gen_options_default(&o);
	o.allow_incomplete = true;
	if (gen_seccomp(&loaded, &o, out, notes, &e))
		fail_msg("%s\n%s", e.msg, buf_str(&text));
}

/* Whether a note says that the call has more arguments than the profile, or it is always there. */
static bool excused(const char *name, const struct buf *notes)
{
	static const char *const always[] = { "clone", "clone3" }; /* pairs of one another */
	cleanup_free char *any = xasprintf("%s: any arguments", name);
	cleanup_free char *imported = xasprintf(": %s of ", name);
	struct runtime_base base;
	struct err e;

	assert_int_equal(0, runtime_base_find(NULL, NULL, false, &base, &e));
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (!strcmp(name, always[i]))
			return true;
	return runtime_base_has(&base, name) || strstr(buf_str(notes), any) ||
	       strstr(buf_str(notes), imported);
}

/* Returns how many calls with conditions were proven equal. */
static unsigned check_trip(struct sp_profile *p, unsigned seed)
{
	cleanup_sp_profile struct sp_profile q;
	cleanup_sp_calls struct sp_calls calls;
	cleanup_buf struct buf notes = { 0 };
	cleanup_bdd struct bdd *b = diagram_new();
	struct sp_operand before = { .name = "before", .profile = p };
	struct sp_operand after = { .name = "after", .profile = &q };
	struct sp_difference diff;
	uint32_t x, y, arch = sc_abi_audit_arch(SC_X86_64);
	struct err e = { 0 };
	unsigned equal = 0;

	round_trip(p, &q, &notes);
	simplify(p);
	simplify(&q);
	if (sp_compare(&before, &after, SP_SUBSET, &diff, &e))
		fail_msg("seed %u: %s\n%s", seed, e.msg, buf_str(&notes));
	x = diagram_of_profile(b, p);
	y = diagram_of_profile(b, &q);
	assert_false(bdd_failed(b));
	sp_calls_init(&calls, p, SC_X86_64);
	for (size_t i = 0; i < calls.n; i++) {
		const struct sp_call *c = &calls.call[i];

		if (diagram_at(b, x, arch, c->nr) != diagram_at(b, y, arch, c->nr)) {
			if (excused(c->desc->name, &notes))
				continue;
			fail_msg("seed %u: %s is not the same\n%s", seed, c->desc->name,
				 buf_str(&notes));
		}
		for (size_t k = 0; k < c->n; k++)
			equal += c->rule[k]->conds_n > 0;
	}
	return equal;
}

static void random_profiles(void **state)
{
	unsigned equal = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 150; seed++) {
		cleanup_sp_profile struct sp_profile p;

		random_profile(&p, &(struct source){ .state = seed }, 8, false);
		p.abi[SC_X86_64] = true;
		p.deflt = (struct sp_ret){ SP_ERRNO, EPERM };
		sp_rule_name(&p, sp_rule_add(&p, (struct sp_ret){ SP_ALLOW, 0 }, NULL), "getpid");
		equal += check_trip(&p, seed);
	}
	assert_true(equal > 100);
}

/* Every operator by itself, allowing and refusing, on arguments of 32 and 64 bits. */
static void every_operator(void **state)
{
	static const uint64_t values[] = { 0, 1, 40, 0x7e020000, UINT32_MAX, UINT64_C(1) << 40 };
	static const struct {
		const char *call;
		uint8_t index;
	} args[] = { { "socket", 0 }, { "readahead", 1 }, { "personality", 0 } };
	unsigned equal = 0, n = 0;

	(void)state;
	for (unsigned i = 0; i < SP_OP_COUNT * ARRAY_SIZE(values) * ARRAY_SIZE(args) * 2; i++) {
		cleanup_sp_profile struct sp_profile p;
		enum sp_op op = (enum sp_op)(i / 2 % SP_OP_COUNT);
		uint64_t v = values[i / 2 / SP_OP_COUNT % ARRAY_SIZE(values)];
		unsigned a = i / 2 / SP_OP_COUNT / ARRAY_SIZE(values);
		bool refuse = i % 2;
		struct sp_rule *r;

		sp_init(&p);
		p.abi[SC_X86_64] = true;
		r = sp_rule_add(&p, refuse ? p.deflt : (struct sp_ret){ SP_ALLOW, 0 }, NULL);
		sp_rule_name(&p, r, args[a].call);
		sp_rule_cond(r, args[a].index, op, v, v & 0x2020001);
		r = sp_rule_add(&p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);
		sp_rule_name(&p, r, refuse ? args[a].call : "getpid");
		sp_rule_name(&p, r, "getpid");
		n++;
		equal += check_trip(&p, i) > 0;
	}
	assert_int_equal(equal, n);
}

/* What does not fit is there with any arguments, and a note names the rule. */
static void says_what_does_not_fit(void **state)
{
	cleanup_sp_profile struct sp_profile p, q;
	cleanup_buf struct buf notes = { 0 };
	struct sp_rule *r;

	(void)state;
	sp_init(&p);
	p.abi[SC_X86_64] = true;
	r = sp_rule_add(&p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);
	sp_rule_name(&p, r, "kcmp");
	for (uint8_t i = 0; i < 4; i++)
		sp_rule_cond(r, i, SP_EQ, 1, 0);
	r = sp_rule_add(&p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);
	sp_rule_name(&p, r, "readahead");
	sp_rule_cond(r, 1, SP_NE, 1, 0);
	sp_rule_cond(r, 2, SP_NE, 1, 0);
	round_trip(&p, &q, &notes);
	assert_non_null(strstr(buf_str(&notes),
			       "random: kcmp of x86_64: any arguments in the model, since their "
			       "conditions are about more than three arguments together: "
			       "/syscalls/0\n"));
	assert_non_null(strstr(buf_str(&notes),
			       "random: readahead of x86_64: any arguments in the model, since "
			       "their conditions have too many parts: /syscalls/1\n"));
}

/* Docker's rule for clone stays as it is, though runtimes call clone too. */
static void clone_keeps_its_rule(void **state)
{
	cleanup_sp_profile struct sp_profile p;
	struct sp_rule *r;

	(void)state;
	sp_init(&p);
	p.abi[SC_X86_64] = true;
	r = sp_rule_add(&p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);
	sp_rule_name(&p, r, "clone");
	sp_rule_cond(r, 0, SP_MASKED_EQ, 0x7e020000, 0);
	for (unsigned i = 0; i < 2; i++) {
		cleanup_sp_profile struct sp_profile q;
		cleanup_buf struct buf notes = { 0 };
		uint64_t namespace[SC_MAX_ARGS] = { 0x10000000 }, none[SC_MAX_ARGS] = { 0 };
		uint32_t arch = sc_abi_audit_arch(SC_X86_64), nr = 56;

		round_trip(&p, &q, &notes);
		assert_int_equal(sp_eval(&q, arch, nr, namespace).action, i ? SP_ALLOW : SP_ERRNO);
		assert_int_equal(sp_eval(&q, arch, nr, none).action, SP_ALLOW);
		p.rules[0].conds_n = 0; /* the second time a policy that allows namespaces */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_profiles),
		cmocka_unit_test(every_operator),
		cmocka_unit_test(says_what_does_not_fit),
		cmocka_unit_test(clone_keeps_its_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
