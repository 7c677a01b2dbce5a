/*
 * What the code of one file says, without knowing which other files it will be loaded with: its
 * functions, what each refers to, and its system calls. This is what the cache keeps.
 */
#ifndef ELF_FACTS_H
#define ELF_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "elf/reader.h"

enum elf_ref_kind {
	ELF_REF_CODE,  /* control may go to function `to` */
	ELF_REF_TAKEN, /* the address of function `to` is formed */
	/* `size` bytes of memory at `at` are read or written; `to` 1: only to call what is there */
	ELF_REF_READ,
	/* The address `at` of data is formed and may go anywhere. `size` 1: as a text it is nothing
	 * that is looked up as a file or a function. */
	ELF_REF_ADDRESS,
	/* `size` bytes at `off` of what the pointer in the slot `at` points to; `to` as above */
	ELF_REF_FIELD,
	ELF_REF_NAMED,	   /* gives function `to` the name at `at`, by which others can call it */
	ELF_REF_WRAPPER,   /* calls function `to` with a number of a system call */
	ELF_REF_WRAP_SLOT, /* the same through the pointer in the slot `at` */
	ELF_REF_INDIRECT,  /* calls through a pointer with these numbers as first argument */
	/* Calls a function that gates.h watches, through the slot `at` or, 0, the function `to`,
	 * with these numbers as the argument that decides. */
	ELF_REF_WATCHED,
	/* Calls a function that executes a program, `to` of elf_executors; its name, or the shell's
	 * command, is the string at `at`, 0: not known. */
	ELF_REF_EXECUTES,
	/* Asks function `to` for what it does for these numbers, each below 64: its groups. */
	ELF_REF_CASES,
	ELF_REF_KIND_COUNT
};

struct elf_ref {
	uint8_t kind;	   /* enum elf_ref_kind */
	uint8_t size;	   /* of ELF_REF_WRAP_SLOT: 1 when the number is the function's argument */
	uint8_t numbers_n; /* of the kinds from ELF_REF_WRAPPER on; 0: any number */
	uint8_t group;	   /* of the function: 1 + index into `masks`; 0: it always counts */
	uint32_t to;	   /* index of a function */
	uint64_t at;
	union {
		int64_t off;
		uint64_t numbers; /* index into `numbers` */
	};
};

enum elf_site_kind {
	ELF_SITE_KNOWN, /* one of `numbers` */
	ELF_SITE_PARAM, /* the number is an argument of the function */
	/* What a global variable points to; only while a file is scanned. `numbers`: the distance.
	 */
	ELF_SITE_GLOBAL,
	ELF_SITE_ANY, /* not resolved */
	ELF_SITE_KIND_COUNT
};

struct elf_site {
	uint64_t addr;
	uint64_t global; /* of ELF_SITE_GLOBAL */
	uint32_t numbers, numbers_n;
	uint8_t kind;	/* enum elf_site_kind */
	uint8_t compat; /* the i386 entry of x86-64 */
	uint8_t group;	/* as of a reference */
};

struct elf_function {
	uint64_t start, end;
	uint32_t refs, refs_n; /* into `refs` */
	uint32_t sites, sites_n;
	int8_t param;	/* register of the argument that is a number; -1: none */
	int32_t field;	/* or behind which, at this distance, the number stands; -1: it is one */
	bool framed;	/* its bounds are from the unwind information */
	bool returns;	/* it may come back to its caller */
	bool continues; /* it is cut off, and goes on in the next one */
	bool pointers;	/* it calls through pointers other than the linker's */
};

struct elf_facts {
	struct elf_function *functions; /* ascending, without overlaps */
	size_t functions_n;
	struct elf_ref *refs;
	size_t refs_n, refs_cap;
	struct elf_site *sites;
	size_t sites_n, sites_cap;
	uint32_t *numbers;
	size_t numbers_n, numbers_cap;
	/* Numbers for which a group of references and sites counts, as bits: ELF_REF_CASES. */
	uint64_t *masks;
	size_t masks_n, masks_cap;
	/* Addresses of data at which an object begins, as far as code shows it; ascending. */
	uint64_t *starts;
	size_t starts_n, starts_cap;
	/* Addresses inside of functions at which control can arrive from elsewhere; ascending. */
	uint64_t *inner;
	size_t inner_n, inner_cap;
};

/* Functions of libc that execute a program. */
struct elf_executor {
	const char *name;
	bool second; /* argument that names it, otherwise the first */
	enum {
		ELF_BY_PATH,
		ELF_BY_NAME,  /* looked for in PATH */
		ELF_BY_SHELL, /* the argument is a command for the shell */
	} how;
};

extern const struct elf_executor elf_executors[];
extern const uint32_t elf_executors_n;

/* Reads the code of a file. Takes time in proportion to the size of the code. */
void elf_scan(const struct elf_image *m, struct elf_facts *out);
void elf_facts_free(struct elf_facts *f);
#define cleanup_elf_facts cleanup(elf_facts_free)

/* Index of the function that contains the address, -1: none. */
long elf_function_at(const struct elf_facts *f, uint64_t addr);

#endif
