/*
 * The Pod Security Standards of Kubernetes, exactly as its admission plugin judges: levels baseline
 * and restricted in every policy version from 1.0 to 1.37, with the plugin's own texts.
 * Source of rules, texts and versions: kubernetes/pod-security-admission, policy/check_*.go.
 */
#ifndef INSPECT_PSS_H
#define INSPECT_PSS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/podspec.h"

enum pss_level { PSS_PRIVILEGED, PSS_BASELINE, PSS_RESTRICTED };

enum { PSS_NEWEST = 37 }; /* minor version */
#define PSS_LATEST (~0u)

struct pss_policy {
	enum pss_level level;
	unsigned minor; /* 1.N; PSS_LATEST or beyond PSS_NEWEST: the newest rules */
};

/* "privileged", "baseline", "restricted"; "latest" or "v1.N". -EINVAL otherwise. */
int pss_level_parse(const char *text, enum pss_level *out, struct err *e);
int pss_version_parse(const char *text, unsigned *minor, struct err *e);
const char *pss_level_name(enum pss_level level);
/* As messages write it: "restricted:latest", "baseline:v1.29". */
void pss_policy_name(const struct pss_policy *p, struct buf *out);

enum { PSS_MAX_CHECKS = 32 };

struct pss_violation {
	const char *id;	    /* "hostPorts" */
	const char *reason; /* "hostPort" */
	const char *detail; /* "container \"a\" uses hostPort 80", or "" */
};

/*
 * What the pod violates, in the plugin's order; texts live in the arena. Returns their number, at
 * most PSS_MAX_CHECKS.
 */
size_t pss_evaluate(const struct ps_pod *pod, const struct pss_policy *policy, struct arena *a,
		    struct pss_violation out[PSS_MAX_CHECKS]);

/* "reason (detail), reason (detail)" */
void pss_message(const struct pss_violation *v, size_t n, struct buf *out);

/* A string as Go's %q writes it, which is how the plugin quotes names. */
void pss_put_quoted(struct buf *out, const char *s);

/* Whether the policy has this check. */
bool pss_check_runs(const char *id, const struct pss_policy *policy);
/* Whether baseline of this version allows the sysctl; whether restricted forbids the volume type.
 */
bool pss_sysctl_is_safe(const char *name, unsigned minor);
bool pss_volume_is_restricted(const char *type);

#endif
