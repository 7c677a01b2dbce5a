/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What the recording programs keep: settings, sets, slots and threads. */
#ifndef BPF_RECORD_STATE_H
#define BPF_RECORD_STATE_H

#include "ktypes.h"
#include "record.h"
#include "syscall_args.h"
#include "walk.h"

#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <linux/bpf.h>

/* Mirrors of enums of the model (rank 1 has no order among its folders); checked by the loader. */
enum { RUNTIME, SEALED, START, SERVING };
enum {
	K_PLAIN,
	K_OPEN,
	K_EXEC,
	K_MMAP,
	K_FD,
	K_FCNTL,
	K_BIND,
	K_LISTEN,
	K_CONNECT,
	K_SENDTO,
	K_SENDMSG,
	K_WAIT,
	K_CLONE3,
	K_SECCOMP,
};
enum { ANY_FILE, DIRECTORY, DIRECTORY_BY_FLAG };
enum { NET_LISTEN, NET_BIND, NET_CONNECT, NET_SEND };
#define F_READ	  (1 << 0)
#define F_WRITE	  (1 << 1)
#define F_APPEND  (1 << 2)
#define F_CREATE  (1 << 3)
#define F_EXEC	  (1 << 5)
#define F_MAP	  (1 << 6)
#define F_MISSING (1 << 10)
#define F_REFUSED (1 << 11)

#define AF_UNIX	      1
#define AF_INET	      2
#define AF_INET6      10
#define SOCK_DGRAM    2
#define S_IFMT	      0170000
#define S_IFDIR	      0040000
#define S_IFSOCK      0140000
#define O_ACCMODE     03
#define O_WRONLY      01
#define O_CREAT	      0100
#define O_TRUNC	      01000
#define O_APPEND      02000
#define O_PATH	      010000000
#define O_TMPFILE     020000000 /* without O_DIRECTORY */
#define PROT_EXEC     4
#define FMODE_CREATED 0x100000 /* include/linux/fs.h */
#define AT_FDCWD      -100
#define AT_REMOVEDIR  0x200
#define ENOENT	      2
#define EACCES	      13
#define EPERM	      1
#define ENOTDIR	      20
#define EROFS	      30
#define F_SETLK	      6
#define F_SETLKW      7
#define F_SETLK64     13
#define F_SETLKW64    14
#define F_OFD_SETLK   37
#define F_OFD_SETLKW  38
#define NO_NR	      0xffff

#define PR_SET_SECUREBITS 28 /* include/uapi/linux/prctl.h */
#define CAP_SETPCAP	  8  /* include/uapi/linux/capability.h */

enum { CAP_STACKS = 64, REC_OPENS = 1024 };

/* Set before load. */
const volatile struct rec_spec specs[REC_SPECS];
const volatile __u8 spec_of[REC_ABIS][REC_NRS];
const volatile char runtimes[REC_RUNTIMES][16];
const volatile __u8 watch_runtimes;
const volatile __u64 cgroup_id;	      /* 0: none */
const volatile __u8 is_open[REC_NRS]; /* native calls that open */

/* Shared with the loader through memory. */
__u8 seen[REC_PROGRAMS][REC_PHASES][REC_ABIS][REC_NRS];
__u8 todo[4][REC_ABIS][REC_NRS]; /* [0] is all ones; the loader prepares [1] and [2] in turn */
__u64 mode;			 /* low two bits: which todo; the rest counts changes */
__u32 slot_state[REC_SLOTS];
__u8 slot_phase[REC_SLOTS];
__u8 slot_listens[REC_SLOTS];
__u8 slot_command[REC_SLOTS]; /* begins with the first exec, not in another mount namespace */
__u8 slot_started[REC_SLOTS];
__u32 slot_filters[REC_SLOTS]; /* filters that the runtime had when it started */
__u32 slot_mnt_ns[REC_SLOTS];  /* mount namespace of the runtime itself */
__u32 slot_live[REC_SLOTS];
__u8 prog_used[REC_PROGRAMS];
__u8 prog_slot[REC_PROGRAMS];
__u32 prog_live[REC_PROGRAMS];	    /* threads */
__u8 prog_generation[REC_PROGRAMS]; /* counts how often an id was given to another program */
__u64 path_tags[REC_TAGS];	    /* files that were handed over; see path_known() */
__u32 paths_n;			    /* entries of the ring of paths, ever */
__u32 files_n;			    /* entries of the two file maps */
__u32 runtime_tasks;
__u32 cgroup_slot;
/*
 * Native opens are read at their return, by an event; else by task work or, where that is not at
 * hand, by name when they begin.
 */
__u8 at_exit;
__u64 opens_n; /* native opens of followed threads */
__u64 lost[REC_LOST_COUNT];

struct tids_chunk {
	__u16 word[REC_TIDS_CHUNK];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set by the loader from pid_max */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct tids_chunk);
} tids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_call);
	__type(value, __u8);
} calls SEC(".maps");

/*
 * Numbers of slots and of programs that are free; the loader fills them. Who takes one from there
 * is alone in that: atomic operations that return a value came with Linux 5.12.
 */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, REC_SLOTS);
	__type(value, __u32);
} free_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, REC_PROGRAMS);
	__type(value, __u32);
} free_programs SEC(".maps");

/* Paths on their way to the loader; what does not fit into the ring goes into the maps below. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} paths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_file_key);
	__type(value, struct rec_path);
} files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_file_key);
	__type(value, struct rec_path_entry);
} files_long SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_net);
	__type(value, __u8);
} nets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_unix);
	__type(value, __u8);
} unixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_cap);
	__type(value, __u64);
} caps SEC(".maps");

/* How often a capability was checked in a call, whoever in the kernel asked. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_cap);
	__type(value, __u32);
} cap_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, REC_STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_edge);
	__type(value, __u8);
} edges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, REC_PROGRAMS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rec_program);
	__type(value, __u8);
} programs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* kernel/bpf/helpers.c, Linux 6.18; one that is busy belongs to another thread. */
struct open_work {
	struct bpf_task_work work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REC_OPENS);
	__type(key, __u32);
	__type(value, struct open_work);
} open_works SEC(".maps");

extern int bpf_task_work_schedule_resume_impl(struct task_struct *task, struct bpf_task_work *work,
					      void *map,
					      int (*done)(struct bpf_map *, void *, void *),
					      void *aux) __ksym __weak;
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

/* One system call in the hands of the observers. */
struct call {
	__u64 a[6];
	__u32 word;
	__u16 nr;
	__u8 abi, phase, prog, slot;
	__u8 spec;
};

/*
 * What programs at tracepoints work with: nothing else on their processor comes in between. Also
 * what functions hand to each other that are checked by the verifier once each (global functions):
 * before Linux 5.13 they take numbers only.
 */
struct scratch {
	struct call call;
	/* A path: the directory grows down from the middle, the name up from it. */
	char text[WALK_TEXT];
	__u32 off; /* kept in memory: a range that the verifier forgets lets it prune the loop */
	/* The folder whose path stands in the lower half of `text`; `folder` 0: none. */
	struct {
		__u64 folder, name, above, mnt, root;
		__u32 from;
	} dir;
	struct rec_path small;
	struct rec_path_entry entry;
	struct rec_unix unix_name;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/*
 * Results of bpf_map_update_elem() are kept in an int: Linux 6.1 sets only the lower half of an
 * error.
 */
static __always_inline void count_lost(enum rec_lost what)
{
	__sync_fetch_and_add(&lost[what], 1);
}

/* Something new may be learned from calls that were known: look at every call again. */
static __always_inline void look_again(void)
{
	mode = (mode & ~3ULL) + 4;
}

static __always_inline __u16 *word_of(__u32 tid)
{
	__u32 chunk = tid / REC_TIDS_CHUNK;
	struct tids_chunk *c = bpf_map_lookup_elem(&tids, &chunk);

	return c ? &c->word[tid % REC_TIDS_CHUNK] : NULL;
}

/*
 * The smaller one, compared where the value is used: the verifier of Linux 6.1 does not carry what
 * it learned from a comparison over to a copy of 32 bits, which the compiler likes to make.
 */
static __always_inline __u64 at_most(__u64 value, __u64 max)
{
	asm volatile("" : "+r"(value));
	if (value > max)
		value = max;
	return value;
}

static __always_inline struct scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

static __always_inline struct call *call_get(void)
{
	struct scratch *s = scratch_get();

	return s ? &s->call : NULL;
}

/*
 * Whether a call surely came by the 64-bit SYSCALL instruction, which leaves its return address in
 * rcx and the flags in r11 (Intel SDM, SYSCALL). Cheaper than asking for the task; "no" means: ask.
 */
static __always_inline bool surely_native(struct pt_regs *regs, __u64 nr)
{
#if defined(__TARGET_ARCH_x86)
	return regs->cx == regs->ip && regs->r11 == regs->flags && nr < REC_NRS;
#else
	return false;
#endif
}

static __always_inline __u8 phase_of(struct task_struct *task, __u32 word)
{
	__u32 slot = REC_W_SLOT(word);

	if (!(word & REC_W_RUNTIME))
		return slot_phase[slot] == SERVING ? SERVING : START;
	return (__u32)GET(task, seccomp.filter_count.counter) > slot_filters[slot] ? SEALED
										   : RUNTIME;
}

#endif
