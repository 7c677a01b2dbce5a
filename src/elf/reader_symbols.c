#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/reader_private.h"

/* Names of versions by the index that .gnu.version uses. */
struct versions {
	const char **name;
	size_t n;
	uint64_t base; /* index of the file's own name, VER_FLG_BASE */
};

enum { MAX_VERSIONS = 32768 };

static enum elf_sym_type symbol_type(unsigned info)
{
	switch (info & 15) {
	case STT_FUNC:
		return ELF_SYM_FUNC;
	case STT_OBJECT:
		return ELF_SYM_OBJECT;
	case STT_GNU_IFUNC:
		return ELF_SYM_IFUNC;
	case STT_TLS:
		return ELF_SYM_TLS;
	}
	return ELF_SYM_OTHER;
}

/* The number of dynamic symbols: DT_HASH says it, DT_GNU_HASH by its longest chain. */
static uint64_t count_by_gnu_hash(const struct elf_image *m, uint64_t at)
{
	const uint8_t *h = elf_at(m, at, 16), *buckets, *p;
	uint64_t n, first, bloom, last = 0, chains;

	if (!h)
		return 0;
	n = elf_number(h, 4);
	first = elf_number(h + 4, 4);
	bloom = elf_number(h + 8, 4);
	buckets = elf_at(m, at + 16 + bloom * 8, n * 4);
	if (!buckets)
		return 0;
	for (uint64_t i = 0; i < n; i++)
		if (elf_number(buckets + i * 4, 4) > last)
			last = elf_number(buckets + i * 4, 4);
	if (last < first)
		return first;
	chains = at + 16 + bloom * 8 + n * 4;
	while ((p = elf_at(m, chains + (last - first) * 4, 4)) && !(*p & 1))
		last++;
	return last + 1;
}

static uint64_t count_symbols(const struct elf_image *m, const struct elf_dynamic *d)
{
	const uint8_t *h = d->hash ? elf_at(m, d->hash, 8) : NULL;
	uint64_t n = h ? elf_number(h + 4, 4) : d->gnu_hash ? count_by_gnu_hash(m, d->gnu_hash) : 0;
	uint64_t room = elf_room(m, d->symtab) / sizeof(Elf64_Sym);

	/* Files without definitions may have an empty hash table: the strings follow the symbols.
	 */
	if (n < 2 && d->strtab > d->symtab)
		n = (d->strtab - d->symtab) / sizeof(Elf64_Sym);
	return n < room ? n : room;
}

static void name_version(struct versions *v, uint64_t index, const char *name)
{
	if (index >= MAX_VERSIONS || !name)
		return;
	if (index >= v->n) {
		size_t n = index + 16;

		v->name = xreallocarray(v->name, n, sizeof(*v->name));
		memset(v->name + v->n, 0, (n - v->n) * sizeof(*v->name));
		v->n = n;
	}
	v->name[index] = name;
}

static void read_definitions(const struct elf_image *m, const struct elf_dynamic *d,
			     struct versions *v)
{
	uint64_t at = d->verdef;

	for (uint64_t i = 0; i < d->verdefnum && i < MAX_VERSIONS; i++) {
		const uint8_t *p = elf_at(m, at, sizeof(Elf64_Verdef)), *name;

		if (!p)
			return;
		name = elf_at(m, at + elf_number(p + 12, 4), 4);
		if (elf_number(p + 2, 2) & VER_FLG_BASE)
			v->base = elf_number(p + 4, 2);
		if (name)
			name_version(v, elf_number(p + 4, 2) & 0x7fff,
				     elf_dynamic_string(m, d, elf_number(name, 4)));
		if (!elf_number(p + 16, 4))
			return;
		at += elf_number(p + 16, 4);
	}
}

static void read_needs(const struct elf_image *m, const struct elf_dynamic *d, struct versions *v)
{
	uint64_t at = d->verneed, budget = MAX_VERSIONS;

	for (uint64_t i = 0; i < d->verneednum && i < MAX_VERSIONS; i++) {
		const uint8_t *p = elf_at(m, at, sizeof(Elf64_Verneed)), *aux;
		uint64_t one = p ? at + elf_number(p + 8, 4) : 0;

		if (!p)
			return;
		for (uint64_t k = elf_number(p + 2, 2); k && budget; k--, budget--) {
			aux = elf_at(m, one, sizeof(Elf64_Vernaux));
			if (!aux)
				break;
			name_version(v, elf_number(aux + 6, 2) & 0x7fff,
				     elf_dynamic_string(m, d, elf_number(aux + 8, 4)));
			if (!elf_number(aux + 12, 4))
				break;
			one += elf_number(aux + 12, 4);
		}
		if (!elf_number(p + 12, 4))
			return;
		at += elf_number(p + 12, 4);
	}
}

static void read_symbol(struct elf_sym *s, const uint8_t *p)
{
	uint64_t section = elf_number(p + 6, 2);

	s->type = symbol_type(p[4]);
	s->local = p[4] >> 4 == STB_LOCAL;
	s->defined = section != SHN_UNDEF;
	s->value = elf_number(p + 8, 8);
	s->size = elf_number(p + 16, 8);
}

static void set_version(const struct versions *v, struct elf_sym *s, uint64_t raw)
{
	uint64_t index = raw & 0x7fff;

	s->hidden = raw & 0x8000;
	s->base_version = index < 2 || (v->base && index == v->base);
	if (index >= 2 && index < v->n)
		s->version = v->name[index];
}

int elf_read_symbols(struct elf_image *m, const char *name, const struct elf_dynamic *d,
		     struct err *e)
{
	uint64_t n = d->symtab ? count_symbols(m, d) : 0;
	const uint8_t *p = n ? elf_at(m, d->symtab, n * sizeof(Elf64_Sym)) : NULL;
	const uint8_t *versym = d->versym && n ? elf_at(m, d->versym, n * 2) : NULL;
	struct versions v = { 0 };

	if (n > ELF_MAX_SYMBOLS)
		return err_set(e, E2BIG, "%s: more than %d symbols", name, ELF_MAX_SYMBOLS);
	if (!p)
		return 0;
	read_definitions(m, d, &v);
	read_needs(m, d, &v);
	m->syms = xcalloc(n, sizeof(*m->syms));
	m->syms_n = n;
	for (uint64_t i = 0; i < n; i++) {
		struct elf_sym *s = &m->syms[i];
		const char *text = elf_dynamic_string(m, d, elf_number(p + i * 24, 4));

		read_symbol(s, p + i * 24);
		s->name = text ? text : "";
		s->base_version = true;
		if (versym)
			set_version(&v, s, elf_number(versym + i * 2, 2));
	}
	free(v.name);
	return 0;
}

int elf_read_local_symbols(struct elf_image *m, const char *name, uint64_t off, uint64_t size,
			   uint64_t str_off, uint64_t str_size, struct err *e)
{
	uint64_t n = size / sizeof(Elf64_Sym);

	if (m->local_syms || off > m->len || size > m->len - off || str_off > m->len ||
	    str_size > m->len - str_off)
		return 0;
	if (n > ELF_MAX_SYMBOLS)
		return err_set(e, E2BIG, "%s: more than %d symbols", name, ELF_MAX_SYMBOLS);
	m->local_syms = xcalloc(n + 1, sizeof(*m->local_syms));
	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *p = m->data + off + i * sizeof(Elf64_Sym);
		const uint8_t *strings = m->data + str_off;
		uint64_t at = elf_number(p, 4);
		struct elf_sym s = { .base_version = true };

		read_symbol(&s, p);
		if (!s.defined || !s.value || s.type == ELF_SYM_OTHER || s.type == ELF_SYM_TLS ||
		    at >= str_size || !memchr(strings + at, 0, str_size - at))
			continue;
		s.name = (const char *)strings + at;
		m->local_syms[m->local_syms_n++] = s;
	}
	return 0;
}
