/*
 * Seccomp profiles: one meaning, read from and written to every dialect, compiled to classic BPF.
 *
 * Meaning (independent of the order of rules): a call (ABI, number, six arguments) matches a rule
 * when the rule names the call and ALL its conditions hold; a condition compares the argument at
 * the width that the kernel gives it (syscalls.tsv), so high bits of an `int` have no effect, and
 * registers of i386 have 32 bits. The value that a condition compares with is taken as it stands:
 * an `int` never equals 2^32. Among the matching rules the one with the strictest action wins, in
 * the kernel's own order (seccomp(2): KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, NOTIFY, TRACE, LOG,
 * ALLOW), except that a rule with conditions always beats one without. Two matching rules of the
 * same strictness with different data (errno) are a conflict, which sp_check() reports; the smaller
 * data wins then. No matching rule: the default action. An architecture that is not listed:
 * `bad_arch`, which is KILL_PROCESS unless set otherwise.
 *
 * x86-64 and x32 share AUDIT_ARCH_X86_64; bit 30 of the number tells them apart. Number -1 (a
 * tracer makes the kernel skip the call) gets the default action wherever either is listed.
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
	SP_MAX_RULES = 4096,		/* rules in a profile file */
	SP_MAX_NAMES = 100000,		/* names of system calls in all rules of a profile file */
	SP_MAX_ERRNO = 4095, /* MAX_ERRNO, linux/err.h: the kernel reduces greater ones to this */
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
	size_t source;	     /* index of the rule in its file or, when built, in the profile */
};

struct sp_profile {
	struct arena arena; /* strings */
	struct sp_ret deflt;
	struct sp_ret bad_arch;
	bool abi[SC_ABI_COUNT];
	uint32_t flags;		       /* SECCOMP_FILTER_FLAG_* of linux/seccomp.h */
	const char *listener_path;     /* NULL or the socket that gets the NOTIFY descriptor */
	const char *listener_metadata; /* NULL or text for the listener; needs listener_path */
	struct sp_rule *rules;
	size_t rules_n, rules_cap;
};

/* Building. A new profile has default ERRNO(EPERM), bad_arch KILL_PROCESS and no architecture. */
void sp_init(struct sp_profile *p);
void sp_free(struct sp_profile *p);
#define cleanup_sp_profile cleanup(sp_free)
/* A new rule; valid until the next call. `comment` is copied and may be NULL. */
struct sp_rule *sp_rule_add(struct sp_profile *p, struct sp_ret ret, const char *comment);
/* The name is copied; one that is there already is not added again. */
void sp_rule_name(struct sp_profile *p, struct sp_rule *r, const char *name);
void sp_rule_cond(struct sp_rule *r, uint8_t index, enum sp_op op, uint64_t value, uint64_t value2);

const char *sp_action_name(enum sp_action a); /* "SCMP_ACT_ERRNO" */
bool sp_action_takes_data(enum sp_action a);  /* ERRNO and TRACE */
const char *sp_op_name(enum sp_op op);	      /* "SCMP_CMP_EQ" */

/* The flags that profiles may name; ends with a row whose name is NULL. */
struct sp_flag {
	const char *name;
	uint32_t bit;
};
extern const struct sp_flag sp_flags[];

/* The host that a Docker or Podman profile with conditions (caps, arches, minKernel) is read for.
 */
struct sp_host {
	enum sc_abi native;
	uint64_t caps; /* bounding set, bit = capability number */
	struct sc_kver kernel;
};
void sp_host_current(struct sp_host *h); /* this machine; caps = Docker's default 14 */

/*
 * seccomp_read.c. Reads the OCI, Docker and Podman dialects (one reader; each only adds members).
 * Docker's and Podman's conditions (includes, excludes, archMap) are decided for `h`, NULL: the
 * current host. Unknown members, unknown names, wrong types, out-of-range values: an error with
 * file:line:column and JSON pointer. With `unknown` not NULL, unknown system calls are appended
 * there instead, one name a line, and skipped. Calls and architectures that Linux has elsewhere
 * (riscv_flush_icache, SCMP_ARCH_MIPS …) are no errors: those names stay in the rule without
 * effect, those architectures are left out. Without `architectures` and archMap: the native one
 * alone. An errno on an action that takes none is dropped, as runc does. `p` is filled anew, on
 * success only.
 */
int sp_read(struct sp_profile *p, const struct json_doc *d, const struct sp_host *h,
	    struct buf *unknown, struct err *e);
int sp_load(struct sp_profile *p, const char *path, const struct sp_host *h, struct buf *unknown,
	    struct err *e);

enum sp_dialect { SP_DIALECT_OCI, SP_DIALECT_DOCKER, SP_DIALECT_PODMAN, SP_DIALECT_COUNT };
/*
 * seccomp_write.c: the profile as JSON text of the dialect; caller frees. Names are sorted, rules
 * with the same action and conditions are one, strict rules come first; the same meaning built in
 * another order gives the same text. Always `architectures`, never archMap; no dialect can say
 * `bad_arch`.
 */
char *sp_write(const struct sp_profile *p, enum sp_dialect dialect);

/*
 * -E2BIG when there are more pairs of rules than can be looked at in a few seconds.
 * -EINVAL for conflicting rules (same call, both match one call of it, same strictness, other data)
 * and for EQ and MASKED_EQ conditions that hold on none of the profile's architectures, because the
 * value has bits outside the mask or beyond the width of the argument. `e` says which rules
 * (/syscalls/N) and, for a conflict, a call that both match.
 */
int sp_check(const struct sp_profile *p, struct err *e);

/* The plain meaning, evaluated without the compiler: what happens to this call. `nr` has x32's bit.
 */
struct sp_ret sp_eval(const struct sp_profile *p, uint32_t audit_arch, uint32_t nr,
		      const uint64_t args[6]);
/*
 * The same for a runtime that compares all 64 bits of each register, as libseccomp's filters do
 * (seccomp_rule_add(3): the datum is 64 bits wide), where the kernel looks at fewer.
 */
struct sp_ret sp_eval_registers(const struct sp_profile *p, uint32_t audit_arch, uint32_t nr,
				const uint64_t args[6]);
/* Whether the condition holds for a register of which `bits` low bits count: the definition. */
bool sp_cond_holds(const struct sp_cond *c, uint64_t arg, unsigned bits);
/* A call (its arguments) that both rules match, given that both name it; false: there is none. */
bool sp_rules_meet(const struct sp_rule *a, const struct sp_rule *b, enum sc_abi abi,
		   const struct sc_desc *d, uint64_t args[SC_MAX_ARGS]);
/* Low bits of argument `index` that count, 16, 32 or 64; the whole register when it has none. */
unsigned sp_arg_bits(enum sc_abi abi, const struct sc_desc *d, unsigned index);

/* The kernel's SECCOMP_RET_* word of an action, and back (unknown words: KILL_PROCESS). */
uint32_t sp_ret_word(struct sp_ret r);
struct sp_ret sp_ret_of_word(uint32_t word);
/* Negative when `a` is stricter than `b`, 0 when equal; of equal actions the smaller data is. */
int sp_ret_cmp(struct sp_ret a, struct sp_ret b);

/* The rules of one call in one ABI; `rule` points at `n` rules of the profile, in their order. */
struct sp_call {
	uint16_t nr; /* x32 without SC_X32_BIT */
	const struct sc_desc *desc;
	const struct sp_rule **rule;
	size_t n;
};
struct sp_calls {
	struct sp_call *call; /* by ascending nr, each with at least one rule */
	size_t n;
	const struct sp_rule **pool; /* what the `rule` members point into */
};
/* All calls of this ABI that a rule of the profile names. */
void sp_calls_init(struct sp_calls *c, const struct sp_profile *p, enum sc_abi abi);
void sp_calls_free(struct sp_calls *c);
#define cleanup_sp_calls cleanup(sp_calls_free)

struct sp_filter {
	struct sock_filter *insn; /* malloc'ed */
	size_t n;
};
void sp_filter_free(struct sp_filter *f);
#define cleanup_sp_filter cleanup(sp_filter_free)

/*
 * compile.c: the profile as classic BPF for seccomp(2). The same rules in any order give the same
 * bytes. -EINVAL without an architecture; -E2BIG when it needs more than SP_MAX_INSNS instructions.
 * Calls with one verdict for all arguments are decided by arch and nr alone, so that the kernel's
 * allow bitmap (5.11) serves those that are allowed.
 */
int sp_compile(const struct sp_profile *p, struct sp_filter *f, struct err *e);

/*
 * frequencies.c: how often each call is made. The text has lines "NAME COUNT" (# begins a comment),
 * or is the table that `strace -c` prints. -EINVAL with the line that is neither; names that are no
 * calls are skipped.
 */
struct sp_frequencies {
	uint64_t *count; /* by the position of the call in sc_at(); malloc'ed */
};
int sp_frequencies_read(struct sp_frequencies *f, const char *name, const char *text,
			struct err *e);
void sp_frequencies_free(struct sp_frequencies *f);
#define cleanup_sp_frequencies cleanup(sp_frequencies_free)
/* 0 for calls without a count, and with `f` NULL. */
uint64_t sp_frequency(const struct sp_frequencies *f, const struct sc_desc *d);
/* As sp_compile(), with calls that are made often decided early. `often` may be NULL. */
int sp_compile_often(const struct sp_profile *p, const struct sp_frequencies *often,
		     struct sp_filter *f, struct err *e);

/*
 * simulate.c: runs a filter on a call as the kernel does (net/core/filter.c, kernel/seccomp.c);
 * a program the kernel would refuse: -EINVAL.
 */
int sp_simulate(const struct sp_filter *f, const struct seccomp_data *sd, uint32_t *ret,
		struct err *e);
/* The same for a program that has passed sp_filter_check(). */
uint32_t sp_run(const struct sp_filter *f, const struct seccomp_data *sd);
/* The kernel's own checks alone. */
int sp_filter_check(const struct sp_filter *f, struct err *e);

/*
 * prove.c: whether the filter, of whatever compiler, does what the profile means. Both are turned
 * into canonical decision diagrams over all 512 bits of struct seccomp_data, so 0 is a proof for
 * every possible call, instruction pointer included. -EILSEQ: they differ, and `e` has a call with
 * both verdicts. Verdicts are compared as the kernel acts on them (data of KILL and the like does
 * not count). SP_SAMPLED: the filter uses instructions that the diagrams do not cover (X register,
 * scratch memory, arithmetic other than AND) or they grew beyond their limit; then boundary values
 * of all conditions and of the program's own constants were tried, with a fixed random series, and
 * no difference was found. -EINVAL: the kernel would refuse the program.
 */
enum { SP_SAMPLED = 1 };
int sp_prove(const struct sp_profile *p, const struct sp_filter *f, struct err *e);
/*
 * Whether the filter notifies (USER_NOTIF) of exactly the calls that the profile neither allows nor
 * logs, and does to the others what the profile says. 0, -EILSEQ, -EINVAL; -E2BIG without a proof.
 */
int sp_prove_complain(const struct sp_profile *p, const struct sp_filter *f, struct err *e);
/*
 * What everybody uses who puts a filter to work: sp_check(), sp_compile_often() and sp_prove() in
 * one. -E2BIG also when the profile is too large for a proof. Nothing that is not proven comes out.
 */
int sp_compile_proven(const struct sp_profile *p, const struct sp_frequencies *often,
		      struct sp_filter *f, struct err *e);

/*
 * remarks.c: appends what is no error but cannot be meant, one remark a line: rules, and calls of
 * rules, that never decide anything because others always win, with their places.
 */
void sp_remarks(const struct sp_profile *p, struct buf *notes);

#endif
