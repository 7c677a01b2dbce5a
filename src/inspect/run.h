/* What checks use to look at a subject and to say what they found. */
#ifndef INSPECT_RUN_H
#define INSPECT_RUN_H

#include "inspect/inspect.h"

struct ins_run {
	struct ins_report *report;
	const struct ins_options *o;
	const struct yaml_stream *s;
	const struct ins_check *check;
	size_t subject;
	const struct ps_pod *pod;	/* NULL for targets without containers */
	const struct yaml_node *root;	/* of the document */
	const struct yaml_node *object; /* what is inspected, within it */
	const struct ins_model *model;	/* of this workload, or NULL */
	struct arena *arena;		/* of the report */
	const char *prefix; /* of pointers: where the stream's text stands in another document */
	const struct yaml_node *outer; /* the string of the other document that it is, or NULL */
	bool unjudged; /* set by a check that lacks what it would compare with: not passed */
};

/*
 * A finding about the container (NULL: the pod). `at` is the node of the value; when it is NULL the
 * value is not set, and `base` (the container's or the pod's node) and `path`, a relative pointer,
 * say where it would be. The result is valid until the next finding.
 */
__attribute__((format(printf, 6, 7))) struct ins_finding *ins_find(
	struct ins_run *r, const struct ps_container *c, const struct yaml_node *at,
	const struct yaml_node *base, const char *path, const char *fmt, ...);

/* Adds a change to the finding's fix: of the value at `base` + "/" + `path` (NULL: base itself). */
void ins_fix(struct ins_run *r, struct ins_finding *f, enum ins_op op, const struct yaml_node *base,
	     const char *path, const char *json, const char *note);
__attribute__((format(printf, 3, 4))) void ins_evidence(struct ins_run *r, struct ins_finding *f,
							const char *fmt, ...);
/* Pointer and place of a node of this document or of the one around it. */
struct ins_place ins_place_of(const struct ins_run *r, const struct yaml_node *n, const char *path);
/* The text in the report's arena, once however often it is kept. */
const char *ins_keep(struct ins_report *r, const char *text);
/* Runs the checks that apply to the subject and counts. */
void ins_run_checks(struct ins_run *r);

/* Writes the patches of the findings from this one on. */
void ins_patches(struct ins_run *r, size_t from);

/* pss_report.c: findings of the Pod Security Standards alone. */
void ins_run_pss(struct ins_run *r);

#define ins_each(r, c)                                            \
	for (const struct ps_container *c = (r)->pod->containers; \
	     c && c < &(r)->pod->containers[(r)->pod->containers_n]; c++)

#endif
