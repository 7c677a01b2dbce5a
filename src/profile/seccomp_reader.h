/* Reading a profile: what seccomp_read.c, seccomp_host.c and lint share. */
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

/* The members that the dialects know together; each ends with NULL. */
extern const char *const sp_profile_members[],
	*const sp_rule_members[], *const sp_arg_members[], *const sp_arch_map_members[],
								   *const sp_condition_members[];

/* Whether `key` is in such a list. */
bool sp_member_known(const char *const *known, const char *key);
/* "SCMP_ACT_ALLOW"; false: no action. */
bool sp_action_parse(const char *s, enum sp_action *out);
/* Podman's "ENOSYS" or "38"; -EINVAL. */
int sp_errno_parse(const char *s, uint64_t *out);
/* Architectures of the OCI schema without a table here, and calls that only those have. */
bool sp_arch_foreign(const char *s);
bool sp_call_foreign(const char *s);
/* An architecture as conditions name it, "amd64". */
bool sp_condition_arch(const char *s);
/* minKernel: two decimal numbers with a point between; the empty string counts as 0.0. -EINVAL. */
int sp_condition_kernel(const char *s, struct sc_kver *out);

/* Refuses an object whose `format` says that it is another file of boltseal's. */
int sp_check_format(const struct json_doc *d, struct err *e);
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
