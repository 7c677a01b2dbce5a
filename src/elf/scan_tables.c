/* Jump tables: the one way within a function that the instructions do not show. */
#include <stdlib.h>

#include "base/mem.h"
#include "elf/scan_private.h"

/* Counts an entry; false: there are too many for a file that means it. */
static bool count_entry(struct scan *s)
{
	return s->entries < SCAN_MAX_ENTRIES && ++s->entries;
}

static void add_open(struct scan *s, uint64_t addr)
{
	*vec_push(s->open.v, s->open.n, s->open.cap) = addr;
}

/*
 * A table of distances from its own beginning, as compilers make them for position-independent
 * code. A table's length is not known: reading too far only adds ways that do not exist.
 */
static void read_distances(struct scan *s, uint64_t table, uint64_t start, uint64_t end)
{
	for (unsigned k = 0; k < SCAN_MAX_TABLE; k++) {
		const uint8_t *p = elf_at(s->m, table + k * 4ull, 4);
		uint64_t to = p ? table + (uint64_t)(int32_t)elf_number(p, 4) : 0;

		if (!p || !count_entry(s) || !elf_is_code(s->m, to))
			return;
		if (to >= start && to < end)
			add_open(s, to);
	}
}

/* A table of addresses. */
static void read_addresses(struct scan *s, uint64_t table, uint64_t start, uint64_t end)
{
	for (unsigned k = 0; k < SCAN_MAX_TABLE; k++) {
		const struct elf_reloc *r = elf_reloc_at(s->m, table + k * 8ull);

		if (!r || !count_entry(s) || r->kind != ELF_REL_ADDRESS ||
		    !elf_is_code(s->m, r->addend))
			return;
		if (r->addend >= start && r->addend < end)
			add_open(s, r->addend);
	}
}

/* AArch64: distances in words of 1, 2 or 4 bytes from a label that the code forms beside the table.
 */
static void read_words(struct scan *s, uint64_t table, uint64_t label, uint64_t start, uint64_t end)
{
	for (unsigned size = 1; size <= 4; size *= 2)
		for (unsigned k = 0; k < SCAN_MAX_TABLE; k++) {
			const uint8_t *p = elf_at(s->m, table + (uint64_t)k * size, size);
			uint64_t v = p ? elf_number(p, size) : 0, to;

			if (!p || !count_entry(s))
				break;
			for (unsigned sign = 0; sign < 2; sign++) {
				uint64_t d = sign ? (uint64_t)((int64_t)(v << (64 - 8 * size)) >>
							       (64 - 8 * size))
						  : v;

				to = label + d * 4;
				if (to >= start && to < end)
					add_open(s, to);
			}
			if (label + v * 4 >= end && k > 1024)
				break;
		}
}

/* Addresses that the function forms, with AArch64's two steps put together in a rough way. */
static void formed_addresses(const struct scan *s, struct scan_addresses *out)
{
	uint64_t page[ELF_REGS] = { 0 };

	for (size_t k = 0; k < s->flow.n; k++) {
		const struct elf_insn *i = &s->flow.insns[k];

		if (i->mem.used && i->mem.absolute)
			*vec_push(out->v, out->n, out->cap) = (uint64_t)i->mem.disp;
		if (i->op == ELF_OP_CONST && s->m->fixed)
			*vec_push(out->v, out->n, out->cap) = i->imm;
		if (s->m->machine != ELF_AARCH64)
			continue;
		if (i->op == ELF_OP_LEA)
			page[i->dst] = (uint64_t)i->mem.disp;
		else if (i->op == ELF_OP_ADD && page[i->src])
			*vec_push(out->v, out->n, out->cap) = page[i->src] + i->imm;
	}
	scan_sort(out);
}

void scan_tables(struct scan *s, uint64_t start, uint64_t end)
{
	struct scan_addresses formed = { 0 };
	bool jumps = false;

	for (size_t k = 0; k < s->flow.n; k++)
		jumps |= s->flow.insns[k].op == ELF_OP_JUMP_IND;
	if (!jumps)
		return;
	formed_addresses(s, &formed);
	for (size_t i = 0; i < formed.n; i++) {
		if (formed.v[i] >= start && formed.v[i] < end) {
			add_open(s, formed.v[i]); /* a label whose address is taken */
			continue;
		}
		if (elf_is_code(s->m, formed.v[i]))
			continue;
		read_addresses(s, formed.v[i], start, end);
		if (s->m->machine == ELF_X86_64) {
			read_distances(s, formed.v[i], start, end);
			continue;
		}
		for (size_t k = 0; k < formed.n; k++)
			if (formed.v[k] >= start && formed.v[k] < end)
				read_words(s, formed.v[i], formed.v[k], start, end);
	}
	free(formed.v);
}

static bool *referenced_functions(const struct scan *s)
{
	const struct elf_facts *f = s->facts;
	bool *seen = xcalloc(f->functions_n + 1, sizeof(*seen));

	for (size_t i = 0; i < f->functions_n; i++)
		for (uint32_t k = 0; k < f->functions[i].refs_n; k++) {
			const struct elf_ref *r = &f->refs[f->functions[i].refs + k];

			if (r->kind == ELF_REF_CODE || r->kind == ELF_REF_TAKEN ||
			    r->kind == ELF_REF_WRAPPER || (r->kind == ELF_REF_WATCHED && !r->at))
				seen[r->to] = true;
		}
	for (size_t i = 0; i < s->m->relocs_n; i++) {
		long to = elf_function_at(f, s->m->relocs[i].addend);

		if (to >= 0)
			seen[to] = true;
	}
	for (size_t i = 0; i < s->m->syms_n; i++) {
		long to = elf_function_at(f, s->m->syms[i].value);

		if (s->m->syms[i].defined && to >= 0)
			seen[to] = true;
	}
	return seen;
}

void scan_add_ref(struct elf_facts *f, size_t function, const struct elf_ref *ref)
{
	struct elf_function *p = &f->functions[function];
	size_t from = p->refs;

	/* The list moves to the end of the array, where it can grow. */
	p->refs = (uint32_t)f->refs_n;
	for (uint32_t k = 0; k < p->refs_n; k++) {
		struct elf_ref r = f->refs[from + k];

		*vec_push(f->refs, f->refs_n, f->refs_cap) = r;
	}
	*vec_push(f->refs, f->refs_n, f->refs_cap) = *ref;
	p->refs_n++;
}

static void adopt(struct scan *s, size_t parent, size_t child)
{
	scan_add_ref(s->facts, parent,
		     &(struct elf_ref){ .kind = ELF_REF_CODE, .to = (uint32_t)child });
}

/* Jump tables of the function that lead into functions that nobody else refers to. */
static void adopt_by_table(struct scan *s, size_t parent, bool *seen)
{
	const struct elf_function *p = &s->facts->functions[parent];
	struct scan_addresses formed = { 0 };
	bool jumps = false;

	flow_decode(&s->flow, p->start, p->end);
	for (size_t k = 0; k < s->flow.n; k++)
		jumps |= s->flow.insns[k].op == ELF_OP_JUMP_IND;
	if (jumps)
		formed_addresses(s, &formed);
	for (size_t i = 0; i < formed.n; i++)
		for (unsigned k = 0; k < SCAN_MAX_TABLE; k++) {
			const uint8_t *e = elf_at(s->m, formed.v[i] + k * 4ull, 4);
			uint64_t to = e ? formed.v[i] + (uint64_t)(int32_t)elf_number(e, 4) : 0;
			long child = e ? elf_function_at(s->facts, to) : -1;

			if (child < 0 || !count_entry(s) || !elf_is_code(s->m, to))
				break;
			if (!seen[child]) {
				seen[child] = true;
				adopt(s, parent, (size_t)child);
			}
		}
	free(formed.v);
}

void scan_adopt(struct scan *s)
{
	struct elf_facts *f = s->facts;
	bool *seen = referenced_functions(s);
	size_t n = f->functions_n;

	/* Parts that were moved away jump back into their function. */
	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; !seen[i] && k < f->functions[i].refs_n; k++) {
			const struct elf_ref r = f->refs[f->functions[i].refs + k];

			if (r.kind == ELF_REF_CODE && r.size)
				adopt(s, r.to, i);
		}
	if (s->m->machine == ELF_X86_64)
		for (size_t i = 0; i < n; i++)
			adopt_by_table(s, i, seen);
	free(seen);
}
