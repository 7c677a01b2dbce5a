/* AppArmor and SELinux profiles on this node, by the tools that come with them. */
#ifndef NODE_LSM_H
#define NODE_LSM_H

#include <stdbool.h>

#include "base/err.h"

/* Whether this kernel confines with it now; `why` (256 bytes) says why not. */
bool node_apparmor_on(char why[256]);
bool node_selinux_on(char why[256]);

/*
 * Whether the file is a policy that apparmor_parser takes, and defines the profile NAME and no
 * other than NAME's own children: nobody replaces another's profile by the way. -EINVAL if not;
 * -ENOENT: there is no apparmor_parser.
 */
int node_apparmor_check(const char *file, const char *name, struct err *e);
/* Loads the file, or replaces what is loaded, and looks for the name in the kernel's list. */
int node_apparmor_load(const char *file, const char *name, struct err *e);
/* Whether the kernel has the profile, in enforce or complain mode. */
bool node_apparmor_loaded(const char *name);
int node_apparmor_unload(const char *file, const char *name, struct err *e);

/*
 * A module of the policy's intermediate language; its name is the file's without ".cil". semodule
 * compiles it with the whole policy: -EINVAL when that fails, and everything is as it was; -EIO
 * when semodule has no policy store, or the kernel took no new policy. Some seconds on a large
 * policy.
 */
int node_selinux_load(const char *file, const char *name, struct err *e);
bool node_selinux_loaded(const char *name);
int node_selinux_unload(const char *name, struct err *e);

#endif
