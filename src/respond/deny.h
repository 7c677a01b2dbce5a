/*
 * Refusing operations to a container by LSM programs, where the kernel was booted with "bpf" among
 * its security modules. What is to outlast this process is pinned in bpffs.
 */
#ifndef RESPOND_DENY_H
#define RESPOND_DENY_H

#include <stdbool.h>

#include "respond/cgroup.h"

struct deny;

/* Nothing is loaded yet. */
struct deny *deny_new(void);
/* What was not pinned goes. */
void deny_free(struct deny *d);

/* q->operations and q->capabilities are refused to the group and those below it. */
void deny_add(struct deny *d, const struct respond_request *q, const struct cgroup_place *p,
	      struct respond_result *out);
/* Also what another process pinned. */
void deny_remove(struct deny *d, const struct cgroup_place *p, struct respond_result *out);

#endif
