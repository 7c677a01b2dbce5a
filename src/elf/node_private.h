/* Shared by node*.c only. */
#ifndef ELF_NODE_PRIVATE_H
#define ELF_NODE_PRIVATE_H

#include "base/map.h"
#include "elf/js_source.h"
#include "elf/node.h"

struct node_module {
	char *id;	/* or the path of a file */
	char *text;	/* NULL: not read so far */
	const char *by; /* what asked for it */
	struct js_source source;
	uint64_t at; /* of its text in the library, `len` units of `width` bytes; 0: in a file */
	uint64_t len;
	unsigned width;
	char *path; /* of the file */
	bool library, loaded;
};

struct node_held {
	uint32_t node;
	uint32_t to;	  /* function */
	const char *name; /* NULL: only when everything counts */
	bool binding;	  /* `node` is a pointer to one */
};

struct node {
	struct reach *r;
	uint32_t object; /* with node's own modules */
	struct node_module **modules;
	size_t modules_n, modules_cap;
	struct map by_id;
	struct map words, c_words, bindings;
	struct map given; /* names of functions in C++ */
	struct node_held *held;
	size_t held_n, held_cap;
	bool **named; /* by object and function: it is given a name somewhere; NULL: none are */
	size_t named_n, named_cap;
	char *everything; /* why all counts; NULL: it does not */
	bool changed;
};

struct node_module *node_add_module(struct node *n, const char *id);
/* node_builtins.c: finds the modules that are part of the library. */
void node_find_builtins(struct node *n);

#endif
