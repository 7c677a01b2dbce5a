#include "elf/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void flow_init(struct flow *f, const struct elf_image *m)
{
	*f = (struct flow){ .m = m, .cc = &elf_conventions[m->machine] };
	f->regs = m->machine == ELF_X86_64 ? 16 : 32;
}

void flow_free(struct flow *f)
{
	free(f->insns);
	free(f->addrs);
	free(f->blocks);
	free(f->in);
	free(f->block_of);
	free(f->sets);
	*f = (struct flow){ 0 };
}

void flow_decode(struct flow *f, uint64_t start, uint64_t end)
{
	const uint8_t *p = elf_at(f->m, start, end - start);
	unsigned step = f->m->machine == ELF_X86_64 ? 1 : 4;

	f->n = f->addrs_n = 0;
	f->damaged = false;
	if (!p)
		return;
	for (uint64_t at = start; at < end;) {
		struct elf_insn *i = vec_push(f->insns, f->n, f->cap);
		unsigned len = elf_decode(f->m->machine, i, p + (at - start), end - at, at);

		*vec_push(f->addrs, f->addrs_n, f->addrs_cap) = at;
		if (!len) {
			/* Data between instructions: nothing is known behind it. */
			len = end - at < step ? (unsigned)(end - at) : step;
			*i = (struct elf_insn){ .op = ELF_OP_OTHER,
						.dst = ELF_NO_REG,
						.src = ELF_NO_REG,
						.src2 = ELF_NO_REG,
						.kills = UINT32_MAX };
			i->mem.base = i->mem.index = ELF_NO_REG;
			i->len = (uint8_t)len;
			f->damaged = true;
		}
		at += len;
	}
}

long flow_insn_at(const struct flow *f, uint64_t addr)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->addrs[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < f->n && f->addrs[lo] == addr ? (long)lo : -1;
}

static bool ends_block(const struct elf_insn *i)
{
	switch (i->op) {
	case ELF_OP_JUMP:
	case ELF_OP_JUMP_IND:
	case ELF_OP_BRANCH:
	case ELF_OP_RETURN:
	case ELF_OP_STOP:
		return true;
	}
	return i->final;
}

enum { LEADER = 1, OPEN = 2 };

/* Marks where blocks begin, in block_of for now. */
static void mark_leaders(struct flow *f, const uint64_t *open, size_t open_n)
{
	if (f->block_of_cap < f->n) {
		f->block_of_cap = f->n;
		f->block_of = xreallocarray(f->block_of, f->n, sizeof(*f->block_of));
	}
	memset(f->block_of, 0, f->n * sizeof(*f->block_of));
	f->block_of[0] = LEADER;
	for (size_t k = 0; k < f->n; k++) {
		const struct elf_insn *i = &f->insns[k];
		long to = -1;

		if (i->op == ELF_OP_JUMP || i->op == ELF_OP_BRANCH)
			to = flow_insn_at(f, i->target);
		if (to >= 0)
			f->block_of[to] |= LEADER;
		if (ends_block(i) && k + 1 < f->n)
			f->block_of[k + 1] |= LEADER;
	}
	for (size_t k = 0; k < open_n; k++) {
		long at = flow_insn_at(f, open[k]);

		if (at >= 0)
			f->block_of[at] |= LEADER | OPEN;
	}
}

long flow_block_at(const struct flow *f, uint64_t addr)
{
	long insn = flow_insn_at(f, addr);

	return insn < 0 || f->block_of[insn] == UINT32_MAX ? -1 : (long)f->block_of[insn];
}

static void make_blocks(struct flow *f)
{
	f->blocks_n = 0;
	for (size_t k = 0; k < f->n; k++) {
		uint32_t mark = f->block_of[k];

		f->block_of[k] = UINT32_MAX;
		if (mark & LEADER) {
			if (f->blocks_n)
				f->blocks[f->blocks_n - 1].end = k;
			f->block_of[k] = (uint32_t)f->blocks_n;
			*vec_push(f->blocks, f->blocks_n, f->blocks_cap) = (struct flow_block){
				.first = k, .next = -1, .branch = -1, .open = mark & OPEN
			};
		}
	}
	f->blocks[f->blocks_n - 1].end = f->n;
}

static bool only_padding(const struct flow *f, const struct flow_block *x)
{
	for (size_t k = x->first; k < x->end; k++)
		if (!elf_is_padding(&f->insns[k]))
			return false;
	return true;
}

static void mark_reached(const struct flow *f, bool *reached)
{
	memset(reached, 0, f->blocks_n);
	for (size_t b = 0; b < f->blocks_n; b++) {
		if (f->blocks[b].branch >= 0)
			reached[f->blocks[b].branch] = true;
		if (f->blocks[b].next >= 0)
			reached[f->blocks[b].next] = true;
	}
}

/*
 * Successors. What nobody in the function leads to is open, unless it only fills the space in front
 * of an aligned instruction.
 */
static void link_blocks(struct flow *f)
{
	cleanup_free bool *reached = xcalloc(f->blocks_n, sizeof(*reached));

	for (size_t b = 0; b < f->blocks_n; b++) {
		struct flow_block *x = &f->blocks[b];
		const struct elf_insn *last = &f->insns[x->end - 1];

		if (last->op == ELF_OP_JUMP || last->op == ELF_OP_BRANCH)
			x->branch = flow_block_at(f, last->target);
		if ((!ends_block(last) || last->op == ELF_OP_BRANCH) && b + 1 < f->blocks_n)
			x->next = (long)b + 1;
	}
	mark_reached(f, reached);
	for (size_t b = 1; b < f->blocks_n; b++)
		if (!reached[b] && !f->blocks[b].open && only_padding(f, &f->blocks[b])) {
			f->blocks[b].next = f->blocks[b].branch = -1;
			f->blocks[b].dead = true;
		}
	mark_reached(f, reached);
	for (size_t b = 1; b < f->blocks_n; b++)
		if (!reached[b] && !f->blocks[b].dead && !f->only_reached)
			f->blocks[b].open = true;
}

unsigned flow_constants(const struct flow *f, const struct flow_value *v, uint64_t *out)
{
	const struct flow_set *s;

	if (v->kind == FLOW_CONST) {
		*out = v->base;
		return 1;
	}
	if (v->kind != FLOW_SET)
		return 0;
	s = &f->sets[v->base];
	memcpy(out, s->v, s->n * sizeof(*out));
	return s->n;
}

static const struct flow_value any = { .kind = FLOW_ANY };

/* Both sets of constants as one value; equal sets get equal values, so that the search ends. */
static struct flow_value join_constants(struct flow *f, const struct flow_value *a,
					const struct flow_value *b)
{
	uint64_t v[2 * FLOW_MAX_SET];
	unsigned n = flow_constants(f, a, v), more = flow_constants(f, b, v + n);
	struct flow_set *s;

	if (!n || !more)
		return any;
	for (unsigned k = n, end = n + more; k < end; k++) {
		unsigned at = 0;

		while (at < n && v[at] < v[k])
			at++;
		if (at < n && v[at] == v[k])
			continue;
		if (n == FLOW_MAX_SET)
			return any;
		uint64_t x = v[k];

		memmove(v + at + 1, v + at, (n - at) * sizeof(*v));
		v[at] = x;
		n++;
	}
	if (n == 1)
		return (struct flow_value){ .kind = FLOW_CONST, .base = v[0] };
	for (size_t k = 0; k < f->sets_n; k++)
		if (f->sets[k].n == n && !memcmp(f->sets[k].v, v, n * sizeof(*v)))
			return (struct flow_value){ .kind = FLOW_SET, .base = k };
	if (f->sets_n >= FLOW_MAX_SETS)
		return any;
	s = vec_push(f->sets, f->sets_n, f->sets_cap);
	s->n = (uint8_t)n;
	memcpy(s->v, v, n * sizeof(*v));
	return (struct flow_value){ .kind = FLOW_SET, .base = f->sets_n - 1 };
}

static struct flow_value join(struct flow *f, const struct flow_value *a,
			      const struct flow_value *b)
{
	if (a->kind == FLOW_NONE || flow_same(a, b))
		return *b;
	if (b->kind == FLOW_NONE)
		return *a;
	return join_constants(f, a, b);
}

bool flow_address(const struct flow_state *s, const struct elf_mem *mem, struct flow_value *out)
{
	if (mem->index != ELF_NO_REG)
		return false;
	if (mem->base == ELF_NO_REG) {
		*out = (struct flow_value){ FLOW_ADDRESS, (uint64_t)mem->disp, 0 };
		return mem->absolute;
	}
	*out = s->reg[mem->base];
	if (out->kind == FLOW_CONST) {
		out->kind = FLOW_ADDRESS;
		out->off = mem->disp;
		return true;
	}
	out->off = (int64_t)((uint64_t)out->off + (uint64_t)mem->disp);
	return flow_is_pointer(out) || out->kind == FLOW_STACK;
}

struct flow_value flow_stacked(const struct flow_state *s, int64_t at)
{
	for (unsigned k = 0; k < FLOW_SLOTS; k++)
		if (s->slot[k].v.kind != FLOW_NONE && s->slot[k].at == at)
			return s->slot[k].v;
	return any;
}

static void forget_stack(struct flow_state *s)
{
	for (unsigned k = 0; k < FLOW_SLOTS; k++)
		s->slot[k].v.kind = FLOW_NONE;
}

static void store_stack(struct flow_state *s, int64_t at, unsigned size, const struct flow_value *v)
{
	unsigned room = FLOW_SLOTS;

	for (unsigned k = 0; k < FLOW_SLOTS; k++) {
		if (s->slot[k].v.kind != FLOW_NONE && s->slot[k].at < at + (int64_t)size &&
		    at < s->slot[k].at + 8)
			s->slot[k].v.kind = FLOW_NONE;
		if (s->slot[k].v.kind == FLOW_NONE)
			room = k;
	}
	if (room == FLOW_SLOTS || v->kind == FLOW_ANY || size < 4 || size > 8)
		return;
	s->slot[room].at = at;
	s->slot[room].v = *v;
}

/* Whether the slot is filled with the address of an object of another file or a data symbol. */
static bool is_pointer_slot(const struct elf_image *m, uint64_t at)
{
	const struct elf_reloc *r = elf_reloc_at(m, at);

	return r && r->kind == ELF_REL_SYMBOL && m->syms[r->sym].type == ELF_SYM_OBJECT;
}

static struct flow_value add(const struct flow *f, const struct flow_value *v, uint64_t imm,
			     unsigned size)
{
	struct flow_value r = *v;

	switch (v->kind) {
	case FLOW_CONST:
		r.base = size == 4 ? (uint32_t)(v->base + imm) : v->base + imm;
		return r;
	case FLOW_ADDRESS:
		/* AArch64 forms an address in two steps: a page and the place in it. */
		if (f->m->machine == ELF_AARCH64)
			r.base += imm;
		else
			r.off = (int64_t)((uint64_t)r.off + imm);
		return r;
	case FLOW_STACK:
	case FLOW_SLOT:
		r.off = (int64_t)((uint64_t)r.off + imm);
		return r;
	}
	return any;
}

static struct flow_value read_value(const struct flow_state *s, int8_t reg)
{
	return reg == ELF_NO_REG ? (struct flow_value){ .kind = FLOW_CONST } : s->reg[reg];
}

static struct flow_value logic(const struct elf_insn *i, const struct flow_value *v)
{
	uint64_t c = i->op == ELF_OP_AND ? v->base & i->imm : v->base | i->imm;

	if (v->kind != FLOW_CONST)
		return any;
	return (struct flow_value){ .kind = FLOW_CONST, .base = i->size == 4 ? (uint32_t)c : c };
}

uint64_t flow_slot_loaded(const struct flow *f, const struct flow_state *s,
			  const struct elf_insn *i)
{
	struct flow_value at;
	uint64_t slot;

	if (i->size != 8 || !flow_address(s, &i->mem, &at) || at.kind != FLOW_ADDRESS)
		return 0;
	slot = at.base + (uint64_t)at.off;
	return is_pointer_slot(f->m, slot) ? slot : 0;
}

/* Memory that only the function's caller, or nobody so far, has filled. */
static struct flow_value loaded_field(const struct flow *f, const struct flow_state *s,
				      const struct elf_insn *i)
{
	const struct flow_value *b;
	struct flow_value at;

	if (i->mem.index != ELF_NO_REG)
		return any;
	if (flow_address(s, &i->mem, &at) && at.kind == FLOW_ADDRESS) {
		uint64_t addr = at.base + (uint64_t)at.off;

		return i->size == 8 && !elf_reloc_at(f->m, addr) && !elf_is_code(f->m, addr)
			       ? (struct flow_value){ FLOW_GLOBAL, addr, 0 }
			       : any;
	}
	if (i->mem.base == ELF_NO_REG)
		return any;
	b = &s->reg[i->mem.base];
	if (b->kind == FLOW_ARG && i->size == 4)
		return (struct flow_value){ FLOW_FIELD, b->base, b->off + i->mem.disp };
	if (b->kind == FLOW_GLOBAL && i->size == 4)
		return (struct flow_value){ FLOW_GLOBAL_FIELD, b->base, i->mem.disp };
	return any;
}

static struct flow_value loaded(const struct flow *f, const struct flow_state *s,
				const struct elf_insn *i)
{
	uint64_t slot = flow_slot_loaded(f, s, i);
	struct flow_value at;

	if (slot)
		return (struct flow_value){ FLOW_SLOT, slot, 0 };
	if (flow_address(s, &i->mem, &at) && at.kind == FLOW_STACK)
		return flow_stacked(s, at.off);
	return loaded_field(f, s, i);
}

/* The value that the instruction gives to `dst`. */
static struct flow_value result(struct flow *f, const struct flow_state *s,
				const struct elf_insn *i)
{
	struct flow_value v = read_value(s, i->src), w;

	switch (i->op) {
	case ELF_OP_CONST:
		return (struct flow_value){ .kind = FLOW_CONST, .base = i->imm };
	case ELF_OP_MOVE:
		if (v.kind == FLOW_CONST && i->size == 4)
			v.base = (uint32_t)v.base;
		return v;
	case ELF_OP_CMOV:
		w = read_value(s, i->dst);
		return join(f, &w, &v);
	case ELF_OP_CSINC:
		w = read_value(s, i->src2);
		if (i->imm)
			w = add(f, &w, i->imm, i->size);
		return join(f, &w, &v);
	case ELF_OP_LEA:
		return flow_address(s, &i->mem, &v) ? v : any;
	case ELF_OP_LOAD:
		return loaded(f, s, i);
	case ELF_OP_ADD:
		return add(f, &v, i->imm, i->size);
	case ELF_OP_AND:
	case ELF_OP_OR:
		return logic(i, &v);
	case ELF_OP_MOVK:
		if (v.kind != FLOW_CONST)
			return any;
		v.base = (v.base & ~(0xffffull << i->shift)) | i->imm;
		return v;
	}
	return any;
}

/* Memory changes: a place of the stack that is known, or any if the stack's addresses are out. */
static void step_memory(struct flow *f, struct flow_state *s, const struct elf_insn *i)
{
	struct flow_value at, v = any;

	if (i->op == ELF_OP_PUSH || i->op == ELF_OP_POP) {
		struct flow_value *sp = &s->reg[f->cc->stack];

		if (sp->kind != FLOW_STACK) {
			forget_stack(s);
			return;
		}
		if (i->op == ELF_OP_PUSH) {
			sp->off -= 8;
			if (i->src != ELF_NO_REG)
				v = s->reg[i->src];
			store_stack(s, sp->off, 8, &v);
		} else {
			sp->off += 8;
		}
		return;
	}
	if (i->op == ELF_OP_CALL || i->op == ELF_OP_CALL_IND) {
		if (f->stack_taken)
			forget_stack(s);
		return;
	}
	if (!i->mem.used || i->op == ELF_OP_LEA || i->op == ELF_OP_LOAD || i->op == ELF_OP_COMPARE)
		return;
	if (i->op == ELF_OP_STORE)
		v = i->src == ELF_NO_REG ? (struct flow_value){ .kind = FLOW_CONST, .base = i->imm }
					 : s->reg[i->src];
	if (flow_address(s, &i->mem, &at) && at.kind == FLOW_STACK)
		store_stack(s, at.off, i->mem.size, &v);
	else if (f->stack_taken && !i->mem.absolute)
		forget_stack(s);
}

void flow_step(struct flow *f, struct flow_state *s, size_t insn)
{
	const struct elf_insn *i = &f->insns[insn];
	uint32_t changed = i->kills;
	struct flow_value v = any, sp = s->reg[f->cc->stack];

	if (i->op == ELF_OP_POP && i->dst != ELF_NO_REG && s->reg[f->cc->stack].kind == FLOW_STACK)
		v = flow_stacked(s, s->reg[f->cc->stack].off);
	else if (i->dst != ELF_NO_REG)
		v = result(f, s, i);
	step_memory(f, s, i);
	if (i->dst != ELF_NO_REG)
		s->reg[i->dst] = v;
	if (i->op == ELF_OP_CALL || i->op == ELF_OP_CALL_IND)
		changed |= f->cc->clobbered;
	else if (i->op == ELF_OP_SYSCALL || i->op == ELF_OP_COMPAT)
		changed |= f->cc->by_kernel;
	for (unsigned r = 0; changed && r < f->regs; r++, changed >>= 1)
		if (changed & 1)
			s->reg[r] = any;
	if (i->moves && i->mem.base == f->cc->stack && sp.kind == FLOW_STACK) {
		sp.off += i->moves;
		s->reg[f->cc->stack] = sp;
	}
}

/* Places of the stack that hold the same on all ways stay known. */
static bool join_stack(struct flow *f, struct flow_state *in, const struct flow_state *from)
{
	bool changed = false;

	for (unsigned k = 0; k < FLOW_SLOTS; k++) {
		struct flow_value w, v;

		if (in->slot[k].v.kind == FLOW_NONE)
			continue;
		w = flow_stacked(from, in->slot[k].at);
		v = join(f, &in->slot[k].v, &w);
		if (flow_same(&v, &in->slot[k].v))
			continue;
		in->slot[k].v = v.kind == FLOW_ANY ? (struct flow_value){ 0 } : v;
		changed = true;
	}
	return changed;
}

static bool join_state(struct flow *f, const struct flow_block *to, struct flow_state *in,
		       const struct flow_state *from)
{
	bool changed = false;

	if (in->reg[0].kind == FLOW_NONE) {
		*in = *from;
		return true;
	}
	changed = join_stack(f, in, from);
	for (unsigned r = 0; r < f->regs; r++) {
		struct flow_value v = join(f, &in->reg[r], &from->reg[r]);

		if (flow_same(&v, &in->reg[r]))
			continue;
		in->reg[r] = to->visits >= FLOW_MAX_VISITS ? any : v;
		changed = true;
	}
	return changed;
}

static void enter(struct flow *f, size_t b)
{
	for (unsigned r = 0; r < f->regs; r++) {
		f->in[b].reg[r] = (struct flow_value){ 0 };
		if (f->blocks[b].open)
			f->in[b].reg[r] = any;
		else if (b == 0)
			f->in[b].reg[r] = (struct flow_value){ .kind = FLOW_ARG, .base = r };
	}
	if (!f->blocks[b].open && b == 0)
		f->in[b].reg[f->cc->stack] = (struct flow_value){ .kind = FLOW_STACK };
	forget_stack(&f->in[b]);
}

/* Whether an address on the stack gets into another register than those that hold the frame. */
static bool takes_stack(const struct flow *f)
{
	int8_t sp = f->cc->stack, fp = f->m->machine == ELF_X86_64 ? 5 : 29;

	for (size_t k = 0; k < f->n; k++) {
		const struct elf_insn *i = &f->insns[k];

		if ((i->op == ELF_OP_LEA && (i->mem.base == sp || i->mem.base == fp) &&
		     i->dst != sp && i->dst != fp) ||
		    ((i->op == ELF_OP_MOVE || i->op == ELF_OP_ADD) &&
		     (i->src == sp || i->src == fp) && i->dst != sp && i->dst != fp) ||
		    (i->op == ELF_OP_OTHER && i->reads >> sp & 1) ||
		    ((i->op == ELF_OP_PUSH || i->op == ELF_OP_STORE) && i->src == sp))
			return true;
	}
	return false;
}

void flow_solve(struct flow *f, const uint64_t *open, size_t open_n)
{
	cleanup_free size_t *queue = NULL;
	size_t n = 0;

	f->blocks_n = f->sets_n = 0;
	if (!f->n)
		return;
	mark_leaders(f, open, open_n);
	make_blocks(f);
	link_blocks(f);
	f->stack_taken = takes_stack(f);
	if (f->in_cap < f->blocks_n) {
		f->in_cap = f->blocks_n;
		f->in = xreallocarray(f->in, f->blocks_n, sizeof(*f->in));
	}
	queue = xcalloc(f->blocks_n, sizeof(*queue));
	for (size_t b = f->blocks_n; b-- > 0;) {
		enter(f, b);
		if (b == 0 || f->blocks[b].open) {
			f->blocks[b].queued = true;
			queue[n++] = b;
		}
	}
	while (n) {
		struct flow_block *x = &f->blocks[queue[--n]];
		struct flow_state s = f->in[x - f->blocks];

		x->queued = false;
		x->visits++;
		for (size_t k = x->first; k < x->end; k++)
			flow_step(f, &s, k);
		for (unsigned k = 0; k < 2; k++) {
			long to = k ? x->branch : x->next;

			if (to < 0 || !join_state(f, &f->blocks[to], &f->in[to], &s) ||
			    f->blocks[to].queued)
				continue;
			f->blocks[to].queued = true;
			queue[n++] = (size_t)to;
		}
	}
}
