#include "elf/loops.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/flow.h"

enum { NONE = UINT32_MAX, MAX_DEPTH = 3 };

static void function_free(struct loops_function *f)
{
	blocks_free(&f->code);
	free(f->loops);
	free(f->enters);
	free(f->through);
}

void loops_free(struct loops *s)
{
	for (size_t i = 0; i < s->functions_n; i++)
		function_free(&s->functions[i]);
	free(s->functions);
	free(s->known);
	*s = (struct loops){ 0 };
}

/* The function that the block calls or jumps to; false: not known. */
static bool block_target(struct reach *r, uint32_t object, const struct block *b,
			 struct reach_place *out)
{
	struct elf_ref ref = { .kind = ELF_REF_READ, .to = 1, .at = b->slot };

	if (b->slot)
		return reach_called(r, object, &ref, out);
	*out = (struct reach_place){ object, (uint32_t)b->to };
	return b->to >= 0;
}

/* A loop and the instructions of its function, by piece, each in the order of their addresses. */
struct view {
	struct flow pieces[BLOCKS_MAX_PIECES];
	const struct blocks *c;
	uint32_t loop;
};

static void view_open(struct view *v, const struct blocks *c)
{
	v->c = c;
	for (size_t i = 0; i < c->pieces_n; i++) {
		const struct elf_function *x = &c->facts->functions[c->pieces[i]];

		flow_init(&v->pieces[i], c->m);
		flow_decode(&v->pieces[i], x->start, x->end);
	}
}

static void view_close(struct view *v)
{
	for (size_t i = 0; i < v->c->pieces_n; i++)
		flow_free(&v->pieces[i]);
}

/* The piece in which the block is, and its first and last instruction. */
static const struct flow *view_block(const struct view *v, const struct block *b, long *first,
				     long *last)
{
	for (size_t i = 0; i < v->c->pieces_n; i++) {
		const struct flow *f = &v->pieces[i];

		*first = *last = flow_insn_at(f, b->start);
		if (*first < 0)
			continue;
		while ((size_t)*last + 1 < f->n && f->addrs[*last + 1] < b->end)
			++*last;
		return f;
	}
	return NULL;
}

static bool forms_address(const struct view *v, const struct elf_insn *i)
{
	return i->mem.used && i->mem.absolute &&
	       (i->op == ELF_OP_LEA ||
		(i->op == ELF_OP_LOAD && elf_reloc_at(v->c->m, (uint64_t)i->mem.disp)));
}

static bool forms_anywhere(const struct view *v, int8_t reg)
{
	for (size_t i = 0; i < v->c->pieces_n; i++)
		for (size_t k = 0; k < v->pieces[i].n; k++)
			if (v->pieces[i].insns[k].dst == reg &&
			    forms_address(v, &v->pieces[i].insns[k]))
				return true;
	return false;
}

enum change { CHANGE_NONE, CHANGE_STEP, CHANGE_OTHER };

/* What the loop does to a register besides giving it an address: the most that one place does. */
static enum change changes(const struct view *v, int8_t reg)
{
	enum change most = CHANGE_NONE;

	for (size_t b = 0; b < v->c->blocks_n; b++) {
		const struct flow *f = NULL;
		long k = 0, last = -1;

		if (v->c->blocks[b].loop == v->loop)
			f = view_block(v, &v->c->blocks[b], &k, &last);
		for (; f && k <= last; k++) {
			const struct elf_insn *i = &f->insns[k];
			enum change c = CHANGE_OTHER;

			if (i->dst != reg || forms_address(v, i))
				continue;
			if (i->op == ELF_OP_ADD && i->src == reg)
				c = CHANGE_STEP;
			most = c == CHANGE_STEP || most == CHANGE_NONE ? c : most;
			if (c == CHANGE_STEP)
				return c;
		}
	}
	return most;
}

/* An operand in memory that is a variable: its address is the same whenever the loop comes by. */
static bool is_global(const struct view *v, const struct elf_mem *m)
{
	return m->index == ELF_NO_REG &&
	       (m->absolute || (m->base != ELF_NO_REG && forms_anywhere(v, m->base) &&
				changes(v, m->base) == CHANGE_NONE));
}

static bool any_steps(const struct view *v, uint32_t regs)
{
	for (int8_t r = 0; r < ELF_REGS; r++)
		if (regs >> r & 1 && changes(v, r) == CHANGE_STEP)
			return true;
	return false;
}

static bool keeps_flags(const struct elf_insn *i)
{
	switch (i->op) {
	case ELF_OP_MOVE:
	case ELF_OP_CONST:
	case ELF_OP_LEA:
	case ELF_OP_LOAD:
	case ELF_OP_STORE:
	case ELF_OP_PUSH:
	case ELF_OP_POP:
		return true;
	}
	return false;
}

/* Registers that a branch asks about, or what it compares before it. */
static uint32_t asked_registers(const struct elf_insn *i)
{
	return i->reads | (i->src == ELF_NO_REG ? 0 : 1u << i->src);
}

/*
 * Whether the block's last instruction turns on what a variable at a fixed address holds. Looks
 * back to the comparison, and from there to where its registers were loaded.
 */
static bool asks_variable(const struct view *v, const struct block *b)
{
	uint32_t asked;
	long k, last;
	const struct flow *f = view_block(v, b, &k, &last);

	if (!f || f->insns[last].op != ELF_OP_BRANCH)
		return false;
	asked = asked_registers(&f->insns[last]);
	for (long at = last - 1; at >= k; at--) {
		const struct elf_insn *i = &f->insns[at];

		if (asked && i->dst != ELF_NO_REG && asked >> i->dst & 1)
			return i->op == ELF_OP_LOAD && is_global(v, &i->mem);
		if (asked || keeps_flags(i))
			continue;
		asked = asked_registers(i);
		if (any_steps(v, asked))
			return false;
		if (i->mem.used)
			return is_global(v, &i->mem);
		if (!asked)
			return false;
	}
	return false;
}

/* Whether the way out of a loop is to the end of the process. */
static bool only_ends(const struct blocks *c, size_t b)
{
	for (unsigned k = 0; k < 8; k++) {
		const struct block *x = &c->blocks[b];

		if (x->leaves || x->next_n > 1)
			return false;
		if (!x->next_n)
			return true;
		b = c->next[x->next];
	}
	return false;
}

/* Whether every way out of the loop is by a variable, or there is none. */
static bool ends_by_variable(const struct view *v)
{
	const struct blocks *c = v->c;

	for (size_t b = 0; b < c->blocks_n; b++) {
		const struct block *x = &c->blocks[b];

		if (x->loop != v->loop)
			continue;
		if (x->leaves)
			return false;
		for (size_t k = 0; k < x->next_n; k++) {
			size_t to = c->next[x->next + k];

			if (c->blocks[to].loop != v->loop && !only_ends(c, to) &&
			    !asks_variable(v, x)) {
				return false;
			}
		}
	}
	return true;
}

static bool block_waits(const struct loops *s, const struct loops_function *x,
			const struct block *b)
{
	long piece = elf_function_at(x->code.facts, b->start);

	return piece >= 0 &&
	       calls_waits_at(s->calls, (struct reach_place){ x->at.object, (uint32_t)piece },
			      b->slot, b->start, b->end);
}

/* Whether the process can stay in the loop for as long as it serves. */
static bool may_stay(const struct loops *s, const struct loops_function *x, const struct view *v)
{
	const struct blocks *c = v->c;
	bool pointers = false;

	for (size_t b = 0; b < c->blocks_n; b++) {
		struct reach_place to;

		if (c->blocks[b].loop != v->loop)
			continue;
		pointers |= c->blocks[b].calls && c->blocks[b].pointer;
		if (block_waits(s, x, &c->blocks[b]))
			return true;
		if (!block_target(s->calls->r, x->at.object, &c->blocks[b], &to))
			continue;
		if (s->calls->waits[calls_id(s->calls, to)])
			return true;
		pointers |= s->calls->pointers[calls_id(s->calls, to)];
	}
	return pointers && ends_by_variable(v);
}

static bool mark_loops(const struct loops *s, struct loops_function *x)
{
	const struct blocks *c = &x->code;
	struct view v;
	bool any = false;

	if (!c->loops_n)
		return false;
	view_open(&v, c);
	for (v.loop = 1; v.loop <= c->loops_n; v.loop++) {
		if (!may_stay(s, x, &v))
			continue;
		any = true;
		for (size_t b = 0; b < c->blocks_n; b++)
			x->loops[b] |= c->blocks[b].loop == v.loop;
	}
	view_close(&v);
	return any;
}

static bool read_function(const struct loops *s, struct loops_function *x, struct reach_place at)
{
	const struct link_object *o = s->calls->r->l->objects[at.object];

	*x = (struct loops_function){ .at = at };
	if (!blocks_read(&x->code, &o->image, &o->facts, at.function))
		return false;
	x->loops = xcalloc(x->code.blocks_n + 1, sizeof(*x->loops));
	x->enters = xcalloc(x->code.blocks_n + 1, sizeof(*x->enters));
	x->through = xcalloc(x->code.blocks_n + 1, sizeof(*x->through));
	for (size_t b = 0; b < x->code.blocks_n; b++)
		x->through[b] = -1;
	x->stays = mark_loops(s, x);
	return true;
}

static bool worth_reading(const struct loops *s, struct reach_place at)
{
	size_t id = calls_id(s->calls, at);

	return !s->calls->libc[at.object] && (s->calls->waits[id] || s->calls->pointers[id]);
}

/*
 * Whether a function that can also be called through pointers has a loop to stay in; of one that
 * never returns, those that it calls and that never return count too.
 */
static bool has_loop(const struct loops *s, struct reach_place at, unsigned depth)
{
	const struct link_object *o = s->calls->r->l->objects[at.object];
	bool forever = !o->facts.functions[at.function].returns, stays;
	struct loops_function x;

	if ((depth && !forever) || !worth_reading(s, at))
		return false;
	if (!read_function(s, &x, at))
		return true;
	stays = x.stays;
	for (size_t b = 0; forever && !stays && depth < MAX_DEPTH && b < x.code.blocks_n; b++) {
		struct reach_place to;

		stays = block_target(s->calls->r, at.object, &x.code.blocks[b], &to) &&
			has_loop(s, to, depth + 1);
	}
	function_free(&x);
	return stays;
}

/* Index of a function that is followed; -1: it is none, and then *enters is whether it stays. */
static long follow(struct loops *s, struct reach_place at, bool *enters)
{
	uint32_t *known = &s->known[calls_id(s->calls, at)];
	struct loops_function x;

	*enters = false;
	if (*known)
		return *known == NONE ? -1 : (long)*known - 1;
	if (!worth_reading(s, at)) {
		*known = NONE;
		return -1;
	}
	if (reach_has(s->by_pointer, at.object, at.function)) {
		*enters = has_loop(s, at, 0);
		if (!*enters)
			*known = NONE;
		return -1;
	}
	if (s->functions_n == LOOPS_MAX_FUNCTIONS || !read_function(s, &x, at)) {
		*enters = true;
		return -1;
	}
	*vec_push(s->functions, s->functions_n, s->functions_cap) = x;
	*known = (uint32_t)s->functions_n;
	return (long)s->functions_n - 1;
}

static void follow_calls(struct loops *s, size_t index)
{
	for (size_t b = 0; b < s->functions[index].code.blocks_n; b++) {
		struct loops_function *x = &s->functions[index];
		struct reach_place to;
		bool enters;
		long at;

		if (!block_target(s->calls->r, x->at.object, &x->code.blocks[b], &to))
			continue;
		at = follow(s, to, &enters);
		x = &s->functions[index]; /* which may have moved */
		x->through[b] = at;
		x->enters[b] = enters;
		x->stays |= enters;
	}
}

/* Who calls a function that stays, stays. */
static void spread(struct loops *s)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < s->functions_n; i++) {
			struct loops_function *x = &s->functions[i];

			for (size_t b = 0; !x->stays && b < x->code.blocks_n; b++)
				if (x->through[b] >= 0 && s->functions[x->through[b]].stays)
					x->stays = more = true;
		}
	}
}

bool loops_find(struct loops *s, struct calls *c, const struct reach *by_pointer,
		struct reach_place main)
{
	struct loops_function x;

	*s = (struct loops){ .calls = c, .by_pointer = by_pointer };
	s->known = xcalloc(c->n + 1, sizeof(*s->known));
	if (!read_function(s, &x, main))
		return false;
	*vec_push(s->functions, s->functions_n, s->functions_cap) = x;
	s->known[calls_id(c, main)] = 1;
	for (size_t i = 0; i < s->functions_n; i++)
		follow_calls(s, i);
	spread(s);
	return s->functions[0].stays;
}
