/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Watching: what programs in mount namespaces of known behaviour do that is not known of them. A
 * known call costs the look at a bit; nothing of it leaves the kernel.
 */
#ifndef BPF_WATCH_DRIFT_H
#define BPF_WATCH_DRIFT_H

#include "syscall_args.h"
#include "watch_parts.h"

/* Set before load. */
const volatile __u8 want_drift; /* without it nothing of this is looked at */
const volatile __u32 host_ns;	/* mount namespace of the first process */
const volatile struct watch_kept kept[WATCH_KEPTS];
const volatile __u8 kept_of[WATCH_NRS]; /* 0: none */
const volatile struct watch_asked nothing_asked;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct watch_ns_key);
	__type(value, struct watch_ns);
} namespaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct watch_ns_key);
	__type(value, struct watch_asked);
} asked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, struct watch_args);
	__type(value, __u8);
} known_args SEC(".maps");

/* What was told, so that a loop is a number and not a flood. */
struct drift_key {
	__u32 mnt_ns, what;
	__u64 v[WATCH_KEPT];
};

struct drift_told {
	__u64 when, waiting; /* how often since then */
	__u64 total;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct drift_key);
	__type(value, struct drift_told);
} told SEC(".maps");

enum { WHAT_CALL = 0, WHAT_CAP = 1 << 29, WHAT_RESULT = 1 << 30 };
enum { TOLD_SINGLY = 16 }; /* after so many, once in TOLD_AGAIN_NS with their number */
#define TOLD_AGAIN_NS 2000000000ULL

/* How often it happened and is to be told now; 0: later. */
static __always_inline __u64 drift_due(const struct drift_key *key)
{
	struct drift_told *t = bpf_map_lookup_elem(&told, key), first = {};
	__u64 now = bpf_ktime_get_boot_ns(), n;

	if (!t) {
		first.when = now;
		first.total = 1;
		bpf_map_update_elem(&told, key, &first, BPF_ANY);
		return 1;
	}
	__sync_fetch_and_add(&t->waiting, 1);
	__sync_fetch_and_add(&t->total, 1);
	if (t->total > TOLD_SINGLY && now - t->when < TOLD_AGAIN_NS)
		return 0;
	n = t->waiting;
	t->waiting = 0;
	t->when = now;
	return n;
}

/*
 * A container runtime that works inside its container still runs the program that it was made of,
 * from a mount of the host or from memory.
 */
static __always_inline bool drift_foreign(struct task_struct *task, __u32 mnt_ns)
{
	struct vfsmount *mnt = BPF_CORE_READ(task, mm, exe_file, f_path.mnt);
	struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);

	return !mnt || BPF_CORE_READ(m, mnt_ns, ns.inum) != mnt_ns;
}

static __always_inline struct build *drift_begin(struct task_struct *task, __u16 kind, __u32 nr,
						 __u64 count)
{
	struct build *b = build_get();

	if (!b)
		return NULL;
	begin(b, kind, task);
	b->rec.nr = nr;
	b->rec.ret = count;
	__builtin_memset(b->rec.arg, 0, sizeof(b->rec.arg));
	return b;
}

static __always_inline int drift_new_namespace(struct task_struct *task,
					       const struct watch_ns_key *key)
{
	struct watch_ns empty = {};
	struct build *b;

	if (drift_foreign(task, key->mnt_ns) ||
	    bpf_map_update_elem(&namespaces, key, &empty, BPF_NOEXIST))
		return 0;
	bpf_map_update_elem(&asked, key, (const void *)&nothing_asked, BPF_ANY);
	b = drift_begin(task, WATCH_NEW_NS, 0, 1);
	if (!b)
		return 0;
	b->rec.arg[0] = key->mnt_ns;
	return submit(b);
}

static __always_inline int drift_call(struct task_struct *task, const struct watch_ns_key *key,
				      __u32 nr)
{
	struct drift_key k = { key->mnt_ns, WHAT_CALL | nr | key->abi << WATCH_ABI_SHIFT };
	__u64 n = drift_due(&k);
	struct build *b;

	if (!n)
		return 0;
	b = drift_begin(task, WATCH_NEW_CALL, nr | key->abi << WATCH_ABI_SHIFT, n);
	if (!b)
		return 0;
	if (!key->abi)
		read_native_args(b->rec.arg, regs_of(task));
	return submit(b);
}

/* A known native call: with known arguments? */
static __always_inline int drift_args(struct task_struct *task, __u32 mnt_ns, __u32 nr)
{
	const volatile struct watch_kept *spec = &kept[kept_of[nr] & (WATCH_KEPTS - 1)];
	struct watch_args key = { mnt_ns, nr };
	__u64 a[WATCH_ARGS], n;
	struct drift_key k;
	struct build *b;

	read_native_args(a, regs_of(task));
	if (spec->pointer && bpf_probe_read_user(&a[0], sizeof(a[0]), (void *)a[0]))
		return 0;
	for (__u32 i = 0; i < WATCH_KEPT; i++) {
		__u32 at = spec->arg[i];

		if (i < spec->n && at < WATCH_ARGS)
			key.value[i] = a[at] & spec->mask[i];
	}
	if (bpf_map_lookup_elem(&known_args, &key))
		return 0;
	k.mnt_ns = mnt_ns;
	k.what = WHAT_CALL | nr | WATCH_ABIS << WATCH_ABI_SHIFT;
	__builtin_memcpy(k.v, key.value, sizeof(k.v));
	n = drift_foreign(task, mnt_ns) ? 0 : drift_due(&k);
	if (!n)
		return 0;
	b = drift_begin(task, WATCH_NEW_ARGS, nr, n);
	if (!b)
		return 0;
	__builtin_memcpy(b->rec.arg, key.value, sizeof(key.value));
	return submit(b);
}

SEC("tp_btf/sys_enter")
int on_enter(__u64 *ctx)
{
	struct task_struct *task = current_task();
	struct watch_ns_key key = { GET(task, nsproxy, mnt_ns, ns.inum) };
	struct watch_ns *n;
	__u64 nr = ctx[1], bit;

	if (key.mnt_ns == host_ns || !key.mnt_ns || (__u32)GET(task, tgid) == self)
		return 0;
	key.abi = abi_of(task, &nr);
	n = bpf_map_lookup_elem(&namespaces, &key);
	if (!n)
		return drift_new_namespace(task, &key);
	if (n->state == WATCH_NS_IGNORED)
		return 0;
	if (nr >= WATCH_NRS)
		nr = WATCH_NRS - 1; /* newer ones together */
	bit = 1ULL << (nr & 63);
	if (n->state == WATCH_NS_ASKED) {
		struct watch_asked *a = bpf_map_lookup_elem(&asked, &key);

		if (a && !a->seen[nr] && !drift_foreign(task, key.mnt_ns))
			a->seen[nr] = 1;
		/* Arguments are told: how long an answer takes must not decide what is learned. */
		return key.abi || !kept_of[nr] ? 0 : drift_args(task, key.mnt_ns, nr);
	}
	if (n->known[nr / 64] & bit)
		return key.abi || !kept_of[nr] ? 0 : drift_args(task, key.mnt_ns, nr);
	return drift_foreign(task, key.mnt_ns) ? 0 : drift_call(task, &key, nr);
}

static __always_inline int drift_capability(const struct cred *cred, __u32 cap)
{
	struct task_struct *task = current_task();
	struct watch_ns_key key = { GET(task, nsproxy, mnt_ns, ns.inum) };
	struct drift_key k = { key.mnt_ns, WHAT_CAP | cap };
	struct watch_ns *n;
	struct build *b;
	__u64 times;

	/* Borrowed credentials (overlayfs uses those of the mounter) are not the program's. */
	if (key.mnt_ns == host_ns || cred != GET(task, real_cred) || cap > 63)
		return 0;
	n = bpf_map_lookup_elem(&namespaces, &key);
	if (!n || n->state == WATCH_NS_IGNORED || n->caps >> cap & 1 ||
	    drift_foreign(task, key.mnt_ns))
		return 0;
	times = drift_due(&k);
	b = times ? drift_begin(task, WATCH_NEW_CAP, 0, times) : NULL;
	if (!b)
		return 0;
	b->rec.arg[0] = cap;
	return submit(b);
}

/* capability:cap_capable, Linux 6.14: cred, target_ns, capable_ns, cap, ret */
SEC("tp_btf/cap_capable")
int on_capable(__u64 *ctx)
{
	return (int)ctx[4] ? 0 : drift_capability((void *)ctx[0], ctx[3]);
}

/* What a call led to: the same again is not wanted each time. False: there is nothing to tell. */
static __always_inline bool drift_result(const struct build *b,
					 const volatile struct watch_spec *spec,
					 struct drift_key *k)
{
	const __u64 *a = b->kept ? b->at : b->rec.arg;
	__s64 ret = b->rec.ret;
	__u64 from = 0;

	if (spec->ret_fd == 1) {
		struct file *f = ret < 0 ? NULL : file_of(b, WATCH_RET, ret);

		if (!f)
			return false;
		k->v[0] = (__u64)BPF_CORE_READ(f, f_path.dentry);
		k->v[1] = BPF_CORE_READ(f, f_inode, i_ino);
		k->v[2] = BPF_CORE_READ(f, f_flags);
		return true;
	}
	if (spec->arg[1] == WATCH_A_MSG && b->kept)
		from = a[1];
	else if (spec->arg[1] == WATCH_A_MSG)
		bpf_probe_read_user(&from, sizeof(from), (void *)a[1]); /* msg_name */
	else if (spec->arg[1] == WATCH_A_ADDR)
		from = a[1];
	else if (spec->arg[4] == WATCH_A_ADDR)
		from = a[4];
	else
		return true;
	if (b->kept)
		return from && !bpf_probe_read_kernel(k->v, sizeof(k->v), (void *)from);
	return from && !bpf_probe_read_user(k->v, sizeof(k->v), (void *)from);
}

/*
 * Whether a call that returned is of a program of known behaviour, and not told just now. A
 * function of its own, so that the verifier of Linux 6.1 need not follow it in its caller.
 */
__noinline int drift_wants(__u32 row, __u32 nr)
{
	struct task_struct *task = current_task();
	struct watch_ns_key key = { GET(task, nsproxy, mnt_ns, ns.inum) };
	struct drift_key k = { key.mnt_ns, WHAT_RESULT | nr };
	const volatile struct watch_spec *spec = &specs[row & (WATCH_SPECS - 1)];
	struct build *b = build_get();
	struct watch_ns *n;

	if (!b || !spec->drift || b->kept == KEPT_BY_OTHERS ||
	    (spec->drift & WATCH_DRIFT_SUCCESS && b->rec.ret < 0) || key.mnt_ns == host_ns)
		return 0;
	n = bpf_map_lookup_elem(&namespaces, &key);
	if (!n || n->state == WATCH_NS_IGNORED || drift_foreign(task, key.mnt_ns) ||
	    !drift_result(b, spec, &k))
		return 0;
	return !(k.v[0] | k.v[1] | k.v[2]) || drift_due(&k);
}

#endif
