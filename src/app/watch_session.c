#include "app/watch_session.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/delivery.h"
#include "app/watch_finding.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "model/event.h"
#include "sensor/watch_calls.h"

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void watch_session_clock(struct watch_session *s)
{
	s->boot = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME);
}

/* ---- what leaves the kernel */

static int path_argument(const struct watch_call *c)
{
	for (int i = 0; c && i < WATCH_ARGS; i++)
		if (c->arg[i] == WATCH_A_PATH)
			return i;
	return -1;
}

static void want_access(struct watch_clause *c, unsigned open)
{
	if (open == NEED_WRITE) {
		c->any = O_WRONLY | O_RDWR;
	} else if (open == NEED_READ) {
		c->mask = O_WRONLY;
		c->value = 0;
	}
}

/* Flags of the calls that open, by the number of their argument. */
static int flags_argument(const char *call)
{
	return !strcmp(call, "open")				     ? 1
	       : !strcmp(call, "openat") || !strcmp(call, "openat2") ? 2
								     : -1;
}

static void want_paths(struct watch *w, struct watch_clause *c, const struct rules_need *need,
		       int arg, uint8_t group)
{
	c->path = 0xff;
	if (arg < 0 || !need->paths_n || !group)
		return;
	c->path = (uint8_t)arg;
	c->group = group;
	for (size_t i = 0; i < need->paths_n; i++)
		watch_prefix(w, need->paths[i].text, group);
}

/* Groups of prefixes are bits of a byte, so that many calls can have paths of their own. */
enum { GROUPS = 8 };

static int want_call(struct watch *w, const char *name, const struct rules_need *need,
		     unsigned *groups, struct err *e)
{
	const struct watch_call *call = watch_call_find(name);
	struct watch_clause c = { 0 };
	int flags = flags_argument(name), arg = path_argument(call);
	bool two_paths = call && arg >= 0 && !call->ret_fd;
	uint8_t group = 0;

	if (need->result == NEED_SUCCESS)
		c.result = WATCH_SUCCESS;
	else if (need->result == NEED_FAILURE)
		c.result = WATCH_FAILURE;
	if (flags >= 0) {
		c.arg = (uint8_t)flags;
		want_access(&c, need->open);
	}
	/* Paths are those of fd.name, which only calls that open have. */
	if (need->paths_n && arg >= 0 && !two_paths && *groups < GROUPS)
		group = (uint8_t)(1u << (*groups)++);
	want_paths(w, &c, need, arg, group);
	return watch_want(w, name, &c, 1, e);
}

int watch_session_want(struct watch *w, const struct rules *r, struct err *e)
{
	struct ev_set wanted = rules_wanted(r, EV_SYSCALL);
	unsigned groups = 0;

	for (unsigned type = 0; type < ev_type_count(); type++) {
		const char *name = ev_type_name(type);
		struct rules_need need;
		int err;

		if (!ev_set_has(&wanted, type) || !ev_type_is_syscall(type))
			continue;
		rules_needs(r, EV_SYSCALL, type, &need);
		if (!need.wanted)
			continue;
		/* Programs that were executed are events of their own; the call tells failures. */
		if (!strcmp(name, "execve") || !strcmp(name, "execveat")) {
			if (!(need.result & NEED_FAILURE))
				continue;
			need.result = NEED_FAILURE;
		}
		err = want_call(w, name, &need, &groups, e);
		if (err == -ENOENT)
			continue; /* a call of another architecture */
		if (err < 0)
			return err;
	}
	return 0;
}

/* ---- what fires */

static void put_time(struct buf *b, uint64_t ns, const char *format)
{
	time_t sec = (time_t)(ns / 1000000000u);
	struct tm tm;
	char text[64];

	gmtime_r(&sec, &tm);
	strftime(text, sizeof(text), format, &tm);
	buf_printf(b, "%s.%09" PRIu64, text, ns % 1000000000u);
}

static void put_tags(struct buf *b, const struct rule_info *rule)
{
	buf_putc(b, '[');
	for (size_t i = 0; i < rule->tags_n; i++) {
		if (i)
			buf_putc(b, ',');
		json_put_bytes(b, rule->tags[i]);
	}
	buf_putc(b, ']');
}

static void put_json(struct watch_session *s, const struct event *ev, size_t i, struct buf *b)
{
	const struct rule_info *rule = rules_at(s->rules, i);
	cleanup_buf struct buf text = { 0 };

	put_time(&text, ev->time, "%H:%M:%S");
	buf_printf(&text, ": %s ", rules_priority_name(rule->priority));
	rules_engine_text(s->engine, i, &text);
	buf_puts(b, "{\"hostname\":");
	json_put_bytes(b, s->hostname);
	buf_puts(b, ",\"output\":");
	json_put_bytes(b, buf_str(&text));
	buf_puts(b, ",\"output_fields\":");
	rules_engine_fields(s->engine, i, b);
	buf_printf(b, ",\"priority\":\"%s\",\"rule\":", rules_priority_name(rule->priority));
	json_put_bytes(b, rule->name);
	buf_printf(b, ",\"source\":\"%s\",\"tags\":", ev_source_name(rule->source));
	put_tags(b, rule);
	buf_puts(b, ",\"time\":\"");
	put_time(b, ev->time, "%Y-%m-%dT%H:%M:%S");
	buf_puts(b, "Z\"}\n");
}

static void put_text(struct watch_session *s, const struct event *ev, size_t i, struct buf *b)
{
	put_time(b, ev->time, "%H:%M:%S");
	buf_printf(b, ": %s ", rules_priority_name(rules_at(s->rules, i)->priority));
	rules_engine_text(s->engine, i, b);
	buf_putc(b, '\n');
}

static size_t judge(struct watch_session *s, const struct event *ev)
{
	const uint32_t *fired;
	size_t n = rules_engine_event(s->engine, ev, &fired);

	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf b = { 0 };

		if (s->limit && s->findings >= s->limit)
			break;
		if (s->json)
			put_json(s, ev, fired[i], &b);
		else
			put_text(s, ev, fired[i], &b);
		fwrite(buf_str(&b), 1, b.len, s->out);
		if (s->delivery)
			delivery_add(s->delivery, watch_finding(s, ev, fired[i]));
		s->findings++;
	}
	if (n)
		fflush(s->out);
	return n;
}

void watch_session_record(const struct watch_rec *rec, void *session)
{
	struct watch_session *s = session;
	const struct event *ev = enrich_record(s->enrich, rec, s->boot);

	if (!ev || judge(s, ev))
		return;
	/* Nothing by the name that was given: by the file that it led to. */
	ev = enrich_resolved(s->enrich);
	if (ev)
		judge(s, ev);
}
