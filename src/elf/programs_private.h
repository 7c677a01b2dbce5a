/* Shared by programs*.c only. */
#ifndef ELF_PROGRAMS_PRIVATE_H
#define ELF_PROGRAMS_PRIVATE_H

#include "elf/asked.h"

enum { PROGRAM_NAMES = 14 };

/*
 * Imported symbols that serve one purpose only, in the program or in the library that defines
 * `library`, and the words that ask for it. "name*": all that begin so; "#name": syscall(3) with
 * that number. The row holds as long as at most `functions` functions use each of them (0: one), so
 * that a further use, in another version, ends it; and as long as no other file that is loaded
 * mentions one of `openers`, or anything that begins so: functions by which modules could ask for
 * the same.
 */
struct program_row {
	const char *what;
	const char *library; /* NULL: the program itself */
	const char *held[PROGRAM_NAMES];
	const char *words[PROGRAM_NAMES]; /* as for asked_for */
	const char *openers[PROGRAM_NAMES];
	unsigned functions;
	bool always; /* whatever its words are */
};

struct program_rule {
	const char *symbol; /* exported or local, that only this program defines; or … */
	const char *name;   /* … its file's name */
	struct asked_source source;
	const struct program_row *rows; /* at most 64 */
	size_t rows_n;
};

extern const struct program_rule program_rules[];
extern const size_t program_rules_n;

#endif
