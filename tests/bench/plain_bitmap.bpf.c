/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The peer of the recorder's benchmark: the least that an eBPF recorder of system calls does. One
 * raw tracepoint, and per mount namespace and program name an array with a byte for each call.
 */
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

#define CALLS 512

struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct mnt_namespace {
	struct ns_common ns;
} __attribute__((preserve_access_index));

struct nsproxy {
	struct mnt_namespace *mnt_ns;
} __attribute__((preserve_access_index));

struct task_struct {
	struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));

struct key {
	__u32 mntns;
	char comm[16];
};

struct calls {
	__u8 made[CALLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, struct calls);
} sets SEC(".maps");

static struct calls none;

SEC("raw_tp/sys_enter")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 nr = ctx->args[1];
	struct key key = {};
	struct calls *set;

	if (nr >= CALLS)
		return 0;
	key.mntns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	set = bpf_map_lookup_elem(&sets, &key);
	if (!set) {
		bpf_map_update_elem(&sets, &key, &none, 1 /* BPF_NOEXIST */);
		set = bpf_map_lookup_elem(&sets, &key);
		if (!set)
			return 0;
	}
	if (!set->made[nr])
		set->made[nr] = 1;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
