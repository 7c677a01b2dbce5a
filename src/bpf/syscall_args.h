/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The arguments of a native system call; at its return they are still in the saved registers. */
#ifndef BPF_SYSCALL_ARGS_H
#define BPF_SYSCALL_ARGS_H

#include "ktypes.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

static __always_inline void read_native_args(__u64 a[6], struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	a[0] = regs->di;
	a[1] = regs->si;
	a[2] = regs->dx;
	a[3] = regs->r10;
	a[4] = regs->r8;
	a[5] = regs->r9;
#else
	a[0] = regs->orig_x0;
	a[1] = regs->regs[1];
	a[2] = regs->regs[2];
	a[3] = regs->regs[3];
	a[4] = regs->regs[4];
	a[5] = regs->regs[5];
#endif
}

#endif
