#ifndef INSPECT_ADMIT_PRIVATE_H
#define INSPECT_ADMIT_PRIVATE_H

#include "inspect/admit.h"
#include "inspect/words.h"

/* A review on its way. Strings live in the arena or belong to the document. */
struct adm {
	const struct adm_config *c;
	const struct adm_cluster *cluster;
	struct adm_answer *answer;
	struct arena arena;
	struct yaml_stream s;
	const struct yaml_node *root, *request, *object, *old;
	const char *api_version, *uid, *operation, *group, *version, *kind, *resource, *subresource;
	const char *name, *ns, *user;
	bool dry_run;
	unsigned timeout_s;
	uint64_t started; /* ms, monotonic */

	/* The answer. */
	bool denied;
	unsigned code; /* with `reason` and `message` when it is denied */
	const char *reason, *message;
	const char *details; /* JSON, or NULL */
	struct words warnings;
	struct ps_entries audit;
	size_t audit_cap;
	struct ins_edit *edits; /* of the object */
	size_t edits_n, edits_cap;
};

bool adm_is(const char *a, const char *b);
bool adm_has(const struct adm_words *w, const char *word);     /* exactly */
bool adm_matches(const struct adm_words *w, const char *word); /* a pattern of them fits */
const char *adm_label(const struct ps_entries *labels, const char *key); /* NULL: not there */

__attribute__((format(printf, 2, 3))) void adm_warn(struct adm *r, const char *fmt, ...);
__attribute__((format(printf, 3, 4))) void adm_audit(struct adm *r, const char *key,
						     const char *fmt, ...);
__attribute__((format(printf, 4, 5))) void adm_deny(struct adm *r, unsigned code,
						    const char *reason, const char *fmt, ...);
/* 403: `pods "web" is forbidden: …`. */
__attribute__((format(printf, 2, 3))) void adm_forbid(struct adm *r, const char *fmt, ...);
/* A string as Go's %q writes it. */
const char *adm_quote(struct adm *r, const char *text);

/* The pod of the object, or of its template. 1: it has none; -EINVAL: it cannot be read. */
int adm_read_pod(struct adm *r, const struct yaml_node *object, struct ps_pod *pod, struct err *e);

void adm_validate(struct adm *r);
void adm_validate_namespace(struct adm *r);
void adm_mutate(struct adm *r);
/* admit_checks.c: findings of the checks that the configuration names. */
void adm_run_checks(struct adm *r, const struct ps_pod *pod, bool enforce);

#endif
