/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the watching programs and their loader share: settings, and the records in the rings. A
 * record is a struct watch_rec and behind it its parts; each part begins at a multiple of 8 bytes
 * with a struct watch_part.
 */
#ifndef BPF_WATCH_H
#define BPF_WATCH_H

#include <linux/types.h>

enum {
	WATCH_NRS = 512,      /* native numbers of calls that can be watched */
	WATCH_HOOK_TYPES = 3, /* of functions that programs are attached to (watch_hooks.h) */
	WATCH_SPECS = 256,    /* rows; 0 is the empty one */
	WATCH_ARGS = 6,
	WATCH_PARTS_BYTES = 16384, /* of the parts of one record */
	WATCH_PART_MAX = 4096,	   /* bytes of one part */
	WATCH_CLAUSES = 16,
	WATCH_CPUS = 512,
	WATCH_NETS = 4,	      /* of one clause */
	WATCH_PORTS = 16,     /* of one clause */
	WATCH_TEXT_MAX = 512, /* bytes of a text that is looked through */
	WATCH_STATES = 1024,  /* of the table that looks through texts */
	WATCH_CLASSES = 64,   /* kinds of bytes there; a power of two */
	WATCH_GROUPS = 20,    /* of texts */
};

enum watch_kind {
	WATCH_CALL = 1, /* a system call returned */
	WATCH_EXEC,	/* a program was executed; arg[1]: enum watch_narrow */
	WATCH_FORK, /* a process (no thread) was made: pid is the child, arg[0] its parent, arg[1]
		       the thread that made it */
	WATCH_EXIT, /* the last thread of a process ended */
	/*
	 * Drift, of programs in mount namespaces whose behaviour is known (struct watch_ns); a
	 * container has one of its own. ret: how often since the last such record.
	 */
	WATCH_NEW_CALL, /* a call is made that is not known: nr | ABI << WATCH_ABI_SHIFT */
	WATCH_NEW_ARGS, /* or a native one with arguments that are not */
	WATCH_NEW_CAP,	/* a capability that is not known is granted: arg[0] */
	WATCH_NEW_NS,	/* nobody said yet what is known of mount namespace arg[0] */
};

/* A program's addresses have 32 bits: its calls are not seen, or are. */
enum watch_narrow { WATCH_WIDE, WATCH_NARROW_UNSEEN, WATCH_NARROW_SEEN };

/* What a call of the 32-bit ABI is by the native one. */
enum watch_compat_how {
	WATCH_C_SAME,
	WATCH_C_SOCKETCALL, /* argument 0 says which, 1 points to the arguments */
	WATCH_C_MMAP,	    /* argument 0 points to the arguments */
	WATCH_C_MMAP2,	    /* the offset is in pages of 4096 bytes */
	WATCH_C_CLONE,	    /* arguments 3 and 4 are the other way round */
	WATCH_C_JOIN_1,	    /* argument 1 has its upper half in the next */
	WATCH_C_JOIN_3,
	WATCH_C_ONE,	/* has argument 0 only */
	WATCH_C_TIME64, /* times in memory have 64 bits, of which the ns are the lower 32 */
};

struct watch_compat {
	__u16 nr;  /* native, plus one; 0: none */
	__u16 how; /* enum watch_compat_how */
};

enum { WATCH_SOCKETCALLS = 32 }; /* operations of socketcall(2) */

enum { WATCH_ABI_SHIFT = 12, WATCH_ABIS = 3 }; /* ABIs: 0 native, 1 of 32 bits, 2 x32 */

enum watch_ns_state {
	WATCH_NS_ASKED,	  /* its calls are collected (struct watch_asked) until somebody says */
	WATCH_NS_KNOWN,	  /* what is not in `known` is told, and counted when it goes on */
	WATCH_NS_IGNORED, /* it does not matter */
};

struct watch_ns_key {
	__u32 mnt_ns, abi;
};

/* What is known of one ABI of a mount namespace; bit n is call n. */
struct watch_ns {
	__u64 known[WATCH_NRS / 64];
	__u64 caps; /* known capabilities; of ABI 0, and for all */
	__u32 state;
	__u32 pad;
};

/* What was called before somebody said what is known. */
struct watch_asked {
	__u8 seen[WATCH_NRS];
};

enum { WATCH_KEPT = 3, WATCH_KEPTS = 32 };

/* Which arguments of a native call are compared. */
struct watch_kept {
	__u32 n;
	__u8 arg[WATCH_KEPT];
	__u8 pointer; /* the value is the 64 bits that the argument points to (clone3) */
	__u64 mask[WATCH_KEPT];
};

/* Known arguments of a call, as a set. */
struct watch_args {
	__u32 mnt_ns, nr;
	__u64 value[WATCH_KEPT]; /* masked; 0 beyond those that are compared */
};

/* What an argument of a call is. */
enum watch_arg {
	WATCH_A_NONE,
	WATCH_A_PATH,	  /* text; relative to the descriptor spec.dir[i], -1: the folder */
	WATCH_A_TEXT,	  /* text that is no path of a file (target of a symlink) */
	WATCH_A_FD,	  /* descriptor: what is open there */
	WATCH_A_ADDR,	  /* struct sockaddr, its length in the next argument */
	WATCH_A_ADDR_OUT, /* filled by the kernel, a pointer to its length in the next argument */
	WATCH_A_DATA,	  /* bytes that the caller wrote, as many as the call returned */
	WATCH_A_MSG,	  /* struct msghdr: its name and the first of its buffers */
	WATCH_A_MMSG,	  /* the same of the first struct mmsghdr */
	WATCH_A_HOW,  /* struct open_how: flags and mode become this argument's and the next's */
	WATCH_A_WORD, /* points to 64 bits, which become the argument (flags of struct clone_args)
		       */
	/* What follows is read for records only, into arguments that the call does not have. */
	WATCH_A_ATTRIBUTES, /* points to 32 bits: WATCH_AT_ATTRIBUTES */
	WATCH_A_TIMESPECS, /* two struct timespec, timeval, or a struct utimbuf: WATCH_AT_ATIME … */
	WATCH_A_TIMEVALS,
	WATCH_A_UTIMBUF,
	WATCH_A_SIGNAL, /* a signal: to whom it went (WATCH_P_SIGNALLED) */
};

enum { WATCH_AT_ATTRIBUTES = 3, WATCH_AT_ATIME = 4, WATCH_AT_MTIME = 5 };

/* A time of a file that is set, in ns since 1970, signed; besides: */
#define WATCH_TIME_NOW	0x7fffffffffffffffLL
#define WATCH_TIME_KEPT (-0x7fffffffffffffffLL - 1) /* it stays as it is */

/* A call is wanted of programs of known behaviour; when it succeeds; by nobody else. */
enum { WATCH_DRIFT_WANTED = 1, WATCH_DRIFT_SUCCESS = 2, WATCH_DRIFT_ALONE = 4 };

struct watch_spec {
	__u8 arg[WATCH_ARGS]; /* enum watch_arg */
	__s8 dir[WATCH_ARGS];
	__u8 ret_fd; /* the result is a descriptor: what is open there */
	__u8 clauses;
	__u8 path, low; /* numbers of the arguments that paths and `by_low` are about */
	__u16 data_max; /* bytes of WATCH_A_DATA and WATCH_A_MSG that are handed over */
	/* Clauses, as bits, that hold when the call succeeded or failed, and by the lowest bits of
	 * an argument; those of which something else has to be looked at, in this order. */
	__u16 by_failed[2], by_low[8];
	__u16 slow, containers, sockets, comms, needled, paths;
	/* Three bytes, each eight times, that the path as given has to have in a row for any of
	 * `needled`. */
	__u64 needle[3];
	__u8 drift; /* WATCH_DRIFT_* */
};

/*
 * A record leaves the kernel when one of the clauses of its call holds; a call without clauses
 * always does.
 */
enum watch_result { WATCH_ANY_RESULT, WATCH_SUCCESS, WATCH_FAILURE };

/* Address families of a socket, as bits. */
#define WATCH_F_IPV4  1
#define WATCH_F_IPV6  2
#define WATCH_F_OTHER 4
#define WATCH_F_ANY   7

struct watch_clause {
	__u8 result;	/* enum watch_result */
	__u8 container; /* asks for a container; the programs look at spec.containers */
	__u8 arg;	/* number of the argument that the masks are about */
	__u8 families;	/* WATCH_F_*; 0: not asked for */
	__u8 ports_n;
	__u8 pad[3];
	__u64 any;	   /* 0, or: one of these bits of `arg` */
	__u64 numbers;	   /* 0, or: its lower 32 bits are the number of one of these bits */
	__u64 mask, value; /* (arg & mask) == value */
	__u64 results;	   /* 0, or: the result is the number of one of these bits */
	/* Bits of groups of texts, all of which have to hold: those that only look at the program's
	 * name; those that do not look at the file's place; all. */
	__u32 comm, given, groups;
	/* Networks: the clause does not hold when both ends are in the same one. Network order; a
	 * mask of 0: none. */
	__u32 net[WATCH_NETS], net_mask[WATCH_NETS];
	__u16 port[WATCH_PORTS]; /* one end has one of these, when there are any */
};

/*
 * Texts, each of which belongs to a group, are found by one walk through a path or a name: `next`
 * has for a state (times WATCH_CLASSES) and the class of the next byte the following state; `found`
 * the groups of what has just been seen, `whole` those of texts that only count at the end. Class 0
 * is that of NUL, which changes nothing. The groups of each subject have WATCH_GROUPS bits of their
 * own, and two more bits are for paths that do not mean what they say.
 */
enum watch_subject { WATCH_S_PATH, WATCH_S_RAW, WATCH_S_COMM };
#define WATCH_DOUBLED	 (1ull << 62) /* "//": fd.nameraw has one slash there */
#define WATCH_NOT_NORMAL (1ull << 63) /* has "//", "/./" or "/../", or ends with a slash */

struct watch_texts {
	__u8 class[256];
	__u16 next[WATCH_STATES * WATCH_CLASSES + 256]; /* so that every sum is inside */
	__u64 found[WATCH_STATES], whole[WATCH_STATES];
	__u32 start; /* the first state, times WATCH_CLASSES */
	__u32 used;  /* 0: there are no texts */
};

/*
 * Rules that the kernel decides and acts on by itself: when everything holds, the process is killed
 * before it returns to its own code.
 */
enum { WATCH_KILLS = 16, WATCH_KILL_COMMS = 8, WATCH_KILL_PATH = 248 };
enum watch_wish { WATCH_EITHER, WATCH_YES, WATCH_NO };

struct watch_kill {
	__u8 kind;	   /* WATCH_CALL, WATCH_EXEC; 0: an empty row */
	__u8 result;	   /* enum watch_result */
	__u8 flags;	   /* number of the argument with the flags of an open, plus one; 0: none */
	__u8 access;	   /* of it: 1 reads, 2 writes, 3 both */
	__u8 upper, memfd; /* enum watch_wish: about the executable that was started */
	__u8 comms, pad;   /* names in `comm`; 0: any */
	__u32 paths, exes; /* bits in the values of kill_paths; 0: any */
	char comm[WATCH_KILL_COMMS][16];
};

/* Key of kill_paths: a whole path with its NUL, or the beginning of paths. */
struct watch_kill_path {
	__u32 bits; /* length of the text in bits (bpf_lpm_trie_key) */
	char text[WATCH_KILL_PATH];
};

/* By the id of a control group: those of containers in which the kernel may act. */
struct watch_killable {
	__u32 rules; /* 1u << row */
	__s32 left;  /* kills that the limits leave */
};

/* How a call was made that is none: an operation of an io_uring that stands for it. */
enum {
	WATCH_URING = 1,
	WATCH_URING_DIRECT = 2,	 /* the file has no descriptor, but a place in the ring's table */
	WATCH_URING_POLLED = 4,	 /* submitted by the ring's own thread */
	WATCH_URING_ASYNC = 8,	 /* carried out by a worker thread */
	WATCH_URING_UNTOLD = 16, /* the caller wants no completion: told before there is a result */
};

enum { WATCH_URING_OPS = 64 }; /* operations, by their numbers (linux/io_uring.h) */

struct watch_rec {
	__u32 size;	/* with all parts */
	__u16 kind;	/* enum watch_kind */
	__u16 nr;	/* WATCH_CALL: native number */
	__u64 time;	/* CLOCK_BOOTTIME, ns */
	__u32 tid, pid; /* in the first pid namespace */
	__u32 uid, gid; /* effective */
	__s64 ret;
	__u64 arg[WATCH_ARGS];
	char comm[16];
	__u64 start; /* of the process, CLOCK_BOOTTIME */
	__u64 cap_permitted, cap_effective;
	__u32 tty; /* as in /proc/PID/stat; 0: none */
	__u32 loginuid;
	__u32 vpid;  /* of the process, in its own pid namespace */
	__u32 parts; /* bytes of parts that found no room in the record */
	__u32 uring; /* WATCH_URING_*; 0: a system call */
	__u32 pad;
};

enum watch_part_kind {
	WATCH_P_PATH = 1, /* as the caller wrote it */
	WATCH_P_BASE,	  /* the folder that a relative path begins at */
	WATCH_P_TEXT,
	WATCH_P_FD, /* struct watch_fd */
	WATCH_P_ADDR,
	WATCH_P_DATA,
	WATCH_P_EXE,	  /* path of the executable */
	WATCH_P_FILENAME, /* as execve(2) was told */
	WATCH_P_ARGV,	  /* strings, each with its NUL */
	WATCH_P_ENVP,
	WATCH_P_CWD,
	WATCH_P_CGROUP,	   /* path below the root of its hierarchy */
	WATCH_P_PROC,	   /* struct watch_proc */
	WATCH_P_GIVEN,	   /* a path or an address as it was when the call began, when it is another
			      one at the end */
	WATCH_P_SIGNALLED, /* 32 bits each: the processes that a signal was sent to, WATCH_SIGNALLED
			      at most; numbers of the first pid namespace */
	WATCH_P_KILLED, /* one letter: the row of struct watch_kill, from 'A' on, that killed it */
};

enum { WATCH_SIGNALLED = 64 };

#define WATCH_RET 0xff /* watch_part.arg: about the result */

struct watch_part {
	__u16 kind;
	__u8 arg;
	__u8 flags; /* WALK_* of walk.h */
	__u16 len;  /* bytes behind this header, without the padding */
	__u16 pad;
};

/* What is open at a descriptor; a path or the name of a unix socket follows. */
struct watch_fd {
	__s32 fd;
	__u32 mode; /* inode.i_mode; 0: nothing is open there */
	__u64 ino;
	__u32 dev;			     /* super_block.s_dev */
	__u32 created;			     /* the call created the file (FMODE_CREATED) */
	__u32 layer;			     /* enum watch_layer */
	__u32 flags;			     /* file.f_flags */
	__u16 family, type, protocol, state; /* sockets */
	__u16 lport, rport;
	__u8 laddr[16], raddr[16]; /* IPv4: the first four */
};

enum watch_layer { WATCH_NO_OVERLAY, WATCH_UPPER, WATCH_LOWER };

struct watch_proc {
	__u32 ppid, vpid, vtid, vpgid, pgid, sid; /* sid and vpgid in its own namespace */
	__u32 uid, gid, loginuid, tty;
	__u64 cap_inheritable, cap_permitted, cap_effective;
	__u64 exe_ino, exe_mtime, exe_ctime; /* ns since 1970 */
	__u64 ns_start;			     /* of the first process of its pid namespace */
	__u32 exe_dev, exe_mode;
	__u32 layer; /* enum watch_layer */
	__u32 memfd; /* the executable has no folder */
	__u32 exe_uid, mnt_ns;
	__u32 exe_deleted; /* the executable has no name any more */
	__u32 pad;
};

#endif
