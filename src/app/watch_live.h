/* `boltseal watch` on this machine: from the options to the end, with new rules in between. */
#ifndef APP_WATCH_LIVE_H
#define APP_WATCH_LIVE_H

#include "app/command.h"
#include "app/watch_session.h"

struct keeper;
struct watch_loading;

struct watching {
	const struct args *args;
	struct rules *rules;
	struct watch_session session;
	struct keeper *keeper;	       /* who loads programs; NULL: this process */
	unsigned slot;		       /* of the keeper's */
	uint64_t records, lost;	       /* of sensors that ended */
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
/* Watches until it is to end: an exit status, or EXIT_ERROR with `e`. */
int watching_run(struct watching *w, uint64_t seconds, struct err *e);

#endif
