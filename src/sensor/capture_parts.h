/* The parts of a record as members of a line of a capture (docs/captures.md). */
#ifndef SENSOR_CAPTURE_PARTS_H
#define SENSOR_CAPTURE_PARTS_H

#include "base/json.h"
#include "bpf/watch.h"

/* A record with room for all parts that one may have. */
struct capture_rec {
	struct watch_rec rec;
	char parts[WATCH_PARTS_BYTES];
};

/* ,"NAME":VALUE for each part. */
void capture_put_parts(struct buf *b, const struct watch_rec *rec);
/*
 * Adds the part that a member is: 1; 0 when no part has such a name; -EINVAL when the value is none
 * that it can have, -E2BIG when there is no room.
 */
int capture_add_part(struct capture_rec *r, const char *name, const struct json_doc *d,
		     const struct json_path *at, struct json_object *v, struct err *e);

#endif
