/*
 * Names of the numbers that system calls take: "AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0" for
 * 2, 524289, 0. The values are those of the kernel's generic interface, which x86 and AArch64 share
 * as far as these tables go.
 */
#ifndef MODEL_CONSTANTS_H
#define MODEL_CONSTANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/syscalls.h"
#include "model/workload.h"

/* The sets that others ask for by themselves. */
enum const_set {
	CONST_FAMILY,	/* AF_* */
	CONST_SOCKTYPE, /* SOCK_*, without the flags */
	CONST_IPPROTO,	/* IPPROTO_* */
	CONST_NETLINK,	/* NETLINK_*, the protocols of AF_NETLINK */
	CONST_SIGNAL,	/* SIG* */
};

/* The name of exactly this value, or NULL. */
const char *const_name(enum const_set set, uint64_t value);
/* The value of a name. */
bool const_value(enum const_set set, const char *name, uint64_t *value);
/* The same for a word in any case behind the beginning that its set has: "AF_", "inet". */
bool const_word(enum const_set set, const char *prefix, const char *word, uint16_t *value);

/*
 * Appends the value of argument `index` as C would write it: a name, names joined by "|", the rest
 * and everything unknown as a number. `c` gives the other recorded arguments, on which the meaning
 * may depend (the level of a socket option), or is NULL; `d` NULL: a number.
 */
void const_arg(const struct sc_desc *d, enum sc_abi abi, unsigned index, uint64_t value,
	       const struct wl_call *c, struct buf *out);

/*
 * The bits of argument `index` that together are one name, such as all of an address family and the
 * low four of a socket type; 0 where every bit is a flag, or the argument has no names.
 */
uint64_t const_enum_bits(const struct sc_desc *d, unsigned index);

/*
 * constants_parse.c: the way back, for text as strace(1) and people write it: a name, names and
 * numbers joined by "|", "A or B" (two names of one number), with a comment behind or not, and the
 * macros _IOC, QCMD, htons and << that strace prints. False when something in it is not known.
 */
bool const_parse(const struct sc_desc *d, unsigned index, const struct wl_call *c, const char *text,
		 size_t len, uint64_t *value);

/* Appends all recorded arguments of the call, separated by ", ". */
void const_call(const struct wl_syscall *s, const struct wl_call *c, struct buf *out);

#endif
