/*
 * Names of addresses: which of the names that rules compare fd.sip.name and its like with an
 * address has. A thread asks the resolver of this machine for them, at once and every two minutes;
 * events look into a table, and never wait. An address keeps a name for an hour after the resolver
 * last gave it, because connections outlive answers.
 */
#ifndef ENRICH_NAMES_H
#define ENRICH_NAMES_H

#include <stddef.h>

#include "enrich/outside.h"
#include "model/event.h"

struct names;

enum { NAMES_MAX = 4096, NAMES_OF_ONE_MAX = 16 };

/* `o` stays the caller's: it is told of every new pair, and of those that are forgotten. */
/* Tells all that are known (outside.h). */
void names_tell(const struct names *n);
struct names *names_new(const struct outside *o);
void names_free(struct names *n);
/*
 * From now on these are asked for, in place of those before. Strings are copied; beyond NAMES_MAX
 * they are left out. Nothing is asked for offline. Returns 0, or a negative errno when there is no
 * thread for it.
 */
int names_ask(struct names *n, const char *const *list, size_t count);
/* Takes over what was found; by the thread that asks names_of, now and then. */
void names_take(struct names *n);
/* A pair, as a capture has it; false when there are too many. And one that holds no more. */
bool names_know(struct names *n, const struct ev_addr *a, const char *name);
void names_gone(struct names *n, const struct ev_addr *a, const char *name);
/* The names of an address: at most `max`, valid until the next call of another function here. */
size_t names_of(const struct names *n, const struct ev_addr *a, const char **out, size_t max);

#endif
