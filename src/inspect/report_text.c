/* For people, on a terminal. */
#include <stdlib.h>
#include <string.h>

#include "inspect/report.h"

static void put_counts(const struct ins_report *r, struct buf *out)
{
	bool any = false;

	for (int s = INS_SEVERITY_COUNT - 1; s >= 0; s--)
		if (r->counts[s]) {
			buf_printf(out, "%s%u %s", any ? ", " : "", r->counts[s],
				   ins_severity_name((enum ins_severity)s));
			any = true;
		}
	if (!any)
		buf_puts(out, "nothing found");
	if (r->waived)
		buf_printf(out, ", %zu waived", r->waived);
}

static void put_finding(const struct ins_finding *f, struct buf *out)
{
	buf_printf(out, "  %-8s %s  %s\n", ins_severity_name(f->severity), f->check->id,
		   f->message);
	buf_puts(out, "           ");
	rep_place(&f->place, out);
	buf_printf(out, "  %s = %s\n", *f->place.pointer ? f->place.pointer : "/", f->value);
	if (f->evidence)
		buf_printf(out, "           seen: %s\n", f->evidence);
	if (f->waiver)
		buf_printf(out, "           %s %s: %s (%s)\n",
			   f->waiver->expired ? "waiver expired on" : "waived until",
			   f->waiver->expires, f->waiver->reason, f->waiver->owner);
}

/* Why and fix of each check that found something, once a subject. */
static void put_advice(const struct ins_report *r, size_t from, size_t to, struct buf *out)
{
	for (size_t i = from; i < to; i++) {
		const struct ins_check *c = r->findings[i].check;

		if (i > from && r->findings[i - 1].check == c)
			continue;
		buf_printf(out, "  %s  %s: %s\n       Fix: %s\n", c->id, c->title, c->why, c->fix);
	}
}

static void put_subject(const struct ins_report *r, const struct ins_subject *s, size_t from,
			size_t to, struct buf *out)
{
	ins_subject_name(s, out);
	buf_puts(out, "  ");
	rep_place(&s->place, out);
	buf_printf(out, "  score %u\n", s->score);
	for (size_t i = from; i < to; i++)
		put_finding(&r->findings[i], out);
	buf_putc(out, '\n');
	put_advice(r, from, to, out);
	buf_putc(out, '\n');
}

static void put_problems(const struct ins_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->problems_n; i++)
		buf_printf(out, "not inspected: %s\n", r->problems[i].text);
	for (size_t i = 0; i < r->waivers_n; i++)
		if (!r->waivers[i]->used)
			buf_printf(out, "%s:%u:%u: the waiver of %s matches nothing\n",
				   r->waivers[i]->file, r->waivers[i]->line, r->waivers[i]->col,
				   r->waivers[i]->rule);
}

static void put_overview(const struct ins_report *r, struct buf *out)
{
	cleanup_free size_t *worst = NULL;
	size_t n;

	buf_printf(out, "%zu subject%s in %zu document%s", r->subjects_n,
		   r->subjects_n == 1 ? "" : "s", r->documents, r->documents == 1 ? "" : "s");
	if (!r->subjects_n) {
		buf_puts(out, ": nothing was judged\n");
		return;
	}
	buf_printf(out, ", score %u of 100: ", r->score);
	put_counts(r, out);
	buf_putc(out, '\n');
	worst = rep_worst(r, &n);
	for (size_t i = 0; i < n && i < 5 && r->subjects_n > 1; i++) {
		const struct ins_subject *s = &r->subjects[worst[i]];

		buf_printf(out, "%s score %3u  ", i ? "      " : "worst:", s->score);
		ins_subject_name(s, out);
		buf_printf(out, "  (%u critical, %u high, %u medium, %u low)\n",
			   s->counts[INS_CRITICAL], s->counts[INS_HIGH], s->counts[INS_MEDIUM],
			   s->counts[INS_LOW]);
	}
}

static void write_all(const struct ins_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->findings_n;) {
		size_t to = i;

		while (to < r->findings_n && r->findings[to].subject == r->findings[i].subject)
			to++;
		put_subject(r, &r->subjects[r->findings[i].subject], i, to, out);
		i = to;
	}
	put_problems(r, out);
	put_overview(r, out);
}

/* By the Pod Security Standards alone: one line a workload, in the standard's own words. */
static void write_policy(const struct ins_report *r, struct buf *out)
{
	size_t violating = 0;

	for (size_t i = 0; i < r->findings_n;) {
		const struct ins_subject *s = &r->subjects[r->findings[i].subject];
		size_t to = i;

		rep_place(&s->place, out);
		buf_puts(out, ": ");
		ins_subject_name(s, out);
		buf_puts(out, ": violates PodSecurity \"");
		rep_policy(r, out);
		buf_puts(out, "\": ");
		for (; to < r->findings_n && r->findings[to].subject == r->findings[i].subject;
		     to++)
			buf_printf(out, "%s%s%s", to > i ? ", " : "", r->findings[to].message,
				   r->findings[to].waiver && !r->findings[to].waiver->expired
					   ? " [waived]"
					   : "");
		buf_putc(out, '\n');
		violating++;
		i = to;
	}
	put_problems(r, out);
	buf_printf(out, "%zu of %zu workload%s conform to ", r->subjects_n - violating,
		   r->subjects_n, r->subjects_n == 1 ? "" : "s");
	rep_policy(r, out);
	buf_putc(out, '\n');
}

void rep_write_text(const struct ins_report *r, struct buf *out)
{
	if (r->policy)
		write_policy(r, out);
	else
		write_all(r, out);
}
