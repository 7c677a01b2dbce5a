/*
 * Control groups of containers: stopping all processes, starting them again, ending them. Version 2
 * (cgroup.freeze, cgroup.kill: Documentation/admin-guide/cgroup-v2.rst) where the container has a
 * group of its own there, else the freezer of version 1 (freezer-subsystem.rst).
 */
#ifndef RESPOND_CGROUP_H
#define RESPOND_CGROUP_H

#include <stdbool.h>

#include "respond/request.h"

enum { CGROUP_FOLDER_MAX = 640 };

struct cgroup_place {
	char v2[CGROUP_FOLDER_MAX];    /* folder; "": none */
	char v1[CGROUP_FOLDER_MAX];    /* of the freezer; "": none */
	char path[RESPOND_CGROUP_MAX]; /* below the roots, down to the container's own group */
};

/*
 * Where the unified hierarchy is mounted; NULL: nowhere. In a container that shares the host's
 * processes it may be so for the first process only.
 */
const char *cgroup_unified_root(void);
/*
 * The folders of the request's control group. False, with the reason, when the path is not the
 * container's (its id stands in no component), is a root, or there is no such group.
 */
bool cgroup_find(const struct respond_request *q, struct cgroup_place *out,
		 struct respond_result *why);

/* After cgroup_find() said false: the path was the container's, and it has no folder any more. */
bool cgroup_is_gone(const struct cgroup_place *p);

/* The number of the control group with this path (the inode of its folder); 0: there is none. */
uint64_t cgroup_number(const char *path);
/* Whether this process is in it, or below. */
bool cgroup_has_self(const char *path);

void cgroup_freeze(const struct cgroup_place *p, struct respond_result *out);
void cgroup_thaw(const struct cgroup_place *p, struct respond_result *out);
void cgroup_kill(const struct cgroup_place *p, struct respond_result *out);
bool cgroup_is_frozen(const struct cgroup_place *p);

/* Calls `each` for every process of the groups. */
void cgroup_each(const struct cgroup_place *p, void (*each)(int pid, void *ctx), void *ctx);

#endif
