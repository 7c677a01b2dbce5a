/*
 * What responding asks for, as plain data: one request, one result. Requests hold no pointers, so
 * that a process without rights can send them to one that has rights, which checks them once more
 * (respond_act) and does nothing that is not in this table.
 */
#ifndef RESPOND_REQUEST_H
#define RESPOND_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * X(constant, name, about a whole container, its undoing), in the order in which several actions of
 * one rule are done: what ends processes comes last.
 */
#define RESPOND_ACTIONS(X)                                              \
	X(BLOCK_NETWORK, "block-network", true, RESPOND_ALLOW_NETWORK)  \
	X(BLOCK_EXEC, "block-exec", true, RESPOND_ALLOW_EXEC)           \
	X(DENY, "deny", true, RESPOND_PERMIT)                           \
	X(FREEZE, "freeze", true, RESPOND_THAW)                         \
	X(QUARANTINE, "quarantine", true, RESPOND_RELEASE)              \
	X(KILL, "kill", false, RESPOND_ACTION_COUNT)                    \
	X(KILL_CONTAINER, "kill-container", true, RESPOND_ACTION_COUNT) \
	X(ALLOW_NETWORK, "allow-network", true, RESPOND_ACTION_COUNT)   \
	X(ALLOW_EXEC, "allow-exec", true, RESPOND_ACTION_COUNT)         \
	X(PERMIT, "permit", true, RESPOND_ACTION_COUNT)                 \
	X(THAW, "thaw", true, RESPOND_ACTION_COUNT)                     \
	X(RELEASE, "release", true, RESPOND_ACTION_COUNT)

enum respond_action {
#define RESPOND_ACTION_ENUM(id, name, container, undo) RESPOND_##id,
	RESPOND_ACTIONS(RESPOND_ACTION_ENUM)
#undef RESPOND_ACTION_ENUM
		RESPOND_ACTION_COUNT
};

const char *respond_action_name(enum respond_action a);
/* RESPOND_ACTION_COUNT when there is none of this name. */
enum respond_action respond_action_by_name(const char *name);
bool respond_action_is_container(enum respond_action a);
/* The action that takes this one back; RESPOND_ACTION_COUNT: nothing does. */
enum respond_action respond_action_undo(enum respond_action a);

/* Operations that LSM programs refuse; bits of respond_request.operations. */
#define RESPOND_OPERATIONS(X)       \
	X(FILE, "file")             \
	X(EXEC, "exec")             \
	X(NETWORK, "network")       \
	X(MOUNT, "mount")           \
	X(PTRACE, "ptrace")         \
	X(MODULE, "module")         \
	X(CAPABILITY, "capability") \
	X(BPF, "bpf")

enum respond_operation {
#define RESPOND_OPERATION_ENUM(id, name) RESPOND_OP_##id,
	RESPOND_OPERATIONS(RESPOND_OPERATION_ENUM)
#undef RESPOND_OPERATION_ENUM
		RESPOND_OP_COUNT
};

const char *respond_operation_name(enum respond_operation o);
/* RESPOND_OP_COUNT when there is none of this name. */
enum respond_operation respond_operation_by_name(const char *name);

enum {
	RESPOND_KEEP = 1,  /* stays when the process that did it ends */
	RESPOND_HOST = 2,  /* the process may be one of the host */
	RESPOND_ASKED = 4, /* somebody named the control group; it need not be a container's */
};

enum {
	RESPOND_ID_MAX = 80,
	RESPOND_CGROUP_MAX = 512,
	RESPOND_PATH_MAX = 4096,
	RESPOND_RULE_MAX = 256,
	RESPOND_IMAGE_MAX = 256,
	RESPOND_SHA256 = 65,
};

struct respond_request {
	uint32_t action; /* enum respond_action */
	uint32_t flags;
	uint32_t operations;		 /* of RESPOND_DENY: 1u << enum respond_operation */
	uint32_t pid;			 /* in the first pid namespace; 0: none */
	uint64_t start;			 /* of that process, CLOCK_BOOTTIME in ns */
	uint64_t capabilities;		 /* of RESPOND_DENY with capability: 1 << number */
	char container[RESPOND_ID_MAX];	 /* id; "": a process of the host */
	char cgroup[RESPOND_CGROUP_MAX]; /* path below the hierarchies' roots */
	char exe[RESPOND_PATH_MAX];	 /* the program, as the process sees it */
	char image[RESPOND_IMAGE_MAX];	 /* reference of the container's image; "": not known */
	char rule[RESPOND_RULE_MAX];	 /* why; "": somebody asked */
};

enum respond_outcome {
	RESPOND_DONE,
	RESPOND_ALREADY, /* it is as asked already */
	RESPOND_DRY,	 /* it would have been done */
	RESPOND_REFUSED, /* must not be done */
	RESPOND_FAILED,
	RESPOND_OUTCOME_COUNT
};

const char *respond_outcome_name(enum respond_outcome o); /* "done", "already", "dry-run" … */

struct respond_result {
	uint32_t outcome; /* enum respond_outcome */
	char text[512];	  /* how it was done, or why not; never empty */
};

__attribute__((format(printf, 3, 4))) void respond_say(struct respond_result *r,
						       enum respond_outcome o, const char *fmt,
						       ...);

#endif
