#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/box.h"
#include "profile/import_private.h"

int import_source(struct workload *w, const char *target)
{
	int source = wl_source_add(w, WL_POLICY);
	struct wl_source *s = &w->sources[source];

	s->target = wl_string(w, target);
	s->version = BOLTSEAL_VERSION;
	s->complete = true;
	s->runs = 0;
	return source;
}

void import_reason(struct workload *w, int source, struct buf *notes, const char *fmt, ...)
{
	cleanup_buf struct buf all = { 0 };
	struct wl_source *s = &w->sources[source];
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(notes, "not complete: %s\n", text);
	if (s->incomplete_reason)
		buf_printf(&all, "%s; ", s->incomplete_reason);
	buf_puts(&all, text);
	s->complete = false;
	s->incomplete_reason = wl_string(w, buf_str(&all));
}

const char *import_line(struct buf *names)
{
	for (char *c = names->p; c && *c; c++)
		if (*c == '\n')
			*c = c[1] ? ' ' : '\0';
	return buf_str(names);
}

static bool allows(enum sp_action a)
{
	return a == SP_ALLOW || a == SP_LOG;
}

enum {
	MAX_RULES = 256,     /* conditions of one call in a model: more are no rules but a log */
	MAX_NOTE = 64 * 1024 /* bytes of what is said about one profile */
};

struct call_import {
	struct workload *w;
	int source;
	const struct sp_profile *p;
	enum sc_abi abi;
	const struct sc_desc *desc;
	unsigned bits[SC_MAX_ARGS]; /* of its arguments */
	const char *name;	    /* of the profile, for notes */
	struct buf *notes;
};

static bool is_allow(const struct sp_rule *r)
{
	return allows(r->ret.action);
}

/* Adds what the rule's conditions hold for to `sum`, without what is in it already. */
static void add_rule(const struct call_import *ci, const struct sp_rule *r, struct boxes *sum)
{
	cleanup_boxes struct boxes one = { 0 };

	boxes_of_conds(&one, r->conds, r->conds_n, ci->bits);
	boxes_subtract_all(&one, sum);
	boxes_append(sum, &one);
}

/* The rules whose conditions the model has no place for, by their places in the profile. */
static void note_inexact(struct call_import *ci, const struct sp_call *call, const char *why)
{
	if (ci->notes->len > MAX_NOTE)
		return;
	buf_printf(ci->notes, "%s: %s of %s: any arguments in the model, since %s:", ci->name,
		   ci->desc->name, sc_abi_name(ci->abi), why);
	for (size_t i = 0; i < call->n; i++)
		if (call->rule[i]->conds_n)
			buf_printf(ci->notes, " /syscalls/%zu", call->rule[i]->source);
	buf_putc(ci->notes, '\n');
}

/* The box as an argument set; false when it is about more arguments than one can have. */
static bool box_call(const struct box *b, struct wl_call *c)
{
	*c = (struct wl_call){ 0 };
	for (uint8_t i = 0; i < SC_MAX_ARGS; i++) {
		if (!b->mask[i])
			continue;
		if (c->n == WL_MAX_ARGS)
			return false;
		c->index[c->n] = i;
		c->mask[c->n] = b->mask[i];
		c->value[c->n++] = b->want[i];
	}
	return true;
}

/* Why the allowed arguments do not fit into a model; NULL when they do. */
static const char *misfit(const struct boxes *allowed)
{
	struct wl_call c;

	if (allowed->overflow || allowed->n > MAX_RULES)
		return "their conditions have too many parts";
	for (size_t i = 0; i < allowed->n; i++)
		if (!box_call(&allowed->v[i], &c))
			return "their conditions are about more than three arguments together";
	return NULL;
}

/*
 * What the call may have as arguments, exactly, by the meaning in seccomp.h: rules with conditions
 * win over those without, and of the former those that refuse.
 */
static void allowed_boxes(const struct call_import *ci, const struct sp_call *call, bool plain,
			  struct boxes *out)
{
	cleanup_boxes struct boxes refused = { 0 };

	if (plain)
		boxes_of_conds(out, NULL, 0, ci->bits);
	for (size_t i = 0; i < call->n; i++) {
		const struct sp_rule *r = call->rule[i];

		if (!r->conds_n || (plain && is_allow(r)))
			continue;
		add_rule(ci, r, is_allow(r) ? out : &refused);
	}
	boxes_subtract_all(out, &refused);
}

/* Whether a rule without conditions, or the default action, lets it pass. */
static bool plain_passes(const struct call_import *ci, const struct sp_call *call)
{
	struct sp_ret plain = ci->p->deflt;
	bool found = false;

	for (size_t i = 0; call && i < call->n; i++) {
		const struct sp_rule *r = call->rule[i];

		if (!r->conds_n && (!found || sp_ret_cmp(r->ret, plain) < 0)) {
			plain = r->ret;
			found = true;
		}
	}
	return allows(plain.action);
}

static bool conditional(const struct sp_call *call)
{
	for (size_t i = 0; call && i < call->n; i++)
		if (call->rule[i]->conds_n)
			return true;
	return false;
}

static void add_call(struct call_import *ci, const struct sp_call *call)
{
	cleanup_boxes struct boxes allowed = { 0 };
	bool plain = plain_passes(ci, call);
	const char *why = NULL;
	struct wl_syscall *s;

	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		ci->bits[i] = sp_arg_bits(ci->abi, ci->desc, i);
	if (conditional(call)) {
		allowed_boxes(ci, call, plain, &allowed);
		why = misfit(&allowed);
	} else if (plain) {
		boxes_of_conds(&allowed, NULL, 0, ci->bits);
	}
	if (!allowed.n && !why)
		return;
	if (why)
		note_inexact(ci, call, why);
	s = wl_syscall_add_name(ci->w, ci->abi, ci->desc);
	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, -1, ci->source);
	for (size_t i = 0; !why && i < allowed.n; i++) {
		struct wl_call c;

		if (!box_call(&allowed.v[i], &c) || !c.n) /* no condition: any */
			continue;
		wl_prov_add(&wl_rule_add(s, c.n, c.index, c.mask, c.value)->prov, WL_PROGRAM_PHASES,
			    -1, ci->source);
	}
}

static void import_abi(struct call_import *ci)
{
	cleanup_sp_calls struct sp_calls calls;
	size_t k = 0;

	sp_calls_init(&calls, ci->p, ci->abi);
	for (unsigned nr = 0; nr <= sc_max_nr(ci->abi); nr++) {
		const struct sp_call *call = NULL;

		ci->desc = sc_by_nr(ci->abi, nr);
		if (k < calls.n && calls.call[k].nr == nr)
			call = &calls.call[k++];
		if (ci->desc)
			add_call(ci, call);
	}
}

void import_profile(struct workload *w, int source, const struct sp_profile *p, const char *name,
		    struct buf *notes)
{
	struct call_import ci = { .w = w, .source = source, .p = p, .name = name, .notes = notes };

	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		ci.abi = (enum sc_abi)abi;
		if (p->abi[abi])
			import_abi(&ci);
	}
	if (allows(p->deflt.action))
		buf_printf(notes,
			   "%s: its default action lets everything pass that no rule names; the "
			   "model has all of these calls that this version knows, and no others\n",
			   name);
}

static const char *arch_of(const struct sp_profile *p)
{
	return sc_abi_name(p->abi[SC_AARCH64] && !p->abi[SC_X86_64] ? SC_AARCH64 : SC_X86_64);
}

int gen_import_seccomp(struct workload *w, const char *path, struct buf *notes, struct err *e)
{
	cleanup_buf struct buf target = { 0 }, unknown = { 0 };
	struct sp_profile p;
	int r, source;

	sp_init(&p);
	r = sp_load(&p, path, NULL, &unknown, e);
	if (!r) {
		buf_printf(&target, "seccomp profile %s", path);
		source = import_source(w, buf_str(&target));
		if (unknown.len)
			import_reason(w, source, notes, "calls that are not known: %s",
				      import_line(&unknown));
		import_profile(w, source, &p, path, notes);
		import_reason(w, source, notes,
			      "a seccomp profile says nothing of files, capabilities and network");
		w->identity.arch = wl_string(w, arch_of(&p));
	}
	sp_free(&p);
	return r;
}
