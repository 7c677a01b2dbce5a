#include "profile/libseccomp.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/version.h"

/*
 * Its CHANGELOG, and the first line of its src/syscalls.csv. Debian 12 added the calls up to Linux
 * 6.7 to its 2.5.4 (debian/changelog).
 */
static const struct {
	struct version from;
	struct sc_kver kernel;
} releases[] = {
	{ { { 2, 2, 0 } }, { 3, 19, 0 } }, { { { 2, 3, 0 } }, { 4, 5, 0 } },
	{ { { 2, 3, 2 } }, { 4, 10, 0 } }, { { { 2, 3, 3 } }, { 4, 15, 0 } },
	{ { { 2, 4, 0 } }, { 5, 0, 0 } },  { { { 2, 4, 2 } }, { 5, 4, 0 } },
	{ { { 2, 5, 0 } }, { 5, 8, 0 } },  { { { 2, 5, 2 } }, { 5, 14, 0 } },
	{ { { 2, 5, 3 } }, { 5, 15, 0 } }, { { { 2, 5, 4 } }, { 5, 17, 0 } },
	{ { { 2, 5, 5 } }, { 6, 7, 0 } },  { { { 2, 5, 6 } }, { 6, 13, 0 } },
	{ { { 2, 6, 0 } }, { 6, 13, 0 } }, { { { 2, 6, 1 } }, { 7, 1, 0 } },
};
static const char patched_254[] = "2.5.4-1+deb12u1";

int libseccomp_kernel(const char *version, struct sc_kver *out, struct err *e)
{
	struct version v;

	if (!version_parse(version, &v, NULL) || version_cmp(&v, &releases[0].from) < 0)
		return err_set(e, EINVAL,
			       "libseccomp version '%.60s': expected numbers such as 2.5.4, from "
			       "2.2.0 on",
			       version);
	for (size_t i = 0; i < ARRAY_SIZE(releases); i++)
		if (version_cmp(&v, &releases[i].from) >= 0)
			*out = releases[i].kernel;
	if (!strncmp(version, patched_254, strlen(patched_254)))
		*out = (struct sc_kver){ 6, 7, 0 };
	return 0;
}
