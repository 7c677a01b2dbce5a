/* Shared by reader*.c only. */
#ifndef ELF_READER_PRIVATE_H
#define ELF_READER_PRIVATE_H

#include "elf/reader.h"

/* Tables that the dynamic section names: addresses and sizes in bytes, 0 when absent. */
struct elf_dynamic {
	uint64_t strtab, strsz, symtab, hash, gnu_hash;
	uint64_t rela, relasz, jmprel, pltrelsz, relr, relrsz;
	uint64_t versym, verdef, verdefnum, verneed, verneednum;
};

/* A string of the table at `strtab`, NULL when it does not end inside. */
const char *elf_dynamic_string(const struct elf_image *m, const struct elf_dynamic *d,
			       uint64_t off);

/* reader_symbols.c, reader_relocs.c */
int elf_read_symbols(struct elf_image *m, const char *name, const struct elf_dynamic *d,
		     struct err *e);
int elf_read_local_symbols(struct elf_image *m, const char *name, uint64_t off, uint64_t size,
			   uint64_t str_off, uint64_t str_size, struct err *e);
int elf_read_relocs(struct elf_image *m, const char *name, const struct elf_dynamic *d,
		    struct err *e);

#endif
