/*
 * Landlock (landlock(7), linux/landlock.h): a program may only do to files, and to TCP ports, what
 * the workload model has seen. The kernel's ABI number says what it can handle; a right that it
 * does not know stays unrestricted.
 *
 * What Landlock cannot express, so that this profile allows or refuses more than the model says:
 *  - A rule holds for a file or for everything beneath a directory; there are no patterns, no
 * single directories without their contents. A pattern, and a file that the program makes itself,
 * is allowed by its longest existing literal directory, and so is making and removing files. A file
 * that is not there at the start and that the program does not make has no rule.
 *  - chdir, stat, access, chmod, chown, utime, xattr, flock, and existence are not restricted.
 *  - Descriptors that are open at the start, or received over a socket, keep what they can do.
 *  - mount(2), umount2(2), pivot_root(2) are refused to every program under a ruleset.
 *  - Files are found at the start: when a path is replaced later (rename over it), the rule does
 *    not apply to the new file. Directories' rules do.
 *  - Ports of TCP only; no addresses, no UDP, no other families; no listen(2) without bind(2).
 *  - Before ABI 2 files cannot move between directories at all; before 3 truncate, before 4 TCP,
 *    before 5 ioctl on devices is unrestricted.
 *  - There is no complain mode.
 */
#ifndef CONFINE_LANDLOCK_H
#define CONFINE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "model/workload.h"

/* Newer than the build machine's <linux/landlock.h>; values from Linux 6.12. */
#define LL_FS_TRUNCATE	  (1ull << 14) /* ABI 3 */
#define LL_FS_IOCTL_DEV	  (1ull << 15) /* ABI 5 */
#define LL_NET_BIND	  (1ull << 0)  /* ABI 4 */
#define LL_NET_CONNECT	  (1ull << 1)  /* ABI 4 */
#define LL_SCOPE_ABSTRACT (1ull << 0)  /* ABI 6: no abstract unix socket of other programs */
#define LL_SCOPE_SIGNAL	  (1ull << 1)  /* ABI 6: no signals to other programs */

enum { LANDLOCK_ABI_MAX = 7 }; /* the newest whose rights are known here */

struct landlock_rule {
	const char *path;
	uint64_t rights; /* LANDLOCK_ACCESS_FS_* and LL_FS_* */
};

struct landlock_port {
	uint16_t port;
	uint64_t rights; /* LL_NET_* */
};

struct landlock_plan {
	struct arena arena;
	int root; /* directory whose files decide what exists; -1: this process's root */
	int abi;
	uint64_t handled_fs, handled_net, scoped;
	struct landlock_rule *rules;
	size_t rules_n, rules_cap;
	struct landlock_port *ports;
	size_t ports_n, ports_cap;
	struct map rule_index; /* path → index + 1 */
	size_t widened;	       /* files of the model that only a rule of a directory allows */
	struct buf notes;      /* a line for each of them, and for what cannot be restricted */
};

/* The kernel's Landlock ABI, -ENOSYS (not built in), -EOPNOTSUPP (switched off at boot). */
int landlock_abi(void);
/* The same with an error that says what to do. */
int landlock_need(struct err *e);

/*
 * The rules for what the model's program did in `phases`, for a kernel with `abi`. Looks at the
 * file system below the directory `root` (-1: this process's own root) to see what exists.
 */
void landlock_plan_model(struct landlock_plan *p, const struct workload *w, uint32_t phases,
			 int abi, int root);
/* For those who fill a plan: rights are limited to those handled; of equal paths they add up. */
void landlock_plan_rule(struct landlock_plan *p, const char *path, uint64_t rights);
void landlock_plan_port(struct landlock_plan *p, uint16_t port, uint64_t rights);
/* All rights on files that a kernel with this ABI handles. */
uint64_t landlock_fs_rights(int abi);
void landlock_plan_free(struct landlock_plan *p);
#define cleanup_landlock_plan cleanup(landlock_plan_free)

/* landlock_rules.c: plans as files. */

#define LANDLOCK_FORMAT "boltseal.landlock/1"
enum {
	LANDLOCK_MAX_BYTES = 8 * 1024 * 1024,
	LANDLOCK_MAX_RULES = 100000,
	LANDLOCK_MAX_PORTS = 4096
};

/* The plan, rules by path and ports by number; belongs to the caller. */
struct json_object *landlock_plan_json(const struct landlock_plan *p);
/*
 * Reads a plan for a kernel with `abi`, which leaves out what that kernel cannot restrict, with a
 * note. On error `p` is empty.
 */
int landlock_plan_read(struct landlock_plan *p, const struct json_doc *d, int abi, struct err *e);
int landlock_plan_load(struct landlock_plan *p, const char *path, int abi, struct err *e);

/* The ruleset's descriptor. Paths that vanished since are left out. */
int landlock_ruleset(const struct landlock_plan *p, struct err *e);

/* Applies a ruleset to this thread; async-signal-safe. 0 or a negative errno. */
int landlock_restrict(int ruleset);

#endif
