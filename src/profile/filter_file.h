/* Compiled filters in files: struct sock_filter as it stands in memory, and texts of it. */
#ifndef PROFILE_FILTER_FILE_H
#define PROFILE_FILTER_FILE_H

#include "profile/seccomp.h"

enum {
	SP_FILTER_MAX_BYTES = SP_MAX_INSNS * 8,
	SP_FILTER_MAX_TEXT = SP_FILTER_MAX_BYTES * 2, /* as base64, with line breaks */
};

/*
 * Raw bytes (struct sock_filter[] of this byte order), or base64 of them (RFC 4648, white space
 * between); what the kernel would refuse is refused. `name` is what errors call it.
 */
int sp_filter_read(struct sp_filter *f, const char *name, const void *data, size_t len,
		   struct err *e);

/* One line of base64 with a newline, as crun's annotation run.oci.seccomp_bpf_data takes it. */
void sp_filter_base64(const struct sp_filter *f, struct buf *out);

/*
 * C source that compiles by itself: `static const struct sock_filter IDENT_filter[]` with a comment
 * on each instruction and `IDENT_prog`. `title` goes into the comment at the top. `name` becomes an
 * identifier: what cannot stand in one is "_".
 */
void sp_filter_c(const struct sp_filter *f, const char *name, const char *title, struct buf *out);

#endif
