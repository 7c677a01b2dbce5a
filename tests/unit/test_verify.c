/* What a profile would deny of a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "generate_model.h"
#include "rules_profile.h"

#define ALLOW(name, args) \
	"{\"names\":[\"" name "\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[" args "]}"
#define ERRNO38(name) "{\"names\":[\"" name "\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38}"
#define ACT(name, action, args) \
	"{\"names\":[\"" name "\"],\"action\":\"SCMP_ACT_" action "\",\"args\":[" args "]}"
#define EQ(index, value) "{\"index\":" #index ",\"op\":\"SCMP_CMP_EQ\",\"value\":" #value "}"
#define NE(index, value) "{\"index\":" #index ",\"op\":\"SCMP_CMP_NE\",\"value\":" #value "}"
#define GE(index, value) "{\"index\":" #index ",\"op\":\"SCMP_CMP_GE\",\"value\":" #value "}"
#define MASKED(index, mask, value)                                             \
	"{\"index\":" #index ",\"op\":\"SCMP_CMP_MASKED_EQ\",\"value\":" #mask \
	",\"valueTwo\":" #value "}"

struct verdict_case {
	const char *rules;
	const char *call;
	int index; /* of the recorded argument; -1 none */
	uint64_t value;
	int verdict; /* -1: passes */
	long rule;
};

/* A model whose only call, besides what the profile allows anyway, is the one of the case. */
static void one_call(struct workload *w, const struct verdict_case *c)
{
	wl_init(w);
	w->identity.arch = "x86_64";
	wl_program_add(w, "/bin/app");
	wl_source_add(w, WL_EBPF);
	if (c->index >= 0)
		model_arg(w, c->call, c->index, c->value);
	else
		model_call(w, SC_X86_64, c->call, WL_START);
}

static void verdicts(void **state)
{
	static const struct verdict_case cases[] = {
		{ ALLOW("read", ""), "read", -1, 0, -1, 0 },
		{ ALLOW("read", ""), "write", -1, 0, VERDICT_DENIED, -1 },
		{ ERRNO38("write"), "write", -1, 0, VERDICT_DENIED, 0 },
		{ ACT("write", "LOG", ""), "write", -1, 0, -1, 0 },
		{ ACT("write", "KILL_PROCESS", ""), "write", -1, 0, VERDICT_DENIED, 0 },
		{ ACT("write", "TRACE", ""), "write", -1, 0, VERDICT_HANDED_ON, 0 },
		{ ACT("write", "NOTIFY", ""), "write", -1, 0, VERDICT_HANDED_ON, 0 },
		/* known arguments */
		{ ALLOW("prctl", EQ(0, 15)), "prctl", 0, 15, -1, 0 },
		{ ALLOW("prctl", EQ(0, 15)), "prctl", 0, 16, VERDICT_DENIED, -1 },
		{ ALLOW("prctl", EQ(0, 15)), "prctl", 0, 0x70000000f, -1, 0 }, /* an int */
		{ ALLOW("prctl", EQ(0, 4)) "," ALLOW("prctl", EQ(0, 15)), "prctl", 0, 15, -1, 0 },
		{ ALLOW("prctl", MASKED(0, 3, 1)), "prctl", 0, 5, -1, 0 },
		/* a rule with conditions beats one without */
		{ ALLOW("prctl", "") "," ACT("prctl", "KILL", EQ(0, 15)), "prctl", 0, 15,
		  VERDICT_DENIED, 1 },
		{ ALLOW("prctl", "") "," ACT("prctl", "KILL", EQ(0, 15)), "prctl", 0, 14, -1, 0 },
		/* unknown arguments */
		{ ALLOW("prctl", EQ(0, 15)), "prctl", -1, 0, VERDICT_DEPENDS, -1 },
		{ ALLOW("prctl", EQ(1, 15)), "prctl", 0, 15, VERDICT_DEPENDS, -1 },
		{ ALLOW("prctl", EQ(0, 15) "," EQ(1, 1)), "prctl", 0, 14, VERDICT_DENIED, -1 },
		{ ALLOW("prctl", GE(0, 0)), "prctl", -1, 0, -1, 0 },
		{ ALLOW("prctl", EQ(0, 1) "," EQ(0, 2)), "prctl", -1, 0, VERDICT_DENIED, -1 },
		{ ALLOW("prctl", "") "," ACT("prctl", "KILL", EQ(0, 15)), "prctl", -1, 0,
		  VERDICT_DEPENDS, 1 },
		{ ALLOW("prctl", "") "," ACT("prctl", "TRACE", EQ(0, 15)), "prctl", -1, 0,
		  VERDICT_DEPENDS, 1 },
		{ ACT("prctl", "KILL", EQ(0, 15)), "prctl", -1, 0, VERDICT_DENIED, 0 },
		/* of mknod's mode a recorder keeps only the type of the file */
		{ ALLOW("mknod", EQ(1, 8192)), "mknod", 1, 8192, VERDICT_DEPENDS, -1 },
		/* clone3: what is recorded are the flags, not the register */
		{ ALLOW("clone3", EQ(0, 256)), "clone3", 0, 256, VERDICT_DEPENDS, -1 },
		{ ERRNO38("clone3"), "clone3", 0, 256, VERDICT_DENIED, 0 },
		{ ERRNO38("clone3") "," ALLOW("clone", MASKED(0, 2114060288, 0)), "clone3", 0, 256,
		  VERDICT_FALLBACK, 0 },
		{ ERRNO38("clone3") "," ALLOW("clone", MASKED(0, 2114060288, 0)), "clone3", 0,
		  CLONE_NEWUSER, VERDICT_DENIED, 0 },
		{ ERRNO38("clone3") "," ALLOW("clone", MASKED(0, 2114060288, 0)), "clone3", -1, 0,
		  VERDICT_DEPENDS, 0 },
		{ ACT("clone3", "KILL", "") "," ALLOW("clone", ""), "clone3", 0, 256,
		  VERDICT_DENIED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_workload struct workload w;
		cleanup_sp_profile struct sp_profile p;
		cleanup_verify_report struct verify_report r = { 0 };
		struct verify_options o = { .profile = &p };
		struct err e;

		read_profile(&p, cases[i].rules);
		one_call(&w, &cases[i]);
		assert_int_equal(0, verify_model(&w, &o, &r, &e));
		if (r.calls_n != (cases[i].verdict >= 0))
			fail_msg("case %zu: %zu calls reported", i, r.calls_n);
		if (cases[i].verdict < 0)
			continue;
		if ((int)r.calls[0].verdict != cases[i].verdict || r.calls[0].rule != cases[i].rule)
			fail_msg("case %zu: verdict %d, rule %ld", i, r.calls[0].verdict,
				 r.calls[0].rule);
		assert_int_equal(cases[i].verdict == VERDICT_DENIED, verify_denials(&r));
	}
}

static void phases_and_architectures(void **state)
{
	cleanup_workload struct workload w;
	cleanup_sp_profile struct sp_profile p;
	cleanup_verify_report struct verify_report r = { 0 };
	struct verify_options o = { .profile = &p };
	struct err e;

	(void)state;
	read_profile(&p, ALLOW("read", "") "," ALLOW("exit_group", "") "," ALLOW("execve", ""));
	model_init(&w);
	model_call(&w, SC_X86_64, "mount", WL_RUNTIME);
	assert_int_equal(0, verify_model(&w, &o, &r, &e));
	assert_int_equal(0, r.calls_n);
	assert_int_equal(3, r.checked);
	verify_report_free(&r);
	model_call(&w, SC_X86_64, "capset", WL_SEALED);
	model_call(&w, SC_I386, "read", WL_SERVING);
	wl_prov_add(&wl_syscall_add(&w, SC_X86_64, 999)->prov, WL_PHASE_BIT(WL_START), 0, 0);
	assert_int_equal(0, verify_model(&w, &o, &r, &e));
	assert_int_equal(3, verify_denials(&r));
	assert_string_equal("capset", r.calls[0].name);
	assert_int_equal(-2, r.calls[1].rule);
	assert_int_equal(SP_KILL_PROCESS, r.calls[1].ret.action);
	assert_null(r.calls[2].name);
	assert_int_equal(999, r.calls[2].nr);
}

/* What one source recorded does not say with which arguments another one saw the call. */
static void incomplete_arguments(void **state)
{
	cleanup_workload struct workload w;
	cleanup_sp_profile struct sp_profile p;
	cleanup_verify_report struct verify_report r = { 0 };
	struct verify_options o = { .profile = &p };
	struct err e;

	(void)state;
	read_profile(&p, ALLOW("read", "") "," ALLOW("exit_group", "") "," ALLOW(
				 "execve", "") "," ALLOW("prctl", EQ(0, 15)));
	model_init(&w);
	model_arg(&w, "prctl", 0, 15);
	wl_prov_add(&model_call(&w, SC_X86_64, "prctl", WL_START)->prov, 0, 0,
		    wl_source_add(&w, WL_STATIC));
	assert_int_equal(0, verify_model(&w, &o, &r, &e));
	assert_int_equal(1, r.calls_n);
	assert_int_equal(VERDICT_DEPENDS, r.calls[0].verdict);
}

static void bases_and_capabilities(void **state)
{
	cleanup_workload struct workload w;
	cleanup_sp_profile struct sp_profile p;
	cleanup_verify_report struct verify_report r = { 0 };
	struct verify_options o = { .profile = &p, .runtime = "crun", .runtime_version = "1.8.1" };
	struct err e;

	(void)state;
	read_profile(&p, ALLOW("read", "") "," ALLOW("exit_group", "") "," ALLOW("execve", ""));
	model_init(&w);
	wl_prov_add(&wl_cap_add(&w, 6, WL_CAP_GRANTED, "setgid", "", false, false)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
	wl_prov_add(&wl_cap_add(&w, 7, WL_CAP_GRANTED, "setuid", "", false, false)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
	o.check_caps = true;
	o.caps = 1u << 7;
	assert_int_equal(0, verify_model(&w, &o, &r, &e));
	assert_int_equal(1u << 6, r.caps_denied);
	assert_string_equal("crun 1.8.1", r.runtime);
	for (size_t i = 0; i < r.calls_n; i++)
		assert_null(r.calls[i].prov);
	assert_int_equal(13, r.calls_n); /* 15 without execve and read */
	assert_int_equal(14, verify_denials(&r));
	verify_report_free(&r);
	o.runtime = "nonsense";
	assert_int_equal(-EINVAL, verify_model(&w, &o, &r, &e));
}

static void reports(void **state)
{
	cleanup_workload struct workload w;
	cleanup_sp_profile struct sp_profile p;
	cleanup_verify_report struct verify_report r = { 0 };
	cleanup_buf struct buf text = { 0 };
	cleanup_json struct json_object *json = NULL;
	struct json_object *calls, *first, *v;
	struct verify_options o = { .profile = &p };
	struct err e;

	(void)state;
	read_profile(&p, ALLOW("read", "") "," ALLOW("exit_group", "") "," ALLOW("execve", ""));
	model_init(&w);
	model_socket(&w, AF_INET, SOCK_STREAM, 6);
	assert_int_equal(0, verify_model(&w, &o, &r, &e));
	verify_text(&w, &r, &text);
	assert_string_equal("Denied:\n"
			    "  x86_64 socket(0: AF_INET, 1: SOCK_STREAM, 2: IPPROTO_TCP)  ERRNO 1: "
			    "default action  [start; app]\n"
			    "1 denied (4 calls checked).\n",
			    buf_str(&text));
	json = verify_json(&w, &r);
	assert_true(json_object_object_get_ex(json, "denials", &v));
	assert_int_equal(1, json_object_get_int(v));
	assert_true(json_object_object_get_ex(json, "calls", &calls));
	first = json_object_array_get_idx(calls, 0);
	assert_true(json_object_object_get_ex(first, "syscall", &v));
	assert_string_equal("socket", json_object_get_string(v));
	assert_true(json_object_object_get_ex(first, "place", &v));
	assert_string_equal("default", json_object_get_string(v));
	assert_true(json_object_object_get_ex(first, "args", &v));
	assert_int_equal(3, json_object_array_length(v));
}

/* A profile of random rules on prctl, whose first argument is an int and the others are longs. */
static void random_profile(struct sp_profile *p, unsigned *seed)
{
	static const enum sp_action actions[] = { SP_ALLOW, SP_ALLOW, SP_KILL_THREAD, SP_ERRNO };

	sp_init(p);
	p->abi[SC_X86_64] = true;
	for (unsigned i = 1 + (unsigned)rand_r(seed) % 4; i--;) {
		enum sp_action a = actions[(unsigned)rand_r(seed) % ARRAY_SIZE(actions)];
		struct sp_rule *r = sp_rule_add(p, (struct sp_ret){ a, a == SP_ERRNO ? 1 : 0 },
						NULL);

		sp_rule_name(p, r, "prctl");
		for (unsigned k = (unsigned)rand_r(seed) % 4; k--;)
			sp_rule_cond(r, (uint8_t)((unsigned)rand_r(seed) % 3),
				     (enum sp_op)((unsigned)rand_r(seed) % SP_OP_COUNT),
				     (uint64_t)rand_r(seed) % 4, (uint64_t)rand_r(seed) % 4);
	}
}

/* What is reported as denied, or not at all, holds for every value of the arguments not recorded.
 */
static void agrees_with_evaluation(void **state)
{
	unsigned seed = 7, denied = 0, depends = 0, passes = 0;
	static const struct verdict_case call = { NULL, "prctl", 0, 0, 0, 0 };

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		cleanup_workload struct workload w;
		cleanup_sp_profile struct sp_profile p;
		cleanup_verify_report struct verify_report r = { 0 };
		struct verify_options o = { .profile = &p };
		struct verdict_case c = call;
		bool good = false, bad = false;
		struct err e;

		random_profile(&p, &seed);
		c.value = (uint64_t)rand_r(&seed) % 4;
		one_call(&w, &c);
		assert_int_equal(0, verify_model(&w, &o, &r, &e));
		for (unsigned k = 0; k < 36; k++) {
			uint64_t args[6] = { c.value, k % 6, k / 6 };
			struct sp_ret ret = sp_eval(&p, sc_abi_audit_arch(SC_X86_64), 157, args);

			good = good || ret.action == SP_ALLOW;
			bad = bad || ret.action != SP_ALLOW;
		}
		if (!r.calls_n) {
			assert_false(bad);
			passes++;
		} else if (r.calls[0].verdict == VERDICT_DENIED) {
			assert_false(good);
			denied++;
		} else {
			depends++;
		}
	}
	assert_true(denied > 100 && depends > 100 && passes > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(phases_and_architectures),
		cmocka_unit_test(incomplete_arguments),
		cmocka_unit_test(bases_and_capabilities),
		cmocka_unit_test(reports),
		cmocka_unit_test(agrees_with_evaluation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
