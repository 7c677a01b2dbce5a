#include "elf/programs.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "elf/programs_private.h"
#include "model/syscalls.h"

/* The object that a row is about. */
static bool is_about(const struct program_row *row, const struct linker *l, int object)
{
	return row->library ? link_defined(l->objects[object], row->library) != 0 : object == 0;
}

static bool is_held(const struct program_row *row, const char *name)
{
	for (unsigned k = 0; k < PROGRAM_NAMES && row->held[k]; k++)
		if (*row->held[k] != '#' && text_matches(row->held[k], name))
			return true;
	return false;
}

static bool reads_symbol(const struct link_object *o, const struct elf_ref *ref, uint32_t sym)
{
	const struct elf_reloc *rel = NULL;

	if (ref->kind == ELF_REF_READ || ref->kind == ELF_REF_WRAP_SLOT ||
	    ref->kind == ELF_REF_WATCHED)
		rel = elf_reloc_at(&o->image, ref->at);
	return rel && rel->kind == ELF_REL_SYMBOL && rel->sym == sym;
}

/* Whether the address is in the linker's table, which is read in place, or in its stubs. */
static bool in_section(const struct elf_image *m, uint64_t at, const char *name)
{
	for (size_t i = 0; i < m->sections_n; i++)
		if (at - m->sections[i].addr < m->sections[i].size)
			return !strncmp(m->sections[i].name, name, strlen(name));
	return false;
}

/* How many functions of the object, and pieces of its data, use the symbol. */
static unsigned users_of(const struct link_object *o, uint32_t sym)
{
	const struct elf_facts *f = &o->facts;
	unsigned n = 0;

	for (size_t i = 0; i < o->image.relocs_n; i++)
		n += o->image.relocs[i].kind == ELF_REL_SYMBOL && o->image.relocs[i].sym == sym &&
		     !in_section(&o->image, o->image.relocs[i].at, ".got");
	for (size_t i = 0; i < f->functions_n; i++)
		for (uint32_t k = 0; k < f->functions[i].refs_n &&
				     !in_section(&o->image, f->functions[i].start, ".plt");
		     k++)
			if (reads_symbol(o, &f->refs[f->functions[i].refs + k], sym)) {
				n++;
				break;
			}
	return n;
}

static bool is_known_code(const struct program_row *row, const struct linker *l, int object)
{
	const struct link_object *o = l->objects[object];

	for (size_t i = 1; i < o->image.syms_n; i++)
		if (!o->image.syms[i].defined && is_held(row, o->image.syms[i].name) &&
		    users_of(o, (uint32_t)i) > (row->functions ? row->functions : 1))
			return false;
	return true;
}

/* Whether a file mentions the name, other than those that define it or that the row is about. */
static bool is_mentioned(const struct program_row *row, const struct linker *l, const char *name)
{
	for (size_t i = 1; i < l->objects_n; i++) {
		const struct link_object *o = l->objects[i];

		if (memmem(o->bytes.data, o->bytes.len, name, strlen(name)) &&
		    !link_defined(o, name) && !is_about(row, l, (int)i))
			return true;
	}
	return false;
}

static bool is_asked_for(const struct program_row *row, const struct linker *l,
			 const struct asked *w)
{
	if (!row->always && w->unknown)
		return true;
	for (unsigned k = 0; k < PROGRAM_NAMES && row->words[k]; k++)
		if (asked_for(w, row->words[k]))
			return true;
	for (unsigned k = 0; k < PROGRAM_NAMES && row->openers[k]; k++)
		if (is_mentioned(row, l, row->openers[k]))
			return true;
	for (size_t i = 0; i < l->objects_n; i++)
		if (is_about(row, l, (int)i) && !is_known_code(row, l, (int)i))
			return true;
	return false;
}

static bool is_program(const struct program_rule *rule, const struct link_object *o)
{
	if (rule->name)
		return !strcmp(strrchr(o->path, '/') + 1, rule->name);
	return link_defined(o, rule->symbol) != 0;
}

void programs_open(struct programs *p, const struct linker *l, char *const *const *commands,
		   size_t commands_n)
{
	*p = (struct programs){ 0 };
	for (size_t i = 0; !p->rule && i < program_rules_n; i++)
		if (is_program(&program_rules[i], l->objects[0]))
			p->rule = &program_rules[i];
	if (!p->rule)
		return;
	asked_read(&p->words, l->files, &p->rule->source, commands, commands_n);
	for (size_t i = 0; i < p->rule->rows_n; i++)
		if (!is_asked_for(&p->rule->rows[i], l, &p->words))
			p->left_out |= 1ull << i;
}

void programs_free(struct programs *p)
{
	asked_free(&p->words);
	*p = (struct programs){ 0 };
}

static const struct program_row *row_of(const struct programs *p, const struct linker *l,
					int object, size_t i)
{
	bool holds = p->left_out >> i & 1 && is_about(&p->rule->rows[i], l, object);

	return holds ? &p->rule->rows[i] : NULL;
}

bool *programs_cut(const struct programs *p, const struct linker *l, int object)
{
	const struct elf_image *m = &l->objects[object]->image;
	bool *cut = NULL;

	for (size_t i = 0; p->rule && i < p->rule->rows_n; i++) {
		const struct program_row *row = row_of(p, l, object, i);

		for (size_t k = 1; row && k < m->syms_n; k++) {
			if (m->syms[k].defined || !is_held(row, m->syms[k].name))
				continue;
			if (!cut)
				cut = xcalloc(m->syms_n, sizeof(*cut));
			cut[k] = true;
		}
	}
	return cut;
}

bool programs_cut_number(const struct programs *p, const struct linker *l, int object, uint32_t nr)
{
	bool x86 = l->objects[object]->image.machine == ELF_X86_64;

	for (size_t i = 0; p->rule && i < p->rule->rows_n; i++) {
		const struct program_row *row = row_of(p, l, object, i);

		for (unsigned k = 0; row && k < PROGRAM_NAMES && row->held[k]; k++)
			if (*row->held[k] == '#' &&
			    sc_nr(x86 ? SC_X86_64 : SC_AARCH64, row->held[k] + 1) == (int)nr)
				return true;
	}
	return false;
}

void programs_describe(const struct programs *p, struct buf *out)
{
	if (p->rule && p->words.unknown)
		buf_printf(out, "options and directives of the program count as given: %s\n",
			   p->words.unknown);
	for (size_t i = 0; p->rule && i < p->rule->rows_n; i++)
		if (p->left_out >> i & 1 &&
		    !(i && !strcmp(p->rule->rows[i].what, p->rule->rows[i - 1].what)))
			buf_printf(out, "left out, since nothing asks for it: %s\n",
				   p->rule->rows[i].what);
}
