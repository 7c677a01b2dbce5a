/* Findings about watching itself: what was not seen, and why. */
#ifndef APP_WATCH_OWN_H
#define APP_WATCH_OWN_H

#include "app/watch_session.h"
#include "model/finding.h"

enum watch_own {
	OWN_GAP,    /* the last run ended without notice */
	OWN_LOST,   /* records found no room */
	OWN_UNSEEN, /* a program whose calls are not seen */
	OWN_RELOAD, /* rules that cannot be used: the old ones stay */
	OWN_CLOCK,  /* the clock was set */
};

/* Prints it as findings of rules are printed, and hands it on. The text is what happened. */
__attribute__((format(printf, 3, 4))) void watch_own(struct watch_session *s, enum watch_own what,
						     const char *fmt, ...);

/* Prints a finding that no rule made, shows it, and hands it on; takes it over. */
void watch_tell(struct watch_session *s, struct finding *f);

/*
 * A file beside the store says until when all that happened was seen and stored. Begin reads what
 * the last run left, which tells of a gap when it did not end as it should; tick writes the time,
 * `seen` or that of the first finding that waits for the store; end removes it when the end was
 * asked for. `store` NULL: nothing is known, and nothing happens.
 */
void watch_alive_begin(struct watch_session *s, const char *store);
void watch_alive_tick(struct watch_session *s, uint64_t seen);
void watch_alive_end(struct watch_session *s, bool asked);

#endif
