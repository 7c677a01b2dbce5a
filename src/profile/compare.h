/*
 * Comparing what any two of these do to every possible system call: a profile's meaning, a compiled
 * filter, the filters of a running thread. Both sides become canonical decision diagrams over all
 * bits of struct seccomp_data (diagram.h), so an answer "equal" or "subset" is a proof, and
 * anything else comes with a call that shows it.
 */
#ifndef PROFILE_COMPARE_H
#define PROFILE_COMPARE_H

#include "profile/bdd.h"
#include "profile/seccomp.h"

/* One side of a comparison. Nothing is owned. */
struct sp_operand {
	const char *name;		  /* what messages call it */
	const struct sp_profile *profile; /* NULL: the filters count */
	/*
	 * The filters of one thread, the newest first, as the kernel runs them: the strictest
	 * action wins, of equal ones the data of the newest. None: everything is allowed.
	 */
	const struct sp_filter *filters;
	size_t filters_n;
};

enum sp_relation {
	SP_EQUAL, /* every call gets the same action with the same data (sp_ret_cmp() is 0) */
	/*
	 * A is a subset of B: whatever A does to a call, B's action is the same or laxer in the
	 * kernel's order (enum sp_action). Other data of the same action is no difference here.
	 */
	SP_SUBSET,
};

/* A call on which the relation does not hold, with what each side does to it. */
struct sp_difference {
	struct seccomp_data sd;
	struct sp_ret a, b;
};

/*
 * 0: the relation holds, proven for every call. -EILSEQ: it does not, *out says where (the smallest
 * numbers that show it, roughly), and `e` says it in words. SP_SAMPLED: a filter computes with what
 * it loaded, or the diagrams grew beyond their limit; boundary values were tried and nothing was
 * found. -EINVAL: a filter that the kernel would refuse.
 */
int sp_compare(const struct sp_operand *a, const struct sp_operand *b, enum sp_relation want,
	       struct sp_difference *out, struct err *e);

/*
 * The diagram of an operand. SP_SAMPLED, and no diagram, when it has none; -EINVAL as above.
 */
int sp_operand_diagram(const struct sp_operand *o, struct bdd *b, uint32_t *out, struct err *e);

/* What two verdicts are to each other, as ends of the diagram that sp_relation_diagram() makes. */
enum sp_order { SP_SAME, SP_A_LAXER, SP_B_LAXER, SP_OTHER_DATA };
uint32_t sp_relation_diagram(struct bdd *b, uint32_t x, uint32_t y);

/* "ALLOW", "ERRNO ENOSYS", "KILL_PROCESS", "TRACE 5". */
void sp_ret_text(struct sp_ret r, struct buf *out);
/*
 * "x86_64 socket(family=AF_INET, type=SOCK_STREAM, protocol=0)": arguments at the width and by the
 * names that the kernel gives them. Bits of a register above that width are shown too when set.
 */
void sp_call_text(const struct seccomp_data *sd, struct buf *out);
/* The ABI and the call; SC_ABI_COUNT for another architecture, NULL for no known call. */
enum sc_abi sp_call_abi(const struct seccomp_data *sd);
const struct sc_desc *sp_call_desc(const struct seccomp_data *sd);

#endif
