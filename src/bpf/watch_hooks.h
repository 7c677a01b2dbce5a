/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Watching: the ends of calls at the kernel's own functions for them (fexit), so that calls that
 * nobody asked for are not touched. The function's small program (at_return_*, of which the loader
 * makes one for each) hands on to on_return_*, which is there once: as a tail call, for which both
 * have to be for functions of the same type. The kernel has two types of them: the argument is
 * called `regs` or, where kernel/sys_ni.c names the function too, `__unused`; before Linux 5.11
 * three.
 */
#ifndef BPF_WATCH_HOOKS_H
#define BPF_WATCH_HOOKS_H

#include "syscall_args.h"
#include "watch_parts.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

/* Set before load. */
const volatile __u8 filter_args; /* that __secure_computing() has */
const volatile __u8 untyped_registers[WATCH_HOOK_TYPES];

/* Shared with the loader through memory: the native calls that are hooked here. */
__u8 hooked[WATCH_NRS];	     /* 1 */
__u8 two_returns[WATCH_NRS]; /* 1: fork(2) and its like */

struct hand_on {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} returns_0 SEC(".maps"), returns_1 SEC(".maps"), returns_2 SEC(".maps");

/* A call that came to its end, by the registers of its caller. */
static __always_inline int ended(struct task_struct *task, const struct pt_regs *regs, __s64 ret)
{
	__u64 nr = number_in(regs);
	__u32 abi = abi_of(task, &nr);

	if (nr >= WATCH_NRS)
		return 0;
	if (!build_take()) {
		count_missed(abi == ABI_32BIT ? native_number(regs, nr) : nr);
		return 0;
	}
	call_returned(task, regs, nr, ret, abi);
	build_give();
	return 0;
}

/*
 * The function's registers and its result. Where the kernel's types say no more of the argument
 * than its name (functions of net/ before Linux 5.11), it cannot be taken from there.
 */
static __always_inline int returned(__u64 *ctx, __u32 type)
{
	struct task_struct *task = current_task();

	return ended(task, untyped_registers[type] ? regs_of(task) : (void *)ctx[0], ctx[1]);
}

#define HOOK_TYPE(n)                                 \
	SEC("fexit")                                 \
	int on_return_##n(__u64 *ctx)                \
	{                                            \
		return returned(ctx, n);             \
	}                                            \
	SEC("fexit")                                 \
	int at_return_##n(__u64 *ctx)                \
	{                                            \
		bpf_tail_call(ctx, &returns_##n, 0); \
		return 0;                            \
	}

HOOK_TYPE(0)
HOOK_TYPE(1)
HOOK_TYPE(2)

static __always_inline bool is_in(const __u8 *calls, struct task_struct *task,
				  const struct pt_regs *regs)
{
	__u64 nr = number_in(regs);
	__u32 abi = abi_of(task, &nr);

	if (nr < WATCH_NRS && abi == ABI_32BIT)
		nr = native_number(regs, nr);
	return nr < WATCH_NRS && calls[nr];
}

/*
 * A seccomp filter refused the call, so its function is not reached. What the caller gets for a
 * result stands in its registers already.
 */
SEC("fexit/__secure_computing")
int on_refused(__u64 *ctx)
{
	struct task_struct *task;
	const struct pt_regs *regs;
	int verdict;

	/* The argument was dropped in Linux 6.15. The verifier takes no computed place. */
	if (filter_args)
		asm volatile("%0 = *(u64 *)(%1 + 8)" : "=r"(verdict) : "r"(ctx));
	else
		asm volatile("%0 = *(u64 *)(%1 + 0)" : "=r"(verdict) : "r"(ctx));
	if (verdict != -1)
		return 0;
	task = current_task();
	regs = regs_of(task);
	return is_in(hooked, task, regs) ? ended(task, regs, result_in(regs)) : 0;
}

/* A child begins, with its parent's registers: the second return of fork(2) and its like. */
static __always_inline int child_returned(void)
{
	struct task_struct *task = current_task();
	const struct pt_regs *regs;

	if (GET(task, flags) & PF_KTHREAD)
		return 0;
	regs = regs_of(task);
	return is_in(two_returns, task, regs) ? ended(task, regs, 0) : 0;
}

SEC("fexit/schedule_tail")
int on_child(__u64 *ctx)
{
	return child_returned();
}

/* The same where nothing else tells of it: on AArch64 this return is no event of calls. */
SEC("kprobe/schedule_tail")
int on_child_probe(void *ctx)
{
	return child_returned();
}

/*
 * Where calls are hooked by their events: those of other ABIs, which have none. Attached while
 * 32-bit programs run.
 */
SEC("tp_btf/sys_exit")
int on_narrow_call(__u64 *ctx)
{
	struct task_struct *task = current_task();
	const struct pt_regs *regs = (void *)ctx[0];
	__u64 nr = number_in(regs);

	return abi_of(task, &nr) == ABI_NATIVE ? 0 : ended(task, regs, ctx[1]);
}

__u64 narrow_tasks;

SEC("iter/task")
int count_narrow(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task && is_narrow(task))
		__sync_fetch_and_add(&narrow_tasks, 1);
	return 0;
}

#endif
