/* Reports as objects of others: PolicyReport of Kubernetes, findings of AWS Security Hub. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "inspect/report_members.h"

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

	json_begin(out, '{');
	json_str(out, "source", "boltseal");
	json_str(out, "policy", c->id);
	json_str(out, "rule", c->id);
	json_str(out, "category", ins_category_name(c->category));
	json_str(out, "severity", ins_severity_name(f ? f->severity : c->severity));
	json_str(out, "result", !f ? "pass" : waived ? "skip" : "fail");
	json_str(out, "message", f ? f->message : c->title);
	json_key(out, "scored");
	buf_puts(out, "true");
	json_key(out, "timestamp");
	buf_printf(out, "{\"seconds\":%lld,\"nanos\":0}", (long long)r->now);
	if (f) {
		json_key(out, "properties");
		buf_putc(out, '{');
		json_str(out, "pointer", f->place.pointer);
		json_str(out, "value", f->value);
		if (f->container)
			json_str(out, "container", f->container);
		if (f->waiver)
			json_str(out, "waiver", f->waiver->reason);
		buf_putc(out, '}');
	}
	buf_putc(out, '}');
}

static void put_policy_report(const struct ins_report *r, size_t i, size_t *at, struct buf *out)
{
	const struct ins_subject *s = &r->subjects[i];
	size_t from = *at, fail = 0, skip = 0;

	json_begin(out, '{');
	json_str(out, "apiVersion", "wgpolicyk8s.io/v1alpha2");
	json_str(out, "kind", *s->ns ? "PolicyReport" : "ClusterPolicyReport");
	json_key(out, "metadata");
	buf_puts(out, "{\"name\":");
	put_object_name(s, out);
	if (*s->ns)
		json_str(out, "namespace", s->ns);
	buf_putc(out, '}');
	json_key(out, "scope");
	buf_putc(out, '{');
	json_str(out, "kind", s->kind);
	json_str(out, "name", s->name);
	if (*s->ns)
		json_str(out, "namespace", s->ns);
	buf_putc(out, '}');
	for (; *at < r->findings_n && r->findings[*at].subject == i; (*at)++) {
		fail += rep_counts(&r->findings[*at]);
		skip += !rep_counts(&r->findings[*at]);
	}
	json_key(out, "summary");
	buf_printf(out, "{\"pass\":%zu,\"fail\":%zu,\"warn\":0,\"error\":0,\"skip\":%zu}",
		   s->passed_n, fail, skip);
	json_key(out, "results");
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

	json_key(out, "Severity");
	buf_printf(out, "{\"Label\":\"%s\",\"Original\":\"%s\"}", labels[f->severity],
		   ins_severity_name(f->severity));
	json_key(out, "Compliance");
	buf_printf(out, "{\"Status\":\"%s\",\"RelatedRequirements\":[",
		   rep_counts(f) ? "FAILED" : "WARNING");
	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf ref = { 0 };

		buf_printf(&ref, "%s %s", refs[i].scheme, refs[i].value);
		buf_puts(out, i ? "," : "");
		rep_json(out, ref.p);
	}
	buf_puts(out, "]}");
	json_key(out, "Workflow");
	buf_printf(out, "{\"Status\":\"%s\"}", rep_counts(f) ? "NEW" : "SUPPRESSED");
}

static void put_asff(const struct ins_report *r, const struct ins_finding *f, struct buf *out)
{
	cleanup_buf struct buf name = { 0 }, arn = { 0 };
	char when[32], id[32];

	rep_time(r->now, when);
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)f->fingerprint);
	ins_subject_name(&r->subjects[f->subject], &name);
	json_begin(out, '{');
	json_str(out, "SchemaVersion", "2018-10-08");
	json_str(out, "Id", id);
	buf_printf(&arn, "arn:aws:securityhub:%s:%s:product/%s/default", r->aws_region,
		   r->aws_account, r->aws_account);
	json_str(out, "ProductArn", arn.p);
	json_str(out, "GeneratorId", f->check->id);
	json_str(out, "AwsAccountId", r->aws_account);
	json_key(out, "Types");
	buf_puts(out, "[\"Software and Configuration Checks/Industry and Regulatory Standards\"]");
	json_str(out, "CreatedAt", when);
	json_str(out, "UpdatedAt", when);
	put_asff_labels(f, out);
	json_str(out, "Title", f->check->title);
	json_str(out, "Description", f->message);
	json_key(out, "Remediation");
	buf_puts(out, "{\"Recommendation\":{\"Text\":");
	rep_json(out, f->check->fix);
	buf_puts(out, "}}");
	json_key(out, "ProductFields");
	buf_putc(out, '{');
	json_str(out, "boltseal/file", f->place.file);
	json_str(out, "boltseal/pointer", f->place.pointer);
	json_str(out, "boltseal/value", f->value);
	buf_putc(out, '}');
	json_key(out, "Resources");
	buf_puts(out, "[{");
	json_str(out, "Type", asff_resource(r->subjects[f->subject].target));
	json_str(out, "Id", name.p);
	buf_puts(out, "}]");
	json_key(out, "RecordState");
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
