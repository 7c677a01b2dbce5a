/* The file rules of an AppArmor profile. */
#ifndef PROFILE_APPARMOR_FILES_H
#define PROFILE_APPARMOR_FILES_H

#include "base/buf.h"
#include "model/workload.h"

/*
 * A path of the model as AppArmor's rule language writes it: quoted where needed, everything that
 * has a meaning there escaped; with `pattern` the model's wild cards become AppArmor's.
 */
void aa_path(const char *path, bool pattern, struct buf *out);

/*
 * All file and link rules, grouped, merged by path, sorted. `named`: also rules for programs that
 * only code names (wl_program_only_named); otherwise a note about them.
 */
void aa_files(const struct workload *w, bool named, struct buf *out, struct buf *notes);

/* Denials that hold whatever is added later; those that the model contradicts are left out. */
void aa_denials(const struct workload *w, struct buf *out);

#endif
