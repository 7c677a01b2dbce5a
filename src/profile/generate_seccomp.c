#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "profile/equivalents.h"
#include "profile/generate_private.h"
#include "profile/runtime_base.h"
#include "profile/seen.h"

#define SEALED_AND_PROGRAM (WL_PROGRAM_PHASES | WL_PHASE_BIT(WL_SEALED))

/* The flags of clone(2) that make a namespace, as in Docker's default profile. CLONE_NEWTIME is not
 * among them: its bit is part of the exit signal there. */
#define CLONE_NAMESPACES UINT64_C(0x7e020000)

/* More combinations than that are no longer a filter but a log; each costs instructions per call. */
enum { MAX_COMBINATIONS = 64 };

/* Why a name is allowed, as bits; the lowest bit names the group in the profile. */
enum {
	WHY_PROGRAM = 1 << 0,
	WHY_ALWAYS = 1 << 1,
	WHY_PAIR = 1 << 2,
	WHY_BASE = 1 << 3,
	WHY_ANY = WHY_PROGRAM | WHY_ALWAYS | WHY_PAIR | WHY_BASE,
	DONE = 1 << 4, /* has its own rules */
};

/*
 * Never missing: what ends a process or returns from a signal; restart_syscall, which the kernel makes
 * a stopped and continued program call; execve, without which the runtime cannot start it (and hangs,
 * moby/moby#36830); and the calls that the vDSO answers on this host's clock but not on another's.
 */
static const char *const always[] = {
	"execve",	"exit",		 "exit_group",	   "rt_sigreturn",	 "sigreturn",
	"restart_syscall", "clock_getres", "clock_gettime", "getcpu",		 "gettimeofday",
	"time",		"clock_gettime64", "clock_getres_time64",
};

struct builder {
	const struct workload *w;
	const struct gen_options *o;
	struct sp_profile *p;
	struct buf *notes;
	uint8_t *why; /* per sc_at(i) */
	bool clone3;  /* it may be called */
	char base[160]; /* whose base it is, for comments */
};

/* The place of a name in sc_at(); every name that comes here is one of its. */
static size_t place(const char *name)
{
	size_t lo = 0, hi = sc_count();

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(sc_at(mid)->name, name);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return SIZE_MAX;
}

/* Whether the name exists in one of the profile's ABIs. */
static bool exists(const struct builder *b, const struct sc_desc *d)
{
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++)
		if (b->p->abi[abi] && d->nr[abi] >= 0)
			return true;
	return false;
}

static void allow(struct builder *b, const char *name, uint8_t why)
{
	size_t i = place(name);

	if (i != SIZE_MAX && exists(b, sc_at(i)))
		b->why[i] |= why;
}

static bool has(const struct builder *b, const char *name, uint8_t why)
{
	size_t i = place(name);

	return i != SIZE_MAX && b->why[i] & why;
}

static void set_abis(struct builder *b, enum sc_abi native)
{
	b->p->abi[native] = true;
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++)
		if (seen_abi(b->w, (enum sc_abi)abi, SEALED_AND_PROGRAM))
			b->p->abi[abi] = true;
	if (native != SC_I386 && b->p->abi[SC_I386])
		gen_note(b->notes, "32-bit calls were seen, so SCMP_ARCH_X86 is listed: rules on "
				   "socket families do not hold for socketcall");
}

static int add_program(struct builder *b, struct err *e)
{
	for (size_t i = 0; i < b->w->syscalls_n; i++) {
		const struct wl_syscall *s = &b->w->syscalls[i];

		if (!(s->prov.phases & SEALED_AND_PROGRAM))
			continue;
		if (s->desc) {
			allow(b, s->desc->name,
			      s->prov.phases & WL_PROGRAM_PHASES ? WHY_PROGRAM : 0);
			if (s->prov.phases & WL_PHASE_BIT(WL_SEALED))
				allow(b, s->desc->name, WHY_BASE);
			continue;
		}
		if (!b->o->allow_incomplete)
			return err_set(e, ENODATA,
				       "the model has the unknown system call %u of %s, which a profile "
				       "cannot name (--allow-incomplete leaves it out)",
				       s->nr, sc_abi_name(s->abi));
		gen_note(b->notes, "left out: the unknown system call %u of %s", s->nr,
			 sc_abi_name(s->abi));
	}
	return 0;
}

/* The runtime's calls: those of a measured base, or those of the table. */
static int add_base(struct builder *b, struct err *e)
{
	const char *runtime = b->o->runtime ? b->o->runtime : b->w->identity.runtime;
	const struct workload *m = b->o->base;
	struct runtime_base t;
	bool any = false;
	int r;

	for (size_t i = 0; m && i < m->syscalls_n; i++) {
		if (!m->syscalls[i].desc || !(m->syscalls[i].prov.phases & WL_PHASE_BIT(WL_SEALED)))
			continue;
		allow(b, m->syscalls[i].desc->name, WHY_BASE);
		any = true;
	}
	if (m && !any)
		return err_set(e, ENODATA, "the base has no call of the phase '%s'",
			       wl_phase_name(WL_SEALED));
	if (m) {
		/* Go's scheduler calls them in some starts only. */
		allow(b, "futex", WHY_BASE);
		snprintf(b->base, sizeof(b->base), "the measured runtime");
		return 0;
	}
	if (runtime && !b->o->runtime && !runtime_base_known(runtime)) {
		gen_note(b->notes, "no base is known for the runtime %s; those of all known runtimes "
				   "are allowed (a measured one is better: --base)", runtime);
		runtime = NULL;
	}
	r = runtime_base_find(runtime, b->o->runtime_version, b->o->no_new_privs, &t, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t.n; i++)
		allow(b, t.names[i], WHY_BASE);
	snprintf(b->base, sizeof(b->base), "%s, no_new_privs %s", t.label,
		 b->o->no_new_privs ? "on" : "off or on");
	return 0;
}

static void add_equivalents(struct builder *b)
{
	const char *const *group;
	size_t n;

	for (size_t i = 0; (group = equivalents_group(i, b->o->equivalents, &n)); i++) {
		bool seen = false;

		for (size_t k = 0; k < n; k++)
			seen = seen || has(b, group[k], WHY_PROGRAM);
		for (size_t k = 0; seen && k < n; k++)
			if (strcmp(group[k], "clone3") || b->clone3)
				allow(b, group[k], WHY_PAIR);
	}
}

/*
 * clone3's flags are behind a pointer, where no filter sees them. Every libc that uses it calls clone
 * after ENOSYS, so that is what it answers, unless the user wants it or the runtime needs it.
 */
static void decide_clone3(struct builder *b)
{
	size_t i = place("clone3");

	b->clone3 = b->o->clone3 || b->o->complain || b->why[i] & WHY_BASE;
	if (b->clone3)
		return;
	if (b->why[i] & WHY_ANY)
		allow(b, "clone", WHY_PAIR);
	b->why[i] = DONE;
	sp_rule_name(b->p,
		     sp_rule_add(b->p, (struct sp_ret){ SP_ERRNO, ENOSYS },
				 "clone3 answers \"not implemented\", so that every libc falls back to "
				 "clone: the flags of clone3 are behind a pointer, where no filter can "
				 "see whether it makes a namespace"),
		     "clone3");
}

/* The kind of an argument, when it is the same in all listed ABIs that have the call; else -1. */
static int common_kind(const struct builder *b, const struct sc_desc *d, unsigned index)
{
	int kind = -1;

	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		unsigned n;
		const struct sc_arg *args;

		if (!b->p->abi[abi] || d->nr[abi] < 0)
			continue;
		args = sc_args(d, (enum sc_abi)abi, &n);
		if (index >= n || (kind >= 0 && kind != (int)args[index].kind))
			return -1;
		kind = (int)args[index].kind;
	}
	return kind;
}

/*
 * (argument & mask) == value, so that bits which the kernel ignores have no effect under runtimes that
 * compare all 64: for narrow arguments the mask is never wider than the argument.
 */
static void pin(struct builder *b, struct sp_rule *r, const struct sc_desc *d, uint8_t index,
		uint64_t mask, uint64_t value)
{
	unsigned bits = sc_arg_width(SC_X86_64, (enum sc_kind)common_kind(b, d, index));
	uint64_t width = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;

	if (mask == UINT64_MAX && width == UINT64_MAX)
		sp_rule_cond(r, index, SP_EQ, value, 0);
	else
		sp_rule_cond(r, index, SP_MASKED_EQ, mask & width, value & mask & width);
}

struct filter {
	const char *name;
	uint8_t n;
	uint8_t index[WL_MAX_ARGS];
	bool strict; /* only with GEN_ARGS_STRICT */
};

static const struct filter filters[] = {
	{ "bpf", 1, { 0 }, false },
	{ "keyctl", 1, { 0 }, false },
	{ "personality", 1, { 0 }, false },
	{ "prctl", 1, { 0 }, false },
	{ "ptrace", 1, { 0 }, false },
	{ "setns", 1, { 1 }, false },
	{ "unshare", 1, { 0 }, false },
	/* These differ with the terminal, the network and the version of a library. */
	{ "arch_prctl", 1, { 0 }, true },
	{ "fcntl", 1, { 1 }, true },
	{ "fcntl64", 1, { 1 }, true },
	{ "getsockopt", 2, { 1, 2 }, true },
	{ "ioctl", 1, { 1 }, true },
	{ "setsockopt", 2, { 1, 2 }, true },
};

/* Whether the call can have argument rules at all: it is the program's alone. */
static bool filterable(struct builder *b, const char *name, unsigned n, const uint8_t *index)
{
	size_t i = place(name);

	if (!(b->why[i] & (WHY_PROGRAM | WHY_PAIR)) || b->why[i] & DONE)
		return false;
	if (b->why[i] & WHY_BASE) {
		gen_note(b->notes, "%s: any arguments, since the container runtime calls it too (%s)",
			 name, b->base);
		return false;
	}
	for (unsigned k = 0; k < n; k++) {
		if (common_kind(b, sc_at(i), index[k]) >= 0)
			continue;
		gen_note(b->notes, "%s: any arguments, since they differ between the ABIs seen", name);
		return false;
	}
	return true;
}

/* One ALLOW rule per row; false when the rows are not known or too many. */
static bool pin_rows(struct builder *b, const char *name, unsigned n, const uint8_t *index,
		     const uint64_t *mask, const struct seen *s, const char *comment)
{
	const struct sc_desc *d = sc_by_name(name);

	if (s->state != SEEN_KNOWN || s->n > MAX_COMBINATIONS) {
		gen_note(b->notes, "%s: any arguments, since %s", name,
			 s->state == SEEN_KNOWN ? "too many combinations were seen" :
						  "not all that were used are in the model");
		return false;
	}
	for (size_t i = 0; i < s->n; i++) {
		struct sp_rule *r = sp_rule_add(b->p, (struct sp_ret){ SP_ALLOW, 0 }, comment);

		sp_rule_name(b->p, r, name);
		for (unsigned k = 0; k < n; k++)
			pin(b, r, d, index[k], mask[k], s->rows[i].v[k]);
	}
	b->why[place(name)] |= DONE;
	return true;
}

static void filter_plain(struct builder *b, const struct filter *f)
{
	static const uint64_t all[] = { UINT64_MAX, UINT64_MAX, UINT64_MAX };
	cleanup_seen struct seen s = { 0 };

	if ((f->strict && b->o->arguments != GEN_ARGS_STRICT) ||
	    !filterable(b, f->name, f->n, f->index))
		return;
	seen_collect(b->w, f->name, WL_PROGRAM_PHASES, f->n, f->index, all, &s);
	pin_rows(b, f->name, f->n, f->index, all, &s, "with the arguments that were seen");
}

static void filter_sockets(struct builder *b, const char *name)
{
	static const uint8_t index[] = { 0, 1, 2 };
	/* The flags SOCK_NONBLOCK and SOCK_CLOEXEC of the type are free. */
	static const uint64_t mask[] = {
		UINT64_MAX,
		~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC),
		UINT64_MAX,
	};
	cleanup_seen struct seen s = { 0 };

	if (!filterable(b, name, 3, index))
		return;
	seen_sockets(b->w, name, WL_PROGRAM_PHASES, b->o->equivalents != GEN_EQ_OFF, &s);
	pin_rows(b, name, 3, index, mask, &s,
		 b->p->abi[SC_I386] && !b->p->abi[SC_AARCH64] ?
			 "family, type and protocol that were seen; 32-bit callers go around this "
			 "through socketcall" :
			 "family, type and protocol that were seen");
}

/* The flags of clone and of clone3, which have the same bits; UNKNOWN when one of the two is. */
static void clone_flags(const struct builder *b, struct seen *s)
{
	static const uint8_t first[] = { 0 };
	static const uint64_t mask[] = { CLONE_NAMESPACES };
	cleanup_seen struct seen other = { 0 };

	seen_collect(b->w, "clone", SEALED_AND_PROGRAM, 1, first, mask, s);
	seen_collect(b->w, "clone3", SEALED_AND_PROGRAM, 1, first, mask, &other);
	for (size_t i = 0; i < other.n; i++)
		seen_add(s, other.rows[i].v, 1);
	if (s->state == SEEN_UNKNOWN || other.state == SEEN_UNKNOWN)
		s->state = SEEN_UNKNOWN;
	else
		s->state = SEEN_KNOWN;
	seen_add(s, (uint64_t[]){ 0 }, 1); /* threads and processes in the same namespaces */
	seen_sort(s);
}

/* Namespaces: only those that were made. Unlike other rules this holds for runtimes' calls too, which
 * make theirs before the filter is in place. */
static void filter_clone(struct builder *b)
{
	static const uint8_t first[] = { 0 };
	static const uint64_t mask[] = { CLONE_NAMESPACES };
	unsigned admin = bcap_by_name("CAP_SYS_ADMIN")->nr;
	cleanup_seen struct seen s = { 0 };

	if (!has(b, "clone", WHY_ANY))
		return;
	if (b->clone3 && has(b, "clone3", WHY_ANY)) {
		gen_note(b->notes, "clone: any flags, since clone3, whose flags no filter can see, "
				   "is allowed");
		return;
	}
	clone_flags(b, &s);
	if (s.state == SEEN_UNKNOWN && wl_cap_needed(b->w, admin, WL_PROGRAM_PHASES)) {
		gen_note(b->notes, "clone: any flags, since those used are not in the model and the "
				   "program uses CAP_SYS_ADMIN");
		return;
	}
	if (s.state == SEEN_UNKNOWN)
		gen_note(b->notes, "clone: not all flags that were used are in the model; new "
				   "namespaces are refused, as in Docker's default profile");
	s.state = SEEN_KNOWN;
	pin_rows(b, "clone", 1, first, mask, &s,
		 s.n > 1 ? "no namespaces but those that were seen" : "no new namespaces");
}

static const char *const memory_calls[] = { "mmap", "mmap2", "mprotect", "pkey_mprotect" };

/* Whether no memory was ever writable and executable at once, and a filter can see that. */
static bool never_writable_code(const struct builder *b)
{
	static const uint8_t index[] = { 2 };
	static const uint64_t mask[] = { PROT_WRITE | PROT_EXEC };

	for (size_t i = 0; i < ARRAY_SIZE(memory_calls); i++) {
		cleanup_seen struct seen s = { 0 };

		if (!has(b, memory_calls[i], WHY_ANY))
			continue;
		seen_collect(b->w, memory_calls[i], SEALED_AND_PROGRAM, 1, index, mask, &s);
		if (s.state == SEEN_UNKNOWN ||
		    common_kind(b, sc_by_name(memory_calls[i]), 2) < 0)
			return false;
		for (size_t k = 0; k < s.n; k++)
			if (s.rows[k].v[0] == (PROT_WRITE | PROT_EXEC))
				return false;
	}
	return true;
}

/*
 * Everything but writable and executable at once. The three other values of the two bits are named
 * because a rule that refuses with the default errno would be dropped by runc. The runtimes of the
 * base map no writable code, so this holds although they may call mmap.
 */
static void filter_memory(struct builder *b)
{
	static const uint8_t index[] = { 2 };
	static const uint64_t mask[] = { PROT_WRITE | PROT_EXEC };
	static const uint64_t good[] = { 0, PROT_WRITE, PROT_EXEC };
	cleanup_seen struct seen s = { .state = SEEN_KNOWN };

	if (!has(b, "mmap", WHY_ANY) && !has(b, "mprotect", WHY_ANY))
		return;
	if (!never_writable_code(b)) {
		gen_note(b->notes, "mmap and mprotect: any protection, since memory that is writable "
				   "and executable was seen or cannot be excluded");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		seen_add(&s, &good[i], 1);
	seen_sort(&s);
	for (size_t i = 0; i < ARRAY_SIZE(memory_calls); i++)
		if (has(b, memory_calls[i], WHY_ANY))
			pin_rows(b, memory_calls[i], 1, index, mask, &s,
				 "no memory that is writable and executable at once");
}

static void add_filters(struct builder *b)
{
	if (b->o->arguments == GEN_ARGS_OFF)
		return;
	filter_clone(b);
	filter_memory(b);
	filter_sockets(b, "socket");
	filter_sockets(b, "socketpair");
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		filter_plain(b, &filters[i]);
}

/* One rule with the names whose first reason is `why`. */
static void emit_group(struct builder *b, uint8_t why, const char *comment)
{
	struct sp_rule *r = NULL;

	for (size_t i = 0; i < sc_count(); i++) {
		uint8_t reason = b->why[i] & WHY_ANY;

		if (b->why[i] & DONE || (reason & -reason) != why)
			continue;
		if (!r)
			r = sp_rule_add(b->p, (struct sp_ret){ SP_ALLOW, 0 }, comment);
		sp_rule_name(b->p, r, sc_at(i)->name);
	}
}

/*
 * glibc since 2.26 and musl run on Linux 3.2, so for everything newer a libc has another way when the
 * answer is ENOSYS. With EPERM it would give up: an update of a libc would break the program.
 */
static void emit_newer(struct builder *b)
{
	static const struct sc_kver oldest = { 3, 2, 0 };
	struct sp_rule *r = NULL;

	for (size_t i = 0; i < sc_count(); i++) {
		const struct sc_desc *d = sc_at(i);

		if (b->why[i] || !exists(b, d) || sc_kver_cmp(d->since, oldest) <= 0)
			continue;
		if (!r)
			r = sp_rule_add(b->p, (struct sp_ret){ SP_ERRNO, ENOSYS },
					"newer than Linux 3.2 and not used: \"not implemented\" makes "
					"libraries fall back to older calls");
		sp_rule_name(b->p, r, d->name);
	}
}

static void emit_groups(struct builder *b)
{
	cleanup_free char *base = xasprintf("not called by the program, but by its container runtime "
					    "(%s) between the filter and the execve",
					    b->base);

	emit_group(b, WHY_PROGRAM, "called by the program");
	emit_group(b, WHY_ALWAYS, "always needed: the end of processes and signals, execve, and "
				  "clocks, which are calls on hosts without a vDSO clock");
	emit_group(b, WHY_PAIR, "used by another libc or architecture in place of a call that was seen");
	emit_group(b, WHY_BASE, base);
	if (!b->o->complain)
		emit_newer(b);
}

static int build(struct builder *b, struct err *e)
{
	enum sc_abi native;
	int r = gen_native_abi(b->w, &native, e);

	if (r < 0)
		return r;
	set_abis(b, native);
	r = add_program(b, e);
	if (r < 0)
		return r;
	r = add_base(b, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		allow(b, always[i], WHY_ALWAYS);
	decide_clone3(b);
	add_equivalents(b);
	add_filters(b);
	emit_groups(b);
	return 0;
}

/* Refusing new namespaces when the model does not say whether it makes some is a choice. */
static bool is_mistake(const struct verify_call *c)
{
	if (!c->name || c->verdict == VERDICT_FALLBACK)
		return false;
	return c->verdict == VERDICT_DENIED || strcmp(c->name, "clone");
}

/* The profile is consistent, compiles, means what its filter does, and allows all of the model. */
static int prove(const struct workload *w, const struct sp_profile *p, struct err *e)
{
	cleanup_sp_filter struct sp_filter f = { 0 };
	cleanup_verify_report struct verify_report report = { 0 };
	struct verify_options o = { .profile = p };
	int r = sp_check(p, e);

	if (r >= 0)
		r = sp_compile(p, &f, e);
	if (r >= 0)
		r = sp_prove(p, &f, e);
	if (r >= 0)
		r = verify_model(w, &o, &report, e);
	if (r < 0)
		return err_prefix(e, "the generated profile is wrong");
	for (size_t i = 0; i < report.calls_n; i++) {
		const struct verify_call *c = &report.calls[i];

		if (is_mistake(c))
			return err_set(e, EILSEQ,
				       "the generated profile is wrong: it would not allow %s of %s",
				       c->name, sc_abi_name(c->abi));
	}
	return 0;
}

int gen_seccomp(const struct workload *w, const struct gen_options *o, struct sp_profile *out,
		struct buf *notes, struct err *e)
{
	cleanup_free uint8_t *why = xcalloc(sc_count(), 1);
	struct builder b = { .w = w, .o = o, .p = out, .notes = notes, .why = why };
	int r = gen_check_model(w, o, notes, e);

	sp_init(out);
	if (r < 0)
		return r;
	if (o->complain)
		out->deflt = (struct sp_ret){ SP_LOG, 0 };
	r = build(&b, e);
	if (r >= 0)
		r = prove(w, out, e);
	if (r < 0)
		sp_free(out);
	return r < 0 ? r : 0;
}
