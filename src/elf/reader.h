/*
 * A bounds-checked view of an ELF file: segments, sections, dynamic section, symbols with their
 * versions, relocations. 64-bit little-endian files for x86-64 and AArch64. Every number is copied
 * out of the bytes and checked before use; what a damaged or hostile file can make this allocate is
 * limited by the size of the file and the limits below. Formats: the generic ABI (gabi+), the
 * x86-64 and AArch64 psABI, and the Linux Standard Base for symbol versions.
 */
#ifndef ELF_READER_H
#define ELF_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "elf/files.h"

enum {
	ELF_MAX_SEGMENTS = 512,
	ELF_MAX_SECTIONS = 65536,
	ELF_MAX_RELOCS = 8 * 1024 * 1024,
	ELF_MAX_SYMBOLS = 4 * 1024 * 1024,
	ELF_MAX_NEEDED = 1024,
	ELF_MAX_NAME = 16384, /* bytes of one symbol's name; C++ has long ones */
};

enum elf_machine { ELF_X86_64, ELF_AARCH64 };

struct elf_segment {
	uint64_t vaddr, memsz, filesz, off;
	bool exec, write;
};

struct elf_section {
	uint64_t addr, size;
	const char *name; /* "" when it cannot be read */
	bool exec, write;
};

enum elf_sym_type { ELF_SYM_OTHER, ELF_SYM_FUNC, ELF_SYM_OBJECT, ELF_SYM_IFUNC, ELF_SYM_TLS };

struct elf_sym {
	const char *name; /* in the file; "" when it cannot be read */
	uint64_t value, size;
	enum elf_sym_type type;
	bool defined, local;
	bool hidden;	     /* a definition that only a reference with its version finds */
	bool base_version;   /* no version, or the file's own */
	const char *version; /* NULL: none */
};

enum elf_reloc_kind {
	ELF_REL_ADDRESS,  /* the slot holds the address `addend` */
	ELF_REL_SYMBOL,	  /* the address of the symbol plus `addend` */
	ELF_REL_COPY,	  /* a copy of the symbol's content */
	ELF_REL_RESOLVER, /* what the function at `addend` returns */
};

struct elf_reloc {
	uint64_t at, addend;
	uint32_t sym;
	enum elf_reloc_kind kind;
};

struct elf_range {
	uint64_t start, end; /* addresses; end is behind the last byte */
};

struct elf_image {
	const uint8_t *data; /* borrowed */
	size_t len;
	enum elf_machine machine;
	bool fixed; /* ET_EXEC: addresses are absolute numbers in code and data */
	uint64_t entry;
	struct elf_segment *segments;
	size_t segments_n;
	struct elf_section *sections;
	size_t sections_n;
	const char *interp, *soname, *rpath, *runpath; /* NULL: none */
	const char **needed;
	size_t needed_n;
	struct elf_sym *syms; /* .dynsym; index 0 is the null symbol */
	size_t syms_n;
	struct elf_sym *local_syms; /* functions and objects of .symtab, when there is one */
	size_t local_syms_n;
	struct elf_reloc *relocs; /* ascending by `at` */
	size_t relocs_n;
	uint64_t init, fini;	    /* 0: none */
	struct elf_range arrays[3]; /* preinit, init, fini */
	struct elf_range eh_frame;  /* empty: none */
	uint64_t eh_frame_hdr;	    /* 0: none */
};

/*
 * Reads the file. `data` must outlive the result. `name` is for messages. -ENOEXEC: not an ELF
 * file; -ENOTSUP: of another machine or class; -EINVAL: damaged.
 */
int elf_image_read(struct elf_image *m, const char *name, const uint8_t *data, size_t len,
		   struct err *e);
void elf_image_free(struct elf_image *m);
#define cleanup_elf_image cleanup(elf_image_free)

/* The bytes of the file that are loaded at this address; NULL unless all `n` are in one segment. */
const uint8_t *elf_at(const struct elf_image *m, uint64_t addr, uint64_t n);
/* How many bytes of the file follow in the segment; 0 outside. */
uint64_t elf_room(const struct elf_image *m, uint64_t addr);
/* A NUL-terminated string of at most `max` bytes that is loaded there; NULL: there is none. */
const char *elf_string_at(const struct elf_image *m, uint64_t addr, size_t max);
/* The segment that contains the address, also in its zero-filled part; NULL: none. */
const struct elf_segment *elf_segment_of(const struct elf_image *m, uint64_t addr);
bool elf_is_code(const struct elf_image *m, uint64_t addr);
/* Index of the first relocation at or behind the address; relocs_n: there is none. */
size_t elf_reloc_from(const struct elf_image *m, uint64_t addr);
/* The relocation of exactly this slot, or NULL. */
const struct elf_reloc *elf_reloc_at(const struct elf_image *m, uint64_t addr);

/* Little-endian numbers; the caller has checked that the bytes are there. */
static inline uint64_t elf_number(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

#endif
