/* YARA rules over a file, by libyara where boltseal was built with it. */
#ifndef RESPOND_YARA_SCAN_H
#define RESPOND_YARA_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct yara_scan;

/* Compiles the files; errors name file and line. -ENOTSUP: this build has no libyara. */
int yara_scan_new(struct yara_scan **out, const char *const *files, size_t n, struct err *e);
void yara_scan_free(struct yara_scan *s);
/* Whether some rule matches; its name in `reason`. A file that takes too long matches none. */
bool yara_scan_fd(struct yara_scan *s, int fd, char *reason, size_t size);

#endif
