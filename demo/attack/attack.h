/*
 * The demo's attacker: what someone tries who took over the web server. Every attack is performed
 * for real, inside the container; with the rights of a container none can harm the host even where
 * it succeeds (mounts and files are the container's own, modules are garbage). With the rights of a
 * host they would, so main() refuses to run anywhere but in the demo's container.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <stddef.h>

enum { ATTACK_DONE = 0 };

struct attack {
	const char *step; /* short name, key of the report */
	const char *what; /* what it would give the attacker */
	/* Runs in a process of its own. ATTACK_DONE or the negative errno that stopped it. */
	int (*run)(void);
};

/* Each list ends with a row whose step is NULL. */
extern const struct attack attacks_files[];   /* files.c */
extern const struct attack attacks_process[]; /* process.c */
extern const struct attack attacks_kernel[];  /* kernel.c */
extern const struct attack attacks_network[]; /* network.c */

/* -errno of a failed call, else ATTACK_DONE. */
int attack_result(long ret);
/* The same, and closes the descriptor that the call returned. */
int attack_result_fd(long fd);
/*
 * The first process of this name that has the attacker's own user, as found in /proc; process 1
 * when there is none or /proc cannot be read.
 */
int attack_find_process(const char *name);

#endif
