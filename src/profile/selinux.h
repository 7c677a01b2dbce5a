/*
 * An SELinux policy module for one container, in the style that udica made common: a CIL block that
 * inherits the templates of container-selinux and adds what the workload needs besides.
 */
#ifndef PROFILE_SELINUX_H
#define PROFILE_SELINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "profile/file_contexts.h"
#include "profile/generate.h"

/* Permissions of one class on one type; "process" is the container itself. */
struct se_allow {
	char *type;
	const char *class;
	const char **perms; /* static strings, sorted, each once */
	size_t perms_n, perms_cap;
};

struct se_policy {
	char *name; /* of the block; the process has the type NAME.process */
	const char *blocks[16];
	size_t blocks_n; /* templates, in the order of inheritance */
	struct se_allow *allows;
	size_t allows_n, allows_cap; /* sorted by type, then class */
	bool permissive;
};

struct gen_selinux {
	const char *const *mounts; /* "HOST:DIR", or "DIR" for the same path on both sides */
	size_t mounts_n;
	const struct file_contexts *contexts; /* NULL: types by the table in selinux.c */
};

/* se_free() releases it, also after an error. */
int gen_selinux(const struct workload *w, const struct gen_options *o, const struct gen_selinux *s,
		struct se_policy *out, struct buf *notes, struct err *e);
void se_free(struct se_policy *p);
#define cleanup_se_policy cleanup(se_free)

/* The module; with `block` false only what stands inside the block (for RawSelinuxProfile). */
void se_write(const struct se_policy *p, bool block, struct buf *out);
/* The spec of a SelinuxProfile of the Security Profiles Operator; caller owns. */
struct json_object *se_spec(const struct se_policy *p);

/* The type that the reference policy gives to a port; `protocol` is "tcp", "udp" or "sctp". */
const char *se_port_type(const char *protocol, uint16_t port);

#endif
