/* Shared by scan*.c only. */
#ifndef ELF_SCAN_PRIVATE_H
#define ELF_SCAN_PRIVATE_H

#include "elf/facts.h"
#include "elf/flow.h"

enum {
	SCAN_MAX_RANGE = 256 * 1024, /* bytes of code that are followed as one function */
	SCAN_MAX_TABLE = 4096,	     /* entries of one jump table */
	SCAN_MAX_ENTRIES = 1 << 26,  /* of all tables of a file; real ones have far fewer */
	SCAN_MAX_NUMBER = 1024,	     /* system calls have smaller numbers */
	SCAN_MAX_ROUNDS = 8,	     /* functions that hand a number on to functions */
};

struct scan_addresses {
	uint64_t *v;
	size_t n, cap;
};

/* A function that does what a number says: the member at `off` of its first argument. */
struct scan_switch {
	uint32_t function;
	int64_t off;
	uint64_t table;
};

struct scan {
	const struct elf_image *m;
	struct elf_facts *facts;
	struct flow flow;
	struct scan_addresses targets; /* code that is reached from elsewhere; ascending, unique */
	struct scan_addresses open;    /* those of the function at hand, and its jump tables' */
	bool framed;		       /* of the range that is added */
	unsigned entries;	       /* of jump tables that were looked at */
	bool loads_names;	       /* the file calls dlopen or dlsym: strings matter */
	bool all_names;		       /* all names in strings matter */
	bool gives_names;	       /* to functions, for ELF_REF_NAMED */
	uint32_t *watched;	       /* symbols of functions that gates.h watches */
	size_t watched_n, watched_cap;
	struct scan_switch *switches;
	size_t switches_n, switches_cap;
	/* Of the function at hand. */
	uint8_t *groups; /* by block; NULL: none */
	uint8_t group;	 /* of the block at hand */
	uint32_t current;
	struct elf_ref *refs;
	size_t refs_n, refs_cap;
	/* Only instructions for which this says so; NULL: all. */
	bool (*wanted)(void *ctx, uint64_t addr);
	void *wanted_ctx;
};

/* Frees what the scan holds of its own; the facts are the caller's. */
void scan_free(struct scan *s);

/* scan_ranges.c: fills facts->functions, targets and `continues` of functions. */
void scan_ranges(struct scan *s);
void scan_sort(struct scan_addresses *a);
/* The slot through which a stub of the procedure linkage table jumps; 0: it is none. */
uint64_t scan_stub_slot(const struct elf_image *m, uint64_t addr);
/* Whether memory at the address can hold pointers. */
bool scan_holds_pointers(const struct elf_image *m, uint64_t addr);

/* scan_returns.c: fills `returns` of functions, and marks the calls at hand that do not come back.
 */
void scan_returns(struct scan *s);
void scan_mark_final(struct scan *s);

/* scan_refs.c: the references of the function at hand, which is decoded and solved. */
void scan_refs(struct scan *s);
/* scan_tables.c: the places that its jump tables lead to, added to s->open. */
void scan_tables(struct scan *s, uint64_t start, uint64_t end);
/* scan_names.c: what a call through the slot executes, if it does. */
void scan_executed(struct scan *s, const struct flow_state *st, uint64_t slot);
/* Whether the file calls dlopen or dlsym, or has them. */
bool scan_loads_names(const struct elf_image *m);
/* Drops strings that no function near a call of dlsym mentions. */
void scan_filter_names(struct scan *s);
/* scan_cases.c: whether the function at hand has such a switch. */
bool scan_find_switch(struct scan *s, struct scan_switch *out);
/* Divides those functions whose every caller says what it asks for. */
void scan_cases(struct scan *s);
/* Reads a function, which replaces what was read of it before. */
void scan_function(struct scan *s, uint32_t index);
/* Adds a reference to a function that was read before. */
void scan_add_ref(struct elf_facts *f, size_t function, const struct elf_ref *ref);
/* scan_globals.c: resolves ELF_SITE_GLOBAL. */
void scan_globals(struct scan *s);
/* The function at hand, decoded and solved again. */
void scan_solve(struct scan *s, uint32_t index);
/* Functions that nothing refers to get a reference from the function that jumps to them by table.
 */
void scan_adopt(struct scan *s);

#endif
