/* Shared by gates*.c only. */
#ifndef ELF_GATES_PRIVATE_H
#define ELF_GATES_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

enum { GATE_NAMES = 18 };

/*
 * Names are those of exported functions and of system calls. A function that is not exported and
 * that calls all of `signature` (or makes these system calls itself) is the one meant: "@name" is
 * the exported function of that name, ">name" a function that calls this one (">>name": at one more
 * remove), "!name" that it does not call it, "-fini" that it runs at the end of the program. In it,
 * calls of `held` are kept back, all of it when there are none; "#name" is the system call only,
 * and
 * ">name" any function that calls this one. Without openers the row stays closed. The opener
 * "@name" is the file's own function of that name, in whatever way it is reached; "$" is a path
 * that the loader expands ("$ORIGIN"), also in a string of reached code;
 * "=NAME" is an argument that reached Python code gives by this name, or a name in a script of
 * Node.js, "=..." one that it may give
 * by its place. Without a signature every function of the file is meant.
 */
struct gate {
	const char *what;
	const char *library; /* a symbol that only this library defines */
	const char *signature[GATE_NAMES];
	const char *held[GATE_NAMES];
	const char *openers[GATE_NAMES]; /* "name*": all that begin so */
	const char *watched[GATE_NAMES]; /* they open it when `opens` says so of an argument */
	int argument;
	bool (*opens)(uint32_t value);
};

extern const struct gate gates[];
extern const unsigned gates_n;
/* What is left out because of the root's configuration. */
extern const char gates_by_dns[], gates_by_nscd[], gates_by_keyring[], gates_by_gconv[];

#endif
