/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Watching: the record under construction, and the parts that can be added to it. */
#ifndef BPF_WATCH_PARTS_H
#define BPF_WATCH_PARTS_H

#include "task.h"
#include "walk.h"
#include "watch.h"

#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <linux/bpf.h>

#define AF_UNIX		1
#define AF_INET		2
#define AF_INET6	10
#define AT_FDCWD	-100
#define S_IFMT		0170000
#define S_IFSOCK	0140000
#define FMODE_CREATED	0x100000   /* include/linux/fs.h */
#define OVERLAYFS_MAGIC 0x794c7630 /* linux/magic.h */

enum { PART_HEAD = sizeof(struct watch_part), PARTS_MASK = WATCH_PARTS_BYTES - 1 };

/*
 * Linux 6.2: lets members be read without a call for each (which costs some 25 ns where returns are
 * made safe). `raw` is of no type that the verifier knows.
 */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
const volatile __u8 can_cast; /* set before load */

#define TYPED(type, raw)                                                                         \
	((struct type *)(can_cast ? bpf_rdonly_cast((raw), bpf_core_type_id_kernel(struct type)) \
				  : (raw)))
#define PEEK(to, p, member)                                   \
	do {                                                  \
		if (can_cast)                                 \
			(to) = (p)->member;                   \
		else                                          \
			BPF_CORE_READ_INTO(&(to), p, member); \
	} while (0)

/* Whether the call's texts are in its caller's memory, and the caller is the current task. */
enum kept_of_a_call { KEPT_NOTHING, KEPT_TEXTS, KEPT_BY_OTHERS };

/* Of what a call has in memory: all of 64 bits, pointers of 32, and with them times of 64. */
enum watch_width { WIDTH_64, WIDTH_32, WIDTH_TIME64 };

/* A record is put together here. */
struct build {
	__u32 owner;  /* build_take() */
	__u32 narrow; /* enum watch_width */
	char text[WALK_TEXT];
	__u32 off;
	__u32 len;	/* of the parts */
	__u32 given_nr; /* the call that returns (watch_given.h) */
	__u32 kept;	/* enum kept_of_a_call */
	/* When something is kept: where texts and addresses of arguments are, in the kernel's
	 * memory; the file at argument 0, and the one that was opened. */
	__u64 at[WATCH_ARGS];
	__u64 file, opened;
	__u64 data; /* of a message, in the caller's memory */
	__u32 data_len, addr_len;
	__u32 users, pad; /* build_take() */
	struct watch_rec rec;
	char parts[WATCH_PARTS_BYTES + WATCH_PART_MAX + 64]; /* directly behind `rec` */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct build);
} builds SEC(".maps");

/*
 * Set before load. Programs at kernel functions may be interrupted by other tasks, those at
 * tracepoints are not. Then the first buffer of a processor is that of the task which took it, the
 * second that of programs at tracepoints.
 */
const volatile __u8 preempted;

static __always_inline struct build *build_get(void)
{
	__u32 zero = 0, one = 1;
	struct build *b = bpf_map_lookup_elem(&builds, &zero);

	if (preempted && b && b->owner != (__u32)bpf_get_current_pid_tgid())
		return bpf_map_lookup_elem(&builds, &one);
	return b;
}

/*
 * False: another task has it, or tries to take it. Kernels before 5.12 have no atomic operations
 * that return a value; who adds and then finds that he is the only one has it.
 */
static __always_inline bool build_take(void)
{
	__u32 zero = 0;
	struct build *b = preempted ? bpf_map_lookup_elem(&builds, &zero) : NULL;

	if (!b)
		return true;
	__sync_fetch_and_add(&b->users, 1);
	if (*(volatile __u32 *)&b->users != 1) {
		__sync_fetch_and_add(&b->users, -1);
		return false;
	}
	b->owner = bpf_get_current_pid_tgid();
	return true;
}

static __always_inline void build_give(void)
{
	__u32 zero = 0;
	struct build *b = preempted ? bpf_map_lookup_elem(&builds, &zero) : NULL;

	if (!b)
		return;
	b->owner = 0;
	__sync_fetch_and_add(&b->users, -1);
}

/* Where the next part begins; false when it may not fit. */
static __always_inline bool part_room(struct build *b, __u32 len)
{
	if (b->len <= WATCH_PARTS_BYTES - WATCH_PART_MAX - PART_HEAD)
		return true;
	b->rec.parts += len;
	return false;
}

/* The header of a part whose `len` bytes stand behind it already. */
static __always_inline void part_end(struct build *b, __u16 kind, __u8 arg, __u8 flags, __u32 len)
{
	struct watch_part *p = (void *)&b->parts[b->len & PARTS_MASK];

	p->kind = kind;
	p->arg = arg;
	p->flags = flags;
	p->len = len;
	p->pad = 0;
	b->len = (b->len + PART_HEAD + len + 7) & ~7u;
}

static __always_inline void *part_data(struct build *b)
{
	return &b->parts[(b->len & PARTS_MASK) + PART_HEAD];
}

static __always_inline __u32 bounded(__u32 len)
{
	asm volatile("" : "+r"(len));
	return len > WATCH_PART_MAX ? WATCH_PART_MAX : len;
}

static __always_inline void part_kernel(struct build *b, __u16 kind, __u8 arg, __u8 flags,
					const void *from, __u32 len)
{
	len = bounded(len);
	if (part_room(b, len) && !bpf_probe_read_kernel(part_data(b), len, from))
		part_end(b, kind, arg, flags, len);
}

static __always_inline void part_user(struct build *b, __u16 kind, __u8 arg, const void *from,
				      __u32 len)
{
	len = bounded(len);
	if (part_room(b, len) && !bpf_probe_read_user(part_data(b), len, from))
		part_end(b, kind, arg, 0, len);
}

/* Text of the call, as bpf_probe_read_user_str() does. */
static __always_inline long read_text(const struct build *b, void *to, __u32 size, const void *from)
{
	return b->kept ? bpf_probe_read_kernel_str(to, size, from)
		       : bpf_probe_read_user_str(to, size, from);
}

static __always_inline void part_text(struct build *b, __u16 kind, __u8 arg, const void *from)
{
	long n;

	if (!part_room(b, 1))
		return;
	n = read_text(b, part_data(b), WATCH_PART_MAX, from);
	if (n > 0)
		part_end(b, kind, arg, 0, n - 1);
}

/* The file that is open in the current task as `fd`, or NULL. */
static __always_inline struct file *file_of_fd(__u32 fd)
{
	struct files_struct *files = GET(current_task(), files);
	struct fdtable *fdt = files ? GET(files, fdt) : NULL;
	struct file *f = NULL;

	if (!fdt || fd >= GET(fdt, max_fds))
		return NULL;
	if (can_cast)
		return TYPED(kiocb, fdt->fd + fd)->ki_filp;
	bpf_probe_read_kernel(&f, sizeof(f), GET(fdt, fd) + fd);
	return f;
}

/* The file at an argument, or the one that was opened (WATCH_RET); `fd` is its descriptor. */
static __always_inline struct file *file_of(const struct build *b, __u32 arg, __u32 fd)
{
	if (b->kept)
		return TYPED(file, (void *)(arg == WATCH_RET ? b->opened : b->file));
	return file_of_fd(fd);
}

static __always_inline long read_path(struct file *f, struct path *out)
{
	return bpf_probe_read_kernel(out, sizeof(*out),
				     (void *)f + bpf_core_field_offset(struct file, f_path));
}

/*
 * Whether the file lies in the upper or a lower layer of overlayfs: behind its inode stands the
 * dentry in the upper layer (struct ovl_inode, fs/overlayfs/ovl_entry.h).
 */
static __always_inline __u32 layer_of(struct inode *inode)
{
	void *upper = NULL;

	if (!inode || BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_MAGIC)
		return WATCH_NO_OVERLAY;
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)inode + bpf_core_type_size(struct inode));
	return upper ? WATCH_UPPER : WATCH_LOWER;
}

/*
 * The functions from here on that are not static are checked by the verifier once each. Kernel
 * pointers come as numbers, since Linux before 6.8 takes no others in such functions.
 */

/* Into text, ending at WALK_MAX; returns where it begins, WALK_* in the upper half. */
__noinline __u32 walk_path(__u64 mnt, __u64 dentry)
{
	struct build *b = build_get();

	return b ? walk_up(b->text, &b->off, (void *)mnt, (void *)dentry)
		 : WALK_MAX | WALK_DETACHED << 16;
}

/* A path argument: its text, and for a relative one the folder that it begins at. */
__noinline int add_path(__u32 arg, __u64 name, int dirfd)
{
	struct task_struct *task = current_task();
	struct vfsmount *mnt = NULL;
	struct dentry *dir = NULL;
	struct build *b = build_get();
	char first[2] = {};
	__u32 from;

	if (!b || !name || read_text(b, first, sizeof(first), (void *)name) < 0)
		return 0;
	part_text(b, WATCH_P_PATH, arg, (void *)name);
	if (first[0] == '/' || b->kept == KEPT_BY_OTHERS)
		return 0;
	if (dirfd == AT_FDCWD) {
		dir = BPF_CORE_READ(task, fs, pwd.dentry);
		mnt = BPF_CORE_READ(task, fs, pwd.mnt);
	} else {
		struct file *f = file_of_fd(dirfd);

		if (!f)
			return 0;
		dir = BPF_CORE_READ(f, f_path.dentry);
		mnt = BPF_CORE_READ(f, f_path.mnt);
	}
	from = walk_path((__u64)mnt, (__u64)dir);
	if ((from & 0xffff) <= WALK_MAX)
		part_kernel(b, WATCH_P_BASE, arg, from >> 16, &b->text[from & 0xffff],
			    WALK_MAX - (from & 0xffff));
	return 0;
}

static __always_inline void describe_socket(struct watch_fd *d, struct socket *socket)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);

	if (!sk)
		return;
	d->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	d->type = BPF_CORE_READ(socket, type);
	d->protocol = BPF_CORE_READ(sk, sk_protocol);
	d->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (d->family == AF_INET) {
		__u32 a = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);

		__builtin_memcpy(d->laddr, &a, 4);
		a = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		__builtin_memcpy(d->raddr, &a, 4);
	} else if (d->family == AF_INET6) {
		struct in6_addr a;

		BPF_CORE_READ_INTO(&a, sk, __sk_common.skc_v6_rcv_saddr);
		__builtin_memcpy(d->laddr, &a, 16);
		BPF_CORE_READ_INTO(&a, sk, __sk_common.skc_v6_daddr);
		__builtin_memcpy(d->raddr, &a, 16);
	} else {
		return;
	}
	d->lport = BPF_CORE_READ(sk, __sk_common.skc_num);
	d->rport = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

/* The name of a unix socket, of itself or of the one it is connected to, behind the description. */
static __always_inline __u32 unix_name(struct build *b, struct socket *socket)
{
	struct unix_sock *u = (void *)BPF_CORE_READ(socket, sk);
	struct unix_address *a = BPF_CORE_READ(u, addr);
	struct unix_sock *peer;
	__u32 len;

	if (!a) {
		peer = (void *)BPF_CORE_READ(u, peer);
		a = peer ? BPF_CORE_READ(peer, addr) : NULL;
	}
	if (!a)
		return 0;
	len = BPF_CORE_READ(a, len);
	if (len < 2 || len > sizeof(struct sockaddr_un))
		return 0;
	len -= 2;
	asm volatile("" : "+r"(len)); /* what was known of it is not kept by every verifier */
	if (bpf_probe_read_kernel(part_data(b) + sizeof(struct watch_fd), len & 127,
				  (void *)a + bpf_core_field_offset(struct unix_address, name) + 2))
		return 0;
	return len;
}

/* The path of a file behind its description; a nameless one (memfd, eventfd) has its own name. */
static __always_inline __u32 file_name(struct build *b, struct dentry *d, struct vfsmount *mnt,
				       __u32 *flags)
{
	struct link own;
	__u32 from, len;

	read_link(d, &own);
	if (own.parent == d && d == BPF_CORE_READ(mnt, mnt_root) &&
	    (__u64)d != (__u64)BPF_CORE_READ(current_task(), fs, root.dentry)) {
		from = walk_path((__u64)mnt, (__u64)d);
	} else if (own.parent == d) {
		len = own.hash_len >> 32 & (WALK_NAME - 1);
		bpf_probe_read_kernel(part_data(b) + sizeof(struct watch_fd), len, own.name);
		*flags = WALK_DETACHED;
		return len;
	} else {
		from = walk_path((__u64)mnt, (__u64)d);
	}
	*flags = from >> 16;
	from &= 0xffff;
	if (from > WALK_MAX)
		return 0;
	len = WALK_MAX - from;
	if (len > WATCH_PART_MAX - sizeof(struct watch_fd))
		len = WATCH_PART_MAX - sizeof(struct watch_fd);
	bpf_probe_read_kernel(part_data(b) + sizeof(struct watch_fd), len, &b->text[from]);
	return len;
}

/* What is open as `fd`. */
__noinline int add_fd(__u32 arg, int fd)
{
	struct build *b = build_get();
	struct watch_fd *d;
	__u32 len = 0, flags = 0;
	struct inode *inode;
	struct file *f;

	if (!b || !part_room(b, sizeof(*d)))
		return 0;
	d = part_data(b);
	__builtin_memset(d, 0, sizeof(*d));
	d->fd = fd;
	f = fd < 0 && !b->kept ? NULL : file_of(b, arg, fd);
	if (f) {
		inode = BPF_CORE_READ(f, f_inode);
		d->mode = BPF_CORE_READ(inode, i_mode);
		d->ino = BPF_CORE_READ(inode, i_ino);
		d->dev = BPF_CORE_READ(inode, i_sb, s_dev);
		d->flags = BPF_CORE_READ(f, f_flags);
		d->created = !!(BPF_CORE_READ(f, f_mode) & FMODE_CREATED);
		d->layer = layer_of(inode);
		if ((d->mode & S_IFMT) == S_IFSOCK) {
			struct socket *socket = BPF_CORE_READ(f, private_data);

			describe_socket(d, socket);
			if (d->family == AF_UNIX)
				len = unix_name(b, socket);
		} else if (b->kept != KEPT_BY_OTHERS) {
			len = file_name(b, BPF_CORE_READ(f, f_path.dentry),
					BPF_CORE_READ(f, f_path.mnt), &flags);
		}
	}
	part_end(b, WATCH_P_FD, arg, flags, sizeof(*d) + len);
	return 0;
}

/* A socket address in user memory. */
__noinline int add_addr(__u32 arg, __u64 addr, __u32 len)
{
	struct build *b = build_get();

	if (b && addr && len >= 2)
		part_user(b, WATCH_P_ADDR, arg, (void *)addr, len > 128 ? 128 : len);
	return 0;
}

/* The one that was kept of this argument. */
__noinline int add_kept_addr(__u32 arg, __u32 len)
{
	struct build *b = build_get();

	if (b && arg < WATCH_ARGS && b->at[arg] && len >= 2)
		part_kernel(b, WATCH_P_ADDR, arg, 0, (void *)b->at[arg], len > 128 ? 128 : len);
	return 0;
}

__noinline int add_data(__u32 arg, __u64 data, __u32 len)
{
	struct build *b = build_get();

	if (b && data && len)
		part_user(b, WATCH_P_DATA, arg, (void *)data, len);
	return 0;
}

__noinline int add_text(__u32 kind, __u32 arg, __u64 text)
{
	struct build *b = build_get();

	if (b && text)
		part_text(b, kind, arg, (void *)text);
	return 0;
}

struct user_msghdr {
	__u64 name;
	__u32 name_len, pad;
	__u64 iov;
	__u64 iov_len;
};

/* With pointers of 32 bits (include/net/compat.h). */
struct user_msghdr_32 {
	__u32 name, name_len, iov, iov_len;
};

enum { USER_MSGHDR = 56, USER_MSGHDR_32 = 28 }; /* sizes of struct msghdr */

struct user_iovec {
	__u64 base, len;
};

struct user_iovec_32 {
	__u32 base, len;
};

static __always_inline long read_msghdr(const struct build *b, struct user_msghdr *m, __u64 from)
{
	struct user_msghdr_32 n = {};

	if (!b->narrow)
		return bpf_probe_read_user(m, sizeof(*m), (void *)from);
	if (bpf_probe_read_user(&n, sizeof(n), (void *)from))
		return -1;
	*m = (struct user_msghdr){ n.name, n.name_len, 0, n.iov, n.iov_len };
	return 0;
}

static __always_inline long read_iovec(const struct build *b, struct user_iovec *v, __u64 from)
{
	struct user_iovec_32 n = {};

	if (!b->narrow)
		return bpf_probe_read_user(v, sizeof(*v), (void *)from);
	if (bpf_probe_read_user(&n, sizeof(n), (void *)from))
		return -1;
	*v = (struct user_iovec){ n.base, n.len };
	return 0;
}

/* The address and the first buffer of a message, of which `done` bytes went through. */
__noinline int add_msg(__u32 arg, __u64 msg, __u32 done)
{
	struct build *b = build_get();
	struct user_msghdr m = {};
	struct user_iovec v = {};

	if (!b || read_msghdr(b, &m, msg))
		return 0;
	add_addr(arg, m.name, m.name_len);
	if (!done || !m.iov_len || read_iovec(b, &v, m.iov))
		return 0;
	return add_data(arg, v.base, v.len < done ? v.len : done);
}

/* Of a message of which address and place were kept. */
__noinline int add_kept_msg(__u32 arg, __u32 done)
{
	struct build *b = build_get();

	if (!b)
		return 0;
	add_kept_addr(arg, b->addr_len);
	return add_data(arg, b->data, b->data_len < done ? b->data_len : done);
}

/* The same of the first message of sendmmsg(2); the kernel put its length behind it. */
__noinline int add_mmsg(__u32 arg, __u64 msgs, __u32 max)
{
	struct build *b = build_get();
	__u32 done = 0;

	if (!b || bpf_probe_read_user(&done, sizeof(done),
				      (void *)(msgs + (b->narrow ? USER_MSGHDR_32 : USER_MSGHDR))))
		return 0;
	return add_msg(arg, msgs, done > max ? max : done);
}

/* What FS_IOC_SETFLAGS and its like are given, in the record of another argument. */
__noinline int read_attributes(__u64 from)
{
	struct build *b = build_get();
	__u32 bits = 0;

	if (!b)
		return 0;
	bpf_probe_read_user(&bits, sizeof(bits), (void *)from);
	b->rec.arg[WATCH_AT_ATTRIBUTES] = bits;
	return 0;
}

/* linux/stat.h of the kernel */
#define UTIME_NOW  ((1l << 30) - 1l)
#define UTIME_OMIT ((1l << 30) - 2l)

static __always_inline __u64 time_set(__u64 sec, __u64 part, __u32 how)
{
	if (how == WATCH_A_TIMESPECS && part == UTIME_NOW)
		return WATCH_TIME_NOW;
	if (how == WATCH_A_TIMESPECS && part == UTIME_OMIT)
		return WATCH_TIME_KEPT;
	return sec * 1000000000ULL + (how == WATCH_A_TIMEVALS ? part * 1000 : part);
}

/* Both times that a call gives a file, in the place of arguments. `how`: enum watch_arg. */
__noinline int read_times(__u64 from, __u32 how)
{
	__u64 t[4] = {}; /* seconds and their parts, twice */
	struct build *b = build_get();

	if (!b)
		return 0;
	b->rec.arg[WATCH_AT_ATIME] = b->rec.arg[WATCH_AT_MTIME] = WATCH_TIME_NOW;
	if (!from)
		return 0;
	if (b->narrow == WIDTH_32) {
		__s32 n[4] = {};

		bpf_probe_read_user(n, how == WATCH_A_UTIMBUF ? 8 : 16, (void *)from);
#pragma unroll
		for (int i = 0; i < 4; i++)
			t[i] = (__s64)n[i];
	} else {
		bpf_probe_read_user(t, how == WATCH_A_UTIMBUF ? 16 : 32, (void *)from);
	}
	if (b->narrow == WIDTH_TIME64) { /* what is beside 32 bits of ns may be anything */
		t[1] = (__u32)t[1];
		t[3] = (__u32)t[3];
	}
	if (how == WATCH_A_UTIMBUF) {
		t[2] = t[1];
		t[1] = t[3] = 0;
	}
	b->rec.arg[WATCH_AT_ATIME] = time_set(t[0], t[1], how);
	b->rec.arg[WATCH_AT_MTIME] = time_set(t[2], t[3], how);
	return 0;
}

/* The path of a file, up to the root of the current task. */
__noinline int add_file(__u32 kind, __u64 mnt, __u64 dentry)
{
	struct build *b = build_get();
	struct link own;
	__u32 from;

	if (!b || !dentry)
		return 0;
	read_link((void *)dentry, &own);
	if ((__u64)own.parent == dentry && kind == WATCH_P_EXE) { /* memfd */
		part_kernel(b, kind, 0, WALK_DETACHED, own.name,
			    own.hash_len >> 32 & (WALK_NAME - 1));
		return 0;
	}
	from = walk_path(mnt, dentry);
	if ((from & 0xffff) <= WALK_MAX)
		part_kernel(b, kind, 0, from >> 16, &b->text[from & 0xffff],
			    WALK_MAX - (from & 0xffff));
	return 0;
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	if (bpf_core_field_exists(kn->__parent))
		return GET(kn, __parent);
	return GET((struct kernfs_node___old *)kn, parent);
}

/*
 * The task's control group: in the unified hierarchy, and where that one has only its root (cgroup
 * v1), that of the memory controller.
 */
static __always_inline struct kernfs_node *cgroup_of(struct task_struct *task)
{
	struct css_set *set = GET(task, cgroups);
	struct kernfs_node *kn = GET(set, dfl_cgrp, kn);
	struct cgroup_subsys_state **state, *css = NULL;

	if (kernfs_parent(kn) || !bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return kn;
	state = &set->subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)];
	if (HAS_HELPER(get_current_task_btf))
		return (*state)->cgroup->kn;
	bpf_probe_read_kernel(&css, sizeof(css), state);
	return BPF_CORE_READ(css, cgroup, kn);
}

/* The path of the current task's control group. */
__noinline int add_cgroup(void)
{
	enum { DEPTH = 12 };
	struct kernfs_node *kn = cgroup_of(current_task());
	struct build *b = build_get();

	if (!b)
		return 0;
	b->off = WALK_MAX;
	for (int i = 0; i < DEPTH && kn; i++) {
		struct kernfs_node *up = kernfs_parent(kn);
		__u32 off = b->off;
		long n;

		if (!up)
			break;
		n = bpf_probe_read_kernel_str(&b->text[WALK_MAX + 1], WALK_NAME,
					      BPF_CORE_READ(kn, name));
		if (n <= 1 || n > WALK_NAME || off > WALK_MAX || off < n)
			break;
		off -= n;
		bpf_probe_read_kernel(&b->text[(off + 1) & (WALK_MAX - 1)],
				      (n - 1) & (WALK_NAME - 1), &b->text[WALK_MAX + 1]);
		b->text[off & (WALK_MAX - 1)] = '/';
		b->off = off;
		kn = up;
	}
	if (b->off < WALK_MAX)
		part_kernel(b, WATCH_P_CGROUP, 0, 0, &b->text[b->off], WALK_MAX - b->off);
	return 0;
}

#endif
