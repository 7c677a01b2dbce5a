/*
 * Capabilities concluded from calls: what a call with these arguments, on this file, by this
 * process would have to ask for. Together with the result and the process's effective set it tells
 * whether a capability was used or missing. A recorder that cannot see the kernel's own checks uses
 * it; where the conclusion is not certain nothing is said. The rules are those of capabilities(7)
 * and of the manual pages of the calls.
 */
#ifndef SENSOR_INFER_CAPS_H
#define SENSOR_INFER_CAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "model/syscalls.h"
#include "sensor/task.h"

#define INFER_CAP(nr) (UINT64_C(1) << (nr))

struct infer_row;

struct infer_call {
	pid_t tid;
	enum sc_abi abi;
	const struct sc_desc *desc;
	const uint64_t *args; /* SC_MAX_ARGS */
	const struct task_creds *creds;
	const struct task_path *path; /* the file that the call is about, or NULL */
};

/* The rule for a call by name, NULL when no capability is ever concluded from it. */
const struct infer_row *infer_row(const char *name);
/* Whether the call may change the process's ids, capabilities or namespaces. */
bool infer_changes_creds(const struct infer_row *r);
/* The capabilities that the call asks for, as bits; to be called before it runs. */
uint64_t infer_needed(const struct infer_row *r, const struct infer_call *c);
/* The errno with which the call fails when it lacks them. */
int infer_refusal(const struct infer_row *r);

/* How a file is accessed, for infer_access(): bits as of access(2). */
enum { INFER_EXECUTE = 1, INFER_WRITE = 2, INFER_READ = 4 };
/*
 * The capability that lets a process access a file which its mode bits do not open for it, or 0.
 * `acl`: the file has a POSIX access list, so the mode bits decide only for its owner.
 */
uint64_t infer_access(const struct task_creds *c, const struct stat *st, unsigned want, bool acl);

#endif
