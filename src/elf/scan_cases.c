/*
 * Functions that do what a number in an object says: one switch for all operations of a kind, as in
 * libuv's uv__fs_work(). Which of its cases can be reached is known when every function that hands
 * it an object stores the number there itself, as a constant.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/scan_private.h"

enum {
	MAX_CASES = 64,
	MAX_MASKS = 255,
	MIN_CALLERS = 4, /* by so few the member may be found by chance */
};

/*
 * The one instruction that gives a register its value, in all of the function; what the function's
 * end restores does not count. -1: there are others, or calls may change it.
 */
static long only_write(const struct flow *f, int8_t reg)
{
	long at = -1;

	if (reg < 0 || f->cc->clobbered >> reg & 1 || reg == f->cc->stack)
		return -1;
	for (size_t k = 0; k < f->n; k++) {
		const struct elf_insn *i = &f->insns[k];

		if (i->kills >> reg & 1 || (i->dst == reg && i->op != ELF_OP_POP && at >= 0))
			return -1;
		if (i->dst == reg && i->op != ELF_OP_POP)
			at = (long)k;
	}
	return at;
}

static bool is_target(const struct scan *s, uint64_t addr)
{
	for (size_t i = 0; i < s->targets.n; i++)
		if (s->targets.v[i] == addr)
			return true;
	return false;
}

/*
 * Whether the function begins with keeping its first argument in the register. What it holds later
 * shows in the functions that call this one: see asked_by().
 */
static bool is_argument(const struct flow *f, int8_t reg)
{
	if (reg < 0 || f->cc->clobbered >> reg & 1)
		return false;
	for (size_t k = 0; k < f->blocks[0].end; k++) {
		const struct elf_insn *i = &f->insns[k];

		if (i->dst == reg)
			return i->op == ELF_OP_MOVE && i->size == 8 && i->src == f->cc->number_arg;
	}
	return false;
}

static bool find_table(const struct flow *f, int8_t reg, uint64_t *table)
{
	long at = only_write(f, reg);

	if (at < 0 || f->insns[at].op != ELF_OP_LEA || !f->insns[at].mem.absolute ||
	    f->insns[at].mem.index >= 0)
		return false;
	*table = (uint64_t)f->insns[at].mem.disp;
	return true;
}

/*
 * A jump by a table whose index is the member at `off` of what the first argument points to: it is
 * loaded in the block that ends with the jump, and used as it is.
 */
bool scan_find_switch(struct scan *s, struct scan_switch *out)
{
	const struct flow *f = &s->flow;

	for (size_t b = 0; b < f->blocks_n; b++) {
		int8_t index = ELF_NO_REG, base = ELF_NO_REG;

		if (f->insns[f->blocks[b].end - 1].op != ELF_OP_JUMP_IND)
			continue;
		for (size_t k = f->blocks[b].first; k < f->blocks[b].end; k++) {
			const struct elf_insn *i = &f->insns[k];

			if (i->mem.used && index >= 0 && i->mem.index == index && !i->mem.disp &&
			    find_table(f, i->mem.base, &out->table) && is_argument(f, base)) {
				out->function = s->current;
				return true;
			}
			if (i->dst == index || (index >= 0 && i->kills >> index & 1))
				index = ELF_NO_REG;
			if (i->op == ELF_OP_LOAD && i->size == 4 && i->mem.base >= 0 &&
			    i->mem.index < 0) {
				index = i->dst;
				base = i->mem.base;
				out->off = i->mem.disp;
			}
		}
	}
	return false;
}

/* Marks what control gets to from the block without the table. */
static void spread(const struct flow *f, size_t from, uint64_t bit, uint64_t *masks, size_t *queue)
{
	size_t n = 0;

	if (masks[from] & bit)
		return;
	masks[from] |= bit;
	queue[n++] = from;
	while (n) {
		const struct flow_block *x = &f->blocks[queue[--n]];

		for (unsigned k = 0; k < 2; k++) {
			long to = k ? x->branch : x->next;

			if (to < 0 || masks[to] & bit)
				continue;
			masks[to] |= bit;
			queue[n++] = (size_t)to;
		}
	}
}

/* By block: whether control gets there without the table. */
static void mark_always(const struct scan *s, const bool *by_table, uint64_t *always, size_t *queue)
{
	const struct flow *f = &s->flow;

	for (size_t b = 0; b < f->blocks_n; b++)
		if (b == 0 || (f->blocks[b].open &&
			       (!by_table[b] || is_target(s, f->addrs[f->blocks[b].first]))))
			spread(f, b, 1, always, queue);
}

static uint8_t group_of(struct elf_facts *x, uint64_t mask)
{
	for (size_t i = 0; i < x->masks_n; i++)
		if (x->masks[i] == mask)
			return (uint8_t)(i + 1);
	if (x->masks_n == MAX_MASKS)
		return 0;
	*vec_push(x->masks, x->masks_n, x->masks_cap) = mask;
	return (uint8_t)x->masks_n;
}

/* The groups of the blocks of the function at hand, which is solved. */
static uint8_t *divide(struct scan *s, const struct scan_switch *w)
{
	const struct flow *f = &s->flow;
	uint8_t *groups = xcalloc(f->blocks_n + 1, sizeof(*groups));
	cleanup_free uint64_t *masks = xcalloc(f->blocks_n + 1, sizeof(*masks));
	cleanup_free uint64_t *always = xcalloc(f->blocks_n + 1, sizeof(*always));
	cleanup_free bool *by_table = xcalloc(f->blocks_n + 1, sizeof(*by_table));
	cleanup_free size_t *queue = xcalloc(f->blocks_n + 1, sizeof(*queue));

	for (unsigned k = 0; k < MAX_CASES; k++) {
		const uint8_t *p = elf_at(s->m, w->table + k * 4ull, 4);
		uint64_t to = p ? w->table + (uint64_t)(int32_t)elf_number(p, 4) : 0;
		long b = p ? flow_block_at(f, to) : -1;

		if (!p || !elf_is_code(s->m, to))
			break;
		if (b < 0)
			continue;
		by_table[b] = true;
		spread(f, (size_t)b, 1ull << k, masks, queue);
	}
	mark_always(s, by_table, always, queue);
	for (size_t b = 0; b < f->blocks_n; b++)
		if (masks[b] && !always[b])
			groups[b] = group_of(s->facts, masks[b]);
	return groups;
}

/* Whether another file, or data, knows the function. */
static bool is_known(const struct scan *s, uint32_t function)
{
	const struct elf_function *x = &s->facts->functions[function];

	for (size_t i = 0; i < s->m->syms_n; i++)
		if (s->m->syms[i].defined && s->m->syms[i].value - x->start < x->end - x->start)
			return true;
	for (size_t i = 0; i < s->m->relocs_n; i++)
		if (s->m->relocs[i].addend - x->start < x->end - x->start)
			return true;
	return false;
}

static bool refers_to(const struct elf_facts *x, size_t function, uint32_t to)
{
	for (uint32_t k = 0; k < x->functions[function].refs_n; k++) {
		const struct elf_ref *r = &x->refs[x->functions[function].refs + k];

		if (r->to == to &&
		    ((r->kind == ELF_REF_CODE && !r->size) || r->kind == ELF_REF_TAKEN))
			return true;
	}
	return false;
}

/* A member of four bytes of an object that is not on the stack. */
static bool stores_member(const struct flow *f, const struct elf_insn *i)
{
	return i->op == ELF_OP_STORE && i->mem.size == 4 && i->mem.base >= 0 && i->mem.index < 0 &&
	       i->mem.base != f->cc->stack;
}

/* Whether the function at hand forms the address at this distance from a register. */
static bool forms_distance(const struct flow *f, int64_t distance)
{
	for (size_t k = 0; k < f->n; k++) {
		const struct elf_insn *i = &f->insns[k];

		if (i->op == ELF_OP_LEA && i->mem.base >= 0 && i->mem.index < 0 &&
		    i->mem.base != f->cc->stack && i->mem.disp == distance)
			return true;
		if (i->op == ELF_OP_ADD && i->src >= 0 && (int64_t)i->imm == distance)
			return true;
	}
	return distance == 0;
}

/* The constants that are stored in the member at `at`; false: also what is no small constant. */
static bool stored_numbers(struct scan *s, int64_t at, uint64_t *cases)
{
	struct flow *f = &s->flow;

	*cases = 0;
	for (size_t b = 0; b < f->blocks_n; b++) {
		struct flow_state st = f->in[b];

		for (size_t k = f->blocks[b].first; k < f->blocks[b].end; k++) {
			const struct elf_insn *i = &f->insns[k];
			uint64_t c[FLOW_MAX_SET] = { i->imm };
			unsigned n = i->src == ELF_NO_REG ? 1 : 0;

			if (stores_member(f, i) && i->mem.disp == at) {
				if (i->src != ELF_NO_REG)
					n = flow_constants(f, &st.reg[i->src], c);
				if (!n)
					return false;
				while (n--) {
					if (c[n] >= MAX_CASES)
						return false;
					*cases |= 1ull << c[n];
				}
			}
			flow_step(f, &st, k);
		}
	}
	return true;
}

/*
 * The numbers that the function stores in what it hands to the switch: the member stands as far
 * behind an address that it forms as the switch looks for it. 0: it cannot be told.
 */
static uint64_t asked_by(struct scan *s, uint32_t function, int64_t off)
{
	uint64_t all = 0;

	scan_solve(s, function);
	for (size_t k = 0; k < s->flow.n; k++) {
		const struct elf_insn *i = &s->flow.insns[k];
		uint64_t cases;

		if (!stores_member(&s->flow, i) || !forms_distance(&s->flow, i->mem.disp - off))
			continue;
		if (!stored_numbers(s, i->mem.disp, &cases))
			return 0;
		all |= cases;
	}
	return all;
}

static void add_asked(struct scan *s, uint32_t function, uint32_t to, uint64_t cases)
{
	struct elf_facts *x = s->facts;
	struct elf_ref r = { .kind = ELF_REF_CASES, .to = to, .numbers = x->numbers_n };

	for (uint32_t k = 0; k < MAX_CASES; k++)
		if (cases >> k & 1) {
			*vec_push(x->numbers, x->numbers_n, x->numbers_cap) = k;
			r.numbers_n++;
		}
	scan_add_ref(x, function, &r);
}

static void use_switch(struct scan *s, const struct scan_switch *w)
{
	const struct elf_facts *x = s->facts;
	cleanup_free uint64_t *asked = xcalloc(x->functions_n + 1, sizeof(*asked));
	unsigned callers = 0;

	if (is_known(s, w->function))
		return;
	for (size_t i = 0; i < x->functions_n; i++) {
		if (i == w->function || !refers_to(x, i, w->function))
			continue;
		asked[i] = asked_by(s, (uint32_t)i, w->off);
		if (!asked[i])
			return;
		callers++;
	}
	if (callers < MIN_CALLERS)
		return;
	scan_solve(s, w->function);
	s->groups = divide(s, w);
	scan_function(s, w->function);
	free(s->groups);
	s->groups = NULL;
	for (size_t i = 0; i < x->functions_n; i++)
		if (asked[i])
			add_asked(s, (uint32_t)i, w->function, asked[i]);
}

void scan_cases(struct scan *s)
{
	for (size_t i = 0; i < s->switches_n; i++)
		use_switch(s, &s->switches[i]);
}
