/* Groups of system calls that do the same work for a program. */
#ifndef PROFILE_EQUIVALENTS_H
#define PROFILE_EQUIVALENTS_H

#include <stddef.h>

#include "profile/generate.h"

/* The names of the i-th group that `level` closes over, *n of them; NULL beyond the last. */
const char *const *equivalents_group(size_t i, enum gen_equivalents level, size_t *n);

#endif
