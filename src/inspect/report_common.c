#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "inspect/report.h"

const struct ins_format ins_formats[] = {
	{ "text", rep_write_text },
	{ "json", rep_write_json },
	{ "sarif", rep_write_sarif },
	{ "junit", rep_write_junit },
	{ "markdown", rep_write_markdown },
	{ "html", rep_write_html },
	{ "policy-report", rep_write_policy_report },
	{ "asff", rep_write_asff },
	{ 0 },
};

const struct ins_format *ins_format_find(const char *name)
{
	for (const struct ins_format *f = ins_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

void rep_place(const struct ins_place *p, struct buf *out)
{
	buf_puts(out, p->file);
	if (p->line)
		buf_printf(out, ":%u:%u", p->line, p->col);
}

const char *rep_time(time_t t, char out[32])
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

size_t rep_refs(const struct ins_check *c, struct rep_ref out[8])
{
	const struct rep_ref all[] = {
		{ "pss", c->refs.pss },
		{ "nsa", c->refs.nsa },
		{ "cis", c->refs.cis },
		{ "cis-docker", c->refs.docker },
		{ "kubescape", c->refs.kubescape },
		{ "trivy", c->refs.trivy },
		{ "checkov", c->refs.checkov },
		{ "aws", c->refs.aws },
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].value)
			out[n++] = all[i];
	return n;
}

double rep_score(enum ins_severity s)
{
	static const double scores[] = { 0.0, 3.0, 5.5, 8.0, 9.5 };

	return scores[s];
}

bool rep_counts(const struct ins_finding *f)
{
	return !f->waiver || f->waiver->expired;
}

static int compare_subjects(const void *a, const void *b, void *arg)
{
	const struct ins_report *r = arg;
	const struct ins_subject *x = &r->subjects[*(const size_t *)a];
	const struct ins_subject *y = &r->subjects[*(const size_t *)b];

	for (int s = INS_SEVERITY_COUNT - 1; s > INS_INFO; s--)
		if (x->counts[s] != y->counts[s])
			return x->counts[s] > y->counts[s] ? -1 : 1;
	return *(const size_t *)a < *(const size_t *)b ? -1 : 1;
}

size_t *rep_worst(const struct ins_report *r, size_t *n)
{
	size_t *list = xcalloc(r->subjects_n + 1, sizeof(*list));

	*n = 0;
	for (size_t i = 0; i < r->subjects_n; i++) {
		unsigned sum = 0;

		for (int s = INS_LOW; s < INS_SEVERITY_COUNT; s++)
			sum += r->subjects[i].counts[s];
		if (sum)
			list[(*n)++] = i;
	}
	qsort_r(list, *n, sizeof(*list), compare_subjects, (void *)r);
	return list;
}

void rep_policy(const struct ins_report *r, struct buf *out)
{
	if (r->policy)
		pss_policy_name(r->policy, out);
}

/* Bytes that are no UTF-8 become U+FFFD: the readers of reports want text. */
static void put_clean(struct buf *out, const char *text, void (*put)(struct buf *, unsigned char))
{
	const char *end = text + strlen(text);

	while (text < end) {
		size_t n = json_utf8_len(text, end, NULL);

		if (n == 1)
			put(out, (unsigned char)*text);
		else if (n)
			buf_append(out, text, n);
		else
			buf_puts(out, "\xef\xbf\xbd");
		text += n ? n : 1;
	}
}

static void put_json_char(struct buf *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		buf_printf(out, "\\%c", c);
	else if (c == '\n')
		buf_puts(out, "\\n");
	else if (c < 0x20 || c == 0x7f)
		buf_printf(out, "\\u%04x", c);
	else
		buf_putc(out, (char)c);
}

void rep_json(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	put_clean(out, text, put_json_char);
	buf_putc(out, '"');
}

static void put_xml_char(struct buf *out, unsigned char c)
{
	switch (c) {
	case '<':
		buf_puts(out, "&lt;");
		break;
	case '>':
		buf_puts(out, "&gt;");
		break;
	case '&':
		buf_puts(out, "&amp;");
		break;
	case '"':
		buf_puts(out, "&quot;");
		break;
	case '\'':
		buf_puts(out, "&#39;");
		break;
	default:
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			buf_puts(out, "\xef\xbf\xbd"); /* XML 1.0 has no control characters */
		else
			buf_putc(out, (char)c);
	}
}

void rep_xml(struct buf *out, const char *text)
{
	put_clean(out, text, put_xml_char);
}

const struct ins_check *rep_rules(const struct ins_report *r)
{
	return r->policy ? ins_pss_checks : ins_checks;
}
