#include "elf/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/blocks_loops.h"
#include "elf/scan_private.h"

void blocks_free(struct blocks *c)
{
	free(c->blocks);
	free(c->next);
	free(c->loose);
	*c = (struct blocks){ 0 };
}

/* Instructions of all pieces, and where each leads. */
struct line {
	uint64_t addr, end;
	struct elf_insn insn;
	uint32_t piece;
};

struct reading {
	struct blocks *c;
	struct scan *s;
	struct line *lines; /* ascending by address */
	size_t lines_n, lines_cap;
	struct scan_addresses tables[BLOCKS_MAX_PIECES]; /* what jump tables lead to */
};

static const struct elf_function *piece(const struct blocks *c, size_t i)
{
	return &c->facts->functions[c->pieces[i]];
}

/* The piece that contains the address, -1: none. */
static long piece_of(const struct blocks *c, uint64_t addr)
{
	for (size_t i = 0; i < c->pieces_n; i++)
		if (addr - piece(c, i)->start < piece(c, i)->end - piece(c, i)->start)
			return (long)i;
	return -1;
}

static bool is_jump(const struct elf_insn *i)
{
	return i->op == ELF_OP_JUMP || i->op == ELF_OP_BRANCH;
}

/* Whether the function jumps into the middle of a piece. */
static bool jumps_back(struct reading *r, uint32_t function)
{
	const struct elf_function *f = &r->c->facts->functions[function];

	flow_decode(&r->s->flow, f->start, f->end);
	for (size_t k = 0; k < r->s->flow.n; k++) {
		const struct elf_insn *i = &r->s->flow.insns[k];
		long at = is_jump(i) ? piece_of(r->c, i->target) : -1;

		if (at >= 0 && i->target != piece(r->c, (size_t)at)->start)
			return true;
	}
	return false;
}

/* Adds the lines of a piece, and further pieces to which it jumps. */
static bool read_piece(struct reading *r, size_t index)
{
	const struct elf_function *f = piece(r->c, index);
	struct scan *s = r->s;
	size_t first = r->lines_n;

	if (f->continues)
		return false;
	flow_decode(&s->flow, f->start, f->end);
	if (s->flow.damaged || !s->flow.n)
		return false;
	scan_mark_final(s);
	for (size_t k = 0; k < s->flow.n; k++)
		*vec_push(r->lines, r->lines_n, r->lines_cap) =
			(struct line){ .addr = s->flow.addrs[k],
				       .end = s->flow.addrs[k] + s->flow.insns[k].len,
				       .insn = s->flow.insns[k],
				       .piece = (uint32_t)index };
	s->open.n = 0;
	scan_tables(s, f->start, f->end);
	scan_sort(&s->open);
	r->tables[index] = s->open;
	s->open = (struct scan_addresses){ 0 };
	for (size_t k = first; k < r->lines_n; k++) {
		const struct elf_insn *i = &r->lines[k].insn;
		long to = is_jump(i) && piece_of(r->c, i->target) < 0
				  ? elf_function_at(r->c->facts, i->target)
				  : -1;

		if (to < 0 || !jumps_back(r, (uint32_t)to))
			continue;
		if (r->c->pieces_n == BLOCKS_MAX_PIECES)
			return false;
		r->c->pieces[r->c->pieces_n++] = (uint32_t)to;
	}
	return true;
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Index of the line at the address, -1: none begins there. */
static long line_at(const struct reading *r, uint64_t addr)
{
	size_t lo = 0, hi = r->lines_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->lines[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->lines_n && r->lines[lo].addr == addr ? (long)lo : -1;
}

static bool ends_block(const struct elf_insn *i)
{
	return is_jump(i) || i->op == ELF_OP_JUMP_IND || i->op == ELF_OP_RETURN ||
	       i->op == ELF_OP_STOP || i->op == ELF_OP_CALL || i->op == ELF_OP_CALL_IND;
}

static bool goes_on(const struct elf_insn *i)
{
	switch (i->op) {
	case ELF_OP_JUMP:
	case ELF_OP_JUMP_IND:
	case ELF_OP_RETURN:
	case ELF_OP_STOP:
		return false;
	}
	return !i->final;
}

static void mark_line(const struct reading *r, bool *leaders, uint64_t addr)
{
	long at = line_at(r, addr);

	if (at >= 0)
		leaders[at] = true;
}

static void mark_leaders(const struct reading *r, bool *leaders)
{
	const struct blocks *c = r->c;

	for (size_t i = 0; i < c->pieces_n; i++) {
		mark_line(r, leaders, piece(c, i)->start);
		for (size_t k = 0; k < r->tables[i].n; k++)
			mark_line(r, leaders, r->tables[i].v[k]);
	}
	for (size_t i = 0; i < c->facts->inner_n; i++)
		if (piece_of(c, c->facts->inner[i]) >= 0)
			mark_line(r, leaders, c->facts->inner[i]);
	for (size_t k = 0; k < r->lines_n; k++) {
		const struct elf_insn *i = &r->lines[k].insn;

		if (is_jump(i) || i->op == ELF_OP_CALL)
			mark_line(r, leaders, i->target);
		if (k + 1 < r->lines_n &&
		    (ends_block(i) || r->lines[k].piece != r->lines[k + 1].piece))
			leaders[k + 1] = true;
	}
}

/* Where the last instruction of a block goes, if that is out of the function. */
static void read_way_out(const struct reading *r, struct block *b, const struct elf_insn *i)
{
	const struct blocks *c = r->c;
	bool through = i->op == ELF_OP_CALL_IND || i->op == ELF_OP_JUMP_IND;

	b->calls = i->op == ELF_OP_CALL || i->op == ELF_OP_CALL_IND;
	b->leaves = i->op == ELF_OP_RETURN;
	if (through && i->mem.used && i->mem.absolute && i->mem.index == ELF_NO_REG &&
	    elf_reloc_at(c->m, (uint64_t)i->mem.disp))
		b->slot = (uint64_t)i->mem.disp;
	else if (through && b->calls)
		b->pointer = true;
	if (i->op == ELF_OP_JUMP_IND && b->slot)
		b->leaves = true;
	if (!b->calls && !(is_jump(i) && piece_of(c, i->target) < 0))
		return;
	if (i->op == ELF_OP_CALL || is_jump(i)) {
		b->slot = scan_stub_slot(c->m, i->target);
		b->to = b->slot ? -1 : elf_function_at(c->facts, i->target);
	}
	if (!b->calls)
		b->leaves = b->to < 0 || c->facts->functions[b->to].returns;
}

static bool make_blocks(struct reading *r, const bool *leaders)
{
	struct blocks *c = r->c;

	for (size_t k = 0; k < r->lines_n; k++) {
		struct block *b;

		if (leaders[k] || !k) {
			if (c->blocks_n == BLOCKS_MAX_BLOCKS)
				return false;
			b = vec_push(c->blocks, c->blocks_n, c->blocks_cap);
			*b = (struct block){ .start = r->lines[k].addr, .to = -1 };
		}
		b = &c->blocks[c->blocks_n - 1];
		b->end = r->lines[k].end;
		if (k + 1 == r->lines_n || leaders[k + 1])
			read_way_out(r, b, &r->lines[k].insn);
	}
	return true;
}

/* Index of the block that begins at the address, -1: none. */
static long block_at(const struct blocks *c, uint64_t addr)
{
	size_t lo = 0, hi = c->blocks_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->blocks[mid].start < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->blocks_n && c->blocks[lo].start == addr ? (long)lo : -1;
}

static void add_next(struct blocks *c, size_t from, long to)
{
	if (to < 0)
		return;
	*vec_push(c->next, c->next_n, c->next_cap) = (size_t)to;
	c->blocks[from].next_n++;
}

static void link_block(struct reading *r, size_t index)
{
	struct blocks *c = r->c;
	struct block *b = &c->blocks[index];
	long last = line_at(r, b->start);
	const struct line *l;

	while (r->lines[last].end != b->end)
		last++;
	l = &r->lines[last];
	b->next = c->next_n;
	if (is_jump(&l->insn) || (l->insn.op == ELF_OP_CALL && piece_of(c, l->insn.target) >= 0))
		add_next(c, index, block_at(c, l->insn.target));
	if (goes_on(&l->insn))
		add_next(c, index, block_at(c, b->end));
	if (l->insn.op == ELF_OP_JUMP_IND && !b->slot)
		for (size_t k = 0; k < r->tables[l->piece].n; k++)
			add_next(c, index, block_at(c, r->tables[l->piece].v[k]));
	/* Behind an address without a table's index may be another function. */
	if (l->insn.op == ELF_OP_JUMP_IND && !b->slot && l->insn.mem.index == ELF_NO_REG)
		b->leaves = b->pointer = true;
}

static bool only_padding(const struct reading *r, const struct block *b)
{
	for (long k = line_at(r, b->start); k < (long)r->lines_n && r->lines[k].end <= b->end; k++)
		if (!elf_is_padding(&r->lines[k].insn))
			return false;
	return true;
}

static void mark_unled(struct blocks *c)
{
	memset(c->loose, true, c->blocks_n);
	for (size_t b = 0; b < c->blocks_n; b++)
		for (size_t k = 0; k < c->blocks[b].next_n; k++)
			c->loose[c->next[c->blocks[b].next + k]] = false;
	c->loose[c->entry] = false;
}

/* What nothing in the function leads to, but for space in front of aligned code. */
static void find_loose(struct reading *r)
{
	struct blocks *c = r->c;

	c->loose = xcalloc(c->blocks_n + 1, sizeof(*c->loose));
	mark_unled(c);
	for (size_t b = 0; b < c->blocks_n; b++)
		if (c->loose[b] && only_padding(r, &c->blocks[b]))
			c->blocks[b].next_n = 0;
	mark_unled(c);
	for (size_t b = 0; b < c->blocks_n; b++)
		c->loose[b] &= !only_padding(r, &c->blocks[b]);
}

static bool read_all(struct reading *r)
{
	struct blocks *c = r->c;
	cleanup_free bool *leaders = NULL;

	for (size_t i = 0; i < c->pieces_n; i++)
		if (!read_piece(r, i))
			return false;
	qsort(r->lines, r->lines_n, sizeof(*r->lines), compare_lines);
	leaders = xcalloc(r->lines_n + 1, sizeof(*leaders));
	mark_leaders(r, leaders);
	if (!make_blocks(r, leaders))
		return false;
	for (size_t b = 0; b < c->blocks_n; b++)
		link_block(r, b);
	c->entry = (size_t)block_at(c, piece(c, 0)->start);
	find_loose(r);
	blocks_find_loops(c);
	return true;
}

bool blocks_read(struct blocks *c, const struct elf_image *m, const struct elf_facts *facts,
		 uint32_t function)
{
	struct elf_facts mine = *facts; /* which is not changed */
	struct scan s = { .m = m, .facts = &mine };
	struct reading r = { .c = c, .s = &s };
	bool known;

	*c = (struct blocks){ .m = m, .facts = facts, .pieces = { function }, .pieces_n = 1 };
	flow_init(&s.flow, m);
	known = read_all(&r);
	for (size_t i = 0; i < BLOCKS_MAX_PIECES; i++)
		free(r.tables[i].v);
	free(r.lines);
	scan_free(&s);
	if (!known)
		blocks_free(c);
	return known;
}

void blocks_spread(const struct blocks *c, bool *marks, const bool *ends)
{
	cleanup_free size_t *queue = xcalloc(c->blocks_n + 1, sizeof(*queue));
	bool loose = false;
	size_t n = 0;

	for (size_t b = 0; b < c->blocks_n; b++)
		if (marks[b])
			queue[n++] = b;
	while (n) {
		size_t at = queue[--n];
		const struct block *x = &c->blocks[at];

		for (size_t k = 0; k < x->next_n && !(ends && ends[at]); k++) {
			size_t to = c->next[x->next + k];

			if (!marks[to])
				queue[n++] = to;
			marks[to] = true;
		}
		for (size_t b = 0; x->calls && !loose && b < c->blocks_n; b++) {
			if (c->loose[b] && !marks[b])
				queue[n++] = b;
			marks[b] |= c->loose[b];
		}
		loose |= x->calls;
	}
}

/* Which instructions are scanned. */
struct choice {
	const struct blocks *c;
	const bool *marks;
	bool marked;
};

static bool is_chosen(void *ctx, uint64_t addr)
{
	const struct choice *x = ctx;
	size_t lo = 0, hi = x->c->blocks_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->c->blocks[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < x->c->blocks_n && x->c->blocks[lo].start <= addr && x->marks[lo] == x->marked;
}

static bool is_call(const struct elf_ref *r)
{
	switch (r->kind) {
	case ELF_REF_CODE:
	case ELF_REF_WRAPPER:
	case ELF_REF_WRAP_SLOT:
	case ELF_REF_WATCHED:
		return true;
	case ELF_REF_READ:
	case ELF_REF_FIELD:
		return r->to == 1;
	}
	return false;
}

static bool has_numbers(const struct elf_ref *r)
{
	return r->kind >= ELF_REF_WRAPPER;
}

static bool same_ref(const struct elf_facts *f, const struct elf_ref *a, const struct elf_facts *g,
		     const struct elf_ref *b)
{
	if (a->kind != b->kind || a->to != b->to || a->at != b->at || a->numbers_n != b->numbers_n)
		return false;
	if (!has_numbers(a))
		return a->off == b->off;
	return !a->numbers_n || !memcmp(f->numbers + a->numbers, g->numbers + b->numbers,
					a->numbers_n * sizeof(*f->numbers));
}

/* Takes away (or, with `keep`, puts back) the calls among the references that were just scanned. */
static void set_calls(const struct blocks *c, const struct elf_function *x, const struct scan *s,
		      bool keep, bool *refs)
{
	for (uint32_t k = 0; k < x->refs_n; k++) {
		const struct elf_ref *ref = &c->facts->refs[x->refs + k];

		for (size_t i = 0; is_call(ref) && refs[k] != keep && i < s->refs_n; i++)
			if (same_ref(c->facts, ref, s->facts, &s->refs[i]))
				refs[k] = keep;
	}
}

/* A reference from one piece to another, unless the function calls itself there. */
static bool within(const struct blocks *c, const struct elf_ref *ref, const bool *marks)
{
	bool inside = false;

	for (size_t i = 0; i < c->pieces_n; i++)
		inside |= ref->kind == ELF_REF_CODE && ref->to == c->pieces[i];
	for (size_t b = 0; inside && b < c->blocks_n; b++)
		if (marks[b] && c->blocks[b].calls && c->blocks[b].to == (long)ref->to)
			return false;
	return inside;
}

void blocks_keep(const struct blocks *c, size_t i, const bool *marks, bool *refs, bool *sites)
{
	const struct elf_function *x = piece(c, i);
	const struct elf_facts *f = c->facts;
	/* Whoever scans notes what it finds; of the function itself, which is put back. */
	struct elf_function before = *x;
	struct elf_facts mine = { .functions = f->functions, .functions_n = f->functions_n };
	struct choice choice = { c, marks, false };
	struct scan s = { .m = c->m, .facts = &mine };

	flow_init(&s.flow, c->m);
	s.targets.v = f->inner;
	s.targets.n = f->inner_n;
	s.wanted = is_chosen;
	s.wanted_ctx = &choice;
	scan_solve(&s, c->pieces[i]);
	memset(refs, true, x->refs_n * sizeof(*refs));
	for (unsigned round = 0; round < 2; round++) {
		choice.marked = round;
		s.refs_n = 0;
		scan_refs(&s);
		set_calls(c, x, &s, round, refs);
	}
	for (uint32_t k = 0; k < x->refs_n; k++)
		refs[k] &= !within(c, &f->refs[x->refs + k], marks);
	choice.marked = true;
	for (uint32_t k = 0; k < x->sites_n; k++)
		sites[k] = is_chosen(&choice, f->sites[x->sites + k].addr);
	s.targets = (struct scan_addresses){ 0 };
	scan_free(&s);
	mine.functions[c->pieces[i]] = before;
	mine.functions = NULL;
	elf_facts_free(&mine);
}
