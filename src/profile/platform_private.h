/* What the writers for platforms share. */
#ifndef PROFILE_PLATFORM_PRIVATE_H
#define PROFILE_PLATFORM_PRIVATE_H

#include "profile/generate_private.h"
#include "profile/places.h"
#include "profile/platform.h"

/* The image reference, NULL when the model has none. */
const char *platform_image(const struct workload *w);
/* Whether no_new_privs is on, decided from the model where `c` does not; then with a note. */
bool platform_nnp(const struct workload *w, const struct gen_container *c, struct buf *notes);
/* Whether the root file system is read-only; `p` are the places of the model. */
bool platform_read_only(const struct gen_container *c, const struct places *p, struct buf *notes);
/* gen_name() as the name of an object: a DNS subdomain (RFC 1123). Caller frees. */
int gen_object_name(const struct workload *w, const struct gen_options *o, char **out,
		    struct err *e);
/* The generated profile as the JSON of an OCI runtime, with values that an object can hold. */
int platform_seccomp(const struct workload *w, const struct gen_options *o,
		     struct json_object **out, struct buf *notes, struct err *e);
/* Name of a capability without its "CAP_". */
const char *platform_cap(unsigned nr);

/* Appending to json-c values, which belong to their container afterwards. */
void put_str(struct json_object *o, const char *key, const char *s);
void put_int(struct json_object *o, const char *key, int64_t v);
void put_bool(struct json_object *o, const char *key, bool v);
void put(struct json_object *o, const char *key, struct json_object *v);
void push(struct json_object *a, struct json_object *v);
void push_str(struct json_object *a, const char *s);

#endif
