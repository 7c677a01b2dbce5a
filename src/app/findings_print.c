#include "app/findings_print.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/finding_ocsf.h"

void findings_put_safe(struct buf *b, const char *s)
{
	for (; *s; s++)
		buf_putc(b, iscntrl((unsigned char)*s) ? '?' : *s);
}

/* ---- rows */

enum { WHERE_WIDTH = 20, RULE_WIDTH = 36 };

static const char *where(const struct finding *f)
{
	return f->container.pod	   ? f->container.pod
	       : f->container.name ? f->container.name
	       : f->container.id   ? f->container.id
				   : "host";
}

static enum log_style style_of(const struct finding *f)
{
	return f->severity >= 70 ? LOG_RED : f->severity >= 40 ? LOG_YELLOW : LOG_PLAIN;
}

/* Filled up with blanks to `width`, when something follows. */
static void put_column(struct buf *b, const char *s, size_t width, bool last)
{
	size_t from = b->len;

	findings_put_safe(b, s);
	while (!last && b->len - from < width)
		buf_putc(b, ' ');
}

/* People see what the columns are; programs that read lines get findings only. */
static void begin_rows(FILE *out)
{
	if (isatty(fileno(out)))
		fprintf(out, "%-8s  %-20s  %-8s %5s  %-*s  %-*s  %s\n", "ID", "LAST SEEN",
			"SEVERITY", "COUNT", WHERE_WIDTH, "WHERE", RULE_WIDTH, "RULE", "PROGRAM");
}

static void put_row(struct findings_printer *p, const struct finding *f)
{
	cleanup_buf struct buf b = { 0 }, when = { 0 };

	finding_put_time(&when, f->last_seen);
	buf_printf(&b, "%.8s  %.19sZ  %s%6u.%u%s %5" PRIu64 "  ", f->id, buf_str(&when),
		   log_style(p->out, style_of(f)), f->severity / 10, f->severity % 10,
		   log_style(p->out, LOG_PLAIN), f->count);
	put_column(&b, where(f), WHERE_WIDTH, false);
	buf_puts(&b, "  ");
	put_column(&b, f->rule, RULE_WIDTH, !f->process.exe);
	if (f->process.exe) {
		buf_puts(&b, "  ");
		put_column(&b, f->process.exe, 0, true);
	}
	fprintf(p->out, "%s\n", buf_str(&b));
}

const struct findings_form findings_rows = { "text", begin_rows, put_row, NULL };

/* ---- JSON */

static void put_with(struct findings_printer *p, const struct finding *f,
		     void (*write)(const struct finding *f, struct buf *b), const char *before,
		     const char *behind)
{
	cleanup_buf struct buf b = { 0 };

	write(f, &b);
	fprintf(p->out, "%s%s%s", before, buf_str(&b), behind);
}

static void put_line(struct findings_printer *p, const struct finding *f)
{
	put_with(p, f, finding_write, "", "\n");
}

static void put_falco(struct findings_printer *p, const struct finding *f)
{
	put_with(p, f, finding_write_falco, "", "\n");
}

static void put_ocsf(struct findings_printer *p, const struct finding *f)
{
	put_with(p, f, finding_write_ocsf, "", "\n");
}

static void put_element(struct findings_printer *p, const struct finding *f)
{
	put_with(p, f, finding_write, p->n ? ",\n" : "[\n", "");
}

static void end_array(const struct findings_printer *p)
{
	fputs(p->n ? "\n]\n" : "[]\n", p->out);
}

/* ---- CSV */

/* RFC 4180. A text that a spreadsheet would compute gets an apostrophe. */
static void put_cell(FILE *out, const char *s, bool last)
{
	s = s ? s : "";
	fputc('"', out);
	if (*s && strchr("=+-@\t\r", *s))
		fputc('\'', out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputs(last ? "\"\r\n" : "\",", out);
}

static void begin_csv(FILE *out)
{
	fputs("id,type,severity,rule,priority,technique,first_seen,last_seen,count,"
	      "hostname,container,container_name,image,namespace,pod,pid,exe,"
	      "cmdline,user,output\r\n",
	      out);
}

static void put_csv(struct findings_printer *p, const struct finding *f)
{
	cleanup_buf struct buf first = { 0 }, last = { 0 };
	char severity[16], count[32], pid[32];

	finding_put_time(&first, f->first_seen);
	finding_put_time(&last, f->last_seen);
	snprintf(severity, sizeof(severity), "%u.%u", f->severity / 10, f->severity % 10);
	snprintf(count, sizeof(count), "%" PRIu64, f->count);
	snprintf(pid, sizeof(pid), "%" PRIu64, f->process.pid);
	const char *cells[] = {
		f->id,
		f->type,
		severity,
		f->rule,
		f->priority,
		f->technique,
		buf_str(&first),
		buf_str(&last),
		count,
		f->hostname,
		f->container.id,
		f->container.name,
		f->container.image,
		f->container.namespace,
		f->container.pod,
		pid,
		f->process.exe,
		f->process.cmdline,
		f->user,
		f->output,
	};

	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		put_cell(p->out, cells[i], i + 1 == ARRAY_SIZE(cells));
}

static const struct findings_form forms[] = {
	{ "ndjson", NULL, put_line, NULL },  { "json", NULL, put_element, end_array },
	{ "csv", begin_csv, put_csv, NULL }, { "falco", NULL, put_falco, NULL },
	{ "ocsf", NULL, put_ocsf, NULL },
};

const struct findings_form *findings_form_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (!strcmp(forms[i].name, name))
			return &forms[i];
	return NULL;
}
