/* Values and times of events as text, for output. */
#ifndef MODEL_EVENT_TEXT_H
#define MODEL_EVENT_TEXT_H

#include "base/buf.h"
#include "model/event_fields.h"

#define EV_SECOND UINT64_C(1000000000)
enum { EV_TIME_SIZE = 40 };

/*
 * The time as the field wants it: EV_EVT_TIME (HH:MM:SS.nnnnnnnnn), EV_EVT_TIME_S, EV_EVT_DATETIME
 * (date and that), EV_EVT_DATETIME_S, EV_EVT_TIME_ISO8601 (RFC 3339 with nanoseconds); all in UTC.
 * Returns the length.
 */
size_t ev_time_text(unsigned field, uint64_t ns, char out[EV_TIME_SIZE]);
void ev_time_put(unsigned field, uint64_t ns, struct buf *out);

/* Appends a value as Falco's output has it; strings as they are. */
void ev_value_text(enum ev_kind kind, const struct ev_value *v, struct buf *out);
/* Appends it as JSON: numbers and booleans as such, the rest as strings, bad UTF-8 as U+FFFD. */
void ev_value_json(enum ev_kind kind, const struct ev_value *v, struct buf *out);
/* Appends a JSON string with its quotes. */
void ev_text_json(struct ev_text t, struct buf *out);
/* Appends text for one line: control characters as in JSON, bad UTF-8 as U+FFFD. */
void ev_text_line(struct ev_text t, struct buf *out);

#endif
