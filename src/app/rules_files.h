/* Which rules a command reads: files, folders of files, and boltseal's own. */
#ifndef APP_RULES_FILES_H
#define APP_RULES_FILES_H

#include "app/args.h"
#include "base/err.h"
#include "rules/rules.h"

/*
 * Adds a file, or all files NAME.yaml and NAME.yml of a folder in the order of their names. 0, or a
 * negative errno with a message in `e`: the path cannot be read. Errors in files are among the
 * diagnostics and not told here.
 */
int rules_load_path(struct rules *r, const char *path, struct err *e);
int rules_load_own(struct rules *r, struct err *e);

#endif
