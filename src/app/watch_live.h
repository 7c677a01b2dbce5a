/* `boltseal watch` on this machine: from the options to the end, with new rules in between. */
#ifndef APP_WATCH_LIVE_H
#define APP_WATCH_LIVE_H

#include "app/command.h"
#include "app/watch_loss.h"
#include "app/watch_session.h"

struct keeper;
struct watch_loading;

struct watching {
	const struct args *args;
	char *store; /* --store, from the root of the file system; NULL: none */
	struct rules *rules;
	struct watch_session session;
	struct keeper *keeper;	       /* who loads programs; NULL: this process */
	unsigned slot;		       /* of the keeper's */
	uint64_t records;	       /* of sensors that ended */
	struct watch_loss lost, told;  /* by them; and what findings had of this one's */
	uint64_t lost_processes;       /* enrichment was told of, of this sensor's */
	struct watch_loading *loading; /* new rules; NULL: none are on their way */
};

/* The rules that the options name; warnings are noted. The caller frees *out, also on errors. */
int watching_load(struct rules **out, const struct args *a, struct err *e);
/* The engine and what else follows from the rules. */
void watching_use(struct watching *w, struct rules *rules);
/* Tells the metrics what the sensor counts. */
void watching_tell(struct watching *w);
/* Drops what is on its way. */
void watching_stop_loading(struct watching *w);
/*
 * Whether this process is in the host's pid namespace. In another one /proc has other processes
 * under the numbers that the kernel's records have.
 */
bool watching_sees_host(void);
/* From now on signals are requests to end and to load rules again, which watching_run() takes. */
void watching_signals(void);
/* Watches until it is to end: an exit status, or EXIT_ERROR with `e`. */
int watching_run(struct watching *w, uint64_t seconds, struct err *e);

#endif
