#include "app/watch_session.h"

#include <stdio.h>

#include "app/delivery.h"
#include "app/watch_capture.h"
#include "app/watch_captures.h"
#include "app/watch_drift.h"
#include "app/watch_finding.h"
#include "app/watch_own.h"
#include "app/watch_respond.h"
#include "app/watch_screen.h"
#include "base/clock.h"
#include "model/event.h"

/* The clocks are read one after the other, and time is slewed: not each difference is a step. */
enum { SAME_CLOCK_NS = 1000000 };

int64_t watch_session_clock(struct watch_session *s)
{
	uint64_t boot = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME), before = s->boot;

	if ((boot > before ? boot - before : before - boot) < SAME_CLOCK_NS)
		return 0;
	s->boot = boot;
	watch_capture_clock(s);
	return before ? (int64_t)(boot - before) : 0;
}

/* `again`: with the file that the kernel opened in place of the name that was given. */
static void judge(struct watch_session *s, const struct event *ev, bool again)
{
	const uint32_t *fired;
	size_t n = again ? rules_engine_again(s->engine, ev, &fired)
			 : rules_engine_event(s->engine, ev, &fired);

	for (size_t i = 0; i < n; i++) {
		if (s->limit && s->findings >= s->limit)
			break;
		s->captured = watch_captures_fired(s, fired[i], ev->time);
		watch_print(s, ev, fired[i]);
		if (s->delivery)
			delivery_add(s->delivery, watch_finding(s, ev, fired[i]));
		if (s->respond)
			watch_respond_fired(s->respond, s, ev, fired[i]);
		s->findings++;
	}
	if (n)
		watch_flush(s);
}

/* Once for each minute, so that a loop of such programs does not fill the store. */
static void tell_unseen(struct watch_session *s, const struct watch_rec *rec)
{
	const uint64_t pause = 60 * UINT64_C(1000000000);
	const struct process *p = enrich_process(s->enrich);

	if (rec->kind != WATCH_EXEC || rec->arg[1] != WATCH_NARROW_UNSEEN ||
	    (s->unseen && rec->time - s->unseen < pause))
		return;
	s->unseen = rec->time;
	watch_own(s, OWN_UNSEEN, "%s, process %u, is a 32-bit program",
		  p && p->program->exepath ? p->program->exepath : rec->comm, rec->pid);
}

void watch_session_record(const struct watch_rec *rec, void *session)
{
	struct watch_session *s = session;
	const struct event *ev, *named;

	if (rec->time <= s->since)
		return;
	ev = named = enrich_record(s->enrich, rec, s->boot);
	if (s->drift)
		watch_drift_record(s, rec, ev);
	if (rec->kind >= WATCH_NEW_CALL)
		return;
	if (s->screen)
		watch_screen_event(s->screen, ev ? enrich_process(s->enrich) : NULL);
	if (s->respond)
		watch_respond_begin(s->respond, s, rec);
	if (ev) {
		judge(s, ev, false);
		/* Nobody hides a file behind a name for which something else fires. */
		while ((ev = enrich_again(s->enrich)))
			judge(s, ev, true);
	}
	if (s->respond)
		watch_respond_end(s->respond, s, named);
	tell_unseen(s, rec);
	/* Behind what was learned for it. */
	watch_capture_record(s, rec);
}
