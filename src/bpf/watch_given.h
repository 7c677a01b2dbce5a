/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Watching: names and addresses as a call was given them. The caller's other threads can write to
 * that memory until the kernel copies it, and afterwards: so what it is at the end of the call need
 * not be what the kernel saw. Kept from the call's entry on, when this is asked for, and told when
 * it is something else at the end.
 */
#ifndef BPF_WATCH_GIVEN_H
#define BPF_WATCH_GIVEN_H

#include "watch_filter.h"

enum { GIVEN = 2, GIVEN_BYTES = 256, GIVEN_WORDS = GIVEN_BYTES / 8, GIVEN_CALLS = 4096 };

const volatile __u8 want_given;

/* The first names or addresses of a call, as far as they fit. */
struct given {
	__u32 nr;
	__u32 len[GIVEN];
	__u32 pad;
	__u64 word[GIVEN][GIVEN_WORDS];
};

/* By thread: of its last call. Threads that end leave theirs to others. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GIVEN_CALLS);
	__type(key, __u32);
	__type(value, struct given);
} given_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct given);
} given_now SEC(".maps");

static __always_inline void read_given(struct given *g, __u32 slot, __u8 what, __u64 at, __u64 size)
{
	long n = 0;

	if (what == WATCH_A_PATH) {
		n = bpf_probe_read_user_str(g->word[slot], GIVEN_BYTES, (void *)at);
		n = n > 0 ? n - 1 : 0;
	} else if (size >= 2) {
		n = size > 28 ? 28 : size; /* sizeof(struct sockaddr_in6) */
		if (bpf_probe_read_user(g->word[slot], n & 31, (void *)at))
			n = 0;
	}
	g->len[slot] = n;
}

/* What the call `nr` of this thread has in memory now. */
static __always_inline struct given *given_at(const volatile struct watch_spec *spec,
					      const __u64 *arg, __u32 nr)
{
	__u32 zero = 0, n = 0;
	struct given *g = bpf_map_lookup_elem(&given_now, &zero);

	if (!g)
		return NULL;
	__builtin_memset(g, 0, sizeof(*g));
	g->nr = nr;
	for (__u32 i = 0; i < WATCH_ARGS && n < GIVEN; i++) {
		__u8 what = spec->arg[i];

		if (what != WATCH_A_PATH && what != WATCH_A_ADDR)
			continue;
		read_given(g, n & 1, what, arg[i], i + 1 < WATCH_ARGS ? arg[i + 1] : 0);
		n++;
	}
	return g;
}

/* syscalls:sys_enter_NAME; fields of its format file. Of the arguments there are as many as it has.
 */
struct enter_ctx {
	__u64 common;
	__s32 nr;
};

SEC("tp")
int on_given(struct enter_ctx *ctx)
{
	struct task_struct *task = current_task();
	__u32 nr = ctx->nr, tid = GET(task, pid);
	__u64 arg[WATCH_ARGS];
	struct given *g;
	__u8 s;

	if (nr >= WATCH_NRS || (__u32)GET(task, tgid) == self)
		return 0;
	s = spec_of[nr & (WATCH_NRS - 1)];
	if (!s)
		return 0;
	read_native_args(arg, regs_of(task));
	g = given_at(&specs[s], arg, nr);
	if (g)
		bpf_map_update_elem(&given_calls, &tid, g, BPF_ANY);
	return 0;
}

/* Of the call that returns: the names, as bits by their place in `given`, that are others now. */
__noinline __u32 given_others(__u32 s)
{
	__u32 tid = GET(current_task(), pid), others = 0;
	struct given *then = bpf_map_lookup_elem(&given_calls, &tid), *now;
	struct build *b = build_get();

	if (!b || !then || s >= WATCH_SPECS || then->nr != b->given_nr)
		return 0;
	now = given_at(&specs[s], b->rec.arg, then->nr);
	if (!now)
		return 0;
	for (__u32 i = 0; i < GIVEN; i++)
		for (__u32 k = 0; k < GIVEN_WORDS; k++)
			if (then->word[i][k] != now->word[i][k])
				others |= 1u << i;
	return others;
}

__noinline int add_given(__u32 s, __u32 others)
{
	__u32 tid = GET(current_task(), pid), n = 0;
	struct given *then = bpf_map_lookup_elem(&given_calls, &tid);
	struct build *b = build_get();

	if (!b || !then || s >= WATCH_SPECS)
		return 0;
	for (__u32 i = 0; i < WATCH_ARGS && n < GIVEN; i++) {
		__u8 what = specs[s].arg[i];

		if (what != WATCH_A_PATH && what != WATCH_A_ADDR)
			continue;
		if (others >> n & 1 && then->len[n & 1])
			part_kernel(b, WATCH_P_GIVEN, i, 0, then->word[n & 1], then->len[n & 1]);
		n++;
	}
	return 0;
}

#endif
