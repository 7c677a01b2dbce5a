/*
 * What a container runtime itself calls between the installation of the seccomp filter and the
 * execve of the program. A profile without these names does not start.
 */
#ifndef PROFILE_RUNTIME_BASE_H
#define PROFILE_RUNTIME_BASE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { RUNTIME_BASE_MAX = 64 };

struct runtime_base {
	const char *names[RUNTIME_BASE_MAX]; /* static strings, each once, sorted */
	size_t n;
	char label[128]; /* "runc 1.1.5", "runc 1.2.9 (nearest measured: 1.1.5)" … */
	bool exact;	 /* every version asked for has been measured */
};

/*
 * The base of a runtime ("runc", "crun"; NULL: of all in the table). `version` "1.1.5",
 * "v1.3.0-rc.1", "1.1.5+ds1" …; NULL: any. An unknown runtime or a version that is none: -EINVAL.
 */
int runtime_base_find(const char *runtime, const char *version, bool no_new_privs,
		      struct runtime_base *out, struct err *e);
bool runtime_base_has(const struct runtime_base *b, const char *name);
/*
 * Whether the runtime certainly needs the call: it was seen to make it or, when the base is that of
 * a known version, reported not to start without it. False for what is in a base as a precaution.
 */
bool runtime_base_certain(const char *runtime, const char *name, bool version_known);
/* Whether the table knows the runtime. */
bool runtime_base_known(const char *runtime);

#endif
