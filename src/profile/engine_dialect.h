/*
 * Which seccomp profile a container engine of a given version can hold: its dialect, what it drops
 * without a word, and which names its libseccomp knows.
 */
#ifndef PROFILE_ENGINE_DIALECT_H
#define PROFILE_ENGINE_DIALECT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/version.h"
#include "profile/seccomp.h"

struct engine {
	const struct engine_facts *facts;
	struct version version;
	bool version_known; /* false: nobody said, the newest is meant */
};

/* "docker:20.10", "podman", "containerd", "cri-o:1.27", "runc:1.1", "crun:1.8.1". */
int engine_parse(const char *spec, struct engine *out, struct err *e);

enum sp_dialect engine_dialect(const struct engine *g);
/* The only runtime that the engine has, "runc" or "crun"; NULL: it may have either. */
const char *engine_runtime(const struct engine *g);

/*
 * Takes the names out of the profile that this libseccomp ("2.5.4") does not know, with a note for
 * each that was allowed. -EINVAL when the version is none.
 */
int engine_fit_names(struct sp_profile *p, const struct engine *g, const char *libseccomp,
		     struct buf *notes, struct err *e);

/* The profile as the engine takes it, caller frees; notes say what it cannot hold. */
char *engine_write(const struct sp_profile *p, const struct engine *g, struct buf *notes);

#endif
