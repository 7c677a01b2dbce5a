/*
 * Container engines: which container is meant by a name, and what is known of it. Docker is asked
 * by its API, Podman by its command; what runc, crun and containerd keep is read from their state
 * directories.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct container {
	struct arena arena;  /* owns the strings */
	const char *engine;  /* "docker", "podman", "runc", "crun", "containerd" */
	const char *id;	     /* the id that the OCI runtime uses */
	const char *name;    /* "" when the engine has no names */
	const char *image;   /* reference, "" unknown */
	const char *digest;  /* "sha256:…" of the image, "" unknown */
	const char *runtime; /* "runc", "crun", "" unknown */
	const char **argv;   /* entry point and arguments */
	size_t argv_n;
	pid_t pid; /* of its first process, 0 when it does not run */
};

void container_free(struct container *c);
#define cleanup_container cleanup(container_free)

/*
 * Looks for a container by name, id or unambiguous beginning of an id in every engine of this host.
 * -ENOENT: no engine knows it (the message names those that were asked).
 */
int container_find(const char *name, struct container *c, struct err *e);

/* The same for runc's and crun's own state below `root`, a state directory (their --root). */
int container_find_state(const char *root, const char *id, struct container *c, struct err *e);

/* Whether the container is the one that the user means: by id, id prefix, name or image reference.
 */
bool container_matches(const struct container *c, const char *wanted);

/*
 * Appends what `podman container inspect` prints of all containers that run, a JSON list. -ENOENT:
 * Podman is not installed.
 */
int podman_inspect_running(struct buf *out, struct err *e);

/*
 * What a runtime's command line does. `argv` are NUL-separated words. `verb` is "create", "run",
 * "exec" …, `id` the container's; both empty when it cannot be told.
 */
struct runtime_call {
	char runtime[32]; /* base name of the program */
	char verb[16];
	char id[256];
	char root[256];	  /* --root, "" when not given */
	char bundle[512]; /* --bundle, "" when not given */
};
void runtime_call_parse(const char *argv, size_t len, struct runtime_call *out);

/* Processes that are in the same pid namespace as `pid` (at most `max`); only `pid` on the host's.
 */
size_t container_pids(pid_t pid, pid_t *out, size_t max);

#endif
