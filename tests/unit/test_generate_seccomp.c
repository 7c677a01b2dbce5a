/* Rules of generated seccomp profiles: what is allowed, refused, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "generate_model.h"
#include "profile/engine_dialect.h"
#include "profile/runtime_base.h"

/* Of <linux/capability.h>: the number of CAP_SYS_ADMIN. */
#define ADMIN 21

struct fixture {
	struct workload w;
	struct gen_options o;
	struct sp_profile p;
	struct buf notes;
	struct err e;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	model_init(&f->w);
	gen_options_default(&f->o);
	f->o.runtime_version = "1.1.5";
	f->o.runtime = "runc";
	f->o.no_new_privs = true;
	sp_init(&f->p);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	wl_free(&f->w);
	sp_free(&f->p);
	buf_free(&f->notes);
	free(f);
	return 0;
}

/*
 * What has to hold for every profile: no rule that runc drops (the default's action), no rule that
 * it turns into alternatives (an index twice), no value outside a mask, one action per name, and
 * only the operators that libseccomp compiles correctly.
 */
static void check_rule(const struct sp_profile *p, const struct sp_rule *r)
{
	unsigned used = 0;

	assert_int_not_equal(0, sp_ret_cmp(r->ret, p->deflt));
	assert_true(r->names_n > 0);
	assert_non_null(r->comment);
	for (size_t i = 0; i < r->conds_n; i++) {
		const struct sp_cond *c = &r->conds[i];

		assert_false(used & 1u << c->index);
		used |= 1u << c->index;
		assert_true(c->op == SP_EQ || c->op == SP_MASKED_EQ);
		if (c->op == SP_MASKED_EQ)
			assert_int_equal(0, c->value2 & ~c->value);
	}
}

static bool rule_has(const struct sp_rule *r, const char *name)
{
	for (size_t i = 0; i < r->names_n; i++)
		if (!strcmp(r->names[i], name))
			return true;
	return false;
}

static void check_profile(const struct sp_profile *p)
{
	for (size_t i = 0; i < p->rules_n; i++)
		check_rule(p, &p->rules[i]);
	for (size_t n = 0; n < sc_count(); n++) {
		size_t plain = 0, conditional = 0, actions = 0;

		for (size_t i = 0; i < p->rules_n; i++) {
			if (!rule_has(&p->rules[i], sc_at(n)->name))
				continue;
			plain += !p->rules[i].conds_n;
			conditional += p->rules[i].conds_n > 0;
			actions |= 1u << p->rules[i].ret.action;
		}
		assert_true(plain <= 1 && !(plain && conditional));
		assert_true(!(actions & (actions - 1)));
	}
}

static void generate(struct fixture *f)
{
	int r;

	sp_free(&f->p);
	buf_free(&f->notes);
	r = gen_seccomp(&f->w, &f->o, &f->p, &f->notes, &f->e);
	if (r < 0)
		fail_msg("%s", f->e.msg);
	check_profile(&f->p);
}

static void refuse(struct fixture *f, const char *message)
{
	sp_free(&f->p);
	buf_free(&f->notes);
	assert_true(gen_seccomp(&f->w, &f->o, &f->p, &f->notes, &f->e) < 0);
	assert_non_null(strstr(f->e.msg, message));
	assert_int_equal(0, f->p.rules_n);
}

/* What the profile does with a call of x86-64: 0 allowed, an errno, or -1 something else. */
static int fate(const struct fixture *f, const char *name, uint64_t a0, uint64_t a1, uint64_t a2)
{
	uint64_t args[6] = { a0, a1, a2 };
	int nr = sc_nr(SC_X86_64, name);
	struct sp_ret r;

	assert_true(nr >= 0);
	r = sp_eval(&f->p, sc_abi_audit_arch(SC_X86_64), (uint32_t)nr, args);
	return r.action == SP_ALLOW ? 0 : r.action == SP_ERRNO ? r.data : -1;
}

static bool noted(const struct fixture *f, const char *text)
{
	return strstr(buf_str(&f->notes), text) != NULL;
}

static void allows_program_and_necessities(void **state)
{
	static const char *const names[] = {
		"read",		"exit_group",	   "execve",	    "exit",
		"rt_sigreturn", "restart_syscall", "clock_gettime", "gettimeofday",
		"time",		"getcpu",	   "clock_getres",
	};
	struct fixture *f = *state;

	generate(f);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(0, fate(f, names[i], 0, 0, 0));
	assert_int_equal(EPERM, fate(f, "mount", 0, 0, 0));
	assert_int_equal(EPERM, fate(f, "ptrace", 0, 0, 0));
	assert_int_equal(EPERM, f->p.deflt.data);
	assert_int_equal(0, f->notes.len);
}

static void leaves_out_the_runtime_phase(void **state)
{
	struct fixture *f = *state;

	model_call(&f->w, SC_X86_64, "mount", WL_RUNTIME);
	model_call(&f->w, SC_X86_64, "chroot", WL_SEALED);
	generate(f);
	assert_int_equal(EPERM, fate(f, "mount", 0, 0, 0));
	assert_int_equal(0, fate(f, "chroot", 0, 0, 0));
}

static void newer_calls_are_not_implemented(void **state)
{
	static const struct sc_kver oldest = { 3, 2, 0 };
	struct fixture *f = *state;
	size_t newer = 0;

	generate(f);
	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *d = sc_at(i);
		int r = d->nr[SC_X86_64] < 0 ? 0 : fate(f, d->name, 0, 0, 0);

		if (!r)
			continue;
		assert_int_equal(sc_kver_cmp(d->since, oldest) > 0 ? ENOSYS : EPERM, r);
		newer += r == ENOSYS;
	}
	assert_true(newer > 50);
	/* Those that broke profiles when a libc began to use them. */
	assert_int_equal(ENOSYS, fate(f, "clone3", 0, 0, 0));
	assert_int_equal(ENOSYS, fate(f, "faccessat2", 0, 0, 0));
	assert_int_equal(ENOSYS, fate(f, "statx", 0, 0, 0));
	assert_int_equal(ENOSYS, fate(f, "rseq", 0, 0, 0));
	assert_int_equal(ENOSYS, fate(f, "openat2", 0, 0, 0));
}

struct base_case {
	const char *runtime, *version;
	bool nnp;
	const char *has, *lacks; /* names, each may be NULL */
	bool exact;
};

static void runtime_bases(void **state)
{
	static const struct base_case cases[] = {
		{ "runc", "1.1.5", false, "capset", "statx", true },
		{ "runc", "1.1.5", false, "fchown", "openat2", true },
		{ "runc", "1.1.5+ds1", true, "fstatfs", "capset", true },
		{ "runc", "v1.1.5", true, "sched_yield", "setuid", true },
		{ "runc", "1.1.12", false, "capset", "statx", false },
		{ "runc", "1.2.7", false, "capset", "openat2", false },
		{ "runc", "1.2.8", false, "openat2", NULL, false },
		{ "runc", "1.3.2", false, NULL, "openat2", false },
		{ "runc", "1.3.3", true, "statx", "capset", false },
		{ "runc", "1.4", false, "statx", NULL, false },
		{ "runc", NULL, false, "openat2", NULL, false },
		{ "crun", "1.8.1", true, "close", "rt_sigprocmask", true },
		{ "crun", "1.8.1", false, "setresuid", "futex", true },
		{ "crun", "1.21", false, "capset", "epoll_ctl", false },
		{ NULL, NULL, false, "setresuid", NULL, false },
		{ NULL, NULL, false, "getppid", "mount", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct base_case *c = &cases[i];
		struct runtime_base b;

		assert_int_equal(0, runtime_base_find(c->runtime, c->version, c->nnp, &b, NULL));
		assert_true(!c->has || runtime_base_has(&b, c->has));
		assert_false(c->lacks && runtime_base_has(&b, c->lacks));
		assert_int_equal(c->exact, b.exact);
		assert_true(b.n < RUNTIME_BASE_MAX);
		for (size_t k = 0; k < b.n; k++) {
			assert_non_null(sc_by_name(b.names[k]));
			assert_true(!k || strcmp(b.names[k - 1], b.names[k]) < 0);
		}
	}
}

static void runtime_base_errors(void **state)
{
	static const struct {
		const char *runtime, *version, *message;
	} cases[] = {
		{ "youki", NULL, "unknown container runtime 'youki'" },
		{ "runc", "latest", "expected numbers" },
		{ "runc", "", "expected numbers" },
		{ "runc", "999999999.1", "expected numbers" },
		{ NULL, "1.1.5", "without a runtime" },
	};
	struct runtime_base b;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(-EINVAL, runtime_base_find(cases[i].runtime, cases[i].version,
							    false, &b, &e));
		assert_non_null(strstr(e.msg, cases[i].message));
	}
}

static void base_follows_options(void **state)
{
	struct fixture *f = *state;

	generate(f);
	assert_int_equal(EPERM, fate(f, "capset", 0, 0, 0));
	f->o.no_new_privs = false;
	generate(f);
	assert_int_equal(0, fate(f, "capset", 0, 0, 0));
	assert_int_equal(EPERM, fate(f, "rt_sigaction", 0, 0, 0));
	f->o.runtime = f->o.runtime_version = NULL; /* the model says runc */
	generate(f);
	assert_int_equal(EPERM, fate(f, "rt_sigaction", 0, 0, 0));
	f->w.identity.runtime = NULL;
	generate(f);
	assert_int_equal(0, fate(f, "rt_sigaction", 0, 0, 0));
	f->w.identity.runtime = "kata";
	generate(f);
	assert_int_equal(0, fate(f, "rt_sigaction", 0, 0, 0));
	assert_true(noted(f, "kata"));
}

static void base_from_a_file(void **state)
{
	struct fixture *f = *state;
	cleanup_workload struct workload base;

	wl_init(&base);
	model_call(&base, SC_X86_64, "read", WL_START);
	f->o.base = &base;
	refuse(f, "no call of the phase");
	model_call(&base, SC_X86_64, "syslog", WL_SEALED);
	generate(f);
	assert_int_equal(0, fate(f, "syslog", 0, 0, 0));
	assert_int_equal(0, fate(f, "futex", 0, 0, 0));
	assert_int_equal(EPERM, fate(f, "getdents64", 0, 0, 0)); /* of the built-in table */
}

static void clone3_falls_back(void **state)
{
	struct fixture *f = *state;

	model_arg(&f->w, "clone3", 0, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND);
	generate(f);
	assert_int_equal(ENOSYS, fate(f, "clone3", 0, 0, 0));
	assert_int_equal(0, fate(f, "clone", CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0));
	assert_int_equal(0, fate(f, "clone", 17, 0, 0)); /* SIGCHLD: a new process */
	assert_int_equal(EPERM, fate(f, "clone", CLONE_NEWUSER | 17, 0, 0));
	assert_int_equal(EPERM, fate(f, "clone", CLONE_NEWNS, 0, 0));
	assert_int_equal(EPERM, fate(f, "clone", (uint64_t)CLONE_NEWNET, 0, 0));
	f->o.clone3 = true;
	generate(f);
	assert_int_equal(0, fate(f, "clone3", 0, 0, 0));
	assert_int_equal(0, fate(f, "clone", CLONE_NEWUSER, 0, 0));
	assert_true(noted(f, "clone: any flags"));
}

static void clone_without_clone3(void **state)
{
	struct fixture *f = *state;

	generate(f);
	assert_int_equal(EPERM, fate(f, "clone", 17, 0, 0));
	model_arg(&f->w, "clone", 0, 17);
	f->o.clone3 = true;
	generate(f);
	assert_int_equal(0, fate(f, "clone3", 0, 0, 0)); /* its pair */
	f->o.equivalents = GEN_EQ_OFF;
	generate(f);
	assert_int_equal(ENOSYS, fate(f, "clone3", 0, 0, 0));
	assert_int_equal(EPERM, fate(f, "clone", CLONE_NEWUSER, 0, 0));
}

static void clone_with_namespaces_seen(void **state)
{
	struct fixture *f = *state;

	model_arg(&f->w, "clone", 0, CLONE_NEWUSER | CLONE_NEWPID | 17);
	generate(f);
	assert_int_equal(0, fate(f, "clone", CLONE_NEWUSER | CLONE_NEWPID, 0, 0));
	assert_int_equal(0, fate(f, "clone", CLONE_VM, 0, 0));
	assert_int_equal(EPERM, fate(f, "clone", CLONE_NEWUSER, 0, 0));
	assert_int_equal(EPERM, fate(f, "clone", CLONE_NEWNET, 0, 0));
}

static void clone_with_unknown_flags(void **state)
{
	struct fixture *f = *state;

	model_call(&f->w, SC_X86_64, "clone", WL_START);
	generate(f);
	assert_int_equal(EPERM, fate(f, "clone", CLONE_NEWUSER, 0, 0));
	assert_true(noted(f, "clone: not all flags"));
	wl_prov_add(&wl_cap_add(&f->w, ADMIN, WL_CAP_GRANTED, "clone", "", false, false)->prov,
		    WL_PHASE_BIT(WL_START), 0, 0);
	generate(f);
	assert_int_equal(0, fate(f, "clone", CLONE_NEWUSER, 0, 0));
	assert_true(noted(f, "CAP_SYS_ADMIN"));
}

static void equivalents(void **state)
{
	struct fixture *f = *state;

	model_call(&f->w, SC_X86_64, "fork", WL_START);
	model_call(&f->w, SC_X86_64, "openat", WL_START);
	model_call(&f->w, SC_X86_64, "poll", WL_START);
	generate(f);
	assert_int_equal(0, fate(f, "vfork", 0, 0, 0));
	assert_int_equal(EPERM, fate(f, "open", 0, 0, 0));
	f->o.equivalents = GEN_EQ_ALL;
	generate(f);
	assert_int_equal(0, fate(f, "open", 0, 0, 0));
	assert_int_equal(0, fate(f, "ppoll", 0, 0, 0));
	assert_int_equal(0, fate(f, "clone", 17, 0, 0));
	assert_int_equal(EPERM, fate(f, "rename", 0, 0, 0));
	f->o.equivalents = GEN_EQ_OFF;
	generate(f);
	assert_int_equal(EPERM, fate(f, "vfork", 0, 0, 0));
}

static void sockets(void **state)
{
	struct fixture *f = *state;
	const uint64_t high = UINT64_C(7) << 32;

	model_socket(&f->w, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 6);
	model_socket(&f->w, AF_UNIX, SOCK_DGRAM, 0);
	generate(f);
	assert_int_equal(0, fate(f, "socket", AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 6));
	assert_int_equal(0, fate(f, "socket", high | AF_INET, high | SOCK_STREAM, high));
	assert_int_equal(0, fate(f, "socket", AF_INET6, SOCK_STREAM, 6));
	assert_int_equal(0, fate(f, "socket", AF_UNIX, SOCK_DGRAM, 0));
	assert_int_equal(EPERM, fate(f, "socket", AF_UNIX, SOCK_STREAM, 0));
	assert_int_equal(EPERM, fate(f, "socket", AF_INET, SOCK_RAW, 6));
	assert_int_equal(EPERM, fate(f, "socket", AF_INET, SOCK_STREAM, 262)); /* MPTCP */
	assert_int_equal(EPERM, fate(f, "socket", AF_ALG, SOCK_SEQPACKET, 0));
	assert_int_equal(EPERM, fate(f, "socket", AF_VSOCK, SOCK_STREAM, 0));
	f->o.equivalents = GEN_EQ_OFF;
	generate(f);
	assert_int_equal(EPERM, fate(f, "socket", AF_INET6, SOCK_STREAM, 6));
	assert_int_equal(EPERM, fate(f, "socket", AF_INET, SOCK_STREAM, 0));
	f->o.arguments = GEN_ARGS_OFF;
	generate(f);
	assert_int_equal(0, fate(f, "socket", AF_ALG, SOCK_SEQPACKET, 0));
}

static void ping_sockets_of_both_families(void **state)
{
	struct fixture *f = *state;

	model_socket(&f->w, AF_INET, SOCK_DGRAM, 1);
	generate(f);
	assert_int_equal(0, fate(f, "socket", AF_INET, SOCK_DGRAM, 1));
	assert_int_equal(0, fate(f, "socket", AF_INET6, SOCK_DGRAM, 58));
	assert_int_equal(EPERM, fate(f, "socket", AF_INET6, SOCK_DGRAM, 1));
	assert_int_equal(EPERM, fate(f, "socket", AF_INET, SOCK_DGRAM, 0));
}

static void no_filter_on_unknown_arguments(void **state)
{
	struct fixture *f = *state;
	struct wl_syscall *s;
	int statics;

	model_socket(&f->w, AF_INET, SOCK_STREAM, 0);
	statics = wl_source_add(&f->w, WL_STATIC);
	s = model_call(&f->w, SC_X86_64, "socket", WL_START);
	wl_prov_add(&s->prov, WL_PHASE_BIT(WL_START), 0, statics);
	generate(f);
	assert_int_equal(0, fate(f, "socket", AF_ALG, SOCK_SEQPACKET, 0));
	assert_true(noted(f, "socket: any arguments"));
}

/* The same model, when its user says that the recorded arguments count. */
static void recorded_arguments_count(void **state)
{
	struct fixture *f = *state;
	cleanup_buf struct buf names = { 0 };
	struct wl_syscall *s;
	int statics;

	model_socket(&f->w, AF_INET, SOCK_STREAM, 0);
	statics = wl_source_add(&f->w, WL_STATIC);
	s = model_call(&f->w, SC_X86_64, "socket", WL_START);
	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, 0, statics);
	wl_prefer_recorded(&f->w, &names);
	assert_string_equal("socket\n", buf_str(&names));
	generate(f);
	assert_int_equal(0, fate(f, "socket", AF_INET, SOCK_STREAM, 0));
	assert_int_equal(EPERM, fate(f, "socket", AF_ALG, SOCK_SEQPACKET, 0));
}

static void no_filter_on_lost_arguments(void **state)
{
	struct fixture *f = *state;

	model_socket(&f->w, AF_INET, SOCK_STREAM, 0);
	wl_loss_add(&f->w, 0, "arguments", 3);
	f->o.allow_incomplete = true;
	generate(f);
	assert_int_equal(0, fate(f, "socket", AF_UNIX, SOCK_STREAM, 0));
}

static void no_filter_on_too_many_values(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < 65; i++)
		model_arg(&f->w, "keyctl", 0, i);
	generate(f);
	assert_int_equal(0, fate(f, "keyctl", 1000, 0, 0));
	assert_true(noted(f, "keyctl: any arguments, since too many"));
}

static void plain_argument_filters(void **state)
{
	static const struct {
		const char *name;
		int index;
		uint64_t seen, other;
	} cases[] = {
		{ "personality", 0, 0xffffffff, 0x40000 },
		{ "unshare", 0, CLONE_NEWNS, CLONE_NEWUSER },
		{ "setns", 1, 0, CLONE_NEWUSER },
		{ "ptrace", 0, 2, 4 },
		{ "keyctl", 0, 11, 2 },
		{ "bpf", 0, 0, 5 },
		{ "prctl", 0, PR_SET_NAME, PR_SET_DUMPABLE },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		model_arg(&f->w, cases[i].name, cases[i].index, cases[i].seen);
	generate(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t good[3] = { 0 }, bad[3] = { 0 };

		good[cases[i].index] = cases[i].seen;
		bad[cases[i].index] = cases[i].other;
		assert_int_equal(0, fate(f, cases[i].name, good[0], good[1], good[2]));
		assert_int_equal(EPERM, fate(f, cases[i].name, bad[0], bad[1], bad[2]));
	}
}

static void no_filter_on_the_runtimes_calls(void **state)
{
	struct fixture *f = *state;

	model_arg(&f->w, "prctl", 0, PR_SET_NAME);
	f->o.no_new_privs = false; /* runc then drops the bounding set under the filter */
	generate(f);
	assert_int_equal(0, fate(f, "prctl", PR_CAPBSET_DROP, 0, 0));
	assert_true(noted(f, "prctl: any arguments, since the container runtime"));
}

static void strict_arguments(void **state)
{
	struct fixture *f = *state;

	model_arg(&f->w, "ioctl", 1, 0x5401);
	model_arg(&f->w, "fcntl", 1, 3);
	generate(f);
	assert_int_equal(0, fate(f, "ioctl", 0, 0x5413, 0));
	assert_int_equal(0, fate(f, "fcntl", 0, 4, 0));
	f->o.arguments = GEN_ARGS_STRICT;
	generate(f);
	assert_int_equal(0, fate(f, "ioctl", 9, 0x5401, 1));
	assert_int_equal(EPERM, fate(f, "ioctl", 0, 0x5413, 0));
	assert_int_equal(EPERM, fate(f, "fcntl", 0, 4, 0));
}

static void memory_protection(void **state)
{
	struct fixture *f = *state;

	model_arg(&f->w, "mmap", 2, PROT_READ | PROT_WRITE);
	model_arg(&f->w, "mprotect", 2, PROT_READ | PROT_EXEC);
	generate(f);
	for (uint64_t prot = 0; prot < 8; prot++) {
		int want = (prot & 6) == 6 ? EPERM : 0;

		assert_int_equal(want, fate(f, "mmap", 0, 0, prot));
		assert_int_equal(want, fate(f, "mprotect", 0, 0, prot | 0x01000000));
	}
	model_arg(&f->w, "mmap", 2, PROT_READ | PROT_WRITE | PROT_EXEC);
	generate(f);
	assert_int_equal(0, fate(f, "mprotect", 0, 0, 7));
	assert_true(noted(f, "mmap and mprotect: any protection"));
}

static void architectures(void **state)
{
	struct fixture *f = *state;

	generate(f);
	assert_true(f->p.abi[SC_X86_64]);
	assert_false(f->p.abi[SC_I386] || f->p.abi[SC_X32] || f->p.abi[SC_AARCH64]);
	model_call(&f->w, SC_I386, "mmap", WL_RUNTIME); /* not the program */
	generate(f);
	assert_false(f->p.abi[SC_I386]);
	model_call(&f->w, SC_I386, "mmap", WL_START);
	model_call(&f->w, SC_I386, "sigreturn", WL_START);
	model_arg(&f->w, "mmap", 2, PROT_READ);
	generate(f);
	assert_true(f->p.abi[SC_I386]);
	assert_false(f->p.abi[SC_X32]);
	assert_true(noted(f, "socketcall"));
	/* i386's mmap has its arguments in memory. */
	assert_int_equal(0, fate(f, "mmap", 0, 0, 7));
	model_call(&f->w, SC_X32, "read", WL_START);
	generate(f);
	assert_true(f->p.abi[SC_X32]);
}

static void aarch64_models(void **state)
{
	struct fixture *f = *state;
	cleanup_workload struct workload w;
	cleanup_sp_profile struct sp_profile p;
	uint64_t args[6] = { 0 };

	wl_init(&w);
	w.identity.arch = "aarch64";
	model_call(&w, SC_AARCH64, "openat", WL_START);
	assert_int_equal(0, gen_seccomp(&w, &f->o, &p, &f->notes, &f->e));
	assert_true(p.abi[SC_AARCH64] && !p.abi[SC_X86_64]);
	assert_int_equal(SP_ALLOW, sp_eval(&p, sc_abi_audit_arch(SC_AARCH64), 56, args).action);
	for (size_t i = 0; i < p.rules_n; i++)
		for (size_t k = 0; k < p.rules[i].names_n; k++)
			assert_true(sc_nr(SC_AARCH64, p.rules[i].names[k]) >= 0);
}

static void refuses_what_is_not_a_recording(void **state)
{
	struct fixture *f = *state;
	cleanup_workload struct workload empty;

	wl_init(&empty);
	empty.identity.arch = "x86_64";
	model_call(&empty, SC_X86_64, "mount", WL_RUNTIME);
	assert_int_equal(-ENODATA, gen_seccomp(&empty, &f->o, &f->p, &f->notes, &f->e));
	assert_non_null(strstr(f->e.msg, "no system call of the program"));

	f->w.sources[0].complete = false;
	f->w.sources[0].incomplete_reason = "stopped by SIGTERM";
	refuse(f, "stopped by SIGTERM");
	f->o.allow_incomplete = true;
	generate(f);
	assert_true(noted(f, "stopped by SIGTERM"));
}

static void refuses_without_execve(void **state)
{
	struct fixture *f = *state;
	cleanup_workload struct workload w;

	wl_init(&w);
	w.identity.arch = "x86_64";
	wl_source_add(&w, WL_PTRACE);
	model_call(&w, SC_X86_64, "read", WL_SERVING);
	assert_int_equal(-ENODATA, gen_seccomp(&w, &f->o, &f->p, &f->notes, &f->e));
	assert_non_null(strstr(f->e.msg, "no execve"));
	w.sources[0].kind = WL_STATIC; /* which sees no calls */
	assert_int_equal(0, gen_seccomp(&w, &f->o, &f->p, &f->notes, &f->e));
}

static void refuses_unknown_numbers(void **state)
{
	struct fixture *f = *state;

	wl_prov_add(&wl_syscall_add(&f->w, SC_X86_64, 999)->prov, WL_PHASE_BIT(WL_START), 0, 0);
	refuse(f, "unknown system call 999 of x86_64");
	f->o.allow_incomplete = true;
	generate(f);
	assert_true(noted(f, "left out: the unknown system call 999"));
}

static void complain_mode(void **state)
{
	struct fixture *f = *state;

	model_arg(&f->w, "clone3", 0, CLONE_VM);
	f->o.complain = true;
	generate(f);
	assert_int_equal(SP_LOG, f->p.deflt.action);
	for (size_t i = 0; i < f->p.rules_n; i++)
		assert_int_equal(SP_ALLOW, f->p.rules[i].ret.action);
	assert_int_equal(0, fate(f, "clone3", 0, 0, 0));
	assert_int_equal(-1, fate(f, "mount", 0, 0, 0));
}

/* The profile as libseccomp, and so runc, compiles it: names that it does not know are skipped. */
static void add_to_libseccomp(scmp_filter_ctx ctx, struct sp_profile *known,
			      const struct sp_rule *r)
{
	struct sp_rule *copy = sp_rule_add(known, r->ret, NULL);
	struct scmp_arg_cmp cmp[6];
	uint32_t action = r->ret.action == SP_ALLOW ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(r->ret.data);

	for (size_t i = 0; i < r->conds_n; i++) {
		const struct sp_cond *c = &r->conds[i];

		cmp[i] = (struct scmp_arg_cmp){ c->index,
						c->op == SP_EQ ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ,
						c->value, c->value2 };
		sp_rule_cond(copy, c->index, c->op, c->value, c->value2);
	}
	for (size_t i = 0; i < r->names_n; i++) {
		int nr = seccomp_syscall_resolve_name(r->names[i]);

		if (nr == __NR_SCMP_ERROR)
			continue;
		sp_rule_name(known, copy, r->names[i]);
		assert_int_equal(
			0, seccomp_rule_add_array(ctx, action, nr, (unsigned)r->conds_n, cmp));
	}
}

static void prove_libseccomp(const struct sp_profile *p)
{
	cleanup_sp_profile struct sp_profile known;
	cleanup_sp_filter struct sp_filter filter = { 0 };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int fd = memfd_create("bpf", MFD_CLOEXEC);
	struct err e = { 0 };
	off_t size;

	sp_init(&known);
	known.abi[SC_X86_64] = true;
	/* libseccomp counts all numbers from 2^30 as another architecture's. */
	known.bad_arch = known.deflt;
	assert_int_equal(0, seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM)));
	for (size_t i = 0; i < p->rules_n; i++)
		add_to_libseccomp(ctx, &known, &p->rules[i]);
	assert_int_equal(0, seccomp_export_bpf(ctx, fd));
	size = lseek(fd, 0, SEEK_END);
	filter.n = (size_t)size / sizeof(*filter.insn);
	filter.insn = malloc((size_t)size);
	assert_int_equal(size, pread(fd, filter.insn, (size_t)size, 0));
	if (sp_prove(&known, &filter, &e) < 0)
		fail_msg("%s", e.msg);
	close(fd);
	seccomp_release(ctx);
}

static void libseccomp_agrees(void **state)
{
	struct fixture *f = *state;

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		skip();
	model_socket(&f->w, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 6);
	model_socket(&f->w, AF_NETLINK, SOCK_RAW, 0);
	model_arg(&f->w, "clone3", 0, CLONE_VM | CLONE_THREAD);
	model_arg(&f->w, "clone", 0, CLONE_NEWUSER | 17);
	model_arg(&f->w, "prctl", 0, PR_SET_NAME);
	model_arg(&f->w, "personality", 0, 0xffffffff);
	model_arg(&f->w, "ptrace", 0, 0x4206);
	model_arg(&f->w, "mmap", 2, PROT_READ);
	model_arg(&f->w, "mprotect", 2, PROT_READ);
	generate(f);
	prove_libseccomp(&f->p);
}

/* A model of random calls and arguments. */
static void random_model(struct workload *w, unsigned *seed)
{
	static const enum sc_abi abis[] = { SC_X86_64, SC_X86_64, SC_X86_64, SC_I386, SC_X32 };
	static const char *const with_args[] = { "socket",   "socketpair", "clone", "clone3",
						 "mprotect", "mmap",	   "prctl", "personality",
						 "unshare",  "ptrace",	   "ioctl", "fcntl" };
	unsigned mixed = (unsigned)rand_r(seed) % 4 ? 3 : 5;

	model_init(w);
	for (unsigned i = 0; i < 40; i++) {
		const struct sc_desc *d = sc_at((size_t)rand_r(seed) % sc_count());
		enum sc_abi abi = abis[(unsigned)rand_r(seed) % mixed];

		if (d->nr[abi] >= 0)
			model_call(w, abi, d->name,
				   (enum wl_phase)((unsigned)rand_r(seed) % WL_PHASE_COUNT));
	}
	for (unsigned i = 0; i < 30; i++) {
		const char *name = with_args[(unsigned)rand_r(seed) %
					     (sizeof(with_args) / sizeof(*with_args))];
		uint64_t a = (uint64_t)rand_r(seed) << ((unsigned)rand_r(seed) % 8),
			 b = (unsigned)rand_r(seed) % 16, c = (unsigned)rand_r(seed) % 8;
		enum sc_abi abi = abis[(unsigned)rand_r(seed) % mixed];
		uint64_t first = rand_r(seed) % 3 ? a : b;

		if (abi == SC_I386)
			first &= UINT32_MAX; /* no register has more */
		model_args(w, abi, name, rand_r(seed) % 8 ? WL_START : WL_SEALED, 0, first, 1, b, 2,
			   c);
	}
}

static void generated_profiles_allow_their_model(void **state)
{
	struct fixture *f = *state;
	unsigned seed = 20260105;

	for (unsigned i = 0; i < 150; i++) {
		cleanup_workload struct workload w;
		cleanup_sp_profile struct sp_profile p;
		cleanup_verify_report struct verify_report r = { 0 };
		struct verify_options v = { .profile = &p, .runtime = "runc" };
		struct gen_options o = {
			.runtime = "runc",
			.complain = rand_r(&seed) % 5 == 0,
			.clone3 = rand_r(&seed) % 3 == 0,
			.arguments = (enum gen_arguments)((unsigned)rand_r(&seed) % 3),
			.equivalents = (enum gen_equivalents)((unsigned)rand_r(&seed) % 3),
			.unseen = (enum gen_unseen)((unsigned)rand_r(&seed) % 3),
		};

		random_model(&w, &seed);
		if (gen_seccomp(&w, &o, &p, &f->notes, &f->e) < 0)
			fail_msg("model %u: %s", i, f->e.msg);
		check_profile(&p);
		assert_int_equal(0, verify_model(&w, &v, &r, &f->e));
		assert_int_equal(0, verify_denials(&r));
		assert_true(r.checked > 40);
	}
}

/* The first rule that names the call, NULL: none. */
static const struct sp_rule *rule_of(const struct sp_profile *p, const char *name)
{
	for (size_t i = 0; i < p->rules_n; i++)
		if (rule_has(&p->rules[i], name))
			return &p->rules[i];
	return NULL;
}

/* A model with a recording and an analysis: what only the latter knows has a group of its own. */
static void unseen(void **state)
{
	static const struct {
		enum gen_unseen unseen;
		bool wait4, ptrace;
	} cases[] = {
		{ GEN_UNSEEN_ALL, true, true },
		{ GEN_UNSEEN_SAFE, true, false },
		{ GEN_UNSEEN_NONE, false, false },
	};
	static const char *const names[] = { "wait4", "ptrace", "read" };
	struct fixture *f = *state;
	uint32_t source = (uint32_t)wl_source_add(&f->w, WL_STATIC);

	f->w.sources[source].complete = true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct wl_syscall *s = wl_syscall_add_name(&f->w, SC_X86_64, sc_by_name(names[i]));

		wl_prov_add(&s->prov, WL_PROGRAM_PHASES, 0, source);
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sp_rule *r;

		f->o.unseen = cases[i].unseen;
		assert_int_equal(0, gen_seccomp(&f->w, &f->o, &f->p, &f->notes, &f->e));
		check_profile(&f->p);
		r = rule_of(&f->p, "wait4");
		assert_int_equal(cases[i].wait4, r && strstr(r->comment, "not recorded"));
		r = rule_of(&f->p, "ptrace");
		assert_int_equal(cases[i].ptrace, r && strstr(r->comment, "not recorded"));
		r = rule_of(&f->p, "read");
		assert_string_equal("called by the program", r->comment);
		assert_int_equal(!cases[i].ptrace, !!strstr(buf_str(&f->notes), "left out"));
		assert_int_equal(!cases[i].wait4, !!strstr(buf_str(&f->notes), "wait4"));
		sp_free(&f->p);
		buf_free(&f->notes);
		f->notes = (struct buf){ 0 };
	}
	sp_init(&f->p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* What each engine and version gets: its dialect, and no member that it drops. */
static void engines(void **state)
{
	static const struct {
		const char *spec, *runtime;
		enum sp_dialect dialect;
		bool default_errno;
	} cases[] = {
		{ "docker:20.10.24", "runc", SP_DIALECT_DOCKER, false },
		{ "docker:23.0", "runc", SP_DIALECT_DOCKER, true },
		{ "docker", "runc", SP_DIALECT_DOCKER, true },
		{ "podman:4.3", NULL, SP_DIALECT_PODMAN, true },
		{ "containerd", NULL, SP_DIALECT_OCI, true },
		{ "cri-o:1.27", NULL, SP_DIALECT_PODMAN, true },
		{ "runc:1.0.0-rc9", "runc", SP_DIALECT_OCI, true },
		{ "runc:v0.1.1", "runc", SP_DIALECT_OCI, false },
		{ "crun:1.8.1+ds", "crun", SP_DIALECT_OCI, true },
	};
	static const char *const bad[] = {
		"dock", "", ":1", "docker:", "docker:x", "runc:9999999"
	};
	struct fixture *f = *state;
	struct engine g;

	assert_int_equal(0, gen_seccomp(&f->w, &f->o, &f->p, &f->notes, &f->e));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_buf struct buf notes = { 0 };
		cleanup_free char *text = NULL;

		assert_int_equal(0, engine_parse(cases[i].spec, &g, &f->e));
		assert_int_equal(cases[i].dialect, engine_dialect(&g));
		if (cases[i].runtime)
			assert_string_equal(cases[i].runtime, engine_runtime(&g));
		else
			assert_null(engine_runtime(&g));
		text = engine_write(&f->p, &g, &notes);
		assert_true(cases[i].default_errno == !!strstr(text, "\"defaultErrnoRet\""));
		assert_true(cases[i].default_errno == !strstr(buf_str(&notes), "drops default"));
		assert_true((cases[i].dialect == SP_DIALECT_DOCKER) == !!strstr(text, "comment") ||
			    cases[i].dialect == SP_DIALECT_PODMAN);
		assert_true(strstr(text, "\"clone3\"") != NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(-EINVAL, engine_parse(bad[i], &g, &f->e));
}

static bool named(const struct sp_profile *p, const char *name)
{
	for (size_t i = 0; i < p->rules_n; i++)
		for (size_t k = 0; k < p->rules[i].names_n; k++)
			if (!strcmp(p->rules[i].names[k], name))
				return true;
	return false;
}

static void engine_names(void **state)
{
	static const struct {
		const char *version;
		bool clone3, futex_waitv, futex_wake, mseal; /* Linux 5.3, 5.16, 6.7, 6.10 */
	} cases[] = {
		{ "2.4.1", false, false, false, false },
		{ "2.4.3", true, false, false, false },
		{ "2.5.3", true, false, false, false },
		{ "2.5.4", true, true, false, false },
		{ "2.5.4-1+deb12u1", true, true, true, false },
		{ "2.5.5", true, true, true, false },
		{ "2.6.0", true, true, true, true },
	};
	struct fixture *f = *state;
	struct engine g;

	assert_int_equal(0, engine_parse("crun", &g, &f->e));
	model_call(&f->w, SC_X86_64, "mseal", WL_START);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_sp_profile struct sp_profile p;
		cleanup_buf struct buf notes = { 0 };

		assert_int_equal(0, gen_seccomp(&f->w, &f->o, &p, &f->notes, &f->e));
		assert_int_equal(0, engine_fit_names(&p, &g, cases[i].version, &notes, &f->e));
		assert_int_equal(cases[i].clone3, named(&p, "clone3"));
		assert_int_equal(cases[i].futex_waitv, named(&p, "futex_waitv"));
		assert_int_equal(cases[i].futex_wake, named(&p, "futex_wake"));
		assert_int_equal(cases[i].mseal, named(&p, "mseal"));
		assert_true(named(&p, "read"));
		/* Only what was called is a loss. */
		assert_int_equal(!cases[i].mseal, !!strstr(buf_str(&notes), "mseal was called"));
		assert_null(strstr(buf_str(&notes), "futex"));
	}
	assert_int_equal(-EINVAL, engine_fit_names(&f->p, &g, "x", &f->notes, &f->e));
	assert_int_equal(-EINVAL, engine_fit_names(&f->p, &g, "2.1.9", &f->notes, &f->e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(allows_program_and_necessities),
		T(leaves_out_the_runtime_phase),
		T(newer_calls_are_not_implemented),
		T(runtime_bases),
		T(runtime_base_errors),
		T(base_follows_options),
		T(base_from_a_file),
		T(clone3_falls_back),
		T(clone_without_clone3),
		T(clone_with_namespaces_seen),
		T(clone_with_unknown_flags),
		T(equivalents),
		T(sockets),
		T(ping_sockets_of_both_families),
		T(no_filter_on_unknown_arguments),
		T(recorded_arguments_count),
		T(no_filter_on_lost_arguments),
		T(no_filter_on_too_many_values),
		T(plain_argument_filters),
		T(no_filter_on_the_runtimes_calls),
		T(strict_arguments),
		T(memory_protection),
		T(architectures),
		T(aarch64_models),
		T(refuses_what_is_not_a_recording),
		T(refuses_without_execve),
		T(refuses_unknown_numbers),
		T(complain_mode),
		T(engines),
		T(unseen),
		T(engine_names),
		T(libseccomp_agrees),
		T(generated_profiles_allow_their_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
