/* Precedence of rules, remarks on rules that do nothing, frequencies, limits, complaining. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "confine/confine.h"
#include "patience.h"
#include "profile/compare.h"
#include "random_profile.h"

#define C(i, o, v)                                   \
	{                                            \
		.index = i, .op = SP_##o, .value = v \
	}

struct rule {
	enum sp_action action;
	size_t n;
	struct sp_cond c[2];
};

static void add_rule(struct sp_profile *p, const char *name, const struct rule *x)
{
	struct sp_ret ret = { x->action, x->action == SP_ERRNO ? 5 : 0 };
	struct sp_rule *r = sp_rule_add(p, ret, NULL);

	sp_rule_name(p, r, name);
	for (size_t i = 0; i < x->n; i++)
		sp_rule_cond(r, x->c[i].index, x->c[i].op, x->c[i].value, x->c[i].value2);
}

static void begin(struct sp_profile *p)
{
	sp_init(p);
	p->deflt = (struct sp_ret){ SP_KILL_PROCESS, 0 };
	p->abi[SC_X86_64] = true;
}

struct precedence_case {
	struct rule rule[2];
	uint64_t a0, a1;
	enum sp_action want;
};

/* clang-format off */
static const struct precedence_case precedence[] = {
	{ { { SP_ERRNO, 1, { C(0, EQ, 1) } }, { SP_ALLOW, 0, { { 0 } } } }, 1, 0, SP_ERRNO },
	{ { { SP_ERRNO, 1, { C(0, EQ, 1) } }, { SP_ALLOW, 0, { { 0 } } } }, 2, 0, SP_ALLOW },
	{ { { SP_ALLOW, 0, { { 0 } } }, { SP_ERRNO, 0, { { 0 } } } }, 1, 0, SP_ERRNO },
	{ { { SP_ALLOW, 1, { C(0, EQ, 1) } }, { SP_ERRNO, 1, { C(1, EQ, 2) } } }, 1, 2, SP_ERRNO },
	{ { { SP_ALLOW, 1, { C(0, EQ, 1) } }, { SP_ERRNO, 1, { C(1, EQ, 2) } } }, 1, 3, SP_ALLOW },
	{ { { SP_ALLOW, 1, { C(0, EQ, 1) } }, { SP_ERRNO, 1, { C(1, EQ, 2) } } }, 2, 3, SP_KILL_PROCESS },
	{ { { SP_ALLOW, 1, { C(0, EQ, 1) } }, { SP_ERRNO, 1, { C(0, EQ, 1) } } }, 1, 0, SP_ERRNO },
	{ { { SP_ERRNO, 2, { C(0, EQ, 1), C(1, EQ, 2) } }, { SP_ALLOW, 1, { C(0, EQ, 1) } } }, 1, 2, SP_ERRNO },
	{ { { SP_ERRNO, 2, { C(0, EQ, 1), C(1, EQ, 2) } }, { SP_ALLOW, 1, { C(0, EQ, 1) } } }, 1, 3, SP_ALLOW },
};
/* clang-format on */

/* The same in both orders of the rules, for the meaning and for the filter. */
static void precedence_is_fixed(void **state)
{
	int nr = sc_nr(SC_X86_64, "mincore");

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(precedence); i++) {
		const struct precedence_case *x = &precedence[i / 2];
		struct seccomp_data sd = { nr, AUDIT_ARCH_X86_64, 0, { x->a0, x->a1 } };
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		struct err e = { 0 };

		begin(&p);
		add_rule(&p, "mincore", &x->rule[i % 2]);
		add_rule(&p, "mincore", &x->rule[1 - i % 2]);
		assert_int_equal(meaning(&p, &sd).action, x->want);
		assert_int_equal(sp_compile_proven(&p, NULL, &f, &e), 0);
		assert_int_equal(sp_ret_of_word(sp_run(&f, &sd)).action, x->want);
	}
}

struct remark_case {
	size_t n;
	struct rule rule[3];
	const char *remark; /* NULL: none */
};

/* clang-format off */
static const struct remark_case remarks[] = {
	{ 1, { { SP_ALLOW, 0, { { 0 } } } }, NULL },
	{ 2, { { SP_ALLOW, 0, { { 0 } } }, { SP_ERRNO, 1, { C(0, EQ, 1) } } }, NULL },
	{ 2, { { SP_ALLOW, 0, { { 0 } } }, { SP_ERRNO, 0, { { 0 } } } },
	  "/syscalls/0: the rule never decides anything (mincore): other rules always win, such as /syscalls/1\n" },
	{ 2, { { SP_ERRNO, 1, { C(0, LE, 9) } }, { SP_ALLOW, 1, { C(0, EQ, 4) } } },
	  "/syscalls/1: the rule never decides anything (mincore): other rules always win, such as /syscalls/0\n" },
	{ 3, { { SP_ERRNO, 1, { C(0, LE, 9) } }, { SP_ERRNO, 1, { C(0, GT, 9) } }, { SP_ALLOW, 0, { { 0 } } } },
	  "/syscalls/2: the rule never decides anything (mincore): other rules always win, such as /syscalls/0\n" },
	{ 1, { { SP_ALLOW, 2, { C(0, LT, 5), C(0, GT, 5) } } },
	  "/syscalls/0: the rule never decides anything (mincore): its conditions can never hold together\n" },
	{ 2, { { SP_ALLOW, 1, { C(0, EQ, 1) } }, { SP_ALLOW, 1, { C(0, EQ, 1) } } },
	  "/syscalls/1: the rule never decides anything (mincore): other rules always win, such as /syscalls/0\n" },
};
/* clang-format on */

static void idle_rules_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(remarks); i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_buf struct buf notes = { 0 };

		begin(&p);
		for (size_t k = 0; k < remarks[i].n; k++)
			add_rule(&p, "mincore", &remarks[i].rule[k]);
		sp_remarks(&p, &notes);
		assert_string_equal(buf_str(&notes), remarks[i].remark ? remarks[i].remark : "");
	}
}

/* Without a rule that never decides, the profile means the same. */
static void idle_rules_can_go(void **state)
{
	struct source s = { .state = 0x1d1e };
	size_t gone = 0;

	(void)state;
	for (size_t i = 0; i < 500; i++) {
		cleanup_sp_profile struct sp_profile p;
		struct sp_operand a = { .name = "A" }, b = { .name = "B", .profile = &p };
		cleanup_sp_filter struct sp_filter f = { 0 };
		cleanup_buf struct buf notes = { 0 };
		struct sp_difference d;
		struct err e = { 0 };

		random_profile(&p, &s, 6, false);
		sp_remarks(&p, &notes);
		if (!strstr(buf_str(&notes), "never decides anything"))
			continue;
		assert_int_equal(sp_compile(&p, &f, &e), 0);
		a.filters = &f;
		a.filters_n = 1;
		for (size_t k = p.rules_n; k-- > 0;) {
			char place[64];

			snprintf(place, sizeof(place), "/syscalls/%zu: the rule never decides any",
				 k);
			if (strstr(buf_str(&notes), place)) {
				p.rules[k].names_n = 0;
				gone++;
			}
		}
		assert_int_equal(sp_compare(&a, &b, SP_EQUAL, &d, &e), 0);
	}
	assert_true(gone > 50);
}

struct frequency_case {
	const char *text;
	int r;
	uint64_t read, socket;
};

static const struct frequency_case frequency_cases[] = {
	{ "", 0, 0, 0 },
	{ "read 5\nsocket 70\n", 0, 5, 70 },
	{ "# what\n\n  read\t5\nread 6", 0, 11, 0 },
	{ "% time     seconds  usecs/call     calls    errors syscall\n"
	  "------ ----------- ----------- --------- --------- ----------------\n"
	  " 49.12    0.000056           3        16           read\n"
	  " 50.88    0.000058          58         9         2 socket\n"
	  "------ ----------- ----------- --------- --------- ----------------\n"
	  "100.00    0.000114           4        25         2 total\n",
	  0, 16, 9 },
	{ "no_such_call 5\n", 0, 0, 0 },
	{ "read\n", -EINVAL, 0, 0 },
	{ "read many\n", -EINVAL, 0, 0 },
	{ "read -1\n", -EINVAL, 0, 0 },
	{ "read 99999999999999999999\n", -EINVAL, 0, 0 },
	{ "a b c\n", -EINVAL, 0, 0 },
};

static void frequencies_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(frequency_cases); i++) {
		const struct frequency_case *x = &frequency_cases[i];
		cleanup_sp_frequencies struct sp_frequencies f = { 0 };
		struct err e = { 0 };

		assert_int_equal(sp_frequencies_read(&f, "counts", x->text, &e), x->r);
		if (x->r < 0) {
			assert_non_null(strstr(e.msg, "counts:1:"));
			continue;
		}
		assert_int_equal(sp_frequency(&f, sc_by_name("read")), x->read);
		assert_int_equal(sp_frequency(&f, sc_by_name("socket")), x->socket);
	}
}

/* Instructions that run for the call. */
static size_t steps(const struct sp_filter *f, const char *name)
{
	struct seccomp_data sd = { sc_nr(SC_X86_64, name), AUDIT_ARCH_X86_64, 0, { 0 } };
	uint32_t a = 0;
	size_t n = 1;

	for (size_t pc = 0; BPF_CLASS(f->insn[pc].code) != BPF_RET; n++) {
		const struct sock_filter *i = &f->insn[pc];

		if (BPF_CLASS(i->code) == BPF_LD) {
			memcpy(&a, (const char *)&sd + i->k, sizeof(a));
			pc++;
		} else if (BPF_OP(i->code) == BPF_JA) {
			pc += 1 + i->k;
		} else {
			bool taken = BPF_OP(i->code) == BPF_JEQ ? a == i->k : a >= i->k;

			assert_true(BPF_OP(i->code) == BPF_JEQ || BPF_OP(i->code) == BPF_JGE);
			pc += 1u + (taken ? i->jt : i->jf);
		}
	}
	return n;
}

static void frequent_calls_come_early(void **state)
{
	cleanup_sp_profile struct sp_profile p;
	cleanup_sp_filter struct sp_filter f = { 0 }, g = { 0 };
	cleanup_sp_frequencies struct sp_frequencies often = { 0 };
	struct sp_operand a = { .name = "A", .filters = &f, .filters_n = 1 };
	struct sp_operand b = { .name = "B", .filters = &g, .filters_n = 1 };
	struct sp_difference d;
	struct err e = { 0 };
	struct sp_rule *r;

	(void)state;
	begin(&p);
	r = sp_rule_add(&p, (struct sp_ret){ SP_LOG, 0 }, NULL);
	for (size_t i = 0; i < sc_count(); i += 2)
		sp_rule_name(&p, r, sc_at(i)->name);
	sp_rule_name(&p, r, "getppid");
	assert_int_equal(sp_compile_proven(&p, NULL, &f, &e), 0);
	assert_int_equal(sp_frequencies_read(&often, "f", "getppid 1000000\nread 3\n", &e), 0);
	assert_int_equal(sp_compile_proven(&p, &often, &g, &e), 0);
	assert_int_equal(sp_compare(&a, &b, SP_EQUAL, &d, &e), 0);
	assert_true(steps(&g, "getppid") + 3 < steps(&f, "getppid"));
	assert_true(steps(&g, "getppid") <= 7);
}

/* Rules that name everything, with conditions that all differ. */
static void huge(struct sp_profile *p, size_t rules, size_t names)
{
	begin(p);
	p->abi[SC_I386] = p->abi[SC_X32] = p->abi[SC_AARCH64] = true;
	for (size_t i = 0; i < rules; i++) {
		struct sp_rule *r = sp_rule_add(
			p, (struct sp_ret){ i % 3 ? SP_ERRNO : SP_ALLOW, (uint16_t)(i % 7) }, NULL);

		for (size_t k = 0; k < names; k++)
			sp_rule_name(p, r, sc_at(k)->name);
		for (unsigned k = 0; k < 6; k++)
			sp_rule_cond(r, (uint8_t)k, SP_MASKED_EQ, 0x5a5a5 ^ (i * 77 + k),
				     (0x5a5a5 ^ (i * 77 + k)) & (i * 131));
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Everything ends, and says that it is too much; the limit is generous for sanitizer builds. */
static void nothing_takes_for_ever(void **state)
{
	static const struct {
		size_t rules, names;
	} sizes[] = { { 4096, 24 }, { 400, 250 }, { 3000, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		cleanup_buf struct buf notes = { 0 };
		struct err e = { 0 };
		double start = seconds();
		int r;

		huge(&p, sizes[i].rules, sizes[i].names);
		r = sp_check(&p, &e);
		assert_true(r == -E2BIG || r == -EINVAL || r == 0);
		assert_int_equal(sp_compile(&p, &f, &e), -E2BIG);
		sp_remarks(&p, &notes);
		if (seconds() - start > 40 * patience())
			fail_msg("%zu rules took %.1f s", sizes[i].rules, seconds() - start);
	}
}

static void complaining_is_proven(void **state)
{
	struct source s = { .state = 0xc0321 };

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		struct err e = { 0 };
		bool denies = false;

		random_profile(&p, &s, 6, false);
		assert_int_equal(sp_compile(&p, &f, &e), 0);
		assert_int_equal(seccomp_complain(f.insn, f.n, &e), 0);
		assert_int_equal(sp_prove_complain(&p, &f, &e), 0);
		for (size_t k = 0; k < f.n && !denies; k++) {
			if (f.insn[k].code != (BPF_RET | BPF_K) ||
			    f.insn[k].k != SECCOMP_RET_USER_NOTIF)
				continue;
			f.insn[k].k = SECCOMP_RET_ALLOW;
			denies = true;
		}
		if (denies)
			assert_int_equal(sp_prove_complain(&p, &f, &e), -EILSEQ);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(precedence_is_fixed),
		cmocka_unit_test(idle_rules_are_named),
		cmocka_unit_test(idle_rules_can_go),
		cmocka_unit_test(frequencies_are_read),
		cmocka_unit_test(frequent_calls_come_early),
		cmocka_unit_test(nothing_takes_for_ever),
		cmocka_unit_test(complaining_is_proven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
