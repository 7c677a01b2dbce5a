/*
 * Which functions in C++ a script of Node.js can call. Node gives each function a name when it
 * makes the object through which JavaScript calls it (SetMethod and its relatives); the function is
 * reached when reached JavaScript mentions that name. Node's own modules are part of its library.
 * They are followed from what every start loads and from what the script requires; their functions
 * count when their name is mentioned, all code of the script and of modules beside it does. Where
 * names of modules, or of what is in them, are made at run time, everything counts.
 */
#ifndef ELF_NODE_H
#define ELF_NODE_H

#include "elf/reach.h"

struct node;

/* Whether the program of `r` is Node.js. */
bool node_is_program(const struct reach *r);
/*
 * With the script at this path in the root. -EINVAL: the script is not there. `*out` is freed by
 * node_free.
 */
int node_open(struct node **out, struct reach *r, const char *script, struct err *e);
void node_free(struct node *n);

/* Whether the reference is to a function whose name nothing mentions so far; it is kept back then.
 */
bool node_holds(struct node *n, uint32_t node, const struct elf_ref *ref);
/* Whether the pointer is one to a binding that nothing asks for so far; it is kept back then. */
bool node_holds_binding(struct node *n, uint32_t node);
/* A string whose address the function `node` forms. */
void node_mention(struct node *n, uint32_t node, uint64_t addr);
/* Follows what was mentioned since; whether there is more to walk. */
bool node_step(struct node *n);
/* What was assumed, or why everything counts: a line. */
void node_describe(const struct node *n, struct buf *out);

/* Functions that give a function a name: the third argument is the name, the fourth the function.
 */
bool node_gives_name(const char *symbol);

#endif
