/* What the files of the ptrace recorder share: record_ptrace*.c only. */
#ifndef SENSOR_RECORD_PTRACE_PRIVATE_H
#define SENSOR_RECORD_PTRACE_PRIVATE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>

#include "model/capture.h"
#include "model/workload.h"
#include "sensor/infer_caps.h"
#include "sensor/task.h"

enum {
	PT_OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC,
	PT_NR_MAX = 576,	/* numbers of every ABI lie below (x32: 547) */
	PT_MAX_VALUES = 4096,	/* distinct argument values kept of one call */
	PT_MAX_NETS = 20000,	/* distinct addresses kept */
	PT_TASK_BUCKETS = 1024, /* power of two */
};

#if defined(__x86_64__)
#define PT_NATIVE_ABI SC_X86_64
#elif defined(__aarch64__)
#define PT_NATIVE_ABI SC_AARCH64
#else
#error "boltseal knows x86-64 and AArch64"
#endif

/* What is to be done at a call. */
struct pt_call {
	const struct sc_desc *desc;
	const struct capture *cap;     /* NULL: only the number matters */
	const struct infer_row *infer; /* NULL: no capability is concluded */
};

struct pt_addr {
	uint16_t family, port;
	char text[128]; /* numeric address, "@name", or the path as the task wrote it */
};

/* A call between its entry and its exit. */
struct pt_pending {
	const struct pt_call *call; /* NULL: none */
	const char *name;	    /* of the call itself: socketcall, where `call` is bind */
	uint64_t args[SC_MAX_ARGS];
	uint64_t flags; /* OPEN */
	char *path[CAPTURE_MAX_PATHS];
	bool exists[CAPTURE_MAX_PATHS];
	uint64_t caps; /* needed, see infer_caps.h */
	bool narrow;   /* pointers in its structures have 32 bits */
	bool has_addr;
	struct pt_addr addr;
};

/* A traced thread. Their number is bounded by the kernel's limit on processes. */
struct pt_task {
	struct pt_task *next; /* in the same bucket */
	pid_t tid;
	int program;   /* index in the model, -1 unknown */
	bool quiet;    /* our own child before it executes the command: nothing is recorded */
	bool executed; /* a program, since it is traced */
	bool want_exit;
	bool creds_known;
	struct task_creds creds;
	struct pt_pending pend;
};

struct pt_recorder {
	struct workload *w;
	int source;
	enum wl_phase phase;
	bool listening; /* some process listens: the next wait for requests begins WL_SERVING */
	bool filter;	/* stops come from the seccomp filter */
	bool recording;
	bool starting; /* the command is not yet executed: nothing may end the recording */
	pid_t command; /* our child, 0 none */
	int command_status;
	int command_failed; /* errno of its execve */
	int failed_fd;	    /* tells it; -1 none */
	struct pt_task *tasks[PT_TASK_BUCKETS];
	size_t tasks_n;
	int clone_nr[SC_ABI_COUNT], clone3_nr[SC_ABI_COUNT];
	struct pt_call calls[SC_ABI_COUNT][PT_NR_MAX];
};

/* record_ptrace.c: the traced tasks. */
struct pt_task *pt_task_find(struct pt_recorder *r, pid_t tid);
struct pt_task *pt_task_new(struct pt_recorder *r, pid_t tid);

/* record_ptrace_start.c: where they come from. */
int pt_start(struct pt_recorder *r, char *const *argv, bool own_group, bool filter, struct err *e);
/* The errno with which the command could not be executed, 0 when it was. Call once it ended. */
int pt_start_failed(struct pt_recorder *r);
/* Clears CLONE_UNTRACED in a call that is about to run: the new task is to be traced. */
void pt_keep_traced(const struct pt_recorder *r, pid_t tid, enum sc_abi abi, uint64_t nr,
		    const uint64_t *args);
int pt_attach(struct pt_recorder *r, const pid_t *pids, size_t n, struct err *e);

/* record_ptrace_args.c: what is kept of a call. */
void pt_calls_init(struct pt_recorder *r);
/* Of a call's AUDIT_ARCH_*; *nr loses the mark of x32. -1: one that is not known, or a bad number.
 */
int pt_abi(uint32_t audit_arch, uint64_t *nr);
/* At the entry of a call; sets t->want_exit when pt_exit() is to be called. */
void pt_entry(struct pt_recorder *r, struct pt_task *t, enum sc_abi abi, uint32_t nr,
	      const uint64_t *args);
/* At its exit; `rval` is negative errno when it failed. */
void pt_exit(struct pt_recorder *r, struct pt_task *t, int64_t rval);
/* After a successful execve. `exec` is what the calling thread had pending. */
void pt_exec(struct pt_recorder *r, struct pt_task *t, struct pt_pending *exec);
/* The program that runs in the task, from /proc/TID/exe; -1 unknown. */
int pt_program(struct pt_recorder *r, pid_t tid);
void pt_pending_clear(struct pt_pending *p);
void pt_lost(struct pt_recorder *r, const char *what);
/* The task's credentials, NULL when they cannot be read. */
const struct task_creds *pt_creds(struct pt_task *t);

/* record_ptrace_files.c: paths and accesses. */
void pt_add_file(struct pt_recorder *r, struct pt_task *t, const char *path, bool pattern,
		 uint32_t access);
/* One access to the file behind a descriptor; `path` is that file, or does not exist. */
void pt_descriptor_access(struct pt_recorder *r, struct pt_task *t, struct task_path *path);
/* Names are resolved at entry: afterwards a rename or chdir has changed what they mean. */
void pt_paths_entry(struct pt_recorder *r, struct pt_task *t, struct task_path *first);
void pt_paths_exit(struct pt_recorder *r, struct pt_task *t, int64_t rval);
void pt_open_entry(struct pt_recorder *r, struct pt_task *t);
void pt_open_exit(struct pt_recorder *r, struct pt_task *t, int64_t rval);

/* record_ptrace_net.c: sockets. */
void pt_net_entry(struct pt_recorder *r, struct pt_task *t);
void pt_net_exit(struct pt_recorder *r, struct pt_task *t, int64_t rval);
/* Whether a process that was attached to listens already: its wait for requests is serving. */
bool pt_net_listens(pid_t tgid);

#endif
