/* For what an execution is refused: hashes, models, YARA rules. Used by one thread. */
#ifndef RESPOND_EXEC_RULES_H
#define RESPOND_EXEC_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "respond/policy.h"

struct exec_rules;

/* Loads the models and YARA rules that are named; `x` may be NULL and has to stay. */
int exec_rules_new(struct exec_rules **out, const struct respond_exec *x, struct err *e);
void exec_rules_free(struct exec_rules *r);

/*
 * Whether the open file must not be executed, and why. `path`: as the container sees it. What
 * cannot be read is permitted.
 */
bool exec_rules_refuse(struct exec_rules *r, int fd, const char *path, const char *image,
		       char (*hashes)[RESPOND_SHA256], size_t hashes_n, char *reason, size_t size);

#endif
