/* What the files workload*.c and generalise.c share; nothing else includes this. */
#ifndef MODEL_WORKLOAD_PRIVATE_H
#define MODEL_WORKLOAD_PRIVATE_H

#include "model/workload.h"

/* Adding many at once: push each, normalise at the end (sorts, drops what stands twice). */
void wl_set_push(struct wl_set *s, uint32_t v);
void wl_set_normalise(struct wl_set *s);

/* Puts the argument set at place `i` into the index of the call's sets. */
void wl_call_index(struct wl_syscall *s, size_t i);
/* Makes `any` of each call with argument sets what wl_open_prov() says, and empty elsewhere. */
void wl_settle(struct workload *w);

/* IPPROTO_* or NETLINK_*, NULL when there is no name. */
const char *wl_net_protocol_name(unsigned family, unsigned protocol);

/* Appends the text as a pattern that matches just it. */
void wl_pattern_escape(struct buf *b, const char *text, size_t n);

/* Rebuilds the indices after elements changed their places. */
void wl_reindex(struct workload *w);

/* The file entry with this key, or NULL. */
const struct wl_file *wl_file_find(const struct workload *w, const char *path, bool pattern);

/* A source and where it stands. */
struct wl_source_place {
	const struct wl_source *s;
	uint32_t i;
};
/* Order by start, then by every other field: 0 means that all fields are equal. */
int wl_source_cmp(const struct wl_source *a, const struct wl_source *b);
/* All sources in that order, equal ones by their places; the caller frees. */
struct wl_source_place *wl_sources_ordered(const struct workload *w);

#endif
