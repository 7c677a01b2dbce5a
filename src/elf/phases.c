#include "elf/phases.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/loops.h"
#include "elf/scan_main.h"

void phases_free(struct phases *p)
{
	reach_free(&p->start);
	reach_free(&p->serving);
	free(p->loops);
	*p = (struct phases){ 0 };
}

/* A walk that begins with what the whole program's found out about the system. */
static void begin(struct reach *r, const struct reach *all)
{
	reach_init(r, all->l);
	r->gates_open = all->gates_open;
	reach_leave_out(r, all->programs);
}

static struct reach_part new_part(const struct reach *r, struct reach_place at, uint64_t addr)
{
	const struct elf_function *x = &r->l->objects[at.object]->facts.functions[at.function];

	return (struct reach_part){ .object = at.object,
				    .function = at.function,
				    .addr = addr,
				    .refs = xcalloc(x->refs_n + 1, sizeof(bool)),
				    .sites = xcalloc(x->sites_n + 1, sizeof(bool)) };
}

/* What can be called through a pointer while the program serves, and the end of the process. */
static void add_pointers(struct reach *r, const struct reach *all, struct reach_place main,
			 const struct phases_rest *rest)
{
	struct reach_part nothing = new_part(all, main, 0);
	bool nss;

	begin(r, all);
	/* Only the C library's start calls main; what follows its loop is added by itself. */
	reach_replace(r, &nothing);
	reach_add_end(r);
	rest->add(rest->ctx, r);
	nss = r->nss;
	reach_add_formed(r, all);
	/* That a string stands in code of the start does not mean that names are looked up later.
	 */
	r->nss = nss;
	rest->run(r);
}

static const char *const returns_twice[] = {
	"setjmp", "_setjmp", "sigsetjmp", "__sigsetjmp", "getcontext", "vfork", "savectx",
};

static bool comes_back(const struct blocks *c, const struct block *b)
{
	const struct elf_reloc *rel = b->slot ? elf_reloc_at(c->m, b->slot) : NULL;

	for (size_t i = 0; rel && rel->kind == ELF_REL_SYMBOL && i < ARRAY_SIZE(returns_twice); i++)
		if (!strcmp(c->m->syms[rel->sym].name, returns_twice[i]))
			return true;
	return false;
}

static void mark_next(const struct blocks *c, size_t b, bool *marks)
{
	for (size_t k = 0; k < c->blocks[b].next_n; k++)
		marks[c->next[c->blocks[b].next + k]] = true;
}

static bool calls_staying(const struct loops *s, const struct loops_function *x, size_t b)
{
	return x->through[b] >= 0 && s->functions[x->through[b]].stays;
}

/*
 * Blocks that can run once one of the loops was entered: the loops, what follows a call in which
 * that happened, what longjmp(3) or an exception leads to, and all behind.
 */
static void mark_serving(const struct loops *s, const struct loops_function *x, bool *marks)
{
	const struct blocks *c = &x->code;

	for (size_t b = 0; b < c->blocks_n; b++) {
		marks[b] |= x->loops[b] || x->enters[b] || c->loose[b];
		if (calls_staying(s, x, b) || comes_back(c, &c->blocks[b]))
			mark_next(c, b, marks);
	}
	blocks_spread(c, marks, NULL);
}

/* Blocks that can run before; `passes`, by function of `s`: it can return before. */
static void mark_start(const struct loops *s, const struct loops_function *x, const bool *passes,
		       bool *marks)
{
	const struct blocks *c = &x->code;
	cleanup_free bool *ends = xcalloc(c->blocks_n + 1, sizeof(*ends));

	for (size_t b = 0; b < c->blocks_n; b++)
		ends[b] = x->loops[b] || (calls_staying(s, x, b) && !passes[x->through[b]]);
	marks[c->entry] = true;
	blocks_spread(c, marks, ends);
	for (size_t b = 0; b < c->blocks_n; b++)
		marks[b] &= !x->loops[b];
}

static bool can_leave(const struct blocks *c, const bool *marks)
{
	for (size_t b = 0; b < c->blocks_n; b++)
		if (marks[b] && c->blocks[b].leaves)
			return true;
	return false;
}

/* By function: whether it can return without having been in one of the loops. */
static bool *find_passes(const struct loops *s)
{
	bool *passes = xcalloc(s->functions_n + 1, sizeof(*passes));
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < s->functions_n; i++) {
			const struct loops_function *x = &s->functions[i];
			cleanup_free bool *marks = xcalloc(x->code.blocks_n + 1, sizeof(*marks));

			if (!x->stays || passes[i])
				continue;
			mark_start(s, x, passes, marks);
			passes[i] = can_leave(&x->code, marks);
			more |= passes[i];
		}
	}
	return passes;
}

/* One part for each piece of the function. */
static void add_parts(struct reach *r, const struct loops_function *x, const bool *marks,
		      const char *why)
{
	const struct blocks *c = &x->code;
	const struct elf_facts *f = c->facts;

	for (size_t i = 0; i < c->pieces_n; i++) {
		struct reach_place at = { x->at.object, c->pieces[i] };
		struct reach_part part = new_part(r, at, f->functions[at.function].start);

		for (size_t b = c->blocks_n; b-- > 0;)
			if (marks[b] && elf_function_at(f, c->blocks[b].start) == (long)at.function)
				part.addr = c->blocks[b].start;
		blocks_keep(c, i, marks, part.refs, part.sites);
		if (why)
			reach_add_part(r, &part, why);
		else
			reach_replace(r, &part);
	}
}

static void add_serving(struct reach *r, const struct loops *s)
{
	for (size_t i = 0; i < s->functions_n; i++) {
		const struct loops_function *x = &s->functions[i];
		cleanup_free bool *marks = xcalloc(x->code.blocks_n + 1, sizeof(*marks));

		if (!x->stays)
			continue;
		mark_serving(s, x, marks);
		add_parts(r, x, marks, "the loop in which the program serves, and what follows");
	}
}

/*
 * Whether others than the functions that were followed call this one. They do so before main:
 * constructors.
 */
static bool called_before(const struct loops *s, const struct loops_function *x)
{
	const struct calls *c = s->calls;
	size_t id = calls_id(c, x->at);

	for (uint32_t k = c->first[id]; k < c->first[id + 1]; k++)
		if (!s->known[c->callers[k]] || s->known[c->callers[k]] == UINT32_MAX)
			return true;
	return false;
}

/* What runs before, from the start of the program as in the walk through all of it. */
static void walk_start(struct reach *r, const struct reach *all, const struct loops *s,
		       const struct phases_rest *rest)
{
	cleanup_free bool *passes = find_passes(s);

	begin(r, all);
	for (size_t i = 0; i < s->functions_n; i++) {
		const struct loops_function *x = &s->functions[i];
		cleanup_free bool *marks = xcalloc(x->code.blocks_n + 1, sizeof(*marks));

		if (!x->stays || (i && called_before(s, x)))
			continue;
		mark_start(s, x, passes, marks);
		add_parts(r, x, marks, NULL);
	}
	reach_add_start(r);
	rest->add(rest->ctx, r);
	rest->run(r);
}

static void note_loops(struct phases *p, const struct loops *s)
{
	for (size_t i = 0; i < s->functions_n; i++) {
		const struct loops_function *x = &s->functions[i];

		for (size_t b = 0; b < x->code.blocks_n; b++) {
			const struct block *y = &x->code.blocks[b];
			bool first = x->enters[b];

			for (size_t k = 0; x->loops[b] && (first = true) && k < b; k++)
				if (x->code.blocks[k].loop == y->loop) {
					first = x->enters[b];
					break;
				}
			if (first)
				*vec_push(p->loops, p->loops_n, p->loops_cap) =
					(struct phases_loop){ x->at.object, y->start };
		}
	}
}

/* The function of the C library that calls main goes on when main returns. */
static void add_caller(struct reach *r, const struct scan_main *m)
{
	for (size_t i = 0; m->by_libc && i < r->l->objects_n; i++) {
		uint32_t s = link_defined(r->l->objects[i], "__libc_start_main");

		if (s)
			reach_add_function(r, (int)i, r->l->objects[i]->image.syms[s].value,
					   "what follows main");
	}
}

static bool calls_any(const struct calls *c, struct reach_place at)
{
	return c->first[calls_id(c, at)] != c->first[calls_id(c, at) + 1];
}

void phases_find(struct phases *p, struct reach *all, const struct phases_rest *rest)
{
	const struct link_object *o = all->l->objects[0];
	cleanup_calls struct calls calls = { 0 };
	cleanup_loops struct loops loops = { 0 };
	struct reach_place main = { 0 };
	struct scan_main m;

	if (all->open_n) {
		p->why_not = "system calls with unknown numbers";
		return;
	}
	if (!scan_find_main(&o->image, &o->facts, &m)) {
		p->why_not = "the beginning of main was not found";
		return;
	}
	main.function = m.function;
	add_pointers(&p->serving, all, main, rest);
	calls_find(&calls, all, o->image.machine == ELF_X86_64 ? SC_X86_64 : SC_AARCH64);
	if (!loops_find(&loops, &calls, &p->serving, main))
		p->why_not = "no loop in which the program waits was found";
	else if (m.by_libc && calls_any(&calls, main))
		p->why_not = "main is called by more than the start of the program";
	if (p->why_not)
		return;
	add_serving(&p->serving, &loops);
	add_caller(&p->serving, &m);
	rest->run(&p->serving);
	walk_start(&p->start, all, &loops, rest);
	note_loops(p, &loops);
}
