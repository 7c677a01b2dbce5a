/*
 * Inspection: documents become subjects (workloads, namespaces, node configurations), checks look
 * at subjects, and what they find goes into a report. A report keeps copies, so that a stream may
 * be freed once it was inspected.
 */
#ifndef INSPECT_INSPECT_H
#define INSPECT_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/yaml.h"
#include "inspect/pss.h"
#include "model/podspec.h"
#include "model/workload.h"

enum ins_severity { INS_INFO, INS_LOW, INS_MEDIUM, INS_HIGH, INS_CRITICAL, INS_SEVERITY_COUNT };

enum ins_category {
	INS_PRIVILEGE,
	INS_HOST,
	INS_CONFINEMENT,
	INS_IDENTITY,
	INS_FILES,
	INS_NETWORK,
	INS_NODE,
	INS_PLATFORM_USE,
	INS_CATEGORY_COUNT
};

/* What a document can be about; the first ones are those of enum ps_platform. */
enum ins_target {
	INS_KUBERNETES,
	INS_ECS,
	INS_DOCKER,
	INS_COMPOSE,
	INS_OCI,
	INS_NAMESPACE,	/* a Kubernetes Namespace */
	INS_KUBELET,	/* KubeletConfiguration */
	INS_DAEMON,	/* daemon.json of Docker */
	INS_NODE_STATE, /* what node_state.h gathers */
	INS_TARGET_COUNT
};

const char *ins_severity_name(enum ins_severity s);		  /* "info" … "critical" */
int ins_severity_parse(const char *text, enum ins_severity *out); /* -1: none of them */
const char *ins_category_name(enum ins_category c);
const char *ins_target_name(enum ins_target t);

/* Where the same subject is named elsewhere; NULL: nowhere. Lists are separated by blanks. */
struct ins_refs {
	const char *pss;       /* checks of the Pod Security Standards */
	const char *nsa;       /* controls of the NSA/CISA guide, by kubescape's numbers */
	const char *cis;       /* "Kubernetes:5.2.2 EKS:4.2.1 ACK:5.2.1" */
	const char *docker;    /* CIS Docker */
	const char *kubescape; /* controls */
	const char *trivy;     /* KSV-… */
	const char *checkov;   /* CKV_… */
	const char *aws;       /* Security Hub, Config, Control Tower, prowler */
};

struct ins_run;

struct ins_check {
	const char *id, *title;
	enum ins_severity severity; /* unless the finding says otherwise */
	enum ins_category category;
	unsigned targets; /* bits of enum ins_target */
	void (*run)(struct ins_run *r);
	const char *why, *fix;
	struct ins_refs refs;
};

/* All checks; ends with a row whose id is NULL. */
extern const struct ins_check ins_checks[];
/* One row for each check of the Pod Security Standards, for reports by that standard alone. */
extern const struct ins_check ins_pss_checks[];
const struct ins_check *ins_check_find(const char *id);

struct ins_place {
	const char *file;
	const char *pointer; /* RFC 6901, within the document; "" is the whole document */
	uint32_t line, col;  /* from 1; 0: not known */
};

enum ins_op { INS_SET, INS_APPEND, INS_REMOVE };

/* A change of the document, as part of a fix. */
struct ins_edit {
	enum ins_op op;
	const char *pointer; /* members on the way that do not exist are made */
	const char *json;    /* the new value, NULL for INS_REMOVE */
	const char *note;    /* what the workload loses by it; NULL: nothing that it should have */
};

struct ins_waiver {
	const char *file;
	uint32_t line, col;
	const char *rule, *subject, *container, *value; /* fnmatch(3) patterns, NULL: any */
	const char *owner, *reason, *expires;
	bool expired;
	size_t used;
};

struct ins_finding {
	const struct ins_check *check;
	enum ins_severity severity;
	size_t subject;	       /* index in the report */
	const char *container; /* NULL: the pod, or what has no containers */
	enum ps_class class;
	struct ins_place place;
	const char *value; /* as text, "not set" */
	const char *message;
	const char *evidence; /* what the workload model says, or NULL */
	struct ins_edit *edits;
	size_t edits_n;
	const char *patch; /* RFC 6902, or NULL */
	uint64_t fingerprint;
	const struct ins_waiver *waiver; /* NULL: none; it may be expired */
};

struct ins_subject {
	enum ins_target target;
	const char *kind, *ns, *name; /* ns "" when there is none */
	struct ins_place place;
	uint32_t doc_off;
	unsigned run, failed;		     /* checks */
	unsigned counts[INS_SEVERITY_COUNT]; /* findings that are not waived */
	unsigned score;			     /* 0 … 100 */
	const struct ins_check **passed;     /* those that ran and found nothing */
	size_t passed_n;
	const char *model; /* path of the workload model that belongs to it, or NULL */
};

struct ins_problem {
	const char *text; /* "file:line:col: …" */
	struct ins_place place;
};

struct ins_report {
	struct arena arena;
	struct map kept; /* texts of the arena: thousands of findings have the same ones */
	struct ins_subject *subjects;
	size_t subjects_n, subjects_cap;
	struct ins_finding *findings;
	size_t findings_n, findings_cap;
	struct ins_problem *problems; /* what could not be read */
	size_t problems_n, problems_cap;
	struct ins_waiver **waivers; /* in the arena */
	size_t waivers_n, waivers_cap;
	size_t documents, skipped;	 /* read; those of them that run no containers */
	const struct pss_policy *policy; /* NULL: all checks */
	unsigned score;
	unsigned counts[INS_SEVERITY_COUNT];
	size_t waived;
	time_t now;
	const char *aws_account, *aws_region; /* for ASFF */
};

struct ins_model {
	const char *path;
	struct workload w;
};

/* What a profile of a node allows beyond what a workload was seen to need (the app has it). */
struct ins_excess {
	size_t allowed, used; /* system calls */
	char examples[200];   /* names of dangerous ones among the others */
};

/* A node of the cluster that is inspected. */
struct ins_node {
	const char *name;
	struct ps_entry *labels;
	size_t labels_n;
};

/* The label that a node has when a profile is there, and the version that is wanted. */
struct ins_profile_label {
	char key[128], hash[16]; /* hash "": any */
};

struct ins_options {
	const struct pss_policy *policy; /* judge by this alone; NULL: all checks */
	const char *node_root;		 /* NULL: no node at hand */
	const char *kubelet_dir;	 /* within it: "var/lib/kubelet" */
	bool seccomp_default;		 /* nodes run the kubelet with SeccompDefault */
	bool skip_unknown;		 /* unknown kinds are no problems */
	bool skip_owned;		 /* objects that another object made, with its template */
	bool no_lines;			 /* the documents come from an API: places have no lines */
	const char *const *only;	 /* ids of checks, NULL: all */
	size_t only_n;
	struct ins_model *models;
	size_t models_n;
	const struct ins_node *nodes; /* of the cluster; none: not known */
	size_t nodes_n;
	/* False: a name of which nodes say nothing (the app knows what `boltseal node` does). */
	bool (*profile_label)(bool apparmor, const char *profile, struct ins_profile_label *out);
	int (*excess)(const char *profile, const struct workload *w, struct ins_excess *out,
		      struct err *e);
};

void ins_report_free(struct ins_report *r);
#define cleanup_ins_report cleanup(ins_report_free)

/*
 * document.c: inspects every document of the stream. What cannot be read is a problem of the
 * report. `quiet`: documents that are nothing boltseal knows are skipped (files found in a folder).
 */
void ins_stream(struct ins_report *r, const struct ins_options *o, const struct yaml_stream *s,
		bool quiet);
void ins_problem(struct ins_report *r, const char *file, uint32_t line, uint32_t col,
		 const char *text);

/* Scores and counts; after the last document. */
void ins_finish(struct ins_report *r);
/* Findings at or above the severity that nobody waived, or whose waiver expired. */
size_t ins_failures(const struct ins_report *r, enum ins_severity at_least);
/* "Deployment default/web" */
void ins_subject_name(const struct ins_subject *s, struct buf *out);

/*
 * waiver.c: a file of waivers (docs/inspect.md). Each needs rule, owner, reason and expires.
 */
int ins_waivers_load(struct ins_report *r, const char *path, struct err *e);
/* Annotations "boltseal.dev/waive-<rule>" of a subject; what is wrong with them is a problem. */
void ins_waivers_annotations(struct ins_report *r, const struct ps_entries *annotations,
			     const struct ins_subject *s, const char *file);
/* Gives the findings from this one on their waivers. */
void ins_waivers_apply(struct ins_report *r, size_t from);

#endif
