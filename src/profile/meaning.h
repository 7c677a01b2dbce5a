/*
 * What a diagram says about one system call, in words: which verdict under which conditions on the
 * arguments. Taken from the diagram, so it is as exact for a compiled filter as for a profile, and
 * rules that are written differently but mean the same give the same words.
 */
#ifndef PROFILE_MEANING_H
#define PROFILE_MEANING_H

#include <json-c/json.h>

#include "profile/bdd.h"
#include "profile/seccomp.h"

struct sp_case {
	struct sp_ret ret;
	char **when; /* alternatives: "family is AF_UNIX and type is SOCK_STREAM" */
	size_t when_n, when_cap;
};

struct sp_meaning {
	/* The last one is what happens otherwise, its `when` is not needed; the only one: always.
	 */
	struct sp_case *cases;
	size_t n, cap;
	bool too_many; /* more alternatives than are worth printing; some are left out */
};

/*
 * `node` is what is left of a diagram for one number (diagram_at()); `d` NULL: a number without a
 * call, or any.
 */
void sp_meaning_of(const struct bdd *b, uint32_t node, enum sc_abi abi, const struct sc_desc *d,
		   struct sp_meaning *out);
void sp_meaning_free(struct sp_meaning *m);
#define cleanup_sp_meaning cleanup(sp_meaning_free)

/* "ALLOW when …, or when …; otherwise ERRNO EPERM" */
void sp_meaning_text(const struct sp_meaning *m, struct buf *out);
/* A list of {action, data, when: […]}; the last without `when`. Belongs to the caller. */
struct json_object *sp_meaning_json(const struct sp_meaning *m);

#endif
