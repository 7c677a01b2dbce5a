#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "model/capture.h"
#include "profile/generate.h"
#include "profile/region.h"
#include "profile/runtime_base.h"
#include "profile/seen.h"

/* The phases whose calls a profile has to allow: the program's, and the sealed runtime's. */
#define CHECKED_PHASES (WL_PROGRAM_PHASES | WL_PHASE_BIT(WL_SEALED))

enum truth { NO, MAYBE, YES };

/* A call of which some arguments are known. */
struct known_call {
	enum sc_abi abi;
	const struct sc_desc *desc;
	unsigned n;
	const uint8_t *index;
	const uint64_t *value;
	const uint64_t *mask; /* NULL: values that were seen; else a condition on registers */
};

/* The outcomes that a call can have, and the rule of the strictest one. */
struct outcome {
	bool can[SP_ACTION_COUNT];
	struct sp_ret ret;
	long rule;
};

/*
 * Whether the model's value is the register's value: it is not for pointers (clone3 records the
 * flags it points to) and for what a recorder keeps only some bits of.
 */
static bool is_register(const struct known_call *k, unsigned i)
{
	const struct capture *c = capture_by_name(k->desc->name);
	unsigned n;
	const struct sc_arg *args = sc_args(k->desc, k->abi, &n);

	if (k->index[i] >= n || sc_arg_is_pointer(args[k->index[i]].kind))
		return false;
	for (unsigned a = 0; c && a < c->args_n; a++)
		if (c->arg[a] == k->index[i] && c->mask[a])
			return false;
	return true;
}

/* Whether something is known of the argument; then (argument & *mask) is *value. */
static bool known_bits(const struct known_call *k, unsigned index, uint64_t *mask, uint64_t *value)
{
	for (unsigned i = 0; i < k->n; i++) {
		if (k->index[i] != index || (!k->mask && !is_register(k, i)))
			continue;
		*mask = k->mask ? k->mask[i] : UINT64_MAX;
		*value = k->value[i];
		return true;
	}
	return false;
}

/* Whether all values with these bits are in the region, some, or none. */
static enum truth bits_in_region(const struct region *r, unsigned bits, uint64_t mask,
				 uint64_t value)
{
	uint64_t all = region_max(bits);
	struct region known, both = *r;

	region_full(&known, bits);
	region_bits(&known, mask & all, value & all);
	region_bits(&both, mask & all, value & all);
	if (region_empty(&both))
		return NO;
	if (r->mask & ~mask || region_leaves(&known, r->s, r->n))
		return MAYBE;
	return YES;
}

static bool region_is_full(const struct region *r, unsigned bits)
{
	return !r->mask && r->n == 1 && r->s[0].lo == 0 && r->s[0].hi == region_max(bits);
}

static enum truth argument_holds(const struct sp_rule *r, const struct known_call *k,
				 unsigned index)
{
	unsigned bits = sp_arg_bits(k->abi, k->desc, index);
	uint64_t mask, value;
	struct region region;
	bool full;

	region_full(&region, bits);
	for (size_t i = 0; i < r->conds_n; i++)
		if (r->conds[i].index == index)
			region_cond(&region, &r->conds[i], bits);
	full = region_is_full(&region, bits);
	if (known_bits(k, index, &mask, &value))
		return bits_in_region(&region, bits, mask, value);
	if (region_empty(&region))
		return NO;
	return full ? YES : MAYBE;
}

static enum truth rule_holds(const struct sp_rule *r, const struct known_call *k)
{
	enum truth all = YES;

	for (unsigned i = 0; i < SC_MAX_ARGS && all != NO; i++) {
		enum truth t = argument_holds(r, k, i);

		all = t < all ? t : all;
	}
	return all;
}

/*
 * The outcomes among the rules with (or without) conditions, by the profile's meaning: the
 * strictest that matches wins. Returns true when one of them is certain to match.
 */
static bool outcomes_of(const struct sp_call *c, const struct known_call *k, bool conditional,
			struct outcome *o)
{
	const struct sp_rule *certain = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct sp_rule *r = c->rule[i];

		if ((r->conds_n > 0) == conditional && rule_holds(r, k) == YES &&
		    (!certain || sp_ret_cmp(r->ret, certain->ret) < 0))
			certain = r;
	}
	for (size_t i = 0; i < c->n; i++) {
		const struct sp_rule *r = c->rule[i];

		if ((r->conds_n > 0) != conditional || rule_holds(r, k) == NO)
			continue;
		if (r != certain && certain && sp_ret_cmp(r->ret, certain->ret) >= 0)
			continue;
		o->can[r->ret.action] = true;
		if (o->rule == -1 || sp_ret_cmp(r->ret, o->ret) < 0) {
			o->ret = r->ret;
			o->rule = (long)r->source;
		}
	}
	return certain != NULL;
}

static void call_outcome(const struct sp_profile *p, const struct sp_calls *calls,
			 const struct known_call *k, uint32_t nr, struct outcome *o)
{
	*o = (struct outcome){ .rule = -1, .ret = p->deflt };
	if (!p->abi[k->abi]) {
		o->ret = p->bad_arch;
		o->rule = -2;
		o->can[o->ret.action] = true;
		return;
	}
	for (size_t i = 0; k->desc && i < calls->n; i++) {
		if (calls->call[i].nr != nr)
			continue;
		if (outcomes_of(&calls->call[i], k, true, o) ||
		    outcomes_of(&calls->call[i], k, false, o))
			return;
	}
	o->can[p->deflt.action] = true;
	if (o->rule >= 0 && sp_ret_cmp(p->deflt, o->ret) < 0) {
		o->ret = p->deflt;
		o->rule = -1;
	}
}

/* The verdict of an outcome; -1 when the call passes. */
static int verdict_of(const struct outcome *o)
{
	bool passes = o->can[SP_ALLOW] || o->can[SP_LOG];
	bool handed = o->can[SP_TRACE] || o->can[SP_NOTIFY];
	bool denied = false;

	for (unsigned a = SP_KILL_PROCESS; a <= SP_ERRNO; a++)
		denied = denied || o->can[a];
	if (passes && !handed && !denied)
		return -1;
	if (denied && !passes && !handed)
		return VERDICT_DENIED;
	return passes || denied ? VERDICT_DEPENDS : VERDICT_HANDED_ON;
}

struct verifier {
	const struct workload *model;
	const struct sp_profile *profile;
	struct sp_calls calls[SC_ABI_COUNT];
	struct verify_report *report;
};

/*
 * clone3 that answers ENOSYS is not a denial when clone with the same flags is allowed: that is
 * what every libc calls then (the flags beyond 32 bits are those that clone does not have).
 */
static int clone3_verdict(const struct verifier *v, const struct known_call *k)
{
	const struct sc_desc *clone = sc_by_name("clone");
	static const uint8_t first = 0;
	uint64_t flags = k->n && !k->mask && k->index[0] == 0 ? k->value[0] & UINT32_MAX : 0;
	struct known_call plain = { k->abi, clone, k->n ? 1 : 0, &first, &flags, NULL };
	struct outcome o;
	int verdict;

	call_outcome(v->profile, &v->calls[k->abi], &plain, (uint32_t)clone->nr[k->abi], &o);
	verdict = verdict_of(&o);
	return verdict < 0 ? VERDICT_FALLBACK : verdict;
}

static void check_call(struct verifier *v, const struct known_call *k, uint32_t nr,
		       const struct wl_prov *prov)
{
	struct verify_report *r = v->report;
	struct verify_call *c;
	struct outcome o;
	int verdict;

	r->checked++;
	call_outcome(v->profile, &v->calls[k->abi], k, nr, &o);
	verdict = verdict_of(&o);
	if (verdict < 0)
		return;
	if (verdict == VERDICT_DENIED && k->desc && !strcmp(k->desc->name, "clone3") &&
	    o.ret.action == SP_ERRNO && o.ret.data == ENOSYS)
		verdict = clone3_verdict(v, k);
	c = vec_push(r->calls, r->calls_n, r->calls_cap);
	*c = (struct verify_call){
		.verdict = (enum verdict)verdict,
		.abi = k->abi,
		.nr = nr,
		.name = k->desc ? k->desc->name : NULL,
		.args_n = (uint8_t)k->n,
		.prov = prov,
		.ret = o.ret,
		.rule = o.rule,
	};
	for (unsigned i = 0; i < k->n; i++) {
		c->index[i] = k->index[i];
		c->value[i] = k->value[i];
		c->mask[i] = k->mask ? k->mask[i] : UINT64_MAX;
	}
	c->condition = k->mask;
	r->count[verdict]++;
}

static void check_syscall(struct verifier *v, const struct wl_syscall *s)
{
	struct known_call k = { .abi = s->abi, .desc = s->desc };

	for (size_t i = 0; i < s->calls_n; i++) {
		const struct wl_call *c = &s->calls[i];

		if (!(c->prov.phases & CHECKED_PHASES))
			continue;
		k.n = c->n;
		k.index = c->index;
		k.value = c->value;
		k.mask = c->rule ? c->mask : NULL;
		check_call(v, &k, s->nr, &c->prov);
	}
	k.n = 0;
	if (s->prov.phases & CHECKED_PHASES && !seen_complete(v->model, s, CHECKED_PHASES))
		check_call(v, &k, s->nr, &s->prov);
}

static int native_abi(const struct workload *w)
{
	int abi = w->identity.arch ? sc_abi_parse(w->identity.arch) : -1;

	return abi >= 0 || !w->syscalls_n ? abi : (int)w->syscalls[0].abi;
}

/* Of the runtimes' own calls only this one has rules on arguments in profiles that boltseal makes.
 */
static void check_base_call(struct verifier *v, struct known_call *k, uint32_t nr)
{
	static const uint8_t prot_at[] = { 2 };
	static const uint64_t prot[] = { PROT_NONE, PROT_READ | PROT_WRITE };

	for (size_t i = 0; !strcmp(k->desc->name, "mmap") && i < ARRAY_SIZE(prot); i++) {
		k->n = 1;
		k->index = prot_at;
		k->value = &prot[i];
		check_call(v, k, nr, NULL);
	}
	if (!k->n)
		check_call(v, k, nr, NULL);
}

static int check_base(struct verifier *v, const struct workload *w, const struct verify_options *o,
		      struct err *e)
{
	struct runtime_base base;
	int abi = native_abi(w);
	int r = runtime_base_find(o->runtime, o->runtime_version, o->no_new_privs, &base, e);

	if (r < 0 || abi < 0)
		return r;
	memcpy(v->report->runtime, base.label, sizeof(base.label));
	for (size_t i = 0; i < base.n; i++) {
		struct known_call k = { .abi = (enum sc_abi)abi,
					.desc = sc_by_name(base.names[i]) };

		if (k.desc && k.desc->nr[abi] >= 0)
			check_base_call(v, &k, (uint32_t)k.desc->nr[abi]);
	}
	return 0;
}

static void check_caps(const struct workload *w, const struct verify_options *o,
		       struct verify_report *r)
{
	struct gen_caps caps;

	gen_caps(w, &caps);
	r->caps_denied = caps.needed & ~o->caps;
}

int verify_model(const struct workload *w, const struct verify_options *o, struct verify_report *r,
		 struct err *e)
{
	struct verifier v = { .model = w, .profile = o->profile, .report = r };
	int rc = 0;

	*r = (struct verify_report){ 0 };
	if (o->check_caps)
		check_caps(w, o, r);
	if (!o->profile)
		return 0;
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++)
		sp_calls_init(&v.calls[abi], o->profile, (enum sc_abi)abi);
	for (size_t i = 0; i < w->syscalls_n; i++)
		check_syscall(&v, &w->syscalls[i]);
	if (o->runtime)
		rc = check_base(&v, w, o, e);
	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++)
		sp_calls_free(&v.calls[abi]);
	if (rc < 0)
		verify_report_free(r);
	return rc;
}

void verify_report_free(struct verify_report *r)
{
	free(r->calls);
	*r = (struct verify_report){ 0 };
}

size_t verify_denials(const struct verify_report *r)
{
	return r->count[VERDICT_DENIED] + (size_t)__builtin_popcountll(r->caps_denied);
}
