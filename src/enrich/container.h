/*
 * Which container a process runs in, and what is known about it. The id comes from the path of the
 * control group; the rest from the files that the engines keep on disk, which are there before the
 * container's first instruction and need no answer of a daemon:
 *
 *	Docker, ECS	<data root>/containers/ID/config.v2.json, hostconfig.json, and for digests
 *			<data root>/image/DRIVER/repositories.json
 *	containerd	<state>/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json
 *	Podman, CRI-O	<storage>/DRIVER-containers/ID/userdata/config.json
 *
 * They are looked at again: soon after a container was first seen, because engines write some of it
 * (its address) when it runs already, and then now and then, because it can get another name.
 */
#ifndef ENRICH_CONTAINER_H
#define ENRICH_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/arena.h"
#include "enrich/outside.h"

enum container_engine {
	CONTAINER_DOCKER,
	CONTAINER_PODMAN,
	CONTAINER_CRIO,
	CONTAINER_CONTAINERD,
	CONTAINER_UNKNOWN, /* an id, and nobody whose it is */
	CONTAINER_ENGINES
};

const char *container_engine_name(enum container_engine e); /* "docker" */

enum { CONTAINER_ID_MAX = 80 };

struct container_pair {
	const char *key, *value;
};

struct container_mount {
	const char *source, *dest, *mode, *propagation;
	bool rw;
};

struct container {
	struct container *next; /* in the table */
	const struct outside *outside;
	unsigned refs;	/* processes */
	uint32_t first; /* pid of the first of those that run, which lives longest */
	uint64_t used;	/* when it was last asked for, for forgetting */
	char id[CONTAINER_ID_MAX], short_id[13];
	enum container_engine engine;
	bool known;	     /* false: nothing but the id was found */
	const char *missing; /* what is not known of it, and why; NULL: all is */
	/* The engine's file, and as what it was read. */
	const char *file;
	struct timespec changed;
	ino_t ino;
	time_t begun, looked; /* CLOCK_MONOTONIC, s: first seen; looked at its files */
	const char *name, *image, *image_id, *repository, *tag, *digest; /* NULL: not known */
	const char *pod_name, *pod_namespace, *pod_uid, *sandbox_id, *ip;
	int privileged, host_pid, host_network, host_ipc; /* -1: not known */
	uint64_t started;				  /* ns since 1970; 0: not known */
	struct container_pair *labels;
	size_t labels_n;
	struct container_mount *mounts;
	size_t mounts_n;
	struct arena arena;
};

/*
 * The id in the path of a control group, in `id` of CONTAINER_ID_MAX bytes; false for a process of
 * the host.
 */
bool container_id_of(const char *cgroup, char *id, enum container_engine *engine);

/* Where the engines keep their files; each NULL: the usual places. */
struct container_places {
	const char *docker_root, *containerd_state, *storage_root, *storage_run;
};

struct containers;

/* Texts and flags of a container by their names in captures; a name of NULL ends each table. */
struct container_text {
	const char *name;
	size_t offset;
};
extern const struct container_text container_texts[], container_flags[];

static inline const char **container_text_of(struct container *c, const struct container_text *t)
{
	return (const char **)(void *)((char *)c + t->offset);
}

static inline int *container_flag_of(struct container *c, const struct container_text *t)
{
	return (int *)(void *)((char *)c + t->offset);
}

/* `o` stays the caller's. */
struct containers *containers_new(const struct container_places *p, const struct outside *o);
void containers_free(struct containers *c);
/* One more place in which Docker may keep its containers. */
void containers_docker_root(struct containers *c, const char *root);
/* By its whole id; NULL: nobody asked for it, or it is forgotten. */
const struct container *containers_find(struct containers *c, const char *id);
/* Tells all that are known (outside.h). */
void containers_tell(const struct containers *c);
/* Each second: looks at some again. */
void containers_look_again(struct containers *c);
/* The container of the control group, NULL for the host. Holds a reference, see container_put(). */
struct container *containers_get(struct containers *c, const char *cgroup);
/*
 * The container of this id, to be filled in: nothing but its id is known of it. For what a capture
 * says; NULL: that is no id.
 */
struct container *containers_know(struct containers *c, const char *id);
struct container *container_ref(struct container *c); /* NULL stays NULL */
/* The container stays known for a while when nobody uses it any more. */
void container_put(struct containers *all, struct container *c);
size_t containers_count(const struct containers *c);
/* How often it changed what is known of a container. */
uint64_t containers_changes(const struct containers *c);

const char *container_label(const struct container *c, const char *key, size_t len);

#endif
