/* The order of a model's lists. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "model/workload_private.h"

#define CMP(a, b) (((a) > (b)) - ((a) < (b)))

static int text_cmp(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int losses_cmp(const struct wl_source *a, const struct wl_source *b)
{
	int r = CMP(a->loss_n, b->loss_n);

	for (size_t i = 0; !r && i < a->loss_n; i++) {
		r = strcmp(a->loss[i].what, b->loss[i].what);
		if (!r)
			r = CMP(a->loss[i].count, b->loss[i].count);
	}
	return r;
}

int wl_source_cmp(const struct wl_source *a, const struct wl_source *b)
{
	const char *const at[] = { a->started, a->ended,   a->target,
				   a->kernel,  a->version, a->incomplete_reason };
	const char *const bt[] = { b->started, b->ended,   b->target,
				   b->kernel,  b->version, b->incomplete_reason };
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(at); i++)
		r = text_cmp(at[i], bt[i]);
	if (!r)
		r = CMP(a->kind, b->kind);
	if (!r)
		r = CMP(a->runs, b->runs);
	if (!r)
		r = CMP(a->complete, b->complete);
	if (!r)
		r = CMP(a->supplement, b->supplement);
	return r ? r : losses_cmp(a, b);
}

static int place_cmp(const void *a, const void *b)
{
	const struct wl_source_place *x = a, *y = b;
	int r = wl_source_cmp(x->s, y->s);

	return r ? r : CMP(x->i, y->i);
}

struct wl_source_place *wl_sources_ordered(const struct workload *w)
{
	struct wl_source_place *list = xcalloc(w->sources_n, sizeof(*list));

	for (size_t i = 0; i < w->sources_n; i++)
		list[i] = (struct wl_source_place){ &w->sources[i], (uint32_t)i };
	if (w->sources_n)
		qsort(list, w->sources_n, sizeof(*list), place_cmp);
	return list;
}

/* new_place[old place] */
static void renumber_set(struct wl_set *s, const uint32_t *new_place)
{
	for (size_t i = 0; i < s->n; i++)
		s->v[i] = new_place[s->v[i]];
	wl_set_normalise(s);
}

struct renumbering {
	const uint32_t *programs, *sources;
};

static void renumber_prov(struct wl_prov *p, const struct renumbering *r)
{
	renumber_set(&p->programs, r->programs);
	renumber_set(&p->sources, r->sources);
}

static void renumber(struct workload *w, const struct renumbering *r)
{
	for (size_t i = 0; i < w->programs_n; i++) {
		renumber_set(&w->programs[i].parents, r->programs);
		renumber_set(&w->programs[i].sources, r->sources);
	}
	for (size_t i = 0; i < w->syscalls_n; i++) {
		renumber_prov(&w->syscalls[i].prov, r);
		renumber_prov(&w->syscalls[i].any, r);
		for (size_t j = 0; j < w->syscalls[i].calls_n; j++)
			renumber_prov(&w->syscalls[i].calls[j].prov, r);
	}
	for (size_t i = 0; i < w->caps_n; i++)
		for (size_t j = 0; j < w->caps[i].uses_n; j++)
			renumber_prov(&w->caps[i].uses[j].prov, r);
	for (size_t i = 0; i < w->files_n; i++)
		renumber_prov(&w->files[i].prov, r);
	for (size_t i = 0; i < w->nets_n; i++)
		renumber_prov(&w->nets[i].prov, r);
}

static uint32_t *order_sources(struct workload *w)
{
	cleanup_free struct wl_source_place *list = wl_sources_ordered(w);
	struct wl_source *sorted = xcalloc(w->sources_n, sizeof(*sorted));
	uint32_t *new_place = xcalloc(w->sources_n, sizeof(*new_place));

	for (size_t i = 0; i < w->sources_n; i++) {
		sorted[i] = *list[i].s;
		new_place[list[i].i] = (uint32_t)i;
	}
	free(w->sources);
	w->sources = sorted;
	w->sources_cap = w->sources_n;
	return new_place;
}

static int program_cmp(const void *a, const void *b)
{
	return strcmp(((const struct wl_program *)a)->path, ((const struct wl_program *)b)->path);
}

/* The index of programs still has the old places. */
static uint32_t *order_programs(struct workload *w)
{
	uint32_t *new_place = xcalloc(w->programs_n, sizeof(*new_place));

	if (w->programs_n)
		qsort(w->programs, w->programs_n, sizeof(*w->programs), program_cmp);
	for (size_t i = 0; i < w->programs_n; i++)
		new_place[wl_program_add(w, w->programs[i].path)] = (uint32_t)i;
	return new_place;
}

static int syscall_cmp(const void *a, const void *b)
{
	const struct wl_syscall *x = a, *y = b;
	int r = CMP(x->abi, y->abi);

	if (!r)
		r = CMP(!x->desc, !y->desc);
	if (!r && x->desc)
		r = strcmp(x->desc->name, y->desc->name);
	return r ? r : CMP(x->nr, y->nr);
}

static int call_cmp(const void *a, const void *b)
{
	const struct wl_call *x = a, *y = b;
	int r = CMP(x->n, y->n);

	if (!r)
		r = memcmp(x->index, y->index, x->n);
	if (!r)
		r = CMP(x->rule, y->rule);
	for (unsigned i = 0; !r && i < x->n; i++)
		r = CMP(x->value[i], y->value[i]);
	for (unsigned i = 0; !r && i < x->n; i++)
		r = CMP(x->mask[i], y->mask[i]);
	return r;
}

static int cap_cmp(const void *a, const void *b)
{
	const struct wl_cap *x = a, *y = b;
	int r = CMP(x->nr, y->nr);

	return r ? r : CMP(x->result, y->result);
}

static int use_cmp(const void *a, const void *b)
{
	const struct wl_cap_use *x = a, *y = b;
	int r = strcmp(x->syscall, y->syscall);

	if (!r)
		r = strcmp(x->function, y->function);
	if (!r)
		r = CMP(x->speculative, y->speculative);
	return r ? r : CMP(x->inferred, y->inferred);
}

static int file_cmp(const void *a, const void *b)
{
	const struct wl_file *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r ? r : CMP(x->pattern, y->pattern);
}

static int net_cmp(const void *a, const void *b)
{
	const struct wl_net *x = a, *y = b;
	int r = CMP(x->op, y->op);

	if (!r)
		r = CMP(x->family, y->family);
	if (!r)
		r = CMP(x->type, y->type);
	if (!r)
		r = CMP(x->protocol, y->protocol);
	if (!r)
		r = strcmp(x->address, y->address);
	return r ? r : CMP(x->port, y->port);
}

#define SORT(list, n, cmp)                                    \
	do {                                                  \
		if ((n) > 1)                                  \
			qsort(list, n, sizeof(*(list)), cmp); \
	} while (0)

void wl_sort(struct workload *w)
{
	cleanup_free uint32_t *sources = order_sources(w);
	cleanup_free uint32_t *programs = order_programs(w);

	renumber(w, &(struct renumbering){ programs, sources });
	wl_settle(w);
	for (size_t i = 0; i < w->syscalls_n; i++)
		SORT(w->syscalls[i].calls, w->syscalls[i].calls_n, call_cmp);
	for (size_t i = 0; i < w->caps_n; i++)
		SORT(w->caps[i].uses, w->caps[i].uses_n, use_cmp);
	SORT(w->syscalls, w->syscalls_n, syscall_cmp);
	SORT(w->caps, w->caps_n, cap_cmp);
	SORT(w->files, w->files_n, file_cmp);
	SORT(w->nets, w->nets_n, net_cmp);
	wl_reindex(w);
}
