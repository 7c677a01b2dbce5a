/* The system calls that a program can make, as a workload model, with the way to each of them. */
#ifndef ELF_ANALYZE_H
#define ELF_ANALYZE_H

#include "elf/phases.h"
#include "elf/programs.h"
#include "model/workload.h"

struct elf_options {
	link_facts_fn *facts; /* NULL: read the code */
	void *facts_ctx;
	const char *const *libraries; /* further files that the program loads; NULL-terminated */
	bool no_assumptions;	      /* also code that only an unusual system runs */
	const char *script;	      /* that the interpreter runs; NULL: not known */
	char *const *const *commands; /* command lines of the program, as for asked_read */
	size_t commands_n;	      /* 0: they are not known */
};

struct elf_analysis {
	struct linker linker;
	struct reach reach;
	struct python *python; /* NULL: no script of it */
	struct node *node;     /* NULL: no script of it */
	struct programs programs;
	struct phases phases;
};

/*
 * Analyses the program at `path` in `files`, which must outlive the result. Fails when the program,
 * its interpreter or a file of `libraries` cannot be read; a library that is missing is counted.
 */
int elf_analyze(struct elf_analysis *a, const struct elf_files *files, const char *path,
		const struct elf_options *opt, struct err *e);
void elf_analysis_free(struct elf_analysis *a);
#define cleanup_elf_analysis cleanup(elf_analysis_free)

/* The ABI of the program's own calls. */
enum sc_abi elf_analysis_abi(const struct elf_analysis *a);
bool elf_analysis_has(const struct elf_analysis *a, enum sc_abi abi, unsigned nr);
/* The phases in which it can be made, as bits (enum wl_phase); all when they are not told apart. */
uint32_t elf_analysis_phases(const struct elf_analysis *a, enum sc_abi abi, unsigned nr);

/* Adds program, source and calls to a model. The source's times are the caller's. Index of the
 * source. */
int elf_analysis_model(const struct elf_analysis *a, struct workload *w);

/* How the program gets to the call, a line a step, in each phase that is told apart; false: it does
 * not make it. */
bool elf_analysis_explain(const struct elf_analysis *a, enum sc_abi abi, unsigned nr,
			  struct buf *out);
/* The same for each call whose number is not known, and each library that is missing. */
void elf_analysis_gaps(const struct elf_analysis *a, struct buf *out);

/*
 * Adds to the model the programs that it executes under names that are constants, as executed by
 * `program` and known from `source`: those that are in the root. Of commands for the shell, the
 * shell and the first word.
 */
void elf_analysis_add_executed(const struct elf_analysis *a, struct workload *w, int program,
			       int source);
/*
 * The programs that it executes, as far as their names are constants: a line each, with the
 * function that does it and the file in which it is called.
 */
void elf_analysis_executed(const struct elf_analysis *a, struct buf *out);

/* Where serving begins, or why that is not known: a line. */
void elf_analysis_loops(const struct elf_analysis *a, struct buf *out);

/* What was left out by knowledge of the C library, a line each. */
void elf_analysis_assumptions(const struct elf_analysis *a, struct buf *out);

#endif
