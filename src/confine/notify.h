/*
 * Answers seccomp notifications with "continue" and keeps count of them: the calls that an
 * enforcing filter would have denied. Needs Linux 5.9, from which on a filter's last process ends
 * the service.
 */
#ifndef CONFINE_NOTIFY_H
#define CONFINE_NOTIFY_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"

enum {
	NOTIFY_MAX_ENTRIES = 4096, /* different (call, action, program); beyond: counted as lost */
	NOTIFY_MAX_SAMPLES = 8,	   /* different argument values kept of one entry */
};

/* Distinct values of the arguments that are plain numbers; pointers and unused ones are 0. */
struct notify_sample {
	uint64_t value[6];
	uint64_t count;
};

/* One call by one program with one outcome. */
struct notify_entry {
	uint32_t audit_arch;
	uint32_t nr;	     /* with x32's bit */
	uint32_t action;     /* the SECCOMP_RET_* word that would have applied */
	const char *program; /* its executable, "" when it could not be read */
	char comm[16];	     /* of the first thread that called */
	pid_t pid;	     /* that thread */
	uint64_t count;
	struct notify_sample sample[NOTIFY_MAX_SAMPLES];
	unsigned samples_n;
	uint64_t other_samples; /* calls with values that found no room in `sample` */
};

struct notify {
	/* What the enforcing filter returns for the call. */
	uint32_t (*decide)(void *ctx, const struct seccomp_data *sd);
	void *ctx;

	struct arena arena;
	struct map index;
	struct notify_entry *entries; /* in order of first appearance */
	size_t entries_n, entries_cap;
	uint64_t lost; /* calls that found no room in the table */
	struct seccomp_notif *request;
	struct seccomp_notif_resp *response;
	size_t request_size, response_size;
};

/* -ENOSYS on kernels that cannot do it, with the reason. */
int notify_init(struct notify *n, uint32_t (*decide)(void *, const struct seccomp_data *),
		void *ctx, struct err *e);
void notify_free(struct notify *n);
#define cleanup_notify cleanup(notify_free)

/* Receives one notification from the listener, records it and lets the call go on. */
int notify_answer(struct notify *n, int listener, struct err *e);

/* Records one call; notify_answer's second half. */
void notify_record(struct notify *n, const struct seccomp_data *sd, pid_t pid, const char *comm,
		   const char *program);

/* The ABI (enum sc_abi) of a call as seccomp sees it, -1 unknown; takes x32's bit out of `nr`. */
int notify_abi(uint32_t audit_arch, uint32_t *nr);

#endif
