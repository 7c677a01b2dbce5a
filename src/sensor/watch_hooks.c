#include "sensor/watch_hooks.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "bpf/attach.h"
#include "sensor/watch_narrow.h"
#include "sensor/watch_symbols.h"

/* ---- functions */

static bool is_function_of_a_call(const char *name)
{
	static const char *const prefixes[] = { "__x64_sys_", "__ia32_", "__do_sys_",
						"__arm64_sys_" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* A function that programs are attached to for a call; more than one call may name it. */
static void name_functions(struct watch_hooks_state *h, const struct want *want)
{
	struct watch_function v[WATCH_FUNCTIONS_MAX];
	size_t n = watch_functions(want->call, v);

	for (size_t i = 0; i < n; i++) {
		struct hook *hook = vec_push(h->hooks, h->hooks_n, h->hooks_cap);

		*hook = (struct hook){
			.nr = (uint16_t)want->nr, .choice = v[i].choice, .prog = -1, .link = -1
		};
		memcpy(hook->name, v[i].name, sizeof(hook->name));
	}
}

/* What functions of this type have for their only argument, as a pointer; NULL: they do not. */
static const struct btf_type *argument_of(const struct btf *btf, uint32_t type)
{
	const struct btf_type *t = btf__type_by_id(btf, type);

	if (btf_vlen(t) != 1)
		return NULL;
	t = btf__type_by_id(btf, btf_params(t)->type);
	if (!btf_is_ptr(t))
		return NULL;
	for (t = btf__type_by_id(btf, t->type); btf_is_mod(t);)
		t = btf__type_by_id(btf, t->type);
	return t;
}

/* Whether that is the caller's registers. */
static bool takes_registers(const struct btf *btf, uint32_t type)
{
	const struct btf_type *t = argument_of(btf, type);

	return t && (btf_is_struct(t) || btf_is_fwd(t)) &&
	       !strcmp(btf__name_by_offset(btf, t->name_off), "pt_regs");
}

/* What the kernel's types say of all that are named. Of two with one name the first counts. */
static void find_functions(struct watch_hooks_state *h, const struct btf *btf)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name;

		if (btf_kind(t) != BTF_KIND_FUNC)
			continue;
		name = btf__name_by_offset(btf, t->name_off);
		for (size_t i = 0; is_function_of_a_call(name) && i < h->hooks_n; i++)
			if (!h->hooks[i].id && !strcmp(h->hooks[i].name, name) &&
			    takes_registers(btf, t->type)) {
				h->hooks[i].id = id;
				h->hooks[i].type = t->type;
			}
	}
}

static bool is_chosen(const struct watch_hooks_state *h, uint32_t id)
{
	for (size_t i = 0; i < h->hooks_n; i++)
		if (h->hooks[i].chosen && h->hooks[i].id == id)
			return true;
	return false;
}

/* Leaves those that are to be attached: of each choice the first, each function once. */
static void keep_chosen(struct watch_hooks_state *h)
{
	const struct hook *last = NULL; /* that the kernel has */
	size_t kept = 0;

	for (size_t i = 0; i < h->hooks_n; i++) {
		struct hook *hook = &h->hooks[i];

		if (!hook->id)
			continue;
		if (!last || last->nr != hook->nr || last->choice != hook->choice)
			hook->chosen = !is_chosen(h, hook->id);
		last = hook;
	}
	for (size_t i = 0; i < h->hooks_n; i++)
		if (h->hooks[i].chosen)
			h->hooks[kept++] = h->hooks[i];
	h->hooks_n = kept;
}

/* Which of the types of functions (watch_hooks.h in bpf/) it has, or -1: there is no room. */
static int group_of(struct watch_hooks_state *h, uint32_t type)
{
	for (int i = 0; i < WATCH_HOOK_TYPES; i++) {
		if (!h->types[i])
			h->types[i] = type;
		if (h->types[i] == type)
			return i;
	}
	return -1;
}

static unsigned parameters_of(const struct btf *btf, const char *function)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);

	return t ? btf_vlen(btf__type_by_id(btf, t->type)) : 0;
}

/* The programs for one type of functions. */
struct hook_programs {
	struct bpf_program *on, *at; /* at_return_* hands on to on_return_* */
	struct bpf_map *tail;
};

static struct hook_programs programs_of(const struct watch *w, int type)
{
	struct watch_bpf_prog *s = w->skel;
	const struct hook_programs all[WATCH_HOOK_TYPES] = {
		{ s->progs.on_return_0, s->progs.at_return_0, s->maps.returns_0 },
		{ s->progs.on_return_1, s->progs.at_return_1, s->maps.returns_1 },
		{ s->progs.on_return_2, s->progs.at_return_2, s->maps.returns_2 },
	};

	return all[type];
}

/* ---- before the programs are loaded */

static void set_target(struct bpf_program *prog, const char *function)
{
	bpf_program__set_autoload(prog, true);
	bpf_program__set_attach_target(prog, 0, function);
}

static bool wants_failures(const struct want *want)
{
	return !want->spec.clauses || want->spec.by_failed[1];
}

static bool wants_any(const struct watch *w, bool (*is)(const struct want *want))
{
	for (size_t i = 0; i < w->wants_n; i++)
		if (is(&w->wants[i]))
			return true;
	return false;
}

static bool returns_twice(const struct want *want)
{
	static const char *const calls[] = { "clone", "clone3", "fork", "vfork" };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (!strcmp(want->call, calls[i]))
			return true;
	return false;
}

/* The programs at functions: which, and for which function the kernel is to check each. */
static void use_functions(struct watch *w, const struct btf *btf)
{
	struct watch_hooks_state *h = &w->hooks;
	struct watch_bpf_prog__rodata *ro = w->skel->rodata;
	bool used[WATCH_HOOK_TYPES] = { false };

	for (size_t i = 0; i < h->hooks_n; i++) {
		int group = group_of(h, h->hooks[i].type);

		h->hooks[i].group = group;
		if (group < 0 || used[group])
			continue;
		used[group] = true;
		((uint8_t *)ro->untyped_registers)[group] =
			btf_is_fwd(argument_of(btf, h->types[group]));
		set_target(programs_of(w, group).on, h->hooks[i].name);
		set_target(programs_of(w, group).at, h->hooks[i].name);
	}
	*(uint8_t *)&ro->filter_args = (uint8_t)parameters_of(btf, "__secure_computing");
	bpf_program__set_autoload(w->skel->progs.on_refused,
				  !w->o.no_refused && wants_any(w, wants_failures));
	bpf_program__set_autoload(w->skel->progs.on_child, wants_any(w, returns_twice));
}

static bool has_narrow_programs(void)
{
#ifdef __x86_64__
	return true;
#else
	return false; /* there is no table of their calls */
#endif
}

/* Whether the events of calls tell of a child's return from fork(2) and its like too. */
static bool events_tell_of_children(void)
{
#ifdef __x86_64__
	return true;
#else
	return false; /* ret_from_fork, arch/arm64/kernel/entry.S: not by the exit from calls */
#endif
}

static void set_tables(struct watch *w)
{
	struct watch_bpf_prog__rodata *ro = w->skel->rodata;
	struct watch_compat_tables *t = xcalloc(1, sizeof(*t));

	watch_compat_tables(t);
	memcpy((void *)ro->compat_of, t->of, sizeof(t->of));
	memcpy((void *)ro->socketcall_of, t->socketcall, sizeof(t->socketcall));
	free(t);
}

/* Whether programs are attached to functions; asked for and not possible: an error. */
static int choose(struct watch *w, struct err *e)
{
	enum watch_hooks asked = w->o.hooks;
	char why[160] = "";

	w->hooks.used = asked != WATCH_TRACEPOINT && attach_has_call_events() ? WATCH_TRACEPOINTS
									      : WATCH_TRACEPOINT;
	if (!w->wants_n || asked == WATCH_TRACEPOINTS || asked == WATCH_TRACEPOINT)
		return 0;
	if (attach_to_calls(why, sizeof(why)))
		w->hooks.used = WATCH_FUNCTIONS;
	else if (asked == WATCH_FUNCTIONS)
		return err_set(e, EOPNOTSUPP, "cannot hook system calls at functions: %s", why);
	return 0;
}

int watch_hooks_plan(struct watch *w, struct err *e)
{
	struct watch_hooks_state *h = &w->hooks;
	struct btf *btf;

	for (int i = 0; i < WATCH_HOOK_TYPES; i++) {
		const struct hook_programs p = programs_of(w, i);

		bpf_program__set_autoload(p.on, false);
		bpf_program__set_autoload(p.at, false);
		bpf_program__set_autoattach(p.on, false);
		bpf_program__set_autoattach(p.at, false);
	}
	bpf_program__set_autoload(w->skel->progs.on_refused, false);
	bpf_program__set_autoload(w->skel->progs.on_child, false);
	bpf_program__set_autoload(w->skel->progs.on_child_probe, false);
	if (choose(w, e) < 0)
		return -EOPNOTSUPP;
	btf = h->used == WATCH_FUNCTIONS ? btf__load_vmlinux_btf() : NULL;
	if (btf) {
		for (size_t i = 0; i < w->wants_n; i++)
			name_functions(h, &w->wants[i]);
		find_functions(h, btf);
		keep_chosen(h);
		use_functions(w, btf);
		h->preempted = attach_preemption() != ATTACH_NOT_PREEMPTED;
	}
	btf__free(btf);
	bpf_program__set_autoload(w->skel->progs.on_child_probe,
				  h->used != WATCH_FUNCTIONS && !events_tell_of_children() &&
					  attach_has_kprobe("schedule_tail") &&
					  wants_any(w, returns_twice));
	set_tables(w);
	watch_narrow_plan(w, w->wants_n && h->used != WATCH_FUNCTIONS && has_narrow_programs());
	*(uint8_t *)&w->skel->rodata->preempted = h->preempted;
	bpf_map__set_max_entries(w->skel->maps.builds, h->preempted ? 2 : 1);
	bpf_program__set_autoload(w->skel->progs.on_call,
				  h->used != WATCH_TRACEPOINT && attach_has_call_events());
	bpf_program__set_autoload(w->skel->progs.on_any_call,
				  w->wants_n && h->used == WATCH_TRACEPOINT);
	bpf_program__set_autoattach(w->skel->progs.on_call, false);
	return 0;
}

/* ---- attaching */

static int attach_event(struct watch *w, const struct want *want, struct err *e)
{
	struct bpf_link *link;
	char event[64];

	snprintf(event, sizeof(event), "sys_exit_%s", watch_symbol(want->call));
	link = bpf_program__attach_tracepoint(w->skel->progs.on_call, "syscalls", event);
	if (!link && errno == ENOENT)
		return 0; /* a call that this kernel was built without */
	if (!link)
		return err_errno(e, EOPNOTSUPP, "cannot attach to syscalls:%s", event);
	*vec_push(w->links, w->links_n, w->links_cap) = link;
	return 0;
}

/* The beginning of a call that is given a name or an address. */
static int attach_beginning(struct watch *w, const struct want *want, struct err *e)
{
	struct bpf_link *link;
	char event[64];
	bool any = false;

	for (unsigned i = 0; i < WATCH_ARGS; i++)
		any |= want->spec.arg[i] == WATCH_A_PATH || want->spec.arg[i] == WATCH_A_ADDR;
	if (!any)
		return 0;
	snprintf(event, sizeof(event), "sys_enter_%s", watch_symbol(want->call));
	link = bpf_program__attach_tracepoint(w->skel->progs.on_given, "syscalls", event);
	if (!link)
		return errno == ENOENT
			       ? 0
			       : err_errno(e, EOPNOTSUPP, "cannot attach to syscalls:%s", event);
	*vec_push(w->links, w->links_n, w->links_cap) = link;
	return 0;
}

/* The small program of a function: another of at_return_*, for this one. */
static int attach_function(const struct watch *w, struct hook *hook)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT,
		    .attach_btf_id = hook->id);
	const struct bpf_program *at;

	if (hook->group < 0)
		return -EOPNOTSUPP;
	at = programs_of(w, hook->group).at;
	hook->prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "at_return", "GPL",
				   bpf_program__insns(at), bpf_program__insn_cnt(at), &opts);
	if (hook->prog < 0)
		return -errno;
	hook->link = bpf_raw_tracepoint_open(NULL, hook->prog);
	return hook->link < 0 ? -errno : 0;
}

static int fill_tails(const struct watch *w, struct err *e)
{
	const uint32_t zero = 0;

	for (int i = 0; i < WATCH_HOOK_TYPES; i++) {
		const struct hook_programs p = programs_of(w, i);
		int prog = w->hooks.types[i] ? bpf_program__fd(p.on) : -1;

		if (prog >= 0 &&
		    bpf_map_update_elem(bpf_map__fd(p.tail), &zero, &prog, BPF_ANY) < 0)
			return err_errno(e, errno, "cannot hand on to a BPF program");
	}
	return 0;
}

/* Whether the native entry of a call is hooked. */
static bool is_hooked(const struct watch_hooks_state *h, const struct want *want)
{
	for (size_t i = 0; i < h->hooks_n; i++)
		if (h->hooks[i].nr == want->nr && !h->hooks[i].choice && h->hooks[i].link >= 0)
			return true;
	return false;
}

int watch_hooks_attach(struct watch *w, struct err *e)
{
	struct watch_hooks_state *h = &w->hooks;
	int err = fill_tails(w, e);

	for (size_t i = 0; err == 0 && i < h->hooks_n; i++)
		attach_function(w, &h->hooks[i]);
	w->skel->bss->narrow_seen = h->used == WATCH_FUNCTIONS && has_narrow_programs();
	for (size_t i = 0; err == 0 && i < w->wants_n; i++) {
		const struct want *want = &w->wants[i];

		if (w->o.given)
			err = attach_beginning(w, want, e);
		if (err < 0)
			break;
		w->skel->bss->two_returns[want->nr] =
			returns_twice(want) && (is_hooked(h, want) || !events_tell_of_children());
		if (is_hooked(h, want)) {
			w->skel->bss->hooked[want->nr] = 1;
		} else if (h->used != WATCH_TRACEPOINT && attach_has_call_events()) {
			/* There is no such function, or no program can be attached to it. */
			err = attach_event(w, want, e);
		}
	}
	return err == 0 ? watch_narrow_start(w, e) : err;
}

/* ---- what the kernel left out */

static uint64_t left_out(int prog)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return prog >= 0 && bpf_obj_get_info_by_fd(prog, &info, &len) == 0 ? info.recursion_misses
									   : 0;
}

void watch_hooks_count(const struct watch *w)
{
	const struct watch_hooks_state *h = &w->hooks;

	for (size_t i = 0; h->preempted && i < h->hooks_n; i++) {
		struct hook *hook = &h->hooks[i];
		uint64_t now = left_out(hook->prog), more = now - hook->missed;

		hook->missed = now;
		__atomic_fetch_add(&w->skel->bss->lost[hook->nr], more, __ATOMIC_RELAXED);
		__atomic_fetch_add(&w->skel->bss->lost_kinds[WATCH_CALL], more, __ATOMIC_RELAXED);
	}
}

enum watch_hooks watch_hooks_used(const struct watch *w)
{
	return w->hooks.used;
}

struct closing {
	struct hook *hooks;
	size_t n;
};

static void *close_hooks(void *arg)
{
	struct closing *c = arg;

	for (size_t i = 0; i < c->n; i++) {
		if (c->hooks[i].link >= 0)
			close(c->hooks[i].link);
		if (c->hooks[i].prog >= 0)
			close(c->hooks[i].prog);
	}
	free(c->hooks);
	free(c);
	return NULL;
}

/* The kernel takes milliseconds for each: not while another watch is read. */
void watch_hooks_free(struct watch *w)
{
	struct closing *c = xcalloc(1, sizeof(*c));
	sigset_t all, old;
	pthread_t thread;

	*c = (struct closing){ w->hooks.hooks, w->hooks.hooks_n };
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (c->n && pthread_create(&thread, NULL, close_hooks, c) == 0)
		pthread_detach(thread);
	else
		close_hooks(c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}
