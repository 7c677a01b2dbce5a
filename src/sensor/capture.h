/*
 * Captures: what the kernel told, and what was learned of the host meanwhile, as lines of JSON in
 * the order in which it was used (docs/captures.md). A file whose name ends in ".gz" is compressed;
 * reading finds out by itself.
 */
#ifndef SENSOR_CAPTURE_H
#define SENSOR_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "bpf/watch.h"

struct capture_writer;

/*
 * `how`: O_TRUNC replaces the file, O_EXCL makes one that there must not be. `boot`: ns since 1970
 * when CLOCK_BOOTTIME was 0.
 */
int capture_create(struct capture_writer **out, const char *path, int how, const char *hostname,
		   uint64_t boot, struct err *e);
/* Once one of these has failed (a full disk), the capture has ended there: later ones do nothing.
 */
int capture_put(struct capture_writer *w, const struct watch_rec *rec, struct err *e);
/* A line that somebody else understands (enrich/facts.h): an object with one member. */
int capture_put_fact(struct capture_writer *w, const char *json, struct err *e);
int capture_put_clock(struct capture_writer *w, uint64_t boot, struct err *e);
/* Hands to the kernel what was put. */
int capture_flush(struct capture_writer *w, struct err *e);
/* Bytes that are in the file, but for the last 256 KiB that were put. */
uint64_t capture_size(const struct capture_writer *w);
/* The last line: how many records the kernel could not hand over. Closes the file. */
int capture_end(struct capture_writer *w, uint64_t lost, struct err *e);
void capture_writer_free(struct capture_writer *w);

struct capture_reader;

enum capture_what { CAPTURE_NOTHING, CAPTURE_RECORD, CAPTURE_FACT };

struct capture_item {
	enum capture_what what;
	const struct watch_rec *rec; /* valid until the next item */
	const char *name;	     /* of the fact: the line is {"NAME":{…}} */
	const struct json_doc *doc;
};

/* "-" is standard input. Reads the first line. */
int capture_open(struct capture_reader **out, const char *path, struct err *e);
/*
 * What comes next: 1, 0 at the end, or what is wrong with the file, with its place. A capture
 * that promises a last line and has none is cut: -EPIPE.
 */
int capture_next(struct capture_reader *r, struct capture_item *item, struct err *e);
/* Of the first line; "" when it has none. */
const char *capture_hostname(const struct capture_reader *r);
/* As of the last item. */
uint64_t capture_boot(const struct capture_reader *r);
/* Of the last line. */
uint64_t capture_lost(const struct capture_reader *r);
void capture_close(struct capture_reader *r);

static inline void capture_close_p(struct capture_reader **r)
{
	capture_close(*r);
}
#define cleanup_capture cleanup(capture_close_p)

#endif
