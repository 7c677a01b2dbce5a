#include "elf/reader.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/reader_private.h"

/* Bytes of the file, NULL when they are not all there. */
static const uint8_t *file_at(const struct elf_image *m, uint64_t off, uint64_t n)
{
	return off <= m->len && n <= m->len - off ? m->data + off : NULL;
}

const struct elf_segment *elf_segment_of(const struct elf_image *m, uint64_t addr)
{
	for (size_t i = 0; i < m->segments_n; i++)
		if (addr - m->segments[i].vaddr < m->segments[i].memsz)
			return &m->segments[i];
	return NULL;
}

uint64_t elf_room(const struct elf_image *m, uint64_t addr)
{
	const struct elf_segment *s = elf_segment_of(m, addr);

	return s && addr - s->vaddr < s->filesz ? s->filesz - (addr - s->vaddr) : 0;
}

const uint8_t *elf_at(const struct elf_image *m, uint64_t addr, uint64_t n)
{
	const struct elf_segment *s = elf_segment_of(m, addr);

	if (!s || n > s->filesz || addr - s->vaddr > s->filesz - n)
		return NULL;
	return m->data + s->off + (addr - s->vaddr);
}

const char *elf_string_at(const struct elf_image *m, uint64_t addr, size_t max)
{
	uint64_t room = elf_room(m, addr);
	const uint8_t *p = room ? elf_at(m, addr, 1) : NULL;

	if (!p || !memchr(p, 0, room < max ? room : max))
		return NULL;
	return (const char *)p;
}

bool elf_is_code(const struct elf_image *m, uint64_t addr)
{
	const struct elf_segment *s = elf_segment_of(m, addr);

	return s && s->exec;
}

size_t elf_reloc_from(const struct elf_image *m, uint64_t addr)
{
	size_t lo = 0, hi = m->relocs_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->relocs[mid].at < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct elf_reloc *elf_reloc_at(const struct elf_image *m, uint64_t addr)
{
	size_t i = elf_reloc_from(m, addr);

	return i < m->relocs_n && m->relocs[i].at == addr ? &m->relocs[i] : NULL;
}

static int read_header(struct elf_image *m, const char *name, struct err *e)
{
	const uint8_t *h = m->data;
	unsigned machine;

	if (m->len < SELFMAG || memcmp(h, ELFMAG, SELFMAG) != 0)
		return err_set(e, ENOEXEC, "%s: not an ELF file", name);
	if (m->len < sizeof(Elf64_Ehdr))
		return err_set(e, EINVAL, "%s: ends inside the ELF header", name);
	if (h[EI_CLASS] != ELFCLASS64 || h[EI_DATA] != ELFDATA2LSB)
		return err_set(e, ENOTSUP, "%s: only 64-bit little-endian files can be analysed",
			       name);
	machine = (unsigned)elf_number(h + 18, 2);
	if (machine != EM_X86_64 && machine != EM_AARCH64)
		return err_set(e, ENOTSUP, "%s: machine %u is neither x86-64 nor AArch64", name,
			       machine);
	m->machine = machine == EM_X86_64 ? ELF_X86_64 : ELF_AARCH64;
	m->fixed = elf_number(h + 16, 2) == ET_EXEC;
	if (!m->fixed && elf_number(h + 16, 2) != ET_DYN)
		return err_set(e, EINVAL, "%s: neither a program nor a shared object", name);
	m->entry = elf_number(h + 24, 8);
	return 0;
}

/* A PT_LOAD; what lies outside the file counts as absent. */
static int add_segment(struct elf_image *m, const char *name, const uint8_t *p, struct err *e)
{
	struct elf_segment s = {
		.off = elf_number(p + 8, 8),
		.vaddr = elf_number(p + 16, 8),
		.filesz = elf_number(p + 32, 8),
		.memsz = elf_number(p + 40, 8),
		.exec = elf_number(p + 4, 4) & PF_X,
		.write = elf_number(p + 4, 4) & PF_W,
	};

	if (s.off > m->len || s.filesz > m->len - s.off)
		return err_set(e, EINVAL, "%s: a segment lies beyond the end of the file", name);
	if (s.memsz < s.filesz || s.vaddr + s.memsz < s.vaddr || s.vaddr + s.memsz > INT64_MAX)
		return err_set(e, EINVAL, "%s: a segment has an impossible size", name);
	for (size_t i = 0; i < m->segments_n; i++)
		if (s.vaddr < m->segments[i].vaddr + m->segments[i].memsz &&
		    m->segments[i].vaddr < s.vaddr + s.memsz)
			return err_set(e, EINVAL, "%s: two segments overlap", name);
	m->segments[m->segments_n++] = s;
	return 0;
}

/* Calls nothing twice: the first PT_INTERP and PT_DYNAMIC count, as for the kernel. */
static int read_segments(struct elf_image *m, const char *name, struct elf_range *dynamic,
			 struct err *e)
{
	uint64_t off = elf_number(m->data + 32, 8), n = elf_number(m->data + 56, 2);
	const uint8_t *table = file_at(m, off, n * sizeof(Elf64_Phdr));

	if (!n || elf_number(m->data + 54, 2) != sizeof(Elf64_Phdr) || !table)
		return err_set(e, EINVAL, "%s: no program headers", name);
	if (n > ELF_MAX_SEGMENTS)
		return err_set(e, EINVAL, "%s: more than %d segments", name, ELF_MAX_SEGMENTS);
	m->segments = xcalloc(n, sizeof(*m->segments));
	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *p = table + i * sizeof(Elf64_Phdr);
		uint64_t at = elf_number(p + 8, 8), addr = elf_number(p + 16, 8);
		uint64_t size = elf_number(p + 32, 8);
		const uint8_t *text = file_at(m, at, size);
		int r = 0;

		switch (elf_number(p, 4)) {
		case PT_LOAD:
			r = add_segment(m, name, p, e);
			break;
		case PT_INTERP:
			if (!m->interp && text && size && size < ELF_MAX_NAME && !text[size - 1])
				m->interp = (const char *)text;
			break;
		case PT_DYNAMIC:
			if (!dynamic->end)
				*dynamic = (struct elf_range){ addr, addr + size };
			break;
		case PT_GNU_EH_FRAME:
			m->eh_frame_hdr = addr;
			break;
		}
		if (r)
			return r;
	}
	return 0;
}

static const char *section_name(const uint8_t *strings, uint64_t size, uint64_t off)
{
	if (!strings || off >= size || !memchr(strings + off, 0, size - off))
		return "";
	return (const char *)strings + off;
}

/* Sections are a convenience (PLT, .symtab, .eh_frame): a table that makes no sense is ignored. */
static int read_sections(struct elf_image *m, const char *name, struct err *e)
{
	uint64_t off = elf_number(m->data + 40, 8), n = elf_number(m->data + 60, 2);
	uint64_t strings_at = elf_number(m->data + 62, 2), size = 0;
	const uint8_t *table = file_at(m, off, n * sizeof(Elf64_Shdr)), *strings = NULL;

	if (!n || n > ELF_MAX_SECTIONS || !table ||
	    elf_number(m->data + 58, 2) != sizeof(Elf64_Shdr))
		return 0;
	if (strings_at < n) {
		const uint8_t *s = table + strings_at * sizeof(Elf64_Shdr);

		size = elf_number(s + 32, 8);
		strings = file_at(m, elf_number(s + 24, 8), size);
	}
	m->sections = xcalloc(n, sizeof(*m->sections));
	for (uint64_t i = 0; i < n; i++) {
		const uint8_t *s = table + i * sizeof(Elf64_Shdr), *link;
		uint64_t flags = elf_number(s + 8, 8), to = elf_number(s + 40, 4);
		struct elf_section *x;

		if (elf_number(s + 4, 4) == SHT_SYMTAB && to < n) {
			int r;

			link = table + to * sizeof(Elf64_Shdr);
			r = elf_read_local_symbols(m, name, elf_number(s + 24, 8),
						   elf_number(s + 32, 8), elf_number(link + 24, 8),
						   elf_number(link + 32, 8), e);
			if (r)
				return r;
		}
		if (!(flags & SHF_ALLOC) || flags & SHF_TLS)
			continue;
		x = &m->sections[m->sections_n++];
		x->addr = elf_number(s + 16, 8);
		x->size = elf_number(s + 32, 8);
		x->exec = flags & SHF_EXECINSTR;
		x->write = flags & SHF_WRITE;
		x->name = section_name(strings, size, elf_number(s, 4));
		if (!strcmp(x->name, ".eh_frame") && elf_at(m, x->addr, x->size))
			m->eh_frame = (struct elf_range){ x->addr, x->addr + x->size };
	}
	return 0;
}

const char *elf_dynamic_string(const struct elf_image *m, const struct elf_dynamic *d, uint64_t off)
{
	uint64_t max = off < d->strsz ? d->strsz - off : 0;

	return max ? elf_string_at(m, d->strtab + off, max < ELF_MAX_NAME ? max : ELF_MAX_NAME)
		   : NULL;
}

/* DT_* to the member that holds it. */
static uint64_t *dynamic_member(struct elf_image *m, struct elf_dynamic *d, uint64_t tag)
{
	switch (tag) {
	case DT_STRTAB:
		return &d->strtab;
	case DT_STRSZ:
		return &d->strsz;
	case DT_SYMTAB:
		return &d->symtab;
	case DT_HASH:
		return &d->hash;
	case DT_GNU_HASH:
		return &d->gnu_hash;
	case DT_RELA:
		return &d->rela;
	case DT_RELASZ:
		return &d->relasz;
	case DT_JMPREL:
		return &d->jmprel;
	case DT_PLTRELSZ:
		return &d->pltrelsz;
	case DT_RELR:
		return &d->relr;
	case DT_RELRSZ:
		return &d->relrsz;
	case DT_VERSYM:
		return &d->versym;
	case DT_VERDEF:
		return &d->verdef;
	case DT_VERDEFNUM:
		return &d->verdefnum;
	case DT_VERNEED:
		return &d->verneed;
	case DT_VERNEEDNUM:
		return &d->verneednum;
	case DT_INIT:
		return &m->init;
	case DT_FINI:
		return &m->fini;
	case DT_PREINIT_ARRAY:
		return &m->arrays[0].start;
	case DT_PREINIT_ARRAYSZ:
		return &m->arrays[0].end;
	case DT_INIT_ARRAY:
		return &m->arrays[1].start;
	case DT_INIT_ARRAYSZ:
		return &m->arrays[1].end;
	case DT_FINI_ARRAY:
		return &m->arrays[2].start;
	case DT_FINI_ARRAYSZ:
		return &m->arrays[2].end;
	}
	return NULL;
}

/* Members that are names: set in a second walk, when the table of strings is known. */
static void dynamic_name(struct elf_image *m, const struct elf_dynamic *d, uint64_t tag,
			 uint64_t value)
{
	const char *s;

	if (tag != DT_NEEDED && tag != DT_SONAME && tag != DT_RPATH && tag != DT_RUNPATH)
		return;
	s = elf_dynamic_string(m, d, value);
	if (!s)
		return;
	if (tag == DT_SONAME)
		m->soname = s;
	else if (tag == DT_RPATH)
		m->rpath = s;
	else if (tag == DT_RUNPATH)
		m->runpath = s;
	else if (m->needed_n < ELF_MAX_NEEDED)
		m->needed[m->needed_n++] = s;
}

static int read_dynamic(struct elf_image *m, const char *name, const struct elf_range *at,
			struct elf_dynamic *d, struct err *e)
{
	uint64_t n = (at->end - at->start) / sizeof(Elf64_Dyn);
	const uint8_t *p = elf_at(m, at->start, n * sizeof(Elf64_Dyn));

	if (!n)
		return 0;
	if (!p)
		return err_set(e, EINVAL, "%s: the dynamic section is not in the file", name);
	for (uint64_t i = 0; i < n && elf_number(p + i * 16, 8) != DT_NULL; i++) {
		uint64_t *member = dynamic_member(m, d, elf_number(p + i * 16, 8));

		if (member)
			*member = elf_number(p + i * 16 + 8, 8);
	}
	for (unsigned i = 0; i < 3; i++) /* so far `end` is the size */
		m->arrays[i].end = elf_room(m, m->arrays[i].start) >= m->arrays[i].end
					   ? m->arrays[i].start + m->arrays[i].end
					   : m->arrays[i].start;
	m->needed = xcalloc(ELF_MAX_NEEDED, sizeof(*m->needed));
	for (uint64_t i = 0; i < n && elf_number(p + i * 16, 8) != DT_NULL; i++)
		dynamic_name(m, d, elf_number(p + i * 16, 8), elf_number(p + i * 16 + 8, 8));
	return 0;
}

static int read_all(struct elf_image *m, const char *name, struct err *e)
{
	struct elf_range dynamic = { 0 };
	struct elf_dynamic d = { 0 };
	int r = read_header(m, name, e);

	if (!r)
		r = read_segments(m, name, &dynamic, e);
	if (!r)
		r = read_sections(m, name, e);
	if (!r)
		r = read_dynamic(m, name, &dynamic, &d, e);
	if (!r)
		r = elf_read_symbols(m, name, &d, e);
	return r ? r : elf_read_relocs(m, name, &d, e);
}

int elf_image_read(struct elf_image *m, const char *name, const uint8_t *data, size_t len,
		   struct err *e)
{
	int r;

	*m = (struct elf_image){ .data = data, .len = len };
	r = read_all(m, name, e);
	if (r)
		elf_image_free(m);
	return r;
}

void elf_image_free(struct elf_image *m)
{
	free(m->segments);
	free(m->sections);
	free(m->needed);
	free(m->syms);
	free(m->local_syms);
	free(m->relocs);
	*m = (struct elf_image){ 0 };
}
