/*
 * What is wrong or dangerous in a seccomp profile that somebody else wrote: one table of checks
 * (lint.c), a finding for each place, and a corrected profile with what can be corrected without
 * changing what the profile means (seccomp.h).
 */
#ifndef PROFILE_LINT_H
#define PROFILE_LINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "profile/seccomp.h"

enum { LINT_MAX_FINDINGS = 2000 }; /* of one profile; more are not listed */

enum lint_severity {
	LINT_INFO,   /* worth knowing */
	LINT_LOW,    /* without effect, or an effect in rare cases only */
	LINT_MEDIUM, /* breaks programs, or opens more than is likely meant */
	LINT_HIGH,   /* lets through what the profile refuses, or stops containers from starting */
	LINT_SEVERITY_COUNT
};

/* Who reads the profile. They differ in the members that they know. */
enum lint_engine {
	LINT_ANY_ENGINE,
	LINT_DOCKER,
	LINT_PODMAN,
	LINT_CRIO,
	LINT_CONTAINERD,
	LINT_CRUN,
	LINT_ENGINE_COUNT
};

struct lint;

/* A row of the table. Texts are for users. */
struct lint_check {
	const char *id;		     /* "arg-width" */
	const char *title;	     /* what it finds */
	enum lint_severity severity; /* the highest that its findings have */
	const char *why, *fix;
	const char *reference;
	bool fixable; /* lint_fix() corrects its findings that say so */
	void (*run)(struct lint *l, const struct lint_check *c);
};
extern const struct lint_check lint_checks[]; /* ends with a row whose id is NULL */

struct lint_finding {
	const struct lint_check *check;
	enum lint_severity severity;
	const char *pointer; /* JSON pointer of the place */
	unsigned line, col;
	const char *what;
	const char *rules; /* NULL, or corrected rules: a JSON array */
	bool fixable;
};

struct lint_options {
	enum lint_engine engine;
	const char *runtime;	     /* "runc", "crun"; NULL: that of the engine, or any */
	const char *runtime_version; /* NULL: any */
	int no_new_privs;	     /* 1 on, 0 off, -1 not known */
	const char *libseccomp;	     /* version, "2.5.4"; NULL: do not check names against it */
	struct sc_kver libc_kernel;  /* newer calls have to answer ENOSYS when they are refused */
	struct sp_host host;	     /* for conditions of Docker's and Podman's profiles */
};
/* Any engine and runtime, Linux 3.2 (what glibc and musl run on), this host. */
void lint_options_default(struct lint_options *o);
/* -EINVAL when a runtime, its version or that of libseccomp is none. */
int lint_options_check(const struct lint_options *o, struct err *e);

struct lint_report {
	struct arena arena;	       /* strings */
	struct lint_finding *findings; /* severe ones first, then by their place in the text */
	size_t n, cap;
	size_t count[LINT_SEVERITY_COUNT];
	bool incomplete; /* there is more than was looked at or listed */
};
void lint_report_free(struct lint_report *r);
#define cleanup_lint_report cleanup(lint_report_free)

/*
 * Looks at the text of a profile in any dialect. `name` is what places call it. A text that cannot
 * be read as a profile at all (not JSON, a wrong type, no such action): -EINVAL, with the place.
 */
int lint_profile(const char *name, const char *text, size_t len, const struct lint_options *o,
		 struct lint_report *r, struct err *e);

/*
 * The profile with what lint_profile() marks as fixable corrected, as JSON text in the same
 * dialect; caller frees. Each step is proven to keep the meaning on o->host (-EILSEQ when it does
 * not); none depends on the host but the decision of conditions for engines that do not know them.
 * A step after which the filter would be too large for the kernel is left out.
 */
int lint_fix(const char *name, const char *text, size_t len, const struct lint_options *o,
	     char **out, struct err *e);

const char *lint_severity_name(enum lint_severity s); /* "high" */
int lint_severity_parse(const char *name);	      /* -1: none of this name */
const char *lint_engine_name(enum lint_engine e);     /* "docker", NULL for any */
int lint_engine_parse(const char *name);

/* The report for people; `name` as above. */
void lint_text(const char *name, const struct lint_report *r, struct buf *out);
/* The array of findings; the JSON value belongs to the caller. */
struct json_object *lint_json(const char *name, const struct lint_report *r);

#endif
