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

enum { PAGE = 4096 };

/* Whether the instruction may be part of an access: on AArch64 the page is formed first. */
static bool is_near(const struct elf_insn *i, enum elf_machine machine, uint64_t addr)
{
	if (!i->mem.used || !i->mem.absolute)
		return false;
	if (machine == ELF_AARCH64)
		return i->op == ELF_OP_LEA && (uint64_t)i->mem.disp / PAGE == addr / PAGE;
	return (uint64_t)i->mem.disp - addr + 64 < 64 + 8;
}

static bool only_reads(const struct elf_insn *i)
{
	return i->op == ELF_OP_LOAD || i->op == ELF_OP_COMPARE || i->op == ELF_OP_CALL_IND ||
	       i->op == ELF_OP_JUMP_IND;
}

static bool has_address(const struct flow_value *v, uint64_t addr)
{
	return v->kind == FLOW_ADDRESS && v->base + (uint64_t)v->off == addr;
}

/* A store to the variable of nothing but a pointer of which the function knows the number, or NULL.
 */
static bool insn_is_known(const struct scan *s, const struct flow_state *st,
			  const struct elf_insn *i, const struct elf_site *site)
{
	const struct elf_function *f = &s->facts->functions[s->current];
	const struct flow_value *v = i->src == ELF_NO_REG ? NULL : &st->reg[i->src];
	uint64_t size = i->mem.size ? i->mem.size : 64;
	struct flow_value at;

	if (!i->mem.used || i->op == ELF_OP_LEA || only_reads(i) ||
	    !flow_address(st, &i->mem, &at) || at.kind != FLOW_ADDRESS)
		return true;
	at.base += (uint64_t)at.off;
	if (at.base + size <= site->global || at.base >= site->global + 8)
		return true;
	if (i->op != ELF_OP_STORE || at.base != site->global)
		return false;
	return v ? v->kind == FLOW_ARG && f->param == (int8_t)v->base &&
			       f->field == (int32_t)site->numbers
		 : i->imm == 0;
}

/* Whether the function does nothing else with the variable but read it, or store as above. */
static bool function_is_known(struct scan *s, uint32_t index, const struct elf_site *site)
{
	scan_solve(s, index);
	for (size_t b = 0; b < s->flow.blocks_n; b++) {
		struct flow_state st = s->flow.in[b];

		for (size_t k = s->flow.blocks[b].first; k < s->flow.blocks[b].end; k++) {
			const struct elf_insn *i = &s->flow.insns[k];

			if (!insn_is_known(s, &st, i, site))
				return false;
			flow_step(&s->flow, &st, k);
			if (i->dst != ELF_NO_REG && has_address(&st.reg[i->dst], site->global))
				return false;
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
		bool near = false;

		flow_decode(&s->flow, f->start, f->end);
		for (size_t k = 0; k < s->flow.n; k++) {
			if (s->m->fixed && s->flow.insns[k].op == ELF_OP_CONST &&
			    s->flow.insns[k].imm == site->global)
				return false;
			near |= is_near(&s->flow.insns[k], s->m->machine, site->global);
		}
		if (near && !function_is_known(s, (uint32_t)i, site))
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
		known = tried++ < MAX_GLOBAL_SITES && all_stores_known(s, &site);
		s->facts->sites[i].kind = known ? ELF_SITE_KNOWN : ELF_SITE_ANY;
		s->facts->sites[i].numbers = s->facts->sites[i].numbers_n = 0;
	}
}
