#include "import/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"

enum { MAX_REASONS = 2000, SHOWN = 120 };

void import_begin(struct import *im, struct workload *w, const struct import_options *o,
		  struct buf *notes, const char *target)
{
	struct wl_source *s;

	*im = (struct import){ .w = w, .o = o, .notes = notes };
	im->source = wl_source_add(w, WL_IMPORT);
	s = &w->sources[im->source];
	s->target = wl_string(w, target);
	s->version = BOLTSEAL_VERSION;
	s->complete = true;
	s->runs = 0;
}

void import_note(struct import *im, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(im->notes, "%s\n", text);
}

void import_incomplete(struct import *im, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (im->why.len > MAX_REASONS || (im->why.len && strstr(im->why.p, text)))
		return;
	buf_printf(&im->why, "%s%s", im->why.len ? "; " : "", text);
	buf_printf(im->notes, "not complete: %s\n", text);
}

void import_lost(struct import *im, const char *what)
{
	wl_loss_add(im->w, im->source, what, 1);
}

void import_put_text(struct buf *out, const char *text, size_t len, size_t max)
{
	for (size_t i = 0; i < len && i < max; i++)
		buf_putc(out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
	if (len > max)
		buf_puts(out, "...");
}

void import_skip(struct import *im, const char *name, uint64_t line, const char *text)
{
	if (im->skipped++)
		return;
	buf_printf(&im->first, "%s:%llu: ", name, (unsigned long long)line);
	import_put_text(&im->first, text, strlen(text), SHOWN);
}

void import_end(struct import *im)
{
	struct wl_source *s = &im->w->sources[im->source];

	if (im->skipped) {
		import_note(im, "%llu of %llu lines were not understood; the first: %s",
			    (unsigned long long)im->skipped, (unsigned long long)im->lines,
			    buf_str(&im->first));
		wl_loss_add(im->w, im->source, "lines", im->skipped);
	}
	if (im->why.len) {
		s->complete = false;
		s->incomplete_reason = wl_string(im->w, im->why.p);
	}
	s->supplement = im->supplement;
	buf_free(&im->first);
	buf_free(&im->why);
}

void import_normalise(char *path)
{
	const char *from = path;
	char *to = path;

	while (*from) {
		size_t n;

		from += strspn(from, "/");
		n = strcspn(from, "/");
		if (n == 2 && from[0] == '.' && from[1] == '.') {
			while (to > path && *--to != '/')
				;
		} else if (n && !(n == 1 && *from == '.')) {
			*to++ = '/';
			memmove(to, from, n);
			to += n;
		}
		from += n;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

void import_file(struct import *im, const char *path, bool pattern, uint32_t access,
		 uint32_t phases, int program)
{
	struct wl_file *f;

	if (!access)
		return;
	f = wl_file_add(im->w, path, pattern, access);
	if (f)
		wl_prov_add(&f->prov, phases, program, im->source);
	else
		import_lost(im, "files");
}

int import_program(struct import *im, const char *path)
{
	int i = wl_program_add(im->w, path);

	if (i < 0) {
		import_lost(im, "programs");
		return -1;
	}
	wl_set_add(&im->w->programs[i].sources, (uint32_t)im->source);
	return i;
}

int import_text(const struct import_input *in, struct buf *out, struct err *e)
{
	if (!in->data)
		return io_read_file(in->name, IMPORT_MAX_TEXT, out, e);
	if (in->len > IMPORT_MAX_TEXT)
		return err_set(e, EFBIG, "%s: larger than the limit of %d bytes", in->name,
			       IMPORT_MAX_TEXT);
	buf_append(out, in->data, in->len);
	return 0;
}
