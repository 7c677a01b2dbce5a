/* One run of `boltseal watch`: rules, sensor and enrichment wired together. */
#ifndef APP_WATCH_SESSION_H
#define APP_WATCH_SESSION_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "enrich/enrich.h"
#include "rules/rules.h"
#include "sensor/watch.h"

struct capture_writer;
struct watch_captures;
struct delivery;
struct watch_drift;
struct watch_respond;
struct watch_screen;

struct watch_session {
	const struct rules *rules;
	struct rules_engine *engine;
	struct watch *sensor;
	struct enrich *enrich;
	uint64_t boot;			 /* ns since 1970 when CLOCK_BOOTTIME was 0 */
	uint64_t findings;		 /* rules that fired */
	uint64_t limit;			 /* end after so many; 0: never */
	struct delivery *delivery;	 /* store and sinks; NULL: none */
	struct capture_writer *capture;	 /* NULL: none */
	struct watch_captures *captures; /* those that rules ask for; NULL: none */
	const char *captured;		 /* file with the event in hand; NULL: none */
	bool telling_known;		 /* facts are for that file only */
	struct watch_drift *drift;	 /* NULL: no models */
	struct watch_respond *respond;	 /* NULL: nothing is done about findings */
	bool capture_failed;
	uint64_t unseen; /* CLOCK_BOOTTIME: a 32-bit program was told of; 0: never */
	uint64_t since;	 /* CLOCK_BOOTTIME: records up to it were judged under other rules */
	int alive;	 /* watch_own.h; -1: none */
	char *alive_path;
	bool json;
	FILE *out;
	const char *out_name;
	bool unwritten;		     /* `out` did not take all that was printed */
	struct watch_screen *screen; /* NULL: lines on standard output */
	char hostname[256];
};

/* Asks the sensor for what the rules need, and no more (watch_want.c). */
int watch_session_want(struct watch *w, const struct rules *r, struct err *e);
/* What records must have for the rules: the environment, descriptors, more data. */
void watch_session_options(struct watch_options *o, const struct rules *r);
/* Has the addresses looked up of the names that the rules compare with. */
void watch_session_names(struct watch_session *s);
/* Takes a record from the sensor, and prints what it fires. */
void watch_session_record(const struct watch_rec *rec, void *session);
/* Prints a line for a rule that fired (watch_print.c). */
void watch_print(struct watch_session *s, const struct event *ev, size_t rule);
/* Hands over what was printed; says once when it cannot be written, and notes it (watch_print.c).
 */
void watch_flush(struct watch_session *s);
/* Looks at the clocks again; how far the time of day jumped, in ns, 0 when it did not. */
int64_t watch_session_clock(struct watch_session *s);

#endif
