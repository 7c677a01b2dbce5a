/*
 * The response policy: whether boltseal acts or only says what it would do, on whom it never acts,
 * how often, and what stays when it ends. Format of the file: docs/response.md.
 */
#ifndef RESPOND_POLICY_H
#define RESPOND_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "respond/request.h"

/* Patterns (fnmatch(3)); NULL: any. All that are given have to match. */
struct respond_match {
	const char *container, *image, *namespace, *pod, *program, *user, *rule, *tag;
	int priority; /* at least this severe (0 is the most severe); -1: any */
};

/* Who and what a response is about, for matching. NULL: not known, matches no pattern. */
struct respond_subject {
	const char *container_id, *container_name, *image, *namespace, *pod;
	const char *program, *user; /* path of the executable; name of the user */
	const char *rule;
	const char *const *tags;
	size_t tags_n;
	int priority;
};

struct respond_limit {
	unsigned actions; /* within `within`; 0: none at all */
	uint64_t within;  /* ns */
};

struct respond_reaction { /* actions for rules whose files stay as they are */
	struct respond_match match;
	unsigned actions; /* 1u << enum respond_action */
};

struct respond_denial { /* what LSM programs refuse to containers from their start */
	struct respond_match match;
	unsigned operations; /* 1u << enum respond_operation */
	uint64_t capabilities;
};

struct respond_model {
	const char *image; /* pattern */
	const char *file;
};

/* What an execution that is looked at is refused for. */
struct respond_exec {
	bool always;	  /* every container, not only those that a rule fired for */
	bool refuse_late; /* what nobody decided in time is refused, and not permitted */
	const char **hashes;
	size_t hashes_n, hashes_cap;
	struct respond_model *models;
	size_t models_n, models_cap;
	const char **yara;
	size_t yara_n, yara_cap;
};

struct respond_policy {
	struct arena arena;
	bool enforce;			 /* or a dry run */
	bool host;			 /* processes of the host, too */
	bool keep[RESPOND_ACTION_COUNT]; /* stays when boltseal ends */
	struct respond_match *allow;
	size_t allow_n, allow_cap;
	struct respond_limit per_container, total;
	struct respond_reaction *reactions;
	size_t reactions_n, reactions_cap;
	struct respond_denial *denials;
	size_t denials_n, denials_cap;
	struct respond_exec exec;
	const char *evidence; /* folder for what quarantine keeps */
};

#define RESPOND_EVIDENCE "/var/lib/boltseal/evidence"

/* Dry run, an empty allow-list, 5 actions a minute for each container and 30 in all. */
void respond_policy_init(struct respond_policy *p);
void respond_policy_free(struct respond_policy *p);
/* Over what respond_policy_init made. Errors name file:line:column. */
int respond_policy_load(struct respond_policy *p, const char *path, struct err *e);
int respond_policy_parse(struct respond_policy *p, const char *name, const char *text, size_t len,
			 struct err *e);

/*
 * What another process has to know that acts (policy_wire.c): limits, the allow-list, denials, the
 * host, what stays, where evidence goes, and what becomes of executions that nobody decides; none
 * of the mode and of what rules ask for. `take` checks all of it, and then puts it in place of
 * *out; -EINVAL: the bytes are no policy.
 */
enum { RESPOND_POLICY_BYTES = 4 * 1024 * 1024 };
void respond_policy_put(const struct respond_policy *p, struct buf *out);
int respond_policy_take(struct respond_policy *out, const void *bytes, size_t len, struct err *e);

bool respond_match(const struct respond_match *m, const struct respond_subject *s);
/* The actions that the policy adds for this rule and subject. */
unsigned respond_policy_actions(const struct respond_policy *p, const struct respond_subject *s);

#endif
