/*
 * What is switched on, on disk: one small JSON file for each, so that it can be listed and taken
 * back by another process, also when the one that did it is gone.
 */
#ifndef RESPOND_STATE_H
#define RESPOND_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "respond/request.h"

#define RESPOND_STATE_DEFAULT "/run/boltseal/respond"

struct respond_state {
	struct respond_request request; /* flags has RESPOND_KEEP */
	uint64_t since;			/* ns since 1970 */
	pid_t agent;			/* who did it */
	uint64_t agent_start;		/* in ticks, as procinfo.start */
	char detail[512];		/* the result's text */
};

/* Makes the folder when it is missing. */
int state_put(const char *folder, const struct respond_state *s, struct err *e);
/* No error when there is none. */
void state_remove(const char *folder, enum respond_action a, const struct respond_request *q);
/* Calls `each` for all; it may remove. Files that cannot be read are left out. */
void state_each(const char *folder, void (*each)(const struct respond_state *s, void *ctx),
		void *ctx);
/* Whether the process that did it still runs. */
bool state_agent_runs(const struct respond_state *s);
/* Sets agent and agent_start to this process. */
void state_sign(struct respond_state *s);

#endif
