/*
 * What a watch tells of programs whose behaviour is known (bpf/watch.h: WATCH_NEW_CALL …). Before
 * watch_start(): watch_drift(), and watch_also() and watch_keep() for what is to be compared. Then
 * a record WATCH_NEW_NS asks about each mount namespace, and watch_ns_set() answers. When another
 * process has loaded the programs, it does what changes the kernel's sets (watch_drift_do()).
 */
#ifndef SENSOR_WATCH_DRIFT_H
#define SENSOR_WATCH_DRIFT_H

#include "sensor/watch.h"

/*
 * The mount namespace of the host: that of the first process, or of this one where that cannot be
 * seen. The first answer is kept: a process asks before it gives up the right to see it.
 */
uint32_t watch_host_space(void);

void watch_drift(struct watch *w);
/*
 * Asks for a call of programs of known behaviour, when it succeeds or always, behind all
 * watch_want(): what others asked for stays. Errors as of watch_want().
 */
int watch_also(struct watch *w, const char *call, bool success, struct err *e);
/* Compares arguments of a native call; calls that the kernel does not have are passed over. */
int watch_keep(struct watch *w, const char *call, const struct watch_kept *k, struct err *e);

/* Sets what is known of one ABI of a namespace, and its state. */
int watch_ns_set(struct watch *w, uint32_t mnt_ns, unsigned abi, const struct watch_ns *n,
		 struct err *e);
/* What was collected before that, once; false: nothing. */
bool watch_ns_asked(struct watch *w, uint32_t mnt_ns, unsigned abi, struct watch_asked *out);
/* Arguments (values that are masked, 0 beyond) that a native call may have. */
int watch_ns_args(struct watch *w, const struct watch_args *a, struct err *e);
/* A namespace that ended: its number will be another's, about which is asked anew. */
void watch_ns_forget(struct watch *w, uint32_t mnt_ns);
void watch_ns_forget_args(struct watch *w, const struct watch_args *a);
/* Whether new capabilities are told on this kernel. */
bool watch_drift_caps(const struct watch *w);

/* What the functions above want done to the kernel's sets, as one request. */
enum watch_drift_op {
	WATCH_DRIFT_SET = 1,
	WATCH_DRIFT_ARGS,
	WATCH_DRIFT_ASKED,
	WATCH_DRIFT_FORGET,
	WATCH_DRIFT_FORGET_ARGS,
};
struct watch_drift_ask {
	uint32_t op, mnt_ns, abi;
	uint32_t pad;
	struct watch_ns known;
	struct watch_args args;
};
/* Does it: 0, for WATCH_DRIFT_ASKED with *out; -ENOENT: nothing was collected; -EINVAL, -errno. */
int watch_drift_do(struct watch *w, const struct watch_drift_ask *q, struct watch_asked *out);

/* The process that has loaded the programs of a joined watch (watch_share.h). */
struct watch_drift_there {
	int (*ask)(void *ctx, unsigned slot, const struct watch_drift_ask *q,
		   struct watch_asked *out);
	void *ctx;
	unsigned slot;
	bool caps;
};
void watch_drift_join(struct watch *w, const struct watch_drift_there *there);

#endif
