/*
 * Watching every process of the machine: the system calls that somebody asks for and the lives of
 * processes, as records in the order of their time. What a record has: bpf/watch.h.
 *
 * Usage: watch_new, watch_want for each call, watch_start, watch_poll again and again. Conditions
 * under which a record leaves the kernel can be given with each call, and texts that they ask for
 * with watch_group before.
 */
#ifndef SENSOR_WATCH_H
#define SENSOR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "bpf/watch.h"
#include "sensor/watch_texts.h"

struct watch;

/* Where the ends of system calls are hooked. */
enum watch_hooks {
	WATCH_HOOKS_AUTO,
	WATCH_FUNCTIONS,   /* at the kernel's functions for them (fexit): others cost nothing */
	WATCH_TRACEPOINTS, /* at an event for each: others cost the kernel's slow path */
	WATCH_TRACEPOINT,  /* at one for all */
};

struct watch_options {
	size_t ring_bytes; /* of all rings together; 0: 8 MiB. Rounded to a power of two each */
	bool env;	   /* the environment of executed programs */
	bool cwd;	   /* the current folder with every call */
	bool stdio;	   /* what the first three descriptors of executed programs are */
	unsigned data_max; /* bytes of what was read, written, sent or received; 0: 80 */
	bool given;	   /* names and addresses as they were when the call began, too */
	enum watch_hooks hooks;
	/*
	 * At functions: leaves out calls that a seccomp filter refuses. Seeing them costs processes
	 * under a filter something with every call.
	 */
	bool no_refused;
};

/*
 * -EPERM without the right to load programs, -EOPNOTSUPP when the kernel cannot; `e` says what is
 * missing. Nothing is loaded before watch_start().
 */
int watch_new(struct watch **out, const struct watch_options *o, struct err *e);
void watch_free(struct watch *w);

/*
 * Asks for a native call. Without clauses every return of it is a record; with them, when one of
 * them holds (at most WATCH_CLAUSES). Asking again replaces what was asked. Of a clause, `comm` and
 * `given` are filled in; groups that the call cannot answer (paths are those of calls that open)
 * and what is said of sockets where argument 0 is none are left out. -ENOENT: the native ABI has no
 * such call, or none that can be watched; -E2BIG: too many clauses or calls.
 */
int watch_want(struct watch *w, const char *call, const struct watch_clause *clauses, size_t n,
	       struct err *e);

struct watch_text {
	const char *text;
	enum watch_subject subject;
	enum watch_place place;
};

/*
 * A group of texts, of which one has to hold: its number, as a bit in clauses. -1 when there is no
 * room for it; what asked for it has to do without.
 */
int watch_group(struct watch *w, const struct watch_text *v, size_t n);

/* What the kernel itself kills (watch_kill.h); nothing until rows are added. */
struct watch_kills *watch_kills(struct watch *w);

int watch_start(struct watch *w, struct err *e);

/* A record with its parts; valid until the function returns. */
typedef void watch_fn(const struct watch_rec *rec, void *arg);

/*
 * Waits up to timeout_ms for records and hands over those that are complete, in the order of their
 * time over all processors. Returns how many, or a negative errno.
 */
int watch_poll(struct watch *w, int timeout_ms, watch_fn *fn, void *arg, struct err *e);

/* Once it is started: what was chosen. */
enum watch_hooks watch_hooks_used(const struct watch *w);

/* Once it is started, by the process that did: why operations of io_uring, which stand for calls
 * that were asked for, are not seen; NULL: they are, or nobody asked. Lives as long as the watch.
 */
const char *watch_uring_unseen(const struct watch *w);

struct watch_stats {
	uint64_t records;	  /* handed over by watch_poll() */
	uint64_t lost;		  /* records that found no room in their ring */
	uint64_t lost_kinds[8];	  /* by enum watch_kind */
	const uint64_t *lost_nrs; /* WATCH_NRS calls; lives as long as the watch */
	const uint64_t *lost_cpus;
	unsigned cpus;
};
void watch_stats(const struct watch *w, struct watch_stats *s);

#endif
