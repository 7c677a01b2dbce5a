#include "profile/lint_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "profile/libseccomp.h"
#include "profile/runtime_base.h"

enum {
	BUDGET = 20 * 1000 * 1000, /* steps; about a second */
	LIST_MAX = 8,		   /* names that are shown of a list */
};

static const char *const severities[LINT_SEVERITY_COUNT] = { "info", "low", "medium", "high" };
static const char *const engines[LINT_ENGINE_COUNT] = {
	[LINT_DOCKER] = "docker",	  [LINT_PODMAN] = "podman", [LINT_CRIO] = "cri-o",
	[LINT_CONTAINERD] = "containerd", [LINT_CRUN] = "crun",
};

const char *lint_severity_name(enum lint_severity s)
{
	return (unsigned)s < LINT_SEVERITY_COUNT ? severities[s] : NULL;
}

int lint_severity_parse(const char *name)
{
	for (int i = 0; i < LINT_SEVERITY_COUNT; i++)
		if (!strcmp(severities[i], name))
			return i;
	return -1;
}

const char *lint_engine_name(enum lint_engine e)
{
	return (unsigned)e < LINT_ENGINE_COUNT ? engines[e] : NULL;
}

int lint_engine_parse(const char *name)
{
	for (int i = 0; i < LINT_ENGINE_COUNT; i++)
		if (engines[i] && !strcmp(engines[i], name))
			return i;
	return -1;
}

void lint_options_default(struct lint_options *o)
{
	*o = (struct lint_options){ .no_new_privs = -1, .libc_kernel = { 3, 2, 0 } };
	sp_host_current(&o->host);
}

int lint_options_check(const struct lint_options *o, struct err *e)
{
	struct runtime_base base;
	struct sc_kver v;

	if (o->libseccomp && libseccomp_kernel(o->libseccomp, &v, e) < 0)
		return -EINVAL;
	return runtime_base_find(o->runtime, o->runtime_version, o->no_new_privs == 1, &base, e);
}

void lint_report_free(struct lint_report *r)
{
	free(r->findings);
	arena_free(&r->arena);
	*r = (struct lint_report){ 0 };
}

const struct json_path *lint_at(struct lint_place *at, size_t rule, const char *member, long index,
				const char *leaf)
{
	struct json_path *s = at->step;
	size_t n = 2;

	s[0] = (struct json_path){ NULL, "syscalls", 0 };
	s[1] = (struct json_path){ &s[0], NULL, rule };
	if (member) {
		s[n] = (struct json_path){ &s[n - 1], member, 0 };
		n++;
	}
	if (index >= 0) {
		s[n] = (struct json_path){ &s[n - 1], NULL, (size_t)index };
		n++;
	}
	if (leaf) {
		s[n] = (struct json_path){ &s[n - 1], leaf, 0 };
		n++;
	}
	return &s[n - 1];
}

const struct json_path *lint_at_name(struct lint_place *at, const struct lint_rule *r, size_t n)
{
	return n < r->listed ? lint_at(at, r->index, "names", (long)n, NULL)
			     : lint_at(at, r->index, "name", -1, NULL);
}

static struct lint_finding *new_finding(struct lint *l, const struct lint_check *c,
					enum lint_severity severity)
{
	struct lint_finding *f;

	if (l->r->n == LINT_MAX_FINDINGS) {
		l->r->incomplete = true;
		return NULL;
	}
	f = vec_push(l->r->findings, l->r->n, l->r->cap);
	f->check = c;
	f->severity = severity < c->severity ? severity : c->severity;
	l->r->count[f->severity]++;
	return f;
}

struct lint_finding *lint_add_again(struct lint *l, const struct lint_check *c,
				    const struct lint_again *at)
{
	struct lint_finding *f = new_finding(l, c, c->severity);

	if (!f)
		return NULL;
	f->pointer = arena_strdup(&l->r->arena, at->pointer);
	f->line = at->line;
	f->col = at->col;
	f->what = "this key was there before; the value that stands here counts";
	return f;
}

struct lint_finding *lint_add(struct lint *l, const struct lint_check *c,
			      enum lint_severity severity, const struct json_path *at,
			      const char *fmt, ...)
{
	struct lint_finding *f = new_finding(l, c, severity);
	cleanup_buf struct buf pointer = { 0 };
	cleanup_free char *what = NULL;
	va_list ap;

	if (!f)
		return NULL;
	json_place(&l->doc, at, &pointer, &f->line, &f->col);
	f->pointer = arena_strdup(&l->r->arena, buf_str(&pointer));
	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		mem_exhausted();
	va_end(ap);
	f->what = arena_strdup(&l->r->arena, what);
	return f;
}

bool lint_spend(struct lint *l, uint64_t steps)
{
	if (l->budget < steps) {
		l->r->incomplete = true;
		return false;
	}
	l->budget -= steps;
	return true;
}

void lint_put_call(struct buf *b, const struct lint_call *c, const uint64_t args[SC_MAX_ARGS])
{
	unsigned n, last = 0;

	sc_args(c->d, c->abi, &n);
	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		if (args[i])
			last = i + 1;
	n = n > last ? n : last;
	buf_printf(b, "%s(", c->d->name);
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, args[i] > 9 ? "%s0x%" PRIx64 : "%s%" PRIu64, i ? ", " : "", args[i]);
	buf_putc(b, ')');
}

void lint_list_add(struct lint_list *s, const char *name)
{
	if (s->n < LIST_MAX)
		buf_printf(&s->text, "%s%.64s", s->n ? ", " : "", name);
	s->n++;
}

const char *lint_list_end(struct lint_list *s)
{
	if (s->n > LIST_MAX)
		buf_printf(&s->text, " and %zu more", s->n - LIST_MAX);
	return buf_str(&s->text);
}

void lint_list_free(struct lint_list *s)
{
	buf_free(&s->text);
}

bool lint_lets(struct sp_ret r)
{
	return r.action == SP_ALLOW || r.action == SP_LOG;
}

struct lint_verdict lint_verdict(const struct lint *l, const char *name)
{
	const struct lint_call *c = lint_call_find(l, name);
	struct lint_verdict v = { .plain = l->p.deflt };

	for (size_t i = 0; c && i < c->n; i++) {
		const struct sp_rule *r = c->rule[i];

		if (r->conds_n) {
			v.limited = true;
			v.some_allowed |= lint_lets(r->ret);
		} else if (!v.rule || sp_ret_cmp(r->ret, v.plain) < 0) {
			v.rule = r;
			v.plain = r->ret;
		}
	}
	return v;
}

static int finding_cmp(const void *pa, const void *pb)
{
	const struct lint_finding *a = pa, *b = pb;
	long c = (long)b->severity - (long)a->severity;

	if (c == 0)
		c = a->check - b->check;
	if (c == 0)
		c = (long)a->line - (long)b->line;
	if (c == 0)
		c = (long)a->col - (long)b->col;
	if (c == 0)
		c = strcmp(a->what, b->what);
	return (c > 0) - (c < 0);
}

int lint_profile(const char *name, const char *text, size_t len, const struct lint_options *o,
		 struct lint_report *r, struct err *e)
{
	cleanup_lint struct lint l = { .o = o, .r = r, .budget = BUDGET };
	int rc;

	*r = (struct lint_report){ 0 };
	rc = lint_read(&l, name, text, len, e);
	if (rc < 0)
		return rc;
	for (const struct lint_check *c = lint_checks; c->id; c++)
		c->run(&l, c);
	if (r->n)
		qsort(r->findings, r->n, sizeof(*r->findings), finding_cmp);
	return 0;
}
