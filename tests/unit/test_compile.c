#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live_filter.h"
#include "profile/sample.h"

enum {
	RANDOM_PROFILES = 20000,
	RANDOM_CALLS = 60, /* of each */
	LIVE_FILTERS = 100,
	MUTANTS = 3000,
};

static const char *shared_path(const char *file, char *path, size_t size)
{
	const char *shared = getenv("BOLTSEAL_SHARED");

	snprintf(path, size, "%s/testdata/seccomp/%s", shared ? shared : "../shared", file);
	if (access(path, R_OK) < 0) {
		print_message("skipped: cannot read %s (set BOLTSEAL_SHARED)\n", path);
		skip();
	}
	return path;
}

static struct sp_host amd64_host(void)
{
	/* Docker's default 14 capabilities. */
	return (struct sp_host){ .native = SC_X86_64, .caps = 0xa80425fb, .kernel = { 6, 18, 0 } };
}

static void compile_ok(const struct sp_profile *p, struct sp_filter *f)
{
	struct err e = { 0 };

	if (sp_compile(p, f, &e) < 0)
		fail_msg("sp_compile: %s", e.msg);
}

static void prove_ok(const struct sp_profile *p, const struct sp_filter *f)
{
	struct err e = { 0 };
	int r = sp_prove(p, f, &e);

	if (r < 0)
		fail_msg("sp_prove: %s", e.msg);
	assert_int_equal(r, 0);
}

static uint32_t run(const struct sp_filter *f, const struct seccomp_data *sd)
{
	struct err e = { 0 };
	uint32_t word = 0;

	if (sp_simulate(f, sd, &word, &e) < 0)
		fail_msg("sp_simulate: %s", e.msg);
	return word;
}

static int agree(const struct sp_profile *p, const struct sp_filter *f,
		 const struct seccomp_data *sd)
{
	return run(f, sd) == sp_ret_word(meaning(p, sd));
}

/* Rule sets on one call for which libseccomp 2.5.4 or 2.6.1 generates something else. */
struct counter_example {
	const char *what;
	struct {
		size_t n;
		struct sp_cond c[2];
	} rule[2];
	uint64_t a0, a1;
	enum sp_action want;
};

#define C(i, o, v)                                   \
	{                                            \
		.index = i, .op = SP_##o, .value = v \
	}

/* clang-format off */
static const struct counter_example counter_examples[] = {
	{ "stale accumulator, allows", { { 2, { C(0, LT, 18), C(1, EQ, 11) } }, { 1, { C(0, GT, 6) } } },
	  5, 0x7e020000, SP_ERRNO },
	{ "nothing is below 0", { { 1, { C(1, LT, 0) } }, { 1, { C(1, GE, 0x200000000) } } },
	  0, 2, SP_ERRNO },
	{ "high word", { { 1, { C(0, LE, 3) } }, { 2, { C(1, EQ, 0x80000000), C(0, GE, 0x200000000) } } },
	  4, 0x80000000, SP_ERRNO },
	{ "stale accumulator, denies", { { 1, { C(0, EQ, 1) } }, { 2, { C(1, EQ, 40), C(0, NE, 42) } } },
	  1, 41, SP_ALLOW },
	{ "bit 31", { { 1, { C(0, LE, 0x7fffffff) } }, { 1, { C(0, LT, 0x100000000) } } },
	  0x80000000, 0, SP_ALLOW },
	{ "merged compares", { { 1, { C(1, LT, 0x300000000) } }, { 1, { C(1, GE, 3) } } },
	  0, 0x300000000, SP_ALLOW },
	{ "overlap", { { 1, { C(0, GE, 0x100000001) } }, { 1, { C(0, LT, 0x300000000) } } },
	  0x300000000, 0, SP_ALLOW },
	{ "does not return there", { { 2, { C(1, LE, UINT64_MAX), C(0, NE, 0x100000000) } },
				     { 2, { C(1, EQ, 0x300000002), C(0, NE, 0x100000000) } } },
	  0x100000000, 0x300000002, SP_ERRNO },
};
/* clang-format on */

/* readv: on x86-64, arguments that exist and have 64 bits are needed at 0 and 1. */
static void add_counter_example(struct sp_profile *p, const struct counter_example *x,
				const char *name)
{
	sp_init(p);
	p->abi[SC_X86_64] = true;
	for (size_t i = 0; i < 2; i++) {
		struct sp_rule *r = sp_rule_add(p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);

		sp_rule_name(p, r, name);
		for (size_t k = 0; k < x->rule[i].n; k++) {
			const struct sp_cond *c = &x->rule[i].c[k];

			sp_rule_cond(r, c->index, c->op, c->value, c->value2);
		}
	}
}

static void counter_examples_are_right(void **state)
{
	const char *name = "mincore"; /* addr, size_t, pointer: 64 bits each */
	const struct sc_desc *d = sc_by_name(name);

	(void)state;
	assert_int_equal(sp_arg_bits(SC_X86_64, d, 0), 64);
	assert_int_equal(sp_arg_bits(SC_X86_64, d, 1), 64);
	for (size_t i = 0; i < ARRAY_SIZE(counter_examples); i++) {
		const struct counter_example *x = &counter_examples[i];
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		struct seccomp_data sd = { .nr = d->nr[SC_X86_64],
					   .arch = AUDIT_ARCH_X86_64,
					   .args = { x->a0, x->a1 } };

		add_counter_example(&p, x, name);
		compile_ok(&p, &f);
		if (sp_ret_of_word(run(&f, &sd)).action != x->want ||
		    meaning(&p, &sd).action != x->want)
			fail_msg("%s", x->what);
		prove_ok(&p, &f);
	}
}

static void random_profiles_are_right(void **state)
{
	struct source s = { .state = 0x626f6c747365616c };
	size_t insns = 0, too_big = 0;

	(void)state;
	for (size_t i = 0; i < RANDOM_PROFILES; i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		struct seccomp_data sd;

		random_profile(&p, &s, 8, false);
		compile_ok(&p, &f);
		prove_ok(&p, &f);
		for (size_t k = 0; k < RANDOM_CALLS; k++) {
			random_call(&s, &p, &sd);
			if (!agree(&p, &f, &sd))
				fail_msg("profile %zu, nr 0x%x of 0x%x", i, sd.nr, sd.arch);
		}
		insns += f.n;
		too_big += f.n > 1000;
	}
	assert_true(insns > RANDOM_PROFILES * 5);
	assert_int_equal(too_big, 0);
}

/* Without the prover: every number and all boundary values of some profiles. */
static void sampled_profiles_are_right(void **state)
{
	struct source s = { .state = 0x5ea1 };

	(void)state;
	for (size_t i = 0; i < 50; i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		struct seccomp_data sd;

		random_profile(&p, &s, 6, false);
		compile_ok(&p, &f);
		assert_int_equal(sample_compare(&p, &f, &sd), SP_SAMPLED);
	}
}

static void reverse_rules(struct sp_profile *p)
{
	for (size_t i = 0; i < p->rules_n / 2; i++) {
		struct sp_rule t = p->rules[i];

		p->rules[i] = p->rules[p->rules_n - 1 - i];
		p->rules[p->rules_n - 1 - i] = t;
	}
	for (size_t i = 0; i < p->rules_n; i++) {
		struct sp_rule *r = &p->rules[i];

		for (size_t k = 0; k < r->conds_n / 2; k++) {
			struct sp_cond t = r->conds[k];

			r->conds[k] = r->conds[r->conds_n - 1 - k];
			r->conds[r->conds_n - 1 - k] = t;
		}
	}
}

static void order_does_not_matter(void **state)
{
	struct source s = { .state = 0x0bde5 };

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 }, g = { 0 };

		random_profile(&p, &s, 8, false);
		compile_ok(&p, &f);
		reverse_rules(&p);
		compile_ok(&p, &g);
		assert_int_equal(f.n, g.n);
		assert_memory_equal(f.insn, g.insn, f.n * sizeof(*f.insn));
	}
}

/* The verdict that the error of sp_prove() says the filter gives, and the expected one. */
static void check_message(const char *msg)
{
	char got[64], want[64];
	const char *at = strstr(msg, " gets ");

	assert_non_null(at);
	assert_int_equal(sscanf(at, " gets %63[^,], expected %63[^\n]", got, want), 2);
	assert_string_not_equal(got, want);
}

static void mutate(struct source *s, struct sp_filter *f)
{
	struct sock_filter *i = &f->insn[source_below(s, (unsigned)f->n)];
	bool jump = BPF_CLASS(i->code) == BPF_JMP;

	switch (source_below(s, 4)) {
	case 0:
		i->k ^= 1u << source_below(s, 32);
		break;
	case 1:
		i->k += source_below(s, 2) ? 1u : UINT32_MAX;
		break;
	case 2:
		if (jump)
			i->jt ^= 1;
		break;
	default:
		if (jump)
			i->code ^= BPF_JEQ ^ BPF_JGE;
	}
}

/* What differs is found, what the prover says differs does differ, and neither is rare. */
static void prover_finds_wrong_filters(void **state)
{
	struct source s = { .state = 0xbadc0de };
	size_t differ = 0, same = 0, refused = 0;

	(void)state;
	for (size_t i = 0; i < MUTANTS; i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		struct err e = { 0 };
		struct seccomp_data sd;
		int r;

		random_profile(&p, &s, 6, false);
		compile_ok(&p, &f);
		mutate(&s, &f);
		r = sp_prove(&p, &f, &e);
		if (r == -EILSEQ) {
			differ++;
			check_message(e.msg);
		} else if (r == -EINVAL) {
			refused++;
		} else {
			same++;
			for (size_t k = 0; r == 0 && k < RANDOM_CALLS; k++) {
				random_call(&s, &p, &sd);
				assert_int_equal(
					sp_ret_cmp(sp_ret_of_word(run(&f, &sd)), meaning(&p, &sd)),
					0);
			}
		}
	}
	assert_true(differ > MUTANTS / 3);
	assert_true(same > MUTANTS / 100);
	assert_true(refused > 0);
}

/* What the diagrams do not cover is sampled: an X register, here without effect, and with. */
static void prover_samples_what_it_must(void **state)
{
	struct sock_filter same[] = {
		BPF_STMT(BPF_LDX | BPF_IMM, 7),
		BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
	};
	cleanup_sp_profile struct sp_profile p;
	struct sp_filter f = { same, ARRAY_SIZE(same) };
	struct err e = { 0 };

	(void)state;
	sp_init(&p);
	p.abi[SC_X86_64] = true;
	p.bad_arch = p.deflt;
	assert_int_equal(sp_prove(&p, &f, &e), SP_SAMPLED);
	same[2].k++;
	assert_int_equal(sp_prove(&p, &f, &e), -EILSEQ);
	check_message(e.msg);
}

static void big_profile(struct sp_profile *p, unsigned calls, unsigned values)
{
	static const char *const names[] = { "read", "write",  "close",	  "mmap",   "munmap",
					     "brk",  "ioctl",  "access",  "pipe",   "select",
					     "dup",  "pause",  "alarm",	  "getpid", "socket",
					     "bind", "listen", "connect", "accept", "shutdown" };

	sp_init(p);
	p->abi[SC_X86_64] = p->abi[SC_X32] = p->abi[SC_I386] = true;
	for (unsigned i = 0; i < calls && i < ARRAY_SIZE(names); i++) {
		for (unsigned k = 0; k < values; k++) {
			struct sp_rule *r = sp_rule_add(
				p,
				(struct sp_ret){ k % 2 ? SP_ALLOW : SP_ERRNO, (uint16_t)(i + 2) },
				NULL);

			sp_rule_name(p, r, names[i]);
			sp_rule_cond(r, 0, SP_EQ, 3 * k + 1000u * i, 0);
			sp_rule_cond(r, 1, SP_MASKED_EQ, 0xf0f + k, k & (0xf0f + k));
		}
	}
}

static void long_jumps_are_right(void **state)
{
	cleanup_sp_profile struct sp_profile p;
	cleanup_sp_filter struct sp_filter f = { 0 };
	bool far = false;

	(void)state;
	big_profile(&p, 20, 20);
	compile_ok(&p, &f);
	assert_true(f.n > 1500);
	for (size_t i = 0; i < f.n; i++)
		far |= f.insn[i].code == (BPF_JMP | BPF_JA) && f.insn[i].k > 255;
	assert_true(far);
	prove_ok(&p, &f);
}

static void too_big_is_refused(void **state)
{
	cleanup_sp_profile struct sp_profile p;
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct err e = { 0 };

	(void)state;
	big_profile(&p, 20, 200);
	assert_int_equal(sp_compile(&p, &f, &e), -E2BIG);
	assert_non_null(strstr(e.msg, "4096"));
	assert_null(f.insn);
}

static void no_architecture_is_refused(void **state)
{
	cleanup_sp_profile struct sp_profile p;
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct err e = { 0 };

	(void)state;
	sp_init(&p);
	assert_int_equal(sp_compile(&p, &f, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "architecture"));
}

/* Many single values become a search, not one test after the other. */
static void values_are_searched(void **state)
{
	cleanup_sp_profile struct sp_profile p;
	cleanup_sp_filter struct sp_filter f = { 0 };
	size_t steps = 0;

	(void)state;
	sp_init(&p);
	p.abi[SC_X86_64] = true;
	for (unsigned k = 0; k < 256; k++) {
		struct sp_rule *r = sp_rule_add(&p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);

		sp_rule_name(&p, r, "ioctl");
		sp_rule_cond(r, 1, SP_EQ, 0x5400 + 7 * k, 0);
	}
	compile_ok(&p, &f);
	prove_ok(&p, &f);
	for (size_t pc = 0; BPF_CLASS(f.insn[pc].code) != BPF_RET; pc++, steps++) {
		const struct sock_filter *i = &f.insn[pc];

		assert_true(pc + 1 < f.n);
		if (BPF_CLASS(i->code) == BPF_JMP) /* the longer way, roughly */
			pc += BPF_OP(i->code) == BPF_JA ? i->k : i->jf;
	}
	assert_true(steps < 30);
}

/* Follows the filter on arch and number alone; false when it wants to see an argument. */
static bool decided_by_number(const struct sp_filter *f, uint32_t arch, uint32_t nr)
{
	uint32_t a = 0;

	for (size_t pc = 0;; pc++) {
		const struct sock_filter *i = &f->insn[pc];

		switch (i->code) {
		case BPF_RET | BPF_K:
			return true;
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k > 4)
				return false;
			a = i->k ? arch : nr;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		default:
			return false;
		}
	}
}

static void docker_default(struct sp_profile *p)
{
	struct sp_host h = amd64_host();
	struct err e = { 0 };
	char path[512];

	if (sp_load(p, shared_path("docker-default.json", path, sizeof(path)), &h, NULL, &e) < 0)
		fail_msg("%s", e.msg);
}

static bool has_conditions(const struct sp_profile *p, const char *name)
{
	for (size_t i = 0; i < p->rules_n; i++)
		for (size_t k = 0; k < p->rules[i].names_n && p->rules[i].conds_n; k++)
			if (!strcmp(p->rules[i].names[k], name))
				return true;
	return false;
}

static void docker_default_is_right(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 };
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct seccomp_data sd;
	size_t asks = 0;

	(void)state;
	docker_default(&p);
	assert_int_equal(sp_check(&p, NULL), 0);
	compile_ok(&p, &f);
	prove_ok(&p, &f);
	assert_int_equal(sample_compare(&p, &f, &sd), SP_SAMPLED);
	assert_true(f.n < 320); /* libseccomp 2.5.4 needs 937 for the same architectures */
	assert_int_equal(f.insn[0].code, BPF_LD | BPF_W | BPF_ABS);
	assert_int_equal(f.insn[0].k, offsetof(struct seccomp_data, arch));
	for (unsigned nr = 0; nr < sc_max_nr(SC_X86_64) + 10; nr++) {
		const struct sc_desc *d = sc_by_nr(SC_X86_64, nr);
		bool conditions = d && has_conditions(&p, d->name);

		assert_int_equal(decided_by_number(&f, AUDIT_ARCH_X86_64, nr), !conditions);
		asks += conditions;
	}
	assert_int_equal(asks, 3); /* socket, personality, clone */
}

static void podman_default_is_right(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 };
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct sp_host h = amd64_host();
	struct err e = { 0 };
	char path[512];

	(void)state;
	if (sp_load(&p, shared_path("podman-default.json", path, sizeof(path)), &h, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(sp_check(&p, NULL), 0);
	compile_ok(&p, &f);
	prove_ok(&p, &f);
}

/* The program that libseccomp generates for the profile's rules without conditions. */
static void export_libseccomp(const struct sp_profile *p, struct sp_filter *f)
{
	static const uint32_t arch[SC_ABI_COUNT] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32,
						     SCMP_ARCH_AARCH64 };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	cleanup_close int fd = memfd_create("filter", MFD_CLOEXEC);
	off_t size;

	assert_non_null(ctx);
	assert_true(fd >= 0);
	assert_int_equal(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), 0);
	for (unsigned i = 0; i < SC_ABI_COUNT; i++)
		if (p->abi[i] && seccomp_arch_exist(ctx, arch[i]) != 0)
			assert_int_equal(seccomp_arch_add(ctx, arch[i]), 0);
	if (!p->abi[sc_abi_native()])
		assert_int_equal(seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE), 0);
	for (size_t i = 0; i < p->rules_n; i++) {
		const struct sp_rule *r = &p->rules[i];
		uint32_t act = r->ret.action == SP_ALLOW ? SCMP_ACT_ALLOW
							 : SCMP_ACT_ERRNO(r->ret.data);

		for (size_t k = 0; k < r->names_n && !r->conds_n; k++) {
			int nr = seccomp_syscall_resolve_name(r->names[k]);

			if (nr != __NR_SCMP_ERROR)
				seccomp_rule_add(ctx, act, nr, 0);
		}
	}
	assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
	seccomp_release(ctx);
	size = lseek(fd, 0, SEEK_END);
	assert_true(size > 0);
	f->insn = malloc((size_t)size);
	assert_non_null(f->insn);
	f->n = (size_t)size / sizeof(*f->insn);
	assert_int_equal(pread(fd, f->insn, (size_t)size, 0), size);
}

/* libseccomp knows the number of this call and has the same one. */
static bool libseccomp_knows(enum sc_abi abi, const struct sc_desc *d)
{
	static const uint32_t arch[SC_ABI_COUNT] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32,
						     SCMP_ARCH_AARCH64 };
	int nr = seccomp_syscall_resolve_name_arch(arch[abi], d->name);

	return nr == (d->nr[abi] | (abi == SC_X32 ? (int)SC_X32_BIT : 0));
}

static void libseccomp_agrees_on_numbers(void **state)
{
	cleanup_sp_profile struct sp_profile p = { 0 };
	cleanup_sp_filter struct sp_filter mine = { 0 }, other = { 0 };
	size_t compared = 0, unknown = 0;

	(void)state;
	docker_default(&p);
	compile_ok(&p, &mine);
	export_libseccomp(&p, &other);
	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *d = sc_at(i);

		for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
			struct seccomp_data sd = { .arch = sc_abi_audit_arch((enum sc_abi)abi) };

			if (d->nr[abi] < 0 || has_conditions(&p, d->name))
				continue;
			/* libseccomp turns socket and ipc calls into socketcall and ipc. */
			if (abi == SC_I386 && has_conditions(&p, "socket") &&
			    !strcmp(d->name, "socketcall"))
				continue;
			sd.nr = d->nr[abi] | (abi == SC_X32 ? (int)SC_X32_BIT : 0);
			if (!libseccomp_knows((enum sc_abi)abi, d)) {
				unknown++;
				continue;
			}
			if (sp_ret_cmp(sp_ret_of_word(run(&mine, &sd)),
				       sp_ret_of_word(run(&other, &sd))))
				fail_msg("%s on %s: 0x%x here, 0x%x from libseccomp", d->name,
					 sc_abi_name((enum sc_abi)abi), run(&mine, &sd),
					 run(&other, &sd));
			compared++;
		}
	}
	print_message("compared %zu calls; %zu have no or another number in libseccomp\n", compared,
		      unknown);
	assert_true(compared > 1200);
}

/* Straight rules on one call, as libseccomp gets them right: the prover accepts foreign programs.
 */
static void prover_reads_libseccomp(void **state)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	cleanup_close int fd = memfd_create("filter", MFD_CLOEXEC);
	cleanup_sp_profile struct sp_profile p;
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct sp_rule *r;
	struct err e = { 0 };

	(void)state;
	sp_init(&p);
	p.abi[SC_X86_64] = true;
	r = sp_rule_add(&p, (struct sp_ret){ SP_ALLOW, 0 }, NULL);
	sp_rule_name(&p, r, "mincore");
	sp_rule_cond(r, 1, SP_EQ, 0x100000005, 0);
	if (seccomp_arch_native() != SCMP_ARCH_X86_64) {
		assert_int_equal(seccomp_arch_add(ctx, SCMP_ARCH_X86_64), 0);
		assert_int_equal(seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE), 0);
	}
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	assert_int_equal(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mincore), 1,
					  SCMP_A1(SCMP_CMP_EQ, 0x100000005)),
			 0);
	assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
	seccomp_release(ctx);
	f.n = (size_t)lseek(fd, 0, SEEK_END) / sizeof(*f.insn);
	f.insn = calloc(f.n, sizeof(*f.insn));
	assert_true(pread(fd, f.insn, f.n * sizeof(*f.insn), 0) > 0);
	/* It takes 0x80000000 and above for x32 too, where bit 30 says it is not. */
	assert_int_equal(sp_prove(&p, &f, &e), -EILSEQ);
	assert_non_null(strstr(e.msg, "(0x8"));
	for (size_t i = 0; i < f.n; i++)
		if (f.insn[i].code == (BPF_JMP | BPF_JGE | BPF_K) && f.insn[i].k == SC_X32_BIT)
			f.insn[i].code = BPF_JMP | BPF_JSET | BPF_K;
	prove_ok(&p, &f);
}

static int child_status(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void kernel_agrees(void **state)
{
	struct source s = { .state = 0x11fe };
	bool i386 = has_i386();
	size_t denied = 0;

	(void)state;
	for (size_t i = 0; i < LIVE_FILTERS; i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_sp_filter struct sp_filter f = { 0 };
		struct seccomp_data sd[LIVE_CALLS];
		pid_t pid;
		int status;

		live_profile(&p, &s);
		compile_ok(&p, &f);
		live_calls(&s, &p, sd);
		for (int k = 0; k < LIVE_CALLS; k++)
			denied += meaning(&p, &sd[k]).action == SP_ERRNO;
		pid = fork();
		if (pid == 0)
			_exit(live_child(&f, sd, i386));
		status = child_status(pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("filter %zu: status 0x%x (exit 1 + index of the call)", i, status);
	}
	if (!i386)
		print_message("this kernel has no i386 calls: not compared\n");
	assert_true(denied > LIVE_FILTERS * LIVE_CALLS / 20);
}

/* How a child that calls getppid under this action ends. */
static int live_action(enum sp_action a)
{
	cleanup_sp_profile struct sp_profile p;
	cleanup_sp_filter struct sp_filter f = { 0 };
	struct sock_fprog prog;
	struct sp_rule *r;
	pid_t pid;

	sp_init(&p);
	p.deflt = (struct sp_ret){ SP_ALLOW, 0 };
	p.abi[sc_abi_native()] = true;
	r = sp_rule_add(&p, (struct sp_ret){ a, 0 }, NULL);
	sp_rule_name(&p, r, "getppid");
	compile_ok(&p, &f);
	prog = (struct sock_fprog){ (unsigned short)f.n, f.insn };
	pid = fork();
	if (pid == 0) {
		signal(SIGSYS, SIG_DFL); /* cmocka catches it */
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
			_exit(254);
		_exit(syscall(SYS_getppid) == -1 ? errno : 0);
	}
	return child_status(pid);
}

static void kernel_knows_the_actions(void **state)
{
	static const enum sp_action fatal[] = { SP_KILL_PROCESS, SP_KILL_THREAD, SP_TRAP };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
		int status = live_action(fatal[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
	assert_int_equal(live_action(SP_ALLOW), 0);
	assert_int_equal(live_action(SP_LOG), 0);
	assert_int_equal(live_action(SP_TRACE), ENOSYS << 8);  /* no tracer */
	assert_int_equal(live_action(SP_NOTIFY), ENOSYS << 8); /* no listener */
}

struct refused {
	const char *what;
	size_t n;
	struct sock_filter insn[4];
};

static const struct refused refused[] = {
	{ "1 to 4096", 0, { { 0 } } },
	{ "no return", 1, { BPF_STMT(BPF_LD | BPF_IMM, 1) } },
	{ "no instruction", 2, { BPF_STMT(0x28, 0), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "no instruction",
	  2,
	  { BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "outside", 2, { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "outside", 2, { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "beyond the end", 2, { BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "beyond the end",
	  2,
	  { BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "beyond the end",
	  2,
	  { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "zero", 2, { BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "shift", 2, { BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "16 words", 2, { BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "not written", 2, { BPF_STMT(BPF_LD | BPF_MEM, 3), BPF_STMT(BPF_RET | BPF_K, 0) } },
	{ "not written",
	  4,
	  { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_ST, 3),
	    BPF_STMT(BPF_LD | BPF_MEM, 3), BPF_STMT(BPF_RET | BPF_K, 0) } },
};

/* Our checks and the kernel's agree; it answers EFAULT when it got as far as having no listener. */
static void kernel_refuses_bad_programs(void **state)
{
	static const struct seccomp_data sd;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct sock_filter insn[4];
		struct sp_filter f = { insn, refused[i].n };
		struct sock_fprog prog = { (unsigned short)refused[i].n, insn };
		struct err e = { 0 };
		uint32_t word;
		pid_t pid;

		memcpy(insn, refused[i].insn, sizeof(insn));
		assert_int_equal(sp_simulate(&f, &sd, &word, &e), -EINVAL);
		if (!strstr(e.msg, refused[i].what))
			fail_msg("%zu: %s", i, e.msg);
		pid = fork();
		if (pid == 0) {
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			_exit(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 ? errno : 0);
		}
		assert_int_equal(child_status(pid), EINVAL << 8);
	}
}

/* All the instructions a filter may have, one after the other. */
static void simulator_computes(void **state)
{
	static struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16), /* 100 */
		BPF_STMT(BPF_ST, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 20),    /* 120 */
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3),	    /* 360 */
		BPF_STMT(BPF_LDX | BPF_MEM, 0),		    /* X = 100 */
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),	    /* 260 */
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 7),	    /* 37 */
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4),	    /* 592 */
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 0x1000), /* 0x1250 */
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),	    /* 0x1234 */
		BPF_STMT(BPF_STX, 1),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LDX | BPF_IMM, 36),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_X, 0), /* by 36 & 31 = 4: 0x123 */
		BPF_STMT(BPF_ALU | BPF_NEG, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff), /* 0xedd */
		BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),	    /* 64 */
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),	    /* 0xf1d */
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sp_filter f = { insn, ARRAY_SIZE(insn) };
	struct seccomp_data sd = { .args = { 100 } };

	(void)state;
	assert_int_equal(run(&f, &sd), 0xf1d);
}

/* The kernel ends a program that divides by zero: KILL_THREAD. */
static void simulator_ends_at_zero(void **state)
{
	static struct sock_filter insn[] = {
		BPF_STMT(BPF_LDX | BPF_IMM, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sp_filter f = { insn, ARRAY_SIZE(insn) };
	struct seccomp_data sd = { 0 };

	(void)state;
	assert_int_equal(run(&f, &sd), SECCOMP_RET_KILL_THREAD);
}

/* With an argument only tests of such names: "kernel_*" compares with the kernel that runs. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counter_examples_are_right),
		cmocka_unit_test(random_profiles_are_right),
		cmocka_unit_test(sampled_profiles_are_right),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(prover_finds_wrong_filters),
		cmocka_unit_test(prover_samples_what_it_must),
		cmocka_unit_test(long_jumps_are_right),
		cmocka_unit_test(too_big_is_refused),
		cmocka_unit_test(no_architecture_is_refused),
		cmocka_unit_test(values_are_searched),
		cmocka_unit_test(docker_default_is_right),
		cmocka_unit_test(podman_default_is_right),
		cmocka_unit_test(libseccomp_agrees_on_numbers),
		cmocka_unit_test(prover_reads_libseccomp),
		cmocka_unit_test(kernel_agrees),
		cmocka_unit_test(kernel_knows_the_actions),
		cmocka_unit_test(kernel_refuses_bad_programs),
		cmocka_unit_test(simulator_computes),
		cmocka_unit_test(simulator_ends_at_zero),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
