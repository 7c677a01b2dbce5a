/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Watching: system calls that rules ask for, when they return, and the lives of processes. What a
 * call was given is read at its end, together with what the kernel made of it: the file that is
 * open now, both addresses of a socket. A caller that changes its memory meanwhile changes the
 * first, not the second.
 *
 * Each call is hooked by itself: at the kernel's function for it (watch_hooks.h), else by its event
 * (syscalls:sys_exit_NAME).
 */
#include "syscall_args.h"
#include "watch_filter.h"
#include "watch_kill.h"

/* Set before load. */
const volatile __u8 spec_of[WATCH_NRS];
const volatile __u32 self; /* the agent's process id: what it does itself is not watched */
const volatile __u8 want_env, want_cwd, want_stdio;

/* Shared with the loader through memory. */
__u64 lost[WATCH_NRS]; /* calls, by number */
__u64 lost_kinds[8];   /* by enum watch_kind */
__u64 lost_cpus[WATCH_CPUS];
__u8 narrow_seen; /* calls by the 32-bit entry are */

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} a_ring SEC(".maps");

/* To the loader: a 32-bit program was executed whose calls are not seen. */
struct ring narrow_words SEC(".maps");

/* One ring for each processor; made by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WATCH_CPUS);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps") = {
	.values = { &a_ring },
};

static __always_inline void count_lost(struct build *b, __u32 cpu)
{
	__sync_fetch_and_add(&lost_kinds[b->rec.kind & 7], 1);
	__sync_fetch_and_add(&lost_cpus[cpu & (WATCH_CPUS - 1)], 1);
	if (b->rec.kind == WATCH_CALL)
		__sync_fetch_and_add(&lost[b->rec.nr & (WATCH_NRS - 1)], 1);
}

/* A call of which there is no record, because another task is at its own. */
static __always_inline void count_missed(__u32 nr)
{
	__sync_fetch_and_add(&lost_kinds[WATCH_CALL], 1);
	__sync_fetch_and_add(&lost_cpus[bpf_get_smp_processor_id() & (WATCH_CPUS - 1)], 1);
	__sync_fetch_and_add(&lost[nr & (WATCH_NRS - 1)], 1);
}

/* Hands the record over. The reader looks every few ms; a ring that fills wakes it before. */
static __always_inline int submit(struct build *b)
{
	__u32 cpu = bpf_get_smp_processor_id(), len = b->len;
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	__u64 waiting;

	if (len > WATCH_PARTS_BYTES)
		len = WATCH_PARTS_BYTES;
	b->rec.size = sizeof(b->rec) + len;
	if (!ring) {
		count_lost(b, cpu);
		return 0;
	}
	waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	if (bpf_ringbuf_output(ring, &b->rec, sizeof(b->rec) + len,
			       waiting > bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / 8 &&
					       !(b->rec.time & 63)
				       ? BPF_RB_FORCE_WAKEUP
				       : BPF_RB_NO_WAKEUP))
		count_lost(b, cpu);
	return 0;
}

static __always_inline __u64 capability_bits(const struct cred *cred, __u32 offset)
{
	__u64 bits = 0;

	bpf_probe_read_kernel(&bits, sizeof(bits), (void *)cred + offset);
	return bits;
}

static __always_inline __u32 tty_of(struct task_struct *task)
{
	struct tty_struct *tty = GET(task, signal, tty);
	__u32 minor;

	if (!tty)
		return 0;
	minor = GET(tty, driver, minor_start) + GET(tty, index);
	/* new_encode_dev(), include/linux/kdev_t.h */
	return (minor & 0xff) | GET(tty, driver, major) << 8 | (minor & ~0xffu) << 12;
}

/* Where the last, innermost number of a pid stands. */
static __always_inline void *innermost(struct pid *pid)
{
	__u64 at = BPF_CORE_READ(pid, level);

	asm volatile("" : "+r"(at)); /* 64 bits: of a product of 32 Linux 6.1 knows no bounds */
	return (void *)pid + bpf_core_field_offset(struct pid, numbers) +
	       (at & 31) * (__u64)bpf_core_type_size(struct upid);
}

static __always_inline __u32 nr_in_namespace(struct pid *pid)
{
	struct upid u = {};

	if (!pid)
		return 0;
	bpf_probe_read_kernel(&u, sizeof(u), innermost(pid));
	return u.nr;
}

/*
 * All but `arg` and `ret`. `task`: of the kernel's own type, so that its members can be read
 * without a helper.
 */
static __always_inline void begin(struct build *b, __u16 kind, struct task_struct *task)
{
	const struct cred *cred = GET(task, cred);

	b->len = 0;
	b->rec.kind = kind;
	b->rec.nr = 0;
	b->rec.parts = 0;
	b->rec.uring = b->rec.pad = 0;
	b->rec.time = bpf_ktime_get_boot_ns();
	b->rec.tid = GET(task, pid);
	b->rec.pid = GET(task, tgid);
	b->rec.uid = GET(cred, euid.val);
	b->rec.gid = GET(cred, egid.val);
	b->rec.cap_permitted = capability_bits(cred,
					       bpf_core_field_offset(struct cred, cap_permitted));
	b->rec.cap_effective = capability_bits(cred,
					       bpf_core_field_offset(struct cred, cap_effective));
	read_comm(b->rec.comm, task);
	b->rec.start = GET(task, group_leader, start_boottime);
	b->rec.tty = tty_of(task);
	b->rec.loginuid = bpf_core_field_exists(task->loginuid) ? GET(task, loginuid.val) : ~0u;
	b->rec.vpid = nr_in_namespace(GET(task, group_leader, thread_pid));
}

/* ---- system calls */

#include "watch_compat.h"
#include "watch_drift.h"
#include "watch_given.h"
#include "watch_signals.h"

static __always_inline __u64 arg_at(const struct build *b, __u32 i)
{
	return b->rec.arg[i < WATCH_ARGS ? i : 0];
}

/* Where its text or address is. */
static __always_inline __u64 memory_at(const struct build *b, __u32 i)
{
	return b->kept ? b->at[i < WATCH_ARGS ? i : 0] : arg_at(b, i);
}

static __always_inline void add_arg(const struct build *c, const volatile struct watch_spec *spec,
				    __u32 i, __s64 ret)
{
	__u32 max = spec->data_max, done = ret < 0 ? 0 : ret > max ? max : ret, len = 0;

	switch (spec->arg[i]) {
	case WATCH_A_PATH:
		add_path(i, memory_at(c, i),
			 spec->dir[i] < 0 ? AT_FDCWD : (int)arg_at(c, spec->dir[i]));
		break;
	case WATCH_A_TEXT:
		add_text(WATCH_P_TEXT, i, memory_at(c, i));
		break;
	case WATCH_A_FD:
		add_fd(i, (int)arg_at(c, i));
		break;
	case WATCH_A_ADDR:
		if (c->kept)
			add_kept_addr(i, arg_at(c, i + 1));
		else
			add_addr(i, arg_at(c, i), arg_at(c, i + 1));
		break;
	case WATCH_A_ADDR_OUT:
		bpf_probe_read_user(&len, sizeof(len), (void *)arg_at(c, i + 1));
		add_addr(i, arg_at(c, i), len);
		break;
	case WATCH_A_DATA:
		add_data(i, arg_at(c, i), done);
		break;
	case WATCH_A_MSG:
		if (c->kept && c->data)
			add_kept_msg(i, done);
		else
			add_msg(i, arg_at(c, i), done);
		break;
	case WATCH_A_MMSG:
		if (ret > 0)
			add_mmsg(i, arg_at(c, i), max);
		break;
	case WATCH_A_ATTRIBUTES:
		read_attributes(arg_at(c, i));
		break;
	case WATCH_A_TIMESPECS:
	case WATCH_A_TIMEVALS:
	case WATCH_A_UTIMBUF:
		read_times(arg_at(c, i), spec->arg[i]);
		break;
	case WATCH_A_SIGNAL:
		add_signalled(i, arg_at(c, i));
		break;
	}
}

/* Arguments that stand in memory, and that conditions are about. */
static __always_inline void read_how(struct build *b, const volatile struct watch_spec *spec)
{
	__u64 how[2] = {};

	if (spec->arg[0] == WATCH_A_WORD)
		bpf_probe_read_user(&b->rec.arg[0], sizeof(b->rec.arg[0]), (void *)b->rec.arg[0]);
	if (spec->arg[2] != WATCH_A_HOW ||
	    bpf_probe_read_user(how, sizeof(how), (void *)b->rec.arg[2]))
		return;
	b->rec.arg[2] = how[0];
	b->rec.arg[3] = how[1];
}

/* The parts of a call whose record was begun. */
static __always_inline void add_parts(struct task_struct *task, struct build *b,
				      const volatile struct watch_spec *spec, __s64 ret)
{
	for (__u32 i = 0; i < WATCH_ARGS; i++)
		add_arg(b, spec, i, ret);
	if (spec->ret_fd && ret >= 0)
		add_fd(WATCH_RET, ret);
	if (want_cwd && b->kept != KEPT_BY_OTHERS)
		add_file(WATCH_P_CWD, (__u64)BPF_CORE_READ(task, fs, pwd.mnt),
			 (__u64)BPF_CORE_READ(task, fs, pwd.dentry));
}

/* `regs`: where its arguments are; `abi`: that it came by. */
static __always_inline int call_returned(struct task_struct *task, const struct pt_regs *regs,
					 __u32 nr, __s64 ret, __u32 abi)
{
	const volatile struct watch_spec *spec;
	struct build *b;
	__u32 hold = 0, want, others = 0;
	__u64 how = nr;
	__u8 s;

	if (abi == ABI_32BIT)
		nr = native_number(regs, nr);

	if (nr >= WATCH_NRS || (__u32)GET(task, tgid) == self)
		return 0;
	asm volatile("" : "+r"(nr)); /* not every verifier keeps what the comparison said */
	s = spec_of[nr & (WATCH_NRS - 1)];
	if (!s)
		return 0;
	spec = &specs[s];
	if (spec->clauses) {
		hold = clauses_of_caller(task, spec, ret);
		if (!hold && !want_drift)
			return 0;
	}
	b = build_get();
	if (!b)
		return 0;
	b->narrow = abi == ABI_32BIT ? width_of(how) : WIDTH_64;
	if (abi == ABI_32BIT)
		read_compat_args(b->rec.arg, regs, how);
	else
		read_native_args(b->rec.arg, regs ? regs : regs_of(task));
	read_how(b, spec);
	b->rec.ret = ret;
	if (want_given && abi == ABI_NATIVE) {
		b->given_nr = nr;
		others = given_others(s);
	}
	want = (!spec->clauses && !(spec->drift & WATCH_DRIFT_ALONE)) || others;
	if (spec->clauses && hold && is_wanted(task, b, s, hold))
		want = 1;
	if (!want && (!want_drift || !drift_wants(s, nr)))
		return 0;
	begin(b, WATCH_CALL, task);
	b->rec.nr = nr;
	if (others)
		add_given(s, others);
	add_parts(task, b, spec, ret);
	if (want_kill)
		kill_if_asked();
	return submit(b);
}

/* syscalls:sys_exit_NAME; fields of its format file. */
struct exit_ctx {
	__u64 common;
	__s32 nr;
	__s64 ret;
};

SEC("tp")
int on_call(struct exit_ctx *ctx)
{
	return call_returned(current_task(), NULL, ctx->nr, ctx->ret, ABI_NATIVE);
}

/* The same where tracefs does not offer per-call events. */
SEC("tp_btf/sys_exit")
int on_any_call(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	__u64 nr = number_in(regs), how = nr;
	struct task_struct *task = current_task();

	if (nr >= WATCH_NRS || !spec_of[nr])
		return 0;
	if (abi_of(task, &how) == ABI_32BIT)
		return 0; /* a number of another table */
	return call_returned(task, NULL, nr, ctx[1], ABI_NATIVE);
}

/* Whether its program has addresses of 32 bits, all of which it may have (AArch64 with large
 * pages). */
static __always_inline bool is_narrow(struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	return mm && !((BPF_CORE_READ(mm, task_size) - 1) >> 32);
}

#include "watch_hooks.h"
#include "watch_uring.h"

/* ---- processes */

static __always_inline void no_call(struct build *b)
{
	b->rec.ret = 0;
	__builtin_memset(b->rec.arg, 0, sizeof(b->rec.arg));
}

/* I_CTIME_QUERIED, include/linux/fs.h since 6.13: stands in the nanoseconds. */
#define CTIME_QUERIED (1u << 31)

static __always_inline __u64 ns_of(__s64 sec, __u64 nsec)
{
	return sec * 1000000000ULL + nsec;
}

static __always_inline void times_of(struct inode *inode, __u64 *mtime, __u64 *ctime)
{
	struct inode___6_6 *mid = (void *)inode;
	struct inode___old *old = (void *)inode;
	struct timespec64 t = {};

	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		*mtime = ns_of(BPF_CORE_READ(inode, i_mtime_sec),
			       BPF_CORE_READ(inode, i_mtime_nsec));
		*ctime = ns_of(BPF_CORE_READ(inode, i_ctime_sec),
			       BPF_CORE_READ(inode, i_ctime_nsec) & ~CTIME_QUERIED);
		return;
	}
	if (bpf_core_field_exists(mid->__i_ctime))
		BPF_CORE_READ_INTO(&t, mid, __i_ctime);
	else
		BPF_CORE_READ_INTO(&t, old, i_ctime);
	*ctime = ns_of(t.tv_sec, t.tv_nsec);
	if (bpf_core_field_exists(mid->__i_mtime))
		BPF_CORE_READ_INTO(&t, mid, __i_mtime);
	else
		BPF_CORE_READ_INTO(&t, old, i_mtime);
	*mtime = ns_of(t.tv_sec, t.tv_nsec);
}

enum { PID_PID, PID_TGID, PID_PGID, PID_SID }; /* enum pid_type */

static __always_inline void fill_process(struct watch_proc *p, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct pid *pid = BPF_CORE_READ(task, thread_pid), *pgid;
	struct upid own = {};

	p->ppid = BPF_CORE_READ(task, real_parent, tgid);
	p->vpid = nr_in_namespace(BPF_CORE_READ(task, group_leader, thread_pid));
	p->vtid = nr_in_namespace(pid);
	pgid = BPF_CORE_READ(task, signal, pids[PID_PGID]);
	p->vpgid = nr_in_namespace(pgid);
	p->pgid = BPF_CORE_READ(pgid, numbers[0].nr);
	p->sid = nr_in_namespace(BPF_CORE_READ(task, signal, pids[PID_SID]));
	p->uid = BPF_CORE_READ(cred, uid.val);
	p->gid = BPF_CORE_READ(cred, gid.val);
	p->cap_inheritable = capability_bits(cred,
					     bpf_core_field_offset(struct cred, cap_inheritable));
	p->mnt_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	bpf_probe_read_kernel(&own, sizeof(own), innermost(pid));
	p->ns_start = BPF_CORE_READ(own.ns, child_reaper, start_boottime);
}

static __always_inline void fill_executable(struct watch_proc *p, struct file *exe)
{
	struct inode *inode = BPF_CORE_READ(exe, f_inode);
	struct link own;

	p->exe_ino = BPF_CORE_READ(inode, i_ino);
	p->exe_dev = BPF_CORE_READ(inode, i_sb, s_dev);
	p->exe_mode = BPF_CORE_READ(inode, i_mode);
	p->exe_uid = BPF_CORE_READ(inode, i_uid.val);
	p->layer = layer_of(inode);
	p->exe_deleted = !BPF_CORE_READ(inode, i_nlink);
	times_of(inode, &p->exe_mtime, &p->exe_ctime);
	read_link(BPF_CORE_READ(exe, f_path.dentry), &own);
	p->memfd = own.parent == BPF_CORE_READ(exe, f_path.dentry);
}

__noinline int add_process(void)
{
	struct task_struct *task = current_task();
	struct build *b = build_get();
	struct watch_proc *p;
	struct file *exe;

	if (!b || !part_room(b, sizeof(*p)))
		return 0;
	p = part_data(b);
	__builtin_memset(p, 0, sizeof(*p));
	fill_process(p, task);
	p->tty = b->rec.tty;
	p->loginuid = b->rec.loginuid;
	p->cap_permitted = b->rec.cap_permitted;
	p->cap_effective = b->rec.cap_effective;
	exe = BPF_CORE_READ(task, mm, exe_file);
	if (exe)
		fill_executable(p, exe);
	part_end(b, WATCH_P_PROC, 0, 0, sizeof(*p));
	return 0;
}

__noinline int add_strings(__u32 kind, __u64 from, __u64 to)
{
	struct build *b = build_get();

	if (b && to > from)
		part_user(b, kind, 0, (void *)from,
			  to - from > WATCH_PART_MAX ? WATCH_PART_MAX : to - from);
	return 0;
}

static __always_inline enum watch_narrow say_narrow(void)
{
	__u64 word = 1;

	if (narrow_seen)
		return WATCH_NARROW_SEEN;
	bpf_ringbuf_output(&narrow_words, &word, sizeof(word), BPF_RB_FORCE_WAKEUP);
	return WATCH_NARROW_UNSEEN;
}

SEC("tp_btf/sched_process_exec")
int on_exec(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct linux_binprm *bprm = (void *)ctx[2];
	struct build *b = build_get();
	struct file *exe;

	if (!b)
		return 0;
	no_call(b);
	begin(b, WATCH_EXEC, task);
	b->rec.arg[0] = (__u32)ctx[1]; /* the thread that called, before it took the group's id */
	if (is_narrow(task))
		b->rec.arg[1] = say_narrow();
	add_process();
	exe = BPF_CORE_READ(task, mm, exe_file);
	add_file(WATCH_P_EXE, (__u64)BPF_CORE_READ(exe, f_path.mnt),
		 (__u64)BPF_CORE_READ(exe, f_path.dentry));
	if (part_room(b, 1)) {
		long n = bpf_probe_read_kernel_str(part_data(b), WATCH_PART_MAX,
						   BPF_CORE_READ(bprm, filename));

		if (n > 0)
			part_end(b, WATCH_P_FILENAME, 0, 0, n - 1);
	}
	add_strings(WATCH_P_ARGV, BPF_CORE_READ(task, mm, arg_start),
		    BPF_CORE_READ(task, mm, arg_end));
	if (want_env)
		add_strings(WATCH_P_ENVP, BPF_CORE_READ(task, mm, env_start),
			    BPF_CORE_READ(task, mm, env_end));
	add_file(WATCH_P_CWD, (__u64)BPF_CORE_READ(task, fs, pwd.mnt),
		 (__u64)BPF_CORE_READ(task, fs, pwd.dentry));
	add_cgroup();
	for (int fd = 0; want_stdio && fd < 3; fd++)
		add_fd(fd, fd);
	if (want_kill)
		kill_if_asked();
	return submit(b);
}

SEC("tp_btf/sched_process_fork")
int on_fork(__u64 *ctx)
{
	struct task_struct *child = (void *)ctx[1];
	struct build *b;

	if (GET(child, pid) != GET(child, tgid))
		return 0; /* a thread */
	b = build_get();
	if (!b)
		return 0;
	no_call(b);
	begin(b, WATCH_FORK, child);
	b->rec.arg[0] = BPF_CORE_READ(child, real_parent, tgid);
	b->rec.arg[1] = GET(current_task(), pid);
	b->rec.start = BPF_CORE_READ(child, start_boottime);
	return submit(b);
}

SEC("tp_btf/sched_process_exit")
int on_exit(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct build *b;

	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	b = build_get();
	if (!b)
		return 0;
	no_call(b);
	begin(b, WATCH_EXIT, task);
	return submit(b);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
