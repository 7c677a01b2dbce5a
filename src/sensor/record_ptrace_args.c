#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "sensor/exe.h"
#include "sensor/record_ptrace_private.h"

/* F_SETLK64 and F_SETLKW64 of i386, F_OFD_SETLK and F_OFD_SETLKW: fcntl(2), <asm/fcntl.h>. */
enum { I386_SETLK64 = 13, I386_SETLKW64 = 14, OFD_SETLK = 37, OFD_SETLKW = 38 };

/* Interpreters that are scripts themselves: the kernel follows no more (exec_binprm). */
enum { MAX_SCRIPTS = 5 };

/* The calls behind socketcall(2), by its first argument: SYS_* of <linux/net.h>. */
static const char *const socketcalls[] = {
	[1] = "socket",	 [2] = "bind",	    [3] = "connect",  [4] = "listen",	[5] = "accept4",
	[11] = "sendto", [12] = "recvfrom", [16] = "sendmsg", [17] = "recvmsg", [18] = "accept4",
};

void pt_calls_init(struct pt_recorder *r)
{
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		r->clone_nr[abi] = sc_nr(abi, "clone");
		r->clone3_nr[abi] = sc_nr(abi, "clone3");
		for (unsigned nr = 0; nr < PT_NR_MAX; nr++) {
			struct pt_call *c = &r->calls[abi][nr];

			c->desc = sc_by_nr(abi, nr);
			if (!c->desc)
				continue;
			c->cap = capture_by_name(c->desc->name);
			c->infer = infer_row(c->desc->name);
		}
	}
}

void pt_lost(struct pt_recorder *r, const char *what)
{
	wl_loss_add(r->w, r->source, what, 1);
}

void pt_pending_clear(struct pt_pending *p)
{
	for (unsigned i = 0; i < CAPTURE_MAX_PATHS; i++)
		free(p->path[i]);
	memset(p, 0, sizeof(*p));
}

const struct task_creds *pt_creds(struct pt_task *t)
{
	if (!t->creds_known)
		t->creds_known = !task_creds_read(t->tid, &t->creds);
	return t->creds_known ? &t->creds : NULL;
}

static int add_program(struct pt_recorder *r, const char *path)
{
	int i = wl_program_add(r->w, path);

	if (i < 0) {
		pt_lost(r, "programs");
		return -1;
	}
	wl_set_add(&r->w->programs[i].sources, (uint32_t)r->source);
	return i;
}

/* A program without a path (memfd) has "", as has one that cannot be seen. */
static int program_path(pid_t tid, struct task_path *p)
{
	int r = task_path_link(tid, "exe", p);

	if (!r && p->deleted && !strncmp(p->path, "/memfd:", 7))
		return -ENOENT;
	return r;
}

int pt_program(struct pt_recorder *r, pid_t tid)
{
	struct task_path p;

	return add_program(r, program_path(tid, &p) ? "" : p.path);
}

/* The capabilities that a call asked for: granted or refused by its result. */
static void add_caps(struct pt_recorder *r, struct pt_task *t, const char *name, uint64_t caps,
		     bool granted)
{
	const struct task_creds *c = pt_creds(t);

	for (unsigned nr = 0; c && nr < 64; nr++) {
		struct wl_cap_use *u;

		if (!(caps & INFER_CAP(nr)) || !!(c->cap_effective & INFER_CAP(nr)) != granted)
			continue;
		u = wl_cap_add(r->w, nr, granted ? WL_CAP_GRANTED : WL_CAP_REFUSED, name, "", false,
			       true);
		wl_prov_add(&u->prov, WL_PHASE_BIT(r->phase), t->program, r->source);
	}
}

static void cap_result(struct pt_recorder *r, struct pt_task *t, int64_t rval)
{
	const struct pt_pending *p = &t->pend;

	if (rval >= 0)
		add_caps(r, t, p->name, p->caps, true);
	else if (rval == -(p->call->infer ? infer_refusal(p->call->infer) : EPERM) ||
		 rval == -EACCES)
		add_caps(r, t, p->name, p->caps, false);
}

static bool is_lock(enum sc_abi abi, uint64_t cmd)
{
	cmd = (uint32_t)cmd;
	return cmd == F_SETLK || cmd == F_SETLKW || cmd == OFD_SETLK || cmd == OFD_SETLKW ||
	       (abi == SC_I386 && (cmd == I386_SETLK64 || cmd == I386_SETLKW64));
}

/* Which capabilities the call is about to ask for. */
static void infer_entry(struct pt_task *t, enum sc_abi abi, const struct task_path *path)
{
	struct pt_pending *p = &t->pend;
	struct infer_call c = { .tid = t->tid,
				.abi = abi,
				.desc = p->call->desc,
				.args = p->args,
				.creds = pt_creds(t),
				.path = path };

	if (c.creds)
		p->caps |= infer_needed(p->call->infer, &c);
	if (p->caps || infer_changes_creds(p->call->infer))
		t->want_exit = true;
}

/* The call behind socketcall(2), with its arguments; NULL for those of no interest. */
static const struct pt_call *socketcall_target(struct pt_recorder *r, struct pt_task *t,
					       uint64_t args[SC_MAX_ARGS])
{
	uint32_t narrow[SC_MAX_ARGS];
	const char *name = args[0] < ARRAY_SIZE(socketcalls) ? socketcalls[args[0]] : NULL;
	int nr = name ? sc_nr(SC_I386, name) : -1;

	/* At most six words are read, of which the call has fewer; short reads mean no such call.
	 */
	memset(narrow, 0, sizeof(narrow));
	if (nr < 0 || (task_read(t->tid, args[1], narrow, sizeof(narrow)) &&
		       task_read(t->tid, args[1], narrow, 2 * sizeof(*narrow))))
		return NULL;
	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		args[i] = narrow[i];
	return &r->calls[SC_I386][nr];
}

static void record_values(struct pt_recorder *r, struct pt_task *t, struct wl_syscall *s,
			  const struct capture *cap, const uint64_t *args)
{
	enum sc_abi abi = s->abi;
	uint64_t value[WL_MAX_ARGS];
	struct wl_call *call;
	unsigned n;

	sc_args(s->desc, abi, &n);
	for (unsigned i = 0; i < cap->args_n; i++) {
		uint64_t raw = args[cap->arg[i]];

		if (cap->arg[i] >= n)
			return;
		if (cap->kind == CAPTURE_CLONE3 && task_read(t->tid, args[0], &raw, sizeof(raw)))
			return;
		value[i] = capture_value(cap, s->desc, abi, i, raw);
	}
	if (s->calls_n >= PT_MAX_VALUES) {
		pt_lost(r, "arguments");
		return;
	}
	call = wl_call_add(s, cap->args_n, cap->arg, value);
	wl_prov_add(&call->prov, WL_PHASE_BIT(r->phase), t->program, r->source);
}

static void mmap_entry(struct pt_recorder *r, struct pt_task *t, enum sc_abi abi,
		       struct task_path *path)
{
	struct pt_pending *p = &t->pend;
	uint32_t old[6]; /* i386's first mmap: struct mmap_arg_struct */

	if (abi == SC_I386 && !strcmp(p->call->desc->name, "mmap")) {
		if (task_read(t->tid, p->args[0], old, sizeof(old)))
			return;
		for (unsigned i = 0; i < ARRAY_SIZE(old); i++)
			p->args[i] = old[i];
	}
	if ((p->args[2] & PROT_EXEC) && !(p->args[3] & MAP_ANONYMOUS))
		pt_descriptor_access(r, t, path);
}

/* What a call of this kind leaves in the model now, or needs at its exit. */
static void kind_entry(struct pt_recorder *r, struct pt_task *t, enum sc_abi abi)
{
	struct pt_pending *p = &t->pend;
	struct task_path path = { .exists = false };

	switch (p->call->cap ? p->call->cap->kind : CAPTURE_KIND_COUNT) {
	case CAPTURE_PLAIN:
	case CAPTURE_EXEC:
		pt_paths_entry(r, t, &path);
		break;
	case CAPTURE_OPEN:
		pt_open_entry(r, t);
		break;
	case CAPTURE_MMAP:
		mmap_entry(r, t, abi, &path);
		break;
	case CAPTURE_FCNTL:
		if (is_lock(abi, p->args[1]))
			pt_descriptor_access(r, t, &path);
		break;
	case CAPTURE_FD:
		pt_descriptor_access(r, t, &path);
		break;
	case CAPTURE_BIND:
	case CAPTURE_LISTEN:
	case CAPTURE_CONNECT:
	case CAPTURE_SENDTO:
	case CAPTURE_SENDMSG:
		pt_net_entry(r, t);
		break;
	default:
		break;
	}
	if (p->call->infer)
		infer_entry(t, abi, &path);
}

int pt_abi(uint32_t audit_arch, uint64_t *nr)
{
	int abi = -1;

	switch (audit_arch) {
	case AUDIT_ARCH_X86_64:
		abi = *nr & SC_X32_BIT ? SC_X32 : SC_X86_64;
		break;
	case AUDIT_ARCH_I386:
		abi = SC_I386;
		break;
	case AUDIT_ARCH_AARCH64:
		abi = SC_AARCH64;
		break;
	}
	if (abi == SC_X32)
		*nr &= ~(uint64_t)SC_X32_BIT;
	return *nr < PT_NR_MAX ? abi : -1;
}

void pt_entry(struct pt_recorder *r, struct pt_task *t, enum sc_abi abi, uint32_t nr,
	      const uint64_t *args)
{
	const struct pt_call *call = &r->calls[abi][nr], *target = call;
	struct pt_pending *p = &t->pend;
	struct wl_syscall *s;

	pt_pending_clear(p);
	t->want_exit = false;
	memcpy(p->args, args, sizeof(p->args));
	if (abi == SC_I386 && call->desc && !strcmp(call->desc->name, "socketcall"))
		target = socketcall_target(r, t, p->args);
	if (r->listening && target && target->cap && target->cap->kind == CAPTURE_WAIT)
		r->phase = WL_SERVING;
	s = wl_syscall_add(r->w, abi, nr);
	wl_prov_add(&s->prov, WL_PHASE_BIT(r->phase), t->program, r->source);
	if (call->cap && call->cap->args_n)
		record_values(r, t, s, call->cap, args);
	if (!target || !(target->cap || target->infer))
		return;
	p->call = target;
	p->name = call->desc->name;
	p->narrow = abi == SC_I386 || abi == SC_X32;
	kind_entry(r, t, abi);
	if (!t->want_exit)
		pt_pending_clear(p);
}

void pt_exit(struct pt_recorder *r, struct pt_task *t, int64_t rval)
{
	const struct pt_call *call = t->pend.call;

	t->want_exit = false;
	if (!call)
		return;
	switch (call->cap ? call->cap->kind : CAPTURE_KIND_COUNT) {
	case CAPTURE_OPEN:
		pt_open_exit(r, t, rval);
		break;
	case CAPTURE_EXEC: /* success came as pt_exec() */
		if (rval < 0)
			pt_paths_exit(r, t, rval);
		break;
	case CAPTURE_PLAIN:
		pt_paths_exit(r, t, rval);
		break;
	case CAPTURE_BIND:
	case CAPTURE_LISTEN:
	case CAPTURE_CONNECT:
		pt_net_exit(r, t, rval);
		break;
	default:
		break;
	}
	cap_result(r, t, rval);
	if (call->infer && infer_changes_creds(call->infer))
		t->creds_known = false;
	pt_pending_clear(&t->pend);
}

/* The program's ELF interpreter, which is opened and mapped by the kernel. */
static void add_interpreter(struct pt_recorder *r, struct pt_task *t, int root, const char *exe)
{
	struct exe_info info;
	struct task_path at;

	if (exe_describe(root, exe, &info) || info.kind != EXE_ELF || !info.interpreter[0])
		return;
	if (task_path_resolve(t->tid, AT_FDCWD, info.interpreter, true, &at))
		return;
	if (t->program >= 0)
		r->w->programs[t->program].interpreter = wl_string(r->w, at.path);
	pt_add_file(r, t, at.path, false, WL_F_READ | WL_F_MAP);
}

/* From the file that was asked for to the one that runs: scripts, whose interpreters may be such.
 */
static void add_scripts(struct pt_recorder *r, struct pt_task *t, int root, const char *asked,
			const char *exe)
{
	struct task_path at;
	struct exe_info info;

	snprintf(at.path, sizeof(at.path), "%s", asked);
	for (unsigned i = 0; i < MAX_SCRIPTS && strcmp(at.path, exe) != 0; i++) {
		int err = exe_describe(root, at.path, &info);

		/* One that may be executed but not read is a script all the same. */
		if (err != -EACCES && (err || info.kind != EXE_SCRIPT))
			return;
		pt_add_file(r, t, at.path, false, WL_F_EXEC | WL_F_READ);
		if (err || task_path_resolve(t->tid, AT_FDCWD, info.interpreter, true, &at))
			return;
	}
}

void pt_exec(struct pt_recorder *r, struct pt_task *t, struct pt_pending *exec)
{
	int parent = t->quiet ? -1 : t->program;
	cleanup_close int root = task_root(t->tid);
	struct task_path exe;

	t->creds_known = false;
	if (program_path(t->tid, &exe)) {
		t->program = add_program(r, "");
	} else {
		t->program = add_program(r, exe.path);
		pt_add_file(r, t, exe.path, false, WL_F_EXEC | WL_F_READ | WL_F_MAP);
		add_interpreter(r, t, root, exe.path);
		if (exec->path[0])
			add_scripts(r, t, root, exec->path[0], exe.path);
	}
	if (parent >= 0 && t->program >= 0)
		wl_set_add(&r->w->programs[t->program].parents, (uint32_t)parent);
}
