/* What fired, as lines. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/watch_screen.h"
#include "app/watch_session.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "model/event.h"
#include "model/event_text.h"

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

	ev_time_put(EV_EVT_TIME, ev->time, &text);
	buf_printf(&text, ": %s ", rules_priority_name(rule->priority));
	rules_engine_text(s->engine, i, &text);
	buf_puts(b, "{\"hostname\":");
	json_put_bytes(b, s->hostname);
	buf_puts(b, ",\"output\":");
	json_put_bytes(b, buf_str(&text));
	buf_puts(b, ",\"output_fields\":");
	rules_engine_fields(s->engine, i, b);
	if (s->captured) {
		buf_puts(b, ",\"capture\":");
		json_put_bytes(b, s->captured);
	}
	buf_printf(b, ",\"priority\":\"%s\",\"rule\":", rules_priority_name(rule->priority));
	json_put_bytes(b, rule->name);
	buf_printf(b, ",\"source\":\"%s\",\"tags\":", ev_source_name(rule->source));
	put_tags(b, rule);
	buf_puts(b, ",\"time\":\"");
	ev_time_put(EV_EVT_TIME_ISO8601, ev->time, b);
	buf_puts(b, "\"}\n");
}

static void put_text(struct watch_session *s, const struct event *ev, size_t i, struct buf *b)
{
	ev_time_put(EV_EVT_TIME, ev->time, b);
	buf_printf(b, ": %s ", rules_priority_name(rules_at(s->rules, i)->priority));
	rules_engine_text(s->engine, i, b);
	if (s->captured)
		buf_printf(b, " capture=%s", s->captured);
	buf_putc(b, '\n');
}

static void show(struct watch_session *s, const struct event *ev, size_t rule)
{
	const struct rule_info *info = rules_at(s->rules, rule);
	const struct process *p = enrich_process(s->enrich);
	cleanup_buf struct buf who = { 0 };

	if (p)
		buf_printf(&who, "%.*s %s", (int)sizeof(p->comm), p->comm,
			   p->program->args ? p->program->args : "");
	watch_screen_finding(s->screen, ev->time, info->priority, info->name,
			     p && p->container ? p->container->short_id : "", buf_str(&who));
}

void watch_print(struct watch_session *s, const struct event *ev, size_t rule)
{
	cleanup_buf struct buf b = { 0 };

	if (s->screen)
		show(s, ev, rule);
	if (s->screen && s->out == stdout)
		return;
	if (s->json)
		put_json(s, ev, rule, &b);
	else
		put_text(s, ev, rule, &b);
	fwrite(buf_str(&b), 1, b.len, s->out);
}

void watch_flush(struct watch_session *s)
{
	int err = fflush(s->out) ? errno : ferror(s->out) ? EIO : 0;

	if (!err)
		return;
	if (!s->unwritten)
		log_warn("%s: cannot write: %s; findings that it does not take are lost",
			 s->out_name, strerror(err));
	s->unwritten = true;
	if (s->out != stdout) /* that is looked at when the program ends */
		clearerr(s->out);
}
