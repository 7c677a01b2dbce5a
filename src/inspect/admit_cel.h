/* How the two kinds of policies (admit_cel.c, admit_cel_mutate.c) write YAML and CEL. */
#ifndef INSPECT_ADMIT_CEL_H
#define INSPECT_ADMIT_CEL_H

#include "inspect/admit_private.h"

/* The version of the API group, by the minor versions since which it is v1 and v1beta1. */
const char *cel_api_of(unsigned minor, unsigned v1, unsigned beta);
/* A YAML string in single quotes. */
void cel_put_quoted(struct buf *out, const char *text);
/* A CEL string. */
void cel_put_string(struct buf *out, const char *text);
/* A match condition; frees the expression. */
void cel_put_condition(struct buf *out, const char *name, struct buf *expression);

#endif
