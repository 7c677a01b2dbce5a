/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The ABI of a system call, and the arguments of a native one; at its return they are still in the
 * saved registers. */
#ifndef BPF_SYSCALL_ARGS_H
#define BPF_SYSCALL_ARGS_H

#include "task.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

enum { ABI_NATIVE, ABI_32BIT, ABI_X32 };

#define X32_BIT	  0x40000000
#define TS_COMPAT 2  /* arch/x86/include/asm/thread_info.h */
#define TIF_32BIT 22 /* arch/arm64/include/asm/thread_info.h */

/* The bit of x32 is taken out of *nr. */
static __always_inline __u32 abi_of(struct task_struct *task, __u64 *nr)
{
#if defined(__TARGET_ARCH_x86)
	if (GET(task, thread_info.status) & TS_COMPAT)
		return ABI_32BIT;
	if (*nr != ~0ULL && *nr & X32_BIT) {
		*nr &= ~(__u64)X32_BIT;
		return ABI_X32;
	}
	return ABI_NATIVE;
#else
	return GET(task, thread_info.flags) >> TIF_32BIT & 1;
#endif
}

/*
 * The number that the kernel went by; all ones: none (a call that a tracer skipped; on AArch64 also
 * behind execve and rt_sigreturn, which give the registers to another program or place). x8 alone
 * says less there: execve clears it, and 0 is io_setup.
 */
static __always_inline __u64 number_in(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return REGISTER(regs, orig_ax);
#else
	return (__u32)REGISTER(regs, syscallno);
#endif
}

static __always_inline __s64 result_in(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return REGISTER(regs, ax);
#else
	return REGISTER(regs, regs[0]);
#endif
}

static __always_inline void read_native_args(__u64 a[6], const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	a[0] = REGISTER(regs, di);
	a[1] = REGISTER(regs, si);
	a[2] = REGISTER(regs, dx);
	a[3] = REGISTER(regs, r10);
	a[4] = REGISTER(regs, r8);
	a[5] = REGISTER(regs, r9);
#else
	a[0] = REGISTER(regs, orig_x0);
	a[1] = REGISTER(regs, regs[1]);
	a[2] = REGISTER(regs, regs[2]);
	a[3] = REGISTER(regs, regs[3]);
	a[4] = REGISTER(regs, regs[4]);
	a[5] = REGISTER(regs, regs[5]);
#endif
}

#endif
