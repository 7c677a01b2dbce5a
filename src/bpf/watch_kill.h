/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Killing the process of an event in the event itself. Only what user space armed: the rules that
 * can be decided here (struct watch_kill), in control groups of containers, and as often as the
 * limits leave.
 */
#ifndef BPF_WATCH_KILL_H
#define BPF_WATCH_KILL_H

#include "watch_parts.h"

#define SIGKILL	  9
#define O_ACCMODE 3

/* Set before load. */
const volatile __u8 want_kill; /* 0: all of this is left out when the programs are loaded */
const volatile struct watch_kill kills[WATCH_KILLS];
const volatile __u32 kill_of[WATCH_NRS], kill_on_exec; /* rows by call, as bits */
const volatile __u32 host_mnt_ns;

/*
 * Set by user space: how many over all containers, and for events of which time (behind the first,
 * up to the second), so that one set of rules follows another at a moment. A map of its own: the
 * process that judges may map .bss, and these are none of its business.
 */
__s32 kill_left SEC(".data.kill") = 0;
__u64 kill_from SEC(".data.kill") = 0, kill_until SEC(".data.kill") = ~0ULL;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct watch_killable);
} killable SEC(".maps");

/* Paths, and the bits that struct watch_kill has for them. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct watch_kill_path);
	__type(value, __u32);
} kill_paths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct watch_kill_path);
} kill_keys SEC(".maps");

/* The bits of a file's path; 0 when it is too long, or no path up to the task's root. */
__noinline __u32 kill_bits_of(__u64 mnt, __u64 dentry)
{
	struct build *b = build_get();
	struct watch_kill_path *key;
	__u32 zero = 0, from, len, *bits;

	key = bpf_map_lookup_elem(&kill_keys, &zero);
	if (!b || !key)
		return 0;
	from = walk_path(mnt, dentry);
	if (from >> 16 || from > WALK_MAX)
		return 0;
	len = WALK_MAX - from;
	if (!len || len >= WATCH_KILL_PATH ||
	    bpf_probe_read_kernel(key->text, len & 0xff, &b->text[from]))
		return 0;
	key->text[len] = '\0';
	key->bits = (len + 1) * 8;
	bits = bpf_map_lookup_elem(&kill_paths, key);
	return bits ? *bits : 0;
}

static __always_inline bool wish_holds(__u8 wish, bool is)
{
	return wish == WATCH_EITHER || (wish == WATCH_YES) == is;
}

static __always_inline bool is_memfd(struct dentry *d)
{
	char name[6] = {};
	struct link own;

	read_link(d, &own);
	bpf_probe_read_kernel(name, sizeof(name), own.name);
	return own.parent == d && name[0] == 'm' && name[1] == 'e' && name[2] == 'm' &&
	       name[3] == 'f' && name[4] == 'd' && name[5] == ':';
}

/*
 * Whether the program that runs is one of a container. A runtime on its way into one is in the
 * container's control group already, but was executed from the host's mounts.
 */
static __always_inline bool is_inside(struct task_struct *task, struct file *exe, bool memfd)
{
	struct mount *m = (void *)BPF_CORE_READ(exe, f_path.mnt) -
			  bpf_core_field_offset(struct mount, mnt);
	struct mnt_namespace *own = BPF_CORE_READ(task, nsproxy, mnt_ns);
	struct build *b = build_get();

	if (!host_mnt_ns || BPF_CORE_READ(own, ns.inum) == host_mnt_ns)
		return false;
	if (memfd)
		return b && b->rec.kind == WATCH_EXEC;
	return BPF_CORE_READ(m, mnt_ns) == own;
}

static __always_inline bool comm_holds(const volatile struct watch_kill *k, const struct build *b)
{
	__u64 have[2], want[2];

	__builtin_memcpy(have, b->rec.comm, sizeof(have));
	for (__u32 i = 0; i < WATCH_KILL_COMMS; i++) {
		if (i >= k->comms)
			break;
		bpf_probe_read_kernel(want, sizeof(want), (const void *)k->comm[i]);
		if (have[0] == want[0] && have[1] == want[1])
			return true;
	}
	return !k->comms;
}

struct kill_facts {
	__u32 paths, exes;
	bool upper, memfd;
};

static __always_inline bool kill_holds(const volatile struct watch_kill *k, const struct build *b,
				       const struct kill_facts *f)
{
	__u64 access;

	if ((k->result == WATCH_SUCCESS && b->rec.ret < 0) ||
	    (k->result == WATCH_FAILURE && b->rec.ret >= 0))
		return false;
	if (k->flags) {
		/* O_RDONLY is 0, O_WRONLY 1, O_RDWR 2 */
		access = b->rec.arg[(k->flags - 1) & 3] & O_ACCMODE;
		if ((k->access & 1 && access != 0 && access != 2) ||
		    (k->access & 2 && access != 1 && access != 2))
			return false;
	}
	return (!k->paths || k->paths & f->paths) && (!k->exes || k->exes & f->exes) &&
	       wish_holds(k->upper, f->upper) && wish_holds(k->memfd, f->memfd) && comm_holds(k, b);
}

/*
 * One of what is left. Subtracts and then looks, as in build_take(): of two at once that ask for
 * the last one both may go without, and user space decides.
 */
static __always_inline bool take_one(__s32 *left)
{
	__sync_fetch_and_add(left, -1);
	if (*(volatile __s32 *)left >= 0)
		return true;
	__sync_fetch_and_add(left, 1);
	return false;
}

static __always_inline void kill_now(struct build *b, struct watch_killable *limit, __u32 row)
{
	if (!take_one(&limit->left))
		return;
	if (!take_one(&kill_left)) {
		__sync_fetch_and_add(&limit->left, 1);
		return;
	}
	if (bpf_send_signal(SIGKILL) || !part_room(b, 1))
		return;
	*(char *)part_data(b) = 'A' + row;
	part_end(b, WATCH_P_KILLED, 0, 0, 1);
}

/* For the event whose record is under construction. */
__noinline int kill_if_asked(void)
{
	struct task_struct *task = current_task();
	struct build *b = build_get();
	struct kill_facts f = {};
	struct watch_killable *limit;
	struct file *exe, *file;
	__u32 asked;
	__u64 id;

	if (!b)
		return 0;
	asked = b->rec.kind == WATCH_EXEC ? kill_on_exec : kill_of[b->rec.nr & (WATCH_NRS - 1)];
	if (!asked || b->rec.time <= kill_from || b->rec.time > kill_until)
		return 0;
	id = BPF_CORE_READ(cgroup_of(task), id);
	limit = bpf_map_lookup_elem(&killable, &id);
	exe = BPF_CORE_READ(task, mm, exe_file);
	if (!limit || !(limit->rules & asked) || !exe)
		return 0;
	asked &= limit->rules;
	f.memfd = is_memfd(BPF_CORE_READ(exe, f_path.dentry));
	if (!is_inside(task, exe, f.memfd))
		return 0;
	if (b->rec.kind == WATCH_EXEC) {
		f.upper = layer_of(BPF_CORE_READ(exe, f_inode)) == WATCH_UPPER;
		f.exes = kill_bits_of((__u64)BPF_CORE_READ(exe, f_path.mnt),
				      (__u64)BPF_CORE_READ(exe, f_path.dentry));
	} else if (b->rec.ret >= 0) {
		file = file_of(b, WATCH_RET, b->rec.ret);
		if (file)
			f.paths = kill_bits_of((__u64)BPF_CORE_READ(file, f_path.mnt),
					       (__u64)BPF_CORE_READ(file, f_path.dentry));
	}
	for (__u32 i = 0; i < WATCH_KILLS; i++)
		if (asked & 1u << i && kill_holds(&kills[i], b, &f)) {
			kill_now(b, limit, i);
			return 0;
		}
	return 0;
}

#endif
