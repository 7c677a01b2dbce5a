#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/gates.h"
#include "elf/node.h"
#include "elf/python.h"
#include "elf/scan_private.h"

long elf_function_at(const struct elf_facts *f, uint64_t addr)
{
	size_t lo = 0, hi = f->functions_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->functions[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < f->functions_n && f->functions[lo].start <= addr ? (long)lo : -1;
}

void elf_facts_free(struct elf_facts *f)
{
	free(f->functions);
	free(f->refs);
	free(f->sites);
	free(f->numbers);
	free(f->starts);
	free(f->masks);
	free(f->inner);
	*f = (struct elf_facts){ 0 };
}

static int compare_refs(const void *a, const void *b)
{
	const struct elf_ref *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->numbers_n != y->numbers_n)
		return x->numbers_n < y->numbers_n ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

/* The references of the function at hand, each once. */
static void keep_refs(struct scan *s)
{
	struct elf_function *f = &s->facts->functions[s->current];
	struct elf_facts *all = s->facts;

	if (s->refs_n)
		qsort(s->refs, s->refs_n, sizeof(*s->refs), compare_refs);
	f->refs = (uint32_t)all->refs_n;
	for (size_t i = 0; i < s->refs_n; i++)
		if (!i || compare_refs(&s->refs[i], &s->refs[i - 1]))
			*vec_push(all->refs, all->refs_n, all->refs_cap) = s->refs[i];
	f->refs_n = (uint32_t)(all->refs_n - f->refs);
}

/* Places inside of the function at which control can arrive from elsewhere. */
static void collect_open(struct scan *s, const struct elf_function *f)
{
	size_t lo = 0, hi = s->targets.n;

	s->open.n = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->targets.v[mid] <= f->start)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < s->targets.n && s->targets.v[lo] < f->end; lo++)
		*vec_push(s->open.v, s->open.n, s->open.cap) = s->targets.v[lo];
	for (size_t k = 0; k < s->flow.n; k++) {
		uint64_t to = s->flow.insns[k].target;

		if (s->flow.insns[k].op == ELF_OP_CALL && to > f->start && to < f->end)
			*vec_push(s->open.v, s->open.n, s->open.cap) = to;
	}
	scan_tables(s, f->start, f->end);
	scan_sort(&s->open);
}

void scan_solve(struct scan *s, uint32_t index)
{
	const struct elf_function *f = &s->facts->functions[index];

	s->current = index;
	flow_decode(&s->flow, f->start, f->end);
	scan_mark_final(s);
	collect_open(s, f);
	s->flow.only_reached = !f->framed;
	flow_solve(&s->flow, s->open.v, s->open.n);
}

/* Whether control runs into bytes that are no instruction: then all of it is data. */
static bool runs_into_data(const struct flow *f)
{
	for (size_t b = 0; f->damaged && b < f->blocks_n; b++)
		for (size_t k = f->blocks[b].first; k < f->blocks[b].end; k++)
			if (f->in[b].reg[0].kind != FLOW_NONE && f->insns[k].kills == UINT32_MAX)
				return true;
	return false;
}

static void note_switch(struct scan *s)
{
	struct scan_switch w;

	for (size_t i = 0; i < s->switches_n; i++)
		if (s->switches[i].function == s->current)
			return;
	if (s->m->machine == ELF_X86_64 && scan_find_switch(s, &w))
		*vec_push(s->switches, s->switches_n, s->switches_cap) = w;
}

void scan_function(struct scan *s, uint32_t index)
{
	struct elf_function *f = &s->facts->functions[index];

	s->refs_n = 0;
	f->sites = (uint32_t)s->facts->sites_n;
	scan_solve(s, index);
	if (f->framed || !runs_into_data(&s->flow))
		scan_refs(s);
	if (!s->groups)
		note_switch(s);
	f->sites_n = (uint32_t)(s->facts->sites_n - f->sites);
	keep_refs(s);
}

static bool calls_wrapper(const struct elf_facts *f, const struct elf_function *x,
			  const bool *fresh)
{
	for (uint32_t k = 0; k < x->refs_n; k++) {
		const struct elf_ref *r = &f->refs[x->refs + k];

		if (r->kind == ELF_REF_CODE && fresh[r->to])
			return true;
	}
	return false;
}

/* Functions that call one whose argument is a number are read again, with their arguments. */
static void scan_wrappers(struct scan *s)
{
	struct elf_facts *f = s->facts;
	cleanup_free bool *known = xcalloc(f->functions_n + 1, 1);
	cleanup_free bool *fresh = xcalloc(f->functions_n + 1, 1);
	bool more = true;

	for (unsigned round = 0; more && round < SCAN_MAX_ROUNDS; round++) {
		more = false;
		for (size_t i = 0; i < f->functions_n; i++) {
			fresh[i] = f->functions[i].param >= 0 && !known[i];
			known[i] |= fresh[i];
			more |= fresh[i];
		}
		for (size_t i = 0; more && i < f->functions_n; i++)
			if (calls_wrapper(f, &f->functions[i], fresh))
				scan_function(s, (uint32_t)i);
	}
}

static void find_watched(struct scan *s)
{
	for (size_t i = 0; i < s->m->syms_n; i++)
		if (s->m->syms[i].defined && gates_argument(s->m->syms[i].name) >= 0)
			*vec_push(s->watched, s->watched_n, s->watched_cap) = (uint32_t)i;
}

static void begin(struct scan *s, const struct elf_image *m, struct elf_facts *facts)
{
	*s = (struct scan){ .m = m, .facts = facts, .loads_names = scan_loads_names(m) };
	flow_init(&s->flow, m);
	find_watched(s);
	for (size_t i = 0; i < m->syms_n; i++)
		s->gives_names |= node_gives_name(m->syms[i].name);
	s->all_names = python_is_part(m) || s->gives_names;
}

void scan_free(struct scan *s)
{
	free(s->open.v);
	free(s->targets.v);
	free(s->watched);
	free(s->refs);
	free(s->switches);
	flow_free(&s->flow);
}

/* The places inside of functions at which control arrives from elsewhere. */
static void keep_inner(struct scan *s)
{
	struct elf_facts *f = s->facts;

	for (size_t i = 0; i < s->targets.n; i++) {
		long at = elf_function_at(f, s->targets.v[i]);

		if (at >= 0 && f->functions[at].start != s->targets.v[i])
			*vec_push(f->inner, f->inner_n, f->inner_cap) = s->targets.v[i];
	}
}

void elf_scan(const struct elf_image *m, struct elf_facts *out)
{
	struct scan s;

	*out = (struct elf_facts){ 0 };
	begin(&s, m, out);
	scan_ranges(&s);
	scan_returns(&s);
	for (size_t i = 0; i < out->functions_n; i++)
		scan_function(&s, (uint32_t)i);
	scan_wrappers(&s);
	scan_globals(&s);
	scan_cases(&s);
	scan_adopt(&s);
	if (s.loads_names || s.all_names)
		scan_filter_names(&s);
	keep_inner(&s);
	free(s.open.v);
	s.open = (struct scan_addresses){ out->starts, out->starts_n, out->starts_cap };
	scan_sort(&s.open);
	out->starts_n = s.open.n;
	s.open = (struct scan_addresses){ 0 };
	scan_free(&s);
}
