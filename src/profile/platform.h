/*
 * What container engines, orchestrators and service managers are told, made from a workload model:
 * the options of `docker run` and `podman run`, Kubernetes and ECS objects, systemd units.
 *
 * `notes` receives remarks for the user, one a line: what could not be said or made tighter there,
 * and why. The models are checked by the caller (gen_check_model).
 */
#ifndef PROFILE_PLATFORM_H
#define PROFILE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "model/workload.h"
#include "profile/generate.h"

/* What a container is told, whichever engine runs it. Strings are borrowed. */
struct gen_container {
	const char *name;	    /* of the container, a good profile name (gen_name) */
	const char *seccomp;	    /* file of the seccomp profile; NULL: leave it out */
	const char *apparmor;	    /* profile name; NULL: leave it out */
	const char *selinux;	    /* type of the process; NULL: leave it out */
	const char *user;	    /* "UID[:GID]", NULL: as the image says */
	int no_new_privs;	    /* 1, 0; -1: decide from the model */
	int read_only;		    /* root file system: 1, 0; -1: decide from the model */
	const char *const *volumes; /* directories that are mounted anyway */
	size_t volumes_n;
};

/* Whether no_new_privs can be on for this model; *why names the program that speaks against it. */
bool gen_no_new_privs(const struct workload *w, const char **why);

/* docker.c: `docker run` and `podman run`, which take the same options as far as these go. */
enum gen_engine { GEN_DOCKER, GEN_PODMAN };
/* The command as shell text with one option a line, or as {"options": [...], "image": ...}. */
void gen_run_text(const struct workload *w, const struct gen_container *c, enum gen_engine engine,
		  struct buf *out, struct buf *notes);
struct json_object *gen_run_json(const struct workload *w, const struct gen_container *c,
				 enum gen_engine engine, struct buf *notes);
/* The same as a unit for Podman's systemd generator (podman-systemd.unit(5), Podman 4.5). */
void gen_quadlet(const struct workload *w, const struct gen_container *c, struct buf *out,
		 struct buf *notes);

#endif
