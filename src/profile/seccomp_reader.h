/* Reading a profile: what seccomp_read.c and seccomp_host.c share. */
#ifndef PROFILE_SECCOMP_READER_H
#define PROFILE_SECCOMP_READER_H

#include "profile/seccomp.h"

struct sp_reader {
	const struct json_doc *d;
	const struct sp_host *h;
	struct sp_profile p;
	struct buf *unknown;
	size_t names; /* of system calls, up to here */
	struct err *e;
};

/* An error for the first member of `o` that is not in `known` (NULL-terminated). */
int sp_reader_members(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		      const char *const *known);
/* Calls `each` for the elements of the array `key`, which must be of this type (string, object). */
int sp_reader_each(struct sp_reader *r, const struct json_path *at, struct json_object *o,
		   const char *key, enum json_type type,
		   int (*each)(struct sp_reader *r, const struct json_path *at,
			       struct json_object *v, void *ctx),
		   void *ctx);
/* Whether the rule `o` holds on the host: `excludes` first, then `includes`; both are optional. */
int sp_reader_conditions(struct sp_reader *r, const struct json_path *at, struct json_object *o,
			 bool *keep);

#endif
