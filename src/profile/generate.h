/*
 * Generators: a workload model becomes a seccomp profile, an AppArmor profile and a list of
 * capabilities (platform.h: what engines and orchestrators are told); and the verifier, which says
 * what a profile would deny of a model. docs/profiles.md explains to users what is generated and
 * why.
 *
 * What counts are the phases in which the program runs (WL_PROGRAM_PHASES). The phase "sealed", in
 * which the container runtime works under the profile, counts for seccomp too.
 *
 * `notes` receives remarks for the user, one a line: what could not be made tighter and why.
 */
#ifndef PROFILE_GENERATE_H
#define PROFILE_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "model/workload.h"
#include "profile/seccomp.h"

/* Which argument values a seccomp profile pins to those seen. */
enum gen_arguments {
	GEN_ARGS_OFF,
	GEN_ARGS_SAFE,	 /* those that do not change with the terminal, the network or a libc */
	GEN_ARGS_STRICT, /* also ioctl and fcntl commands, socket options, arch_prctl */
};

/* Which calls are allowed together with another one that was seen. */
enum gen_equivalents {
	GEN_EQ_OFF,
	GEN_EQ_PROCESS, /* clone and clone3, fork and vfork */
	GEN_EQ_ALL,	/* also open and openat, stat and newfstatat and statx … */
};

/* Calls that only an analysis of code knows, in a model that has recordings too (unseen.h). */
enum gen_unseen {
	GEN_UNSEEN_ALL,	 /* allow them */
	GEN_UNSEEN_SAFE, /* but those that lint calls dangerous */
	GEN_UNSEEN_NONE, /* leave them out */
};

struct gen_options {
	const char *name;	     /* of the profile; NULL: gen_name() of the model */
	const char *runtime;	     /* NULL: the model's, and without one all that are known */
	const char *runtime_version; /* NULL: unknown */
	bool no_new_privs;	     /* the container will run with no_new_privs */
	const struct workload *base; /* NULL, or a measured base: its phase "sealed" counts */
	bool complain;		     /* log instead of refuse */
	bool allow_incomplete;	     /* go on, with a note, when the recording is not complete */
	bool clone3;		     /* allow clone3; otherwise it answers ENOSYS */
	enum gen_arguments arguments;
	enum gen_equivalents equivalents;
	enum gen_unseen unseen;
	bool no_base;	      /* seccomp: for a process that runs, not for a runtime to load */
	bool unseen_programs; /* apparmor: allow to execute what only code names */
};

/* What the command line starts from: safe arguments, process equivalents, the rest off. */
void gen_options_default(struct gen_options *o);

/*
 * The name of the profile: o->name, or that of the workload with what is not a letter, digit, ".",
 * "_" or "-" replaced by "-". Caller frees. -EINVAL when o->name has other characters, since the
 * name becomes part of file names, command lines and AppArmor rules.
 */
int gen_name(const struct workload *w, const struct gen_options *o, char **out, struct err *e);

/*
 * Refuses (-ENODATA) a model without any system call of the program, and, unless allowed, one that
 * is not complete. Every generator below starts with it.
 */
int gen_check_model(const struct workload *w, const struct gen_options *o, struct buf *notes,
		    struct err *e);

/*
 * The seccomp profile. It is compiled, proven equal to its filter, and verified against the model
 * before it is handed out; `out` is initialised here and only then needs sp_free().
 */
int gen_seccomp(const struct workload *w, const struct gen_options *o, struct sp_profile *out,
		struct buf *notes, struct err *e);

/* The AppArmor profile as text (ABI 3.0, for apparmor_parser 3.0 and later). */
int gen_apparmor(const struct workload *w, const struct gen_options *o, struct buf *out,
		 struct buf *notes, struct err *e);

/* Capabilities by number, as masks: bit n is capability n. */
struct gen_caps {
	uint64_t needed;  /* granted to the program, and not just probed */
	uint64_t refused; /* tried, always refused */
	uint64_t unused;  /* what Docker grants unless told otherwise and nobody asked for */
};
void gen_caps(const struct workload *w, struct gen_caps *c);
/* The same as a report with the evidence. The JSON value belongs to the caller. */
void gen_caps_text(const struct workload *w, struct buf *out);
struct json_object *gen_caps_json(const struct workload *w);

/* Verification. */
enum verdict {
	VERDICT_DENIED,	   /* the call is refused, whatever its other arguments are */
	VERDICT_DEPENDS,   /* it depends on arguments that the model does not have */
	VERDICT_HANDED_ON, /* TRACE or NOTIFY: another process decides */
	VERDICT_FALLBACK,  /* clone3 answers ENOSYS, and clone with the same flags is allowed */
};

struct verify_call {
	enum verdict verdict;
	enum sc_abi abi;
	uint32_t nr;	  /* x32 without its bit */
	const char *name; /* NULL: a number that this version does not know */
	uint8_t args_n;
	uint8_t index[WL_MAX_ARGS];
	uint64_t value[WL_MAX_ARGS], mask[WL_MAX_ARGS];
	bool condition;		    /* of a policy: (argument & mask) is the value */
	const struct wl_prov *prov; /* of the model; NULL: needed by the container runtime */
	struct sp_ret ret;
	long rule; /* index of the rule in the profile's file; -1: no rule, the default action;
		      -2: the ABI is not listed */
};

struct verify_report {
	struct verify_call *calls;
	size_t calls_n, calls_cap;
	size_t count[VERDICT_FALLBACK + 1]; /* of calls, by verdict */
	size_t checked; /* combinations of call and arguments that were looked at */
	uint64_t caps_denied;
	char runtime[128]; /* whose base was checked; "" none */
};

struct verify_options {
	const struct sp_profile *profile; /* NULL: capabilities only */
	bool check_caps;
	uint64_t caps;		     /* what the container will have */
	const char *runtime;	     /* NULL: do not check the base of a runtime */
	const char *runtime_version; /* NULL: unknown */
	bool no_new_privs;
};

int verify_model(const struct workload *w, const struct verify_options *o, struct verify_report *r,
		 struct err *e);
void verify_report_free(struct verify_report *r);
#define cleanup_verify_report cleanup(verify_report_free)
/* What is denied, calls and capabilities. */
size_t verify_denials(const struct verify_report *r);
void verify_text(const struct workload *w, const struct verify_report *r, struct buf *out);
struct json_object *verify_json(const struct workload *w, const struct verify_report *r);

#endif
