/*
 * Whether programs can be attached to functions of the running kernel, and what else it permits
 * them. Tried, or read from its type information, not concluded from its release; nothing stays.
 */
#ifndef BPF_ATTACH_H
#define BPF_ATTACH_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * 0 when a program of this type can be attached to the kernel's function, or a negative errno;
 * -ENOENT: the kernel's type information does not have the function.
 */
int attach_try(enum bpf_prog_type type, enum bpf_attach_type attach, const char *function);

/*
 * Whether a task that is in the kernel is put aside for another one. While that is in a program at
 * a function, the kernel leaves the same program out for other tasks on that processor.
 */
enum attach_preemption {
	ATTACH_NOT_PREEMPTED,
	ATTACH_SELDOM_PREEMPTED, /* by real-time tasks, or it is not known */
	ATTACH_PREEMPTED,
};
enum attach_preemption attach_preemption(void);

/*
 * Whether the ends of system calls are hooked at the kernel's functions for them. False: `why` says
 * in a few words what is in the way.
 */
bool attach_to_calls(char *why, size_t size);

/* Whether tracefs offers events of single calls (syscalls:sys_exit_NAME). */
bool attach_has_call_events(void);

/*
 * Whether programs at tracepoints and kprobes may use hash maps that take memory when an entry
 * comes (BPF_F_NO_PREALLOC). Before Linux 6.1 they may, but the kernel warns of it in its log and
 * is "tainted" from then on; with kernel.panic_on_warn it stops.
 */
bool attach_with_growing_maps(void);

/*
 * Whether the kernel counts the memory of maps as locked (RLIMIT_MEMLOCK, before Linux 5.11) and
 * this process may not lock enough; *limit is then the limit, in bytes. The limit is raised where
 * that is permitted, as libbpf does before it makes a map.
 */
bool attach_lacks_memory(uint64_t *limit);

/* -EPERM, and what is missing when the kernel does not let this process load programs. */
int attach_no_right(struct err *e);

/* Whether a kprobe can be set at the beginning of the kernel's function. */
bool attach_has_kprobe(const char *function);

#endif
