/* Whom nobody acts on: boltseal itself, the first process, kernel threads, container runtimes. */
#ifndef RESPOND_PROTECT_H
#define RESPOND_PROTECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct respond_protect;

/* Looks for the runtimes of this host, in PATH's usual folders and among what runs. */
struct respond_protect *respond_protect_new(void);
void respond_protect_free(struct respond_protect *p);

/*
 * What the process is ("the container runtime" …) when it is protected, NULL when it is not, or is
 * gone. A process in another mount namespace counts as a runtime only when its program is the very
 * file, or has the very bytes, of a runtime of the host: a container cannot hide behind a name.
 */
const char *respond_protected(struct respond_protect *p, pid_t pid);
/* The same for the processes of a control group (a folder) and of those below it. */
const char *respond_protected_group(struct respond_protect *p, const char *folder);
/* Whether this process itself is in a container with this id. */
bool respond_is_own_container(const char *id);

/* Whether a program of this name is a runtime's. */
bool respond_is_runtime_name(const char *name);

#endif
