/* Facts about the host (outside.h) as JSON, and back; docs/captures.md. */
#ifndef ENRICH_FACTS_H
#define ENRICH_FACTS_H

#include "base/json.h"
#include "enrich/enrich.h"

/*
 * Takes a fact in: `d` is {"NAME":{…}}. -EINVAL with its place when there is no such fact or it is
 * none. For an enrichment that is offline.
 */
int enrich_fact(struct enrich *e, const char *name, const struct json_doc *d, struct err *err);

#endif
