/*
 * Members of the structures of watch.h by name, as lines of captures have them (docs/captures.md).
 * A member that is 0 is left out.
 */
#ifndef BPF_WATCH_MEMBERS_H
#define BPF_WATCH_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

/* No process has such a number, or a larger one (include/linux/threads.h: PID_MAX_LIMIT). */
enum { WATCH_PID_MAX = 4 * 1024 * 1024 };

struct watch_member {
	const char *name; /* NULL ends a table */
	uint16_t offset;
	uint8_t size; /* 2, 4 or 8 bytes */
	bool is_signed;
};

/* struct watch_rec without size, kind, nr, args and comm; struct watch_fd without addresses and
 * ports. */
extern const struct watch_member watch_rec_members[], watch_fd_members[], watch_proc_members[];

const struct watch_member *watch_member_find(const struct watch_member *table, const char *name);
/* Signed members with their sign, as bits of 64. */
uint64_t watch_member_get(const struct watch_member *m, const void *from);
/* The number as JSON has it. */
void watch_member_put(struct buf *b, const struct watch_member *m, uint64_t value);
/* All members that are not 0, each with a comma before it unless the last byte of `b` is "{". */
void watch_members_put(struct buf *b, const struct watch_member *table, const void *from);
/*
 * Sets the member to a JSON value that stands at `at`; -EINVAL or -ERANGE when it is no number that
 * fits. Unsigned members take negative numbers of their size too: 4294967295 is -1.
 */
int watch_member_set(const struct watch_member *m, void *to, const struct json_doc *d,
		     const struct json_path *at, struct json_object *v, struct err *e);
/* A whole object of members; others are refused (-EINVAL). */
int watch_members_set(const struct watch_member *table, void *to, const struct json_doc *d,
		      const struct json_path *at, struct json_object *o, struct err *e);

#endif
