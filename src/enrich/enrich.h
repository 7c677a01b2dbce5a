/*
 * From the sensor's records to events that rules can ask: who did it, in which container, with
 * which file or address. State is a table of processes and one of containers, both bounded.
 */
#ifndef ENRICH_ENRICH_H
#define ENRICH_ENRICH_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/watch.h"
#include "enrich/container.h"
#include "enrich/outside.h"
#include "enrich/process.h"
#include "enrich/users.h"
#include "model/event.h"

struct enrich;

struct enrich_options {
	struct container_places places;
	bool scan;		/* read /proc first */
	struct outside outside; /* offline for records of another machine */
};

struct enrich *enrich_new(const struct enrich_options *o);
void enrich_free(struct enrich *e);

/*
 * Takes a record in; the event that it makes, NULL when it makes none. Valid until the next record.
 * `boot`: ns since 1970 of CLOCK_BOOTTIME's beginning.
 */
const struct event *enrich_record(struct enrich *e, const struct watch_rec *rec, uint64_t boot);

/*
 * The same event once more with other names, until it is NULL: with the memory of the caller as it
 * was at the end of the call, when it was something else at the beginning (which counts first);
 * with the file as the kernel opened it, when that is another one than was named (a symbolic link).
 */
const struct event *enrich_again(struct enrich *e);

/*
 * The names whose addresses fd.sip.name and its like know from now on (names.h); and what was found
 * of them, to be taken over between events, each second or so.
 */
int enrich_ask_names(struct enrich *e, const char *const *names, size_t n);
void enrich_take_names(struct enrich *e);

/*
 * Records of processes found no room: which processes run, and what they execute, is read from
 * /proc, a part of it with each enrich_recover(). `seen`: CLOCK_BOOTTIME, ns, up to which all
 * records were given.
 */
void enrich_lost(struct enrich *e);
/* Whether processes of the container are known. */
bool enrich_container_runs(const struct enrich *e, const char *id);
/* Each second, between events: what may have changed of containers. */
void enrich_tick(struct enrich *e);
void enrich_recover(struct enrich *e, uint64_t seen);

/* From now on what is learned is told (outside.h); NULL: no more. */
void enrich_tell(struct enrich *e, void (*tell)(const char *json, void *ctx), void *ctx);
/* Tells what is known already, for a capture that begins. */
void enrich_tell_known(struct enrich *e);

/* Of the last event. */
const struct process *enrich_process(const struct enrich *e);

struct enrich_stats {
	uint64_t records, events;
	uint64_t scratch_full; /* values that were left out */
	size_t processes, kept, containers;
};
void enrich_stats(const struct enrich *e, struct enrich_stats *s);

#endif
