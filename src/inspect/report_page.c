/* Markdown, JUnit XML and HTML. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/report.h"

/* ---- Markdown */

/* Text in a table's cell: no markup of its own. */
static void put_md(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\n' || *p == '\r')
			buf_putc(out, ' ');
		else if (strchr("\\`*_{}[]<>|#", *p))
			buf_printf(out, "\\%c", *p);
		else
			buf_putc(out, *p);
	}
}

static void put_md_finding(const struct ins_finding *f, struct buf *out)
{
	cleanup_buf struct buf place = { 0 };

	rep_place(&f->place, &place);
	buf_printf(out, "| %s | %s | ", ins_severity_name(f->severity), f->check->id);
	put_md(out, f->message);
	if (f->evidence) {
		buf_puts(out, "<br>Seen: ");
		put_md(out, f->evidence);
	}
	if (f->waiver) {
		buf_printf(out,
			   "<br>%s %s: ", f->waiver->expired ? "Waiver expired" : "Waived until",
			   f->waiver->expires);
		put_md(out, f->waiver->reason);
	}
	buf_puts(out, " | ");
	put_md(out, place.p);
	buf_puts(out, "<br>");
	put_md(out, f->place.pointer);
	buf_puts(out, " | ");
	put_md(out, f->value);
	buf_puts(out, " | ");
	put_md(out, f->check->fix);
	buf_puts(out, " |\n");
}

void rep_write_markdown(const struct ins_report *r, struct buf *out)
{
	buf_printf(out, "# Inspection\n\nScore **%u** of 100: %zu subjects, %zu documents.\n\n",
		   r->score, r->subjects_n, r->documents);
	buf_puts(out, "| critical | high | medium | low | info | waived |\n"
		      "| ---: | ---: | ---: | ---: | ---: | ---: |\n");
	buf_printf(out, "| %u | %u | %u | %u | %u | %zu |\n", r->counts[INS_CRITICAL],
		   r->counts[INS_HIGH], r->counts[INS_MEDIUM], r->counts[INS_LOW],
		   r->counts[INS_INFO], r->waived);
	for (size_t i = 0; i < r->findings_n; i++) {
		const struct ins_subject *s = &r->subjects[r->findings[i].subject];

		if (!i || r->findings[i - 1].subject != r->findings[i].subject) {
			cleanup_buf struct buf name = { 0 };

			ins_subject_name(s, &name);
			buf_puts(out, "\n## ");
			put_md(out, name.p);
			buf_printf(out, "\n\nScore %u of 100.\n\n", s->score);
			buf_puts(out, "| severity | rule | finding | place | value | fix |\n"
				      "| --- | --- | --- | --- | --- | --- |\n");
		}
		put_md_finding(&r->findings[i], out);
	}
	if (r->problems_n)
		buf_puts(out, "\n## Not inspected\n\n");
	for (size_t i = 0; i < r->problems_n; i++) {
		buf_puts(out, "- ");
		put_md(out, r->problems[i].text);
		buf_putc(out, '\n');
	}
}

/* ---- JUnit */

static void put_case(const struct ins_subject *s, const struct ins_check *c, struct buf *out)
{
	cleanup_buf struct buf name = { 0 };

	ins_subject_name(s, &name);
	buf_puts(out, "    <testcase classname=\"");
	rep_xml(out, name.p);
	buf_printf(out, "\" name=\"%s ", c->id);
	rep_xml(out, c->title);
	buf_puts(out, "\" time=\"0\"");
}

/* The findings of one check are one case: failed, or skipped when all of them are waived. */
static void put_failed_case(const struct ins_report *r, size_t from, size_t to, struct buf *out)
{
	const struct ins_finding *first = &r->findings[from];
	bool failed = false;
	const char *tag;

	for (size_t i = from; i < to; i++)
		failed |= rep_counts(&r->findings[i]);
	tag = failed ? "failure" : "skipped";
	put_case(&r->subjects[first->subject], first->check, out);
	buf_printf(out, ">\n      <%s message=\"", tag);
	rep_xml(out, failed ? first->message : first->waiver->reason);
	if (failed)
		buf_printf(out, "\" type=\"%s", ins_severity_name(first->severity));
	buf_puts(out, "\">");
	for (size_t i = from; i < to && failed; i++) {
		cleanup_buf struct buf line = { 0 };

		rep_place(&r->findings[i].place, &line);
		buf_printf(&line, " %s = %s: %s\n", r->findings[i].place.pointer,
			   r->findings[i].value, r->findings[i].message);
		rep_xml(out, line.p);
	}
	if (failed) {
		buf_puts(out, "Fix: ");
		rep_xml(out, first->check->fix);
	}
	buf_printf(out, "</%s>\n    </testcase>\n", tag);
}

struct suite {
	size_t failures, skipped;
	struct buf cases;
};

static void put_suite(const struct ins_report *r, size_t i, size_t *at, struct suite *all,
		      struct buf *out)
{
	const struct ins_subject *s = &r->subjects[i];
	struct suite my = { 0 };
	cleanup_buf struct buf name = { 0 };
	size_t cases = s->passed_n;
	char when[32];

	while (*at < r->findings_n && r->findings[*at].subject == i) {
		size_t to = *at;
		bool failed = false;

		for (; to < r->findings_n && r->findings[to].subject == i &&
		       r->findings[to].check == r->findings[*at].check;
		     to++)
			failed |= rep_counts(&r->findings[to]);
		put_failed_case(r, *at, to, &my.cases);
		my.failures += failed;
		my.skipped += !failed;
		cases++;
		*at = to;
	}
	for (size_t k = 0; k < s->passed_n; k++) {
		put_case(s, s->passed[k], &my.cases);
		buf_puts(&my.cases, "/>\n");
	}
	ins_subject_name(s, &name);
	rep_time(r->now, when);
	when[19] = '\0'; /* without zone */
	buf_puts(out, "  <testsuite name=\"");
	rep_xml(out, name.p);
	buf_printf(out,
		   "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" id=\"%zu\" "
		   "hostname=\"localhost\" time=\"0\" timestamp=\"%s\">\n",
		   cases, my.failures, my.skipped, i, when);
	buf_puts(out, buf_str(&my.cases));
	buf_puts(out, "  </testsuite>\n");
	buf_free(&my.cases);
	all->failures += my.failures;
	all->skipped += cases; /* counted as tests there */
}

void rep_write_junit(const struct ins_report *r, struct buf *out)
{
	struct suite all = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < r->subjects_n; i++)
		put_suite(r, i, &at, &all, &all.cases);
	for (size_t i = 0; i < r->problems_n; i++) {
		buf_puts(&all.cases, "  <testsuite name=\"");
		rep_xml(&all.cases, r->problems[i].place.file);
		buf_puts(&all.cases, "\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n"
				     "    <testcase classname=\"read\" name=\"");
		rep_xml(&all.cases, r->problems[i].place.file);
		buf_puts(&all.cases, "\" time=\"0\">\n      <error message=\"");
		rep_xml(&all.cases, r->problems[i].text);
		buf_puts(&all.cases, "\"/>\n    </testcase>\n  </testsuite>\n");
	}
	buf_printf(
		out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"boltseal inspect\" "
		"tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"0\">\n",
		all.skipped + r->problems_n, all.failures, r->problems_n);
	buf_puts(out, buf_str(&all.cases));
	buf_puts(out, "</testsuites>\n");
	buf_free(&all.cases);
}
