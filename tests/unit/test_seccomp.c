#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/region.h"
#include "random_profile.h"
#include "shared_path.h"

static const struct sp_host amd64 = { .native = SC_X86_64,
				      .caps = 0xa80425fb,
				      .kernel = { 6, 1, 0 } };

static int read_text(struct sp_profile *p, const char *text, const struct sp_host *h,
		     struct buf *unknown, struct err *e)
{
	cleanup_json_doc struct json_doc d = { 0 };
	int r = json_parse(&d, "p.json", text, strlen(text), e);

	return r < 0 ? r : sp_read(p, &d, h, unknown, e);
}

static void read_ok(struct sp_profile *p, const char *text, const struct sp_host *h)
{
	struct err e = { 0 };

	if (read_text(p, text, h, NULL, &e) < 0)
		fail_msg("%s\n%s", text, e.msg);
}

static struct sp_ret ask(const struct sp_profile *p, enum sc_abi abi, const char *name, uint64_t a0,
			 uint64_t a1, uint64_t a2)
{
	const uint64_t args[SC_MAX_ARGS] = { a0, a1, a2 };
	int nr = sc_nr(abi, name);

	assert_true(nr >= 0);
	return sp_eval(p, sc_abi_audit_arch(abi), (uint32_t)nr | (abi == SC_X32 ? SC_X32_BIT : 0),
		       args);
}

static void assert_ret(struct sp_ret got, enum sp_action action, unsigned data)
{
	assert_string_equal(sp_action_name(got.action), sp_action_name(action));
	assert_int_equal(got.data, data);
}

static struct sp_rule *rule(struct sp_profile *p, enum sp_action a, uint16_t data, const char *name)
{
	struct sp_rule *r = sp_rule_add(p, (struct sp_ret){ a, data }, NULL);

	sp_rule_name(p, r, name);
	return r;
}

static void actions_have_the_kernels_words(void **state)
{
	(void)state;
	for (unsigned a = 0; a < SP_ACTION_COUNT; a++) {
		struct sp_ret r = { (enum sp_action)a, 77 };
		struct sp_ret back = sp_ret_of_word(sp_ret_word(r));

		assert_int_equal(back.action, a);
		assert_int_equal(back.data, sp_action_takes_data(r.action) ? 77 : 0);
		/* The kernel takes the smallest, as a signed number, of several filters. */
		if (a)
			assert_true((int32_t)sp_ret_word((struct sp_ret){ a - 1, 0 }) <
				    (int32_t)sp_ret_word((struct sp_ret){ a, 0 }));
	}
	assert_ret(sp_ret_of_word(0x12340000), SP_KILL_PROCESS, 0);
	assert_ret(sp_ret_of_word(SECCOMP_RET_ALLOW | 5), SP_ALLOW, 0);
	assert_ret(sp_ret_of_word(SECCOMP_RET_ERRNO | 5), SP_ERRNO, 5);
	assert_null(sp_action_name(SP_ACTION_COUNT));
	assert_null(sp_op_name(SP_OP_COUNT));
	assert_string_equal(sp_op_name(SP_MASKED_EQ), "SCMP_CMP_MASKED_EQ");
}

/* One condition, its argument, and whether it holds. mkdirat: fd 32 bits, path 64, mode 16. */
static const struct {
	uint8_t index;
	enum sp_op op;
	uint64_t value, value2, arg;
	bool holds;
} widths[] = {
	{ 0, SP_EQ, 0xffffffff, 0, 0xffffffff, true },
	{ 0, SP_EQ, 0xffffffff, 0, 0xffffffffffffffff, true },
	{ 0, SP_EQ, 5, 0, 0x100000005, true },
	{ 0, SP_EQ, 0x100000005, 0, 0x100000005, false },
	{ 0, SP_NE, 0x100000005, 0, 5, true },
	{ 0, SP_LT, 6, 0, 0xffffffff00000005, true },
	{ 0, SP_GT, 0xffffffff, 0, UINT64_MAX, false },
	{ 0, SP_GE, 0x80000000, 0, 0xffffffff80000000, true },
	{ 1, SP_EQ, 5, 0, 0x100000005, false },
	{ 1, SP_GT, 0xffffffff, 0, 0x100000000, true },
	{ 1, SP_LE, UINT64_MAX, 0, UINT64_MAX, true },
	{ 1, SP_LT, 0, 0, 0, false },
	{ 1, SP_GE, 0, 0, 0, true },
	{ 2, SP_EQ, 0x1ff, 0, 0xabcd01ff, true },
	{ 2, SP_GT, 0xffff, 0, 0xffffffff, false },
	{ 2, SP_MASKED_EQ, 0xfff, 0x1ff, 0xfffff1ff, true },
	{ 2, SP_MASKED_EQ, 0x10fff, 0x101ff, 0x101ff, false },
	{ 2, SP_MASKED_EQ, 0x10fff, 0x1ff, 0x101ff, true },
	{ 1, SP_MASKED_EQ, 0xf0, 0x11, 0x11, false },
	{ 1, SP_MASKED_EQ, 0, 0, 0x1234, true },
	{ 1, SP_MASKED_EQ, 0xf000000000000000, 0x1000000000000000, 0x1fffffffffffffff, true },
	{ 5, SP_EQ, 0x100000000, 0, 0x100000000, true }, /* no such argument: the register */
};

static void conditions_see_the_width(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		cleanup_sp_profile struct sp_profile p;
		uint64_t args[SC_MAX_ARGS] = { 0 };
		struct sp_ret got;

		sp_init(&p);
		p.abi[SC_X86_64] = true;
		sp_rule_cond(rule(&p, SP_ALLOW, 0, "mkdirat"), widths[i].index, widths[i].op,
			     widths[i].value, widths[i].value2);
		args[widths[i].index] = widths[i].arg;
		got = sp_eval(&p, AUDIT_ARCH_X86_64, 258, args);
		if ((got.action == SP_ALLOW) != widths[i].holds)
			fail_msg("row %zu", i);
	}
}

static void i386_has_32_bits(void **state)
{
	cleanup_sp_profile struct sp_profile p;

	(void)state;
	sp_init(&p);
	p.abi[SC_I386] = p.abi[SC_X86_64] = true;
	sp_rule_cond(rule(&p, SP_ALLOW, 0, "chown"), 1, SP_EQ, 7, 0);
	sp_rule_cond(rule(&p, SP_ALLOW, 0, "read"), 2, SP_LT, 10, 0);
	/* i386 chown is the old one, with 16 bits. */
	assert_ret(ask(&p, SC_I386, "chown", 0, 0x10007, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "chown", 0, 0x10007, 0), SP_ERRNO, 1);
	assert_ret(ask(&p, SC_I386, "read", 0, 0, 0x100000009), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "read", 0, 0, 0x100000009), SP_ERRNO, 1);
}

static void strict_rules_win(void **state)
{
	cleanup_sp_profile struct sp_profile p;

	(void)state;
	sp_init(&p);
	p.abi[SC_X86_64] = true;
	p.deflt = (struct sp_ret){ SP_LOG, 0 };
	rule(&p, SP_ALLOW, 0, "read");
	rule(&p, SP_TRAP, 0, "read");
	rule(&p, SP_ERRNO, 5, "read");
	assert_ret(ask(&p, SC_X86_64, "read", 0, 0, 0), SP_TRAP, 0);
	sp_rule_cond(rule(&p, SP_ALLOW, 0, "read"), 0, SP_EQ, 1, 0);
	assert_ret(ask(&p, SC_X86_64, "read", 1, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "read", 2, 0, 0), SP_TRAP, 0);
	sp_rule_cond(rule(&p, SP_ERRNO, 9, "read"), 2, SP_GE, 4, 0);
	sp_rule_cond(rule(&p, SP_ERRNO, 8, "read"), 2, SP_GE, 5, 0);
	assert_ret(ask(&p, SC_X86_64, "read", 1, 0, 4), SP_ERRNO, 9);
	assert_ret(ask(&p, SC_X86_64, "read", 1, 0, 5), SP_ERRNO, 8);
	assert_ret(ask(&p, SC_X86_64, "write", 0, 0, 0), SP_LOG, 0);
}

static void architectures_are_told_apart(void **state)
{
	static const uint64_t args[SC_MAX_ARGS];
	cleanup_sp_profile struct sp_profile p;
	const uint32_t x86_64 = AUDIT_ARCH_X86_64;

	(void)state;
	sp_init(&p);
	rule(&p, SP_ALLOW, 0, "read");
	p.abi[SC_X86_64] = true;
	assert_ret(sp_eval(&p, x86_64, 0, args), SP_ALLOW, 0);
	assert_ret(sp_eval(&p, x86_64, SC_X32_BIT, args), SP_KILL_PROCESS, 0);
	assert_ret(sp_eval(&p, x86_64, UINT32_MAX, args), SP_ERRNO, 1);
	assert_ret(sp_eval(&p, x86_64, 0x80000000, args), SP_ERRNO, 1);
	assert_ret(sp_eval(&p, x86_64, 0xc0000000, args), SP_KILL_PROCESS, 0);
	assert_ret(sp_eval(&p, AUDIT_ARCH_I386, 3, args), SP_KILL_PROCESS, 0);
	assert_ret(sp_eval(&p, 0, 0, args), SP_KILL_PROCESS, 0);
	p.abi[SC_X86_64] = false;
	p.abi[SC_X32] = p.abi[SC_I386] = true;
	p.bad_arch = (struct sp_ret){ SP_ERRNO, 38 };
	assert_ret(sp_eval(&p, x86_64, 0, args), SP_ERRNO, 38);
	assert_ret(sp_eval(&p, x86_64, SC_X32_BIT, args), SP_ALLOW, 0);
	assert_ret(sp_eval(&p, x86_64, UINT32_MAX, args), SP_ERRNO, 1);
	assert_ret(sp_eval(&p, AUDIT_ARCH_I386, 3, args), SP_ALLOW, 0);
	assert_ret(sp_eval(&p, AUDIT_ARCH_I386, UINT32_MAX, args), SP_ERRNO, 1);
	p.abi[SC_X32] = false;
	assert_ret(sp_eval(&p, x86_64, UINT32_MAX, args), SP_ERRNO, 38);
}

static void conflicts_are_found(void **state)
{
	cleanup_sp_profile struct sp_profile p;
	struct err e = { 0 };
	struct sp_rule *r;

	(void)state;
	sp_init(&p);
	p.abi[SC_X86_64] = true;
	r = rule(&p, SP_ERRNO, 5, "read");
	sp_rule_cond(r, 0, SP_GE, 10, 0);
	sp_rule_cond(r, 0, SP_MASKED_EQ, 3, 1);
	r = rule(&p, SP_ERRNO, 6, "read");
	sp_rule_cond(r, 0, SP_LT, 13, 0);
	assert_int_equal(sp_check(&p, &e), 0); /* 10 … 12: none is 1 modulo 4 */
	sp_rule_cond(rule(&p, SP_ERRNO, 7, "read"), 0, SP_LE, 13, 0);
	assert_int_equal(sp_check(&p, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "/syscalls/0 and /syscalls/2"));
	assert_non_null(strstr(e.msg, "read(0xd, "));
	assert_non_null(strstr(e.msg, "5 and one with 7"));
}

static void plain_conflicts_are_found(void **state)
{
	cleanup_sp_profile struct sp_profile p;

	(void)state;
	sp_init(&p);
	p.abi[SC_AARCH64] = true;
	rule(&p, SP_ERRNO, 5, "open"); /* not on aarch64 */
	rule(&p, SP_ERRNO, 6, "open");
	rule(&p, SP_ERRNO, 5, "openat");
	rule(&p, SP_ALLOW, 0, "openat");
	sp_rule_cond(rule(&p, SP_ERRNO, 6, "openat"), 0, SP_EQ, 3, 0);
	assert_int_equal(sp_check(&p, NULL), 0);
	rule(&p, SP_ERRNO, 7, "openat");
	assert_int_equal(sp_check(&p, NULL), -EINVAL);
}

static const struct {
	const char *name;
	uint8_t index;
	enum sp_op op;
	uint64_t value, value2;
	const char *why; /* NULL: fine */
} possible[] = {
	{ "socket", 0, SP_EQ, 0xffffffff, 0, NULL },
	{ "socket", 0, SP_EQ, 0x100000000, 0, "32 bits" },
	{ "socket", 0, SP_NE, 0x100000000, 0, NULL },
	{ "socket", 0, SP_GT, 0x100000000, 0, NULL },
	{ "socket", 0, SP_MASKED_EQ, UINT64_MAX, 0x100000001, "32 bits" },
	{ "socket", 0, SP_MASKED_EQ, UINT64_MAX, 1, NULL },
	{ "read", 2, SP_EQ, 0x100000000, 0, NULL }, /* can hold on x86-64, if not on i386 */
	{ "read", 2, SP_MASKED_EQ, 0xf0, 0x11, "outside the mask 0xf0" },
	{ "chmod", 1, SP_EQ, 0x10000, 0, "16 bits" },
};

static void impossible_conditions_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(possible); i++) {
		cleanup_sp_profile struct sp_profile p;
		struct err e = { 0 };
		int r;

		sp_init(&p);
		p.abi[SC_X86_64] = p.abi[SC_I386] = true;
		sp_rule_cond(rule(&p, SP_ALLOW, 0, possible[i].name), possible[i].index,
			     possible[i].op, possible[i].value, possible[i].value2);
		r = sp_check(&p, &e);
		assert_int_equal(r, possible[i].why ? -EINVAL : 0);
		if (possible[i].why && !strstr(e.msg, possible[i].why))
			fail_msg("row %zu: %s", i, e.msg);
	}
}

/* Against every value of a small width. */
static void regions_are_exact(void **state)
{
	struct source s = { .state = 0x4e6 };

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		struct sp_cond c[5];
		struct region r;
		uint64_t first = 0, want = UINT64_MAX;
		size_t n = 1 + source_below(&s, 5);

		region_full(&r, 8);
		for (size_t k = 0; k < n; k++) {
			c[k] = (struct sp_cond){ .op = (enum sp_op)source_below(&s, SP_OP_COUNT) };
			c[k].value = source_below(&s, 300);
			c[k].value2 = source_below(&s, 256) & c[k].value;
			region_cond(&r, &c[k], 8);
		}
		for (uint64_t v = 256; v-- > 0;) {
			bool all = true;

			for (size_t k = 0; k < n && all; k++)
				all = c[k].op == SP_NE	 ? v != c[k].value
				      : c[k].op == SP_LT ? v < c[k].value
				      : c[k].op == SP_LE ? v <= c[k].value
				      : c[k].op == SP_EQ ? v == c[k].value
				      : c[k].op == SP_GE ? v >= c[k].value
				      : c[k].op == SP_GT ? v > c[k].value
							 : (v & c[k].value) == c[k].value2;
			if (all)
				want = v;
			assert_int_equal(region_meets(&r, &(struct span){ v, v }, 1), all);
		}
		assert_int_equal(region_first(&r, &first), want != UINT64_MAX);
		if (want != UINT64_MAX) {
			assert_int_equal(first, want);
			assert_true(region_leaves(&r, &(struct span){ want + 1, 300 }, 1));
			assert_false(region_leaves(&r, &(struct span){ want, 300 }, 1));
			assert_false(region_leaves(
				&r, (struct span[]){ { 0, want }, { want + 1, 300 } }, 2));
		}
	}
}

#define P(rest) "{\"defaultAction\":\"SCMP_ACT_ERRNO\"," rest "}"
#define R(rest) P("\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"," rest "}]")

static const struct {
	const char *text, *error;
} bad_texts[] = {
	{ "[]", "p.json:1:1: /: expected a seccomp profile (an object), found an array" },
	{ "{}", "the member \"defaultAction\" is missing" },
	{ "{\"defaultAction\":\"\"}", "unknown action \"\"" },
	{ "{\n  \"defaultAction\": \"SCMP_ACT_DENY\"}",
	  "p.json:2:20: /defaultAction: unknown action" },
	{ "{\"defaultAction\":7}", "/defaultAction: expected a string" },
	{ "{\"format\":\"boltseal.workload/1\"}",
	  "/format: expected a seccomp profile, found a boltseal.workload/1" },
	{ P("\"Syscalls\":[]"), "/Syscalls: unknown member, expected one of defaultAction" },
	{ P("\"syscalls\":{}"), "/syscalls: expected an array" },
	{ P("\"syscalls\":[1]"), "/syscalls/0: expected an object, found a whole number" },
	{ P("\"defaultErrnoRet\":4096"), "/defaultErrnoRet: 4096 is too great" },
	{ P("\"defaultErrnoRet\":-1"), "/defaultErrnoRet: expected a number from 0" },
	{ P("\"defaultErrno\":\"ENOSUCH\""), "/defaultErrno: unknown errno \"ENOSUCH\"" },
	{ P("\"defaultErrno\":\"4096\""), "/defaultErrno: 4096 is too great" },
	{ P("\"defaultErrno\":\"1x\""), "unknown errno" },
	{ P("\"architectures\":[\"SCMP_ARCH_Z80\"]"), "/architectures/0: unknown architecture" },
	{ P("\"architectures\":[\"amd64\"]"), "expected SCMP_ARCH_ and one of X86_64" },
	{ P("\"architectures\":[\"SCMP_ARCH_MIPS\"]"), "none of these architectures" },
	{ P("\"architectures\":[\"SCMP_ARCH_X86\"],\"archMap\":[{\"architecture\":"
	    "\"SCMP_ARCH_X86_64\"}]"),
	  "both `architectures` and `archMap`" },
	{ P("\"archMap\":[{}]"), "/archMap/0: the member \"architecture\" is missing" },
	{ P("\"archMap\":[{\"architecture\":\"SCMP_ARCH_ARM\",\"subArchitectures\":[\"x\"]}]"),
	  "/archMap/0/subArchitectures/0: unknown architecture" },
	{ P("\"flags\":[\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]"), "/flags/0: unknown flag" },
	{ P("\"listenerMetadata\":\"m\""), "/listenerMetadata: expected only together" },
	{ P("\"syscalls\":[{\"action\":\"SCMP_ACT_ALLOW\"}]"),
	  "/syscalls/0: no system call is named" },
	{ P("\"syscalls\":[{\"names\":[],\"action\":\"SCMP_ACT_ALLOW\"}]"),
	  "no system call is named" },
	{ P("\"syscalls\":[{\"names\":[\"read\"]}]"), "\"action\" is missing" },
	{ P("\"syscalls\":[{\"names\":[\"read\",\"raed\"],\"action\":\"SCMP_ACT_ALLOW\"}]"),
	  "/syscalls/0/names/1: unknown system call \"raed\", did you mean \"read\"?" },
	{ P("\"syscalls\":[{\"names\":[\"qwertyuiop\"],\"action\":\"SCMP_ACT_ALLOW\"}]"),
	  "unknown system call \"qwertyuiop\", expected a name from syscalls(2)" },
	{ P("\"syscalls\":[{\"names\":[\"read\\u0000x\"],\"action\":\"SCMP_ACT_ALLOW\"}]"),
	  "/syscalls/0/names/0: the string contains a NUL" },
	{ R("\"name\":\"write\""), "/syscalls/0/name: both `name` and `names`" },
	{ R("\"Args\":[]"), "/syscalls/0/Args: unknown member" },
	{ R("\"args\":[{}]"), "/syscalls/0/args/0: the member \"index\" is missing" },
	{ R("\"args\":[{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]"),
	  "/syscalls/0/args/0/index: expected at most 5" },
	{ R("\"args\":[{\"index\":0,\"value\":1.5,\"op\":\"SCMP_CMP_EQ\"}]"),
	  "/args/0/value: expected" },
	{ R("\"args\":[{\"index\":0,\"value\":18446744073709551616,\"op\":\"SCMP_CMP_EQ\"}]"),
	  "p.json:1:" },
	{ R("\"args\":[{\"index\":0,\"value\":1,\"op\":\"EQ\"}]"),
	  "/syscalls/0/args/0/op: unknown operator \"EQ\", expected SCMP_CMP_ and one of NE, LT" },
	{ R("\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_EQ\"}]"), "\"value\" is missing" },
	{ R("\"includes\":{\"minkernel\":\"4.8\"}"),
	  "/syscalls/0/includes/minkernel: unknown member" },
	{ R("\"includes\":{\"minKernel\":\"4\"}"), "\"4\" is no kernel version" },
	{ R("\"includes\":{\"minKernel\":\"4.8.1\"}"), "no kernel version" },
	{ R("\"includes\":{\"minKernel\":\"0.0\"}"), "no kernel version" },
	{ R("\"includes\":{\"minKernel\":\"256.1\"}"), "no kernel version" },
	{ R("\"includes\":{\"caps\":[\"SYS_ADMIN\"]}"), "/includes/caps/0: unknown capability" },
	{ R("\"excludes\":{\"caps\":[\"CAP_FLY\"]}"), "/excludes/caps/0: unknown capability" },
	{ R("\"excludes\":{\"arches\":[\"x86_64\"]}"), "/excludes/arches/0: unknown architecture" },
};

static void bad_texts_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_texts); i++) {
		cleanup_sp_profile struct sp_profile p = { 0 };
		struct err e = { 0 };

		if (read_text(&p, bad_texts[i].text, &amd64, NULL, &e) >= 0)
			fail_msg("accepted: %s", bad_texts[i].text);
		if (!strstr(e.msg, bad_texts[i].error))
			fail_msg("%s\ngives:    %s\nexpected: %s", bad_texts[i].text, e.msg,
				 bad_texts[i].error);
		assert_null(p.rules);
	}
}

static void too_much_is_refused(void **state)
{
	cleanup_buf struct buf b = { 0 };
	cleanup_sp_profile struct sp_profile p = { 0 };
	struct err e = { 0 };

	(void)state;
	buf_puts(&b, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[");
	for (int i = 0; i <= SP_MAX_RULES; i++)
		buf_printf(&b, "%s{\"names\":[\"read\"],\"action\":\"SCMP_ACT_LOG\"}",
			   i ? "," : "");
	buf_puts(&b, "]}");
	assert_int_equal(read_text(&p, buf_str(&b), &amd64, NULL, &e), -E2BIG);
	assert_non_null(strstr(e.msg, "/syscalls/4096: more than 4096 rules"));
	buf_free(&b);
	buf_puts(&b, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],"
		     "\"action\":\"SCMP_ACT_LOG\",\"args\":[");
	for (int i = 0; i <= SP_MAX_CONDS; i++)
		buf_printf(&b, "%s{\"index\":0,\"value\":%d,\"op\":\"SCMP_CMP_NE\"}", i ? "," : "",
			   i);
	buf_puts(&b, "]}]}");
	assert_int_equal(read_text(&p, buf_str(&b), &amd64, NULL, &e), -E2BIG);
	assert_non_null(strstr(e.msg, "/syscalls/0/args/64: more than 64 conditions"));
}

/* What is left out counts as unknown only when Linux has it nowhere. */
static void unknown_names_can_be_collected(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 };
	cleanup_buf struct buf unknown = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(
		read_text(&p,
			  P("\"syscalls\":[{\"names\":[\"raed\",\"write\",\"riscv_flush_icache\"],"
			    "\"action\":\"SCMP_ACT_ALLOW\"},{\"names\":[\"nope\"],"
			    "\"action\":\"SCMP_ACT_ALLOW\"}]"),
			  &amd64, &unknown, &e),
		0);
	assert_string_equal(buf_str(&unknown), "raed\nnope\n");
	assert_int_equal(p.rules_n, 1);
	assert_int_equal(p.rules[0].names_n, 2);
	assert_ret(ask(&p, SC_X86_64, "write", 0, 0, 0), SP_ALLOW, 0);
}

static void dialects_are_read(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 };

	(void)state;
	read_ok(&p,
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,"
		"\"defaultErrno\":\"ENOSYS\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
		"\"listenerPath\":\"/run/l\",\"listenerMetadata\":\"m\",\"syscalls\":["
		"{\"name\":\"read\",\"action\":\"SCMP_ACT_KILL\",\"args\":null},"
		"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65535},"
		"{\"names\":[\"open\"],\"action\":\"SCMP_ACT_TRACE\"},"
		"{\"names\":[\"close\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1,"
		"\"errno\":\"EWOULDBLOCK\",\"comment\":\"why\"},"
		"{\"names\":[\"stat\"],\"action\":\"SCMP_ACT_ERRNO\",\"errno\":\"110\"},"
		"{\"names\":[\"poll\"],\"action\":\"SCMP_ACT_ALLOW\",\"errnoRet\":5},"
		"{\"names\":[\"lseek\"],\"action\":\"SCMP_ACT_NOTIFY\",\"args\":[{\"index\":1,"
		"\"value\":18446744073709551615,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		&amd64);
	assert_ret(p.deflt, SP_ERRNO, ENOSYS);
	assert_ret(p.bad_arch, SP_KILL_PROCESS, 0);
	assert_int_equal(p.flags, SECCOMP_FILTER_FLAG_LOG);
	assert_string_equal(p.listener_path, "/run/l");
	assert_string_equal(p.listener_metadata, "m");
	assert_string_equal(p.rules[3].comment, "why");
	assert_true(p.abi[SC_X86_64]);
	assert_false(p.abi[SC_I386] || p.abi[SC_X32] || p.abi[SC_AARCH64]);
	assert_ret(ask(&p, SC_X86_64, "read", 0, 0, 0), SP_KILL_THREAD, 0);
	assert_ret(ask(&p, SC_X86_64, "write", 0, 0, 0), SP_TRACE, 65535);
	assert_ret(ask(&p, SC_X86_64, "open", 0, 0, 0), SP_TRACE, EPERM);
	assert_ret(ask(&p, SC_X86_64, "close", 0, 0, 0), SP_ERRNO, EAGAIN);
	assert_ret(ask(&p, SC_X86_64, "stat", 0, 0, 0), SP_ERRNO, ETIMEDOUT);
	assert_ret(ask(&p, SC_X86_64, "poll", 0, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "lseek", 0, UINT64_MAX, 0), SP_NOTIFY, 0);
	assert_ret(ask(&p, SC_X86_64, "lseek", 0, UINT64_MAX - 1, 0), SP_ERRNO, ENOSYS);
}

/* The rule for read is kept when the conditions hold. */
static const struct {
	const char *conditions;
	bool kept;
} host_rows[] = {
	{ "\"includes\":{}", true },
	{ "\"includes\":{\"arches\":[\"amd64\"]}", true },
	{ "\"includes\":{\"arches\":[\"arm64\",\"amd64\"]}", true },
	{ "\"includes\":{\"arches\":[\"x32\",\"x86\"]}", false },
	{ "\"excludes\":{\"arches\":[\"s390x\",\"amd64\"]}", false },
	{ "\"excludes\":{\"arches\":[\"x86\"]}", true },
	{ "\"includes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_KILL\"]}", true },
	{ "\"includes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_SYS_ADMIN\"]}", false },
	{ "\"excludes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_SYS_ADMIN\"]}", false },
	{ "\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}", true },
	{ "\"includes\":{\"minKernel\":\"6.1\"}", true },
	{ "\"includes\":{\"minKernel\":\"6.2\"}", false },
	{ "\"includes\":{\"minKernel\":\"7.0\"}", false },
	{ "\"includes\":{\"minKernel\":\"\"}", true },
	{ "\"excludes\":{\"minKernel\":\"5.10\"}", false },
	{ "\"excludes\":{\"minKernel\":\"6.10\"}", true },
	{ "\"includes\":{\"caps\":[\"CAP_CHOWN\"]},\"excludes\":{\"minKernel\":\"4.8\"}", false },
	{ "\"includes\":null,\"excludes\":{\"caps\":null}", true },
};

static void conditions_are_decided(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(host_rows); i++) {
		cleanup_sp_profile struct sp_profile p = { 0 };
		cleanup_buf struct buf b = { 0 };

		buf_printf(&b, R("%s"), host_rows[i].conditions);
		read_ok(&p, buf_str(&b), &amd64);
		if ((p.rules_n == 1) != host_rows[i].kept)
			fail_msg("%s", host_rows[i].conditions);
	}
}

static void architectures_are_read(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 }, q = { 0 }, m = { 0 };
	struct sp_host arm = { .native = SC_AARCH64, .kernel = { 6, 1, 0 } };
	const char *map = P("\"archMap\":[{\"architecture\":\"SCMP_ARCH_AARCH64\","
			    "\"subArchitectures\":[\"SCMP_ARCH_ARM\"]},"
			    "{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":"
			    "[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]},{\"architecture\":"
			    "\"SCMP_ARCH_RISCV64\",\"subArchitectures\":null}]");

	(void)state;
	read_ok(&p, map, &amd64);
	assert_true(p.abi[SC_X86_64] && p.abi[SC_I386] && p.abi[SC_X32] && !p.abi[SC_AARCH64]);
	read_ok(&q, map, &arm);
	assert_true(q.abi[SC_AARCH64] && !q.abi[SC_X86_64] && !q.abi[SC_I386] && !q.abi[SC_X32]);
	read_ok(&m, P("\"architectures\":[\"SCMP_ARCH_MIPS\",\"SCMP_ARCH_X86\"]"), &arm);
	assert_true(m.abi[SC_I386] && !m.abi[SC_AARCH64]);
}

static void current_host_is_known(void **state)
{
	struct sp_host h;

	(void)state;
	sp_host_current(&h);
	assert_int_equal(h.caps, bcap_docker_default_mask());
	assert_true(h.kernel.major >= 4);
#ifdef __x86_64__
	assert_int_equal(h.native, SC_X86_64);
#endif
}

static void fill_example(struct sp_profile *p, bool reverse)
{
	static const char *const names[] = { "write", "read", "close" };
	struct sp_rule *r;

	sp_init(p);
	p->abi[SC_X86_64] = p->abi[SC_X32] = true;
	p->flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	for (size_t i = 0; i < 3; i++)
		rule(p, SP_ALLOW, 0, names[reverse ? 2 - i : i]);
	for (size_t i = 0; i < 2; i++) {
		r = rule(p, SP_ERRNO, 38, (i == 0) == reverse ? "clone" : "unshare");
		r->comment = "later";
		sp_rule_cond(r, 0, reverse ? SP_MASKED_EQ : SP_LT, reverse ? 0xf0 : 9,
			     reverse ? 0x10 : 0);
		sp_rule_cond(r, 0, reverse ? SP_LT : SP_MASKED_EQ, reverse ? 9 : 0xf0,
			     reverse ? 0 : 0x10);
	}
}

static const char podman_text[] = "{\n"
				  "  \"defaultAction\": \"SCMP_ACT_ERRNO\",\n"
				  "  \"defaultErrnoRet\": 1,\n"
				  "  \"defaultErrno\": \"EPERM\",\n"
				  "  \"architectures\": [\n"
				  "    \"SCMP_ARCH_X86_64\",\n"
				  "    \"SCMP_ARCH_X32\"\n"
				  "  ],\n"
				  "  \"flags\": [\n"
				  "    \"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"\n"
				  "  ],\n"
				  "  \"syscalls\": [\n"
				  "    {\n"
				  "      \"names\": [\n"
				  "        \"clone\",\n"
				  "        \"unshare\"\n"
				  "      ],\n"
				  "      \"action\": \"SCMP_ACT_ERRNO\",\n"
				  "      \"errnoRet\": 38,\n"
				  "      \"errno\": \"ENOSYS\",\n"
				  "      \"args\": [\n"
				  "        {\n"
				  "          \"index\": 0,\n"
				  "          \"value\": 9,\n"
				  "          \"op\": \"SCMP_CMP_LT\"\n"
				  "        },\n"
				  "        {\n"
				  "          \"index\": 0,\n"
				  "          \"value\": 240,\n"
				  "          \"valueTwo\": 16,\n"
				  "          \"op\": \"SCMP_CMP_MASKED_EQ\"\n"
				  "        }\n"
				  "      ],\n"
				  "      \"comment\": \"later\"\n"
				  "    },\n"
				  "    {\n"
				  "      \"names\": [\n"
				  "        \"close\",\n"
				  "        \"read\",\n"
				  "        \"write\"\n"
				  "      ],\n"
				  "      \"action\": \"SCMP_ACT_ALLOW\"\n"
				  "    }\n"
				  "  ]\n"
				  "}\n";

static void writer_is_deterministic(void **state)
{
	cleanup_sp_profile struct sp_profile p, q;
	cleanup_free char *a = NULL, *b = NULL, *docker = NULL, *oci = NULL;

	(void)state;
	fill_example(&p, false);
	fill_example(&q, true);
	a = sp_write(&p, SP_DIALECT_PODMAN);
	b = sp_write(&q, SP_DIALECT_PODMAN);
	assert_string_equal(a, podman_text);
	assert_string_equal(b, podman_text);
	docker = sp_write(&p, SP_DIALECT_DOCKER);
	assert_null(strstr(docker, "\"errno\""));
	assert_null(strstr(docker, "defaultErrno\""));
	assert_non_null(strstr(docker, "\"comment\": \"later\""));
	oci = sp_write(&p, SP_DIALECT_OCI);
	assert_null(strstr(oci, "\"errno\""));
	assert_null(strstr(oci, "comment"));
	assert_non_null(strstr(oci, "\"errnoRet\": 38"));
}

/* Equal meaning, proven: the filter of one does what the other says. */
static void assert_same(const struct sp_profile *p, const struct sp_profile *q)
{
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct err e = { 0 };

	if (sp_compile(p, &f, &e) < 0 || sp_prove(q, &f, &e) != 0)
		fail_msg("%s", e.msg);
}

static void written_profiles_read_the_same(void **state)
{
	struct source s = { .state = 0x3a1e };

	(void)state;
	for (size_t i = 0; i < 600; i++) {
		enum sp_dialect dialect = (enum sp_dialect)(i % SP_DIALECT_COUNT);
		cleanup_sp_profile struct sp_profile p, q = { 0 };
		cleanup_free char *text = NULL, *again = NULL;

		random_profile(&p, &s, 8, false);
		p.bad_arch = (struct sp_ret){ SP_KILL_PROCESS, 0 };
		text = sp_write(&p, dialect);
		read_ok(&q, text, &amd64);
		assert_same(&p, &q);
		again = sp_write(&q, dialect);
		assert_string_equal(text, again);
	}
}

static void listener_is_kept(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 }, q = { 0 };
	cleanup_free char *text = NULL;

	(void)state;
	read_ok(&p, P("\"listenerPath\":\"/run/x\",\"listenerMetadata\":\"y\""), &amd64);
	text = sp_write(&p, SP_DIALECT_OCI);
	read_ok(&q, text, &amd64);
	assert_string_equal(q.listener_path, "/run/x");
	assert_string_equal(q.listener_metadata, "y");
}

static void load_default(struct sp_profile *p, const char *file, enum sc_abi native, uint64_t caps)
{
	struct sp_host h = { .native = native, .caps = caps, .kernel = { 6, 1, 0 } };
	struct err e = { 0 };
	cleanup_free char *name = xasprintf("seccomp/%s", file);
	char path[512];

	if (!shared_path(path, sizeof(path), name))
		skip();
	if (sp_load(p, path, &h, NULL, &e) < 0)
		fail_msg("%s", e.msg);
}

static void docker_default_is_read(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 }, admin = { 0 }, back = { 0 };
	cleanup_free char *text = NULL;

	(void)state;
	load_default(&p, "docker-default.json", SC_X86_64, amd64.caps);
	assert_true(p.abi[SC_X86_64] && p.abi[SC_I386] && p.abi[SC_X32]);
	assert_int_equal(sp_check(&p, NULL), 0);
	assert_ret(ask(&p, SC_X86_64, "socket", 2, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "socket", 38, 0, 0), SP_ERRNO, 1);
	assert_ret(ask(&p, SC_X86_64, "socket", 39, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "socket", 40, 0, 0), SP_ERRNO, 1);
	/* With 64-bit compares this one is let through. */
	assert_ret(ask(&p, SC_X86_64, "socket", 0x100000028, 0, 0), SP_ERRNO, 1);
	assert_ret(ask(&p, SC_X86_64, "clone", 0x10000000, 0, 0), SP_ERRNO, 1);
	assert_ret(ask(&p, SC_X86_64, "clone", 0x11, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "clone3", 0, 0, 0), SP_ERRNO, 38);
	assert_ret(ask(&p, SC_X86_64, "ptrace", 0, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "mount", 0, 0, 0), SP_ERRNO, 1);
	assert_ret(ask(&p, SC_X86_64, "personality", 0xffffffffffffffff, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "personality", 1, 0, 0), SP_ERRNO, 1);
	load_default(&admin, "docker-default.json", SC_X86_64, amd64.caps | UINT64_C(1) << 21);
	assert_ret(ask(&admin, SC_X86_64, "mount", 0, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&admin, SC_X86_64, "clone", 0x10000000, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&admin, SC_X86_64, "clone3", 0, 0, 0), SP_ALLOW, 0);
	text = sp_write(&p, SP_DIALECT_OCI);
	read_ok(&back, text, &amd64);
	assert_same(&p, &back);
}

static void podman_default_is_read(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 }, back = { 0 };
	cleanup_free char *text = NULL;

	(void)state;
	/* Podman has no CAP_AUDIT_WRITE, 29; with it netlink audit sockets are allowed. */
	load_default(&p, "podman-default.json", SC_X86_64, amd64.caps & ~(UINT64_C(1) << 29));
	assert_int_equal(sp_check(&p, NULL), 0);
	assert_ret(p.deflt, SP_ERRNO, ENOSYS);
	assert_ret(ask(&p, SC_X86_64, "read", 0, 0, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "socket", 16, 3, 9), SP_ERRNO, EINVAL);
	assert_ret(ask(&p, SC_X86_64, "socket", 16, 3, 0), SP_ALLOW, 0);
	assert_ret(ask(&p, SC_X86_64, "socket", 2, 3, 9), SP_ALLOW, 0);
	text = sp_write(&p, SP_DIALECT_PODMAN);
	read_ok(&back, text, &amd64);
	assert_same(&p, &back);
}

/* On AArch64 too, with its own calls and those of ARM. */
static void docker_default_is_read_for_arm(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 };

	(void)state;
	load_default(&p, "docker-default.json", SC_AARCH64, amd64.caps);
	assert_true(p.abi[SC_AARCH64] && !p.abi[SC_X86_64]);
	assert_ret(ask(&p, SC_AARCH64, "openat", 0, 0, 0), SP_ALLOW, 0);
	assert_same(&p, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_have_the_kernels_words),
		cmocka_unit_test(conditions_see_the_width),
		cmocka_unit_test(i386_has_32_bits),
		cmocka_unit_test(strict_rules_win),
		cmocka_unit_test(architectures_are_told_apart),
		cmocka_unit_test(conflicts_are_found),
		cmocka_unit_test(plain_conflicts_are_found),
		cmocka_unit_test(impossible_conditions_are_found),
		cmocka_unit_test(regions_are_exact),
		cmocka_unit_test(bad_texts_are_refused),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(unknown_names_can_be_collected),
		cmocka_unit_test(dialects_are_read),
		cmocka_unit_test(conditions_are_decided),
		cmocka_unit_test(architectures_are_read),
		cmocka_unit_test(current_host_is_known),
		cmocka_unit_test(writer_is_deterministic),
		cmocka_unit_test(written_profiles_read_the_same),
		cmocka_unit_test(listener_is_kept),
		cmocka_unit_test(docker_default_is_read),
		cmocka_unit_test(podman_default_is_read),
		cmocka_unit_test(docker_default_is_read_for_arm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
