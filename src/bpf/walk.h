/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* From a dentry to the text of its path, as the current task would name it. */
#ifndef BPF_WALK_H
#define BPF_WALK_H

#include "task.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>

enum {
	WALK_MAX = 4096, /* bytes of a path; PATH_MAX */
	WALK_COMPONENTS = 64,
	WALK_NAME = 256,		      /* NAME_MAX and a "/" */
	WALK_TEXT = 2 * WALK_MAX + WALK_NAME, /* bytes of the buffer that walk_up() wants */
};
/* Flags of what walk_up() returns, in its upper half. */
#define WALK_DETACHED  8  /* not below the root of the task: memfd, deleted mount, other root */
#define WALK_TRUNCATED 16 /* longer or deeper than the limits: the front is missing */

/*
 * What a walk needs of a dentry, read at once: the members d_parent, d_name and d_inode lie
 * close together in every kernel (include/linux/dcache.h); the distances come from its BTF.
 */
struct link {
	struct dentry *parent;
	const unsigned char *name;
	__u64 hash_len; /* hash in the low, length in the high half */
};

static __always_inline void read_link(struct dentry *d, struct link *l)
{
	enum { BLOCK = 64 };
	__u32 first = bpf_core_field_offset(struct dentry, d_parent);
	__u32 hash = bpf_core_field_offset(struct dentry, d_name.hash_len) - first;
	__u32 name = bpf_core_field_offset(struct dentry, d_name.name) - first;
	__u8 block[BLOCK];

	if (hash > BLOCK - 8 || name > BLOCK - 8) {
		l->parent = BPF_CORE_READ(d, d_parent);
		l->hash_len = BPF_CORE_READ(d, d_name.hash_len);
		l->name = BPF_CORE_READ(d, d_name.name);
		return;
	}
	bpf_probe_read_kernel(block, sizeof(block), (void *)d + first);
	l->parent = *(struct dentry **)block;
	l->hash_len = *(__u64 *)(block + hash);
	l->name = *(const unsigned char **)(block + name);
}

/*
 * Writes the path of (mnt, d), up to the root of the current task, into the text so that it ends at
 * WALK_MAX. Returns where it begins, and WALK_* flags in the upper half. *off is memory to work in:
 * a range that the verifier forgets lets it prune the loop.
 */
static __always_inline __u32 walk_up(char *text, __u32 *off_mem, struct vfsmount *mnt,
				     struct dentry *d)
{
	struct task_struct *task = current_task();
	struct dentry *mnt_root = BPF_CORE_READ(mnt, mnt_root);
	struct path root = {};
	__u32 flag = WALK_TRUNCATED << 16;

	bpf_probe_read_kernel(&root, sizeof(root), &GET(task, fs)->root);
	*off_mem = WALK_MAX;
	for (int i = 0; i < WALK_COMPONENTS; i++) {
		struct link l;
		__u32 len, off;

		if (d == root.dentry && mnt == root.mnt) {
			flag = 0;
			break;
		}
		read_link(d, &l);
		if (d == mnt_root || l.parent == d) {
			struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
			struct mount *up = BPF_CORE_READ(m, mnt_parent);

			if (up == m || d != mnt_root)
				flag = WALK_DETACHED << 16;
			if (up == m)
				break;
			if (d == mnt_root) {
				d = BPF_CORE_READ(m, mnt_mountpoint);
				mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
				mnt_root = BPF_CORE_READ(mnt, mnt_root);
				continue;
			}
		}
		len = l.hash_len >> 32 & (WALK_NAME - 1);
		off = *off_mem;
		if (off > WALK_MAX || off < len + 1)
			break;
		off -= len;
		bpf_probe_read_kernel(&text[off & (2 * WALK_MAX - 1)], len, l.name);
		off -= 1;
		text[off & (2 * WALK_MAX - 1)] = '/';
		*off_mem = off;
		if (l.parent == d)
			break; /* a file without a folder, as of memfd_create(2) */
		d = l.parent;
	}
	return *off_mem | flag;
}

#endif
