/* What one function refers to. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/gates.h"
#include "elf/node.h"
#include "elf/scan_private.h"

static void add_ref(struct scan *s, const struct elf_ref *r)
{
	struct elf_ref *own = vec_push(s->refs, s->refs_n, s->refs_cap);

	*own = *r;
	own->group = s->group;
}

/* Whether the linker puts a pointer into these bytes, or copies an object there. */
static bool has_pointer(const struct elf_image *m, uint64_t at, uint64_t size)
{
	size_t i = elf_reloc_from(m, at);

	if (i < m->relocs_n && m->relocs[i].at - at < size)
		return true;
	if (m->fixed)
		for (; i > 0 && at - m->relocs[i - 1].at < 4096; i--)
			if (m->relocs[i - 1].kind == ELF_REL_COPY)
				return true;
	return false;
}

static void add_read(struct scan *s, uint64_t at, unsigned size, bool called)
{
	struct elf_ref r = { .kind = ELF_REF_READ, .size = (uint8_t)size, .to = called, .at = at };

	if (size && has_pointer(s->m, at, size))
		add_ref(s, &r);
}

/* A string that may be the name of a function or of a file to load. */
static bool looks_like_name(const struct elf_image *m, uint64_t addr)
{
	const char *t = elf_string_at(m, addr, 256);
	size_t n = t ? strlen(t) : 0;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)t[i] <= ' ' || (unsigned char)t[i] >= 127)
			return false;
	return n >= 3;
}

static void add_code(struct scan *s, enum elf_ref_kind kind, uint64_t addr)
{
	const struct elf_function *self = &s->facts->functions[s->current];
	struct elf_ref r = { .kind = (uint8_t)kind };
	long to;

	if (addr > self->start && addr < self->end)
		return;
	to = elf_function_at(s->facts, addr);
	if (to < 0)
		return;
	r.to = (uint32_t)to;
	r.size = kind == ELF_REF_CODE && s->facts->functions[to].start != addr;
	add_ref(s, &r);
}

static void add_address(struct scan *s, uint64_t addr)
{
	struct elf_ref r = { .kind = ELF_REF_ADDRESS, .at = addr };

	if (elf_is_code(s->m, addr)) {
		uint64_t slot = scan_stub_slot(s->m, addr);

		if (slot)
			add_read(s, slot, 8, false);
		else
			add_code(s, ELF_REF_TAKEN, addr);
	} else if (scan_holds_pointers(s->m, addr)) {
		add_ref(s, &r);
		*vec_push(s->facts->starts, s->facts->starts_n, s->facts->starts_cap) = addr;
	}
	if ((s->loads_names || s->all_names) && !elf_is_code(s->m, addr) &&
	    looks_like_name(s->m, addr))
		add_ref(s, &r);
}

/* The pointer leaves what is followed: everything of the object it points to may be used. */
static void escape(struct scan *s, const struct flow_value *v)
{
	if (v->kind == FLOW_ADDRESS) {
		add_address(s, v->base);
		if (v->off)
			add_address(s, v->base + (uint64_t)v->off);
	} else if (v->kind == FLOW_SLOT) {
		add_read(s, v->base, 8, false);
	}
}

static void escape_regs(struct scan *s, const struct flow_state *st, uint32_t regs)
{
	for (unsigned r = 0; regs && r < s->flow.regs; r++, regs >>= 1)
		if (regs & 1)
			escape(s, &st->reg[r]);
}

static void use_memory(struct scan *s, const struct flow_state *st, const struct elf_insn *i)
{
	bool called = i->op == ELF_OP_CALL_IND || i->op == ELF_OP_JUMP_IND;
	struct flow_value at;

	if (!flow_address(st, &i->mem, &at)) {
		if (i->mem.base != ELF_NO_REG)
			escape(s, &st->reg[i->mem.base]);
		else if (i->mem.absolute)
			add_address(s, (uint64_t)i->mem.disp);
		if (i->mem.index != ELF_NO_REG)
			escape(s, &st->reg[i->mem.index]);
	} else if (at.kind == FLOW_STACK) {
		return;
	} else if (at.kind == FLOW_ADDRESS) {
		add_read(s, at.base + (uint64_t)at.off, i->mem.size, called);
	} else {
		struct elf_ref r = { .kind = ELF_REF_FIELD,
				     .size = i->mem.size,
				     .to = called,
				     .at = at.base,
				     .off = at.off };

		add_ref(s, &r);
	}
}

/* The values of a register as an array in the facts; *n 0: not known. */
static uint32_t keep_numbers(struct scan *s, const struct flow_value *v, unsigned *n)
{
	uint64_t c[FLOW_MAX_SET];
	uint32_t at = (uint32_t)s->facts->numbers_n;

	*n = flow_constants(&s->flow, v, c);
	for (unsigned k = 0; k < *n; k++)
		*vec_push(s->facts->numbers, s->facts->numbers_n,
			  s->facts->numbers_cap) = (uint32_t)c[k];
	return at;
}

/* The function hands its own argument on as a number; false: it has another one already. */
static bool take_param(struct scan *s, const struct flow_value *v)
{
	struct elf_function *f = &s->facts->functions[s->current];
	int32_t field = v->kind == FLOW_FIELD ? (int32_t)v->off : -1;

	if (v->kind != FLOW_ARG && v->kind != FLOW_FIELD)
		return false;
	if (v->kind == FLOW_FIELD && (v->off < 0 || v->off > 4096))
		return false;
	if (f->param >= 0 && (f->param != (int8_t)v->base || f->field != field))
		return false;
	f->param = (int8_t)v->base;
	f->field = field;
	return true;
}

static void add_param_site(struct scan *s, uint64_t addr)
{
	*vec_push(s->facts->sites, s->facts->sites_n,
		  s->facts->sites_cap) = (struct elf_site){ .addr = addr, .kind = ELF_SITE_PARAM };
}

static void add_wrapper(struct scan *s, enum elf_ref_kind kind, uint32_t to, uint64_t slot,
			const struct flow_value *number, uint64_t addr)
{
	struct elf_ref r = { .kind = (uint8_t)kind, .to = to, .at = slot };
	unsigned n;

	r.numbers = keep_numbers(s, number, &n);
	r.numbers_n = (uint8_t)n;
	if (!n && take_param(s, number)) {
		/* Whoever calls this function decides; the call itself adds no number. */
		add_param_site(s, addr);
		r.size = 1;
	}
	add_ref(s, &r);
}

static bool is_syscall_slot(const struct elf_image *m, uint64_t slot)
{
	const struct elf_reloc *r = elf_reloc_at(m, slot);

	return r && r->kind == ELF_REL_SYMBOL && !strcmp(m->syms[r->sym].name, "syscall");
}

static void call_wrapper(struct scan *s, const struct flow_state *st, uint32_t to, uint64_t addr)
{
	const struct elf_function *f = &s->facts->functions[to];
	struct flow_value v = st->reg[f->param];

	if (f->field >= 0) {
		if (v.kind == FLOW_STACK)
			v = flow_stacked(st, v.off + f->field);
		else if (v.kind == FLOW_ARG)
			v = (struct flow_value){ FLOW_FIELD, v.base, f->field };
		else
			v.kind = FLOW_ANY;
	}
	add_wrapper(s, ELF_REF_WRAPPER, to, 0, &v, addr);
}

/* The name by which a call is watched, through a slot or direct; NULL: it is not. */
static const char *watched_name(const struct scan *s, uint64_t slot, uint64_t target)
{
	const struct elf_reloc *r = slot ? elf_reloc_at(s->m, slot) : NULL;
	const char *name = r && r->kind == ELF_REL_SYMBOL ? s->m->syms[r->sym].name : NULL;

	if (slot)
		return name && gates_argument(name) >= 0 ? name : NULL;
	for (size_t i = 0; i < s->watched_n; i++)
		if (s->m->syms[s->watched[i]].value == target)
			return s->m->syms[s->watched[i]].name;
	return NULL;
}

/* A call whose argument decides what the function does; false: it is none. */
static bool call_watched(struct scan *s, const struct flow_state *st, uint64_t slot,
			 uint64_t target)
{
	const char *name = watched_name(s, slot, target);
	long to = slot || !name ? 0 : elf_function_at(s->facts, target);
	struct elf_ref r = { .kind = ELF_REF_WATCHED, .at = slot };
	unsigned n;

	scan_executed(s, st, slot);
	if (!name || to < 0)
		return false;
	r.to = (uint32_t)to;
	r.numbers = keep_numbers(
		s, &st->reg[gates_argument(name) ? s->flow.cc->second_arg : s->flow.cc->number_arg],
		&n);
	r.numbers_n = (uint8_t)n;
	add_ref(s, &r);
	return true;
}

/* Control goes to an address outside of the function, or to its beginning. */
static void go_to(struct scan *s, const struct flow_state *st, uint64_t target, uint64_t addr)
{
	uint64_t slot = scan_stub_slot(s->m, target);
	long to = slot ? -1 : elf_function_at(s->facts, target);
	const struct elf_function *f = to < 0 ? NULL : &s->facts->functions[to];

	if (call_watched(s, st, slot, target))
		return;
	if (slot && is_syscall_slot(s->m, slot))
		add_wrapper(s, ELF_REF_WRAP_SLOT, 0, slot, &st->reg[s->flow.cc->number_arg], addr);
	else if (slot)
		add_read(s, slot, 8, true);
	else if (f && f->param >= 0 && f->start == target && (uint32_t)to != s->current)
		call_wrapper(s, st, (uint32_t)to, addr);
	else
		add_code(s, ELF_REF_CODE, target);
}

static void add_site(struct scan *s, const struct flow_state *st, const struct elf_insn *i,
		     uint64_t addr)
{
	const struct flow_value *v = &st->reg[s->flow.cc->number];
	struct elf_site site = { .addr = addr,
				 .compat = i->op == ELF_OP_COMPAT,
				 .group = s->group };
	unsigned n;

	site.numbers = keep_numbers(s, v, &n);
	site.numbers_n = n;
	site.kind = n ? ELF_SITE_KNOWN : ELF_SITE_ANY;
	if (!n && !site.compat && take_param(s, v)) {
		site.kind = ELF_SITE_PARAM;
	} else if (!n && !site.compat && v->kind == FLOW_GLOBAL_FIELD && v->off >= 0) {
		site.kind = ELF_SITE_GLOBAL;
		site.global = v->base;
		site.numbers = (uint32_t)v->off;
	}
	*vec_push(s->facts->sites, s->facts->sites_n, s->facts->sites_cap) = site;
}

/*
 * A call that gives a function a name (node.h): the function's address is kept as that. The
 * registers of both arguments; 0: it is none.
 */
static uint32_t call_naming(struct scan *s, const struct flow_state *st, uint64_t target)
{
	const struct flow_value *name = &st->reg[s->flow.cc->third_arg];
	const struct flow_value *to = &st->reg[s->flow.cc->fourth_arg];
	uint64_t slot = s->gives_names ? scan_stub_slot(s->m, target) : 0;
	const struct elf_reloc *rel = slot ? elf_reloc_at(s->m, slot) : NULL;
	struct elf_ref r = { .kind = ELF_REF_NAMED };
	long f;

	if (!rel || rel->kind != ELF_REL_SYMBOL || !node_gives_name(s->m->syms[rel->sym].name) ||
	    name->kind != FLOW_ADDRESS || to->kind != FLOW_ADDRESS)
		return 0;
	r.at = name->base + (uint64_t)name->off;
	f = elf_function_at(s->facts, to->base + (uint64_t)to->off);
	if (f < 0 || scan_stub_slot(s->m, to->base + (uint64_t)to->off) ||
	    !elf_string_at(s->m, r.at, 256))
		return 0;
	r.to = (uint32_t)f;
	add_ref(s, &r);
	return 1u << s->flow.cc->third_arg | 1u << s->flow.cc->fourth_arg;
}

static bool leaves(const struct scan *s, uint64_t target)
{
	const struct elf_function *self = &s->facts->functions[s->current];

	return target - self->start >= self->end - self->start;
}

static void keep_indirect(struct scan *s, const struct flow_value *v)
{
	struct elf_ref r = { .kind = ELF_REF_INDIRECT };
	uint64_t c[FLOW_MAX_SET];
	unsigned n = flow_constants(&s->flow, v, c);

	for (unsigned k = 0; k < n; k++)
		if (c[k] >= SCAN_MAX_NUMBER)
			return;
	if (!n)
		return;
	r.numbers = keep_numbers(s, v, &n);
	r.numbers_n = (uint8_t)n;
	add_ref(s, &r);
}

/* A call or jump through the linker's slot at a fixed address. */
static bool by_slot(const struct scan *s, const struct elf_insn *i)
{
	return i->mem.used && i->mem.absolute && i->mem.index == ELF_NO_REG &&
	       elf_reloc_at(s->m, (uint64_t)i->mem.disp);
}

static void one_transfer(struct scan *s, const struct flow_state *st, const struct elf_insn *i,
			 uint64_t addr)
{
	switch (i->op) {
	case ELF_OP_CALL:
		escape_regs(s, st, s->flow.cc->args & ~call_naming(s, st, i->target));
		go_to(s, st, i->target, addr);
		break;
	case ELF_OP_JUMP:
	case ELF_OP_BRANCH:
		if (leaves(s, i->target)) {
			escape_regs(s, st, ~call_naming(s, st, i->target));
			go_to(s, st, i->target, addr);
		}
		break;
	case ELF_OP_CALL_IND:
	case ELF_OP_JUMP_IND:
		escape_regs(s, st, i->op == ELF_OP_CALL_IND ? s->flow.cc->args : UINT32_MAX);
		if (i->src != ELF_NO_REG)
			escape(s, &st->reg[i->src]);
		s->facts->functions[s->current].pointers |= !by_slot(s, i);
		keep_indirect(s, &st->reg[s->flow.cc->number_arg]);
		if (i->mem.used && i->mem.absolute && i->mem.index == ELF_NO_REG &&
		    is_syscall_slot(s->m, (uint64_t)i->mem.disp))
			add_wrapper(s, ELF_REF_WRAP_SLOT, 0, (uint64_t)i->mem.disp,
				    &st->reg[s->flow.cc->number_arg], addr);
		else if (i->mem.used && i->mem.absolute && i->mem.index == ELF_NO_REG &&
			 call_watched(s, st, (uint64_t)i->mem.disp, 0))
			break;
		else if (i->mem.used)
			use_memory(s, st, i);
		break;
	case ELF_OP_RETURN:
		escape_regs(s, st, s->flow.cc->results);
		break;
	case ELF_OP_SYSCALL:
	case ELF_OP_COMPAT:
		add_site(s, st, i, addr);
		break;
	}
}

static void form_address(struct scan *s, const struct flow_state *st, const struct elf_insn *i)
{
	if (i->mem.index != ELF_NO_REG) {
		escape(s, &st->reg[i->mem.index]);
		if (i->mem.base != ELF_NO_REG)
			escape(s, &st->reg[i->mem.base]);
	}
	/*
	 * Code and strings are of interest however the address is used; data when the address is.
	 * On AArch64 this is only a page: what matters comes with the next step.
	 */
	if (s->gives_names && i->mem.index == ELF_NO_REG)
		return; /* functions and their names too: node.h */
	if (i->mem.absolute && s->m->machine == ELF_X86_64 &&
	    (i->mem.index != ELF_NO_REG || !scan_holds_pointers(s->m, (uint64_t)i->mem.disp)))
		add_address(s, (uint64_t)i->mem.disp);
}

static void one_insn(struct scan *s, const struct flow_state *st, size_t k)
{
	const struct elf_insn *i = &s->flow.insns[k];
	uint64_t addr = s->flow.addrs[k];

	switch (i->op) {
	case ELF_OP_CALL:
	case ELF_OP_CALL_IND:
	case ELF_OP_JUMP:
	case ELF_OP_JUMP_IND:
	case ELF_OP_BRANCH:
	case ELF_OP_RETURN:
	case ELF_OP_SYSCALL:
	case ELF_OP_COMPAT:
		one_transfer(s, st, i, addr);
		return;
	case ELF_OP_LEA:
		form_address(s, st, i);
		return;
	case ELF_OP_LOAD:
		if (flow_slot_loaded(&s->flow, st, i))
			return; /* counted where the pointer is used */
		break;
	case ELF_OP_CMOV:
	case ELF_OP_CSINC:
		escape_regs(s, st,
			    (i->src == ELF_NO_REG ? 0 : 1u << i->src) |
				    (i->src2 == ELF_NO_REG ? 0 : 1u << i->src2) |
				    (i->op == ELF_OP_CMOV ? 1u << i->dst : 0));
		return;
	case ELF_OP_STORE:
	case ELF_OP_PUSH:
	case ELF_OP_AND:
	case ELF_OP_OR:
	case ELF_OP_MOVK:
		if (i->src != ELF_NO_REG)
			escape(s, &st->reg[i->src]);
		break;
	case ELF_OP_OTHER:
		escape_regs(s, st, i->reads);
		break;
	}
	if (i->mem.used)
		use_memory(s, st, i);
	if (s->m->fixed && (i->op == ELF_OP_CONST || i->op == ELF_OP_STORE || i->escapes_imm) &&
	    elf_segment_of(s->m, i->imm))
		add_address(s, i->imm);
}

/* Pointers that are forgotten because the ways into a block bring different ones. */
static void lost_at_join(struct scan *s, const struct flow_state *out, long to)
{
	const struct flow_state *in = to < 0 ? NULL : &s->flow.in[to];

	for (unsigned r = 0; in && r < s->flow.regs; r++)
		if (flow_is_pointer(&out->reg[r]) && !flow_same(&out->reg[r], &in->reg[r]))
			escape(s, &out->reg[r]);
}

void scan_refs(struct scan *s)
{
	struct flow *f = &s->flow;

	for (size_t b = 0; b < f->blocks_n; b++) {
		struct flow_state st = f->in[b];

		if (st.reg[0].kind == FLOW_NONE && (f->only_reached || f->blocks[b].dead))
			continue;
		s->group = s->groups ? s->groups[b] : 0;
		for (size_t k = f->blocks[b].first; k < f->blocks[b].end; k++) {
			if (!s->wanted || s->wanted(s->wanted_ctx, f->addrs[k]))
				one_insn(s, &st, k);
			flow_step(f, &st, k);
		}
		lost_at_join(s, &st, f->blocks[b].next);
		lost_at_join(s, &st, f->blocks[b].branch);
		if (f->blocks[b].next < 0 && b + 1 == f->blocks_n &&
		    s->facts->functions[s->current].continues) {
			struct elf_ref r = { .kind = ELF_REF_CODE, .to = s->current + 1 };

			escape_regs(s, &st, UINT32_MAX);
			add_ref(s, &r);
		}
	}
	s->group = 0;
}
