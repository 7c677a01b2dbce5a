/* Which profiles the pods of this node use: those that are not at their end. */
#ifndef NODE_USED_H
#define NODE_USED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "node/set.h"

struct node_used_pod;
struct node_used {
	struct node_used_pod *v;
	size_t n, cap;
};

/* A pod's text (JSON) as the API server has it. What cannot be read is an error, and changes
 * nothing. */
int node_used_put(struct node_used *u, const char *text, size_t len, struct err *e);
int node_used_gone(struct node_used *u, const char *text, size_t len, struct err *e);
/* What is not put between the two is gone. */
void node_used_begin(struct node_used *u);
void node_used_end(struct node_used *u);
/*
 * Whether a pod uses it. seccomp: the file below the kubelet's seccomp folder; AppArmor: the
 * profile's name; SELinux: the type that the profile's name is the beginning of ("NAME.process").
 */
bool node_used_has(const struct node_used *u, enum node_kind kind, const char *ref);
void node_used_free(struct node_used *u);

#endif
