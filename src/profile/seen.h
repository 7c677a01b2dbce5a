/*
 * What a workload model knows of the arguments of a system call, as the generators need it: either
 * all values that occurred, or that they are not known.
 */
#ifndef PROFILE_SEEN_H
#define PROFILE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/workload.h"

enum seen_state {
	SEEN_NEVER,   /* not called in these phases, in any ABI */
	SEEN_UNKNOWN, /* called, and not every value is in the model */
	SEEN_KNOWN,
};

struct seen_row {
	uint64_t v[WL_MAX_ARGS];
};

struct seen {
	enum seen_state state;
	struct seen_row *rows; /* distinct, ascending; with SEEN_UNKNOWN some of them */
	size_t n, cap;
};

/*
 * Whether the argument sets of `s` are all that happened in `phases`: nobody who knows the call
 * leaves its arguments open (wl_open_prov()), and no source lost any.
 */
bool seen_complete(const struct workload *w, const struct wl_syscall *s, uint32_t phases);

/* Whether the sets are all, and conditions of policies. */
bool seen_rules_only(const struct workload *w, const struct wl_syscall *s, uint32_t phases);
/* Whether a policy allows the call with any arguments, which is then meant so. */
bool seen_allowed_by_policy(const struct workload *w, const char *name, uint32_t phases);

/*
 * The values of the `n` arguments `index` of the call, each ANDed with its `mask`, over all ABIs
 * and the phases. seen_free() releases the result.
 */
void seen_collect(const struct workload *w, const char *name, uint32_t phases, unsigned n,
		  const uint8_t *index, const uint64_t *mask, struct seen *out);
/* Adds a row; sorted and distinct again only after seen_sort(). */
void seen_add(struct seen *s, const uint64_t *v, unsigned n);
void seen_sort(struct seen *s);
void seen_free(struct seen *s);
#define cleanup_seen cleanup(seen_free)

/* Whether the call was made in any of the phases through any ABI, respectively a given one. */
bool seen_called(const struct workload *w, const char *name, uint32_t phases);
bool seen_abi(const struct workload *w, enum sc_abi abi, uint32_t phases);

/*
 * The sockets of socket(2) and socketpair(2) in the program's phases: rows of family, type without
 * its flags, protocol. With `close`, a host with another network needs no other profile: IPv4 and
 * IPv6 come together, and protocol 0 with the default protocol of the type.
 */
void seen_sockets(const struct workload *w, const char *name, uint32_t phases, bool close,
		  struct seen *out);

#endif
