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
#include "profile/selinux.h"

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

/* kubernetes.c: a patch for the container in a pod or in what makes pods. */
struct gen_kubernetes {
	const char *container; /* its name, or with json6902 its index; NULL: from c->name, or 0 */
	const char *kind;      /* of gen_kubernetes_kinds */
	unsigned minor;	       /* of the cluster: Kubernetes 1.minor */
	bool json6902;	       /* RFC 6902 in place of a strategic merge patch */
};
extern const char *const gen_kubernetes_kinds[]; /* ends with NULL */
enum { GEN_KUBERNETES_MINOR = 34 };		 /* what is assumed when nobody says */

/* -EINVAL for a container's name or a version with which the patch cannot be said. */
int gen_kubernetes(const struct workload *w, const struct gen_container *c,
		   const struct gen_kubernetes *k, struct json_object **out, struct buf *notes,
		   struct err *e);

/* networkpolicy.c: which ports and addresses the pods are reached at and reach. */
struct gen_networkpolicy {
	const char *name;
	const char *const *selectors; /* "KEY=VALUE" labels of the pods; none: app=NAME */
	size_t selectors_n;
	bool ports_only; /* egress to the ports at any address */
};
int gen_networkpolicy(const struct workload *w, const struct gen_networkpolicy *n,
		      struct json_object **out, struct buf *notes, struct err *e);

/*
 * spo.c: objects of the Security Profiles Operator (security-profiles-operator.x-k8s.io/v1).
 * -EINVAL when the object has no field for something that must not be lost.
 */
enum spo_kind { SPO_SECCOMP, SPO_APPARMOR, SPO_SELINUX, SPO_RAW_SELINUX, SPO_KIND_COUNT };
extern const char *const spo_kind_names[SPO_KIND_COUNT + 1];
int gen_spo(const struct workload *w, const struct gen_options *o, enum spo_kind kind,
	    const struct gen_selinux *selinux, struct json_object **out, struct buf *notes,
	    struct err *e);
/* Whether a SeccompProfile can hold the values of the rules, which are signed there; -EINVAL. */
int spo_check_values(const struct sp_profile *p, struct err *e);

/* seal.c: a SealProfile (boltseal.dev/v1alpha1): images, capabilities, seccomp, maybe AppArmor. */
int gen_seal(const struct workload *w, const struct gen_options *o, bool apparmor,
	     struct json_object **out, struct buf *notes, struct err *e);

/* ecs.c: Amazon ECS. */
struct gen_ecs {
	bool fargate;
};
/* The parts of a task definition that confine; for RegisterTaskDefinition after completion. */
struct json_object *gen_ecs(const struct workload *w, const struct gen_container *c,
			    const struct gen_ecs *ecs, struct buf *notes);
/* daemon.json of a container instance, which is where ECS leaves seccomp to. -EINVAL: Fargate. */
int gen_ecs_daemon(const struct gen_container *c, const struct gen_ecs *ecs,
		   struct json_object **out, struct buf *notes, struct err *e);

/* systemd.c: a drop-in for the unit of a service (systemd.exec(5)). */
struct gen_systemd {
	/*
	 * Calls that the service's systemd knows, as `systemd-analyze syscall-filter` prints them
	 * (words; "#" begins a remark, "@" a group): others are left out. NULL: all are named.
	 */
	const char *known_calls;
};
void gen_systemd(const struct workload *w, const struct gen_options *o,
		 const struct gen_container *c, const struct gen_systemd *s, struct buf *out,
		 struct buf *notes);

#endif
