/* The member "seccomp-profile" of Docker's configuration (dockerd(8), daemon.json). */
#ifndef NODE_DOCKER_H
#define NODE_DOCKER_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Sets it in the file, keeping everything else and its order; the file may be missing or empty.
 * The file is replaced in one step, and read again. 1: written; 0: it says so already; negative: it
 * is no JSON object, with the place, or cannot be written. `dry`: only says which.
 */
int node_docker_set(const char *file, const char *profile, bool dry, struct err *e);

#endif
