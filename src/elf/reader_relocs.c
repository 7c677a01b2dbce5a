#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/reader_private.h"

struct reloc_row {
	uint32_t type;
	enum elf_reloc_kind kind;
};

/*
 * What of the psABIs' relocations puts addresses into memory. The others (thread-local storage,
 * sizes) do not. TLS descriptors hold functions of the dynamic loader, which are counted as its
 * own.
 */
static const struct reloc_row rows_x86_64[] = {
	{ R_X86_64_64, ELF_REL_SYMBOL },	  { R_X86_64_GLOB_DAT, ELF_REL_SYMBOL },
	{ R_X86_64_JUMP_SLOT, ELF_REL_SYMBOL },	  { R_X86_64_RELATIVE, ELF_REL_ADDRESS },
	{ R_X86_64_COPY, ELF_REL_COPY },	  { R_X86_64_IRELATIVE, ELF_REL_RESOLVER },
	{ R_X86_64_32, ELF_REL_SYMBOL },	  { R_X86_64_PC32, ELF_REL_SYMBOL },
	{ R_X86_64_RELATIVE64, ELF_REL_ADDRESS },
};
static const struct reloc_row rows_aarch64[] = {
	{ R_AARCH64_ABS64, ELF_REL_SYMBOL },	 { R_AARCH64_GLOB_DAT, ELF_REL_SYMBOL },
	{ R_AARCH64_JUMP_SLOT, ELF_REL_SYMBOL }, { R_AARCH64_RELATIVE, ELF_REL_ADDRESS },
	{ R_AARCH64_COPY, ELF_REL_COPY },	 { R_AARCH64_IRELATIVE, ELF_REL_RESOLVER },
};

static const struct reloc_row *find_row(enum elf_machine machine, uint32_t type)
{
	const struct reloc_row *rows = machine == ELF_X86_64 ? rows_x86_64 : rows_aarch64;
	size_t n = machine == ELF_X86_64 ? ARRAY_SIZE(rows_x86_64) : ARRAY_SIZE(rows_aarch64);

	for (size_t i = 0; i < n; i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

static int compare_relocs(const void *a, const void *b)
{
	const struct elf_reloc *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int add_reloc(struct elf_image *m, size_t *cap, const struct elf_reloc *r, const char *name,
		     struct err *e)
{
	if (m->relocs_n == ELF_MAX_RELOCS)
		return err_set(e, E2BIG, "%s: more than %d relocations", name, ELF_MAX_RELOCS);
	*vec_push(m->relocs, m->relocs_n, *cap) = *r;
	return 0;
}

static int read_rela(struct elf_image *m, size_t *cap, uint64_t at, uint64_t size, const char *name,
		     struct err *e)
{
	uint64_t n = size / sizeof(Elf64_Rela);
	const uint8_t *p = n ? elf_at(m, at, n * sizeof(Elf64_Rela)) : NULL;

	if (n && !p)
		return err_set(e, EINVAL, "%s: relocations are not in the file", name);
	for (uint64_t i = 0; i < n; i++, p += sizeof(Elf64_Rela)) {
		const struct reloc_row *row = find_row(m->machine, (uint32_t)elf_number(p + 8, 4));
		struct elf_reloc r = { .at = elf_number(p, 8),
				       .addend = elf_number(p + 16, 8),
				       .sym = (uint32_t)elf_number(p + 12, 4) };
		int bad;

		if (!row)
			continue;
		r.kind = row->kind;
		if (r.sym >= m->syms_n || (r.kind != ELF_REL_SYMBOL && r.kind != ELF_REL_COPY))
			r.sym = 0;
		if (!r.sym && r.kind == ELF_REL_COPY)
			continue;
		if (!r.sym && r.kind == ELF_REL_SYMBOL)
			r.kind = ELF_REL_ADDRESS;
		bad = add_reloc(m, cap, &r, name, e);
		if (bad)
			return bad;
	}
	return 0;
}

/* DT_RELR: an address, then bitmaps of the 63 words behind; each word holds its own addend. */
static int read_relr(struct elf_image *m, size_t *cap, uint64_t at, uint64_t size, const char *name,
		     struct err *e)
{
	const uint8_t *p = size ? elf_at(m, at, size & ~7ull) : NULL;
	uint64_t where = 0;

	if (size && !p)
		return err_set(e, EINVAL, "%s: relocations are not in the file", name);
	for (uint64_t i = 0; i < size / 8; i++) {
		uint64_t word = elf_number(p + i * 8, 8);
		uint64_t bits = word & 1 ? word >> 1 : 1, base = word & 1 ? where : word;

		for (unsigned k = 0; bits; k++, bits >>= 1) {
			const uint8_t *slot = bits & 1 ? elf_at(m, base + k * 8ull, 8) : NULL;
			struct elf_reloc r = { .at = base + k * 8ull, .kind = ELF_REL_ADDRESS };
			int bad;

			if (!slot)
				continue;
			r.addend = elf_number(slot, 8);
			bad = add_reloc(m, cap, &r, name, e);
			if (bad)
				return bad;
		}
		where = word & 1 ? where + 63 * 8 : word + 8;
	}
	return 0;
}

/* Where only the linker looks, by the names of sections. */
static bool is_for_linker(const struct elf_image *m, uint64_t addr)
{
	static const char *const names[] = { ".dynsym", ".dynstr", ".rel",     ".gnu.",
					     ".hash",	".note",   ".eh_frame" };

	for (size_t i = 0; i < m->sections_n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			if (addr - m->sections[i].addr < m->sections[i].size &&
			    !strncmp(m->sections[i].name, names[k], strlen(names[k])))
				return true;
	return false;
}

/* A file with fixed addresses has no relocations for its own: any aligned word may be a pointer. */
static int find_fixed(struct elf_image *m, size_t *cap, const char *name, struct err *e)
{
	for (size_t i = 0; i < m->segments_n; i++) {
		const struct elf_segment *s = &m->segments[i];

		for (uint64_t off = -s->vaddr & 7; off + 8 <= s->filesz; off += 8) {
			struct elf_reloc r = { .at = s->vaddr + off, .kind = ELF_REL_ADDRESS };
			int bad;

			r.addend = elf_number(m->data + s->off + off, 8);
			if (s->exec || r.addend < m->segments[0].vaddr ||
			    !elf_segment_of(m, r.addend) || is_for_linker(m, r.at))
				continue;
			bad = add_reloc(m, cap, &r, name, e);
			if (bad)
				return bad;
		}
	}
	return 0;
}

int elf_read_relocs(struct elf_image *m, const char *name, const struct elf_dynamic *d,
		    struct err *e)
{
	size_t cap = 0;
	int r = read_rela(m, &cap, d->rela, d->relasz, name, e);

	if (!r)
		r = read_rela(m, &cap, d->jmprel, d->pltrelsz, name, e);
	if (!r)
		r = read_relr(m, &cap, d->relr, d->relrsz, name, e);
	if (!r && m->fixed)
		r = find_fixed(m, &cap, name, e);
	if (r)
		return r;
	if (m->relocs_n)
		qsort(m->relocs, m->relocs_n, sizeof(*m->relocs), compare_relocs);
	return 0;
}
