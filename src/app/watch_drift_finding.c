/* Drift as findings. */
#include <time.h>

#include "app/delivery.h"
#include "app/watch_drift.h"
#include "app/watch_finding.h"
#include "app/watch_screen.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "baseline/baseline.h"
#include "model/event_text.h"
#include "model/finding_dedup.h"

/* Falco's priorities, from what severities they begin (docs/findings.md has it the other way). */
static const char *priority_of(unsigned severity)
{
	static const struct {
		unsigned from;
		const char *name;
	} names[] = { { 90, "Alert" },	 { 80, "Critical" }, { 70, "Error" },
		      { 40, "Warning" }, { 20, "Notice" },   { 0, "Informational" } };
	size_t i = 0;

	while (severity < names[i].from)
		i++;
	return names[i].name;
}

static void put_member(struct buf *b, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_puts(b, b->len > 1 ? "," : "");
	json_put_bytes(b, key);
	buf_putc(b, ':');
	json_put_bytes(b, value);
}

static const char *evidence(struct finding *f, const struct drift *d, const struct observation *o,
			    const char *model)
{
	cleanup_buf struct buf b = { 0 };

	buf_putc(&b, '{');
	put_member(&b, "drift.kind", drift_kind_name(d->kind));
	put_member(&b, "drift.subject", buf_str(&d->subject));
	put_member(&b, "drift.model", *model ? model : "learned");
	put_member(&b, "evt.type", o->call ? o->call->name : NULL);
	put_member(&b, "proc.exepath", f->process.exe);
	put_member(&b, "proc.cmdline", f->process.cmdline);
	put_member(&b, "container.id", f->container.id);
	put_member(&b, "container.name", f->container.name);
	put_member(&b, "container.image", f->container.image);
	buf_putc(&b, '}');
	return arena_strdup(&f->arena, buf_str(&b));
}

static const char *sentence(struct finding *f, const struct drift *d)
{
	cleanup_buf struct buf b = { 0 };

	ev_time_put(EV_EVT_TIME, f->last_seen, &b);
	buf_printf(&b, ": %s Outside of its model: %s in %s", f->priority,
		   f->process.name ? f->process.name : "a process",
		   f->container.name ? f->container.name : f->container.id);
	if (f->container.image)
		buf_printf(&b, " (%s)", f->container.image);
	buf_printf(&b, " %s", buf_str(&d->text));
	return arena_strdup(&f->arena, buf_str(&b));
}

static struct finding *make(struct watch_session *s, const struct drift *d,
			    const struct observation *o, const struct event *ev, const char *model)
{
	cleanup_buf struct buf essence = { 0 };
	struct finding *f = finding_new();

	f->rule = f->title = d->rule;
	f->type = arena_strdup(&f->arena, d->type);
	f->severity = d->severity;
	f->technique = d->technique;
	f->priority = priority_of(d->severity);
	f->source = ev_source_name(EV_SYSCALL);
	f->description = "The container did something that the model of its workload does not "
			 "have.";
	f->remedy = finding_remedy(f->type);
	f->tags[f->tags_n++] = "drift";
	f->hostname = s->hostname;
	f->last_seen = ev ? ev->time : clock_ns(CLOCK_REALTIME);
	f->count = o->count;
	watch_finding_who(f, ev, enrich_process(s->enrich));
	f->output = sentence(f, d);
	f->evidence = evidence(f, d, o, model);
	buf_printf(&essence, "%s %s", d->type, buf_str(&d->subject));
	finding_set_key(f, buf_str(&essence));
	return f;
}

static void print(struct watch_session *s, const struct finding *f)
{
	cleanup_buf struct buf b = { 0 };

	if (s->screen)
		watch_screen_finding(s->screen, f->last_seen,
				     (unsigned)rules_priority_by_name(f->priority), f->rule,
				     f->container.name ? f->container.name : "",
				     f->process.name ? f->process.name : "");
	if (s->screen && s->out == stdout)
		return;
	if (s->json)
		finding_write_falco(f, &b);
	else
		buf_puts(&b, f->output);
	buf_putc(&b, '\n');
	fwrite(buf_str(&b), 1, b.len, s->out);
	watch_flush(s);
}

void watch_drift_found(struct watch_session *s, const struct drift *found,
		       const struct observation *o, const struct event *ev, const char *model,
		       struct finding_dedup *dedup)
{
	struct finding *f;

	if (s->limit && s->findings >= s->limit)
		return;
	f = make(s, found, o, ev, model);
	if (finding_dedup_add(dedup, f)) {
		print(s, f);
		s->findings++;
	}
	if (s->delivery)
		delivery_add(s->delivery, f);
	else
		finding_free(f);
}
