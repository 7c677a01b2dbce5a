/* JSON: boltseal's own (boltseal.inspect/1), SARIF 2.1.0, PolicyReport and ASFF. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "inspect/report.h"

/* Members of an object: the comma before every one but the first. */
static void key(struct buf *out, const char *name)
{
	char last = out->len ? out->p[out->len - 1] : '{';

	if (last != '{' && last != '[')
		buf_putc(out, ',');
	rep_json(out, name);
	buf_putc(out, ':');
}

static void str(struct buf *out, const char *name, const char *value)
{
	key(out, name);
	rep_json(out, value);
}

static void num(struct buf *out, const char *name, size_t value)
{
	key(out, name);
	buf_printf(out, "%zu", value);
}

static void open(struct buf *out, char c)
{
	char last = out->len ? out->p[out->len - 1] : ':';

	if (last == '}' || last == ']' || last == '"')
		buf_putc(out, ',');
	buf_putc(out, c);
}

static void put_refs(const struct ins_check *c, struct buf *out)
{
	struct rep_ref refs[8];
	size_t n = rep_refs(c, refs);

	key(out, "references");
	buf_putc(out, '{');
	for (size_t i = 0; i < n; i++)
		str(out, refs[i].scheme, refs[i].value);
	buf_putc(out, '}');
}

static void put_waiver(const struct ins_waiver *w, struct buf *out)
{
	key(out, "waiver");
	buf_putc(out, '{');
	str(out, "owner", w->owner);
	str(out, "reason", w->reason);
	str(out, "expires", w->expires);
	key(out, "expired");
	buf_puts(out, w->expired ? "true" : "false");
	key(out, "from");
	rep_json(out, w->file);
	num(out, "line", w->line);
	buf_putc(out, '}');
}

static void put_place(const struct ins_place *p, struct buf *out)
{
	str(out, "file", p->file);
	num(out, "line", p->line);
	num(out, "column", p->col);
	str(out, "pointer", p->pointer);
}

static void put_notes(const struct ins_finding *f, struct buf *out)
{
	key(out, "loses");
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

	open(out, '{');
	str(out, "rule", f->check->id);
	str(out, "title", f->check->title);
	str(out, "severity", ins_severity_name(f->severity));
	str(out, "category", ins_category_name(f->check->category));
	str(out, "status", "fail");
	num(out, "subject", f->subject);
	if (f->container) {
		str(out, "container", f->container);
		str(out, "container_class", ps_class_name(f->class));
	}
	put_place(&f->place, out);
	str(out, "value", f->value);
	str(out, "message", f->message);
	str(out, "why", f->check->why);
	str(out, "fix", f->check->fix);
	if (f->evidence)
		str(out, "evidence", f->evidence);
	if (f->patch) {
		key(out, "patch");
		buf_puts(out, f->patch);
		put_notes(f, out);
	}
	put_refs(f->check, out);
	snprintf(print, sizeof(print), "%016llx", (unsigned long long)f->fingerprint);
	str(out, "fingerprint", print);
	if (f->waiver)
		put_waiver(f->waiver, out);
	buf_putc(out, '}');
	(void)r;
}

static void put_subject_json(const struct ins_subject *s, bool conforms, struct buf *out)
{
	open(out, '{');
	str(out, "target", ins_target_name(s->target));
	str(out, "kind", s->kind);
	str(out, "namespace", s->ns);
	str(out, "name", s->name);
	put_place(&s->place, out);
	num(out, "score", s->score);
	num(out, "checks", s->run);
	num(out, "failed", s->failed);
	key(out, "conforms");
	buf_puts(out, conforms ? "true" : "false");
	if (s->model)
		str(out, "model", s->model);
	key(out, "counts");
	buf_putc(out, '{');
	for (int i = INS_SEVERITY_COUNT - 1; i >= 0; i--)
		num(out, ins_severity_name((enum ins_severity)i), s->counts[i]);
	buf_putc(out, '}');
	key(out, "passed");
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
	key(out, "summary");
	buf_putc(out, '{');
	num(out, "score", r->score);
	num(out, "documents", r->documents);
	num(out, "skipped", r->skipped);
	num(out, "subjects", r->subjects_n);
	num(out, "findings", r->findings_n);
	num(out, "waived", r->waived);
	num(out, "problems", r->problems_n);
	key(out, "severity");
	buf_putc(out, '{');
	for (int i = INS_SEVERITY_COUNT - 1; i >= 0; i--)
		num(out, ins_severity_name((enum ins_severity)i), r->counts[i]);
	buf_putc(out, '}');
	key(out, "category");
	buf_putc(out, '{');
	for (int i = 0; i < INS_CATEGORY_COUNT; i++)
		num(out, ins_category_name((enum ins_category)i), by_category[i]);
	buf_puts(out, "}}");
}

static void put_head(const struct ins_report *r, struct buf *out)
{
	cleanup_buf struct buf policy = { 0 };
	char when[32];

	buf_putc(out, '{');
	str(out, "format", "boltseal.inspect/1");
	str(out, "tool", "boltseal");
	str(out, "version", BOLTSEAL_VERSION);
	str(out, "time", rep_time(r->now, when));
	if (r->policy) {
		rep_policy(r, &policy);
		str(out, "policy", policy.p);
	}
	key(out, "complete");
	buf_puts(out, r->problems_n ? "false" : "true");
	put_summary(r, out);
}

void rep_write_json(const struct ins_report *r, struct buf *out)
{
	size_t at = 0;

	put_head(r, out);
	key(out, "subjects");
	buf_putc(out, '[');
	for (size_t i = 0; i < r->subjects_n; i++)
		put_subject_json(&r->subjects[i], !r->subjects[i].failed, out);
	buf_putc(out, ']');
	key(out, "findings");
	buf_putc(out, '[');
	for (; at < r->findings_n; at++)
		rep_finding_json(r, &r->findings[at], out);
	buf_putc(out, ']');
	key(out, "problems");
	buf_putc(out, '[');
	for (size_t i = 0; i < r->problems_n; i++) {
		open(out, '{');
		str(out, "message", r->problems[i].text);
		put_place(&r->problems[i].place, out);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
	key(out, "unused_waivers");
	buf_putc(out, '[');
	for (size_t i = 0; i < r->waivers_n; i++) {
		if (r->waivers[i]->used)
			continue;
		open(out, '{');
		str(out, "rule", r->waivers[i]->rule);
		str(out, "file", r->waivers[i]->file);
		num(out, "line", r->waivers[i]->line);
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
	open(out, '{');
	str(out, "id", c->id);
	key(out, "shortDescription");
	buf_putc(out, '{');
	str(out, "text", c->title);
	buf_putc(out, '}');
	key(out, "fullDescription");
	buf_putc(out, '{');
	str(out, "text", c->why);
	buf_putc(out, '}');
	key(out, "help");
	buf_putc(out, '{');
	str(out, "text", c->fix);
	buf_putc(out, '}');
	key(out, "defaultConfiguration");
	buf_putc(out, '{');
	str(out, "level", sarif_level(c->severity));
	buf_putc(out, '}');
	key(out, "properties");
	buf_putc(out, '{');
	key(out, "security-severity");
	buf_printf(out, "\"%.1f\"", rep_score(c->severity));
	key(out, "tags");
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
	key(out, "physicalLocation");
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
	open(out, '{');
	str(out, "ruleId", f->check->id);
	num(out, "ruleIndex", index);
	str(out, "level", sarif_level(f->severity));
	key(out, "message");
	buf_putc(out, '{');
	str(out, "text", name.p);
	buf_putc(out, '}');
	key(out, "locations");
	buf_puts(out, "[{");
	put_physical(&f->place, out);
	name.len = 0;
	ins_subject_name(&r->subjects[f->subject], &name);
	buf_puts(&name, f->place.pointer);
	key(out, "logicalLocations");
	buf_puts(out, "[{");
	str(out, "fullyQualifiedName", name.p);
	buf_puts(out, "}]}]");
	key(out, "partialFingerprints");
	buf_printf(out, "{\"boltseal/1\":\"%016llx\"}", (unsigned long long)f->fingerprint);
	if (w && !w->expired) {
		key(out, "suppressions");
		buf_puts(out, "[{\"kind\":\"external\",\"status\":\"accepted\"");
		str(out, "justification", w->reason);
		buf_puts(out, "}]");
	}
	key(out, "properties");
	buf_putc(out, '{');
	str(out, "severity", ins_severity_name(f->severity));
	str(out, "value", f->value);
	str(out, "pointer", f->place.pointer);
	if (f->container)
		str(out, "container", f->container);
	if (f->evidence)
		str(out, "evidence", f->evidence);
	if (f->patch) {
		key(out, "patch");
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
	key(out, "executionSuccessful");
	buf_puts(out, r->problems_n ? "false" : "true");
	str(out, "endTimeUtc", rep_time(r->now, when));
	key(out, "toolExecutionNotifications");
	buf_putc(out, '[');
	for (size_t i = 0; i < r->problems_n; i++) {
		open(out, '{');
		str(out, "level", "error");
		key(out, "message");
		buf_putc(out, '{');
		str(out, "text", r->problems[i].text);
		buf_putc(out, '}');
		key(out, "locations");
		buf_puts(out, "[{");
		put_physical(&r->problems[i].place, out);
		buf_puts(out, "}]}");
	}
	buf_puts(out, "]}],\"results\":[");
	for (size_t i = 0; i < r->findings_n; i++)
		put_sarif_result(r, &r->findings[i], out);
	buf_puts(out, "]}]}\n");
}

/* ---- wgpolicyk8s.io/v1alpha2 PolicyReport */

enum { OBJECT_NAME = 200, OBJECT_HASH = 8 };

/*
 * The name of an object: a DNS name of at most 253 characters. What does not fit is replaced or
 * cut, and a hash then keeps different subjects apart.
 */
static void put_object_name(const struct ins_subject *s, struct buf *out)
{
	cleanup_buf struct buf name = { 0 };
	bool fits = true;

	buf_printf(&name, "%s-%s", s->kind, s->name);
	fits = name.len <= OBJECT_NAME;
	buf_puts(out, "\"boltseal-");
	for (size_t i = 0; i < name.len && i < OBJECT_NAME; i++) {
		char c = name.p[i];

		if (c >= 'A' && c <= 'Z' && i < strlen(s->kind))
			c = (char)(c | 0x20);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
			fits = false;
			c = '-';
		}
		buf_putc(out, c);
	}
	if (!fits) {
		uint8_t digest[SHA256_SIZE];
		char hex[SHA256_HEX];

		sha256(name.p, name.len, digest);
		sha256_hex(digest, hex);
		buf_printf(out, "-%.*s", OBJECT_HASH, hex);
	}
	buf_putc(out, '"');
}

static void put_policy_result(const struct ins_report *r, const struct ins_finding *f,
			      const struct ins_check *c, struct buf *out)
{
	bool waived = f && !rep_counts(f);

	open(out, '{');
	str(out, "source", "boltseal");
	str(out, "policy", c->id);
	str(out, "rule", c->id);
	str(out, "category", ins_category_name(c->category));
	str(out, "severity", ins_severity_name(f ? f->severity : c->severity));
	str(out, "result", !f ? "pass" : waived ? "skip" : "fail");
	str(out, "message", f ? f->message : c->title);
	key(out, "scored");
	buf_puts(out, "true");
	key(out, "timestamp");
	buf_printf(out, "{\"seconds\":%lld,\"nanos\":0}", (long long)r->now);
	if (f) {
		key(out, "properties");
		buf_putc(out, '{');
		str(out, "pointer", f->place.pointer);
		str(out, "value", f->value);
		if (f->container)
			str(out, "container", f->container);
		if (f->waiver)
			str(out, "waiver", f->waiver->reason);
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
}

static void put_policy_report(const struct ins_report *r, size_t i, size_t *at, struct buf *out)
{
	const struct ins_subject *s = &r->subjects[i];
	size_t from = *at, fail = 0, skip = 0;

	open(out, '{');
	str(out, "apiVersion", "wgpolicyk8s.io/v1alpha2");
	str(out, "kind", *s->ns ? "PolicyReport" : "ClusterPolicyReport");
	key(out, "metadata");
	buf_puts(out, "{\"name\":");
	put_object_name(s, out);
	if (*s->ns)
		str(out, "namespace", s->ns);
	buf_putc(out, '}');
	key(out, "scope");
	buf_putc(out, '{');
	str(out, "kind", s->kind);
	str(out, "name", s->name);
	if (*s->ns)
		str(out, "namespace", s->ns);
	buf_putc(out, '}');
	for (; *at < r->findings_n && r->findings[*at].subject == i; (*at)++) {
		fail += rep_counts(&r->findings[*at]);
		skip += !rep_counts(&r->findings[*at]);
	}
	key(out, "summary");
	buf_printf(out, "{\"pass\":%zu,\"fail\":%zu,\"warn\":0,\"error\":0,\"skip\":%zu}",
		   s->passed_n, fail, skip);
	key(out, "results");
	buf_putc(out, '[');
	for (size_t k = from; k < *at; k++)
		put_policy_result(r, &r->findings[k], r->findings[k].check, out);
	for (size_t k = 0; k < s->passed_n; k++)
		put_policy_result(r, NULL, s->passed[k], out);
	buf_puts(out, "]}");
}

void rep_write_policy_report(const struct ins_report *r, struct buf *out)
{
	size_t at = 0;

	buf_puts(out, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
	for (size_t i = 0; i < r->subjects_n; i++)
		put_policy_report(r, i, &at, out);
	buf_puts(out, "]}\n");
}

/* ---- ASFF (AWS Security Finding Format, 2018-10-08) */

static const char *asff_resource(enum ins_target t)
{
	return t == INS_ECS ? "AwsEcsTaskDefinition" : t == INS_DOCKER ? "Container" : "Other";
}

static void put_asff_labels(const struct ins_finding *f, struct buf *out)
{
	static const char *const labels[] = { "INFORMATIONAL", "LOW", "MEDIUM", "HIGH",
					      "CRITICAL" };
	struct rep_ref refs[8];
	size_t n = rep_refs(f->check, refs);

	key(out, "Severity");
	buf_printf(out, "{\"Label\":\"%s\",\"Original\":\"%s\"}", labels[f->severity],
		   ins_severity_name(f->severity));
	key(out, "Compliance");
	buf_printf(out, "{\"Status\":\"%s\",\"RelatedRequirements\":[",
		   rep_counts(f) ? "FAILED" : "WARNING");
	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf ref = { 0 };

		buf_printf(&ref, "%s %s", refs[i].scheme, refs[i].value);
		buf_puts(out, i ? "," : "");
		rep_json(out, ref.p);
	}
	buf_puts(out, "]}");
	key(out, "Workflow");
	buf_printf(out, "{\"Status\":\"%s\"}", rep_counts(f) ? "NEW" : "SUPPRESSED");
}

static void put_asff(const struct ins_report *r, const struct ins_finding *f, struct buf *out)
{
	cleanup_buf struct buf name = { 0 }, arn = { 0 };
	char when[32], id[32];

	rep_time(r->now, when);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)f->fingerprint);
	ins_subject_name(&r->subjects[f->subject], &name);
	open(out, '{');
	str(out, "SchemaVersion", "2018-10-08");
	str(out, "Id", id);
	buf_printf(&arn, "arn:aws:securityhub:%s:%s:product/%s/default", r->aws_region,
		   r->aws_account, r->aws_account);
	str(out, "ProductArn", arn.p);
	str(out, "GeneratorId", f->check->id);
	str(out, "AwsAccountId", r->aws_account);
	key(out, "Types");
	buf_puts(out, "[\"Software and Configuration Checks/Industry and Regulatory Standards\"]");
	str(out, "CreatedAt", when);
	str(out, "UpdatedAt", when);
	put_asff_labels(f, out);
	str(out, "Title", f->check->title);
	str(out, "Description", f->message);
	key(out, "Remediation");
	buf_puts(out, "{\"Recommendation\":{\"Text\":");
	rep_json(out, f->check->fix);
	buf_puts(out, "}}");
	key(out, "ProductFields");
	buf_putc(out, '{');
	str(out, "boltseal/file", f->place.file);
	str(out, "boltseal/pointer", f->place.pointer);
	str(out, "boltseal/value", f->value);
	buf_putc(out, '}');
	key(out, "Resources");
	buf_puts(out, "[{");
	str(out, "Type", asff_resource(r->subjects[f->subject].target));
	str(out, "Id", name.p);
	buf_puts(out, "}]");
	key(out, "RecordState");
	buf_puts(out, "\"ACTIVE\"}");
}

void rep_write_asff(const struct ins_report *r, struct buf *out)
{
	enum { BATCH = 100 }; /* that BatchImportFindings takes; one call a line */

	for (size_t i = 0; i < r->findings_n; i++) {
		if (i % BATCH == 0)
			buf_puts(out, i ? "]}\n{\"Findings\":[" : "{\"Findings\":[");
		put_asff(r, &r->findings[i], out);
	}
	buf_puts(out, r->findings_n ? "]}\n" : "{\"Findings\":[]}\n");
}
