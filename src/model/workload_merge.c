#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/workload_private.h"

/* Where the sources and programs of `from` stand in `into`. */
struct merge {
	struct workload *into;
	const struct workload *from;
	uint32_t *sources, *programs;
};

enum { NOT_YET = UINT32_MAX };

/*
 * Pairs equal sources of the two, each at most once (two equal ones in both models stay two), and
 * returns how many of `from` have no partner: those are NOT_YET.
 */
static size_t pair_sources(const struct merge *m)
{
	cleanup_free struct wl_source_place *a = wl_sources_ordered(m->into);
	cleanup_free struct wl_source_place *b = wl_sources_ordered(m->from);
	size_t i = 0, j = 0, fresh = 0;

	while (j < m->from->sources_n) {
		int r = i < m->into->sources_n ? wl_source_cmp(a[i].s, b[j].s) : 1;

		if (r < 0) {
			i++;
			continue;
		}
		m->sources[b[j].i] = r ? NOT_YET : a[i].i;
		fresh += r > 0;
		i += r == 0;
		j++;
	}
	return fresh;
}

static size_t new_files(const struct merge *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->from->files_n; i++)
		n += !wl_file_find(m->into, m->from->files[i].path, m->from->files[i].pattern);
	return n;
}

static size_t new_programs(const struct merge *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->from->programs_n; i++)
		n += wl_program_find(m->into, m->from->programs[i].path) < 0;
	return n;
}

static int check(const struct merge *m, size_t new_sources, struct err *e)
{
	const char *a = m->into->identity.arch, *b = m->from->identity.arch;

	if (a && b && strcmp(a, b))
		return err_set(e, EINVAL,
			       "the models are of different architectures, %s and %s, and their "
			       "system calls cannot be joined",
			       a, b);
	if (m->into->sources_n + new_sources > WL_MAX_SOURCES)
		return err_set(e, E2BIG, "the merged model would have more than %d sources",
			       WL_MAX_SOURCES);
	if (m->into->programs_n + new_programs(m) > WL_MAX_PROGRAMS)
		return err_set(e, E2BIG, "the merged model would have more than %d programs",
			       WL_MAX_PROGRAMS);
	if (m->into->files_n + new_files(m) > WL_MAX_FILES)
		return err_set(e, E2BIG, "the merged model would have more than %d files",
			       WL_MAX_FILES);
	return 0;
}

static void add_source(struct merge *m, uint32_t i)
{
	struct workload *w = m->into;
	const struct wl_source *from = &m->from->sources[i];
	int at = wl_source_add(w, from->kind);
	struct wl_source *s = &w->sources[at];

	s->target = wl_string(w, from->target);
	s->started = wl_string(w, from->started);
	s->ended = wl_string(w, from->ended);
	s->kernel = wl_string(w, from->kernel);
	s->version = wl_string(w, from->version);
	s->runs = from->runs;
	s->complete = from->complete;
	s->supplement = from->supplement;
	s->incomplete_reason = wl_string(w, from->incomplete_reason);
	for (size_t k = 0; k < from->loss_n; k++)
		wl_loss_add(w, at, from->loss[k].what, from->loss[k].count);
	m->sources[i] = (uint32_t)at;
}

static void join_set(struct wl_set *into, const struct wl_set *from, const uint32_t *place)
{
	for (size_t i = 0; i < from->n; i++)
		wl_set_add(into, place[from->v[i]]);
}

static void join_prov(const struct merge *m, struct wl_prov *into, const struct wl_prov *from)
{
	into->phases |= from->phases;
	join_set(&into->programs, &from->programs, m->programs);
	join_set(&into->sources, &from->sources, m->sources);
}

static void join_programs(struct merge *m)
{
	for (size_t i = 0; i < m->from->programs_n; i++)
		m->programs[i] = (uint32_t)wl_program_add(m->into, m->from->programs[i].path);
	for (size_t i = 0; i < m->from->programs_n; i++) {
		const struct wl_program *from = &m->from->programs[i];
		struct wl_program *p = &m->into->programs[m->programs[i]];

		join_set(&p->parents, &from->parents, m->programs);
		join_set(&p->sources, &from->sources, m->sources);
		if (from->interpreter &&
		    (!p->interpreter || strcmp(from->interpreter, p->interpreter) < 0))
			p->interpreter = wl_string(m->into, from->interpreter);
	}
}

/* Arguments that one model leaves open stay so beside the other's argument sets, with who does. */
static void join_syscall(const struct merge *m, struct wl_syscall *s, const struct wl_syscall *from)
{
	cleanup_prov struct wl_prov theirs = { 0 };
	struct wl_prov open = { 0 };

	wl_open_prov(s, &open);
	wl_open_prov(from, &theirs);
	join_prov(m, &open, &theirs);
	join_prov(m, &s->prov, &from->prov);
	for (size_t j = 0; j < from->calls_n; j++) {
		const struct wl_call *c = &from->calls[j];
		struct wl_call *to = c->rule ? wl_rule_add(s, c->n, c->index, c->mask, c->value)
					     : wl_call_add(s, c->n, c->index, c->value);

		join_prov(m, &to->prov, &c->prov);
	}
	wl_prov_free(&s->any);
	if (s->calls_n)
		s->any = open;
	else
		wl_prov_free(&open);
}

static void join_syscalls(const struct merge *m)
{
	for (size_t i = 0; i < m->from->syscalls_n; i++) {
		const struct wl_syscall *from = &m->from->syscalls[i];

		join_syscall(m, wl_syscall_add(m->into, from->abi, from->nr), from);
	}
}

static void join_caps(const struct merge *m)
{
	for (size_t i = 0; i < m->from->caps_n; i++) {
		const struct wl_cap *c = &m->from->caps[i];

		for (size_t j = 0; j < c->uses_n; j++) {
			const struct wl_cap_use *u = &c->uses[j];

			join_prov(m,
				  &wl_cap_add(m->into, c->nr, c->result, u->syscall, u->function,
					      u->speculative, u->inferred)
					   ->prov,
				  &u->prov);
		}
	}
}

static void join_files_and_nets(const struct merge *m)
{
	for (size_t i = 0; i < m->from->files_n; i++) {
		const struct wl_file *f = &m->from->files[i];

		join_prov(m, &wl_file_add(m->into, f->path, f->pattern, f->access)->prov, &f->prov);
	}
	for (size_t i = 0; i < m->from->nets_n; i++) {
		const struct wl_net *n = &m->from->nets[i];

		join_prov(m,
			  &wl_net_add(m->into, n->op, n->family, n->type, n->protocol, n->address,
				      n->port)
				   ->prov,
			  &n->prov);
	}
}

static void join_identity(const struct merge *m)
{
	struct wl_identity *a = &m->into->identity;
	const struct wl_identity *b = &m->from->identity;
	const char **const to[] = { &a->name, &a->runtime, &a->arch };
	const char *const from[] = { b->name, b->runtime, b->arch };

	if (!a->image && !a->digest) { /* these two go together */
		a->image = wl_string(m->into, b->image);
		a->digest = wl_string(m->into, b->digest);
	}
	for (size_t i = 0; i < ARRAY_SIZE(to); i++)
		if (!*to[i])
			*to[i] = wl_string(m->into, from[i]);
	if (!a->entrypoint_n && b->entrypoint_n) {
		a->entrypoint = arena_alloc(&m->into->arena,
					    b->entrypoint_n * sizeof(*a->entrypoint));
		a->entrypoint_n = b->entrypoint_n;
		for (size_t i = 0; i < b->entrypoint_n; i++)
			a->entrypoint[i] = wl_string(m->into, b->entrypoint[i]);
	}
	if (!m->into->sequences)
		m->into->sequences = wl_string(m->into, m->from->sequences);
}

int wl_merge(struct workload *into, const struct workload *from, struct err *e)
{
	cleanup_free uint32_t *sources = xcalloc(from->sources_n, sizeof(*sources));
	cleanup_free uint32_t *programs = xcalloc(from->programs_n, sizeof(*programs));
	struct merge m = { into, from, sources, programs };
	int r;

	if (into == from)
		return 0;
	r = check(&m, pair_sources(&m), e);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < from->sources_n; i++)
		if (sources[i] == NOT_YET)
			add_source(&m, i);
	join_programs(&m);
	join_syscalls(&m);
	join_caps(&m);
	join_files_and_nets(&m);
	join_identity(&m);
	return 0;
}
