/* A report in the formats that people and programs read. */
#ifndef INSPECT_REPORT_H
#define INSPECT_REPORT_H

#include "base/buf.h"
#include "inspect/inspect.h"

struct ins_format {
	const char *name; /* "json" */
	void (*write)(const struct ins_report *r, struct buf *out);
};

/* Ends with a row whose name is NULL. */
extern const struct ins_format ins_formats[];
const struct ins_format *ins_format_find(const char *name);

/* report_common.c: what the formats share. */
/* "kubernetes/web.yaml:12:7", or the file alone. */
void rep_place(const struct ins_place *p, struct buf *out);
/* RFC 3339, UTC: "2026-01-02T03:04:05Z". */
const char *rep_time(time_t t, char out[32]);
/* Name and value pairs of the check's references: calls `put` for each name that is there. */
struct rep_ref {
	const char *scheme, *value;
};
size_t rep_refs(const struct ins_check *c, struct rep_ref out[8]);
/* Security severity from 0 to 10. */
double rep_score(enum ins_severity s);
/* Whether the finding counts: nobody waived it, or the waiver expired. */
bool rep_counts(const struct ins_finding *f);
/* Indices of subjects, the worst first; those without findings are left out. Caller frees. */
size_t *rep_worst(const struct ins_report *r, size_t *n);
/* The policy's name ("restricted:latest"), or "" when all checks ran. */
void rep_policy(const struct ins_report *r, struct buf *out);
/* JSON string, XML text, HTML text. */
void rep_json(struct buf *out, const char *text);
void rep_xml(struct buf *out, const char *text);
/* The rules that the report is about; ends with a NULL id. */
const struct ins_check *rep_rules(const struct ins_report *r);

/* One finding as the JSON report has it. */
void rep_finding_json(const struct ins_report *r, const struct ins_finding *f, struct buf *out);

void rep_write_text(const struct ins_report *r, struct buf *out);
void rep_write_json(const struct ins_report *r, struct buf *out);
void rep_write_sarif(const struct ins_report *r, struct buf *out);
void rep_write_junit(const struct ins_report *r, struct buf *out);
void rep_write_markdown(const struct ins_report *r, struct buf *out);
void rep_write_html(const struct ins_report *r, struct buf *out);
void rep_write_policy_report(const struct ins_report *r, struct buf *out);
void rep_write_asff(const struct ins_report *r, struct buf *out);

#endif
