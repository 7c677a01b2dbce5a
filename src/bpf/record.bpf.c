/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Recording: what the threads of a process tree do. Every set lives in a map, so nothing that
 * decides a profile can be dropped by a full buffer; what does not fit into a map is counted in
 * `lost`.
 *
 * The cheap path is at the top of on_sys_enter: `todo` says, by ABI and number, whether any call
 * with this number can still teach something. The loader clears its entries as calls become known.
 */
#include "record_calls.h"

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
	__u16 *word = word_of(GET(task, pid));
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

static __always_inline bool look_when_done(struct task_struct *task);

/* `works`: task work is at hand. */
static __always_inline int observe(struct task_struct *task, __u32 abi, __u32 nr,
				   const struct pt_regs *regs, bool works)
{
	struct call *c = call_get();
	bool more;

	if (!c || !call_begin(c, task))
		return 0;
	c->abi = abi;
	c->nr = nr;
	c->spec = spec_of[abi][nr];
	if (spec_at(c->spec)->kind == K_WAIT)
		begin_serving(c);
	more = tells_more(c);
	seen[c->prog][c->phase & (REC_PHASES - 1)][abi][nr] = more ? REC_SEEN : REC_SEEN_ALL;
	/* What the runtime opens or maps before the program runs is no part of a profile. */
	if (!more || (works && spec_at(c->spec)->kind == K_OPEN && !abi && look_when_done(task)))
		return 0;
	read_args(c, regs);
	return observe_call(c);
}

static __always_inline int entered(__u64 *ctx, bool works)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	struct task_struct *task;
	__u64 nr = ctx[1];
	__u16 *word;
	__u32 abi, w;
	__u8 *known;

	if (surely_native(regs, nr) && !todo[mode & 3][0][nr])
		return 0;
	task = current_task();
	abi = abi_of(task, &nr);
	if (nr >= REC_NRS)
		return odd_number(task, nr);
	if (!todo[mode & 3][abi][nr])
		return 0;
	word = word_of(GET(task, pid));
	if (!word || !*word)
		return 0;
	w = *word;
	if (!(w & REC_W_RUNTIME)) {
		known = &seen[REC_W_PROG(w)][slot_phase[REC_W_SLOT(w)] & (REC_PHASES - 1)][abi][nr];
		if (*known == REC_SEEN_ALL)
			return 0;
	}
	return observe(task, abi, nr, regs, works);
}

SEC("tp_btf/sys_enter")
int on_sys_enter(__u64 *ctx)
{
	return entered(ctx, false);
}

/* The same on kernels with task work: others do not even load what refers to it. */
SEC("tp_btf/sys_enter")
int on_sys_enter_works(__u64 *ctx)
{
	return entered(ctx, true);
}

static __always_inline int call_returned(struct task_struct *task, const struct pt_regs *regs,
					 __u64 nr, long ret)
{
	struct call *c = call_get();

	if (!c || nr >= REC_NRS || abi_of(task, &nr) != 0 || nr >= REC_NRS ||
	    !call_begin(c, task) || c->word & REC_W_RUNTIME)
		return 0;
	__sync_fetch_and_add(&opens_n, 1);
	c->abi = 0;
	c->nr = nr;
	c->spec = spec_of[0][at_most(nr, REC_NRS - 1)];
	if (!c->spec)
		return 0;
	read_args(c, regs);
	return observe_open_result(c, ret);
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
	struct task_struct *task = current_task();

	if (!at_exit)
		return 0;
	return call_returned(task, regs_of(task), ctx->nr, ctx->ret);
}

/* The same where tracefs does not offer per-call events. */
SEC("tp_btf/sys_exit")
int on_sys_exit(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	__u64 nr = number_in(regs);

	if (!at_exit || nr >= REC_NRS || !is_open[nr])
		return 0;
	return call_returned(current_task(), regs, nr, ctx[1]);
}

/*
 * Work that the thread does on its way back to the program (Linux 6.18), for single opens: some
 * 6 us each, where an event at the return costs every call of the machine. Taking such an event
 * away again lets the kernel (from 6.13, until tasks-trace RCU was rebuilt) look at what runs in
 * that moment, which makes every call of these threads slower for as long as they live.
 */
static int open_done(struct bpf_map *map, void *key, void *value)
{
	struct task_struct *task = current_task();
	const struct pt_regs *regs = regs_of(task);

	bpf_preempt_disable(); /* the scratch text is the processor's */
	call_returned(task, regs, number_in(regs), result_in(regs));
	bpf_preempt_enable();
	return 0;
}

static __always_inline bool look_when_done(struct task_struct *task)
{
	__u32 i = (__u32)task->pid % REC_OPENS;
	struct open_work *work;

	work = bpf_map_lookup_elem(&open_works, &i);
	return work &&
	       !bpf_task_work_schedule_resume_impl(task, &work->work, &open_works, open_done, NULL);
}

/* ---- capabilities */

static __always_inline __u16 current_nr(struct task_struct *task)
{
	const struct pt_regs *regs = regs_of(task);
#if defined(__TARGET_ARCH_x86)
	__s64 nr = REGISTER(regs, orig_ax);

	nr &= ~(__s64)X32_BIT;
#else
	__s64 nr = REGISTER(regs, syscallno);
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

/*
 * The number of the stack; negative when there is none. Another stack may have its place: without
 * the innermost frames, which pass a check on and no more, the place is another one.
 */
static __always_inline int stack_id(void *ctx)
{
	int id = bpf_get_stackid(ctx, &stacks, 0);

	if (id < 0)
		id = bpf_get_stackid(ctx, &stacks, 1);
	return id < 0 ? bpf_get_stackid(ctx, &stacks, 2) : id;
}

static __always_inline int observe_cap(void *ctx, const struct cred *cred, __u32 cap, int granted,
				       bool known, bool speculative)
{
	struct task_struct *task = current_task();
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
	k.stack = stack_id(ctx);
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

/*
 * The compiler puts cap_capable() into its callers in the same file (security/commoncap.c), where
 * the program above does not see it. The one that matters: securebits need CAP_SETPCAP.
 */
SEC("fexit/cap_task_prctl")
int BPF_PROG(after_cap_task_prctl, int option, unsigned long arg2, unsigned long arg3,
	     unsigned long arg4, unsigned long arg5, int ret)
{
	if (option != PR_SET_SECUREBITS)
		return 0;
	return observe_cap(ctx, GET(current_task(), real_cred), CAP_SETPCAP, ret == 0, true, false);
}

/*
 * Where the kernel has neither: kprobes at the same two functions. They come before the decision,
 * so it is made here as cap_capable() makes it (security/commoncap.c).
 */
#if defined(__TARGET_ARCH_x86)
#define PROBED(at, x86, arm64) ((at)->x86)
#else
#define PROBED(at, x86, arm64) ((at)->regs[arm64])
#endif

enum { USER_NS_LEVELS = 33 }; /* kernel/user_namespace.c */

static __always_inline bool has_capability(const struct cred *cred, struct user_namespace *target,
					   __u32 cap)
{
	struct user_namespace *own = BPF_CORE_READ(cred, user_ns), *ns = target;
	__u32 euid = BPF_CORE_READ(cred, euid.val);
	int level = BPF_CORE_READ(own, level);
	__u64 bits = 0;

	bpf_probe_read_kernel(&bits, sizeof(bits),
			      __builtin_preserve_access_index(&cred->cap_effective));
	for (int i = 0; i < USER_NS_LEVELS; i++) {
		struct user_namespace *parent = BPF_CORE_READ(ns, parent);

		if (ns == own)
			return bits >> (cap & 63) & 1;
		if (BPF_CORE_READ(ns, level) <= level)
			return false;
		if (parent == own && BPF_CORE_READ(ns, owner.val) == euid)
			return true;
		ns = parent;
	}
	return false;
}

SEC("kprobe/cap_capable")
int at_cap_capable(struct pt_regs *ctx)
{
	const struct cred *cred = (void *)PROBED(ctx, di, 0);
	__u32 cap = PROBED(ctx, dx, 2);

	return observe_cap(ctx, cred, cap, has_capability(cred, (void *)PROBED(ctx, si, 1), cap),
			   true, PROBED(ctx, cx, 3) & 2);
}

SEC("kprobe/cap_task_prctl")
int at_cap_task_prctl(struct pt_regs *ctx)
{
	const struct cred *cred = GET(current_task(), real_cred);

	if ((int)PROBED(ctx, di, 0) != PR_SET_SECUREBITS)
		return 0;
	return observe_cap(ctx, cred, CAP_SETPCAP,
			   has_capability(cred, BPF_CORE_READ(cred, user_ns), CAP_SETPCAP), true,
			   false);
}

/* ---- processes */

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
	ev->pid = GET(task, tgid);
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
	struct task_struct *task = current_task();
	__u16 *word = word_of(GET(task, pid));
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
	/* Of two threads that end at once each may find that it was the last one. */
	__sync_fetch_and_add(&slot_live[slot], -1);
	if (*(volatile __u32 *)&slot_live[slot])
		return 0;
	ev = event_get(REC_EV_GONE, slot, task, REC_W_PROG(w));
	if (ev)
		bpf_ringbuf_submit(ev, 0);
	return 0;
}

/* The id of an executable in a slot; 0 when there are too many. */
__noinline __u32 program_id(__u64 file, __u32 slot)
{
	struct file *f = (void *)file;
	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
	struct rec_program k = { .slot = slot };
	__u32 id = 0;
	__u8 *old, id8;

	k.ino = BPF_CORE_READ(d, d_inode, i_ino);
	k.dev = BPF_CORE_READ(d, d_inode, i_sb, s_dev);
	old = bpf_map_lookup_elem(&programs, &k);
	if (old)
		return *old;
	if (bpf_map_pop_elem(&free_programs, &id)) {
		count_lost(REC_LOST_PROGRAMS);
		return 0;
	}
	id8 = id;
	prog_used[id8] = 1;
	prog_slot[id8] = slot;
	bpf_map_update_elem(&programs, &k, &id8, BPF_ANY);
	return id8;
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
	struct task_struct *task = current_task();
	__u16 *word = word_of(GET(task, pid));
	unsigned long from = BPF_CORE_READ(task, mm, arg_start);
	unsigned long len = BPF_CORE_READ(task, mm, arg_end) - from;
	struct rec_event *ev;
	__u32 slot = 0, prog;

	if (!word)
		return 0;
	if (bpf_map_pop_elem(&free_slots, &slot)) {
		count_lost(REC_LOST_TASKS);
		return 0;
	}
	slot &= REC_SLOTS - 1;
	slot_state[slot] = REC_CANDIDATE;
	slot_phase[slot] = START;
	slot_listens[slot] = 0;
	slot_started[slot] = 0;
	slot_command[slot] = 0;
	slot_live[slot] = 0;
	slot_filters[slot] = GET(task, seccomp.filter_count.counter);
	slot_mnt_ns[slot] = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	prog = program_id((__u64)BPF_CORE_READ(bprm, file), 0);
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

/*
 * The script that a workload begins with. Others are seen as the names that execve(2) is given, but
 * that of the first is called by the container runtime, or by the child of the recorder.
 */
__noinline int script_begins(__u64 bprm_ptr, __u32 prog)
{
	struct linux_binprm *bprm = (void *)bprm_ptr;
	const char *name = BPF_CORE_READ(bprm, filename);
	struct scratch *s = scratch_get();
	long n;

	if (!s || name == BPF_CORE_READ(bprm, interp))
		return 0;
	n = bpf_probe_read_kernel_str(&s->text[REC_PATH_MAX], REC_PATH_MAX, name);
	if (n <= 1)
		return 0;
	s->call.prog = prog;
	s->call.phase = START;
	return observe_text(AT_FDCWD, n - 1, F_EXEC, REC_P_RAN);
}

/* A followed thread executed a program. */
__noinline int program_begins(__u64 bprm_ptr, __u32 w)
{
	struct linux_binprm *bprm = (void *)bprm_ptr;
	struct task_struct *task = current_task();
	__u32 slot = REC_W_SLOT(w), id;
	struct rec_edge edge = { .parent = REC_W_PROG(w) };
	__u16 *word = word_of(GET(task, pid));
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
	id = program_id(f, slot) & (REC_PROGRAMS - 1);
	edge.child = id;
	if (w & REC_W_RUNTIME) {
		__sync_fetch_and_add(&runtime_tasks, -1);
		edge.parent = 0;
	}
	*word = REC_W(slot, id);
	__sync_fetch_and_add(&prog_live[REC_W_PROG(w)], -1);
	__sync_fetch_and_add(&prog_live[id], 1);
	look_again(); /* what is known may be known of other programs only */
	bpf_map_update_elem(&edges, &edge, &one, BPF_ANY);
	observe_file(f, F_EXEC | F_READ | F_MAP, REC_P_PROGRAM, id,
		     slot_phase[slot] == SERVING ? SERVING : START);
	if (!slot_started[slot]) {
		struct rec_event *ev;

		slot_started[slot] = 1;
		ev = event_get(REC_EV_STARTED, slot, task, id);
		if (ev)
			bpf_ringbuf_submit(ev, 0);
		script_begins(bprm_ptr, id);
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
	__u32 slot = cgroup_slot, prog;
	struct rec_event *ev;

	if (!slot || !word || *word || !below_cgroup((struct cgroup *)ctx[0]))
		return 0;
	prog = program_id((__u64)BPF_CORE_READ(task, mm, exe_file), slot);
	*word = REC_W(slot, prog);
	live_add(slot, *word);
	look_again();
	ev = event_get(REC_EV_JOINED, slot, task, prog);
	if (ev)
		bpf_ringbuf_submit(ev, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
