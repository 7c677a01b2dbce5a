/*
 * Records as lines of a capture, and back. What a line leaves out about its process is as in the
 * process's line before, so both ways need the same memory of processes.
 */
#ifndef SENSOR_CAPTURE_LINE_H
#define SENSOR_CAPTURE_LINE_H

#include "sensor/capture_parts.h"

struct capture_processes;

struct capture_processes *capture_processes_new(void);
void capture_processes_free(struct capture_processes *ps);

/* Appends the line, without its end. */
void capture_line_put(struct capture_processes *ps, const struct watch_rec *rec, struct buf *b);
/* Whether the document is a record. */
bool capture_line_is_record(const struct json_doc *d);
int capture_line_get(struct capture_processes *ps, const struct json_doc *d,
		     struct capture_rec *out, struct err *e);
/* A line {"process":{…}} says something of a process too; what is wrong in it is left to others. */
void capture_line_process(struct capture_processes *ps, const struct json_doc *d);

#endif
