/*
 * One error type for all of boltseal. A function that can fail takes `struct err *e` last, returns
 * 0 or a negative errno, and writes its outputs only on success. The message names the place
 * (file:line:column, option, pid …) and what was expected there. Only app/ prints it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <errno.h>

struct err {
	int code; /* positive errno; 0 when no error was set */
	char msg[640];
};

/* Sets the message and returns -code. `e` may be NULL. */
__attribute__((format(printf, 3, 4))) int err_set(struct err *e, int code, const char *fmt, ...);

/*
 * strerror(), which does not know ENOTSUPP: the kernel's own number (include/linux/errno.h), which
 * it gives to programs where it cannot attach BPF.
 */
const char *err_text(int code);

/* As err_set, and adds ": <err_text(code)>". `code` is a positive errno. */
__attribute__((format(printf, 3, 4))) int err_errno(struct err *e, int code, const char *fmt, ...);

/* Puts "<text>: " before the present message and returns -e->code (or -EINVAL without one). */
__attribute__((format(printf, 2, 3))) int err_prefix(struct err *e, const char *fmt, ...);

#endif
