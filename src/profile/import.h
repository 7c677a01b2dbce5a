/*
 * Policies that are seccomp profiles, or contain some, as workload models: what they allow becomes
 * what the model has. Calls that are allowed for certain arguments only keep exactly these, as
 * conditions of the form (argument & mask) == value; where that takes too many of them, or one
 * about too many arguments, the call is there with any arguments, and a note names its rules.
 */
#ifndef PROFILE_IMPORT_H
#define PROFILE_IMPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "model/workload.h"

/* import_seccomp.c: a profile in the dialect of OCI, Docker or Podman; "-" is standard input. */
int gen_import_seccomp(struct workload *w, const char *path, struct buf *notes, struct err *e);

/*
 * import_spo.c: objects of the Security Profiles Operator (SeccompProfile, AppArmorProfile of
 * v1, v1beta1 and v1alpha1), as YAML with several documents or as JSON.
 */
int gen_import_spo(struct workload *w, const char *path, struct buf *notes, struct err *e);
/* The same for a text in memory. */
int gen_import_spo_text(struct workload *w, const char *name, const char *text, size_t len,
			struct buf *notes, struct err *e);

#endif
