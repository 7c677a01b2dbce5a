/*
 * What a recorder keeps of a system call besides its number: one row per call. Both recorders (eBPF
 * and ptrace) read this table, so both see the same things.
 */
#ifndef MODEL_CAPTURE_H
#define MODEL_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "model/syscalls.h"
#include "model/workload.h"

enum capture_kind {
	CAPTURE_PLAIN, /* argument values and paths as the row says, at entry */
	CAPTURE_OPEN,  /* path at exit: the opened file, or the name that was not opened */
	CAPTURE_EXEC,  /* the attempted name; success is seen at the exec event */
	CAPTURE_MMAP,  /* arg[0] is prot, arg[1] flags; PROT_EXEC of a file: its path */
	CAPTURE_FD,    /* `access` to the file behind the descriptor path[0].dirfd */
	CAPTURE_FCNTL, /* arg[0] is the command; a lock command: LOCK of the descriptor's file */
	CAPTURE_BIND,  /* descriptor, sockaddr, length */
	CAPTURE_LISTEN,
	CAPTURE_CONNECT, /* descriptor, sockaddr, length */
	CAPTURE_SENDTO,	 /* descriptor, …, sockaddr, length (arguments 4 and 5) */
	CAPTURE_SENDMSG, /* descriptor, struct msghdr */
	CAPTURE_WAIT,	 /* waits for requests: begins the phase "serving" after a listen/bind */
	CAPTURE_CLONE3,	 /* struct clone_args: its flags are the recorded value */
	CAPTURE_SECCOMP, /* may install a filter */
	CAPTURE_KIND_COUNT
};

/* Whether a path call is about a directory, which then has no status to ask when it is gone. */
enum capture_directory {
	CAPTURE_ANY_FILE,
	CAPTURE_DIRECTORY,	   /* mkdir(2), rmdir(2), chdir(2) */
	CAPTURE_DIRECTORY_BY_FLAG, /* unlinkat(2): AT_REMOVEDIR in argument 2 */
};

enum { CAPTURE_CWD = -1, CAPTURE_NONE = -1, CAPTURE_MAX_PATHS = 2 };

struct capture_path {
	int8_t dirfd;	 /* argument with the directory descriptor, CAPTURE_CWD */
	int8_t path;	 /* argument with the path; CAPTURE_NONE: the descriptor itself */
	uint16_t access; /* WL_F_* ; 0 ends the list */
};

struct capture {
	const char *name;
	enum capture_kind kind;
	uint8_t args_n;		    /* how many argument values are recorded */
	uint8_t arg[WL_MAX_ARGS];   /* which */
	uint64_t mask[WL_MAX_ARGS]; /* applied to each; 0 means all bits */
	int8_t flags_arg;	    /* OPEN: the argument with the flags, CAPTURE_NONE: see name */
	struct capture_path path[CAPTURE_MAX_PATHS];
	enum capture_directory directory;
};

size_t capture_count(void);
const struct capture *capture_at(size_t i); /* i < capture_count() */
/* The row of a call by name, NULL when only its number matters. */
const struct capture *capture_by_name(const char *name);

/*
 * A value at the width of its argument (an `int` loses its high bits), so that models do not depend
 * on what a caller left in the upper half of a register.
 */
uint64_t capture_value(const struct capture *c, const struct sc_desc *d, enum sc_abi abi,
		       unsigned i, uint64_t raw);

/* WL_F_* of open(2) flags (O_* of the host's ABI), for a file that was opened. */
uint32_t capture_open_access(uint64_t flags);

#endif
