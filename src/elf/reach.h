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

enum reach_kind {
	REACH_ROOT,
	REACH_FUNCTION,
	REACH_DATA,
	REACH_POINTER,
	REACH_PART,   /* of a function; `index`: of the part */
	REACH_FORMED, /* what a function that ran before has stored; a root */
};

/* Something that is reached, and from where it was first. */
struct reach_node {
	uint32_t kind : 3; /* enum reach_kind */
	uint32_t object : 29;
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

/* What of a function can run. */
struct reach_part {
	uint32_t object, function;
	uint64_t addr;	    /* where it begins */
	bool *refs, *sites; /* by those of the function; owned */
	bool instead;	    /* the function stands for this part only, whoever calls it */
};

/* Something that waits for a gate to open. */
struct reach_held {
	uint32_t node;
	uint32_t ref; /* of the facts; or a site when `site` */
	gate_rows gates;
	uint64_t cases; /* or for one of these numbers: reach_object.asked; 0: for none */
	bool site;
};

struct reach_object {
	bool added;	     /* with its constructors */
	uint32_t *functions; /* node + 1 of each function, 0: not reached */
	gate_rows *gates;    /* by function: rows of gates.c; NULL: none */
	gate_rows *opens;    /* by function: rows that it opens when reached; NULL: none */
	uint64_t *asked;     /* by function: numbers it is asked for; NULL: no groups */
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
struct node;

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
	struct reach_part *parts;
	size_t parts_n, parts_cap;
	gate_rows gates_open; /* rows of gates.c */
	struct map libraries; /* names that were looked for */
	bool nss;
	struct python *python;		 /* borrowed; NULL: none */
	struct node *node;		 /* the same */
	const struct programs *programs; /* borrowed; NULL: none */
	struct err error;		 /* the first of a library that cannot be read */
};

void reach_init(struct reach *r, struct linker *l);
void reach_free(struct reach *r);

/* Roots. Each may be added at any time; reach_run goes on from there. */
void reach_add_function(struct reach *r, int object, uint64_t addr, const char *why);
/* The start of the program, its constructors and destructors. */
void reach_add_start(struct reach *r);
/* Destructors of what was loaded at the start, and what the loader has looked up until then. */
void reach_add_end(struct reach *r);
/*
 * An object that was loaded later, with those it needs: constructors, and all functions that it
 * exports itself. Nothing when it is there already.
 */
void reach_add_library(struct reach *r, int object, bool exports, const char *why);
/* A part of a function; takes over its arrays. */
void reach_add_part(struct reach *r, const struct reach_part *part, const char *why);
/* A function that is taken for no more than this part, whoever calls it. Before anything is added.
 */
void reach_replace(struct reach *r, const struct reach_part *part);
/*
 * Every address that functions reached in `from` form or take from memory, other than to call what
 * is there: they may have stored it.
 */
void reach_add_formed(struct reach *r, const struct reach *from);

struct reach_place {
	uint32_t object, function;
};
/* The function that a reference of a function in the object calls; false: it is no such reference,
 * or nothing is known. */
bool reach_called(struct reach *r, uint32_t object, const struct elf_ref *ref,
		  struct reach_place *out);
/* Whether it was reached. */
bool reach_has(const struct reach *r, uint32_t object, uint32_t function);
void reach_run(struct reach *r);
/* What is left out of the program; before the first reach_run. It must outlive `r`. */
void reach_leave_out(struct reach *r, const struct programs *p);
/* Counts function `to` of the node's object as called from the node. */
void reach_take(struct reach *r, uint32_t node, uint32_t to);
/* Goes on behind a pointer that was kept back. */
void reach_follow(struct reach *r, uint32_t pointer);

/* The name of a function, "" when it has none: a borrowed string. */
const char *reach_function_name(const struct link_object *o, uint64_t addr, uint64_t *off);

#endif
