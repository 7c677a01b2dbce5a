/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The current task, its registers and what it has. Linux 5.11 knows the type of the pointer to it,
 * 5.15 that of the pointer to its registers, so that members are read without a helper; before,
 * each read is one. Which it is, is decided when a program is loaded.
 */
#ifndef BPF_TASK_H
#define BPF_TASK_H

#include "ktypes.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

#define HAS_HELPER(name) bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_##name)

/* A member, or a member's member and so on, of current_task() or of what it points to. */
#define GET(from, ...)                                                      \
	(HAS_HELPER(get_current_task_btf) ? ___arrow((from), ##__VA_ARGS__) \
					  : BPF_CORE_READ((from), ##__VA_ARGS__))

/* A register of regs_of(), or of what the kernel hands over as such. */
#define REGISTER(regs, name) (HAS_HELPER(task_pt_regs) ? (regs)->name : BPF_CORE_READ((regs), name))

static __always_inline struct task_struct *current_task(void)
{
	return HAS_HELPER(get_current_task_btf) ? bpf_get_current_task_btf()
						: (struct task_struct *)bpf_get_current_task();
}

/*
 * THREAD_SIZE, arch/x86/include/asm/page_64_types.h and arch/arm64/include/asm/memory.h: 16 KiB, or
 * a page where that is larger. Kernels with KASAN have more; those are for finding bugs.
 */
const volatile __u32 stack_size = 16384; /* set before load */

/*
 * The registers that a task came into the kernel with: at the end of its stack (task_pt_regs(),
 * arch/x86/include/asm/processor.h, arch/arm64/include/asm/processor.h).
 */
static __always_inline const struct pt_regs *regs_of(struct task_struct *task)
{
	if (HAS_HELPER(task_pt_regs))
		return (const struct pt_regs *)bpf_task_pt_regs(task);
	return BPF_CORE_READ(task, stack) + stack_size - bpf_core_type_size(struct pt_regs);
}

/*
 * The program's name, 16 bytes with zeros at its end. In the task there may be others behind the
 * first one, left from a longer name, before Linux 5.17.
 */
static __always_inline long read_comm(char *to, struct task_struct *task)
{
	__builtin_memset(to, 0, sizeof(task->comm));
	return bpf_probe_read_kernel_str(to, sizeof(task->comm), &task->comm);
}

#endif
