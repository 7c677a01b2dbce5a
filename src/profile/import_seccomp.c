#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "profile/import_private.h"

int import_source(struct workload *w, const char *target)
{
	int source = wl_source_add(w, WL_IMPORT);
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

struct call_import {
	struct workload *w;
	int source;
	const struct sp_profile *p;
	enum sc_abi abi;
	const struct sc_desc *desc;
	struct buf *inexact; /* names of calls whose conditions cannot be expressed */
};

/* The values of a rule whose conditions are all EQ, on few arguments; ascending by index. */
static bool pinned(const struct sp_rule *r, struct wl_call *c)
{
	*c = (struct wl_call){ .n = 0 };
	for (uint8_t index = 0; index < SC_MAX_ARGS; index++) {
		for (size_t i = 0; i < r->conds_n; i++) {
			const struct sp_cond *k = &r->conds[i];
			bool whole = k->op == SP_MASKED_EQ && k->value == UINT64_MAX;

			if (k->index != index)
				continue;
			if ((k->op != SP_EQ && !whole) || c->n == WL_MAX_ARGS ||
			    (c->n && c->index[c->n - 1] == index))
				return false;
			c->index[c->n] = index;
			c->value[c->n++] = whole ? k->value2 : k->value;
		}
	}
	return c->n;
}

static void not_exact(struct call_import *ci)
{
	if (strstr(buf_str(ci->inexact), ci->desc->name) && ci->abi != sc_abi_native())
		return;
	buf_printf(ci->inexact, "%s%s", ci->inexact->len ? ", " : "", ci->desc->name);
}

/* Allowed without conditions, but for values that other rules refuse. */
static void add_any(struct call_import *ci, bool exact)
{
	struct wl_syscall *s = wl_syscall_add_name(ci->w, ci->abi, ci->desc);

	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, -1, ci->source);
	if (!exact)
		not_exact(ci);
}

/* Allowed by conditions alone: with those values, or with any when they name none. */
static void add_values(struct call_import *ci, const struct sp_call *call)
{
	struct wl_syscall *s;
	struct wl_call one;

	for (size_t i = 0; i < call->n; i++) {
		bool allowing = allows(call->rule[i]->ret.action);

		/* Refused for some values: which of the allowed ones are left is not worked out. */
		if (allowing ? !pinned(call->rule[i], &one) : call->rule[i]->conds_n) {
			add_any(ci, false);
			return;
		}
	}
	s = wl_syscall_add_name(ci->w, ci->abi, ci->desc);
	wl_prov_add(&s->prov, WL_PROGRAM_PHASES, -1, ci->source);
	for (size_t i = 0; i < call->n; i++) {
		struct wl_call *c;

		if (!allows(call->rule[i]->ret.action) || !pinned(call->rule[i], &one))
			continue;
		c = wl_call_add(s, one.n, one.index, one.value);
		wl_prov_add(&c->prov, WL_PROGRAM_PHASES, -1, ci->source);
	}
}

static void add_call(struct call_import *ci, const struct sp_call *call)
{
	struct sp_ret plain = ci->p->deflt;
	bool conditions = false, allowing = allows(plain.action), found = false;

	for (size_t i = 0; call && i < call->n; i++) {
		const struct sp_rule *r = call->rule[i];

		if (r->conds_n) {
			conditions = true;
			allowing |= allows(r->ret.action);
		} else if (!found || sp_ret_cmp(r->ret, plain) < 0) {
			plain = r->ret;
			found = true;
		}
	}
	if (allows(plain.action))
		add_any(ci, !conditions);
	else if (conditions && allowing)
		add_values(ci, call);
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
	cleanup_buf struct buf inexact = { 0 };
	struct call_import ci = { .w = w, .source = source, .p = p, .inexact = &inexact };

	for (unsigned abi = 0; abi < SC_ABI_COUNT; abi++) {
		ci.abi = (enum sc_abi)abi;
		if (p->abi[abi])
			import_abi(&ci);
	}
	if (allows(p->deflt.action))
		buf_printf(notes,
			   "%s: its default action lets everything pass that no rule names; the "
			   "model has all of these calls\n",
			   name);
	if (inexact.len)
		buf_printf(notes,
			   "%s: conditions that are not \"equals\"; the model has these calls with "
			   "any arguments: %s\n",
			   name, buf_str(&inexact));
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
