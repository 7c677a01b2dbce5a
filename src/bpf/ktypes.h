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
#endif
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
} KTYPE;

struct inode {
	__u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
} KTYPE;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
} KTYPE;

struct vfsmount {
	struct dentry *mnt_root;
} KTYPE;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} KTYPE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} KTYPE;

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_mode;
	void *private_data;
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

struct seccomp {
	int mode;
	atomic_t filter_count;
} KTYPE;

struct mm_struct {
	unsigned long arg_start, arg_end;
	struct file *exe_file;
} KTYPE;

/* 64 bits, as one number or (before 6.3) two; only the address of such a member is used. */
struct kernel_cap_bits {
	__u64 val;
};

struct cred {
	struct kernel_cap_bits cap_bset;
} KTYPE;

struct task_struct {
	struct thread_info thread_info;
	const struct cred *real_cred;
	int pid, tgid;
	char comm[16];
	struct mm_struct *mm;
	struct files_struct *files;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct seccomp seccomp;
} KTYPE;

struct kernfs_node {
	__u64 id;
} KTYPE;

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
} KTYPE;

struct cgroup {
	struct cgroup_subsys_state self; /* the first member (include/linux/cgroup-defs.h) */
	struct kernfs_node *kn;
} KTYPE;

struct linux_binprm {
	struct file *file;
} KTYPE;

struct in6_addr {
	__u8 bytes[16]; /* a union in the kernel; only its address is used */
};

struct sock_common {
	unsigned short skc_family;
	__u16 skc_num;
	__u32 skc_rcv_saddr;
	struct in6_addr skc_v6_rcv_saddr;
} KTYPE;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
} KTYPE;

struct socket {
	short type;
	struct sock *sk;
} KTYPE;

#endif
