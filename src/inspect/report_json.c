/* JSON: boltseal's own (boltseal.inspect/1), and SARIF 2.1.0. */
#include <stdlib.h>
#include <string.h>

#include "inspect/report_members.h"

static void put_refs(const struct ins_check *c, struct buf *out)
{
	struct rep_ref refs[8];
	size_t n = rep_refs(c, refs);

	json_key(out, "references");
	buf_putc(out, '{');
	for (size_t i = 0; i < n; i++)
		json_str(out, refs[i].scheme, refs[i].value);
	buf_putc(out, '}');
}

static void put_waiver(const struct ins_waiver *w, struct buf *out)
{
	json_key(out, "waiver");
	buf_putc(out, '{');
	json_str(out, "owner", w->owner);
	json_str(out, "reason", w->reason);
	json_str(out, "expires", w->expires);
	json_key(out, "expired");
	buf_puts(out, w->expired ? "true" : "false");
	json_key(out, "from");
	rep_json(out, w->file);
	json_num(out, "line", w->line);
	buf_putc(out, '}');
}

static void put_place(const struct ins_place *p, struct buf *out)
{
	json_str(out, "file", p->file);
	json_num(out, "line", p->line);
	json_num(out, "column", p->col);
	json_str(out, "pointer", p->pointer);
}

static void put_notes(const struct ins_finding *f, struct buf *out)
{
	json_key(out, "loses");
	buf_putc(out, '[');
	for (size_t i = 0; i < f->edits_n; i++) {
		if (!f->edits[i].note || (i && f->edits[i - 1].note == f->edits[i].note))
			continue;
		if (out->p[out->len - 1] != '[')
			buf_putc(out, ',');
		rep_json(out, f->edits[i].note);
	}
	buf_putc(out, ']');
}

void rep_finding_json(const struct ins_report *r, const struct ins_finding *f, struct buf *out)
{
	char print[24];

	json_begin(out, '{');
	json_str(out, "rule", f->check->id);
	json_str(out, "title", f->check->title);
	json_str(out, "severity", ins_severity_name(f->severity));
	json_str(out, "category", ins_category_name(f->check->category));
	json_str(out, "status", "fail");
	json_num(out, "subject", f->subject);
	if (f->container) {
		json_str(out, "container", f->container);
		json_str(out, "container_class", ps_class_name(f->class));
	}
	put_place(&f->place, out);
	json_str(out, "value", f->value);
	json_str(out, "message", f->message);
	json_str(out, "why", f->check->why);
	json_str(out, "fix", f->check->fix);
	if (f->evidence)
		json_str(out, "evidence", f->evidence);
	if (f->patch) {
		json_key(out, "patch");
		buf_puts(out, f->patch);
		put_notes(f, out);
	}
	put_refs(f->check, out);
	snprintf(print, sizeof(print), "%016llx", (unsigned long long)f->fingerprint);
	json_str(out, "fingerprint", print);
	if (f->waiver)
		put_waiver(f->waiver, out);
	buf_putc(out, '}');
	(void)r;
}

static void put_subject_json(const struct ins_subject *s, bool conforms, struct buf *out)
{
	json_begin(out, '{');
	json_str(out, "target", ins_target_name(s->target));
	json_str(out, "kind", s->kind);
	json_str(out, "namespace", s->ns);
	json_str(out, "name", s->name);
	put_place(&s->place, out);
	json_num(out, "score", s->score);
	json_num(out, "checks", s->run);
	json_num(out, "failed", s->failed);
	json_key(out, "conforms");
	buf_puts(out, conforms ? "true" : "false");
	if (s->model)
		json_str(out, "model", s->model);
	json_key(out, "counts");
	buf_putc(out, '{');
	for (int i = INS_SEVERITY_COUNT - 1; i >= 0; i--)
		json_num(out, ins_severity_name((enum ins_severity)i), s->counts[i]);
	buf_putc(out, '}');
	json_key(out, "passed");
	buf_putc(out, '[');
	for (size_t i = 0; i < s->passed_n; i++) {
		buf_puts(out, i ? "," : "");
		rep_json(out, s->passed[i]->id);
	}
	buf_puts(out, "]}");
}

static void put_summary(const struct ins_report *r, struct buf *out)
{
	unsigned by_category[INS_CATEGORY_COUNT] = { 0 };

	for (size_t i = 0; i < r->findings_n; i++)
		by_category[r->findings[i].check->category] += rep_counts(&r->findings[i]);
	json_key(out, "summary");
	buf_putc(out, '{');
	json_num(out, "score", r->score);
	json_num(out, "documents", r->documents);
	json_num(out, "skipped", r->skipped);
	json_num(out, "subjects", r->subjects_n);
	json_num(out, "findings", r->findings_n);
	json_num(out, "waived", r->waived);
	json_num(out, "problems", r->problems_n);
	json_key(out, "severity");
	buf_putc(out, '{');
	for (int i = INS_SEVERITY_COUNT - 1; i >= 0; i--)
		json_num(out, ins_severity_name((enum ins_severity)i), r->counts[i]);
	buf_putc(out, '}');
	json_key(out, "category");
	buf_putc(out, '{');
	for (int i = 0; i < INS_CATEGORY_COUNT; i++)
		json_num(out, ins_category_name((enum ins_category)i), by_category[i]);
	buf_puts(out, "}}");
}

static void put_head(const struct ins_report *r, struct buf *out)
{
	cleanup_buf struct buf policy = { 0 };
	char when[32];

	buf_putc(out, '{');
	json_str(out, "format", "boltseal.inspect/1");
	json_str(out, "tool", "boltseal");
	json_str(out, "version", BOLTSEAL_VERSION);
	json_str(out, "time", rep_time(r->now, when));
	if (r->policy) {
		rep_policy(r, &policy);
		json_str(out, "policy", policy.p);
	}
	json_key(out, "complete");
	buf_puts(out, r->problems_n ? "false" : "true");
	put_summary(r, out);
}

void rep_write_json(const struct ins_report *r, struct buf *out)
{
	size_t at = 0;

	put_head(r, out);
	json_key(out, "subjects");
	buf_putc(out, '[');
	for (size_t i = 0; i < r->subjects_n; i++)
		put_subject_json(&r->subjects[i], !r->subjects[i].failed, out);
	buf_putc(out, ']');
	json_key(out, "findings");
	buf_putc(out, '[');
	for (; at < r->findings_n; at++)
		rep_finding_json(r, &r->findings[at], out);
	buf_putc(out, ']');
	json_key(out, "problems");
	buf_putc(out, '[');
	for (size_t i = 0; i < r->problems_n; i++) {
		json_begin(out, '{');
		json_str(out, "message", r->problems[i].text);
		put_place(&r->problems[i].place, out);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
	json_key(out, "unused_waivers");
	buf_putc(out, '[');
	for (size_t i = 0; i < r->waivers_n; i++) {
		if (r->waivers[i]->used)
			continue;
		json_begin(out, '{');
		json_str(out, "rule", r->waivers[i]->rule);
		json_str(out, "file", r->waivers[i]->file);
		json_num(out, "line", r->waivers[i]->line);
		buf_putc(out, '}');
	}
	buf_puts(out, "]}\n");
}

/* ---- SARIF 2.1.0 (OASIS) */

static const char *sarif_level(enum ins_severity s)
{
	return s >= INS_HIGH ? "error" : s == INS_MEDIUM ? "warning" : "note";
}

static void put_sarif_rule(const struct ins_check *c, struct buf *out)
{
	json_begin(out, '{');
	json_str(out, "id", c->id);
	json_key(out, "shortDescription");
	buf_putc(out, '{');
	json_str(out, "text", c->title);
	buf_putc(out, '}');
	json_key(out, "fullDescription");
	buf_putc(out, '{');
	json_str(out, "text", c->why);
	buf_putc(out, '}');
	json_key(out, "help");
	buf_putc(out, '{');
	json_str(out, "text", c->fix);
	buf_putc(out, '}');
	json_key(out, "defaultConfiguration");
	buf_putc(out, '{');
	json_str(out, "level", sarif_level(c->severity));
	buf_putc(out, '}');
	json_key(out, "properties");
	buf_putc(out, '{');
	json_key(out, "security-severity");
	buf_printf(out, "\"%.1f\"", rep_score(c->severity));
	json_key(out, "tags");
	buf_puts(out, "[\"security\",");
	rep_json(out, ins_category_name(c->category));
	buf_putc(out, ']');
	put_refs(c, out);
	buf_puts(out, "}}");
}

/* A file name as a relative reference, or as a file URI (RFC 3986, RFC 8089). */
static void put_uri(const char *file, struct buf *out)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

	buf_puts(out, *file == '/' ? "\"file://" : "\"");
	for (const char *p = file; *p; p++) {
		if (strchr(plain, *p))
			buf_putc(out, *p);
		else
			buf_printf(out, "%%%02X", (unsigned char)*p);
	}
	buf_putc(out, '"');
}

static void put_physical(const struct ins_place *p, struct buf *out)
{
	json_key(out, "physicalLocation");
	buf_puts(out, "{\"artifactLocation\":{\"uri\":");
	put_uri(p->file, out);
	buf_putc(out, '}');
	if (p->line)
		buf_printf(out, ",\"region\":{\"startLine\":%u,\"startColumn\":%u}", p->line,
			   p->col);
	buf_putc(out, '}');
}

static void put_sarif_result(const struct ins_report *r, const struct ins_finding *f,
			     struct buf *out)
{
	cleanup_buf struct buf name = { 0 };
	const struct ins_waiver *w = f->waiver;
	size_t index = 0;

	for (const struct ins_check *c = rep_rules(r); c != f->check; c++)
		index++;
	ins_subject_name(&r->subjects[f->subject], &name);
	buf_printf(&name, ": %s", f->message);
	json_begin(out, '{');
	json_str(out, "ruleId", f->check->id);
	json_num(out, "ruleIndex", index);
	json_str(out, "level", sarif_level(f->severity));
	json_key(out, "message");
	buf_putc(out, '{');
	json_str(out, "text", name.p);
	buf_putc(out, '}');
	json_key(out, "locations");
	buf_puts(out, "[{");
	put_physical(&f->place, out);
	name.len = 0;
	ins_subject_name(&r->subjects[f->subject], &name);
	buf_puts(&name, f->place.pointer);
	json_key(out, "logicalLocations");
	buf_puts(out, "[{");
	json_str(out, "fullyQualifiedName", name.p);
	buf_puts(out, "}]}]");
	json_key(out, "partialFingerprints");
	buf_printf(out, "{\"boltseal/1\":\"%016llx\"}", (unsigned long long)f->fingerprint);
	if (w && !w->expired) {
		json_key(out, "suppressions");
		buf_puts(out, "[{\"kind\":\"external\",\"status\":\"accepted\"");
		json_str(out, "justification", w->reason);
		buf_puts(out, "}]");
	}
	json_key(out, "properties");
	buf_putc(out, '{');
	json_str(out, "severity", ins_severity_name(f->severity));
	json_str(out, "value", f->value);
	json_str(out, "pointer", f->place.pointer);
	if (f->container)
		json_str(out, "container", f->container);
	if (f->evidence)
		json_str(out, "evidence", f->evidence);
	if (f->patch) {
		json_key(out, "patch");
		buf_puts(out, f->patch);
	}
	buf_puts(out, "}}");
}

void rep_write_sarif(const struct ins_report *r, struct buf *out)
{
	char when[32];

	buf_puts(out,
		 "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":"
		 "\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"boltseal\",\"version\":");
	rep_json(out, BOLTSEAL_VERSION);
	buf_puts(out, ",\"rules\":[");
	for (const struct ins_check *c = rep_rules(r); c->id; c++)
		put_sarif_rule(c, out);
	buf_puts(out, "]}},\"columnKind\":\"unicodeCodePoints\",\"invocations\":[{");
	json_key(out, "executionSuccessful");
	buf_puts(out, r->problems_n ? "false" : "true");
	json_str(out, "endTimeUtc", rep_time(r->now, when));
	json_key(out, "toolExecutionNotifications");
	buf_putc(out, '[');
	for (size_t i = 0; i < r->problems_n; i++) {
		json_begin(out, '{');
		json_str(out, "level", "error");
		json_key(out, "message");
		buf_putc(out, '{');
		json_str(out, "text", r->problems[i].text);
		buf_putc(out, '}');
		json_key(out, "locations");
		buf_puts(out, "[{");
		put_physical(&r->problems[i].place, out);
		buf_puts(out, "}]}");
	}
	buf_puts(out, "]}],\"results\":[");
	for (size_t i = 0; i < r->findings_n; i++)
		put_sarif_result(r, &r->findings[i], out);
	buf_puts(out, "]}]}\n");
}
