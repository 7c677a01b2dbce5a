/*
 * `boltseal watch --live`: a picture of what happens, on a terminal: rates, containers, the latest
 * findings, losses, messages. Texts that programs choose are shown without control characters.
 */
#ifndef APP_WATCH_SCREEN_H
#define APP_WATCH_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "enrich/process.h"

struct watch_screen;

struct watch_screen_numbers {
	uint64_t records, lost; /* since the beginning */
	size_t rules, processes, containers;
	const char *hostname;
};

/*
 * Takes the terminal of standard output over, and messages on standard error into the picture. NULL
 * without a terminal that understands it: lines are printed as they are without --live. The
 * terminal is as before after free, after exit(3), and after signals that end the process.
 */
struct watch_screen *watch_screen_new(void);
void watch_screen_free(struct watch_screen *s);

/* An event of this process; NULL: of nobody known. */
void watch_screen_event(struct watch_screen *s, const struct process *p);
/* A finding: by its priority (0 is Emergency), of `who` in a container ("" for the host). */
void watch_screen_finding(struct watch_screen *s, uint64_t time, unsigned priority,
			  const char *rule, const char *container, const char *who);
/* Draws when it is time to; cheap when called often. True when the person wants to end (q). */
bool watch_screen_draw(struct watch_screen *s, const struct watch_screen_numbers *n);

#endif
