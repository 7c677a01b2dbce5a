/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Watching: whom signals reach. A call names a process, a group of them or a descriptor; the kernel
 * tells of each process that it sends the signal to, in the middle of the call.
 */
#ifndef BPF_WATCH_SIGNALS_H
#define BPF_WATCH_SIGNALS_H

#include "syscall_args.h"
#include "watch_parts.h"

enum { SIGNALS_UNDER_WAY = 1024, SIGNALS_NS = 100000000 };

/* Of the call that a thread is in: its number and first argument as they stand in registers. */
struct signalled {
	__u64 nr, first, time;
	__u32 sig;
	__u32 n; /* may be more than there is room for */
	__u32 pid[WATCH_SIGNALLED];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SIGNALS_UNDER_WAY);
	__type(key, __u32); /* thread */
	__type(value, struct signalled);
} signals SEC(".maps");

static __always_inline void read_signalling(struct signalled *s, __u32 sig)
{
	const struct pt_regs *regs = regs_of(current_task());
	__u64 arg[WATCH_ARGS];

	read_native_args(arg, regs);
	s->nr = number_in(regs);
	s->first = arg[0];
	s->time = bpf_ktime_get_ns();
	s->sig = sig;
}

/* What is there is of this call. One that nobody wanted leaves something behind. */
static __always_inline bool is_under_way(const struct signalled *then, const struct signalled *now)
{
	return then->nr == now->nr && then->first == now->first && then->sig == now->sig &&
	       now->time - then->time < SIGNALS_NS;
}

/* Signals of the kernel itself have a code above 0, or none (include/linux/signal_types.h: 0, 1).
 */
SEC("tp_btf/signal_generate")
int on_signal(__u64 *ctx)
{
	__u32 tid = GET(current_task(), pid), n, to;
	__u64 info = ctx[1];
	struct signalled now = {}, *then;

	if (info <= 1 || BPF_CORE_READ((struct kernel_siginfo *)info, si_code) > 0 ||
	    (__u32)GET(current_task(), tgid) == self)
		return 0;
	to = BPF_CORE_READ((struct task_struct *)ctx[2], tgid);
	read_signalling(&now, ctx[0]);
	then = bpf_map_lookup_elem(&signals, &tid);
	if (!then || !is_under_way(then, &now)) {
		now.n = 1;
		now.pid[0] = to;
		bpf_map_update_elem(&signals, &tid, &now, BPF_ANY);
		return 0;
	}
	n = then->n++;
	if (n < WATCH_SIGNALLED)
		then->pid[n & (WATCH_SIGNALLED - 1)] = to;
	return 0;
}

/* Those that the signal at this argument of the call went to. */
__noinline int add_signalled(__u32 arg, __u32 sig)
{
	__u32 tid = GET(current_task(), pid), n;
	struct signalled *then = bpf_map_lookup_elem(&signals, &tid), now;
	struct build *b = build_get();

	if (!b || !then)
		return 0;
	read_signalling(&now, sig);
	if (is_under_way(then, &now)) {
		n = then->n;
		if (n > WATCH_SIGNALLED) {
			b->rec.parts += (n - WATCH_SIGNALLED) * sizeof(then->pid[0]);
			n = WATCH_SIGNALLED;
		}
		part_kernel(b, WATCH_P_SIGNALLED, arg, 0, then->pid, n * sizeof(then->pid[0]));
	}
	bpf_map_delete_elem(&signals, &tid);
	return 0;
}

#endif
