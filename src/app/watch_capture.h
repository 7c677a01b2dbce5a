/* Captures of `boltseal watch`: writing one beside the rules, and replaying one in place of events.
 */
#ifndef APP_WATCH_CAPTURE_H
#define APP_WATCH_CAPTURE_H

#include "app/watch_session.h"

/*
 * Begins a capture (session.capture), and makes `o` tell it what is learned. Before enrich_new(),
 * with the session's hostname and clock. The session must stay where it is.
 */
int watch_capture_begin(struct watch_session *s, const char *path, struct enrich_options *o,
			struct err *e);
/* Has the enrichment tell what it learns, as long as somebody writes it down. */
void watch_capture_tell(struct watch_session *s);
/* Without a capture nothing; when it fails (a full disk) it ends there, with a warning. */
void watch_capture_record(struct watch_session *s, const struct watch_rec *rec);
void watch_capture_clock(struct watch_session *s);
void watch_capture_flush(struct watch_session *s);
/* False when it could not be written to its end. */
bool watch_capture_end(struct watch_session *s, uint64_t lost);

/*
 * Puts all of a capture through the session's enrichment, which is offline, and rules; *lost is
 * what the capture says of losses. What was read before an error counts.
 */
int watch_replay(struct watch_session *s, const char *path, uint64_t *records, uint64_t *lost,
		 struct err *e);

#endif
