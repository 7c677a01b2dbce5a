/* Which ranges of a file are functions. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/frames.h"
#include "elf/scan_private.h"

static int compare_addresses(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void scan_sort(struct scan_addresses *a)
{
	size_t kept = 0;

	if (!a->n)
		return;
	qsort(a->v, a->n, sizeof(*a->v), compare_addresses);
	for (size_t i = 0; i < a->n; i++)
		if (!kept || a->v[i] != a->v[kept - 1])
			a->v[kept++] = a->v[i];
	a->n = kept;
}

static void add_target(struct scan *s, uint64_t addr)
{
	if (elf_is_code(s->m, addr))
		*vec_push(s->targets.v, s->targets.n, s->targets.cap) = addr;
}

bool scan_holds_pointers(const struct elf_image *m, uint64_t addr)
{
	const struct elf_segment *g = elf_segment_of(m, addr);

	return g && !g->exec && (g->write || m->fixed);
}

uint64_t scan_stub_slot(const struct elf_image *m, uint64_t addr)
{
	uint64_t room = elf_room(m, addr), at = addr, page = 0, slot = 0;
	const uint8_t *p = room ? elf_at(m, addr, 1) : NULL;

	for (unsigned k = 0; p && k < 5; k++) {
		struct elf_insn i;
		unsigned len = elf_decode(m->machine, &i, p + (at - addr), room - (at - addr), at);

		if (!len)
			return 0;
		if (i.op == ELF_OP_JUMP_IND) {
			if (i.mem.used && i.mem.absolute && i.mem.index == ELF_NO_REG)
				slot = (uint64_t)i.mem.disp;
			else if (m->machine == ELF_X86_64 || i.src != 17)
				return 0;
			return elf_reloc_at(m, slot) ? slot : 0;
		}
		if (i.op == ELF_OP_LEA && i.dst == 16 && m->machine == ELF_AARCH64)
			page = (uint64_t)i.mem.disp;
		else if (i.op == ELF_OP_LOAD && i.mem.base == 16 && page)
			slot = page + (uint64_t)i.mem.disp;
		else if (!(i.op == ELF_OP_ADD && i.dst == 16 && page) &&
			 !(i.op == ELF_OP_OTHER && !i.kills && !i.reads))
			return 0;
		at += len;
	}
	return 0;
}

enum end { END_CLOSED, END_GOES_ON, END_EMPTY };

/* How the decoded range ends. A call at the end is one that does not return. */
static enum end how_it_ends(const struct flow *f)
{
	for (size_t k = f->n; k-- > 0;) {
		const struct elf_insn *i = &f->insns[k];

		if (elf_is_padding(i))
			continue;
		switch (i->op) {
		case ELF_OP_CALL:
		case ELF_OP_CALL_IND:
		case ELF_OP_JUMP:
		case ELF_OP_JUMP_IND:
		case ELF_OP_RETURN:
		case ELF_OP_STOP:
			return END_CLOSED;
		default:
			return END_GOES_ON;
		}
	}
	return END_EMPTY;
}

/* Addresses of code that an instruction forms, or jumps to outside of [start, end). */
static void collect_insn(struct scan *s, const struct elf_insn *i, uint64_t start, uint64_t end)
{
	uint64_t to = i->target;

	if (i->op == ELF_OP_CALL || i->op == ELF_OP_JUMP || i->op == ELF_OP_BRANCH) {
		/* Where nothing says what a function is, a call does. */
		if (to - start >= end - start || (i->op == ELF_OP_CALL && !s->framed))
			add_target(s, to);
		return;
	}
	if (i->op == ELF_OP_LEA && i->mem.absolute && s->m->machine == ELF_X86_64)
		add_target(s, (uint64_t)i->mem.disp);
	if (s->m->fixed && (i->op == ELF_OP_CONST || i->op == ELF_OP_STORE || i->escapes_imm))
		add_target(s, i->imm);
}

/* AArch64 forms an address in two steps, put together without looking at what is in between. */
static void collect_pages(struct scan *s)
{
	uint64_t page[ELF_REGS] = { 0 };

	for (size_t k = 0; k < s->flow.n; k++) {
		const struct elf_insn *i = &s->flow.insns[k];

		if (i->op == ELF_OP_LEA && i->mem.absolute)
			page[i->dst] = (uint64_t)i->mem.disp;
		else if (i->op == ELF_OP_ADD && page[i->src])
			add_target(s, page[i->src] + i->imm);
	}
}

/* In pieces, so that memory stays bounded; jumps between pieces count as coming from elsewhere. */
static void collect(struct scan *s, uint64_t start, uint64_t end)
{
	while (start < end) {
		uint64_t to = end - start > SCAN_MAX_RANGE ? start + SCAN_MAX_RANGE : end;

		flow_decode(&s->flow, start, to);
		if (!s->flow.n)
			return;
		for (size_t k = 0; k < s->flow.n; k++)
			collect_insn(s, &s->flow.insns[k], start, to);
		if (s->m->machine == ELF_AARCH64)
			collect_pages(s);
		start = to == end ? end : s->flow.addrs[s->flow.n - 1];
	}
}

static void add_function(struct scan *s, size_t *cap, uint64_t start, uint64_t end)
{
	struct elf_function *f = vec_push(s->facts->functions, s->facts->functions_n, *cap);

	*f = (struct elf_function){
		.start = start, .end = end, .param = -1, .field = -1, .framed = s->framed
	};
}

/* Adds [start, end), which was not decoded yet, in pieces of bounded size. */
static void add_range(struct scan *s, size_t *cap, uint64_t start, uint64_t end)
{
	while (end - start > SCAN_MAX_RANGE) {
		flow_decode(&s->flow, start, start + SCAN_MAX_RANGE);
		if (!s->flow.n)
			return;
		/* The last instruction may be cut off: the piece ends in front of it. */
		add_function(s, cap, start, s->flow.addrs[s->flow.n - 1]);
		start = s->flow.addrs[s->flow.n - 1];
	}
	if (end > start)
		add_function(s, cap, start, end);
}

static bool in_stub_section(const struct elf_image *m, uint64_t addr)
{
	for (size_t i = 0; i < m->sections_n; i++)
		if (addr - m->sections[i].addr < m->sections[i].size)
			return !strncmp(m->sections[i].name, ".plt", 4);
	return false;
}

/* Executable bytes [start, end) in the file that are between functions. */
struct gaps {
	struct elf_range *v;
	size_t n, cap;
};

static void add_gaps(struct gaps *g, const struct elf_range *frames, size_t n, uint64_t start,
		     uint64_t end)
{
	for (size_t i = 0; i < n && frames[i].start < end; i++) {
		if (frames[i].end <= start)
			continue;
		if (frames[i].start > start)
			*vec_push(g->v, g->n, g->cap) = (struct elf_range){ start,
									    frames[i].start };
		start = frames[i].end;
	}
	if (start < end)
		*vec_push(g->v, g->n, g->cap) = (struct elf_range){ start, end };
}

static void find_gaps(const struct elf_image *m, struct gaps *g, const struct elf_range *frames,
		      size_t n)
{
	bool sections = false;

	for (size_t i = 0; i < m->sections_n; i++) {
		const struct elf_section *x = &m->sections[i];

		if (!x->exec || !elf_is_code(m, x->addr) || elf_room(m, x->addr) < x->size)
			continue;
		sections = true;
		add_gaps(g, frames, n, x->addr, x->addr + x->size);
	}
	for (size_t i = 0; !sections && i < m->segments_n; i++)
		if (m->segments[i].exec)
			add_gaps(g, frames, n, m->segments[i].vaddr,
				 m->segments[i].vaddr + m->segments[i].filesz);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct elf_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sections may overlap in a damaged file. */
static void tidy_gaps(struct gaps *g)
{
	uint64_t end = 0;
	size_t kept = 0;

	if (g->n)
		qsort(g->v, g->n, sizeof(*g->v), compare_ranges);
	for (size_t i = 0; i < g->n; i++) {
		struct elf_range r = g->v[i];

		if (r.start < end)
			r.start = end;
		if (r.start >= r.end)
			continue;
		end = r.end;
		g->v[kept++] = r;
	}
	g->n = kept;
}

static void collect_known(struct scan *s)
{
	const struct elf_image *m = s->m;

	add_target(s, m->entry);
	add_target(s, m->init);
	add_target(s, m->fini);
	for (size_t i = 0; i < m->syms_n; i++)
		if (m->syms[i].defined)
			add_target(s, m->syms[i].value);
	for (size_t i = 0; i < m->local_syms_n; i++)
		if (m->local_syms[i].type != ELF_SYM_OBJECT)
			add_target(s, m->local_syms[i].value);
	for (size_t i = 0; i < m->relocs_n; i++)
		if (m->relocs[i].kind != ELF_REL_SYMBOL && m->relocs[i].kind != ELF_REL_COPY)
			add_target(s, m->relocs[i].addend);
}

/* A range between functions is cut where something refers to. */
static void add_gap(struct scan *s, size_t *cap, const struct elf_range *g)
{
	uint64_t start = g->start;
	size_t lo = 0, hi = s->targets.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->targets.v[mid] <= start)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < s->targets.n && s->targets.v[lo] < g->end; lo++) {
		add_range(s, cap, start, s->targets.v[lo]);
		start = s->targets.v[lo];
	}
	add_range(s, cap, start, g->end);
}

static int compare_functions(const void *a, const void *b)
{
	const struct elf_function *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static bool is_target(const struct scan *s, uint64_t addr)
{
	return s->targets.n &&
	       bsearch(&addr, s->targets.v, s->targets.n, sizeof(addr), compare_addresses);
}

/*
 * Drops padding, and joins what falls through into its neighbour: assembly code often has unwind
 * information for a part only. What is also reached from elsewhere, or gets too large, is linked.
 */
static void join_functions(struct scan *s)
{
	struct elf_function *v = s->facts->functions;
	size_t kept = 0;
	bool on = false;

	for (size_t i = 0; i < s->facts->functions_n; i++) {
		enum end end;

		flow_decode(&s->flow, v[i].start, v[i].end);
		end = how_it_ends(&s->flow);

		if (end == END_EMPTY) {
			on = on && kept && v[kept - 1].end == v[i].start;
			if (on)
				v[kept - 1].end = v[i].end;
			continue;
		}
		if (on && v[kept - 1].end == v[i].start) {
			if (v[i].end - v[kept - 1].start <= SCAN_MAX_RANGE &&
			    !is_target(s, v[i].start)) {
				v[kept - 1].end = v[i].end;
				v[kept - 1].framed &= v[i].framed;
				on = end == END_GOES_ON;
				continue;
			}
			v[kept - 1].continues = true;
		}
		v[kept++] = v[i];
		on = end == END_GOES_ON;
	}
	s->facts->functions_n = kept;
}

void scan_ranges(struct scan *s)
{
	struct gaps gaps = { 0 };
	size_t n, kept = 0, cap = 0;
	struct elf_range *frames = elf_frames(s->m, &n);

	for (size_t i = 0; i < n; i++)
		if (!in_stub_section(s->m, frames[i].start))
			frames[kept++] = frames[i];
	find_gaps(s->m, &gaps, frames, kept);
	tidy_gaps(&gaps);
	collect_known(s);
	s->framed = true;
	for (size_t i = 0; i < kept; i++)
		collect(s, frames[i].start, frames[i].end);
	s->framed = false;
	for (size_t i = 0; i < gaps.n; i++)
		collect(s, gaps.v[i].start, gaps.v[i].end);
	scan_sort(&s->targets);
	s->framed = true;
	for (size_t i = 0; i < kept; i++)
		add_range(s, &cap, frames[i].start, frames[i].end);
	s->framed = false;
	for (size_t i = 0; i < gaps.n; i++)
		add_gap(s, &cap, &gaps.v[i]);
	if (s->facts->functions_n)
		qsort(s->facts->functions, s->facts->functions_n, sizeof(*s->facts->functions),
		      compare_functions);
	join_functions(s);
	free(frames);
	free(gaps.v);
}
