#include "app/watch_finding.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/event_fields.h"
#include "model/event_text.h"

/* Bytes that are kept of texts which programs choose. */
enum { CMDLINE_MAX = 4096, ANCESTOR_MAX = 512, OUTPUT_MAX = 32768 };

static bool read_field(const struct event *ev, enum ev_field_id id, struct ev_values *out)
{
	const struct ev_field *field = ev_field_at(id);
	struct ev_ref ref = { .field = field, .kind = field->kind };

	*out = (struct ev_values){ 0 };
	return ev->ops->read(ev, &ref, out) && out->n;
}

static const char *text(struct finding *f, const struct event *ev, enum ev_field_id id)
{
	struct ev_values v;

	if (!read_field(ev, id, &v))
		return NULL;
	return arena_strndup(&f->arena, v.v->s.p, v.v->s.len);
}

static const char *shortened(struct finding *f, const char *s, size_t max)
{
	return s ? arena_strndup(&f->arena, s, strnlen(s, max)) : NULL;
}

/* ---- what tells findings of one rule apart */

/* The server of a connection: the other end has a new port each time. */
static bool put_server(const struct event *ev, struct buf *b)
{
	char address[INET6_ADDRSTRLEN];
	struct ev_values v;

	if (!read_field(ev, EV_FD_SIP, &v))
		return false;
	inet_ntop(v.v->a.len == 4 ? AF_INET : AF_INET6, v.v->a.b, address, sizeof(address));
	buf_puts(b, address);
	if (read_field(ev, EV_FD_SPORT, &v))
		buf_printf(b, " %" PRIu64, v.v->u);
	return true;
}

static void put_path(const char *path, struct buf *b)
{
	if (!strncmp(path, "/proc/", 6))
		finding_put_essence(b, path);
	else
		buf_puts(b, path);
}

static void set_key(struct finding *f, const struct event *ev)
{
	cleanup_buf struct buf b = { 0 };
	const char *type = ev_type_name(ev->type), *path;

	buf_printf(&b, "%s ", type);
	if (put_server(ev, &b))
		;
	else if ((path = text(f, ev, EV_FD_NAME)) || (path = text(f, ev, EV_FS_PATH_NAME)))
		put_path(path, &b);
	else if (!strncmp(type, "exec", 4) && f->process.cmdline)
		finding_put_essence(&b, f->process.cmdline);
	finding_set_key(f, buf_str(&b));
}

/* ---- who */

/* Without their arguments, which may be long and hold secrets that are not the finding's. */
static struct finding_process ancestor(struct finding *f, const struct process *p)
{
	struct finding_process out = { .pid = p->pid };

	out.name = shortened(f, p->comm, sizeof(p->comm));
	out.exe = shortened(f, p->program->exepath, ANCESTOR_MAX);
	return out;
}

static void set_process(struct finding *f, const struct event *ev, const struct process *p)
{
	struct ev_values v;

	if (ev) {
		f->process.name = text(f, ev, EV_PROC_NAME);
		f->process.exe = text(f, ev, EV_PROC_EXEPATH);
		f->process.cmdline = shortened(f, text(f, ev, EV_PROC_CMDLINE), CMDLINE_MAX);
		f->user = text(f, ev, EV_USER_NAME);
	} else if (p) {
		f->process = ancestor(f, p);
	}
	if (ev && read_field(ev, EV_USER_UID, &v))
		f->uid = (int64_t)(uint32_t)v.v->u;
	if (!p)
		return;
	f->process.pid = p->pid;
	f->loginuid = p->loginuid == UINT32_MAX ? -1 : (int64_t)p->loginuid;
	for (unsigned i = 1; f->lineage_n < FINDING_LINEAGE; i++) {
		const struct process *up = process_ancestor(p, i);

		if (!up)
			return;
		f->lineage[f->lineage_n++] = ancestor(f, up);
	}
}

static void set_container(struct finding *f, const struct container *c)
{
	if (!c)
		return;
	f->container.id = arena_strdup(&f->arena, c->id);
	f->container.name = shortened(f, c->name, ANCESTOR_MAX);
	f->container.image = shortened(f, c->image, ANCESTOR_MAX);
	f->container.pod = shortened(f, c->pod_name, ANCESTOR_MAX);
	f->container.namespace = shortened(f, c->pod_namespace, ANCESTOR_MAX);
	f->container.missing = shortened(f, c->missing, ANCESTOR_MAX);
}

void watch_finding_who(struct finding *f, const struct event *ev, const struct process *p)
{
	set_process(f, ev, p);
	set_container(f, p ? p->container : NULL);
}

static void set_rule(struct finding *f, const struct rule_info *rule)
{
	/* Copies: the rules may be replaced while the finding waits for the store. */
	f->rule = f->title = arena_strdup(&f->arena, rule->name);
	f->description = arena_strdup(&f->arena, rule->desc);
	f->priority = rules_priority_name(rule->priority);
	f->source = ev_source_name(rule->source);
	f->has_distinct = rule->has_distinct;
	f->distinct = (unsigned)rule->distinct;
	for (size_t i = 0; i < rule->tags_n && f->tags_n < FINDING_TAGS; i++)
		f->tags[f->tags_n++] = arena_strdup(&f->arena, rule->tags[i]);
	finding_classify(f, rule->priority);
}

static void set_output(struct finding *f, struct watch_session *s, const struct event *ev,
		       size_t rule)
{
	cleanup_buf struct buf out = { 0 }, fields = { .max = FINDING_EVIDENCE_MAX };

	ev_time_put(EV_EVT_TIME, ev->time, &out);
	buf_printf(&out, ": %s ", f->priority);
	rules_engine_text(s->engine, rule, &out);
	f->output = shortened(f, buf_str(&out), OUTPUT_MAX);
	rules_engine_fields(s->engine, rule, &fields);
	f->evidence = fields.overflow ? "{}" : arena_strdup(&f->arena, buf_str(&fields));
}

struct finding *watch_finding(struct watch_session *s, const struct event *ev, size_t rule)
{
	const struct process *p = enrich_process(s->enrich);
	struct finding *f = finding_new();

	set_rule(f, rules_at(s->rules, rule));
	watch_finding_who(f, ev, p);
	set_output(f, s, ev, rule);
	f->hostname = s->hostname;
	f->last_seen = ev->time;
	if (s->captured)
		f->capture = arena_strdup(&f->arena, s->captured);
	set_key(f, ev);
	return f;
}
