#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "profile/equivalents.h"
#include "profile/generate_builder.h"
#include "profile/runtime_base.h"
#include "profile/seen.h"
#include "profile/unseen.h"

/*
 * Never missing: what ends a process or returns from a signal; restart_syscall, which the kernel
 * makes a stopped and continued program call; execve, without which the runtime cannot start it
 * (and hangs, moby/moby#36830); and the calls that the vDSO answers on this host's clock but not on
 * another's.
 */
const char *const gen_always[] = {
	"execve",
	"exit",
	"exit_group",
	"rt_sigreturn",
	"sigreturn",
	"restart_syscall",
	"clock_getres",
	"clock_gettime",
	"getcpu",
	"gettimeofday",
	"time",
	"clock_gettime64",
	"clock_getres_time64",
	NULL,
};

/* The place of a name in sc_at(); every name that comes here is one of its. */
size_t builder_place(const char *name)
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
	size_t i = builder_place(name);

	if (i != SIZE_MAX && exists(b, sc_at(i)))
		b->why[i] |= why;
}

bool builder_has(const struct builder *b, const char *name, uint8_t why)
{
	size_t i = builder_place(name);

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

/* A call of the program; calls that are left out are listed in `out`. */
static void add_call(struct builder *b, const struct wl_syscall *s, struct buf *out)
{
	const char *name = s->desc->name;

	if (unseen_left_out(b->w, b->o, name, &s->prov))
		buf_printf(out, " %s", name);
	else if (s->prov.phases & WL_PROGRAM_PHASES)
		allow(b, name, unseen_only(b->w, &s->prov) ? WHY_UNSEEN : WHY_PROGRAM);
	if (s->prov.phases & WL_PHASE_BIT(WL_SEALED))
		allow(b, name, WHY_BASE);
}

static int add_program(struct builder *b, struct err *e)
{
	cleanup_buf struct buf out = { 0 };

	for (size_t i = 0; i < b->w->syscalls_n; i++) {
		const struct wl_syscall *s = &b->w->syscalls[i];

		if (!(s->prov.phases & SEALED_AND_PROGRAM))
			continue;
		if (s->desc) {
			add_call(b, s, &out);
			continue;
		}
		if (!b->o->allow_incomplete)
			return err_set(
				e, ENODATA,
				"the model has the unknown system call %u of %s, which a profile "
				"cannot name (--allow-incomplete leaves it out)",
				s->nr, sc_abi_name(s->abi));
		gen_note(b->notes, "left out: the unknown system call %u of %s", s->nr,
			 sc_abi_name(s->abi));
	}
	if (out.len)
		gen_note(b->notes,
			 "left out, since the code can reach them and no recording has them:%s",
			 buf_str(&out));
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

	if (b->o->no_base) {
		snprintf(b->base, sizeof(b->base), "none");
		return 0;
	}
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
		gen_note(b->notes,
			 "no base is known for the runtime %s; those of all known runtimes "
			 "are allowed (a measured one is better: --base)",
			 runtime);
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
			seen = seen || builder_has(b, group[k], WHY_PROGRAM | WHY_UNSEEN);
		for (size_t k = 0; seen && k < n; k++)
			if (strcmp(group[k], "clone3") || b->clone3)
				allow(b, group[k], WHY_PAIR);
	}
}

/*
 * clone3's flags are behind a pointer, where no filter sees them. Every libc that uses it calls
 * clone after ENOSYS, so that is what it answers, unless the user wants it or the runtime needs it.
 */
static void decide_clone3(struct builder *b)
{
	size_t i = builder_place("clone3");

	b->clone3 = b->o->clone3 || b->o->complain || b->why[i] & WHY_BASE ||
		    seen_allowed_by_policy(b->w, "clone3", WL_PROGRAM_PHASES) ||
		    builder_by_rules(b, "clone3");
	if (b->clone3)
		return;
	if (b->why[i] & WHY_ANY)
		allow(b, "clone", WHY_PAIR);
	b->why[i] = DONE;
	sp_rule_name(
		b->p,
		sp_rule_add(b->p, (struct sp_ret){ SP_ERRNO, ENOSYS },
			    "clone3 answers \"not implemented\", so that every libc falls back to "
			    "clone: the flags of clone3 are behind a pointer, where no filter can "
			    "see whether it makes a namespace"),
		"clone3");
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
 * glibc since 2.26 and musl run on Linux 3.2, so for everything newer a libc has another way when
 * the answer is ENOSYS. With EPERM it would give up: an update of a libc would break the program.
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
			r = sp_rule_add(
				b->p, (struct sp_ret){ SP_ERRNO, ENOSYS },
				"newer than Linux 3.2 and not used: \"not implemented\" makes "
				"libraries fall back to older calls");
		sp_rule_name(b->p, r, d->name);
	}
}

static void emit_groups(struct builder *b)
{
	cleanup_free char *base =
		xasprintf("not called by the program, but by its container runtime "
			  "(%s) between the filter and the execve",
			  b->base);

	emit_group(b, WHY_PROGRAM, "called by the program");
	emit_group(b, WHY_ALWAYS,
		   "always needed: the end of processes and signals, execve, and "
		   "clocks, which are calls on hosts without a vDSO clock");
	emit_group(b, WHY_PAIR,
		   "used by another libc or architecture in place of a call that was seen");
	emit_group(b, WHY_BASE, base);
	emit_group(b, WHY_UNSEEN,
		   "not recorded, but the program's code can reach them: rare paths, and what the "
		   "analysis cannot exclude");
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
	for (size_t i = 0; gen_always[i]; i++)
		allow(b, gen_always[i], WHY_ALWAYS);
	decide_clone3(b);
	add_equivalents(b);
	builder_add_filters(b);
	emit_groups(b);
	return 0;
}

/*
 * Refusing new namespaces when the model does not say whether it makes some is a choice, and so is
 * leaving out what no recording has.
 */
static bool is_mistake(const struct workload *w, const struct gen_options *o,
		       const struct verify_call *c)
{
	if (!c->name || c->verdict == VERDICT_FALLBACK)
		return false;
	if (c->prov && unseen_left_out(w, o, c->name, c->prov))
		return false;
	return c->verdict == VERDICT_DENIED ||
	       (strcmp(c->name, "clone") && strcmp(c->name, "clone3"));
}

/* The profile is consistent, compiles, means what its filter does, and allows all of the model. */
static int prove(const struct workload *w, const struct gen_options *gen,
		 const struct sp_profile *p, struct err *e)
{
	cleanup_sp_filter struct sp_filter f = { 0 };
	cleanup_verify_report struct verify_report report = { 0 };
	struct verify_options o = { .profile = p };
	int r = sp_compile_proven(p, NULL, &f, e);

	if (r >= 0)
		r = verify_model(w, &o, &report, e);
	if (r < 0)
		return err_prefix(e, "the generated profile is wrong");
	for (size_t i = 0; i < report.calls_n; i++) {
		const struct verify_call *c = &report.calls[i];

		if (is_mistake(w, gen, c))
			return err_set(
				e, EILSEQ,
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
		r = prove(w, o, out, e);
	if (r < 0)
		sp_free(out);
	return r < 0 ? r : 0;
}
