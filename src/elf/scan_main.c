#include "elf/scan_main.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/scan_private.h"

static bool starts_main(const struct elf_image *m, const struct elf_insn *i)
{
	const struct elf_reloc *rel;
	uint64_t slot = 0;

	if (i->op == ELF_OP_CALL || i->op == ELF_OP_JUMP)
		slot = scan_stub_slot(m, i->target);
	else if ((i->op == ELF_OP_CALL_IND || i->op == ELF_OP_JUMP_IND) && i->mem.used &&
		 i->mem.absolute && i->mem.index == ELF_NO_REG)
		slot = (uint64_t)i->mem.disp;
	rel = slot ? elf_reloc_at(m, slot) : NULL;
	return rel && rel->kind == ELF_REL_SYMBOL &&
	       !strcmp(m->syms[rel->sym].name, "__libc_start_main");
}

/* The address that the instruction loads from a slot which the loader fills; 0: none. */
static uint64_t loaded_address(const struct elf_image *m, const struct flow_state *st,
			       const struct elf_insn *i)
{
	const struct elf_reloc *rel;
	struct flow_value at;

	if (i->op != ELF_OP_LOAD || !flow_address(st, &i->mem, &at) || at.kind != FLOW_ADDRESS)
		return 0;
	rel = elf_reloc_at(m, at.base + (uint64_t)at.off);
	return rel && rel->kind == ELF_REL_ADDRESS ? rel->addend : 0;
}

/* The first argument of a call of __libc_start_main in the function; *found: there is one. */
static uint64_t handed_over(struct scan *s, uint32_t function, bool *found)
{
	int8_t arg = s->flow.cc->number_arg;
	uint64_t addr = 0;

	scan_solve(s, function);
	for (size_t b = 0; b < s->flow.blocks_n; b++) {
		struct flow_state st = s->flow.in[b];
		uint64_t loaded = 0;

		for (size_t k = s->flow.blocks[b].first; k < s->flow.blocks[b].end; k++) {
			const struct elf_insn *i = &s->flow.insns[k];
			const struct flow_value *v = &st.reg[arg];

			if (starts_main(s->m, i)) {
				*found = true;
				addr = v->kind == FLOW_ADDRESS || v->kind == FLOW_CONST
					       ? v->base + (uint64_t)v->off
					       : loaded;
			}
			if (i->dst == arg)
				loaded = loaded_address(s->m, &st, i);
			flow_step(&s->flow, &st, k);
		}
	}
	return addr;
}

/* Looks in the entry point and in what it calls directly, as musl's does. */
static uint64_t search(struct scan *s, uint32_t entry, bool *found)
{
	const struct elf_function *x = &s->facts->functions[entry];
	uint64_t addr = handed_over(s, entry, found);

	for (uint32_t k = x->refs; !*found && k < x->refs + x->refs_n; k++)
		if (s->facts->refs[k].kind == ELF_REF_CODE)
			addr = handed_over(s, s->facts->refs[k].to, found);
	return addr;
}

static bool defines_start(const struct elf_image *m)
{
	for (size_t i = 0; i < m->syms_n + m->local_syms_n; i++) {
		const struct elf_sym *s = i < m->syms_n ? &m->syms[i]
							: &m->local_syms[i - m->syms_n];

		if (!strcmp(s->name, "__libc_start_main"))
			return true;
	}
	return false;
}

bool scan_find_main(const struct elf_image *m, const struct elf_facts *f, struct scan_main *out)
{
	struct elf_facts mine = *f; /* which is not changed */
	struct scan s = { .m = m, .facts = &mine };
	long entry = elf_function_at(f, m->entry), at;
	uint64_t addr;

	*out = (struct scan_main){ .function = (uint32_t)entry };
	if (entry < 0 || !m->entry)
		return false;
	flow_init(&s.flow, m);
	s.targets.v = f->inner;
	s.targets.n = f->inner_n;
	addr = search(&s, (uint32_t)entry, &out->by_libc);
	s.targets = (struct scan_addresses){ 0 };
	scan_free(&s);
	/* Without an interpreter the C library is part of the program, if there is one. */
	if (!out->by_libc)
		return !m->interp && !defines_start(m);
	at = elf_function_at(f, addr);
	out->function = (uint32_t)at;
	return at >= 0 && f->functions[at].start == addr;
}
