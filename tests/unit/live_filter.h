/* Filters in the running kernel: what it does to calls is compared with what the simulation says.
 */
#ifndef TESTS_LIVE_FILTER_H
#define TESTS_LIVE_FILTER_H

#include <fcntl.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random_profile.h"

enum { LIVE_CALLS = 60 }; /* that each filter is tried on */

#ifdef __x86_64__
/* A call of the i386 ABI from a 64-bit process, with 0 as sixth argument; high words are cut. */
static inline long i386_call(uint32_t nr, const uint64_t *args)
{
	long ret;

	__asm__ volatile(
		"mov %%rbp, %%r12\n\t"
		"xor %%ebp, %%ebp\n\t"
		"int $0x80\n\t"
		"mov %%r12, %%rbp"
		: "=a"(ret)
		: "a"((unsigned long)nr), "b"((unsigned long)(uint32_t)args[0]),
		  "c"((unsigned long)(uint32_t)args[1]), "d"((unsigned long)(uint32_t)args[2]),
		  "S"((unsigned long)(uint32_t)args[3]), "D"((unsigned long)(uint32_t)args[4])
		: "memory", "r8", "r9", "r10", "r11", "r12");
	return (int)ret;
}
#else
static inline long i386_call(uint32_t nr, const uint64_t *args)
{
	(void)nr;
	(void)args;
	return -ENOSYS;
}
#endif

/* What the kernel answers, as a negative errno or a result. */
static inline long live_call(const struct seccomp_data *sd)
{
	uint64_t a[SC_MAX_ARGS];
	long r;

	memcpy(a, sd->args, sizeof(a));
	if (sd->arch == AUDIT_ARCH_I386)
		return i386_call((uint32_t)sd->nr, a);
	r = syscall((long)(uint32_t)sd->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	return r == -1 ? -errno : r;
}

/* Only calls that do nothing lasting in a child, whatever the arguments. */
static const char *const harmless[] = { "lseek", "getpriority", "kcmp", "umask", "getppid" };

static inline void live_profile(struct sp_profile *p, struct source *s)
{
	random_profile(p, s, 6, true);
	p->bad_arch = (struct sp_ret){ SP_ERRNO, 950 };
	p->abi[sc_abi_native()] = true;
	for (size_t i = 0; i < p->rules_n; i++) {
		p->rules[i].names_n = 0;
		for (size_t k = 0; k < ARRAY_SIZE(harmless); k++)
			if (i % 2 || source_below(s, 2))
				sp_rule_name(p, &p->rules[i], harmless[k]);
		if (!p->rules[i].names_n)
			sp_rule_name(p, &p->rules[i], harmless[0]);
	}
}

/* In the child: 0 when the kernel does what the simulation says, else 1 + the call's index. */
static inline int live_child(const struct sp_filter *f, const struct seccomp_data *sd, bool i386)
{
	struct sock_fprog prog = { (unsigned short)f->n, f->insn };
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return 254;
	for (int k = 0; k < LIVE_CALLS; k++) {
		uint32_t word = 0;
		struct sp_ret want;
		long got;

		if (sd[k].arch == AUDIT_ARCH_I386 && !i386)
			continue;
		if (sp_simulate(f, &sd[k], &word, NULL) < 0)
			return 253;
		want = sp_ret_of_word(word);
		got = live_call(&sd[k]);
		if (want.action == SP_ERRNO ? got != -(long)want.data : got <= -900)
			return 1 + k;
	}
	return 0;
}

/* Whether this kernel serves int $0x80 at all. */
static inline bool has_i386(void)
{
	static const uint64_t none[SC_MAX_ARGS];
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(i386_call((uint32_t)sc_nr(SC_I386, "getppid"), none) == getppid() ? 0 : 1);
	if (waitpid(pid, &status, 0) != pid)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Whether a 64-bit process of this machine can make a call of this architecture. */
static inline bool is_callable(uint32_t arch)
{
	return arch == sc_abi_audit_arch(sc_abi_native()) ||
	       (sc_abi_native() == SC_X86_64 && arch == AUDIT_ARCH_I386);
}

static inline void live_calls(struct source *s, const struct sp_profile *p, struct seccomp_data *sd)
{
	for (int k = 0; k < LIVE_CALLS; k++) {
		do
			random_call(s, p, &sd[k]);
		while (!is_callable(sd[k].arch));
		for (size_t i = 0; i < SC_MAX_ARGS && sd[k].arch == AUDIT_ARCH_I386; i++)
			sd[k].args[i] = i < 5 ? (uint32_t)sd[k].args[i] : 0;
	}
}

#endif
