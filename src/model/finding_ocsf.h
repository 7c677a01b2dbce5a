/*
 * A finding as a Detection Finding (class 2004) of the Open Cybersecurity Schema Framework, which
 * security lakes and SIEMs take (schema.ocsf.io, 1.5.0).
 */
#ifndef MODEL_FINDING_OCSF_H
#define MODEL_FINDING_OCSF_H

#include "model/finding.h"

/* One line without newline. Times in it are milliseconds. */
void finding_write_ocsf(const struct finding *f, struct buf *out);

#endif
