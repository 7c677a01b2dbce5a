/* Ending one process that is known by its number and the time at which it began. */
#ifndef RESPOND_KILL_H
#define RESPOND_KILL_H

#include "respond/request.h"

/*
 * SIGKILL through a pidfd, after the process behind it was found to be the one that is meant: the
 * descriptor is opened first, so a number that is given to another process later hits nobody.
 */
void kill_process(const struct respond_request *q, struct respond_result *out);

#endif
