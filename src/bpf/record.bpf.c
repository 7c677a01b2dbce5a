/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Recording: what the threads of a process tree do. Every set lives in a map, so nothing that
 * decides a profile can be dropped by a full buffer; what does not fit into a map is counted in
 * `lost`.
 *
 * The cheap path is at the top of on_sys_enter: `todo` says, by ABI and number, whether any call
 * with this number can still teach something. The loader clears its entries as calls become known.
 */
#include "record.h"
#include "ktypes.h"

#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <linux/bpf.h>

/* Mirrors of enums of the model (rank 1 has no order among its folders); checked by the loader. */
enum { RUNTIME, SEALED, START, SERVING };
enum {
	K_PLAIN,
	K_OPEN,
	K_EXEC,
	K_MMAP,
	K_FD,
	K_FCNTL,
	K_BIND,
	K_LISTEN,
	K_CONNECT,
	K_SENDTO,
	K_SENDMSG,
	K_WAIT,
	K_CLONE3,
	K_SECCOMP,
};
enum { ANY_FILE, DIRECTORY, DIRECTORY_BY_FLAG };
enum { NET_LISTEN, NET_BIND, NET_CONNECT, NET_SEND };
#define F_READ	  (1 << 0)
#define F_WRITE	  (1 << 1)
#define F_APPEND  (1 << 2)
#define F_CREATE  (1 << 3)
#define F_EXEC	  (1 << 5)
#define F_MAP	  (1 << 6)
#define F_MISSING (1 << 10)
#define F_REFUSED (1 << 11)

#define AF_UNIX	      1
#define AF_INET	      2
#define AF_INET6      10
#define SOCK_DGRAM    2
#define S_IFMT	      0170000
#define S_IFDIR	      0040000
#define S_IFSOCK      0140000
#define O_ACCMODE     03
#define O_WRONLY      01
#define O_CREAT	      0100
#define O_TRUNC	      01000
#define O_APPEND      02000
#define O_PATH	      010000000
#define O_TMPFILE     020000000 /* without O_DIRECTORY */
#define PROT_EXEC     4
#define FMODE_CREATED 0x100000 /* include/linux/fs.h */
#define AT_FDCWD      -100
#define AT_REMOVEDIR  0x200
#define ENOENT	      2
#define EACCES	      13
#define EPERM	      1
#define ENOTDIR	      20
#define EROFS	      30
#define F_SETLK	      6
#define F_SETLKW      7
#define F_SETLK64     13
#define F_SETLKW64    14
#define F_OFD_SETLK   37
#define F_OFD_SETLKW  38
#define X32_BIT	      0x40000000
#define TS_COMPAT     2	 /* arch/x86/include/asm/thread_info.h */
#define TIF_32BIT     22 /* arch/arm64/include/asm/thread_info.h */
#define NO_NR	      0xffff

enum { CAP_STACKS = 64 };
enum { MAX_COMPONENTS = 64, NAME_BYTES = 256, SCRATCH = 2 * REC_PATH_MAX };

/* Set before load. */
const volatile struct rec_spec specs[REC_SPECS];
const volatile __u8 spec_of[REC_ABIS][REC_NRS];
const volatile char runtimes[REC_RUNTIMES][16];
const volatile __u8 watch_runtimes;
const volatile __u64 cgroup_id;		 /* 0: none */
const volatile __u8 has_result[REC_NRS]; /* native calls that open */

/* Shared with the loader through memory. */
__u8 seen[REC_PROGRAMS][REC_PHASES][REC_ABIS][REC_NRS];
__u8 todo[4][REC_ABIS][REC_NRS]; /* [0] is all ones; the loader prepares [1] and [2] in turn */
__u64 mode;			 /* low two bits: which todo; the rest counts changes */
__u32 slot_state[REC_SLOTS];
__u8 slot_phase[REC_SLOTS];
__u8 slot_listens[REC_SLOTS];
__u8 slot_command[REC_SLOTS]; /* begins with the first exec, not in another mount namespace */
__u8 slot_started[REC_SLOTS];
__u32 slot_filters[REC_SLOTS]; /* filters that the runtime had when it started */
__u32 slot_mnt_ns[REC_SLOTS];  /* mount namespace of the runtime itself */
__u32 slot_live[REC_SLOTS];
__u32 prog_used[REC_PROGRAMS];
__u8 prog_slot[REC_PROGRAMS];
__u32 prog_live[REC_PROGRAMS];	    /* threads */
__u8 prog_generation[REC_PROGRAMS]; /* counts how often an id was given to another program */
__u64 path_tags[REC_TAGS];	    /* files that were handed over; see path_known() */
__u32 paths_n;			    /* entries of the ring of paths, ever */
__u32 files_n;			    /* entries of the two file maps */
__u32 runtime_tasks;
__u32 cgroup_slot;
__u8 at_exit;  /* native opens are read when the call returns, else by name when it begins */
__u64 opens_n; /* native opens of followed threads */
__u64 lost[REC_LOST_COUNT];

struct tids_chunk {
	__u16 word[REC_TIDS_CHUNK];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set by the loader from pid_max */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct tids_chunk);
} tids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_call);
	__type(value, __u8);
} calls SEC(".maps");

/* Paths on their way to the loader; what does not fit into the ring goes into the maps below. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} paths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_file_key);
	__type(value, struct rec_path);
} files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_file_key);
	__type(value, struct rec_path_entry);
} files_long SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_net);
	__type(value, __u8);
} nets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_unix);
	__type(value, __u8);
} unixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_cap);
	__type(value, __u64);
} caps SEC(".maps");

/* How often a capability was checked in a call, whoever in the kernel asked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_cap);
	__type(value, __u32);
} cap_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1024);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, REC_STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_edge);
	__type(value, __u8);
} edges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REC_PROGRAMS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_program);
	__type(value, __u8);
} programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* A path is put together here: the directory grows down from the middle, the name up from it. */
struct scratch {
	char text[SCRATCH + NAME_BYTES];
	__u32 off; /* kept in memory: a range that the verifier forgets lets it prune the loop */
	/* The folder whose path stands in the lower half of `text`; `folder` 0: none. */
	struct {
		__u64 folder, name, above, mnt, root;
		__u32 from;
	} dir;
	struct rec_path small;
	struct rec_path_entry entry;
	struct rec_unix unix_name;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* One system call in the hands of the observers. */
struct call {
	__u64 a[6];
	__u32 word;
	__u16 nr;
	__u8 abi, phase, prog, slot;
	__u8 spec;
};

/*
 * Results of bpf_map_update_elem() are kept in an int: before Linux 6.4 only the lower half of an
 * error is set.
 */
static __always_inline void count_lost(enum rec_lost what)
{
	__sync_fetch_and_add(&lost[what], 1);
}

/* Something new may be learned from calls that were known: look at every call again. */
static __always_inline void look_again(void)
{
	mode = (mode & ~3ULL) + 4;
}

static __always_inline __u16 *word_of(__u32 tid)
{
	__u32 chunk = tid / REC_TIDS_CHUNK;
	struct tids_chunk *c = bpf_map_lookup_elem(&tids, &chunk);

	return c ? &c->word[tid % REC_TIDS_CHUNK] : NULL;
}

/*
 * The smaller one, compared where the value is used: the verifier of Linux 6.1 does not carry what
 * it learned from a comparison over to a copy of 32 bits, which the compiler likes to make.
 */
static __always_inline __u64 at_most(__u64 value, __u64 max)
{
	asm volatile("" : "+r"(value));
	if (value > max)
		value = max;
	return value;
}

static __always_inline struct scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

static __always_inline __u32 abi_of(struct task_struct *task, __u64 *nr)
{
#if defined(__TARGET_ARCH_x86)
	if (task->thread_info.status & TS_COMPAT)
		return 1;
	if (*nr != ~0ULL && *nr & X32_BIT) {
		*nr &= ~(__u64)X32_BIT;
		return 2;
	}
	return 0;
#else
	return task->thread_info.flags >> TIF_32BIT & 1;
#endif
}

/*
 * Whether a call surely came by the 64-bit SYSCALL instruction, which leaves its return address in
 * rcx and the flags in r11 (Intel SDM, SYSCALL). Cheaper than asking for the task; "no" means: ask.
 */
static __always_inline bool surely_native(struct pt_regs *regs, __u64 nr)
{
#if defined(__TARGET_ARCH_x86)
	return regs->cx == regs->ip && regs->r11 == regs->flags && nr < REC_NRS;
#else
	return false;
#endif
}

static __always_inline __u8 phase_of(struct task_struct *task, __u32 word)
{
	__u32 slot = REC_W_SLOT(word);

	if (!(word & REC_W_RUNTIME))
		return slot_phase[slot] == SERVING ? SERVING : START;
	return (__u32)task->seccomp.filter_count.counter > slot_filters[slot] ? SEALED : RUNTIME;
}

/* ---- paths ------------------------------------------------------------------------------------
 */

/*
 * What a walk needs of a dentry, read at once: the members d_parent, d_name and d_inode lie close
 * together in every kernel (include/linux/dcache.h); the distances come from its BTF.
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
 * per caller (global functions); kernel pointers come as numbers, since such functions take no
 * others.
 */

/*
 * Writes the path of (mnt, dentry), up to the root of the current task, into the scratch text so
 * that it ends at REC_PATH_MAX. Returns where it begins, and REC_P_* flags in the upper half.
 */
__noinline __u32 walk_path(__u64 mnt_ptr, __u64 dentry_ptr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dentry *root = BPF_CORE_READ(task, fs, root.dentry);
	struct vfsmount *root_mnt = BPF_CORE_READ(task, fs, root.mnt);
	struct vfsmount *mnt = (void *)mnt_ptr;
	struct dentry *mnt_root = BPF_CORE_READ(mnt, mnt_root);
	struct dentry *d = (void *)dentry_ptr;
	struct scratch *s = scratch_get();
	__u32 flag = REC_P_TRUNCATED << 16;

	if (!s)
		return REC_PATH_MAX | REC_P_DETACHED << 16;
	s->off = REC_PATH_MAX;
	s->dir.folder = 0;
	for (int i = 0; i < MAX_COMPONENTS; i++) {
		struct link l;
		__u32 len, off;

		if (d == root && mnt == root_mnt) {
			flag = 0;
			break;
		}
		read_link(d, &l);
		if (d == mnt_root || l.parent == d) {
			struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
			struct mount *up = BPF_CORE_READ(m, mnt_parent);

			if (up == m || d != mnt_root)
				flag = REC_P_DETACHED << 16;
			if (up == m)
				break;
			if (d == mnt_root) {
				d = BPF_CORE_READ(m, mnt_mountpoint);
				mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
				mnt_root = BPF_CORE_READ(mnt, mnt_root);
				continue;
			}
		}
		len = l.hash_len >> 32 & (NAME_BYTES - 1);
		off = s->off;
		if (off > REC_PATH_MAX || off < len + 1)
			break;
		off -= len;
		bpf_probe_read_kernel(&s->text[off & (SCRATCH - 1)], len, l.name);
		off -= 1;
		s->text[off & (SCRATCH - 1)] = '/';
		s->off = off;
		if (l.parent == d)
			break; /* a file without a folder, as of memfd_create(2) */
		d = l.parent;
	}
	return s->off | flag;
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
static __always_inline long store_in_map(struct scratch *s, const struct rec_file_key *k, __u32 len)
{
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

/* Hands over text[from … REC_PATH_MAX + name_len) under the key. */
__noinline int store_path(const struct rec_file_key *key, __u32 from, __u32 name_len, __u32 flags)
{
	const __u32 head = sizeof(struct rec_path_entry) -
			   sizeof(((struct rec_path_entry *)0)->text);
	struct scratch *s = scratch_get();
	struct rec_file_key k;
	__u64 wake, tag;
	__u32 len;

	if (!s || !key || from > REC_PATH_MAX || name_len > REC_PATH_MAX)
		return 0;
	k = *key; /* Linux 6.1 takes no argument of a global function as a key */
	len = REC_PATH_MAX - from + name_len;
	if (len > REC_PATH_MAX * 2 - 1)
		return 0;
	s->entry.key = k;
	s->entry.len = len;
	s->entry.base = REC_PATH_MAX - from;
	s->entry.flags = flags;
	bpf_probe_read_kernel(s->entry.text, len, &s->text[from]);
	/* The loader looks every 50 ms; it is woken when a flood of new paths comes before. */
	wake = __sync_fetch_and_add(&paths_n, 1) % 1024 ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&paths, &s->entry, head + len, wake) && store_in_map(s, &k, len)) {
		count_lost(REC_LOST_FILES);
		return 0;
	}
	tag = path_tag(&k);
	path_tags[tag >> 32 & (REC_TAGS - 1)] = tag;
	return 0;
}

/* The file that is open in the current task as `fd`, or NULL. */
static __always_inline struct file *file_of_fd(__u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *fdt = task->files ? task->files->fdt : NULL;
	struct file *f = NULL;

	if (!fdt || fd >= fdt->max_fds)
		return NULL;
	bpf_probe_read_kernel(&f, sizeof(f), fdt->fd + fd);
	return f;
}

/*
 * The path of a file: that of its folder, which is often the one of the file before, and its name.
 * Leaves it in text[from … REC_PATH_MAX + *name_len); returns `from`, REC_P_* in the upper half.
 */
static __always_inline __u32 folder_and_name(struct scratch *s, struct dentry *d,
					     struct vfsmount *mnt, __u32 *name_len)
{
	struct task_struct *task = bpf_get_current_task_btf();
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
	len = own.hash_len >> 32 & (NAME_BYTES - 1);
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
	return store_path(&k, from & 0xffff, name_len, flags | from >> 16);
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

/* A path by name: the text as the caller gave it, behind the directory that it starts from. */
__noinline int observe_name(struct call *c, int dirfd, __u64 name, __u32 access, __u32 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct rec_file_key k = { .access = access };
	struct scratch *s = scratch_get();
	struct vfsmount *mnt = NULL;
	struct dentry *dir = NULL;
	__u32 from = REC_PATH_MAX;
	long n;

	if (!s || !c)
		return 0;
	k.prog = c->prog;
	k.phase = c->phase;
	n = bpf_probe_read_user_str(&s->text[REC_PATH_MAX], REC_PATH_MAX, (void *)name);
	if (n <= 0)
		return 0; /* the kernel will answer EFAULT: nothing is opened */
	n -= 1;
	if (n == 0)
		return 0;
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
	return store_path(&k, from & 0xffff, n, flags | REC_P_NAME | from >> 16);
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

__noinline int observe_open_result(struct call *c, long ret)
{
	const volatile struct rec_spec *spec;
	__u32 access;

	if (!c)
		return 0;
	spec = spec_at(c->spec);
	access = open_access(open_flags(c, spec));
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
	return observe_name(c, dirfd_at(c, spec->path[0].dirfd), arg_at(c, spec->path[0].path),
			    access, 0);
}

static __always_inline __u32 directory_flag(const struct call *c,
					    const volatile struct rec_spec *spec)
{
	return spec->directory == DIRECTORY ||
			       (spec->directory == DIRECTORY_BY_FLAG && c->a[2] & AT_REMOVEDIR)
		       ? REC_P_DIR
		       : 0;
}

__noinline int observe_paths(struct call *c)
{
	const volatile struct rec_spec *spec;

	if (!c)
		return 0;
	spec = spec_at(c->spec);
	for (int i = 0; i < REC_PATHS; i++) {
		__s8 dirfd = spec->path[i].dirfd, path = spec->path[i].path;
		__u32 access = spec->path[i].access;

		if (!access)
			break;
		observe_name(c, dirfd_at(c, dirfd), arg_at(c, path), access,
			     directory_flag(c, spec));
	}
	return 0;
}

static __always_inline int observe_fd(struct call *c, __u32 fd, __u32 access)
{
	struct file *f = file_of_fd(fd);

	return f ? observe_file((__u64)f, access, 0, c->prog, c->phase) : 0;
}

/* ---- argument values --------------------------------------------------------------------------
 */

__noinline int observe_args(struct call *c)
{
	const volatile struct rec_spec *spec;
	struct rec_call k = {};
	__u8 one = 1;
	int r;

	if (!c)
		return 0;
	spec = spec_at(c->spec);
	k.prog = c->prog;
	k.phase = c->phase;
	k.abi = c->abi;
	k.nr = c->nr;
	k.n = spec->args_n;
	k.spec = c->spec;
	if (spec->kind == K_CLONE3) {
		__u64 flags = 0;

		if (bpf_probe_read_user(&flags, sizeof(flags), (void *)c->a[0]))
			return 0; /* EFAULT: nothing is cloned */
		k.value[0] = flags;
	} else {
		for (int i = 0; i < REC_ARGS; i++)
			if (i < k.n)
				k.value[i] = arg_at(c, spec->arg[i]) & spec->mask[i];
	}
	if (bpf_map_lookup_elem(&calls, &k))
		return 0;
	r = bpf_map_update_elem(&calls, &k, &one, BPF_NOEXIST);
	if (r && r != -17)
		count_lost(REC_LOST_ARGS);
	return 0;
}

/* ---- network ----------------------------------------------------------------------------------
 */

static __always_inline struct socket *socket_of_fd(__u32 fd)
{
	struct file *f = file_of_fd(fd);

	if (!f || (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return BPF_CORE_READ(f, private_data);
}

static __always_inline void store_net(const struct rec_net *k)
{
	__u8 one = 1;
	int r;

	if (bpf_map_lookup_elem(&nets, k))
		return;
	r = bpf_map_update_elem(&nets, k, &one, BPF_NOEXIST);
	if (r && r != -17)
		count_lost(REC_LOST_NET);
}

static __always_inline int observe_unix(struct call *c, __u8 op, __u16 type, __u64 addr, __u32 len)
{
	struct scratch *s = scratch_get();
	__u8 one = 1;
	int r;

	if (!s || len <= 2 || len > 110)
		return 0;
	__builtin_memset(&s->unix_name, 0, sizeof(s->unix_name));
	s->unix_name.prog = c->prog;
	s->unix_name.phase = c->phase;
	s->unix_name.op = op;
	s->unix_name.type = type;
	len -= 2;
	s->unix_name.len = len;
	if (bpf_probe_read_user(s->unix_name.name, at_most(len, sizeof(s->unix_name.name)),
				(void *)(addr + 2)))
		return 0;
	if (bpf_map_lookup_elem(&unixes, &s->unix_name))
		return 0;
	r = bpf_map_update_elem(&unixes, &s->unix_name, &one, BPF_NOEXIST);
	if (r && r != -17)
		count_lost(REC_LOST_NET);
	return 0;
}

/* A call with a socket address in user memory. */
__noinline int observe_address(struct call *c, __u32 fd, __u8 op, __u64 addr, __u32 len)
{
	struct rec_net k = { .op = op };
	struct socket *sock = socket_of_fd(fd);
	struct {
		__u16 family, port;
		__u32 v4;
		__u8 v6[16];
		__u32 scope;
	} sa = { 0 };

	if (!c || !sock || !addr || len < 2)
		return 0;
	k.prog = c->prog;
	k.phase = c->phase;
	if (bpf_probe_read_user(&sa, at_most(len, sizeof(sa)), (void *)addr))
		return 0;
	k.family = sa.family;
	k.type = BPF_CORE_READ(sock, type);
	k.protocol = BPF_CORE_READ(sock, sk, sk_protocol);
	if (sa.family == AF_UNIX)
		return observe_unix(c, op, k.type, addr, len);
	if (sa.family == AF_INET) {
		k.port = bpf_ntohs(sa.port);
		__builtin_memcpy(k.addr, &sa.v4, 4);
	} else if (sa.family == AF_INET6) {
		k.port = bpf_ntohs(sa.port);
		__builtin_memcpy(k.addr, sa.v6, 16);
	}
	if (op == NET_BIND && k.type == SOCK_DGRAM &&
	    (sa.family == AF_INET || sa.family == AF_INET6))
		slot_listens[c->slot & (REC_SLOTS - 1)] = 1;
	store_net(&k);
	return 0;
}

__noinline int observe_listen(struct call *c)
{
	struct rec_net k = { .op = NET_LISTEN };
	struct socket *sock;
	struct sock *sk;

	if (!c)
		return 0;
	sock = socket_of_fd(c->a[0]);
	if (!sock)
		return 0;
	k.prog = c->prog;
	k.phase = c->phase;
	slot_listens[c->slot & (REC_SLOTS - 1)] = 1;
	sk = BPF_CORE_READ(sock, sk);
	k.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	k.type = BPF_CORE_READ(sock, type);
	k.protocol = BPF_CORE_READ(sk, sk_protocol);
	if (k.family == AF_UNIX)
		return 0; /* its name is in the bind */
	k.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (k.family == AF_INET)
		bpf_probe_read_kernel(
			k.addr, 4, __builtin_preserve_access_index(&sk->__sk_common.skc_rcv_saddr));
	else if (k.family == AF_INET6)
		bpf_probe_read_kernel(
			k.addr, 16,
			__builtin_preserve_access_index(&sk->__sk_common.skc_v6_rcv_saddr));
	store_net(&k);
	return 0;
}

__noinline int observe_sendmsg(struct call *c)
{
	__u64 name = 0;
	__u32 len = 0;

	if (!c)
		return 0;
	if (c->abi == 0) { /* struct user_msghdr: pointer, int */
		bpf_probe_read_user(&name, 8, (void *)c->a[1]);
		bpf_probe_read_user(&len, 4, (void *)(c->a[1] + 8));
	} else {
		bpf_probe_read_user(&name, 4, (void *)c->a[1]);
		bpf_probe_read_user(&len, 4, (void *)(c->a[1] + 4));
	}
	return name ? observe_address(c, c->a[0], NET_SEND, name, len) : 0;
}

/* ---- system calls -----------------------------------------------------------------------------
 */

static __always_inline bool is_lock_command(__u32 cmd)
{
	return cmd == F_SETLK || cmd == F_SETLKW || cmd == F_SETLK64 || cmd == F_SETLKW64 ||
	       cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
}

static __always_inline void begin_serving(struct call *c)
{
	__u32 slot = c->slot & (REC_SLOTS - 1);

	if (c->phase != START || !slot_listens[slot])
		return;
	slot_phase[slot] = SERVING;
	look_again();
	c->phase = SERVING;
}

__noinline int observe_call(struct call *c)
{
	const volatile struct rec_spec *spec;

	if (!c)
		return 0;
	spec = spec_at(c->spec);
	if (spec->args_n)
		observe_args(c);
	switch (spec->kind) {
	case K_OPEN:
		__sync_fetch_and_add(&opens_n, 1);
		return observe_name(c, dirfd_at(c, spec->path[0].dirfd),
				    arg_at(c, spec->path[0].path),
				    access_asked(open_flags(c, spec)), 0);
	case K_PLAIN:
	case K_EXEC:
		return observe_paths(c);
	case K_MMAP:
		if (c->a[2] & PROT_EXEC && (int)c->a[4] >= 0)
			observe_fd(c, c->a[4], F_MAP);
		return 0;
	case K_FCNTL:
		if (!is_lock_command(c->a[1]))
			return 0;
		/* fall through */
	case K_FD:
		return observe_fd(c, c->a[0], spec->path[0].access);
	case K_BIND:
		return observe_address(c, c->a[0], NET_BIND, c->a[1], c->a[2]);
	case K_CONNECT:
		return observe_address(c, c->a[0], NET_CONNECT, c->a[1], c->a[2]);
	case K_SENDTO:
		return c->a[4] ? observe_address(c, c->a[0], NET_SEND, c->a[4], c->a[5]) : 0;
	case K_SENDMSG:
		return observe_sendmsg(c);
	case K_LISTEN:
		return observe_listen(c);
	}
	return 0;
}

static __always_inline void read_args(struct call *c, struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	if (c->abi == 1) {
		c->a[0] = (__u32)BPF_CORE_READ(regs, bx);
		c->a[1] = (__u32)BPF_CORE_READ(regs, cx);
		c->a[2] = (__u32)BPF_CORE_READ(regs, dx);
		c->a[3] = (__u32)BPF_CORE_READ(regs, si);
		c->a[4] = (__u32)BPF_CORE_READ(regs, di);
		c->a[5] = (__u32)BPF_CORE_READ(regs, bp);
		return;
	}
	c->a[0] = BPF_CORE_READ(regs, di);
	c->a[1] = BPF_CORE_READ(regs, si);
	c->a[2] = BPF_CORE_READ(regs, dx);
	c->a[3] = BPF_CORE_READ(regs, r10);
	c->a[4] = BPF_CORE_READ(regs, r8);
	c->a[5] = BPF_CORE_READ(regs, r9);
#else
	bpf_probe_read_kernel(c->a, sizeof(c->a), __builtin_preserve_access_index(&regs->regs[0]));
	c->a[0] = BPF_CORE_READ(regs, orig_x0);
#endif
}

/* A thread of a dropped slot is no longer followed. */
static __always_inline void forget(__u16 *word, __u32 w)
{
	*word = 0;
	__sync_fetch_and_add(&prog_live[REC_W_PROG(w)], -1);
	if (w & REC_W_RUNTIME)
		__sync_fetch_and_add(&runtime_tasks, -1);
}

/* Fills the call for a followed thread; false when the thread is not followed (any more). */
static __always_inline bool call_begin(struct call *c, struct task_struct *task)
{
	__u16 *word = word_of(task->pid);
	__u32 w;

	if (!word || !*word)
		return false;
	w = *word;
	if (slot_state[REC_W_SLOT(w)] == REC_DROPPED) {
		forget(word, w);
		return false;
	}
	c->word = w;
	c->slot = REC_W_SLOT(w);
	c->prog = REC_W_PROG(w);
	c->phase = phase_of(task, w);
	return true;
}

/* A number beyond the tables; -1 is a call that a tracer or filter skipped. */
static __always_inline int odd_number(struct task_struct *task, __u64 nr)
{
	struct call c = {};

	if ((__u32)nr != ~0u && call_begin(&c, task))
		count_lost(REC_LOST_CALLS);
	return 0;
}

/* Whether calls of this kind have more to tell than their number. */
static __always_inline bool tells_more(const struct call *c)
{
	__u8 kind = spec_at(c->spec)->kind;

	if (!c->spec || c->word & REC_W_RUNTIME)
		return false;
	if (kind == K_WAIT)
		return c->phase != SERVING;
	return kind != K_OPEN || c->abi || !at_exit;
}

static __always_inline int observe(struct task_struct *task, __u32 abi, __u32 nr,
				   struct pt_regs *regs)
{
	struct call c = {};
	bool more;

	if (!call_begin(&c, task))
		return 0;
	c.abi = abi;
	c.nr = nr;
	c.spec = spec_of[abi][nr];
	if (spec_at(c.spec)->kind == K_WAIT)
		begin_serving(&c);
	more = tells_more(&c);
	seen[c.prog][c.phase & (REC_PHASES - 1)][abi][nr] = more ? REC_SEEN : REC_SEEN_ALL;
	/* What the runtime opens or maps before the program runs is no part of a profile. */
	if (!more)
		return 0;
	read_args(&c, regs);
	return observe_call(&c);
}

SEC("tp_btf/sys_enter")
int on_sys_enter(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	struct task_struct *task;
	__u64 nr = ctx[1];
	__u16 *word;
	__u32 abi, w;
	__u8 *known;

	if (surely_native(regs, nr) && !todo[mode & 3][0][nr])
		return 0;
	task = bpf_get_current_task_btf();
	abi = abi_of(task, &nr);
	if (nr >= REC_NRS)
		return odd_number(task, nr);
	if (!todo[mode & 3][abi][nr])
		return 0;
	word = word_of(task->pid);
	if (!word || !*word)
		return 0;
	w = *word;
	if (!(w & REC_W_RUNTIME)) {
		known = &seen[REC_W_PROG(w)][slot_phase[REC_W_SLOT(w)] & (REC_PHASES - 1)][abi][nr];
		if (*known == REC_SEEN_ALL)
			return 0;
	}
	return observe(task, abi, nr, regs);
}

static __always_inline int call_returned(struct task_struct *task, struct pt_regs *regs, __u64 nr,
					 long ret)
{
	struct call c = {};

	if (!at_exit || nr >= REC_NRS || abi_of(task, &nr) != 0 || nr >= REC_NRS ||
	    !call_begin(&c, task) || c.word & REC_W_RUNTIME)
		return 0;
	__sync_fetch_and_add(&opens_n, 1);
	c.nr = nr;
	c.spec = spec_of[0][at_most(nr, REC_NRS - 1)];
	if (!c.spec)
		return 0;
	read_args(&c, regs);
	return observe_open_result(&c, ret);
}

/* syscalls:sys_exit_NAME (per call, so that other calls do not pay); fields of its format file. */
struct exit_ctx {
	__u64 common;
	__s32 nr;
	__s64 ret;
};

SEC("tp")
int on_exit_call(struct exit_ctx *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return call_returned(task, (struct pt_regs *)bpf_task_pt_regs(task), ctx->nr, ctx->ret);
}

/* The same where tracefs does not offer per-call events. */
SEC("tp_btf/sys_exit")
int on_sys_exit(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
#if defined(__TARGET_ARCH_x86)
	__u64 nr = regs->orig_ax;
#else
	__u64 nr = regs->regs[8];
#endif
	if (nr >= REC_NRS || !has_result[nr])
		return 0;
	return call_returned(bpf_get_current_task_btf(), regs, nr, ctx[1]);
}

/* ---- capabilities -----------------------------------------------------------------------------
 */

static __always_inline __u16 current_nr(struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
#if defined(__TARGET_ARCH_x86)
	__s64 nr = BPF_CORE_READ(regs, orig_ax);

	nr &= ~(__s64)X32_BIT;
#else
	__s64 nr = BPF_CORE_READ(regs, regs[8]);
#endif
	return nr >= 0 && nr < REC_NRS ? nr : NO_NR;
}

/*
 * overlayfs and its like do their own work with the rights of whoever mounted the file system: the
 * capabilities checked then are not the program's. access(2) changes its rights too, but to a copy
 * with the same bounding set.
 */
static __always_inline bool borrowed_cred(struct task_struct *task, const struct cred *cred)
{
	const struct cred *own = BPF_CORE_READ(task, real_cred);
	__u64 used_bits = 0, own_bits = 0;

	if (cred == own)
		return false;
	bpf_probe_read_kernel(&used_bits, sizeof(used_bits), &cred->cap_bset);
	bpf_probe_read_kernel(&own_bits, sizeof(own_bits), &own->cap_bset);
	return used_bits != own_bits;
}

static __always_inline int observe_cap(void *ctx, const struct cred *cred, __u32 cap, int granted,
				       bool known, bool speculative)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct rec_cap k = {};
	struct call c = {};
	__u64 one = 1, *n, nr = 0;
	__u32 first = 1, *count;
	int r;

	if (!call_begin(&c, task) || borrowed_cred(task, cred))
		return 0;
	k.prog = c.prog;
	k.phase = c.phase;
	k.cap = cap;
	k.granted = granted;
	k.abi = abi_of(task, &nr);
	k.nr = current_nr(task);
	k.known = known;
	k.speculative = speculative;
	/*
	 * Who asked costs a walk over the stack. Checks that come with every page (memory
	 * overcommit) are walked the first times, then now and then.
	 */
	count = bpf_map_lookup_elem(&cap_counts, &k);
	if (!count)
		bpf_map_update_elem(&cap_counts, &k, &first, BPF_ANY);
	else if (++*count > CAP_STACKS && *count % CAP_STACKS)
		return 0;
	k.stack = bpf_get_stackid(ctx, &stacks, 0);
	n = bpf_map_lookup_elem(&caps, &k);
	if (n) {
		__sync_fetch_and_add(n, 1);
		return 0;
	}
	r = bpf_map_update_elem(&caps, &k, &one, BPF_NOEXIST);
	if (r && r != -17)
		count_lost(REC_LOST_CAPS);
	return 0;
}

/* capability:cap_capable, Linux 6.14: cred, target_ns, capable_ns, cap, ret */
SEC("tp_btf/cap_capable")
int on_cap_capable(__u64 *ctx)
{
	return observe_cap(ctx, (const struct cred *)ctx[0], ctx[3], (int)ctx[4] == 0, false,
			   false);
}

/* Before 6.14: cap_capable(cred, targ_ns, cap, opts) itself; opts bit 1 is CAP_OPT_NOAUDIT. */
SEC("fexit/cap_capable")
int BPF_PROG(after_cap_capable, void *cred, void *ns, int cap, unsigned int opts, int ret)
{
	return observe_cap(ctx, cred, cap, ret == 0, true, opts & 2);
}

/* ---- processes --------------------------------------------------------------------------------
 */

static __always_inline struct rec_event *event_get(__u32 kind, __u32 slot, struct task_struct *task,
						   __u32 prog)
{
	struct rec_event *ev = bpf_ringbuf_reserve(&events, sizeof(*ev), 0);

	if (!ev) {
		count_lost(REC_LOST_EVENTS);
		return NULL;
	}
	ev->kind = kind;
	ev->slot = slot;
	ev->pid = task->tgid;
	ev->prog = prog;
	ev->started = slot_started[slot & (REC_SLOTS - 1)];
	ev->argv_len = 0;
	return ev;
}

static __always_inline void live_add(__u32 slot, __u32 word)
{
	__sync_fetch_and_add(&slot_live[slot & (REC_SLOTS - 1)], 1);
	__sync_fetch_and_add(&prog_live[REC_W_PROG(word)], 1);
	if (word & REC_W_RUNTIME)
		__sync_fetch_and_add(&runtime_tasks, 1);
}

SEC("tp_btf/sched_process_fork")
int on_fork(__u64 *ctx)
{
	struct task_struct *parent = (void *)ctx[0], *child = (void *)ctx[1];
	__u16 *from = word_of(parent->pid), *to;
	__u32 w;

	if (!from || !*from)
		return 0;
	w = *from;
	to = word_of(child->pid);
	if (!to) {
		count_lost(REC_LOST_TASKS);
		return 0;
	}
	*to = w;
	live_add(REC_W_SLOT(w), w);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int on_exit(__u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u16 *word = word_of(task->pid);
	struct rec_event *ev;
	__u32 w, slot;

	if (!word || !*word)
		return 0;
	w = *word;
	*word = 0;
	slot = REC_W_SLOT(w);
	__sync_fetch_and_add(&prog_live[REC_W_PROG(w)], -1);
	if (w & REC_W_RUNTIME)
		__sync_fetch_and_add(&runtime_tasks, -1);
	if (__sync_fetch_and_add(&slot_live[slot], -1) != 1)
		return 0;
	ev = event_get(REC_EV_GONE, slot, task, REC_W_PROG(w));
	if (ev)
		bpf_ringbuf_submit(ev, 0);
	return 0;
}

/* The id of an executable in a slot; a new one is marked in *fresh. 0 when there are too many. */
__noinline __u32 program_id(__u64 file, __u32 slot, __u32 *fresh)
{
	struct file *f = (void *)file;
	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
	struct rec_program k = { .slot = slot };
	__u32 id = 0;
	__u8 *old, id8;

	if (!fresh)
		return 0;
	k.ino = BPF_CORE_READ(d, d_inode, i_ino);
	k.dev = BPF_CORE_READ(d, d_inode, i_sb, s_dev);
	old = bpf_map_lookup_elem(&programs, &k);
	if (old)
		return *old;
	for (int i = 1; i < REC_PROGRAMS; i++) {
		if (__sync_val_compare_and_swap(&prog_used[i], 0, 1) == 0) {
			id = i;
			break;
		}
	}
	if (!id) {
		count_lost(REC_LOST_PROGRAMS);
		return 0;
	}
	id8 = id;
	prog_slot[id & (REC_PROGRAMS - 1)] = slot;
	bpf_map_update_elem(&programs, &k, &id8, BPF_ANY);
	*fresh = 1;
	return id;
}

static __always_inline bool is_runtime(struct task_struct *task)
{
	for (int i = 0; i < REC_RUNTIMES; i++) {
		bool same = runtimes[i][0] != 0;

		for (int j = 0; j < 16 && same; j++) {
			same = runtimes[i][j] == task->comm[j];
			if (!task->comm[j])
				break;
		}
		if (same)
			return true;
	}
	return false;
}

/* A container runtime begins: a slot for what it may start, until the loader knows what it is. */
__noinline int runtime_begins(__u64 bprm_ptr)
{
	struct linux_binprm *bprm = (void *)bprm_ptr;
	struct task_struct *task = bpf_get_current_task_btf();
	__u16 *word = word_of(task->pid);
	unsigned long from = BPF_CORE_READ(task, mm, arg_start);
	unsigned long len = BPF_CORE_READ(task, mm, arg_end) - from;
	struct rec_event *ev;
	__u32 slot = 0, fresh = 0, prog;

	if (!word)
		return 0;
	for (int i = 1; i < REC_SLOTS; i++) {
		if (__sync_val_compare_and_swap(&slot_state[i], REC_FREE, REC_CANDIDATE) ==
		    REC_FREE) {
			slot = i;
			break;
		}
	}
	if (!slot) {
		count_lost(REC_LOST_TASKS);
		return 0;
	}
	slot_phase[slot] = START;
	slot_listens[slot] = 0;
	slot_started[slot] = 0;
	slot_command[slot] = 0;
	slot_live[slot] = 0;
	slot_filters[slot] = task->seccomp.filter_count.counter;
	slot_mnt_ns[slot] = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	prog = program_id((__u64)BPF_CORE_READ(bprm, file), 0, &fresh);
	look_again();
	*word = REC_W(slot, prog) | REC_W_RUNTIME;
	live_add(slot, *word);
	ev = event_get(REC_EV_RUNTIME, slot, task, prog);
	if (!ev)
		return 0;
	if (len > REC_ARGV - 1)
		len = REC_ARGV - 1;
	if (!bpf_probe_read_user(ev->argv, len & (REC_ARGV - 1), (void *)from))
		ev->argv_len = len & (REC_ARGV - 1);
	bpf_ringbuf_submit(ev, 0);
	return 0;
}

/* A followed thread executed a program. */
__noinline int program_begins(__u64 bprm_ptr, __u32 w)
{
	struct linux_binprm *bprm = (void *)bprm_ptr;
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 slot = REC_W_SLOT(w), fresh = 0, id;
	struct rec_edge edge = { .parent = REC_W_PROG(w) };
	__u16 *word = word_of(task->pid);
	__u64 f;
	__u8 one = 1;

	if (!word)
		return 0;
	if (w & REC_W_RUNTIME && !slot_command[slot] &&
	    BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) == slot_mnt_ns[slot]) {
		*word = w; /* the runtime executes itself or a helper outside of the container */
		return 0;
	}
	f = (__u64)BPF_CORE_READ(bprm, file);
	id = program_id(f, slot, &fresh);
	edge.child = id;
	if (w & REC_W_RUNTIME) {
		__sync_fetch_and_add(&runtime_tasks, -1);
		edge.parent = 0;
	}
	*word = REC_W(slot, id);
	__sync_fetch_and_add(&prog_live[REC_W_PROG(w)], -1);
	if (__sync_fetch_and_add(&prog_live[id & (REC_PROGRAMS - 1)], 1) == 0)
		look_again();
	bpf_map_update_elem(&edges, &edge, &one, BPF_ANY);
	observe_file(f, F_EXEC | F_READ | F_MAP, REC_P_PROGRAM, id,
		     slot_phase[slot] == SERVING ? SERVING : START);
	if (!slot_started[slot]) {
		struct rec_event *ev;

		slot_started[slot] = 1;
		ev = event_get(REC_EV_STARTED, slot, task, id);
		if (ev)
			bpf_ringbuf_submit(ev, 0);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int on_exec(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	__u32 old_tid = ctx[1];
	__u64 bprm = 0;
	__u16 *word = word_of(old_tid);
	__u32 w = word ? *word : 0;

	if (w && slot_state[REC_W_SLOT(w)] == REC_DROPPED) {
		forget(word, w);
		w = 0;
	}
	/* As a number: global functions take no kernel pointers. */
	bpf_probe_read_kernel(&bprm, sizeof(bprm), &ctx[2]);
	if (!w)
		return watch_runtimes && is_runtime(task) ? runtime_begins(bprm) : 0;
	/* A thread that executes takes the id of its group (execve(2)). */
	if (old_tid != (__u32)task->pid)
		*word = 0;
	return program_begins(bprm, w);
}

static __always_inline bool below_cgroup(struct cgroup *cgrp)
{
	enum { MAX_DEPTH = 16 };

	for (int i = 0; i < MAX_DEPTH && cgrp; i++) {
		if (BPF_CORE_READ(cgrp, kn, id) == cgroup_id)
			return true;
		cgrp = (struct cgroup *)BPF_CORE_READ(cgrp, self.parent);
	}
	return false;
}

/* cgroup:cgroup_attach_task: dst_cgrp, path, task, threadgroup */
SEC("tp_btf/cgroup_attach_task")
int on_cgroup_attach(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[2];
	__u16 *word = word_of(task->pid);
	__u32 slot = cgroup_slot, fresh = 0, prog;
	struct rec_event *ev;

	if (!slot || !word || *word || !below_cgroup((struct cgroup *)ctx[0]))
		return 0;
	prog = program_id((__u64)BPF_CORE_READ(task, mm, exe_file), slot, &fresh);
	*word = REC_W(slot, prog);
	live_add(slot, *word);
	look_again();
	ev = event_get(REC_EV_JOINED, slot, task, prog);
	if (ev)
		bpf_ringbuf_submit(ev, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
