/* The filter that libseccomp makes of the same rules, to run in the same simulator and kernel. */
#ifndef TESTS_BENCH_LIBSECCOMP_FILTER_H
#define TESTS_BENCH_LIBSECCOMP_FILTER_H

#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "profile/seccomp.h"

static inline uint32_t lib_action(struct sp_ret r)
{
	switch (r.action) {
	case SP_ALLOW:
		return SCMP_ACT_ALLOW;
	case SP_LOG:
		return SCMP_ACT_LOG;
	case SP_ERRNO:
		return SCMP_ACT_ERRNO(r.data);
	case SP_KILL_THREAD:
		return SCMP_ACT_KILL_THREAD;
	default:
		return SCMP_ACT_KILL_PROCESS;
	}
}

static inline int lib_rule(scmp_filter_ctx ctx, const struct sp_rule *r, int nr)
{
	static const enum scmp_compare ops[SP_OP_COUNT] = {
		[SP_NE] = SCMP_CMP_NE,
		[SP_LT] = SCMP_CMP_LT,
		[SP_LE] = SCMP_CMP_LE,
		[SP_EQ] = SCMP_CMP_EQ,
		[SP_GE] = SCMP_CMP_GE,
		[SP_GT] = SCMP_CMP_GT,
		[SP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};
	struct scmp_arg_cmp args[SC_MAX_ARGS];

	if (r->conds_n > SC_MAX_ARGS)
		return -1;
	for (size_t i = 0; i < r->conds_n; i++)
		args[i] = (struct scmp_arg_cmp){ r->conds[i].index, ops[r->conds[i].op],
						 r->conds[i].value, r->conds[i].value2 };
	return seccomp_rule_add_array(ctx, lib_action(r->ret), nr, (unsigned)r->conds_n, args);
}

/*
 * Adds every rule for every architecture of the profile; `optimize` is SCMP_FLTATR_CTL_OPTIMIZE (1:
 * linear, 2: tree). 0, or -1 when a rule is refused. Rules whose action is the default are left
 * out, as container runtimes do.
 */
static inline int lib_filter(const struct sp_profile *p, unsigned optimize, struct sp_filter *f)
{
	static const uint32_t arch[SC_ABI_COUNT] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32,
						     SCMP_ARCH_AARCH64 };
	scmp_filter_ctx ctx = seccomp_init(lib_action(p->deflt));
	cleanup_close int fd = memfd_create("filter", MFD_CLOEXEC);
	off_t size = 0;
	int rc = ctx && fd >= 0 ? 0 : -1;

	if (rc == 0) {
		seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, optimize);
		seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, lib_action(p->bad_arch));
	}
	for (unsigned i = 0; i < SC_ABI_COUNT && rc == 0; i++)
		if (p->abi[i] && seccomp_arch_exist(ctx, arch[i]) != 0)
			rc = seccomp_arch_add(ctx, arch[i]);
	for (size_t i = 0; i < p->rules_n && rc == 0; i++) {
		const struct sp_rule *r = &p->rules[i];

		for (size_t k = 0; k < r->names_n && rc == 0 && sp_ret_cmp(r->ret, p->deflt); k++) {
			int nr = seccomp_syscall_resolve_name(r->names[k]);

			if (nr != __NR_SCMP_ERROR)
				rc = lib_rule(ctx, r, nr);
		}
	}
	if (rc == 0)
		rc = seccomp_export_bpf(ctx, fd);
	if (ctx)
		seccomp_release(ctx);
	if (rc == 0)
		size = lseek(fd, 0, SEEK_END);
	if (size <= 0 || size > SP_MAX_INSNS * 8)
		return -1;
	f->n = (size_t)size / sizeof(*f->insn);
	f->insn = malloc((size_t)size);
	return f->insn && pread(fd, f->insn, (size_t)size, 0) == size ? 0 : -1;
}

#endif
