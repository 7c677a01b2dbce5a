/*
 * System calls whose number stands in a structure that a global variable points to. glibc's
 * setuid(2) and its kin work like that in programs with threads: the caller fills a structure on
 * its stack, a function makes a variable point to it and signals all threads, and their handler
 * takes the number from there. When every store to the variable is that function's own argument,
 * the numbers are those which its callers put into the structure, and they are counted there.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "elf/scan_private.h"

static bool forms_address(const struct elf_insn *i, uint64_t addr)
{
	return i->op == ELF_OP_LEA && i->mem.absolute && (uint64_t)i->mem.disp == addr;
}

static bool writes_to(const struct elf_insn *i, uint64_t addr)
{
	uint64_t size = i->mem.size ? i->mem.size : 64;

	if (!i->mem.used || !i->mem.absolute || i->op == ELF_OP_LEA || i->op == ELF_OP_LOAD ||
	    i->op == ELF_OP_COMPARE || i->op == ELF_OP_CALL_IND || i->op == ELF_OP_JUMP_IND)
		return false;
	return (uint64_t)i->mem.disp + size > addr && (uint64_t)i->mem.disp < addr + 8;
}

/* Whether the function stores nothing there but a pointer of which it knows the number. */
static bool store_is_known(struct scan *s, uint32_t index, const struct elf_site *site)
{
	const struct elf_function *f = &s->facts->functions[index];

	scan_solve(s, index);
	for (size_t b = 0; b < s->flow.blocks_n; b++) {
		struct flow_state st = s->flow.in[b];

		for (size_t k = s->flow.blocks[b].first; k < s->flow.blocks[b].end; k++) {
			const struct elf_insn *i = &s->flow.insns[k];
			const struct flow_value *v = i->src == ELF_NO_REG ? NULL : &st.reg[i->src];

			if (writes_to(i, site->global) &&
			    (i->op != ELF_OP_STORE || (uint64_t)i->mem.disp != site->global ||
			     (v ? v->kind != FLOW_ARG || f->param != (int8_t)v->base ||
					      f->field != (int32_t)site->numbers
				: i->imm != 0)))
				return false;
			flow_step(&s->flow, &st, k);
		}
	}
	return true;
}

static bool all_stores_known(struct scan *s, const struct elf_site *site)
{
	for (size_t i = 0; i < s->m->relocs_n; i++)
		if (s->m->relocs[i].addend == site->global)
			return false;
	for (size_t i = 0; i < s->facts->functions_n; i++) {
		const struct elf_function *f = &s->facts->functions[i];
		bool writes = false;

		flow_decode(&s->flow, f->start, f->end);
		for (size_t k = 0; k < s->flow.n; k++) {
			if (forms_address(&s->flow.insns[k], site->global))
				return false;
			writes |= writes_to(&s->flow.insns[k], site->global);
		}
		if (writes && !store_is_known(s, (uint32_t)i, site))
			return false;
	}
	return true;
}

enum { MAX_GLOBAL_SITES = 16 };

void scan_globals(struct scan *s)
{
	unsigned tried = 0;

	for (size_t i = 0; i < s->facts->sites_n; i++) {
		struct elf_site site = s->facts->sites[i];
		bool known;

		if (site.kind != ELF_SITE_GLOBAL)
			continue;
		known = s->m->machine == ELF_X86_64 && tried++ < MAX_GLOBAL_SITES &&
			all_stores_known(s, &site);
		s->facts->sites[i].kind = known ? ELF_SITE_KNOWN : ELF_SITE_ANY;
		s->facts->sites[i].numbers = s->facts->sites[i].numbers_n = 0;
	}
}
