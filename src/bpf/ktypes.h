/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The kernel types that the programs read, and only the members that they read. Offsets come from
 * the running kernel's BTF when a program is loaded (CO-RE), so order and size here mean nothing.
 */
#ifndef BPF_KTYPES_H
#define BPF_KTYPES_H

#include <linux/types.h>

#define KTYPE __attribute__((preserve_access_index))

typedef struct {
	int counter;
} KTYPE atomic_t;

struct pt_regs {
#if defined(__TARGET_ARCH_x86)
	unsigned long r11, r10, r9, r8, bx, cx, dx, si, di, bp, ax, orig_ax, ip, flags;
#elif defined(__TARGET_ARCH_arm64)
	__u64 regs[31];
	__u64 orig_x0;
	__s32 syscallno;
#endif
} KTYPE;

struct bpf_task_work {
	__u64 opaque;
} __attribute__((aligned(8)));

struct bpf_map {
	__u32 id;
} KTYPE;

struct thread_info {
	unsigned long flags;
#if defined(__TARGET_ARCH_x86)
	__u32 status;
#endif
} KTYPE;

struct qstr {
	__u64 hash_len;
	__u32 len;
	const unsigned char *name;
} KTYPE;

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
} KTYPE;

typedef struct {
	__u32 val;
} KTYPE kuid_t;

typedef struct {
	__u32 val;
} KTYPE kgid_t;

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
} KTYPE;

struct inode {
	__u16 i_mode;
	kuid_t i_uid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	/* Linux 6.11 */
	__s64 i_mtime_sec, i_ctime_sec;
	__u32 i_mtime_nsec, i_ctime_nsec;
} KTYPE;

struct inode___6_6 {
	struct timespec64 __i_ctime, __i_mtime; /* __i_mtime: from 6.7 */
} KTYPE;

struct inode___old {
	struct timespec64 i_mtime, i_ctime;
} KTYPE;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
} KTYPE;

struct mnt_namespace;

struct vfsmount {
	struct dentry *mnt_root;
} KTYPE;

struct mnt_namespace;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
} KTYPE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} KTYPE;

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_mode, f_flags;
	void *private_data;
} KTYPE;

struct kiocb {
	struct file
		*ki_filp; /* the first member (include/linux/fs.h): stands for an array of such */
} KTYPE;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} KTYPE;

struct files_struct {
	struct fdtable *fdt;
} KTYPE;

struct fs_struct {
	struct path root, pwd;
} KTYPE;

struct ns_common {
	unsigned int inum;
} KTYPE;

struct mnt_namespace {
	struct ns_common ns;
} KTYPE;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
} KTYPE;

struct pid_namespace {
	struct task_struct *child_reaper;
} KTYPE;

struct upid {
	int nr;
	struct pid_namespace *ns;
} KTYPE;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} KTYPE;

struct tty_driver {
	int major, minor_start;
} KTYPE;

struct tty_struct {
	int index;
	struct tty_driver *driver;
} KTYPE;

struct signal_struct {
	atomic_t live;
	struct pid *pids[4]; /* enum pid_type (include/linux/pid_types.h) */
	struct tty_struct *tty;
} KTYPE;

struct seccomp {
	int mode;
	atomic_t filter_count;
} KTYPE;

struct mm_struct {
	unsigned long task_size, arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
} KTYPE;

struct user_namespace {
	struct user_namespace *parent;
	int level;
	kuid_t owner;
} KTYPE;

/* 64 bits, as one number or (before 6.3) two; only the address of such a member is used. */
struct kernel_cap_bits {
	__u64 val;
};

struct cred {
	kuid_t uid, euid;
	kgid_t gid, egid;
	struct kernel_cap_bits cap_inheritable, cap_permitted, cap_effective, cap_bset;
	struct user_namespace *user_ns;
} KTYPE;

struct kernfs_node {
	__u64 id;
	const char *name;
	struct kernfs_node *__parent; /* Linux 6.15 */
} KTYPE;

struct kernfs_node___old {
	struct kernfs_node *parent;
} KTYPE;

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} KTYPE;

struct cgroup {
	struct cgroup_subsys_state self; /* the first member (include/linux/cgroup-defs.h) */
	struct kernfs_node *kn;
} KTYPE;

struct cgroup___ids { /* before Linux 6.1; of the groups above, and its own */
	int level;
	__u64 ancestor_ids[1];
} KTYPE;

enum cgroup_subsys_id {
	memory_cgrp_id,
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
} KTYPE;

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	unsigned int flags;
	const struct cred *real_cred, *cred;
	int pid, tgid;
	struct task_struct *real_parent, *group_leader;
	__u64 start_boottime;
	struct signal_struct *signal;
	struct pid *thread_pid;
	kuid_t loginuid;
	struct css_set *cgroups;
	char comm[16];
	struct mm_struct *mm;
	struct files_struct *files;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct seccomp seccomp;
	struct io_uring_task *io_uring;
} KTYPE;

struct kernel_siginfo {
	int si_code;
} KTYPE;

struct bpf_iter__task {
	void *meta;
	struct task_struct *task;
} KTYPE;

struct linux_binprm {
	struct file *file;
	const char *filename;
	const char *interp;
} KTYPE;

struct in6_addr {
	__u8 bytes[16]; /* a union in the kernel; only its address is used */
};

struct sock_common {
	unsigned short skc_family;
	volatile unsigned char skc_state;
	__u16 skc_num, skc_dport;
	__u32 skc_daddr, skc_rcv_saddr;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
} KTYPE;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
} KTYPE;

struct socket {
	short type;
	struct sock *sk;
} KTYPE;

struct sockaddr_un {
	unsigned short sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[1];
} KTYPE;

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct sock *peer;
} KTYPE;

#endif
