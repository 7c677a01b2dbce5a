/* What releases of libseccomp know: a name that one does not know cannot be in its filters. */
#ifndef PROFILE_LIBSECCOMP_H
#define PROFILE_LIBSECCOMP_H

#include "base/err.h"
#include "model/syscalls.h"

/*
 * The kernel whose system calls the libseccomp of a node knows: "2.5.4", "2.5.4-1+deb12u1" (what
 * distributions added is known of Debian 12's). -EINVAL: no version, or one before 2.2.0.
 */
int libseccomp_kernel(const char *version, struct sc_kver *out, struct err *e);

#endif
