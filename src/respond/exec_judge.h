/*
 * Whether an execution is refused: by SHA-256, by what the workload's model does not have, by what
 * a YARA rule matches. Needs no rights: it is given the open file, and may be another process than
 * the one that is asked by the kernel (exec_guard.h).
 */
#ifndef RESPOND_EXEC_JUDGE_H
#define RESPOND_EXEC_JUDGE_H

#include "base/err.h"
#include "respond/policy.h"

struct exec_judge;

/* An execution that waits; a file that is open for reading comes with it. */
struct exec_asked {
	uint64_t time; /* CLOCK_MONOTONIC, ns: when another process was asked; 0: none is */
	uint32_t seq, pid;
	char container[RESPOND_ID_MAX];
	char path[RESPOND_PATH_MAX]; /* as the container sees it */
};

struct exec_refusal {
	char container[RESPOND_ID_MAX];
	uint32_t pid;
	char path[RESPOND_PATH_MAX]; /* as the container sees it */
	char reason[256];
	bool late; /* it was permitted meanwhile */
};

/* So long an execution waits for another process. What is decided later came too late. */
#define EXEC_WAIT_NS UINT64_C(10000000000)

/* Loads what the policy names; `p` may be NULL and has to stay. The caller frees *out. */
int exec_judge_new(struct exec_judge **out, const struct respond_policy *p, struct err *e);
void exec_judge_free(struct exec_judge *j);

/* Knows the container of the request from now on. False: there are too many. */
bool exec_judge_add(struct exec_judge *j, const struct respond_request *q);
void exec_judge_remove(struct exec_judge *j, const char *container);
/*
 * The open program is forbidden in the container from now on; -1: there is none. Adds to the text
 * of *out, which says that executions are asked for; RESPOND_ALREADY: it was forbidden before.
 */
void exec_judge_forbid(struct exec_judge *j, const struct respond_request *q, int program,
		       struct respond_result *out);
/* Whether it is refused; a refusal is kept. For one thread at a time, beside the others here. */
bool exec_judge_refuses(struct exec_judge *j, const struct exec_asked *a, int fd);
/* Takes the oldest refusal that nobody took yet; false: there is none. */
bool exec_judge_take(struct exec_judge *j, struct exec_refusal *out);

#endif
