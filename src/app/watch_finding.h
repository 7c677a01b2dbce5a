/* What a rule fired for, as a finding. */
#ifndef APP_WATCH_FINDING_H
#define APP_WATCH_FINDING_H

#include "app/watch_session.h"
#include "model/finding.h"

/*
 * Of the event that the session's engine evaluated last: complete but for first_seen and id, which
 * delivery_add() gives. The caller owns it.
 */
struct finding *watch_finding(struct watch_session *s, const struct event *ev, size_t rule);

struct process;
/* Process, ancestors, user and container; `ev`: NULL where there is no event. */
void watch_finding_who(struct finding *f, const struct event *ev, const struct process *p);

#endif
