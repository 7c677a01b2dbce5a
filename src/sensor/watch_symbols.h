/*
 * Names that the kernel has for the functions of system calls, and calls of the 32-bit ABI by the
 * native ones that they are. Sources: arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl.
 */
#ifndef SENSOR_WATCH_SYMBOLS_H
#define SENSOR_WATCH_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/watch.h"

/* The name in the kernel's functions and in tracefs: "newstat" of stat. */
const char *watch_symbol(const char *call);

/* What the programs need of calls of the 32-bit ABI; all 0 where this machine has none. */
struct watch_compat_tables {
	struct watch_compat of[WATCH_NRS];
	uint16_t socketcall[WATCH_SOCKETCALLS]; /* native numbers plus one, by operation */
};
void watch_compat_tables(struct watch_compat_tables *t);

/*
 * Functions that a native call's programs are attached to: of each `choice` the first that the
 * kernel has.
 */
enum { WATCH_SYMBOL_MAX = 64 };
struct watch_function {
	char name[WATCH_SYMBOL_MAX];
	unsigned choice;
};
enum { WATCH_FUNCTIONS_MAX = 32 };
size_t watch_functions(const char *call, struct watch_function out[WATCH_FUNCTIONS_MAX]);

#endif
