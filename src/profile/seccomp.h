/*
 * Seccomp profiles: one meaning, read from and written to every dialect, compiled to classic BPF.
 *
 * Meaning (independent of the order of rules): a call (ABI, number, six arguments) matches a rule
 * when the rule names the call and ALL its conditions hold; a condition compares the argument at
 * the width that the kernel gives it (syscalls.tsv), so high bits of an `int` have no effect. Among
 * the matching rules the one with the strictest action wins, in the kernel's own order
 * (seccomp(2): KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, NOTIFY, TRACE, LOG, ALLOW), except that a
 * rule with conditions always beats one without. Two matching rules of the same strictness with
 * different data (errno) are a conflict, which sp_check() reports. No matching rule: the default
 * action. An architecture that is not listed: KILL_PROCESS for the whole process, unless
 * `bad_arch` says otherwise.
 */
#ifndef PROFILE_SECCOMP_H
#define PROFILE_SECCOMP_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "model/syscalls.h"

enum {
	SP_MAX_BYTES = 8 * 1024 * 1024, /* of a profile file */
	SP_MAX_INSNS = 4096,		/* BPF_MAXINSNS, linux/bpf_common.h */
	SP_MAX_CONDS = 64,		/* conditions of one rule */
};

/* From strict to lax. */
enum sp_action {
	SP_KILL_PROCESS,
	SP_KILL_THREAD,
	SP_TRAP,
	SP_ERRNO,
	SP_NOTIFY,
	SP_TRACE,
	SP_LOG,
	SP_ALLOW,
	SP_ACTION_COUNT
};

struct sp_ret {
	enum sp_action action;
	uint16_t data; /* errno of ERRNO, message of TRACE; else 0 */
};

/* Unsigned comparisons, as in the OCI runtime specification ("LinuxSeccompArg"). */
enum sp_op { SP_NE, SP_LT, SP_LE, SP_EQ, SP_GE, SP_GT, SP_MASKED_EQ, SP_OP_COUNT };

struct sp_cond {
	uint8_t index; /* 0 … 5 */
	enum sp_op op;
	uint64_t value;	 /* MASKED_EQ: the mask */
	uint64_t value2; /* MASKED_EQ: what (argument & mask) must equal */
};

struct sp_rule {
	const char **names;
	size_t names_n, names_cap;
	struct sp_ret ret;
	struct sp_cond *conds;
	size_t conds_n, conds_cap;
	const char *comment; /* NULL or why the rule is there; written where the dialect allows */
	size_t source;	     /* index of the rule in its file, for messages */
};

struct sp_profile {
	struct arena arena; /* strings */
	struct sp_ret deflt;
	struct sp_ret bad_arch;
	bool abi[SC_ABI_COUNT];
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* of linux/seccomp.h */
	struct sp_rule *rules;
	size_t rules_n, rules_cap;
};

/* Building. A new profile has default ERRNO(EPERM), bad_arch KILL_PROCESS and no architecture. */
void sp_init(struct sp_profile *p);
void sp_free(struct sp_profile *p);
#define cleanup_sp_profile cleanup(sp_free)
/* A new rule; valid until the next call. `comment` is copied and may be NULL. */
struct sp_rule *sp_rule_add(struct sp_profile *p, struct sp_ret ret, const char *comment);
void sp_rule_name(struct sp_profile *p, struct sp_rule *r, const char *name);
void sp_rule_cond(struct sp_rule *r, uint8_t index, enum sp_op op, uint64_t value,
		  uint64_t value2);

const char *sp_action_name(enum sp_action a); /* "SCMP_ACT_ERRNO" */
const char *sp_op_name(enum sp_op op);	      /* "SCMP_CMP_EQ" */

/* The host that a Docker or Podman profile with conditions (caps, arches, minKernel) is read for. */
struct sp_host {
	enum sc_abi native;
	uint64_t caps; /* bounding set, bit = capability number */
	struct sc_kver kernel;
};
void sp_host_current(struct sp_host *h); /* this machine; caps = Docker's default 14 */

/*
 * seccomp_json.c. Reads OCI, Docker and Podman dialects (found by their members). Unknown system call
 * names, unknown members that change meaning, wrong types, out-of-range values: an error with
 * file:line:column. With `unknown` not NULL unknown names are appended there, one a line, and skipped
 * instead. `h` NULL: the current host.
 */
int sp_read(struct sp_profile *p, const struct json_doc *d, const struct sp_host *h,
	    struct buf *unknown, struct err *e);
int sp_load(struct sp_profile *p, const char *path, const struct sp_host *h, struct buf *unknown,
	    struct err *e);

enum sp_dialect { SP_DIALECT_OCI, SP_DIALECT_DOCKER, SP_DIALECT_PODMAN, SP_DIALECT_COUNT };
/* The profile as JSON text of the dialect: sorted, deterministic; caller frees. */
char *sp_write(const struct sp_profile *p, enum sp_dialect dialect);

/* Conflicting rules (same call, overlapping conditions, same strictness, other data): -EINVAL. */
int sp_check(const struct sp_profile *p, struct err *e);

/* The plain meaning, evaluated without the compiler: what happens to this call. `nr` has x32's bit. */
struct sp_ret sp_eval(const struct sp_profile *p, uint32_t audit_arch, uint32_t nr,
		      const uint64_t args[6]);
/* The kernel's SECCOMP_RET_* word of an action, and back (unknown words: KILL_PROCESS). */
uint32_t sp_ret_word(struct sp_ret r);
struct sp_ret sp_ret_of_word(uint32_t word);

struct sp_filter {
	struct sock_filter *insn; /* malloc'ed */
	size_t n;
};
void sp_filter_free(struct sp_filter *f);
#define cleanup_sp_filter cleanup(sp_filter_free)

/*
 * compile.c: the profile as classic BPF for seccomp(2). Same profile, same bytes. More than
 * SP_MAX_INSNS instructions: -E2BIG. System calls that are allowed without conditions are decided
 * by arch and nr alone, so that the kernel's allow bitmap (5.11) serves them.
 */
int sp_compile(const struct sp_profile *p, struct sp_filter *f, struct err *e);

/*
 * simulate.c: runs a filter on a call as the kernel does (net/core/filter.c, kernel/seccomp.c);
 * a program the kernel would refuse: -EINVAL.
 */
int sp_simulate(const struct sp_filter *f, const struct seccomp_data *sd, uint32_t *ret,
		struct err *e);
/*
 * Compares filter and profile on boundary calls of every number and rule (and, exhaustively, on each
 * number without conditions); a difference: -EILSEQ with the counter-example call in the message.
 */
int sp_prove(const struct sp_profile *p, const struct sp_filter *f, struct err *e);

#endif
