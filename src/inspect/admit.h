/*
 * Admission: an AdmissionReview becomes its answer. Pods are judged as Kubernetes' own Pod Security
 * Admission does (levels by labels of the namespace; the same rules, texts and audit annotations;
 * source: kubernetes/pod-security-admission, admission/admission.go and api/helpers.go) and by
 * checks of inspect that the configuration names; and pods get the profiles that they lack. What
 * has to be known of the cluster is asked for through functions: nothing here reads or sends.
 */
#ifndef INSPECT_ADMIT_H
#define INSPECT_ADMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/yaml.h"
#include "inspect/inspect.h"
#include "inspect/pss.h"
#include "model/podspec.h"

#define ADM_DOMAIN		  "boltseal.dev"
#define ADM_EXPLAIN		  ADM_DOMAIN "/admit" /* annotation: what was added and why */
#define ADM_OPT_OUT		  ADM_DOMAIN "/opt-out" /* label of a namespace, annotation of a pod */
#define ADM_LABEL		  "pod-security.kubernetes.io/"
#define ADM_SECCOMP_KEY		  "seccomp.security.alpha.kubernetes.io/pod"
#define ADM_SECCOMP_CONTAINER_KEY "container.seccomp.security.alpha.kubernetes.io/"
#define ADM_APPARMOR_KEY	  "container.apparmor.security.beta.kubernetes.io/"

enum {
	ADM_MAX_BODY = 3 * 1024 * 1024, /* of a review, as Kubernetes' own webhook has it */
	ADM_APPARMOR_FIELD = 30,	/* Kubernetes 1.N since which pods have the field */
	ADM_SECCOMP_FIELD = 19,
	ADM_KUBERNETES = 34, /* what is assumed when nobody says */
	ADM_MAX_PODS = 3000, /* of a namespace that gets a stricter level */
	ADM_PODS_MS = 1000,  /* for that, or half of what is left of the request's time */
	ADM_TIMEOUT_S = 10,  /* of a request that does not say (the API's default) */
};

enum adm_hook { ADM_VALIDATE, ADM_MUTATE };

/* ---- configuration */

struct adm_words {
	const char **v;
	size_t n;
};

/* A namespace's policy. */
struct adm_policy {
	struct pss_policy enforce, audit, warn;
};

enum adm_mode { ADM_ENFORCE, ADM_AUDIT, ADM_WARN, ADM_MODE_COUNT };
const char *adm_mode_name(enum adm_mode m); /* "enforce", "audit", "warn" */

/* A check of inspect and what follows from its findings; patterns of namespaces (fnmatch(3)). */
struct adm_check {
	const struct ins_check *check;
	enum adm_mode action;
	struct adm_words namespaces, except; /* none: all; none */
};

enum adm_kind { ADM_SECCOMP, ADM_APPARMOR };

/* What containers of an image get. Patterns are fnmatch(3), NULL: any. */
struct adm_profile {
	const char *image; /* without "@digest"; with a tag only when the pattern has one */
	const char *plain; /* the same as it is compared; see adm_profile_image() */
	bool tag, wild;	   /* it has a tag; it has characters of patterns */
	const char *container, *ns;
	bool named_only;       /* only for pods that name it themselves: they get its nodes */
	const char *seccomp;   /* localhostProfile, relative to the kubelet's seccomp folder */
	const char *current;   /* the same for whatever version a node has, or NULL */
	const char *apparmor;  /* name of the profile */
	const char *label[2];  /* node labels "KEY=VALUE", or "KEY", by enum adm_kind, or NULL */
	bool caps_known;       /* the model says which capabilities are needed */
	struct adm_words caps; /* "NET_BIND_SERVICE" */
	const char *why;       /* "workload model nginx.json" */
};

enum adm_apparmor { ADM_APPARMOR_PROFILE, ADM_APPARMOR_DEFAULT, ADM_APPARMOR_OFF };

/* Sets the image (NULL: any), which is borrowed; what is made of it lives in the arena. */
void adm_profile_image(struct adm_profile *f, struct arena *a, const char *image);

struct adm_mutate {
	bool seccomp;	   /* RuntimeDefault for what has no profile of its own */
	bool capabilities; /* by the model */
	bool affinity;	   /* only to nodes that have the profile */
	bool tighten;	   /* the image's profile in place of a RuntimeDefault of the pod's own */
	enum adm_apparmor apparmor;
	bool opt_out_namespaces;       /* namespaces may opt out by their label */
	struct adm_words opt_out_pods; /* namespaces whose pods may opt out */
	struct adm_words except;       /* namespaces in which nothing is changed */
	struct adm_profile *profiles;  /* the first that fits counts */
	size_t profiles_n;
	bool seals;	    /* profiles of the cluster's SealProfile objects, too */
	const char *models; /* a folder of workload models that profiles are made from, or NULL */
	bool model_seccomp, model_apparmor, model_caps; /* what of them is used */
};

struct adm_server {
	const char *listen, *metrics, *certificate, *key, *client_ca;
	uint64_t threads, connections, drain_s;
};

enum adm_source { ADM_FROM_CLUSTER, ADM_FROM_FILE, ADM_FROM_REQUESTS };

struct adm_config {
	struct arena arena;
	struct yaml_stream stream; /* the file; strings are borrowed from it */
	struct adm_server server;
	unsigned kubernetes; /* minor version of the cluster */
	enum adm_source source;
	const char *namespaces; /* file of Namespace objects, or NULL */
	bool pod_security;
	struct adm_policy defaults;
	struct adm_words exempt_users, exempt_namespaces, exempt_classes;
	struct adm_check *checks;
	size_t checks_n;
	struct adm_mutate mutate;
};

/*
 * A configuration file (docs/admit.md), or a PodSecurityConfiguration of Kubernetes. Without a
 * path: the defaults. Freed by adm_config_free also after an error.
 */
int adm_config_load(struct adm_config *c, const char *path, struct err *e);
int adm_config_parse(struct adm_config *c, const char *name, const char *text, size_t len,
		     struct err *e);
void adm_config_free(struct adm_config *c);
#define cleanup_adm_config cleanup(adm_config_free)

/* ---- answers */

/* Profiles of SealProfile objects. */
struct adm_seals {
	const struct adm_profile *v;
	size_t n;
};

struct adm_cluster {
	/* Labels of the namespace, in the arena. -ENOENT: there is no such namespace. */
	int (*labels)(void *ctx, const char *ns, struct arena *a, struct ps_entries *out,
		      struct err *e);
	/* Its pods, as a JSON list; at most `limit`, within `ms` milliseconds. NULL: cannot say. */
	int (*pods)(void *ctx, const char *ns, unsigned limit, unsigned ms, struct buf *out,
		    struct err *e);
	/* A namespace has these labels now (NULL: it is gone), as far as this webhook knows. */
	void (*saw)(void *ctx, const char *ns, const struct ps_entries *labels);
	void *ctx;
	const struct adm_seals *seals; /* those of now, or NULL */
};

/* What became of a review, for metrics. */
enum adm_result { ADM_ALLOWED, ADM_DENIED, ADM_EXEMPT, ADM_PATCHED, ADM_FAILED, ADM_RESULT_COUNT };
const char *adm_result_name(enum adm_result r);

struct adm_answer {
	unsigned status; /* HTTP: 200, or 400 with a text */
	struct buf body;
	enum adm_result result;
	char resource[32]; /* "pods", "deployments"; "other" */
	/* Evaluations of the standards: by mode and level, allowed [0] and not [1]. */
	unsigned evaluations[ADM_MODE_COUNT][3][2];
	unsigned findings; /* of checks */
	unsigned warnings, additions;
};

/*
 * The answer to a request's body. `timeout_s`: what the API server waits, 0 when it does not say.
 * Never fails: what cannot be answered is answered with status 400.
 */
void adm_review(const struct adm_config *c, const struct adm_cluster *cluster, enum adm_hook hook,
		const char *body, size_t len, unsigned timeout_s, struct adm_answer *out);
void adm_answer_free(struct adm_answer *a);
#define cleanup_adm_answer cleanup(adm_answer_free)

/*
 * The policy of a namespace with these labels. What is wrong with labels is appended to `faults`
 * as the API server words it ("metadata.labels[…]: Invalid value: …").
 */
struct adm_fault {
	const char *field, *value, *why;
};
enum { ADM_MAX_FAULTS = 6 };
struct adm_policy adm_policy_of(const struct ps_entries *labels, const struct adm_policy *defaults,
				struct adm_fault faults[ADM_MAX_FAULTS], size_t *faults_n);

/* ---- the same as policies that the API server judges by itself (admit_cel.c) */

enum { ADM_CEL_OLDEST = 25 }; /* version of the standards from which on they can be said so */

struct adm_cel {
	unsigned minor; /* of the standards: 1.N, or PSS_LATEST */
	const struct adm_config *config;
};
/* ValidatingAdmissionPolicy or MutatingAdmissionPolicy objects and their bindings, as YAML. */
void adm_cel_validating(const struct adm_cel *p, struct buf *out);
void adm_cel_mutating(const struct adm_cel *p, struct buf *out);

#endif
