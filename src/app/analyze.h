/* What the parts of the command analyze share: one run adds one or more programs to one model. */
#ifndef APP_ANALYZE_H
#define APP_ANALYZE_H

#include "app/command.h"
#include "base/buf.h"
#include "elf/cache.h"
#include "elf/files.h"
#include "model/workload.h"

enum { ANALYZE_MAX_LIBRARIES = 256, ANALYZE_MAX_COMMANDS = 64 };

struct analyze {
	const struct args *args;
	struct elf_cache cache;
	const char *libraries[ANALYZE_MAX_LIBRARIES + 1];
	char **commands[ANALYZE_MAX_COMMANDS]; /* words of command lines */
	size_t commands_n;
	struct workload model;
	struct buf head; /* what is printed before the system calls */
	struct buf gaps; /* behind them */
	struct buf ways; /* what --explain found */
};

/* Analyses one program and adds it to the model. */
int analyze_program(struct analyze *a, const struct elf_files *files, const char *path,
		    struct err *e);

/* The programs of --image: of its entry point, or the argument. */
int analyze_image(struct analyze *a, struct err *e);

#endif
