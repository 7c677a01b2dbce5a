/*
 * Inspection of any bytes: every report can be written, and a document that was corrected can be
 * read again.
 */
#include "fuzz.h"
#include "inspect/edit.h"
#include "inspect/report.h"

static void correct(const struct yaml_stream *s, const struct ins_report *r,
		    const struct yaml_doc *doc)
{
	cleanup_buf struct buf out = { 0 };
	cleanup_yaml struct yaml_stream again = { 0 };
	struct arena a = { 0 };
	struct err e = { 0 };

	for (size_t i = 0; i < r->findings_n; i++) {
		const struct ins_finding *f = &r->findings[i];

		if (r->subjects[f->subject].doc_off != doc->root->start.off)
			continue;
		out.len = 0;
		if (edit_text(&a, s, doc, f->edits, f->edits_n, &out))
			continue;
		if (yaml_parse(&again, "again", buf_str(&out), out.len, &e) < 0)
			abort();
		for (size_t k = 0; k < again.docs_n; k++)
			if (again.doc[k].error)
				abort();
		yaml_stream_free(&again);
	}
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	cleanup_ins_report struct ins_report r = { .aws_account = "1", .aws_region = "r" };
	struct ins_options o = { .kubelet_dir = "var/lib/kubelet" };
	struct err e = { 0 };

	if (yaml_parse(&s, "input", (const char *)data, size, &e) < 0)
		return 0;
	ins_stream(&r, &o, &s, false);
	ins_waivers_apply(&r, 0);
	ins_finish(&r);
	for (const struct ins_format *f = ins_formats; f->name; f++) {
		cleanup_buf struct buf out = { 0 };

		f->write(&r, &out);
	}
	for (size_t i = 0; i < s.docs_n; i++)
		if (!s.doc[i].root)
			return 0; /* what is wrong there may be behind another document */
	for (size_t i = 0; i < s.docs_n; i++)
		correct(&s, &r, &s.doc[i]);
	return 0;
}
