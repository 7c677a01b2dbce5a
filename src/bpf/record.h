/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What the recording programs (record.bpf.c) and their loader (sensor/record_bpf_load.c) share. */
#ifndef BPF_RECORD_H
#define BPF_RECORD_H

#include <linux/types.h>

enum {
	REC_ABIS = 3,	    /* x86: x86_64, i386, x32; arm64: aarch64, arm */
	REC_PHASES = 4,	    /* enum wl_phase */
	REC_NRS = 576,	    /* numbers of every ABI lie below (x32: 547) */
	REC_PROGRAMS = 256, /* distinct executables of one recording; 0 is "unknown" */
	REC_SLOTS = 32,	    /* workloads followed at one time; 0 is "none" */
	REC_SPECS = 256,    /* a byte says which */
	REC_ARGS = 3,
	REC_PATHS = 2,
	REC_TIDS_CHUNK = 32, /* words in one element of the tids map */
	REC_TAGS = 32768,    /* a power of two */
	REC_PATH_SHORT = 400,
	REC_PATH_MAX = 4096, /* PATH_MAX */
	REC_STACK_DEPTH = 12,
	REC_ARGV = 1024,
	REC_RUNTIMES = 8,
};

/* The word of a thread in the tids map; 0: not followed. */
#define REC_W_VALID 0x8000u
#define REC_W_RUNTIME                                                              \
	0x4000u /* a container runtime, before it executes the container's program \
		 */
#define REC_W_SLOT(w) (((w) >> 8) & 0x1f)
#define REC_W_PROG(w) ((w)&0xff)
#define REC_W(s, p)   (REC_W_VALID | ((s) << 8) | (p))

enum rec_slot_state {
	REC_FREE,
	REC_CANDIDATE, /* a runtime started something; the loader decides whether it is wanted */
	REC_KEPT,
	REC_DROPPED, /* unwanted: its threads are forgotten at their next event */
};

/* What is known of a number of a program in a phase. */
enum {
	REC_UNSEEN,
	REC_SEEN,     /* it was called; every further call may tell more (arguments, paths) */
	REC_SEEN_ALL, /* further calls tell nothing new */
};

/* What to do at a call: one row of model/capture.c with its argument widths applied. */
struct rec_spec {
	__u8 kind; /* enum capture_kind */
	__u8 args_n;
	__u8 arg[REC_ARGS];
	__s8 flags_arg;
	__u8 directory; /* enum capture_directory */
	__u64 mask[REC_ARGS];
	struct {
		__s8 dirfd, path;
		__u16 access;
	} path[REC_PATHS];
};

/* A recorded combination of arguments. */
struct rec_call {
	__u8 prog, phase, abi, n;
	__u16 nr;
	__u16 spec;
	__u64 value[REC_ARGS];
};

/* Flags of a path. */
enum {
	REC_P_NAME = 1,	    /* as the caller wrote it, behind the directory: not resolved */
	REC_P_DIR = 2,	    /* a directory */
	REC_P_PROGRAM = 4,  /* the path of the executable of program `prog` */
	REC_P_DETACHED = 8, /* not below the root: memfd, deleted mount, other root */
	REC_P_TRUNCATED = 16,
	REC_P_RAN = 32, /* a name that was executed, and not just asked for */
};

/* Identity of a path entry: what makes it worth another look. */
struct rec_file_key {
	__u64 folder; /* where the kernel keeps the folder, or the one that a name starts from */
	__u64 folder_name; /* hash and length of the folder's name */
	__u64 name;   /* hash and length of the last component; `named`: hash of the whole name */
	__u16 access; /* WL_F_* */
	__u8 prog;
	__u8 phase;
	__u8 named;
	__u8 pad[3];
};

struct rec_path {
	__u16 len;   /* bytes in `text` */
	__u16 base;  /* REC_P_NAME: where the caller's name begins in `text` */
	__u32 flags; /* REC_P_* */
	char text[REC_PATH_SHORT];
};

/* As it travels through the ring: `len` bytes of `text` are there. Also the long ones in a map. */
struct rec_path_entry {
	struct rec_file_key key;
	__u16 len, base;
	__u32 flags;
	char text[2 * REC_PATH_MAX];
};

struct rec_net {
	__u8 prog, phase;
	__u8 op; /* enum wl_net_op */
	__u8 pad;
	__u16 family, type, protocol;
	__u16 port; /* host byte order */
	__u8 addr[16];
};

struct rec_unix {
	__u8 prog, phase, op, len; /* len: of the name, at most 108 (sockaddr_un) */
	__u16 type;
	__u16 pad;
	char name[108]; /* a leading NUL: abstract */
};

struct rec_cap {
	__u8 prog, phase, cap, granted;
	__u8 abi, known; /* known: `speculative` was told by the kernel */
	__u16 nr;	 /* 0xffff: outside a system call */
	__s32 stack;	 /* id in the stacks map, or negative */
	__u32 speculative;
};

struct rec_edge {
	__u8 parent, child;
};

struct rec_program {
	__u64 ino;
	__u32 dev;
	__u32 slot;
};

enum rec_event_kind {
	REC_EV_RUNTIME, /* a runtime was executed: argv says what it does */
	REC_EV_STARTED, /* the first program of a slot was executed */
	REC_EV_GONE,	/* the last thread of a slot ended */
	REC_EV_JOINED,	/* a process entered the followed cgroup: its other threads are to be marked
			 */
};

struct rec_event {
	__u32 kind, slot;
	__u32 pid; /* thread group, in the initial pid namespace */
	__u32 prog;
	__u32 started; /* the slot has executed a program */
	__u32 argv_len;
	char argv[REC_ARGV]; /* NUL-separated */
};

enum rec_lost {
	REC_LOST_FILES,
	REC_LOST_ARGS,
	REC_LOST_NET,
	REC_LOST_CAPS,
	REC_LOST_PROGRAMS,
	REC_LOST_TASKS,
	REC_LOST_EVENTS,
	REC_LOST_CALLS, /* system calls with a number beyond REC_NRS */
	REC_LOST_COUNT
};

#endif
