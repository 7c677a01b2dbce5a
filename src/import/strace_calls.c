/* What one call of a log leaves in the model: the call, its argument values, new processes. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/strace_private.h"
#include "model/constants.h"

/* Calls that strace prints under a name of its own. */
static const struct {
	const char *printed, *name;
} renamed[] = {
	{ "old_mmap", "mmap" },
	{ "oldmmap", "mmap" },
	{ "old_select", "select" },
	{ "umount", "umount" },
	{ "sigreturn", "sigreturn" },
	{ "stat_old", "oldstat" },
	{ "sysctl", "_sysctl" },
	{ "llseek", "_llseek" },
	{ "newselect", "_newselect" },
	{ "pread", "pread64" },
	{ "pwrite", "pwrite64" },
	{ "ftruncate_64", "ftruncate64" },
	{ "fadvise64_64", "fadvise64_64" },
	{ "semtimedop_time32", "semtimedop" },
};

/* What i386 programs make through one call, and strace shows as if it were the inner one. */
static const struct {
	const char *inner, *outer;
	uint64_t code;
} combined[] = {
	{ "socket", "socketcall", 1 },
	{ "bind", "socketcall", 2 },
	{ "connect", "socketcall", 3 },
	{ "listen", "socketcall", 4 },
	{ "accept", "socketcall", 5 },
	{ "getsockname", "socketcall", 6 },
	{ "getpeername", "socketcall", 7 },
	{ "socketpair", "socketcall", 8 },
	{ "send", "socketcall", 9 },
	{ "recv", "socketcall", 10 },
	{ "sendto", "socketcall", 11 },
	{ "recvfrom", "socketcall", 12 },
	{ "shutdown", "socketcall", 13 },
	{ "setsockopt", "socketcall", 14 },
	{ "getsockopt", "socketcall", 15 },
	{ "sendmsg", "socketcall", 16 },
	{ "recvmsg", "socketcall", 17 },
	{ "accept4", "socketcall", 18 },
	{ "recvmmsg", "socketcall", 19 },
	{ "sendmmsg", "socketcall", 20 },
	{ "semop", "ipc", 1 },
	{ "semget", "ipc", 2 },
	{ "semctl", "ipc", 3 },
	{ "semtimedop", "ipc", 4 },
	{ "msgsnd", "ipc", 11 },
	{ "msgrcv", "ipc", 12 },
	{ "msgget", "ipc", 13 },
	{ "msgctl", "ipc", 14 },
	{ "shmat", "ipc", 21 },
	{ "shmdt", "ipc", 22 },
	{ "shmget", "ipc", 23 },
	{ "shmctl", "ipc", 24 },
};

struct st_known *st_known_get(struct strace *s, const char *name)
{
	void **slot = map_at(&s->known, name, strlen(name));
	struct st_known *k = *slot;

	if (k)
		return k;
	k = *slot = arena_alloc(&s->arena, sizeof(*k));
	k->desc = sc_by_name(name);
	for (size_t i = 0; !k->desc && i < ARRAY_SIZE(renamed); i++)
		if (!strcmp(renamed[i].printed, name))
			k->desc = sc_by_name(renamed[i].name);
	k->cap = k->desc ? capture_by_name(k->desc->name) : NULL;
	return k;
}

void st_call_entry(struct strace *s, struct st_task *t, const char *name)
{
	const struct st_known *k = st_known_get(s, name);

	if (t->phase->listening && k->cap && k->cap->kind == CAPTURE_WAIT)
		t->phase->phase = WL_SERVING;
}

/* "syscall_0x1c2": a call that strace does not know. */
static bool numbered(const char *name, uint32_t *nr)
{
	char *end;
	unsigned long v;

	if (strncmp(name, "syscall_0x", 10) != 0 || !name[10])
		return false;
	v = strtoul(name + 10, &end, 16);
	*nr = (uint32_t)v;
	return !*end && v < UINT32_MAX;
}

static bool is_combined(const char *inner, const char *outer)
{
	for (size_t i = 0; i < ARRAY_SIZE(combined); i++)
		if (!strcmp(combined[i].inner, inner) && !strcmp(combined[i].outer, outer))
			return true;
	return false;
}

/* Whether this number can be printed under this name in the ABI. */
static bool number_fits(const struct st_known *k, const char *name, enum sc_abi abi, uint32_t nr)
{
	const struct sc_desc *d = sc_by_nr(abi, nr);

	return d && (d == k->desc || (abi == SC_I386 && is_combined(name, d->name)));
}

/* The ABI whose number this is, by -n; the bit of x32 is taken off. */
static enum sc_abi abi_of(const struct st_task *t, const struct st_known *k, const char *name,
			  uint32_t *nr)
{
	if (*nr & SC_X32_BIT) {
		*nr &= ~SC_X32_BIT;
		return SC_X32;
	}
	if (number_fits(k, name, t->abi, *nr))
		return t->abi;
	if (t->abi != SC_AARCH64 && number_fits(k, name, SC_X86_64, *nr))
		return SC_X86_64;
	if (t->abi != SC_AARCH64 && number_fits(k, name, SC_I386, *nr))
		return SC_I386;
	return t->abi;
}

/* The call's number when the line has one (-n) or the name is one. */
static bool number_of(const struct st_task *t, const struct st_line *l, const char *name,
		      const struct st_known *k, enum sc_abi *abi, uint32_t *nr)
{
	if (l && l->has_nr) {
		*nr = l->nr;
		*abi = abi_of(t, k, name, nr);
	} else if (!numbered(name, nr)) {
		return false;
	}
	return *nr <= sc_max_nr(*abi) + 1024;
}

enum sc_abi st_call_mode(const struct st_task *t, const struct st_known *k, const struct st_call *c)
{
	const struct sc_desc *d = k->desc;

	if (!d)
		return SC_ABI_COUNT;
	if (d->nr[SC_X86_64] < 0 && d->nr[SC_I386] >= 0)
		return SC_I386;
	if (d->nr[SC_I386] < 0 || !strcmp(d->name, "mmap") ||
	    (c->result == ST_VALUE && c->value > UINT32_MAX))
		return t->abi == SC_I386 ? SC_X86_64 : t->abi;
	return SC_ABI_COUNT;
}

/* i386: the call went through socketcall or ipc, or may have in a log without numbers. */
static void add_combined(struct strace *s, const char *name, bool sure, uint32_t phases,
			 int program)
{
	for (size_t i = 0; i < ARRAY_SIZE(combined); i++) {
		static const uint8_t index[] = { 0 };
		struct wl_syscall *sys;
		struct wl_call *call;

		if (strcmp(combined[i].inner, name) != 0)
			continue;
		if (!s->combined_note && !sure)
			import_note(
				&s->im,
				"32-bit calls that strace shows as %s may have been made "
				"through %s: both are in the model (strace -n tells them apart)",
				name, combined[i].outer);
		s->combined_note |= !sure;
		sys = wl_syscall_add_name(s->im.w, SC_I386, sc_by_name(combined[i].outer));
		wl_prov_add(&sys->prov, phases, program, s->im.source);
		call = wl_call_add(sys, 1, index, &combined[i].code);
		wl_prov_add(&call->prov, phases, program, s->im.source);
	}
}

struct wl_syscall *st_call_add(struct strace *s, struct st_task *t, const char *name,
			       const struct st_line *l, enum wl_phase phase, int program)
{
	struct st_known *k = st_known_get(s, name);
	enum sc_abi abi = t->abi;
	struct wl_syscall *sys = NULL;
	uint32_t nr;

	if (number_of(t, l, name, k, &abi, &nr))
		sys = wl_syscall_add(s->im.w, abi, nr);
	else if (k->desc && k->desc->nr[abi] >= 0)
		sys = wl_syscall_add_name(s->im.w, abi, k->desc);
	if (abi == SC_I386 && (!(l && l->has_nr) || (sys && sys->desc && k->desc != sys->desc)))
		add_combined(s, name, l && l->has_nr, WL_PHASE_BIT(phase), program);
	if (!sys) {
		import_lost(&s->im, "calls");
		if (!k->seen)
			import_incomplete(&s->im, "%s is no system call of %s that is known", name,
					  sc_abi_name(abi));
		k->seen = true;
		return NULL;
	}
	k->seen = true;
	wl_prov_add(&sys->prov, WL_PHASE_BIT(phase), program, s->im.source);
	return sys;
}

/* The text of an argument that is recorded: clone's are named, clone3's are in a structure. */
static struct st_text argument(const struct st_call *c, const struct capture *cap, unsigned i)
{
	if (cap->kind == CAPTURE_CLONE3)
		return st_member(c->args[0], "flags");
	if (!strcmp(c->name, "clone")) {
		for (unsigned k = 0; k < c->n; k++)
			if (st_begins(c->args[k], "flags="))
				return (struct st_text){ c->args[k].p + 6, c->args[k].n - 6 };
	}
	return cap->arg[i] < c->n ? c->args[cap->arg[i]] : (struct st_text){ NULL, 0 };
}

/* -e raw=all prints clone's arguments in register order, and clone3's structure as a pointer. */
static bool value_of(const struct st_call *c, const struct capture *cap, const struct sc_desc *desc,
		     unsigned i, const struct wl_call *so_far, uint64_t *out)
{
	struct st_text t = argument(c, cap, i);

	return t.n && const_parse(desc, cap->arg[i], so_far, t.p, t.n, out);
}

static void not_understood(struct strace *s, struct st_known *k, const struct st_call *c,
			   struct st_text t)
{
	import_lost(&s->im, "arguments");
	if (!k->raw_seen) {
		cleanup_buf struct buf text = { 0 };

		import_put_text(&text, t.p ? t.p : "nothing", t.p ? t.n : 7, 60);
		import_incomplete(&s->im, "argument of %s is not understood: %s", c->name,
				  buf_str(&text));
	}
	k->raw_seen = true;
}

static void record_values(struct strace *s, struct wl_syscall *sys, const struct st_call *c,
			  uint32_t phases, int program)
{
	struct st_known *k = st_known_get(s, c->name);
	const struct capture *cap = k->cap;
	struct wl_call so_far = { .n = 0 };
	struct wl_call *call;
	unsigned n;

	if (!cap || !cap->args_n || !sys->desc || strcmp(sys->desc->name, k->desc->name) != 0)
		return;
	sc_args(sys->desc, sys->abi, &n);
	for (unsigned i = 0; i < cap->args_n; i++) {
		uint64_t raw;

		if (cap->arg[i] >= n)
			return;
		if (!value_of(c, cap, sys->desc, i, &so_far, &raw)) {
			not_understood(s, k, c, argument(c, cap, i));
			return;
		}
		so_far.index[i] = cap->arg[i];
		so_far.value[i] = capture_value(cap, sys->desc, sys->abi, i, raw);
		so_far.n++;
	}
	if (sys->calls_n >= IMPORT_MAX_VALUES) {
		import_lost(&s->im, "arguments");
		return;
	}
	call = wl_call_add(sys, so_far.n, so_far.index, so_far.value);
	wl_prov_add(&call->prov, phases, program, s->im.source);
}

static bool makes_process(const char *name)
{
	return !strcmp(name, "clone") || !strcmp(name, "clone3") || !strcmp(name, "fork") ||
	       !strcmp(name, "vfork");
}

static void new_process(struct strace *s, struct st_task *t, const struct st_call *c)
{
	const struct capture clone = { .kind = c->name[5] == '3' ? CAPTURE_CLONE3 : CAPTURE_PLAIN };
	struct st_text flags = c->n ? argument(c, &clone, 0) : (struct st_text){ NULL, 0 };

	if (c->result != ST_VALUE || c->value <= 0 || c->value > INT32_MAX)
		return;
	st_task_fork(s, t, (pid_t)c->value, st_flag(flags, "CLONE_FILES", CLONE_FILES),
		     st_flag(flags, "CLONE_FS", CLONE_FS));
}

void st_call_record(struct strace *s, struct st_task *t, const struct st_line *l,
		    const struct st_call *c, enum wl_phase entry)
{
	const struct st_known *k = st_known_get(s, c->name);
	bool exec = k->cap && k->cap->kind == CAPTURE_EXEC;
	int before = t->program;
	struct wl_syscall *sys;
	uint32_t phases = WL_PHASE_BIT(entry);

	s->tampered |= c->tampered;
	if (exec && c->result == ST_VALUE)
		st_exec(s, t, c, phases);
	sys = st_call_add(s, t, c->name, l, entry, before < 0 ? t->program : before);
	if (sys)
		record_values(s, sys, c, phases, t->program);
	s->calls++;
	if (makes_process(c->name)) {
		new_process(s, t, c);
		return;
	}
	st_caps(s, t, c, phases);
	if (k->cap)
		st_files(s, t, c, k->cap, phases);
	else if (!strncmp(c->name, "getdents", 8))
		st_listing(s, t, c, phases);
	if (k->cap)
		st_net(s, t, c, k->cap, phases);
	st_descriptors(s, t, c);
}
