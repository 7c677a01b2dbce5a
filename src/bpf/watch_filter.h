/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Watching: whether a call that returned is worth a record. What decides cheaply comes first:
 * result and flags, who calls, the ends of a connection, at last the name and the file's place.
 *
 * Conditions are computed without branches, because the verifier follows each of them both ways.
 */
#ifndef BPF_WATCH_FILTER_H
#define BPF_WATCH_FILTER_H

#include "watch_parts.h"

#define GROUPS_MASK ((1u << WATCH_GROUPS) - 1)
#define RAW_BITS    ((__u64)GROUPS_MASK << WATCH_S_RAW * WATCH_GROUPS | WATCH_DOUBLED)

/* Set before load. */
const volatile struct watch_spec specs[WATCH_SPECS];

/* Shared with the loader through memory. */
struct watch_clause clauses[WATCH_SPECS][WATCH_CLAUSES];
struct watch_texts texts;

enum { RAW_AT = WALK_MAX + 1 }; /* behind a base and a slash */

/* 1 when x is not 0. */
static __always_inline __u64 nonzero(__u64 x)
{
	__u64 n = -x;

	asm volatile("" : "+r"(n));
	return (x | n) >> 63;
}

/* The bits of texts that stand in text[from … from + len); all when it is too long. */
__noinline __u64 texts_in(__u32 from, __u32 len)
{
	struct build *b = build_get();
	__u32 state = (__u16)texts.start;
	__u64 found = 0;

	if (!b || from > RAW_AT || len > WATCH_TEXT_MAX)
		return ~0ull;
	*(__u64 *)&b->text[from + len] = 0;
	for (__u32 i = 0; i < WATCH_TEXT_MAX; i += 8) {
		__u64 bytes = *(__u64 *)&b->text[from + i];

		if (i >= len)
			break;
#pragma unroll
		for (int k = 0; k < 8; k++) {
			state = texts.next[state + texts.class[bytes & 0xff]];
			found |= texts.found[state / WATCH_CLASSES];
			bytes >>= 8;
		}
	}
	return found | texts.whole[state / WATCH_CLASSES];
}

/* The bits of a relative path, of which those of the text alone are known: with its folder. */
__noinline __u64 texts_of_relative(__u64 raw, __u32 len, int dirfd)
{
	struct task_struct *task = current_task();
	struct build *b = build_get();
	struct path dir = {};
	__u32 from;

	if (!b || b->kept == KEPT_BY_OTHERS)
		return ~0ull;
	if (dirfd == AT_FDCWD) {
		bpf_probe_read_kernel(&dir, sizeof(dir), &GET(task, fs)->pwd);
	} else {
		struct file *f = file_of_fd(dirfd);

		if (!f || read_path(f, &dir))
			return ~0ull;
	}
	from = walk_path((__u64)dir.mnt, (__u64)dir.dentry);
	if (from >> 16 || from > WALK_MAX)
		return ~0ull;
	b->text[WALK_MAX] = '/';
	return (raw & RAW_BITS) | (texts_in(from, WALK_MAX - from + 1 + len) & ~RAW_BITS);
}

/* The path of the file that was opened. Nobody asks for that of a file that has none. */
__noinline __u64 texts_of_file(int fd)
{
	struct build *b = build_get();
	struct path path = {};
	struct file *f;
	__u32 from;

	if (!b || b->kept == KEPT_BY_OTHERS)
		return ~0ull;
	f = file_of(b, WATCH_RET, fd);
	if (!f || read_path(f, &path))
		return ~0ull;
	from = walk_path((__u64)path.mnt, (__u64)path.dentry);
	if (from >> 16)
		return from >> 16 & WALK_DETACHED ? 0 : ~0ull;
	return texts_in(from, WALK_MAX - from);
}

/*
 * Groups of files that were looked at, by a key of all names on the way to the task's root: what is
 * moved, or is another file, has another key. The hash of a name (dentry.d_name) also depends on
 * its folder's address, which no program knows. In the lower bits are the groups.
 */
enum { KNOWN_FILES = 4096, KEY_COMPONENTS = 24 };
__u64 known_files[KNOWN_FILES];

static __always_inline __u64 mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL; /* 2^64 divided by the golden ratio */
	return h ^ h >> 32;
}

/* 0: none. */
static __always_inline __u64 key_of_file(struct task_struct *task, const struct build *b, int fd)
{
	struct file *f = file_of(b, WATCH_RET, fd);
	struct vfsmount *mnt = f ? f->f_path.mnt : NULL;
	struct dentry *d = f ? f->f_path.dentry : NULL, *root = task->fs->root.dentry;
	struct vfsmount *root_mnt = task->fs->root.mnt;
	__u64 key = 1;

	for (int i = 0; i < KEY_COMPONENTS; i++) {
		struct dentry *up;

		if (!d || !mnt)
			return 0;
		if (d == root && mnt == root_mnt)
			return key;
		up = d->d_parent;
		if (d == mnt->mnt_root) {
			struct mount *m = TYPED(
				mount, (void *)mnt - bpf_core_field_offset(struct mount, mnt));
			struct mount *over = m->mnt_parent;

			if (over == m)
				return 0;
			d = m->mnt_mountpoint;
			mnt = TYPED(vfsmount,
				    (void *)over + bpf_core_field_offset(struct mount, mnt));
			continue;
		}
		if (up == d)
			return 0;
		key = mix(key, d->d_name.hash_len);
		d = up;
	}
	return 0;
}

static __always_inline __u32 path_groups(__u64 found)
{
	return found & WATCH_NOT_NORMAL ? GROUPS_MASK : found & GROUPS_MASK;
}

/* The groups that the path of the file that was opened belongs to. */
static __always_inline __u32 groups_of_file(struct task_struct *task, const struct build *b, int fd)
{
	__u64 key = can_cast && b->kept != KEPT_BY_OTHERS ? key_of_file(task, b, fd) : 0, *known;
	__u32 groups;

	if (!key)
		return path_groups(texts_of_file(fd));
	known = &known_files[key & (KNOWN_FILES - 1)];
	if (!((*known ^ key) & ~(__u64)GROUPS_MASK))
		return *known & GROUPS_MASK;
	groups = path_groups(texts_of_file(fd));
	*known = (key & ~(__u64)GROUPS_MASK) | groups;
	return groups;
}

static __always_inline __u32 raw_groups(__u64 found)
{
	return found & WATCH_DOUBLED ? GROUPS_MASK
				     : found >> WATCH_S_RAW * WATCH_GROUPS & GROUPS_MASK;
}

/* Of these clauses those of which masks and numbers hold. */
__noinline __u32 slow_clauses(__u32 s, __u32 hold)
{
	struct build *b = build_get();
	__u32 met = 0;
	__u64 ret;

	if (!b || s >= WATCH_SPECS)
		return 0;
	ret = b->rec.ret;
	for (__u32 i = 0; i < WATCH_CLAUSES; i++) {
		struct watch_clause *cl = &clauses[s][i];
		__u32 arg = cl->arg;
		__u64 v, bad, listed, numbered;

		if (i >= specs[s].clauses || arg >= WATCH_ARGS)
			break;
		v = b->rec.arg[arg];
		numbered = (cl->numbers >> (v & 63)) & (nonzero((__u32)v >> 6) ^ 1);
		listed = (cl->results >> (ret & 63)) & (nonzero(ret >> 6) ^ 1);
		bad = nonzero(cl->any) & (nonzero(v & cl->any) ^ 1);
		bad |= nonzero((v & cl->mask) ^ cl->value);
		bad |= nonzero(cl->numbers) & (numbered ^ 1);
		bad |= nonzero(cl->results) & (listed ^ 1);
		met |= (nonzero(bad) ^ 1) << i;
	}
	return hold & met;
}

/* Of these clauses those that want no group besides `have`: of all subjects, or of some. */
enum { ALL_GROUPS, GIVEN_GROUPS, COMM_GROUPS };

static __always_inline __u32 clauses_with(__u32 s, __u32 hold, __u32 have, int which)
{
	__u32 met = 0;

	for (__u32 i = 0; i < WATCH_CLAUSES; i++) {
		struct watch_clause *cl = &clauses[s][i];
		__u32 want = which == ALL_GROUPS     ? cl->groups
			     : which == GIVEN_GROUPS ? cl->given
						     : cl->comm;

		if (i >= specs[s].clauses)
			break;
		met |= (nonzero(want & ~have) ^ 1) << i;
	}
	return hold & met;
}

/* The groups that the program's name belongs to: of a call that was kept, the one in its record. */
__noinline __u32 comm_groups(void)
{
	struct task_struct *task = current_task();
	struct build *b = build_get();

	if (!b ||
	    (b->kept ? bpf_probe_read_kernel(&b->text[RAW_AT], sizeof(b->rec.comm), b->rec.comm)
		     : read_comm(&b->text[RAW_AT], task)) < 0)
		return GROUPS_MASK;
	return texts_in(RAW_AT, sizeof(task->comm)) >> WATCH_S_COMM * WATCH_GROUPS & GROUPS_MASK;
}

/* Whether the three bytes stand in a row somewhere in the path as given, of n bytes. */
static __always_inline bool has_needle(const struct build *b,
				       const volatile struct watch_spec *spec, __u32 n)
{
	const __u64 ones = 0x0101010101010101ULL, high = ones << 7;
	__u64 a = spec->needle[0], c = spec->needle[1], d = spec->needle[2], found = 0;

	for (__u32 i = 0; i < WATCH_TEXT_MAX; i += 8) {
		const char *at = &b->text[RAW_AT + i];
		__u64 t = (*(__u64 *)at ^ a) | (*(__u64 *)(at + 1) ^ c) | (*(__u64 *)(at + 2) ^ d);

		if (i >= n)
			break;
		/* A byte of 0 is where all three are; above one, others may be found in error. */
		found |= (t - ones) & ~t & high;
	}
	return found;
}

/* Whether a clause holds for the paths: as they were given, or as they were opened. */
static __always_inline bool paths_decide(struct task_struct *task, struct build *b, __u32 s,
					 __u32 hold, __u32 have)
{
	const volatile struct watch_spec *spec = &specs[s];
	__u32 arg = spec->path, dir, raw;
	__u64 found;
	long n;

	if (arg >= WATCH_ARGS)
		return true;
	n = read_text(b, &b->text[RAW_AT], WATCH_TEXT_MAX,
		      (void *)(b->kept ? b->at[arg] : b->rec.arg[arg]));
	if (n <= 1 || n >= WATCH_TEXT_MAX)
		return true; /* not there any more: nobody knows what it was */
	if (hold & spec->needled && !has_needle(b, spec, n))
		hold &= ~(__u32)spec->needled;
	if (!hold)
		return false;
	found = texts_in(RAW_AT, n - 1);
	raw = have | raw_groups(found);
	hold = clauses_with(s, hold, raw, GIVEN_GROUPS);
	if (!hold)
		return false;
	if (b->text[RAW_AT] != '/') {
		dir = spec->dir[arg];
		found = texts_of_relative(found, n - 1,
					  dir < WATCH_ARGS ? (int)b->rec.arg[dir] : AT_FDCWD);
	}
	if (clauses_with(s, hold, raw | path_groups(found), ALL_GROUPS))
		return true;
	return spec->ret_fd == 1 && b->rec.ret >= 0 &&
	       clauses_with(s, hold, raw | groups_of_file(task, b, b->rec.ret), ALL_GROUPS);
}

/* ---- connections */

struct ends {
	__u32 family; /* WATCH_F_* */
	__u32 local, remote;
	__u16 near_port, far_port;
	bool known; /* there is a far end; addresses are those of IPv4, else 0 */
};

static __always_inline void read_ends(struct file *f, struct ends *e)
{
	struct inode *inode;
	__u16 mode, family;
	__u16 far;
	void *data;
	struct sock *sk;

	e->family = WATCH_F_OTHER;
	PEEK(inode, f, f_inode);
	PEEK(mode, inode, i_mode);
	if ((mode & S_IFMT) != S_IFSOCK)
		return;
	PEEK(data, f, private_data);
	PEEK(sk, TYPED(socket, data), sk);
	PEEK(family, sk, __sk_common.skc_family);
	e->family = family == AF_INET	 ? WATCH_F_IPV4
		    : family == AF_INET6 ? WATCH_F_IPV6
					 : WATCH_F_OTHER;
	PEEK(far, sk, __sk_common.skc_dport);
	PEEK(e->near_port, sk, __sk_common.skc_num);
	e->far_port = bpf_ntohs(far);
	e->known = e->family != WATCH_F_OTHER && far;
	if (e->family != WATCH_F_IPV4)
		return;
	PEEK(e->local, sk, __sk_common.skc_rcv_saddr);
	PEEK(e->remote, sk, __sk_common.skc_daddr);
}

static __always_inline __u64 ends_differ(const struct watch_clause *cl, const struct ends *e)
{
	__u64 bad = 0, found = 0;

	for (__u32 k = 0; k < WATCH_NETS; k++) {
		__u32 mask = cl->net_mask[k];
		__u32 out = ((e->local ^ cl->net[k]) | (e->remote ^ cl->net[k])) & mask;

		bad |= nonzero(mask) & nonzero(e->remote) & (nonzero(out) ^ 1);
	}
	for (__u32 k = 0; k < WATCH_PORTS; k++) {
		if (k >= cl->ports_n)
			break;
		found |= nonzero(cl->port[k] ^ e->near_port) ^ 1;
		found |= nonzero(cl->port[k] ^ e->far_port) ^ 1;
	}
	return bad | (nonzero(cl->ports_n) & (found ^ 1));
}

/* Of these clauses those that hold for the socket at argument 0. */
__noinline __u32 socket_clauses(__u32 s, __u32 hold)
{
	struct build *b = build_get();
	struct ends e = {};
	__u32 met = 0;
	struct file *f;

	if (!b || s >= WATCH_SPECS)
		return 0;
	f = file_of(b, 0, b->rec.arg[0]);
	e.family = WATCH_F_OTHER;
	if (f)
		read_ends(f, &e);
	for (__u32 i = 0; i < WATCH_CLAUSES; i++) {
		struct watch_clause *cl = &clauses[s][i];
		__u64 bad;

		if (i >= specs[s].clauses)
			break;
		bad = nonzero(cl->families) & (nonzero(cl->families & e.family) ^ 1);
		if (e.known)
			bad |= ends_differ(cl, &e);
		met |= (nonzero(bad) ^ 1) << i;
	}
	return hold & met;
}

/* ---- containers */

/* Control groups by their number, in the lowest bit whether a container's processes may be there.
 */
enum { KNOWN_CGROUPS = 256, CGROUP_DEPTH = 12, CONTAINER_ID = 64 };
__u64 known_cgroups[KNOWN_CGROUPS];

/* Whether a component of the path is as long as the shortest that names a container. */
__noinline __u32 cgroup_names_container(void)
{
	struct kernfs_node *kn = cgroup_of(current_task());
	struct build *b = build_get();

	for (int i = 0; b && kn && i < CGROUP_DEPTH; i++) {
		struct kernfs_node *up = kernfs_parent(kn);

		if (!up)
			return 0;
		if (bpf_probe_read_kernel_str(&b->text[RAW_AT], WALK_NAME, GET(kn, name)) >
		    CONTAINER_ID)
			return 1;
		kn = up;
	}
	return 1;
}

/*
 * Whether the current task may be a container's: as src/enrich/container.c tells by the control
 * group, or because it has a pid namespace below the first.
 */
static __always_inline bool maybe_in_container(struct task_struct *task)
{
	struct kernfs_node *kn = cgroup_of(task);
	__u64 id, *known;

	if (GET(task, thread_pid, level))
		return true;
	id = GET(kn, id) << 1;
	known = &known_cgroups[(id >> 1 ^ id >> 33) & (KNOWN_CGROUPS - 1)];
	if ((*known & ~1ull) != id)
		*known = id | (cgroup_names_container() & 1);
	return *known & 1;
}

/* Of the clauses those that hold by what is known without the call's arguments. */
static __always_inline __u32 clauses_of_caller(struct task_struct *task,
					       const volatile struct watch_spec *spec, __s64 ret)
{
	__u32 hold = spec->by_failed[(__u64)ret >> 63];

	if (hold & spec->containers && !maybe_in_container(task))
		hold &= ~(__u32)spec->containers;
	return hold;
}

/* `s`: a row of specs; `hold`: of clauses_of_caller(). */
static __always_inline bool is_wanted(struct task_struct *task, struct build *b, __u32 s,
				      __u32 hold)
{
	const volatile struct watch_spec *spec = &specs[s];
	__u32 low = spec->low, have = 0;
	__u64 v = b->rec.arg[low < WATCH_ARGS ? low : 0];

	hold &= spec->by_low[v & 7];
	if (hold & spec->slow)
		hold = slow_clauses(s, hold);
	if (hold & spec->sockets)
		hold = socket_clauses(s, hold);
	if (hold & spec->comms) {
		have = comm_groups();
		hold = clauses_with(s, hold, have, COMM_GROUPS);
	}
	if (hold & ~(__u32)spec->paths)
		return true;
	return hold && paths_decide(task, b, s, hold, have);
}

#endif
