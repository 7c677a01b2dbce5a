/*
 * Which directories a workload writes to, and whether each could be a mount of its own (a tmpfs, an
 * emptyDir), so that the rest of its root file system can be read-only.
 */
#ifndef PROFILE_PLACES_H
#define PROFILE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "model/workload.h"

struct place {
	char *dir;	   /* absolute, without a slash at its end; "/" is the root itself */
	const char *needs; /* of the model: what has to be in it before the start; NULL: nothing */
	bool executes;	   /* files in it are executed or mapped as code */
	bool volume;	   /* below one of the directories that the user named */
};

struct places {
	struct place *v; /* by ascending dir */
	size_t n, cap;
};

/*
 * Every directory in which the program (WL_PROGRAM_PHASES) makes, changes or removes files. /dev,
 * /proc and /sys, which are mounts in every container, are left out. `volumes` are directories that
 * are mounted anyway.
 */
void places_find(const struct workload *w, const char *const *volumes, size_t volumes_n,
		 struct places *out);
void places_free(struct places *p);
#define cleanup_places cleanup(places_free)

/* Whether an empty mount does: nothing is needed there, or it is a directory for scratch files. */
bool place_may_be_empty(const struct place *p);

/*
 * Whether the root file system can be read-only, with volumes and empty mounts at the places. If
 * not, a note for each place that stands against it.
 */
bool places_read_only(const struct places *p, struct buf *notes);

#endif
