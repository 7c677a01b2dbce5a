/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Watching: operations of an io_uring, as the system calls that they stand for. A request is looked
 * at twice: when it is submitted, for names and addresses that the kernel has copied and lets go of
 * before the end; and when it is complete, for the result and the file. In between it may be
 * carried out by other threads of its process.
 *
 * There are 512 bytes of stack for a program with all that it calls: hence many functions of their
 * own, one behind the other.
 */
#ifndef BPF_WATCH_URING_H
#define BPF_WATCH_URING_H

#include "watch_kill.h"
#include "watch_uring_args.h"

/* The file that is in a place of the ring's own table. */
static __always_inline void *file_in_slot(void *ring, __u32 slot)
{
	struct io_file_table___6_1 *old = NULL;
	__u32 table = bpf_core_field_offset(struct io_ring_ctx, file_table), n = 0;
	__u64 at = 0, file = 0;

	if (bpf_core_field_exists(old->files)) {
		bpf_probe_read_kernel(
			&at, sizeof(at),
			ring + table + bpf_core_field_offset(struct io_file_table___6_1, files));
		OF(n, io_ring_ctx, ring, nr_user_files);
		if (at && slot < n)
			bpf_probe_read_kernel(&file, sizeof(file),
					      (void *)at + slot * (__u64)bpf_core_type_size(
									  struct io_fixed_file));
	} else {
		NUMBER_OF(at, io_ring_ctx, ring, file_table.data.nodes);
		OF(n, io_ring_ctx, ring, file_table.data.nr);
		if (at && slot < n)
			bpf_probe_read_kernel(&at, sizeof(at), (void *)at + slot * 8ull);
		else
			at = 0;
		if (at)
			OF(file, io_rsrc_node, at, file_ptr);
	}
	return (void *)(file & ~7ull); /* the lower bits say something else */
}

/* Who submitted it; NULL: it is not there any more. */
static __always_inline struct task_struct *submitter(__u64 raw)
{
	struct io_kiocb___6_12 *old = (void *)raw;
	struct io_kiocb *req = (void *)raw;

	return bpf_core_field_exists(req->tctx) ? BPF_CORE_READ(req, tctx, task)
						: BPF_CORE_READ(old, task);
}

/* Whether the current task submitted it. Often so: then nothing has to be looked up. */
static __always_inline bool is_own(struct task_struct *task, __u64 raw)
{
	struct io_kiocb *req = (void *)raw;
	struct io_uring_task *tctx;
	struct task_struct *other;

	if (bpf_core_field_exists(req->tctx)) {
		OF(tctx, io_kiocb, raw, tctx);
		return tctx && tctx == GET(task, io_uring);
	}
	OF(other, io_kiocb___6_12, raw, task);
	return other == task;
}

/* Where the texts and addresses stand: in the order of the arguments that they are. */
static __always_inline void place_names(struct build *b, const volatile struct watch_spec *spec,
					struct uring_given *g, __u64 raw)
{
	__u32 n = 0;

	for (__u32 i = 0; i < WATCH_ARGS; i++) {
		__u8 what = spec->arg[i];

		b->at[i] = 0;
		if (what != WATCH_A_PATH && what != WATCH_A_TEXT && what != WATCH_A_ADDR &&
		    what != WATCH_A_MSG)
			continue;
		if (n < g->names && g->len[n & 1])
			b->at[i] = (__u64)&g->name[n & 1];
		if (g->long_names >> n & 1) {
			struct uring_name_key key = { raw, n & 1 };

			b->at[i] = (__u64)bpf_map_lookup_elem(&uring_names, &key);
		}
		n++;
	}
}

/* The operation's own credentials, when it does not have those of the task. */
static __always_inline void use_creds(struct build *b, __u64 raw)
{
	const struct cred *cred = NULL;

	OF(cred, io_kiocb, raw, creds);
	if (!cred)
		return;
	b->rec.uid = BPF_CORE_READ(cred, euid.val);
	b->rec.gid = BPF_CORE_READ(cred, egid.val);
	b->rec.cap_permitted = capability_bits(cred,
					       bpf_core_field_offset(struct cred, cap_permitted));
	b->rec.cap_effective = capability_bits(cred,
					       bpf_core_field_offset(struct cred, cap_effective));
}

/* The members of begin() of another task than the current one. */
static __always_inline void use_task(struct build *b, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);

	b->rec.pid = BPF_CORE_READ(task, tgid);
	b->rec.uid = BPF_CORE_READ(cred, euid.val);
	b->rec.gid = BPF_CORE_READ(cred, egid.val);
	b->rec.cap_permitted = capability_bits(cred,
					       bpf_core_field_offset(struct cred, cap_permitted));
	b->rec.cap_effective = capability_bits(cred,
					       bpf_core_field_offset(struct cred, cap_effective));
	b->rec.start = BPF_CORE_READ(task, group_leader, start_boottime);
	b->rec.loginuid = ~0u;
	if (bpf_core_field_exists(task->loginuid))
		b->rec.loginuid = BPF_CORE_READ(task, loginuid.val);
	b->rec.tty = 0;
	if (tty) {
		__u32 minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);

		b->rec.tty = (minor & 0xff) | BPF_CORE_READ(tty, driver, major) << 8 |
			     (minor & ~0xffu) << 12;
	}
	b->rec.vpid = nr_in_namespace(BPF_CORE_READ(task, group_leader, thread_pid));
}

/* The program's name, not that of a thread that the kernel made for it. Returns the task's flags.
 */
static __always_inline __u32 name_program(struct build *b, struct task_struct *task)
{
	__u32 flags = BPF_CORE_READ(task, flags);

	if (flags & PF_IO_WORKER)
		task = BPF_CORE_READ(task, group_leader);
	BPF_CORE_READ_INTO(&b->rec.comm, task, comm);
	return flags;
}

/* Who it was: also when a thread that the kernel made, or another process, came to its end. */
static __always_inline void name_submitter(struct build *b, struct task_struct *task, __u64 raw)
{
	struct task_struct *owner = raw ? submitter(raw) : NULL, *named;
	__u32 flags, own;

	named = owner ? owner : task;
	if (b->kept == KEPT_BY_OTHERS && owner)
		use_task(b, owner);
	b->rec.tid = BPF_CORE_READ(named, pid);
	own = name_program(b, named);
	if (own & PF_IO_WORKER)
		b->rec.uring |= WATCH_URING_POLLED;
	if (GET(task, flags) & PF_IO_WORKER && !(own & PF_IO_WORKER))
		b->rec.uring |= WATCH_URING_ASYNC;
	if (!raw)
		return;
	OF(flags, io_kiocb, raw, flags);
	if (flags & uring_creds)
		use_creds(b, raw);
}

/* In `how` of uring_event(): what it was given stands in uring_kept, not in given_room(). */
#define HOW_KEPT (1u << 31)

static __always_inline struct uring_given *given_by(__u32 how, __u64 raw)
{
	return how & HOW_KEPT ? bpf_map_lookup_elem(&uring_kept, &raw) : given_room();
}

/* The file that came of it, by descriptor or place; 0: none, or it is not known. */
static __always_inline __u64 file_made(const struct build *b, __u64 ring, __u32 slot, int ret)
{
	if (slot)
		return (__u64)file_in_slot((void *)ring, slot == SLOT_ALLOC ? ret : slot - 1);
	return b->kept == KEPT_TEXTS ? (__u64)file_of_fd(ret) : 0;
}

/* Whether somebody asks for an operation that has its result; prepares what is told of it. */
__noinline int uring_judge(__u64 ring, __u64 raw, __u32 nr, int ret, __u32 how)
{
	struct task_struct *task = current_task(), *owner;
	__u8 s = spec_of[nr & (WATCH_NRS - 1)];
	const volatile struct watch_spec *spec = &specs[s];
	struct uring_given *g = given_by(how, raw);
	struct build *b = build_get();
	__u32 hold;

	if (!s || !b || !g)
		return 0;
	hold = spec->by_failed[ret < 0];
	if (!g->contained)
		hold &= ~(__u32)spec->containers;
	if (spec->clauses && !hold && !want_drift)
		return 0;
	owner = raw && !is_own(task, raw) ? submitter(raw) : NULL;
	b->kept = owner && BPF_CORE_READ(owner, tgid) != GET(task, tgid) ? KEPT_BY_OTHERS
									 : KEPT_TEXTS;
	b->narrow = spec->arg[1] == WATCH_A_MSG && is_narrow(task);
	__builtin_memcpy(b->rec.arg, g->arg, sizeof(b->rec.arg));
	b->rec.ret = ret;
	b->data = g->data;
	b->data_len = g->data_len;
	b->addr_len = g->len[0];
	place_names(b, spec, g, raw);
	b->file = b->opened = 0;
	if (raw && spec->arg[0] == WATCH_A_FD)
		NUMBER_OF(b->file, io_kiocb, raw, file);
	if (spec->ret_fd && ret >= 0 && !(how & WATCH_URING_UNTOLD))
		b->opened = file_made(b, ring, g->slot, ret);
	if (spec->comms)
		name_program(b, owner ? owner : task);
	if (spec->clauses ? hold && is_wanted(task, b, s, hold)
			  : !(spec->drift & WATCH_DRIFT_ALONE))
		return 1;
	return want_drift && drift_wants(s, nr);
}

__noinline int uring_begin(__u64 raw, __u32 nr, __u32 how)
{
	struct task_struct *task = current_task();
	struct uring_given *g = given_by(how, raw);
	struct build *b = build_get();

	if (!b || !g)
		return 0;
	begin(b, WATCH_CALL, task);
	b->rec.nr = nr;
	b->rec.uring = WATCH_URING | (how & ~HOW_KEPT);
	if (g->direct || g->slot)
		b->rec.uring |= WATCH_URING_DIRECT;
	name_submitter(b, task, raw);
	return 0;
}

__noinline int uring_parts(__u32 nr, int ret)
{
	struct build *b = build_get();

	if (b)
		add_parts(current_task(), b, &specs[spec_of[nr & (WATCH_NRS - 1)]], ret);
	return 0;
}

/* `raw`: the request; 0: not known. */
__noinline int uring_event(__u64 ring, __u64 raw, __u32 nr, int ret, __u32 how)
{
	struct build *b;

	if (!uring_judge(ring, raw, nr, ret, how)) {
		b = build_get();
		if (b)
			b->kept = KEPT_NOTHING;
		return 0;
	}
	uring_begin(raw, nr, how);
	uring_parts(nr, ret);
	b = build_get();
	if (!b)
		return 0;
	if (want_kill && b->kept != KEPT_BY_OTHERS)
		kill_if_asked();
	b->kept = KEPT_NOTHING;
	return submit(b);
}

/* ---- submission */

/* 0: nobody asks for the operation; else the number of its call, plus one. */
static __always_inline __u32 call_of(__u64 raw, __u32 *op)
{
	__u8 v;

	OF(v, io_kiocb, raw, opcode);
	*op = v;
	return v < WATCH_URING_OPS ? uring_call[v & (WATCH_URING_OPS - 1)] : 0;
}

/* A name that does not fit. */
static __always_inline void keep_long_name(struct uring_given *g, __u64 raw, const void *filename,
					   __u32 which)
{
	struct uring_name_key key = { raw, which };
	struct build *b = build_get();
	const char *name;

	if (!b)
		return;
	OF(name, filename, filename, name);
	if (bpf_probe_read_kernel_str(b->text, WALK_MAX, name) > 0 &&
	    !bpf_map_update_elem(&uring_names, &key, b->text, BPF_ANY))
		g->long_names |= 1u << which;
}

__noinline int uring_keep_long_names(__u64 raw, __u32 op)
{
	struct filename *name[URING_NAMES] = {};
	struct uring_given *g = given_room();

	if (op == URING_OPENAT || op == URING_OPENAT2) {
		NAME_OF(name[0], io_open, raw, filename);
	} else if (op == URING_UNLINKAT) {
		NAME_OF(name[0], io_unlink, raw, filename);
	} else if (op == URING_MKDIRAT) {
		NAME_OF(name[0], io_mkdir, raw, filename);
	} else if (op == URING_RENAMEAT) {
		NAME_OF(name[0], io_rename, raw, oldpath);
		NAME_OF(name[1], io_rename, raw, newpath);
	} else if (op == URING_LINKAT || op == URING_SYMLINKAT) {
		NAME_OF(name[0], io_link, raw, oldpath);
		NAME_OF(name[1], io_link, raw, newpath);
	}
	for (__u32 i = 0; g && i < URING_NAMES; i++)
		if (name[i] && g->len[i] == URING_NAME - 1)
			keep_long_name(g, raw, name[i], i);
	return 0;
}

/*
 * The request that this ring completed last and did not tell the caller of yet: what it opened has
 * to be looked at before the one that is submitted now can close it. 0: none.
 */
__noinline __u64 uring_untold(__u64 ring)
{
	struct io_wq_work_node *first = NULL;
	struct uring_given *g;
	__u64 last = 0;
	__u32 op;

	OF(first, io_ring_ctx, ring, submit_state.compl_reqs.first);
	if (!first)
		return 0;
	NUMBER_OF(last, io_ring_ctx, ring, submit_state.compl_reqs.last);
	last -= bpf_core_field_offset(struct io_kiocb, comp_list);
	if (!call_of(last, &op) || !((BIT_OF(OPENAT) | BIT_OF(OPENAT2)) >> op & 1))
		return 0;
	g = bpf_map_lookup_elem(&uring_kept, &last);
	if (!g || g->told)
		return 0;
	g->told = 1;
	return last;
}

static __always_inline void tell_untold(__u64 ring)
{
	__u64 last = uring_untold(ring);
	__u32 op, nr;
	__s32 res;

	if (!last)
		return;
	nr = call_of(last, &op);
	OF(res, io_kiocb, last, cqe.res);
	uring_event(ring, last, nr - 1, res, HOW_KEPT);
}

/* Whether any clause may hold, whatever comes of it. */
static __always_inline bool may_matter(const struct uring_given *g,
				       const volatile struct watch_spec *spec)
{
	__u32 hold = spec->by_failed[0] | spec->by_failed[1];

	if (!g->contained)
		hold &= ~(__u32)spec->containers;
	return !spec->clauses || hold || want_drift;
}

__noinline int uring_keep_shot(__u64 ring, __u64 raw, __u32 op)
{
	struct uring_given *g = given_room();
	struct uring_shot_key key = { ring };
	struct uring_shot shot = {};

	if (!g)
		return 0;
	shot = (struct uring_shot){ g->arg[0], g->contained, op, g->slot, g->arg[3] };
	NUMBER_OF(key.user_data, io_kiocb, raw, cqe.user_data);
	bpf_map_update_elem(&uring_shots, &key, &shot, BPF_ANY);
	return 0;
}

/* Keeps what it was given until it has a result. 1: it is told at once, since nobody will say. */
__noinline int uring_keep(__u64 ring, __u64 raw, __u32 op, __u32 nr)
{
	struct task_struct *task = current_task();
	const volatile struct watch_spec *spec = &specs[spec_of[nr & (WATCH_NRS - 1)]];
	struct uring_given *g = given_room();
	struct uring_fd kept;
	__u32 flags;

	if (!g)
		return 0;
	OF(flags, io_kiocb, raw, flags);
	kept.fd = g->arg[0];
	if (has_descriptor(op)) {
		OF(kept.fd, io_kiocb, raw, cqe.fd);
		g->arg[0] = (__s64)kept.fd;
		g->direct = flags & REQUEST_FIXED_FILE;
	}
	g->contained = kept.contained = spec->containers && maybe_in_container(task);
	if (!may_matter(g, spec))
		return 0;
	g->told = !!(flags & REQUEST_NO_CQE);
	if (op == URING_ACCEPT && flags & uring_again)
		uring_keep_shot(ring, raw, op);
	if (!g->names) {
		bpf_map_update_elem(&uring_fds, &raw, &kept, BPF_ANY);
		return g->told;
	}
	if (g->len[0] == URING_NAME - 1 || g->len[1] == URING_NAME - 1)
		uring_keep_long_names(raw, op);
	if (bpf_map_update_elem(&uring_kept, &raw, g, BPF_ANY))
		count_missed(nr);
	return g->told;
}

/* The arguments of these tracepoints differ from kernel to kernel: read as numbers. */
SEC("tp_btf/io_uring_submit_req")
int on_uring_submit(__u64 *ctx)
{
	struct task_struct *task = current_task();
	__u64 a[2] = {}, raw, ring = 0;
	__u32 nr, op;

	if ((__u32)GET(task, tgid) == self)
		return 0;
	bpf_probe_read_kernel(a, sizeof(a), ctx);
	raw = a[uring_submit_at & 1];
	NUMBER_OF(ring, io_kiocb, raw, ctx);
	tell_untold(ring);
	nr = call_of(raw, &op);
	if (!nr)
		return 0;
	uring_read(raw, op);
	if (uring_keep(ring, raw, op, nr - 1))
		uring_event(ring, raw, nr - 1, 0, WATCH_URING_UNTOLD);
	return 0;
}

/* ---- completion */

/* One of many completions of a request. Returns the number of its call, plus one. */
__noinline __u32 uring_again_by(__u64 ring, __u64 user_data)
{
	struct uring_shot_key key = { ring, user_data };
	struct uring_shot *shot = bpf_map_lookup_elem(&uring_shots, &key);
	struct uring_given *g = given_room();

	if (!shot || !g)
		return 0;
	__builtin_memset(g, 0, offsetof(struct uring_given, name));
	g->arg[0] = (__s64)shot->fd;
	g->arg[3] = shot->flags;
	g->slot = shot->slot;
	g->contained = shot->contained;
	return uring_call[shot->op & (WATCH_URING_OPS - 1)];
}

/* Lets go of what was kept. */
__noinline int uring_forget(__u64 raw)
{
	struct uring_given *g = bpf_map_lookup_elem(&uring_kept, &raw);
	__u32 names = g ? g->long_names : 0;

	for (__u32 i = 0; i < URING_NAMES; i++) {
		struct uring_name_key key = { raw, i };

		if (names >> i & 1)
			bpf_map_delete_elem(&uring_names, &key);
	}
	bpf_map_delete_elem(&uring_kept, &raw);
	return 0;
}

/* Of a request without names: what it was given is still there. */
__noinline int uring_read_again(__u64 raw, __u32 op, __u32 nr)
{
	const volatile struct watch_spec *spec = &specs[spec_of[nr & (WATCH_NRS - 1)]];
	struct uring_fd *kept = bpf_map_lookup_elem(&uring_fds, &raw);
	struct uring_given *g = given_room();
	__u32 flags;

	if (!g)
		return 0;
	uring_read(raw, op);
	g->names = 0;
	if (has_descriptor(op)) {
		OF(flags, io_kiocb, raw, flags);
		g->arg[0] = kept ? (__s64)kept->fd : -1;
		g->direct = flags & REQUEST_FIXED_FILE;
	}
	if (kept)
		g->contained = kept->contained;
	else
		g->contained = spec->containers && maybe_in_container(current_task());
	bpf_map_delete_elem(&uring_fds, &raw);
	return 0;
}

/* Of one that was submitted before all were seen, or of which too many were kept: no names. */
__noinline int uring_miss(__u32 nr)
{
	const volatile struct watch_spec *spec = &specs[spec_of[nr & (WATCH_NRS - 1)]];
	struct task_struct *task = current_task();
	struct uring_given *g = given_room();

	if (!g)
		return 0;
	__builtin_memset(g, 0, offsetof(struct uring_given, name));
	g->arg[0] = -1;
	g->contained = spec->containers && maybe_in_container(task);
	if (may_matter(g, spec) && uring_from && bpf_ktime_get_boot_ns() > uring_from)
		count_missed(nr);
	return 0;
}

static __always_inline int completed(__u64 ring, __u64 raw)
{
	struct task_struct *task = current_task();
	struct uring_given *g;
	__u32 nr, op;
	__s32 res;

	nr = call_of(raw, &op);
	if (!nr || (__u32)GET(task, tgid) == self)
		return 0;
	OF(res, io_kiocb, raw, cqe.res);
	g = bpf_map_lookup_elem(&uring_kept, &raw);
	if (g) {
		if (!g->told)
			uring_event(ring, raw, nr - 1, res, HOW_KEPT);
		return uring_forget(raw);
	}
	if (URING_NAMED >> op & 1)
		uring_miss(nr - 1);
	else
		uring_read_again(raw, op, nr - 1);
	return uring_event(ring, raw, nr - 1, res, 0);
}

SEC("tp_btf/io_uring_complete")
int on_uring_complete(__u64 *ctx)
{
	__u64 a[4] = {}; /* ring, request, and what is said of it */
	__s32 res;
	__u32 nr;

	bpf_probe_read_kernel(a, sizeof(a), ctx);
	if (a[1])
		return completed(a[0], a[1]);
	res = a[3];
	if (uring_by_cqe) {
		OF(res, io_uring_cqe, a[2], res);
		OF(a[2], io_uring_cqe, a[2], user_data);
	}
	nr = uring_again_by(a[0], a[2]);
	return nr ? uring_event(a[0], 0, nr - 1, res, 0) : 0;
}

#endif
