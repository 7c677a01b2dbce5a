/* One HTML file that loads nothing; everything that comes from documents is escaped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/report.h"

static const char style[] =
	":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1a1f27;--dim:#5c6673;"
	"--line:#dde2e8;--crit:#a4133c;--high:#c2410c;--med:#a16207;--low:#2563a8;--info:#5c6673;"
	"--good:#15803d;--code:#eef1f4}"
	"@media(prefers-color-scheme:dark){:root{--bg:#12151a;--card:#1b2027;--ink:#e6e9ed;"
	"--dim:#9aa5b1;--line:#2f3741;--crit:#ff6b8b;--high:#ff9a5c;--med:#e9c46a;--low:#7ab8ff;"
	"--info:#9aa5b1;--good:#5fd38d;--code:#262d36}}"
	"*{box-sizing:border-box}"
	"body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}"
	"main{max-width:70rem;margin:0 auto;padding:1.5rem 1rem 4rem}"
	"h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .6rem}"
	"p{margin:.3rem 0}.dim{color:var(--dim)}"
	".top{display:flex;flex-wrap:wrap;gap:1.5rem;align-items:center;margin:1.2rem 0}"
	".ring{width:8rem;height:8rem;flex:none}.ring text{font:700 30px system-ui;fill:var(--ink)}"
	".ring .of{font:400 10px system-ui;fill:var(--dim)}"
	".counts{display:grid;grid-template-columns:repeat(auto-fit,minmax(6.5rem,1fr));gap:.6rem;"
	"flex:1;min-width:15rem}"
	".count{background:var(--card);border:1px solid var(--line);border-left:4px solid;"
	"border-radius:.5rem;padding:.5rem .8rem}.count b{display:block;font-size:1.5rem;"
	"line-height:1.2;color:var(--ink)}.count span{color:var(--dim)}"
	".critical{border-color:var(--crit);color:var(--crit)}"
	".high{border-color:var(--high);color:var(--high)}"
	".medium{border-color:var(--med);color:var(--med)}"
	".low{border-color:var(--low);color:var(--low)}"
	".info{border-color:var(--info);color:var(--info)}"
	".bar{display:grid;grid-template-columns:8rem 1fr 2.5rem;gap:.6rem;align-items:center;"
	"margin:.25rem 0}.bar div{display:flex;height:.6rem;border-radius:.3rem;overflow:hidden;"
	"gap:1px}.bar i{display:block;background:currentColor}"
	".card.warn{border-color:var(--high);border-left:4px solid var(--high)}"
	".card{background:var(--card);border:1px solid "
	"var(--line);border-radius:.6rem;margin:.7rem 0;"
	"overflow:hidden}"
	"summary{cursor:pointer;padding:.7rem 1rem;display:flex;flex-wrap:wrap;gap:.3rem 1rem;"
	"align-items:baseline}summary b{overflow-wrap:anywhere}"
	"summary::-webkit-details-marker{display:none}"
	"summary::before{content:'\\25b8';color:var(--dim)}"
	"details[open]>summary::before{content:'\\25be'}"
	".score{margin-left:auto;font-weight:700}"
	".find{border-top:1px solid var(--line);padding:.8rem 1rem}"
	".find.waived{opacity:.65}"
	".tag{font-size:.75rem;font-weight:700;text-transform:uppercase;letter-spacing:.03em;"
	"border:1px solid;border-radius:.3rem;padding:0 "
	".4rem;margin-right:.5rem;white-space:nowrap}"
	"code,pre{font:13px/1.45 ui-monospace,monospace;background:var(--code);border-radius:.3rem}"
	"code{padding:.05rem .3rem;overflow-wrap:anywhere}"
	"pre{padding:.6rem .8rem;overflow-x:auto;margin:.4rem 0 0}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.5rem 0 0}"
	"dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere;min-width:0}"
	"@media(max-width:32rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}"
	".bar{grid-template-columns:6.5rem 1fr 2rem}.ring{width:6rem;height:6rem}}"
	"@media print{details:not([open])>*{display:block}}";

static void put_ring(unsigned score, struct buf *out)
{
	const char *colour = score >= 90   ? "good"
			     : score >= 70 ? "low"
			     : score >= 50 ? "med"
			     : score >= 30 ? "high"
					   : "crit";

	/* A circle of radius 42 has a circumference of 264. */
	buf_printf(
		out,
		"<svg class=\"ring\" viewBox=\"0 0 100 100\" role=\"img\" aria-label=\"score %u of "
		"100\"><circle cx=\"50\" cy=\"50\" r=\"42\" fill=\"none\" stroke=\"var(--line)\" "
		"stroke-width=\"10\"/><circle cx=\"50\" cy=\"50\" r=\"42\" fill=\"none\" "
		"stroke=\"var(--%s)\" stroke-width=\"10\" stroke-dasharray=\"%u 264\" "
		"stroke-linecap=\"round\" transform=\"rotate(-90 50 50)\"/><text x=\"50\" y=\"56\" "
		"text-anchor=\"middle\">%u</text><text class=\"of\" x=\"50\" y=\"70\" "
		"text-anchor=\"middle\">of 100</text></svg>",
		score, colour, score * 264 / 100, score);
}

static void put_counts(const struct ins_report *r, struct buf *out)
{
	buf_puts(out, "<div class=\"counts\">");
	for (int s = INS_SEVERITY_COUNT - 1; s >= 0; s--) {
		const char *name = ins_severity_name((enum ins_severity)s);

		buf_printf(out, "<div class=\"count %s\"><b>%u</b><span>%s</span></div>", name,
			   r->counts[s], name);
	}
	buf_printf(out, "<div class=\"count info\"><b>%zu</b><span>waived</span></div></div>",
		   r->waived);
}

/* A bar as long as the number, its parts in the colours of the severities, the worst first. */
static void put_bar(const char *name, const size_t part[INS_SEVERITY_COUNT], size_t n, size_t most,
		    struct buf *out)
{
	buf_printf(out, "<div class=\"bar\"><span>%s</span><div>", name);
	for (int s = INS_SEVERITY_COUNT - 1; s >= 0; s--)
		if (part[s])
			buf_printf(out,
				   "<i class=\"%s\" title=\"%zu %s\" style=\"width:%zu%%\"></i>",
				   ins_severity_name((enum ins_severity)s), part[s],
				   ins_severity_name((enum ins_severity)s), part[s] * 100 / most);
	buf_printf(out, "</div><span>%zu</span></div>", n);
}

static void put_categories(const struct ins_report *r, struct buf *out)
{
	size_t n[INS_CATEGORY_COUNT] = { 0 }, part[INS_CATEGORY_COUNT][INS_SEVERITY_COUNT] = { 0 };
	size_t most = 1;

	for (size_t i = 0; i < r->findings_n; i++) {
		const struct ins_finding *f = &r->findings[i];

		n[f->check->category] += rep_counts(f);
		part[f->check->category][f->severity] += rep_counts(f);
	}
	for (int c = 0; c < INS_CATEGORY_COUNT; c++)
		most = n[c] > most ? n[c] : most;
	buf_puts(out, r->findings_n ? "<h2>By category</h2>" : "");
	for (int c = 0; c < INS_CATEGORY_COUNT; c++)
		if (n[c])
			put_bar(ins_category_name((enum ins_category)c), part[c], n[c], most, out);
}

static void put_row(struct buf *out, const char *name, const char *value, bool code)
{
	buf_printf(out, "<dt>%s</dt><dd>%s", name, code ? "<code>" : "");
	rep_xml(out, value);
	buf_printf(out, "%s</dd>", code ? "</code>" : "");
}

static void put_refs(const struct ins_check *c, struct buf *out)
{
	struct rep_ref refs[8];
	size_t n = rep_refs(c, refs);
	cleanup_buf struct buf text = { 0 };

	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s %s", i ? " · " : "", refs[i].scheme, refs[i].value);
	if (n)
		put_row(out, "also", text.p, false);
}

static void put_finding(const struct ins_finding *f, struct buf *out)
{
	const char *severity = ins_severity_name(f->severity);
	cleanup_buf struct buf place = { 0 }, waiver = { 0 };

	rep_place(&f->place, &place);
	buf_printf(out, "<div class=\"find%s\"><p><span class=\"tag %s\">%s</span>%s<b>%s</b> ",
		   rep_counts(f) ? "" : " waived", severity, severity,
		   rep_counts(f) ? "" : "<span class=\"tag info\">waived</span>", f->check->id);
	rep_xml(out, f->message);
	buf_puts(out, "</p><dl>");
	put_row(out, "place", place.p, true);
	put_row(out, "field", *f->place.pointer ? f->place.pointer : "/", true);
	put_row(out, "value", f->value, true);
	put_row(out, "why", f->check->why, false);
	if (f->evidence)
		put_row(out, "seen", f->evidence, false);
	put_row(out, "fix", f->check->fix, false);
	if (f->waiver) {
		buf_printf(&waiver, "%s %s, %s: %s", f->waiver->expired ? "expired" : "until",
			   f->waiver->expires, f->waiver->owner, f->waiver->reason);
		put_row(out, "waiver", waiver.p, false);
	}
	put_refs(f->check, out);
	buf_puts(out, "</dl>");
	if (f->patch) {
		buf_puts(out, "<pre>");
		rep_xml(out, f->patch);
		buf_puts(out, "</pre>");
	}
	buf_puts(out, "</div>");
}

static void put_subject(const struct ins_report *r, const size_t *first, size_t i, bool show,
			struct buf *out)
{
	const struct ins_subject *s = &r->subjects[i];
	cleanup_buf struct buf name = { 0 }, place = { 0 };

	ins_subject_name(s, &name);
	rep_place(&s->place, &place);
	buf_printf(out, "<details class=\"card\"%s><summary><b>", show ? " open" : "");
	rep_xml(out, name.p);
	buf_puts(out, "</b><span class=\"dim\">");
	rep_xml(out, place.p);
	buf_puts(out, "</span>");
	for (int k = INS_SEVERITY_COUNT - 1; k > INS_INFO; k--)
		if (s->counts[k])
			buf_printf(out, "<span class=\"%s\">%u %s</span>",
				   ins_severity_name((enum ins_severity)k), s->counts[k],
				   ins_severity_name((enum ins_severity)k));
	buf_printf(out,
		   "<span class=\"score\"><span class=\"dim\">score</span> %u</span></summary>",
		   s->score);
	for (size_t k = first[i]; k < r->findings_n && r->findings[k].subject == i; k++)
		put_finding(&r->findings[k], out);
	buf_puts(out, "</details>");
}

/* Where each subject's findings begin. */
static size_t *first_findings(const struct ins_report *r)
{
	size_t *first = calloc(r->subjects_n + 1, sizeof(*first));

	for (size_t i = r->findings_n; first && i-- > 0;)
		first[r->findings[i].subject] = i;
	return first;
}

static void put_subjects(const struct ins_report *r, struct buf *out)
{
	size_t n, *worst = rep_worst(r, &n), *first = first_findings(r);

	buf_puts(out, "<h2>Subjects, the worst first</h2>");
	if (!n)
		buf_puts(out, "<p class=\"dim\">Nothing found.</p>");
	for (size_t i = 0; first && i < n; i++)
		put_subject(r, first, worst[i], i < 3, out);
	free(first);
	free(worst);
}

/* What is missing from the report stands before what is in it. */
static void put_problems(const struct ins_report *r, struct buf *out)
{
	if (!r->problems_n)
		return;
	buf_puts(out, "<h2>Not inspected</h2><div class=\"card warn\">");
	for (size_t i = 0; i < r->problems_n; i++) {
		buf_puts(out, "<div class=\"find\"><code>");
		rep_xml(out, r->problems[i].text);
		buf_puts(out, "</code></div>");
	}
	buf_puts(out, "</div>");
}

void rep_write_html(const struct ins_report *r, struct buf *out)
{
	cleanup_buf struct buf policy = { 0 };
	char when[32];

	rep_policy(r, &policy);
	buf_printf(
		out,
		"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
		"name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>boltseal "
		"inspect: %u of "
		"100</title><style>%s</style></head><body><main><h1>Inspection</h1><p "
		"class=\"dim\">%zu subjects in %zu documents%s%s · %s · boltseal %s</p>",
		r->score, style, r->subjects_n, r->documents, policy.len ? " · " : "",
		buf_str(&policy), rep_time(r->now, when), BOLTSEAL_VERSION);
	buf_puts(out, "<div class=\"top\">");
	put_ring(r->score, out);
	put_counts(r, out);
	buf_puts(out, "</div>");
	put_problems(r, out);
	put_categories(r, out);
	put_subjects(r, out);
	buf_puts(out, "</main></body></html>\n");
}
