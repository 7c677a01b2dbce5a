/*
 * The system calls of Linux for the ABIs boltseal knows: number, first kernel, arguments. The facts
 * are rows of syscalls.tsv, which says where they come from; tools/gen-syscalls.py turns them into
 * the arrays behind these functions. Everything returned is static and read-only.
 */
#ifndef MODEL_SYSCALLS_H
#define MODEL_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sc_abi { SC_X86_64, SC_I386, SC_X32, SC_AARCH64, SC_ABI_COUNT };

/* Set in a number that seccomp sees under AUDIT_ARCH_X86_64 when the call came through x32. */
#define SC_X32_BIT 0x40000000u

#define SC_MAX_ARGS 6

#define SC_KIND_SIGNED	1u
#define SC_KIND_POINTER 2u

/*
 * X(constant, name in the TSV, bits that a 64-bit kernel looks at, SC_KIND_* bits)
 *
 * addr is a place in memory given as a number, which is as arbitrary as a pointer. arg, arg32: what
 * they hold (number or pointer) depends on the command before them. uid16, gid16: the old i386
 * calls.
 */
#define SC_KINDS(X)                                 \
	X(INT, "int", 32, SC_KIND_SIGNED)           \
	X(UINT, "uint", 32, 0)                      \
	X(LONG, "long", 64, SC_KIND_SIGNED)         \
	X(ULONG, "ulong", 64, 0)                    \
	X(U32, "u32", 32, 0)                        \
	X(S32, "s32", 32, SC_KIND_SIGNED)           \
	X(U64, "u64", 64, 0)                        \
	X(SIZE, "size", 64, 0)                      \
	X(OFF, "off", 64, SC_KIND_SIGNED)           \
	X(PTR, "ptr", 64, SC_KIND_POINTER)          \
	X(PATH, "path", 64, SC_KIND_POINTER)        \
	X(STR, "str", 64, SC_KIND_POINTER)          \
	X(ADDR, "addr", 64, SC_KIND_POINTER)        \
	X(ARG, "arg", 64, 0)                        \
	X(ARG32, "arg32", 32, 0)                    \
	X(FD, "fd", 32, SC_KIND_SIGNED)             \
	X(DIRFD, "dirfd", 32, SC_KIND_SIGNED)       \
	X(FLAGS, "flags", 32, 0)                    \
	X(FLAGS64, "flags64", 64, 0)                \
	X(PROT, "prot", 64, 0)                      \
	X(MODE, "mode", 16, 0)                      \
	X(PID, "pid", 32, SC_KIND_SIGNED)           \
	X(UID, "uid", 32, 0)                        \
	X(GID, "gid", 32, 0)                        \
	X(UID16, "uid16", 16, 0)                    \
	X(GID16, "gid16", 16, 0)                    \
	X(SIGNAL, "signal", 32, SC_KIND_SIGNED)     \
	X(CMD, "cmd", 32, 0)                        \
	X(WHENCE, "whence", 32, 0)                  \
	X(RESOURCE, "resource", 32, 0)              \
	X(DEV, "dev", 32, 0)                        \
	X(FAMILY, "family", 32, SC_KIND_SIGNED)     \
	X(SOCKTYPE, "socktype", 32, SC_KIND_SIGNED) \
	X(PROTOCOL, "protocol", 32, SC_KIND_SIGNED) \
	X(CLOCKID, "clockid", 32, SC_KIND_SIGNED)   \
	X(TIMERID, "timerid", 32, SC_KIND_SIGNED)   \
	X(MQD, "mqd", 32, SC_KIND_SIGNED)           \
	X(KEY, "key", 32, SC_KIND_SIGNED)           \
	X(KEYSERIAL, "keyserial", 32, SC_KIND_SIGNED)

enum sc_kind {
#define SC_KIND_ENUM(id, name, bits, flags) SC_KIND_##id,
	SC_KINDS(SC_KIND_ENUM)
#undef SC_KIND_ENUM
		SC_KIND_COUNT
};

/* A kernel release, 2.6.16 or 6.18; the third part is 0 from 3.0 on. */
struct sc_kver {
	uint8_t major, minor, patch;
};

struct sc_arg {
	const char *name;
	enum sc_kind kind;
};

struct sc_desc {
	const char *name;
	int16_t nr[SC_ABI_COUNT];		/* -1: not in this ABI; x32 without SC_X32_BIT */
	struct sc_kver since;			/* first release that has it in any of the ABIs */
	struct sc_kver abi_since[SC_ABI_COUNT]; /* 0.0.0 where absent */
	uint16_t arg_at[SC_ABI_COUNT];		/* private: ask sc_args() */
	uint8_t arg_count[SC_ABI_COUNT];	/* private: ask sc_args() */
};

/* The call with this number, or NULL. x32: without SC_X32_BIT (with it there is no such number). */
const struct sc_desc *sc_by_nr(enum sc_abi abi, unsigned nr);

/* The call with exactly this name, or NULL. */
const struct sc_desc *sc_by_name(const char *name);

/* The number in this ABI, x32 without SC_X32_BIT; -1 for an unknown name or one not in this ABI. */
int sc_nr(enum sc_abi abi, const char *name);

/* The highest number of this ABI, x32 without SC_X32_BIT. */
unsigned sc_max_nr(enum sc_abi abi);

/* All calls by ascending name (strcmp order): i from 0 to sc_count() - 1, NULL beyond. */
size_t sc_count(void);
const struct sc_desc *sc_at(size_t i);

/*
 * The arguments in register order; *n gets their number, 0 to SC_MAX_ARGS. NULL, with *n 0, when
 * the call is not in this ABI or has no arguments (or none that are documented: tuxcall and the
 * like).
 */
const struct sc_arg *sc_args(const struct sc_desc *d, enum sc_abi abi, unsigned *n);

/*
 * How many low bits of the register the kernel looks at: 16, 32 or 64, at most 32 on i386. A filter
 * must mask the bits above before it compares, or they make an equal value look different.
 */
unsigned sc_arg_width(enum sc_abi abi, enum sc_kind kind);
bool sc_arg_signed(enum sc_kind kind);

/* True for values that differ from run to run by nature; a filter never compares these. */
bool sc_arg_is_pointer(enum sc_kind kind);

/* As in the TSV: "flags64". NULL for a value outside the enum. */
const char *sc_kind_name(enum sc_kind kind);

/* The ABI of 64-bit programs on the machine that boltseal was built for. */
enum sc_abi sc_abi_native(void);

/* "x86_64", "i386", "x32", "aarch64"; NULL for a value outside the enum. */
const char *sc_abi_name(enum sc_abi abi);

/* As in OCI seccomp profiles: "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32" … */
const char *sc_abi_scmp(enum sc_abi abi);

/*
 * Either of the two names above, or an architecture as dpkg, Go and uname call it (amd64, arm64,
 * i486 to i686, x86, 386). Exact. Returns an enum sc_abi, -1 when unknown.
 */
int sc_abi_parse(const char *name);

/* AUDIT_ARCH_* of <linux/audit.h>, as in struct seccomp_data. x32 has that of x86-64. */
uint32_t sc_abi_audit_arch(enum sc_abi abi);

/*
 * For "did you mean": the known name nearest to an unknown one, at most two edits (insert, delete,
 * replace, swap neighbours) away, one for names of three letters or fewer. NULL when none is.
 */
const char *sc_suggest(const char *name);

/* Below, equal or above 0, as a is older than, the same as or newer than b. */
int sc_kver_cmp(struct sc_kver a, struct sc_kver b);

#endif
