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
	__u32 state = texts.start;
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
			__u32 step = state + texts.class[bytes & 0xff];

			state = texts.next[step & (WATCH_STATES * WATCH_CLASSES - 1)];
			found |= texts.found[state / WATCH_CLASSES & (WATCH_STATES - 1)];
			bytes >>= 8;
		}
	}
	return found | texts.whole[state / WATCH_CLASSES & (WATCH_STATES - 1)];
}

/* A path as the caller gave it; all bits when it is not there any more. */
__noinline __u64 texts_of_name(__u64 name, int dirfd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct build *b = build_get();
	struct path dir = {};
	__u64 raw;
	__u32 from;
	long n;

	if (!b)
		return ~0ull;
	n = bpf_probe_read_user_str(&b->text[RAW_AT], WATCH_TEXT_MAX, (void *)name);
	if (n <= 1 || n >= WATCH_TEXT_MAX)
		return ~0ull;
	raw = texts_in(RAW_AT, n - 1);
	if (b->text[RAW_AT] == '/')
		return raw;
	if (dirfd == AT_FDCWD) {
		bpf_probe_read_kernel(&dir, sizeof(dir), &task->fs->pwd);
	} else {
		struct file *f = file_of_fd(dirfd);

		if (!f || read_path(f, &dir))
			return ~0ull;
	}
	from = walk_path((__u64)dir.mnt, (__u64)dir.dentry);
	if (from >> 16 || from > WALK_MAX)
		return ~0ull;
	b->text[WALK_MAX] = '/';
	return (raw & RAW_BITS) | (texts_in(from, WALK_MAX - from + n) & ~RAW_BITS);
}

/* The path of an open file. Nobody asks for that of a file that has none. */
__noinline __u64 texts_of_file(int fd)
{
	struct file *f = file_of_fd(fd);
	struct path path = {};
	__u32 from;

	if (!f || read_path(f, &path))
		return ~0ull;
	from = walk_path((__u64)path.mnt, (__u64)path.dentry);
	if (from >> 16)
		return from >> 16 & WALK_DETACHED ? 0 : ~0ull;
	return texts_in(from, WALK_MAX - from);
}

static __always_inline __u32 path_groups(__u64 found)
{
	return found & WATCH_NOT_NORMAL ? GROUPS_MASK : found & GROUPS_MASK;
}

static __always_inline __u32 raw_groups(__u64 found)
{
	return found & WATCH_DOUBLED ? GROUPS_MASK
				     : found >> WATCH_S_RAW * WATCH_GROUPS & GROUPS_MASK;
}

/* The clauses, as bits, of which result, masks and numbers hold. */
__noinline __u32 clauses_that_hold(__u32 s)
{
	struct build *b = build_get();
	__u64 failed, ret;
	__u32 hold = 0;

	if (!b || s >= WATCH_SPECS)
		return 0;
	ret = b->rec.ret;
	failed = ret >> 63;
	for (__u32 i = 0; i < WATCH_CLAUSES; i++) {
		struct watch_clause *cl = &clauses[s][i];
		__u32 arg = cl->arg;
		__u64 v, bad, listed;

		if (i >= specs[s].clauses || arg >= WATCH_ARGS)
			break;
		v = b->rec.arg[arg];
		listed = (cl->results >> (ret & 63)) & (nonzero(ret >> 6) ^ 1);
		bad = cl->result & (2 >> failed);
		bad |= nonzero(cl->any) & (nonzero(v & cl->any) ^ 1);
		bad |= nonzero((v & cl->mask) ^ cl->value);
		bad |= nonzero(cl->results) & (listed ^ 1);
		hold |= (nonzero(bad) ^ 1) << i;
	}
	return hold;
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

/* The groups that the program's name belongs to. */
__noinline __u32 comm_groups(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct build *b = build_get();

	if (!b || bpf_probe_read_kernel(&b->text[RAW_AT], sizeof(task->comm), &task->comm))
		return GROUPS_MASK;
	return texts_in(RAW_AT, sizeof(task->comm)) >> WATCH_S_COMM * WATCH_GROUPS & GROUPS_MASK;
}

/* Whether a clause holds for the paths: as they were given, or as they were opened. */
__noinline __u32 paths_decide(__u32 s, __u32 hold, __u32 have)
{
	struct build *b = build_get();
	__u32 arg, dir, raw;
	__u64 found;
	int fd;

	if (!b || s >= WATCH_SPECS)
		return 0;
	arg = specs[s].path;
	if (arg >= WATCH_ARGS)
		return 1;
	dir = specs[s].dir[arg];
	fd = dir < WATCH_ARGS ? (int)b->rec.arg[dir] : AT_FDCWD;
	found = texts_of_name(b->rec.arg[arg], fd);
	raw = have | raw_groups(found);
	hold = clauses_with(s, hold, raw, GIVEN_GROUPS);
	if (!hold)
		return 0;
	if (clauses_with(s, hold, raw | path_groups(found), ALL_GROUPS))
		return 1;
	if (specs[s].ret_fd != 1 || b->rec.ret < 0)
		return 0;
	found = texts_of_file(b->rec.ret);
	return clauses_with(s, hold, raw | path_groups(found), ALL_GROUPS) != 0;
}

/* ---- connections */

struct ends {
	__u32 family; /* WATCH_F_* */
	__u32 local, remote;
	__u32 near_port, far_port;
	bool known; /* there is a far end; addresses are those of IPv4, else 0 */
};

static __always_inline void read_ends(struct file *f, struct ends *e)
{
	enum { BLOCK = 64 };
	__u32 family = bpf_core_field_offset(struct sock, __sk_common.skc_family);
	__u32 local = bpf_core_field_offset(struct sock, __sk_common.skc_rcv_saddr);
	__u32 remote = bpf_core_field_offset(struct sock, __sk_common.skc_daddr);
	__u32 far = bpf_core_field_offset(struct sock, __sk_common.skc_dport);
	__u32 near = bpf_core_field_offset(struct sock, __sk_common.skc_num);
	struct socket *socket;
	struct sock *sk;
	__u8 block[BLOCK];

	e->family = WATCH_F_OTHER;
	if ((BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return;
	socket = BPF_CORE_READ(f, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (family > BLOCK - 2 || local > BLOCK - 4 || remote > BLOCK - 4 || far > BLOCK - 2 ||
	    near > BLOCK - 2 || bpf_probe_read_kernel(block, sizeof(block), sk)) {
		e->family = WATCH_F_ANY;
		return;
	}
	family = *(__u16 *)(block + family);
	e->family = family == AF_INET	 ? WATCH_F_IPV4
		    : family == AF_INET6 ? WATCH_F_IPV6
					 : WATCH_F_OTHER;
	e->near_port = *(__u16 *)(block + near);
	e->far_port = bpf_ntohs(*(__u16 *)(block + far));
	e->known = e->family != WATCH_F_OTHER && e->far_port;
	if (e->family != WATCH_F_IPV4)
		return;
	e->local = *(__u32 *)(block + local);
	e->remote = *(__u32 *)(block + remote);
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
	f = file_of_fd(b->rec.arg[0]);
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
static __always_inline __u64 names_container(struct build *b, struct kernfs_node *kn)
{
	for (int i = 0; i < CGROUP_DEPTH; i++) {
		struct kernfs_node *up = kernfs_parent(kn);

		if (!up)
			return 0;
		if (bpf_probe_read_kernel_str(&b->text[WALK_MAX], WALK_NAME,
					      BPF_CORE_READ(kn, name)) > CONTAINER_ID)
			return 1;
		kn = up;
	}
	return 1;
}

/*
 * Whether the current task may be a container's: as src/enrich/container.c tells by the control
 * group, or because it has a pid namespace below the first.
 */
__noinline __u32 maybe_in_container(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct kernfs_node *kn = cgroup_of(task);
	struct build *b = build_get();
	__u64 id, *known;

	if (!b || !kn || task->thread_pid->level)
		return 1;
	id = BPF_CORE_READ(kn, id) << 1;
	known = &known_cgroups[(id >> 1 ^ id >> 33) & (KNOWN_CGROUPS - 1)];
	if ((*known & ~1ull) == id)
		return *known & 1;
	*known = id | names_container(b, kn);
	return *known & 1;
}

static __always_inline bool is_wanted(__u32 s)
{
	const volatile struct watch_spec *spec = &specs[s];
	__u32 hold = clauses_that_hold(s), have = 0;

	if (hold & spec->containers && !maybe_in_container())
		hold &= ~(__u32)spec->containers;
	if (hold & spec->sockets)
		hold = socket_clauses(s, hold);
	if (hold & spec->comms) {
		have = comm_groups();
		hold = clauses_with(s, hold, have, COMM_GROUPS);
	}
	if (hold & ~(__u32)spec->paths)
		return true;
	return hold && paths_decide(s, hold, have);
}

#endif
