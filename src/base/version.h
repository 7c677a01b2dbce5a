/* Versions of programs and libraries: one to three numbers. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#include <stdbool.h>

enum { VERSION_PARTS = 3, VERSION_PART_MAX = 100000 };

struct version {
	unsigned part[VERSION_PARTS]; /* 0 where there is none */
};

/*
 * "20.10", "v1.2.8-rc.1", "1.1.5+ds1": how many numbers there are, and in *rest (may be NULL) what
 * follows them. 0: it begins with none, or one is above VERSION_PART_MAX; *out is as it was.
 */
int version_parse(const char *text, struct version *out, const char **rest);
/* Below, equal to or above 0, as a is older than, the same as or newer than b. */
int version_cmp(const struct version *a, const struct version *b);

/* Of the running kernel, uname(2); 0.0.0 when it tells none. */
struct version version_of_kernel(void);
bool version_kernel_at_least(unsigned major, unsigned minor);

#endif
