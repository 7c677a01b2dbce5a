/*
 * What this kernel and host support of the things that boltseal uses. Each feature is one row of a
 * table; its probe tries the thing itself where that has no lasting effect, and reads /proc and
 * /sys where it has not. Nothing is changed, nothing stays loaded.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include <stdbool.h>
#include <stddef.h>

enum probe_state { PROBE_YES, PROBE_LIMITED, PROBE_NO, PROBE_STATE_COUNT };

enum { PROBE_DETAIL_MAX = 320 };

struct probe_result {
	enum probe_state state;
	char detail[PROBE_DETAIL_MAX]; /* versions, numbers, the reason; never empty */
};

struct probe_feature {
	const char *id;	   /* stable, for JSON: "seccomp_notify" */
	const char *group; /* "Recording" … ; rows of one group stand together */
	const char *title;
	const char *use; /* what boltseal does with it */
	const char *fix; /* what to do when it is missing; "" when nothing is needed */
	void (*probe)(struct probe_result *r);
};

size_t probe_count(void);
const struct probe_feature *probe_at(size_t i); /* i < probe_count() */

/* "yes", "limited", "no" */
const char *probe_state_name(enum probe_state s);

/* What follows from the results, which stand in the table's order. */
struct probe_verdict {
	bool record_ebpf, record_ptrace;
	bool seal; /* seccomp filters can be loaded */
};
void probe_conclude(const struct probe_result *results, struct probe_verdict *v);

#endif
