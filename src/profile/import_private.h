/* What the importers of profiles share: import_*.c only. */
#ifndef PROFILE_IMPORT_PRIVATE_H
#define PROFILE_IMPORT_PRIVATE_H

#include "profile/import.h"
#include "profile/seccomp.h"

/* Adds a source for a policy; complete until `import_reason`. */
int import_source(struct workload *w, const char *target);
/* Why the model is not the whole behaviour: in the source and among the notes. */
__attribute__((format(printf, 4, 5))) void import_reason(struct workload *w, int source,
							 struct buf *notes, const char *fmt, ...);
/* Names, one a line, as words of one line; the buffer's own text. */
const char *import_line(struct buf *names);
/* Everything that the profile allows. `name` is what notes call it. */
void import_profile(struct workload *w, int source, const struct sp_profile *p, const char *name,
		    struct buf *notes);

#endif
