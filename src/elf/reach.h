/*
 * What a program can reach: a breadth-first walk over functions, pieces of data and the pointers
 * that the loader puts into them, through all files of the program. An address that reachable code
 * forms, or that stands in data which reachable code can find, counts as used.
 */
#ifndef ELF_REACH_H
#define ELF_REACH_H

#include "elf/gates.h"
#include "elf/link.h"
#include "model/syscalls.h"

enum reach_kind { REACH_ROOT, REACH_FUNCTION, REACH_DATA, REACH_POINTER };

/* Something that is reached, and from where it was first. */
struct reach_node {
	uint32_t kind : 2; /* enum reach_kind */
	uint32_t object : 30;
	uint32_t index;	 /* function, piece of data, or relocation of the object */
	uint32_t parent; /* node; of a root: itself */
	const char *why; /* of a root */
};

struct reach_call {
	bool seen;
	uint32_t node;	 /* the function that makes it */
	uint64_t site;	 /* address of the instruction, or 0 */
	const char *why; /* NULL, or what the node and the site do not show */
};

/* A call whose number is not known. */
struct reach_open {
	uint32_t node;
	uint64_t site;
	bool compat;
};

/* A program that is executed: of facts a reference ELF_REF_EXECUTES. */
struct reach_executed {
	uint32_t node, ref;
};

/* Something that waits for a gate to open. */
struct reach_held {
	uint32_t node;
	uint32_t ref; /* of the facts; or a site when `site` */
	gate_rows gates;
	bool site;
};

struct reach_object {
	uint32_t *functions; /* node + 1 of each function, 0: not reached */
	gate_rows *gates;    /* by function: rows of gates.c; NULL: none */
	gate_rows *opens;    /* by function: rows that it opens when reached; NULL: none */
	uint32_t assumed;    /* node + 1 of a function whose callers are calls through pointers */
	bool *any_number;    /* by function: called with a number that is not known */
	bool *cut;	     /* by symbol: used only in what is left out; NULL: none */
	uint64_t *starts;    /* where pieces of data begin */
	size_t starts_n, starts_cap;
	uint32_t *pieces;   /* node + 1 of each */
	uint32_t *pointers; /* node + 1 of each relocation */
};

enum { REACH_MAX_NR = 1024 };

struct python;
struct programs;

struct reach {
	struct linker *l;
	struct reach_object *objects;
	size_t objects_n, objects_cap;
	struct reach_node *nodes;
	size_t nodes_n, nodes_cap, done;
	struct reach_call calls[2][REACH_MAX_NR]; /* [1]: the i386 entry */
	struct reach_open *open;
	size_t open_n, open_cap;
	struct reach_held *held;
	size_t held_n, held_cap;
	struct reach_executed *executed;
	size_t executed_n, executed_cap;
	gate_rows gates_open; /* rows of gates.c */
	struct map libraries; /* names that were looked for */
	bool nss, gconv;
	struct python *python;		 /* borrowed; NULL: none */
	const struct programs *programs; /* borrowed; NULL: none */
	struct err error;		 /* the first of a library that cannot be read */
};

void reach_init(struct reach *r, struct linker *l);
void reach_free(struct reach *r);
#define cleanup_reach cleanup(reach_free)

/* Roots. Each may be added at any time; reach_run goes on from there. */
void reach_add_function(struct reach *r, int object, uint64_t addr, const char *why);
/* The start of the program, its constructors and destructors. */
void reach_add_start(struct reach *r);
/* Constructors and all exported functions of an object that was loaded later. */
void reach_add_library(struct reach *r, int object, bool exports, const char *why);
void reach_run(struct reach *r);
/* What is left out of the program; before the first reach_run. It must outlive `r`. */
void reach_leave_out(struct reach *r, const struct programs *p);
/* Goes on behind a pointer that was kept back. */
void reach_follow(struct reach *r, uint32_t pointer);

/* The name of a function, "" when it has none: a borrowed string. */
const char *reach_function_name(const struct link_object *o, uint64_t addr, uint64_t *off);

#endif
