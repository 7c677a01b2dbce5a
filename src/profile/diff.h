/* All differences of two operands (compare.h), call by call, computed and not compared as text. */
#ifndef PROFILE_DIFF_H
#define PROFILE_DIFF_H

#include <json-c/json.h>

#include "profile/compare.h"
#include "profile/meaning.h"

enum sp_change_kind {
	SP_CHANGE_CALL,	   /* one call of one ABI */
	SP_CHANGE_ABI,	   /* all calls of an ABI, which one side does not tell apart */
	SP_CHANGE_NUMBERS, /* numbers that are no call of the ABI */
	SP_CHANGE_ARCHES,  /* architectures other than those boltseal knows */
};

struct sp_change {
	enum sp_change_kind kind;
	enum sc_abi abi;
	const struct sc_desc *desc;    /* SP_CHANGE_CALL */
	bool always;		       /* for all arguments, or all numbers */
	bool order[SP_OTHER_DATA + 1]; /* which of enum sp_order occur */
	struct sp_meaning a, b;	       /* SP_CHANGE_CALL */
	struct sp_difference example;
};

struct sp_diff {
	struct sp_change *changes; /* by ABI, then by number */
	size_t n, cap;
	bool order[SP_OTHER_DATA + 1]; /* over all changes: what A and B are to each other */
};

/* 0 with all changes (none: equal), -EOPNOTSUPP when a side has no diagram, -EINVAL. */
int sp_diff(const struct sp_operand *a, const struct sp_operand *b, struct sp_diff *out,
	    struct err *e);
void sp_diff_free(struct sp_diff *d);
#define cleanup_sp_diff cleanup(sp_diff_free)

void sp_diff_text(const struct sp_diff *d, const struct sp_operand *a, const struct sp_operand *b,
		  struct buf *out);
/* Format boltseal.diff/1, kind "seccomp". Belongs to the caller. */
struct json_object *sp_diff_json(const struct sp_diff *d, const struct sp_operand *a,
				 const struct sp_operand *b);

/* One call with both verdicts: {call, arch, nr, args, instruction_pointer, a, b}. */
struct json_object *sp_difference_json(const struct sp_difference *x);

#endif
