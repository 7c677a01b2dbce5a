/* Where a program's main is: the function that its entry point hands to the C library. */
#ifndef ELF_SCAN_MAIN_H
#define ELF_SCAN_MAIN_H

#include "elf/facts.h"

struct scan_main {
	uint32_t function; /* main, or the entry point where there is no C library */
	bool by_libc;	   /* __libc_start_main calls it */
};

/* False: the program is none, or what it hands over is not known. */
bool scan_find_main(const struct elf_image *m, const struct elf_facts *f, struct scan_main *out);

#endif
