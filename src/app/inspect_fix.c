#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/inspect.h"
#include "base/log.h"
#include "base/mem.h"
#include "inspect/edit.h"

/* Each note once for a subject. */
static void say(struct inspect *in, const struct ins_finding *f, const char *note)
{
	const struct ins_subject *s = &in->report.subjects[f->subject];
	cleanup_buf struct buf key = { 0 };
	void **slot;

	buf_printf(&key, "%zu %s", f->subject, note);
	slot = map_at(&in->seen_notes, key.p, key.len);
	if (*slot)
		return;
	*slot = in;
	in->notes++;
	key.len = 0;
	ins_subject_name(s, &key);
	log_note("%s: %s: the fix takes away %s", s->place.file, key.p, note);
}

/* The changes of one document, of findings that nobody waived. */
static struct ins_edit *collect(struct inspect *in, const struct yaml_doc *doc, size_t first,
				size_t *n)
{
	struct ins_edit *list = NULL;
	size_t cap = 0;

	*n = 0;
	for (size_t i = first; i < in->report.findings_n; i++) {
		const struct ins_finding *f = &in->report.findings[i];

		if (in->report.subjects[f->subject].doc_off != doc->root->start.off ||
		    (f->waiver && !f->waiver->expired))
			continue;
		for (size_t k = 0; k < f->edits_n; k++) {
			*vec_push(list, *n, cap) = f->edits[k];
			if (f->edits[k].note)
				say(in, f, f->edits[k].note);
		}
	}
	return list;
}

void inspect_fix(struct inspect *in, const struct yaml_stream *s, size_t first)
{
	struct arena arena = { 0 };
	uint32_t at = 0;

	if (in->fixed_files++ && in->fixed.len) {
		if (in->fixed.p[in->fixed.len - 1] != '\n')
			buf_putc(&in->fixed, '\n');
		if (strncmp(s->text, "---", 3))
			buf_puts(&in->fixed, "---\n");
	}
	for (size_t i = 0; i < s->docs_n; i++) {
		const struct yaml_doc *doc = &s->doc[i];
		cleanup_free struct ins_edit *edits = NULL;
		size_t n, left;

		if (!doc->root)
			continue;
		buf_append(&in->fixed, s->text + at, doc->start.off - at);
		edits = collect(in, doc, first, &n);
		left = edit_text(&arena, s, doc, edits, n, &in->fixed);
		if (left)
			log_note("%s:%u: %zu changes have no place in the text: it uses aliases or "
				 "a "
				 "form that cannot be edited",
				 s->name, doc->start.line, left);
		at = doc->end;
	}
	buf_append(&in->fixed, s->text + at, s->len - at);
	arena_free(&arena);
}
