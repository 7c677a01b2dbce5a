#include "app/watch_capture.h"

#include <fcntl.h>
#include <stdio.h>

#include "app/watch_captures.h"
#include "base/log.h"
#include "enrich/facts.h"
#include "sensor/capture.h"

static void check(struct watch_session *s, int err, const struct err *e)
{
	if (err == 0)
		return;
	log_warn("%s", e->msg);
	s->capture_failed = true;
}

static void on_fact(const char *json, void *session)
{
	struct watch_session *s = session;
	struct err e;

	watch_captures_fact(s, json);
	if (s->capture && !s->telling_known)
		check(s, capture_put_fact(s->capture, json, &e), &e);
}

void watch_capture_tell(struct watch_session *s)
{
	enrich_tell(s->enrich, s->capture || watch_captures_writes(s) ? on_fact : NULL, s);
}

int watch_capture_begin(struct watch_session *s, const char *path, struct enrich_options *o,
			struct err *e)
{
	int err;

	o->outside.tell = on_fact;
	o->outside.ctx = s;
	err = capture_create(&s->capture, path, O_TRUNC, s->hostname, s->boot, e);
	return err;
}

void watch_capture_record(struct watch_session *s, const struct watch_rec *rec)
{
	struct err e;

	if (s->capture)
		check(s, capture_put(s->capture, rec, &e), &e);
	watch_captures_record(s, rec);
}

void watch_capture_clock(struct watch_session *s)
{
	struct err e;

	if (s->capture)
		check(s, capture_put_clock(s->capture, s->boot, &e), &e);
	watch_captures_clock(s);
}

void watch_capture_flush(struct watch_session *s)
{
	struct err e;

	if (s->capture)
		check(s, capture_flush(s->capture, &e), &e);
	watch_captures_tick(s);
}

bool watch_capture_end(struct watch_session *s, uint64_t lost)
{
	struct err e;

	watch_captures_end(s);
	if (!s->capture)
		return true;
	check(s, capture_end(s->capture, lost, &e), &e);
	return !s->capture_failed;
}

int watch_replay(struct watch_session *s, const char *path, uint64_t *records, uint64_t *lost,
		 struct err *e)
{
	struct capture_item item;
	cleanup_capture struct capture_reader *r = NULL;
	int err = capture_open(&r, path, e);

	if (err < 0)
		return err;
	if (*capture_hostname(r))
		snprintf(s->hostname, sizeof(s->hostname), "%s", capture_hostname(r));
	while ((err = capture_next(r, &item, e)) > 0) {
		s->boot = capture_boot(r);
		if (item.what == CAPTURE_RECORD) {
			watch_session_record(item.rec, s);
			++*records;
		} else {
			err = enrich_fact(s->enrich, item.name, item.doc, e);
		}
		if (err < 0 || (s->limit && s->findings >= s->limit))
			break;
	}
	*lost = capture_lost(r);
	return err < 0 ? err : 0;
}
