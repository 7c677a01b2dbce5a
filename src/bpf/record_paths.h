/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Paths: of files that are open, and of names that a call was given. */
#ifndef BPF_RECORD_PATHS_H
#define BPF_RECORD_PATHS_H

#include "record_state.h"

_Static_assert(WALK_MAX == REC_PATH_MAX && WALK_DETACHED == REC_P_DETACHED &&
		       WALK_TRUNCATED == REC_P_TRUNCATED,
	       "what walk_up() returns is handed over as it is");

/*
 * Names a file without walking to the root: its own name, the name of its folder, and where the
 * kernel keeps that folder. Equal for two paths only if a folder further up was replaced.
 */
static __always_inline void file_ident(struct dentry *d, struct vfsmount *mnt,
				       struct rec_file_key *k)
{
	struct link own, up;

	read_link(d, &own);
	read_link(own.parent, &up);
	k->name = own.hash_len;
	k->folder_name = up.hash_len;
	k->folder = (__u64)own.parent ^ (__u64)mnt << 16;
}

/*
 * The functions from here on that are not static are checked by the verifier once each, not once
 * per caller (global functions). Kernel pointers come as numbers, what else is more than a number
 * stands in the scratch memory.
 */

/*
 * Writes the path of (mnt, dentry), up to the root of the current task, into the scratch text so
 * that it ends at REC_PATH_MAX. Returns where it begins, and REC_P_* flags in the upper half.
 */
__noinline __u32 walk_path(__u64 mnt_ptr, __u64 dentry_ptr)
{
	struct scratch *s = scratch_get();

	if (!s)
		return REC_PATH_MAX | REC_P_DETACHED << 16;
	s->dir.folder = 0;
	return walk_up(s->text, &s->off, (void *)mnt_ptr, (void *)dentry_ptr);
}

static __always_inline __u64 path_tag(const struct rec_file_key *k)
{
	const __u64 prime = 0x9e3779b97f4a7c15ULL; /* 2^64 divided by the golden ratio */
	__u64 h = k->folder * prime ^ k->folder_name;

	h = (h ^ h >> 32) * prime ^ k->name;
	h = (h ^ h >> 32) * prime ^ ((__u64)k->access << 32 | k->prog << 24 | k->phase << 16 |
				     k->named << 8 | prog_generation[k->prog]);
	h = (h ^ h >> 32) * prime;
	return h | 1;
}

/*
 * Whether the file was handed over lately. The table forgets a file when another one falls on its
 * place; it is handed over again then, which changes nothing.
 */
static __always_inline bool path_known(const struct rec_file_key *k)
{
	__u64 tag = path_tag(k);

	return path_tags[tag >> 32 & (REC_TAGS - 1)] == tag;
}

/* The maps that take what finds no room in the ring. */
static __always_inline long store_in_map(struct scratch *s, __u32 len)
{
	const struct rec_file_key *k = &s->entry.key;
	int r;

	if (len < REC_PATH_SHORT) {
		s->small.len = s->entry.len;
		s->small.base = s->entry.base;
		s->small.flags = s->entry.flags;
		bpf_probe_read_kernel(s->small.text, len, s->entry.text);
		r = bpf_map_update_elem(&files, k, &s->small, BPF_NOEXIST);
	} else {
		r = bpf_map_update_elem(&files_long, k, &s->entry, BPF_NOEXIST);
	}
	if (r == 0)
		__sync_fetch_and_add(&files_n, 1);
	return r == -17 /* EEXIST */ ? 0 : r;
}

/* Hands over text[from … REC_PATH_MAX + name_len) under the key that stands in the entry. */
__noinline int store_path(__u32 from, __u32 name_len, __u32 flags)
{
	const __u32 head = sizeof(struct rec_path_entry) -
			   sizeof(((struct rec_path_entry *)0)->text);
	struct scratch *s = scratch_get();
	__u64 wake, tag;
	__u32 len;

	if (!s || from > REC_PATH_MAX || name_len > REC_PATH_MAX)
		return 0;
	len = REC_PATH_MAX - from + name_len;
	if (len > REC_PATH_MAX * 2 - 1)
		return 0;
	s->entry.len = len;
	s->entry.base = REC_PATH_MAX - from;
	s->entry.flags = flags;
	bpf_probe_read_kernel(s->entry.text, len, &s->text[from]);
	/*
	 * The loader looks every 50 ms; it is woken when a flood of new paths comes before. Two
	 * that count at once may pass over a thousand, and the next one wakes it.
	 */
	wake = paths_n % 1024 ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP;
	__sync_fetch_and_add(&paths_n, 1);
	if (bpf_ringbuf_output(&paths, &s->entry, head + len, wake) && store_in_map(s, len)) {
		count_lost(REC_LOST_FILES);
		return 0;
	}
	tag = path_tag(&s->entry.key);
	path_tags[tag >> 32 & (REC_TAGS - 1)] = tag;
	return 0;
}

/* The file that is open in the current task as `fd`, or NULL. */
static __always_inline struct file *file_of_fd(__u32 fd)
{
	struct task_struct *task = current_task();
	struct fdtable *fdt = GET(task, files, fdt);
	struct file *f = NULL;

	if (!fdt || fd >= GET(fdt, max_fds))
		return NULL;
	bpf_probe_read_kernel(&f, sizeof(f), GET(fdt, fd) + fd);
	return f;
}

/*
 * The path of a file: that of its folder, which is often the one of the file before, and its name.
 * Leaves it in text[from … REC_PATH_MAX + *name_len); returns `from`, REC_P_* in the upper half.
 */
static __always_inline __u32 folder_and_name(struct scratch *s, struct dentry *d,
					     struct vfsmount *mnt, __u32 *name_len)
{
	struct task_struct *task = current_task();
	__u64 root = (__u64)BPF_CORE_READ(task, fs, root.dentry);
	struct link own, up;
	__u32 from, len;

	read_link(d, &own);
	if (own.parent == d || d == BPF_CORE_READ(mnt, mnt_root) || (__u64)d == root)
		return walk_path((__u64)mnt, (__u64)d); /* its own name is not the last part */
	read_link(own.parent, &up);
	if (s->dir.folder == (__u64)own.parent && s->dir.mnt == (__u64)mnt && s->dir.root == root &&
	    s->dir.name == up.hash_len && s->dir.above == (__u64)up.parent) {
		from = s->dir.from;
	} else {
		from = walk_path((__u64)mnt, (__u64)own.parent);
		if (from >> 16)
			return walk_path((__u64)mnt, (__u64)d);
		s->dir.folder = (__u64)own.parent;
		s->dir.mnt = (__u64)mnt;
		s->dir.root = root;
		s->dir.name = up.hash_len;
		s->dir.above = (__u64)up.parent;
		s->dir.from = from;
	}
	len = own.hash_len >> 32 & (WALK_NAME - 1);
	s->text[REC_PATH_MAX] = '/';
	bpf_probe_read_kernel(&s->text[REC_PATH_MAX + 1], len, own.name);
	*name_len = len + 1;
	return from;
}

/* A file that the current task holds. */
__noinline int observe_file(__u64 file, __u32 access, __u32 flags, __u32 prog, __u32 phase)
{
	struct file *f = (void *)file;
	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
	struct vfsmount *mnt = BPF_CORE_READ(f, f_path.mnt);
	struct rec_file_key k = { .access = access, .prog = prog, .phase = phase };
	struct scratch *s = scratch_get();
	__u32 from, name_len = 0;

	if (!d || !s)
		return 0;
	file_ident(d, mnt, &k);
	if (path_known(&k))
		return 0;
	if ((BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) == S_IFDIR)
		flags |= REC_P_DIR;
	from = folder_and_name(s, d, mnt, &name_len);
	s->entry.key = k;
	return store_path(from & 0xffff, name_len, flags | from >> 16);
}

/* FNV-1a over the 8-byte words of the name of `len` bytes in the upper half of the scratch text. */
__noinline __u64 hash_name(__u32 len)
{
	struct scratch *s = scratch_get();
	__u64 h = 0xcbf29ce484222325ULL, zero = 0;

	if (!s || len > REC_PATH_MAX)
		return 0;
	__builtin_memcpy(&s->text[REC_PATH_MAX + len], &zero, sizeof(zero));
	for (int i = 0; i < REC_PATH_MAX / 8; i++) {
		if (i * 8 >= len)
			break;
		h = (h ^ *(__u64 *)&s->text[REC_PATH_MAX + i * 8]) * 0x100000001b3ULL;
		h ^= h >> 29;
	}
	return h;
}

/*
 * A path by name: the `n` bytes in the upper half of the scratch text, behind the directory that
 * they start from. The scratch call says who and when.
 */
__noinline int observe_text(int dirfd, __u32 n, __u32 access, __u32 flags)
{
	struct task_struct *task = current_task();
	struct rec_file_key k = { .access = access };
	struct scratch *s = scratch_get();
	struct vfsmount *mnt = NULL;
	struct dentry *dir = NULL;
	__u32 from = REC_PATH_MAX;

	if (!s)
		return 0;
	k.prog = s->call.prog;
	k.phase = s->call.phase;
	if (s->text[REC_PATH_MAX] != '/') {
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
		if (!dir)
			return 0;
		file_ident(dir, mnt, &k);
		k.folder_name = k.name;
	}
	k.name = hash_name(n);
	k.named = 1;
	if (path_known(&k))
		return 0;
	if (dir)
		from = walk_path((__u64)mnt, (__u64)dir);
	s->entry.key = k;
	return store_path(from & 0xffff, n, flags | REC_P_NAME | from >> 16);
}

/* The text as the caller gave it. */
__noinline int observe_name(int dirfd, __u64 name, __u32 access, __u32 flags)
{
	struct scratch *s = scratch_get();
	long n;

	if (!s)
		return 0;
	n = bpf_probe_read_user_str(&s->text[REC_PATH_MAX], REC_PATH_MAX, (void *)name);
	if (n <= 1)
		return 0; /* empty, or the kernel will answer EFAULT: nothing is opened */
	return observe_text(dirfd, n - 1, access, flags);
}

/* Every value of a byte is an index: nothing to compare for the verifier to follow. */
static __always_inline const volatile struct rec_spec *spec_at(__u8 i)
{
	_Static_assert(REC_SPECS == 256, "one for each value of a byte");
	return &specs[i];
}

static __always_inline __u32 open_access(__u64 flags)
{
	__u32 access = 0;

	if (flags & O_PATH)
		return 0;
	if ((flags & O_ACCMODE) != O_WRONLY)
		access |= F_READ;
	if ((flags & O_ACCMODE) != 0)
		access |= flags & O_APPEND ? F_APPEND : F_WRITE;
	if (flags & O_TRUNC)
		access |= F_WRITE;
	return access;
}

static __always_inline __u64 arg_at(const struct call *c, __s8 i)
{
	switch (i) {
	case 0:
		return c->a[0];
	case 1:
		return c->a[1];
	case 2:
		return c->a[2];
	case 3:
		return c->a[3];
	case 4:
		return c->a[4];
	case 5:
		return c->a[5];
	}
	return 0;
}

static __always_inline int dirfd_at(const struct call *c, __s8 i)
{
	return i < 0 ? AT_FDCWD : (int)arg_at(c, i);
}

/* What an open asks for, without knowing whether it created the file. */
static __always_inline __u32 access_asked(__u64 flags)
{
	__u32 access = open_access(flags);

	return access && flags & (O_CREAT | O_TMPFILE) ? access | F_CREATE : access;
}

/* The flags of an open call; the row says where they are. */
static __always_inline __u64 open_flags(struct call *c, const volatile struct rec_spec *spec)
{
	__u64 flags = 0;

	if (spec->flags_arg >= 0)
		return arg_at(c, spec->flags_arg);
	if (spec->path[0].dirfd < 0)
		return O_CREAT | O_WRONLY | O_TRUNC;		     /* creat(2) */
	bpf_probe_read_user(&flags, sizeof(flags), (void *)c->a[2]); /* struct open_how */
	return flags;
}

static __always_inline int observe_open_result(struct call *c, long ret)
{
	const volatile struct rec_spec *spec = spec_at(c->spec);
	__u32 access = open_access(open_flags(c, spec));

	if (ret >= 0) {
		struct file *f = file_of_fd(ret);

		if (!f || !access)
			return 0;
		if (BPF_CORE_READ(f, f_mode) & FMODE_CREATED)
			access |= F_CREATE;
		return observe_file((__u64)f, access, 0, c->prog, c->phase);
	}
	if (ret == -ENOENT || ret == -ENOTDIR)
		access = F_MISSING;
	else if (ret == -EACCES || ret == -EPERM || ret == -EROFS)
		access |= F_REFUSED;
	else
		return 0;
	return observe_name(dirfd_at(c, spec->path[0].dirfd), arg_at(c, spec->path[0].path), access,
			    0);
}

static __always_inline __u32 directory_flag(const struct call *c,
					    const volatile struct rec_spec *spec)
{
	return spec->directory == DIRECTORY ||
			       (spec->directory == DIRECTORY_BY_FLAG && c->a[2] & AT_REMOVEDIR)
		       ? REC_P_DIR
		       : 0;
}

__noinline int observe_paths(void)
{
	struct call *c = call_get();
	const volatile struct rec_spec *spec;

	if (!c)
		return 0;
	spec = spec_at(c->spec);
	for (int i = 0; i < REC_PATHS; i++) {
		__s8 dirfd = spec->path[i].dirfd, path = spec->path[i].path;
		__u32 access = spec->path[i].access;

		if (!access)
			break;
		observe_name(dirfd_at(c, dirfd), arg_at(c, path), access, directory_flag(c, spec));
	}
	return 0;
}

static __always_inline int observe_fd(struct call *c, __u32 fd, __u32 access)
{
	struct file *f = file_of_fd(fd);

	return f ? observe_file((__u64)f, access, 0, c->prog, c->phase) : 0;
}

#endif
