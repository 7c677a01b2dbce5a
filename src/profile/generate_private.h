/* What the generators share. */
#ifndef PROFILE_GENERATE_PRIVATE_H
#define PROFILE_GENERATE_PRIVATE_H

#include "profile/generate.h"

/* Appends one remark, with a newline. */
__attribute__((format(printf, 2, 3))) void gen_note(struct buf *notes, const char *fmt, ...);

/* The ABI of the machine that the model is of; -EINVAL when it cannot be told. */
int gen_native_abi(const struct workload *w, enum sc_abi *abi, struct err *e);

/* What every program needs, seen or not (generate_seccomp.c); ends with NULL. */
extern const char *const gen_always[];

/* "start, serving": the phases of a mask. */
void gen_phases(uint32_t phases, struct buf *out);

/*
 * Base names of the programs in the set, at most `max`, then "and N more". Bytes that are no
 * printable ASCII become "?", so the text may stand in a comment.
 */
void gen_programs(const struct workload *w, const struct wl_set *programs, size_t max,
		  struct buf *out);
/* {"phases": […], "programs": […]} of a provenance; owned by the caller. */
struct json_object *gen_prov_json(const struct workload *w, const struct wl_prov *p);
/* A text with bytes that are no printable ASCII as "?". */
void gen_printable(const char *s, struct buf *out);

#endif
