/* What is said about filters in words: meanings, differences, disassembly, files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "profile/diagram.h"
#include "profile/diff.h"
#include "profile/disassemble.h"
#include "profile/filter_file.h"
#include "random_profile.h"
#include "rules_profile.h"

#define RULE(name, action, args) \
	"{\"names\":[\"" name "\"],\"action\":\"SCMP_ACT_" action "\",\"args\":[" args "]}"
#define COND(op, index, value) \
	"{\"index\":" #index ",\"op\":\"SCMP_CMP_" #op "\",\"value\":" #value "}"
#define MASKED(index, mask, value)                                             \
	"{\"index\":" #index ",\"op\":\"SCMP_CMP_MASKED_EQ\",\"value\":" #mask \
	",\"valueTwo\":" #value "}"

struct meaning_case {
	const char *call, *rules, *text;
};

static const struct meaning_case meanings[] = {
	{ "read", RULE("write", "ALLOW", ""), "ERRNO EPERM" },
	{ "read", RULE("read", "ALLOW", ""), "ALLOW" },
	{ "socket", RULE("socket", "ALLOW", COND(EQ, 0, 1)),
	  "ALLOW when family is AF_UNIX; otherwise ERRNO EPERM" },
	{ "socket", RULE("socket", "ALLOW", COND(NE, 0, 38)),
	  "ERRNO EPERM when family is AF_ALG; otherwise ALLOW" },
	{ "socket", RULE("socket", "ALLOW", COND(LT, 0, 3)),
	  "ALLOW when family is at most AF_INET; otherwise ERRNO EPERM" },
	{ "socket", RULE("socket", "ALLOW", COND(EQ, 0, 1) "," COND(EQ, 1, 1)),
	  "ALLOW when family is AF_UNIX and type is SOCK_STREAM; otherwise ERRNO EPERM" },
	{ "socket", RULE("socket", "ALLOW", COND(EQ, 0, 2) "," COND(EQ, 1, 1) "," COND(EQ, 2, 6)),
	  "ALLOW when family is AF_INET and type is SOCK_STREAM and protocol is IPPROTO_TCP; "
	  "otherwise ERRNO EPERM" },
	{ "socket", RULE("socket", "ALLOW", MASKED(1, 4294440959, 1)),
	  "ALLOW when type without SOCK_CLOEXEC|SOCK_NONBLOCK is SOCK_STREAM; otherwise ERRNO "
	  "EPERM" },
	{ "socket", RULE("socket", "ALLOW", MASKED(0, 4294967287, 2)),
	  "ALLOW when family is one of AF_INET, AF_INET6; otherwise ERRNO EPERM" },
	{ "clone", RULE("clone", "ALLOW", MASKED(0, 268435456, 0)),
	  "ALLOW when (flags & CLONE_NEWUSER) is 0; otherwise ERRNO EPERM" },
	{ "socket",
	  RULE("socket", "KILL_PROCESS", COND(EQ, 0, 9)) "," RULE("socket", "ALLOW",
								  COND(LE, 0, 10)),
	  "ERRNO EPERM when family is at least AF_ROSE; KILL_PROCESS when family is AF_X25; "
	  "otherwise ALLOW" },
};

static void meanings_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_bdd struct bdd *b = diagram_new();
		cleanup_sp_meaning struct sp_meaning m = { 0 };
		cleanup_buf struct buf text = { 0 };
		const struct sc_desc *d = sc_by_name(meanings[i].call);
		uint32_t node;

		read_profile(&p, meanings[i].rules);
		node = diagram_at(b, diagram_of_profile(b, &p), AUDIT_ARCH_X86_64,
				  (uint32_t)d->nr[SC_X86_64]);
		sp_meaning_of(b, node, SC_X86_64, d, &m);
		sp_meaning_text(&m, &text);
		assert_string_equal(buf_str(&text), meanings[i].text);
	}
}

/* Every difference that is listed is one, and calls that are not listed are treated the same. */
static void differences_are_right(void **state)
{
	struct source s = { .state = 0xd1ff };
	size_t listed = 0, conditional = 0;

	(void)state;
	for (size_t i = 0; i < 150; i++) {
		cleanup_sp_profile struct sp_profile p, q;
		cleanup_sp_diff struct sp_diff d = { 0 };
		struct sp_operand a = { .name = "A", .profile = &p };
		struct sp_operand b = { .name = "B", .profile = &q };
		struct sp_difference x;
		struct err e = { 0 };

		random_profile(&p, &s, 6, true);
		random_profile(&q, &s, 6, true);
		memcpy(q.abi, p.abi, sizeof(p.abi));
		q.bad_arch = p.bad_arch;
		assert_int_equal(sp_diff(&a, &b, &d, &e), 0);
		assert_int_equal(sp_compare(&a, &b, SP_EQUAL, &x, &e), d.n ? -EILSEQ : 0);
		assert_int_equal(sp_compare(&a, &b, SP_SUBSET, &x, &e),
				 d.order[SP_A_LAXER] ? -EILSEQ : 0);
		for (size_t k = 0; k < d.n; k++) {
			struct sp_change *c = &d.changes[k];

			listed++;
			conditional += !c->always;
			assert_int_equal(sp_ret_cmp(meaning(&p, &c->example.sd), c->example.a), 0);
			assert_int_equal(sp_ret_cmp(meaning(&q, &c->example.sd), c->example.b), 0);
			assert_int_not_equal(sp_ret_cmp(c->example.a, c->example.b), 0);
			assert_int_equal(c->kind, SP_CHANGE_CALL);
			assert_ptr_equal(sp_call_desc(&c->example.sd), c->desc);
		}
		for (size_t k = 0; k < 200; k++) {
			struct seccomp_data sd;
			bool differs, found = false, always = false;

			random_call(&s, &p, &sd);
			differs = sp_ret_cmp(meaning(&p, &sd), meaning(&q, &sd)) != 0;
			for (size_t n = 0; n < d.n; n++) {
				if (d.changes[n].desc != sp_call_desc(&sd) ||
				    d.changes[n].abi != sp_call_abi(&sd))
					continue;
				found = true;
				always = d.changes[n].always;
			}
			assert_true(found || !differs);
			assert_true(differs || !always);
		}
	}
	assert_true(listed > 200);
	assert_true(conditional > 20);
}

/* What a program does is told in the same words as what it was made from. */
static void filters_mean_what_profiles_do(void **state)
{
	struct source s = { .state = 0xe4a1 };

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		cleanup_sp_diff struct sp_diff d = { 0 };
		struct sp_operand a = { .name = "A", .profile = &p };
		struct sp_operand b = { .name = "B", .filters = &f, .filters_n = 1 };
		struct err e = { 0 };

		random_profile(&p, &s, 6, false);
		assert_int_equal(sp_compile(&p, &f, &e), 0);
		assert_int_equal(sp_diff(&a, &b, &d, &e), 0);
		assert_int_equal(d.n, 0);
	}
}

static void groups_of_differences(void **state)
{
	cleanup_sp_profile struct sp_profile p, q;
	cleanup_sp_diff struct sp_diff d = { 0 };
	struct sp_operand a = { .name = "A", .profile = &p }, b = { .name = "B", .profile = &q };
	cleanup_buf struct buf text = { 0 };
	struct err e = { 0 };

	(void)state;
	read_profile(&p, RULE("read", "ALLOW", ""));
	read_profile(&q, RULE("read", "ALLOW", "") "," RULE("write", "ALLOW", COND(EQ, 0, 1)));
	q.abi[SC_AARCH64] = true;
	q.bad_arch = (struct sp_ret){ SP_KILL_THREAD, 0 };
	assert_int_equal(sp_diff(&a, &b, &d, &e), 0);
	assert_int_equal(d.n, 5);
	assert_int_equal(d.changes[0].kind, SP_CHANGE_CALL);
	assert_int_equal(d.changes[1].kind, SP_CHANGE_ABI);
	assert_int_equal(d.changes[1].abi, SC_I386);
	assert_int_equal(d.changes[2].abi, SC_X32);
	assert_int_equal(d.changes[3].abi, SC_AARCH64);
	assert_int_equal(d.changes[4].kind, SP_CHANGE_ARCHES);
	sp_diff_text(&d, &a, &b, &text);
	assert_non_null(strstr(buf_str(&text), "+ x86_64 write\n    A: ERRNO EPERM\n    B: ALLOW "
					       "when fd is 1; otherwise ERRNO EPERM\n"));
	assert_non_null(strstr(buf_str(&text), "A is a subset of B"));
}

static void compiled(struct sp_filter *f)
{
	cleanup_sp_profile struct sp_profile p;
	struct err e = { 0 };

	read_profile(&p, RULE("socket", "ALLOW", COND(EQ, 0, 1)) "," RULE("read", "ALLOW", ""));
	if (sp_compile(&p, f, &e) < 0)
		fail_msg("%s", e.msg);
}

static void disassembly_has_names(void **state)
{
	static const char *const expected[] = { "; architecture\n", "; x86_64?\n",
						"; number\n",	    "; socket?\n",
						"; family\n",	    "; family == AF_UNIX?\n",
						"; ALLOW\n",	    "; ERRNO EPERM\n",
						"; KILL_PROCESS\n" };
	cleanup_sp_filter struct sp_filter f = { 0 };
	cleanup_buf struct buf text = { 0 };
	cleanup_disassembly struct disassembly *d = NULL;

	(void)state;
	compiled(&f);
	d = disassemble(&f);
	disassembly_text(d, &text);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		if (!strstr(buf_str(&text), expected[i]))
			fail_msg("no '%s' in\n%s", expected[i], buf_str(&text));
}

/* Any program that passes the kernel's checks can be printed. */
static void everything_is_disassembled(void **state)
{
	struct source s = { .state = 0xd15a };
	size_t printed = 0;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		struct sock_filter insn[8];
		struct sp_filter f = { insn, 1 + source_below(&s, 8) };
		cleanup_disassembly struct disassembly *d = NULL;
		cleanup_buf struct buf text = { 0 };

		for (size_t k = 0; k < f.n; k++)
			insn[k] = (struct sock_filter){ (uint16_t)source_below(&s, 0xb8),
							(uint8_t)source_below(&s, 3),
							(uint8_t)source_below(&s, 3),
							source_below(&s, 16) * 4u };
		insn[f.n - 1].code = BPF_RET | BPF_K;
		if (sp_filter_check(&f, NULL) < 0)
			continue;
		printed++;
		d = disassemble(&f);
		disassembly_text(d, &text);
		assert_null(strchr(buf_str(&text), '?') && !strchr(buf_str(&text), ';') ? ""
											: NULL);
	}
	assert_true(printed > 100);
}

static void files_come_back(void **state)
{
	struct source s = { .state = 0xf11e };

	(void)state;
	for (size_t i = 0; i < 60; i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 }, raw = { 0 }, text = { 0 };
		cleanup_buf struct buf b64 = { 0 };
		struct err e = { 0 };

		random_profile(&p, &s, 6, false);
		assert_int_equal(sp_compile(&p, &f, &e), 0);
		sp_filter_base64(&f, &b64);
		assert_int_equal(sp_filter_read(&raw, "f", f.insn, f.n * sizeof(*f.insn), &e), 0);
		assert_int_equal(sp_filter_read(&text, "f", b64.p, b64.len, &e), 0);
		assert_int_equal(raw.n, f.n);
		assert_int_equal(text.n, f.n);
		assert_memory_equal(raw.insn, f.insn, f.n * sizeof(*f.insn));
		assert_memory_equal(text.insn, f.insn, f.n * sizeof(*f.insn));
	}
}

struct bad_file {
	const char *data;
	size_t len;
	const char *what;
};

static const struct bad_file bad_files[] = {
	{ "", 0, "0 bytes" },
	{ "hello", 5, "5 bytes" },
	{ "\x06\0\0\0\0\0\xff", 7, "7 bytes" },
	{ "\x06\0\0\0\0\0\xff\x7f\x06", 9, "9 bytes" },
	{ "BgAAAAAA/38=BgAA", 16, "" },
	{ "AAAAAAAAAAA=", 12, "instruction 0" },
	{ "\x05\0\0\0\x01\0\0\0", 8, "instruction 0" },
};

static void bad_files_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_files); i++) {
		struct sp_filter f = { 0 };
		struct err e = { 0 };

		assert_true(sp_filter_read(&f, "file", bad_files[i].data, bad_files[i].len, &e) <
			    0);
		assert_non_null(strstr(e.msg, "file: "));
		if (!strstr(e.msg, bad_files[i].what))
			fail_msg("%zu: %s", i, e.msg);
		assert_null(f.insn);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meanings_are_told),
		cmocka_unit_test(differences_are_right),
		cmocka_unit_test(filters_mean_what_profiles_do),
		cmocka_unit_test(groups_of_differences),
		cmocka_unit_test(disassembly_has_names),
		cmocka_unit_test(everything_is_disassembled),
		cmocka_unit_test(files_come_back),
		cmocka_unit_test(bad_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
