/* What is added to a pod: admit_mutate.c decides, the others say which profile and which nodes. */
#ifndef INSPECT_ADMIT_PLAN_H
#define INSPECT_ADMIT_PLAN_H

#include "inspect/admit_private.h"

/* What may be opted out of. */
enum { OUT_SECCOMP = 1, OUT_APPARMOR = 2, OUT_CAPABILITIES = 4, OUT_AFFINITY = 8, OUT_ALL = 15 };

/* Strings that are made on the way live in the review's arena. */
struct adm_plan {
	struct adm *r;
	const struct adm_mutate *m;
	const struct ps_pod *pod;
	const struct adm_profile **of; /* of each container, or NULL */
	unsigned out;
	struct buf notes;     /* the explanation */
	struct words selects; /* node labels "KEY=VALUE", or "KEY" for any version */
};

void adm_edit(struct adm_plan *p, enum ins_op op, const char *pointer, const char *json);
const char *adm_json(struct adm_plan *p, const char *text);
/* `container "web": WHAT (WHY)`, or "pod: …" without a container; `why` may be NULL. */
void adm_note(struct adm_plan *p, const struct ps_container *c, const char *what, const char *why);

/* admit_profiles.c: the first that fits, of the configuration and then of seals; NULL: none. */
const struct adm_profile *adm_profile_of(struct adm_plan *p, const struct ps_container *c);
/* The label of a profile is selected, wherever the pod has the profile's name from. */
void adm_select_profile(struct adm_plan *p, enum adm_kind kind, const char *name);
/* NULL is none. */
void adm_select_node(struct adm_plan *p, const char *label);

/* admit_nodes.c: required node affinity on the selected labels. */
void adm_plan_nodes(struct adm_plan *p);

#endif
