/* Which rules a command reads: files, folders of files, and boltseal's own. */
#ifndef APP_RULES_FILES_H
#define APP_RULES_FILES_H

#include "app/args.h"
#include "base/err.h"
#include "rules/rules.h"

/*
 * The folder of boltseal's own rules: $BOLTSEAL_RULES, the one beside the folder of a binary that
 * was not installed, or the installed one. -ENOENT when there is none.
 */
int rules_own_folder(char *out, size_t size, struct err *e);

/*
 * Adds a file, or all files NAME.yaml and NAME.yml of a folder in the order of their names. 0, or a
 * negative errno with a message in `e`: the path cannot be read. Errors in files are among the
 * diagnostics and not told here.
 */
int rules_load_path(struct rules *r, const char *path, struct err *e);
int rules_load_own(struct rules *r, struct err *e);

#endif
