/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Refusing operations to containers: LSM programs (Documentation/bpf/prog_lsm.rst) that look for
 * the control group of the task in a table, and for the groups above it. Hooks and their arguments:
 * include/linux/lsm_hook_defs.h. Before Linux 5.13 only the lower half of an argument of 32 bits is
 * written.
 */
#include "deny.h"
#include "task.h"

#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

#define EPERM	    1
#define AF_INET	    2
#define AF_INET6    10
#define AF_PACKET   17
#define FMODE_WRITE 2 /* include/linux/fs.h */
#define S_IFMT	    0170000
#define S_IFREG	    0100000

enum {
	PTRACE_MODE_ATTACH = 2, /* include/linux/ptrace.h */
	MODULE_ID = 2, /* READING_MODULE and LOADING_MODULE, include/linux/kernel_read_file.h */
	LEVELS = 8,    /* of control groups in each other */
};

/* Set before load: the kernel tells these programs no ids of groups (before Linux 5.14). */
const volatile __u8 read_ids;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct deny_group);
} denied SEC(".maps");

/* The id of the task's control group or of the one above it at this level; 0: it is less deep. */
static __always_inline __u64 group_id(int level)
{
	struct cgroup___ids *own;
	__u64 *ids, id = 0;

	if (!read_ids)
		return bpf_get_current_ancestor_cgroup_id(level);
	own = (void *)GET(current_task(), cgroups, dfl_cgrp);
	if (level > BPF_CORE_READ(own, level))
		return 0;
	ids = own->ancestor_ids;
	bpf_probe_read_kernel(&id, sizeof(id), ids + level);
	return id;
}

static __always_inline int refuse(enum deny_operation what, __u64 capability)
{
	for (int level = 1; level <= LEVELS; level++) {
		__u64 id = group_id(level);
		struct deny_group *g;

		if (!id)
			break;
		g = bpf_map_lookup_elem(&denied, &id);
		if (g && g->operations & 1u << what &&
		    (what != DENY_CAPABILITY || g->capabilities >> (capability & 63) & 1))
			return -EPERM;
	}
	return 0;
}

static __always_inline bool is_internet(__u32 family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_PACKET;
}

static __always_inline int refuse_socket(struct socket *socket)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);

	if (!sk || !is_internet(BPF_CORE_READ(sk, __sk_common.skc_family)))
		return 0;
	return refuse(DENY_NETWORK, 0);
}

/* Files that are opened for writing: what a container has on its disk stays as it is. */
SEC("lsm/file_open")
int deny_file_open(__u64 *ctx)
{
	struct file *file = (void *)ctx[0];

	if (!(BPF_CORE_READ(file, f_mode) & FMODE_WRITE) ||
	    (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	return refuse(DENY_FILE, 0);
}

SEC("lsm/bprm_check_security")
int deny_exec(__u64 *ctx)
{
	return refuse(DENY_EXEC, 0);
}

SEC("lsm/socket_create")
int deny_socket_create(__u64 *ctx)
{
	return is_internet((__u32)ctx[0]) ? refuse(DENY_NETWORK, 0) : 0;
}

SEC("lsm/socket_connect")
int deny_socket_connect(__u64 *ctx)
{
	return refuse_socket((void *)ctx[0]);
}

SEC("lsm/socket_bind")
int deny_socket_bind(__u64 *ctx)
{
	return refuse_socket((void *)ctx[0]);
}

SEC("lsm/socket_sendmsg")
int deny_socket_sendmsg(__u64 *ctx)
{
	return refuse_socket((void *)ctx[0]);
}

SEC("lsm/socket_recvmsg")
int deny_socket_recvmsg(__u64 *ctx)
{
	return refuse_socket((void *)ctx[0]);
}

SEC("lsm/sb_mount")
int deny_mount(__u64 *ctx)
{
	return refuse(DENY_MOUNT, 0);
}

SEC("lsm/move_mount")
int deny_move_mount(__u64 *ctx)
{
	return refuse(DENY_MOUNT, 0);
}

SEC("lsm/sb_umount")
int deny_umount(__u64 *ctx)
{
	return refuse(DENY_MOUNT, 0);
}

SEC("lsm/sb_pivotroot")
int deny_pivotroot(__u64 *ctx)
{
	return refuse(DENY_MOUNT, 0);
}

SEC("lsm/ptrace_access_check")
int deny_ptrace(__u64 *ctx)
{
	return ctx[1] & PTRACE_MODE_ATTACH ? refuse(DENY_PTRACE, 0) : 0;
}

SEC("lsm/ptrace_traceme")
int deny_traceme(__u64 *ctx)
{
	return refuse(DENY_PTRACE, 0);
}

SEC("lsm/kernel_read_file")
int deny_read_module(__u64 *ctx)
{
	return (__u32)ctx[1] == MODULE_ID ? refuse(DENY_MODULE, 0) : 0;
}

SEC("lsm/kernel_load_data")
int deny_load_module(__u64 *ctx)
{
	return (__u32)ctx[0] == MODULE_ID ? refuse(DENY_MODULE, 0) : 0;
}

SEC("lsm/kernel_module_request")
int deny_request_module(__u64 *ctx)
{
	return refuse(DENY_MODULE, 0);
}

SEC("lsm/capable")
int deny_capable(__u64 *ctx)
{
	return refuse(DENY_CAPABILITY, ctx[2]);
}

SEC("lsm/bpf")
int deny_bpf(__u64 *ctx)
{
	return refuse(DENY_BPF, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
