/* Comparing profiles and filters: each answer is checked against single calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "profile/compare.h"
#include "random_profile.h"

enum { PAIRS = 2000, CALLS = 40 };

static struct sp_operand profile_operand(const char *name, const struct sp_profile *p)
{
	return (struct sp_operand){ .name = name, .profile = p };
}

/* A profile for x86-64 with default ERRNO EPERM and these rules on socket(2), allowed. */
struct rule_case {
	size_t n;
	struct sp_cond c[2];
};

static void socket_profile(struct sp_profile *p, const struct rule_case *rule, size_t n)
{
	sp_init(p);
	p->abi[SC_X86_64] = true;
	for (size_t i = 0; i < n; i++) {
		struct sp_rule *r = sp_rule_add(p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);

		sp_rule_name(p, r, "socket");
		for (size_t k = 0; k < rule[i].n; k++)
			sp_rule_cond(r, rule[i].c[k].index, rule[i].c[k].op, rule[i].c[k].value,
				     rule[i].c[k].value2);
	}
}

#define C(i, o, v)                                   \
	{                                            \
		.index = i, .op = SP_##o, .value = v \
	}

struct relation_case {
	struct rule_case a[2], b[2];
	size_t an, bn;
	int equal, subset; /* what sp_compare() returns */
	uint64_t a0;	   /* of the counter-example to `subset` */
};

/* clang-format off */
static const struct relation_case relations[] = {
	/* An int is compared as one: nothing above bit 31 counts. */
	{ { { 1, { C(0, EQ, 2) } } }, { { 1, { { 0, SP_MASKED_EQ, 0xffffffff, 2 } } } }, 1, 1, 0, 0, 0 },
	{ { { 1, { C(0, EQ, 2) } } }, { { 1, { C(0, LE, 2) } } }, 1, 1, -EILSEQ, 0, 0 },
	{ { { 1, { C(0, LE, 2) } } }, { { 1, { C(0, EQ, 2) } } }, 1, 1, -EILSEQ, -EILSEQ, 0 },
	{ { { 1, { C(0, LE, 2) } } }, { { 1, { C(0, LT, 2) } } }, 1, 1, -EILSEQ, -EILSEQ, 2 },
	{ { { 1, { C(0, LT, 2) } }, { 1, { C(0, GT, 1) } } }, { { 0 } }, 2, 1, 0, 0, 0 },
	{ { { 1, { C(0, NE, 7) } } }, { { 1, { C(0, LT, 7) } }, { 1, { C(0, GT, 7) } } }, 1, 2, 0, 0, 0 },
	{ { { 2, { C(0, GE, 4), C(0, LE, 8) } } }, { { 1, { C(0, GE, 5) } } }, 1, 1, -EILSEQ, -EILSEQ, 4 },
};
/* clang-format on */

static void relations_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(relations); i++) {
		const struct relation_case *x = &relations[i];
		cleanup_sp_profile struct sp_profile p, q;
		struct sp_operand a = profile_operand("A", &p), b = profile_operand("B", &q);
		struct sp_difference d;
		struct err e = { 0 };

		socket_profile(&p, x->a, x->an);
		socket_profile(&q, x->b, x->bn);
		assert_int_equal(sp_compare(&a, &b, SP_EQUAL, &d, &e), x->equal);
		assert_int_equal(sp_compare(&a, &b, SP_SUBSET, &d, &e), x->subset);
		if (!x->subset)
			continue;
		assert_int_equal(d.sd.nr, sc_nr(SC_X86_64, "socket"));
		assert_int_equal(d.sd.args[0], x->a0);
		assert_int_equal(d.a.action, SP_ALLOW);
		assert_int_equal(d.b.action, SP_ERRNO);
	}
}

/* Other data of the same action is a difference, but no reason why A is no subset of B. */
static void data_counts_for_equal_only(void **state)
{
	cleanup_sp_profile struct sp_profile p, q;
	struct sp_operand a = profile_operand("A", &p), b = profile_operand("B", &q);
	struct sp_difference d;
	struct err e = { 0 };

	(void)state;
	socket_profile(&p, NULL, 0);
	socket_profile(&q, NULL, 0);
	q.deflt.data = ENOSYS;
	assert_int_equal(sp_compare(&a, &b, SP_SUBSET, &d, &e), 0);
	assert_int_equal(sp_compare(&b, &a, SP_SUBSET, &d, &e), 0);
	assert_int_equal(sp_compare(&a, &b, SP_EQUAL, &d, &e), -EILSEQ);
	assert_int_equal(d.a.data, EPERM);
	assert_int_equal(d.b.data, ENOSYS);
	assert_non_null(strstr(e.msg, "ERRNO EPERM with A, ERRNO ENOSYS with B"));
}

/* What two filters on one thread do, computed the way the kernel does it. */
static struct sp_ret both(const struct sp_filter f[2], const struct seccomp_data *sd)
{
	uint32_t newer = sp_run(&f[0], sd), older = sp_run(&f[1], sd);
	int32_t n = (int32_t)(newer & SECCOMP_RET_ACTION_FULL);
	int32_t o = (int32_t)(older & SECCOMP_RET_ACTION_FULL);

	return sp_ret_of_word(o < n ? older : newer);
}

static bool breaks(enum sp_relation want, struct sp_ret a, struct sp_ret b)
{
	return want == SP_EQUAL ? sp_ret_cmp(a, b) != 0 : b.action < a.action;
}

/* Profiles, one filter and two, in all combinations; every answer is tried on calls. */
static void answers_agree_with_calls(void **state)
{
	struct source s = { .state = 0xc0ffee };
	size_t differ[2] = { 0 }, hold[2] = { 0 };

	(void)state;
	for (size_t i = 0; i < PAIRS; i++) {
		cleanup_sp_profile struct sp_profile p, q;
		struct sp_filter f[2] = { 0 };
		struct sp_operand a = profile_operand("A", &p), b = { .name = "B" };
		enum sp_relation want = i % 2 ? SP_EQUAL : SP_SUBSET;
		struct sp_difference d;
		struct err e = { 0 };
		int r;

		random_profile(&p, &s, 4, i % 3 == 0);
		random_profile(&q, &s, 2, true);
		/* B does what A does, restricted by a second filter, which may say nothing. */
		assert_int_equal(sp_compile(&q, &f[0], &e), 0);
		assert_int_equal(sp_compile(&p, &f[1], &e), 0);
		b.filters = f;
		b.filters_n = 1 + i / 2 % 2;
		if (b.filters_n == 1)
			b.filters++;
		r = i / 4 % 2 ? sp_compare(&a, &b, want, &d, &e) : sp_compare(&b, &a, want, &d, &e);
		if (b.filters_n == 1)
			assert_int_equal(r, 0);
		if (r == -EILSEQ) {
			struct sp_ret x = meaning(&p, &d.sd), y = both(f, &d.sd);

			differ[want]++;
			assert_true(i / 4 % 2 ? breaks(want, x, y) : breaks(want, y, x));
			assert_int_equal(sp_ret_cmp(i / 4 % 2 ? d.a : d.b, x), 0);
			assert_int_equal(sp_ret_cmp(i / 4 % 2 ? d.b : d.a, y), 0);
		} else {
			assert_int_equal(r, 0);
			hold[want]++;
		}
		for (size_t k = 0; r == 0 && b.filters_n == 2 && k < CALLS; k++) {
			struct seccomp_data sd;

			random_call(&s, &p, &sd);
			assert_false(i / 4 % 2 ? breaks(want, meaning(&p, &sd), both(f, &sd))
					       : breaks(want, both(f, &sd), meaning(&p, &sd)));
		}
		sp_filter_free(&f[0]);
		sp_filter_free(&f[1]);
	}
	assert_true(differ[SP_EQUAL] > PAIRS / 20 && differ[SP_SUBSET] > PAIRS / 20);
	assert_true(hold[SP_EQUAL] > PAIRS / 20 && hold[SP_SUBSET] > PAIRS / 20);
}

/* What the diagrams do not cover is tried, and said to be no proof. */
static void computed_verdicts_are_tried(void **state)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16), /* arg 0, shifted: 0x1230 … 0x123f */
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x1230, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_filter same[ARRAY_SIZE(insn)];
	struct sp_filter f = { insn, ARRAY_SIZE(insn) }, g = { same, ARRAY_SIZE(same) };
	struct sp_operand a = { .name = "A", .filters = &f, .filters_n = 1 };
	struct sp_operand b = { .name = "B", .filters = &g, .filters_n = 1 };
	struct sp_difference d;
	struct err e = { 0 };

	(void)state;
	memcpy(same, insn, sizeof(insn));
	assert_int_equal(sp_compare(&a, &b, SP_EQUAL, &d, &e), SP_SAMPLED);
	same[1] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 0);
	assert_int_equal(sp_compare(&a, &b, SP_EQUAL, &d, &e), -EILSEQ);
	assert_int_equal(d.sd.args[0], 0x1230);
	same[1] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32);
	assert_int_equal(sp_compare(&a, &b, SP_EQUAL, &d, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "B: instruction 1"));
}

/* Without a filter everything is allowed. */
static void no_filter_allows_all(void **state)
{
	cleanup_sp_profile struct sp_profile p;
	struct sp_operand a = profile_operand("A", &p), b = { .name = "B" };
	struct sp_difference d;
	struct err e = { 0 };

	(void)state;
	socket_profile(&p, NULL, 0);
	assert_int_equal(sp_compare(&a, &b, SP_SUBSET, &d, &e), 0);
	assert_int_equal(sp_compare(&b, &a, SP_SUBSET, &d, &e), -EILSEQ);
}

struct text_case {
	struct seccomp_data sd;
	const char *text;
};

static const struct text_case texts[] = {
	{ { 41, AUDIT_ARCH_X86_64, 0, { 1, 0x80001, 0 } },
	  "x86_64 socket(family=AF_UNIX, type=SOCK_STREAM|SOCK_CLOEXEC, protocol=0)" },
	{ { 41, AUDIT_ARCH_X86_64, 0, { 0x100000028, 1, 0 } },
	  "x86_64 socket(family=0x100000028 (as 32 bits: AF_VSOCK), type=SOCK_STREAM, "
	  "protocol=0)" },
	{ { 0x40000000 + 39, AUDIT_ARCH_X86_64, 4096, { 0 } }, "x32 getpid() at 0x1000" },
	{ { -1, AUDIT_ARCH_I386, 0, { 0, 7 } },
	  "i386 number 4294967295 (0xffffffff)(register 0=0x0, register 1=0x7)" },
	{ { 5, 0x1234, 0, { 0 } }, "architecture 0x00001234 number 5 (0x5)()" },
};

static void calls_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_buf struct buf b = { 0 };

		sp_call_text(&texts[i].sd, &b);
		assert_string_equal(buf_str(&b), texts[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relations_are_right),
		cmocka_unit_test(data_counts_for_equal_only),
		cmocka_unit_test(answers_agree_with_calls),
		cmocka_unit_test(computed_verdicts_are_tried),
		cmocka_unit_test(no_filter_allows_all),
		cmocka_unit_test(calls_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
