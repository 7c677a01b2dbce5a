#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/command.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "store/store.h"

/* Prints findings; what `list` and `export` are made of. */
struct printing {
	FILE *out;
	void (*put)(struct printing *p, const struct finding *f);
	uint64_t n;
};

/* ---- one finding */

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

/* Texts that programs choose must not move the terminal. */
static void put_safe(struct buf *b, const char *s)
{
	for (; *s; s++)
		buf_putc(b, iscntrl((unsigned char)*s) ? '?' : *s);
}

static void put_row(struct printing *p, const struct finding *f)
{
	cleanup_buf struct buf b = { 0 }, when = { 0 };

	finding_put_time(&when, f->last_seen);
	buf_printf(&b, "%.8s  %.19sZ  %s%4u.%u%s %5" PRIu64 "  ", f->id, buf_str(&when),
		   log_style(p->out, style_of(f)), f->severity / 10, f->severity % 10,
		   log_style(p->out, LOG_PLAIN), f->count);
	put_safe(&b, where(f));
	buf_puts(&b, "  ");
	put_safe(&b, f->rule);
	if (f->process.exe) {
		buf_puts(&b, "  ");
		put_safe(&b, f->process.exe);
	}
	fprintf(p->out, "%s\n", buf_str(&b));
}

static void put_line(struct printing *p, const struct finding *f)
{
	cleanup_buf struct buf b = { 0 };

	finding_write(f, &b);
	fprintf(p->out, "%s\n", buf_str(&b));
}

static void put_element(struct printing *p, const struct finding *f)
{
	fputs(p->n ? ",\n" : "[\n", p->out);
	cleanup_buf struct buf b = { 0 };

	finding_write(f, &b);
	fputs(buf_str(&b), p->out);
}

/* RFC 4180. A text that a spreadsheet would compute gets an apostrophe. */
static void put_cell(FILE *out, const char *s, bool last)
{
	s = s ? s : "";
	fputc('"', out);
	if (*s && strchr("=+-@", *s))
		fputc('\'', out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputs(last ? "\"\r\n" : "\",", out);
}

static const char csv_head[] =
	"id,type,severity,rule,priority,technique,first_seen,last_seen,count,"
	"hostname,container,container_name,image,namespace,pod,pid,exe,"
	"cmdline,user,output\r\n";

static void put_csv(struct printing *p, const struct finding *f)
{
	cleanup_buf struct buf first = { 0 }, last = { 0 };
	char severity[16], count[32], pid[32];
	const char *cells[] = {
		f->id,
		f->type,
		severity,
		f->rule,
		f->priority,
		f->technique,
		NULL,
		NULL,
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

	finding_put_time(&first, f->first_seen);
	finding_put_time(&last, f->last_seen);
	cells[6] = buf_str(&first);
	cells[7] = buf_str(&last);
	snprintf(severity, sizeof(severity), "%u.%u", f->severity / 10, f->severity % 10);
	snprintf(count, sizeof(count), "%" PRIu64, f->count);
	snprintf(pid, sizeof(pid), "%" PRIu64, f->process.pid);
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		put_cell(p->out, cells[i], i + 1 == ARRAY_SIZE(cells));
}

static int print_one(const struct finding *f, uint64_t seq, void *ctx, struct err *e)
{
	struct printing *p = ctx;

	(void)seq;
	(void)e;
	p->put(p, f);
	p->n++;
	return 0;
}

/* ---- what is asked for */

/* A time of RFC 3339, or how long ago: "90s", "15m", "2h", "7d". */
static int parse_when(const struct args *a, const char *option, uint64_t *out, struct err *e)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	const char *text = args_value(a, option);
	uint64_t now = (uint64_t)time(NULL), n;
	char *end;

	if (!text || finding_parse_time(text, out) == 0)
		return 0;
	n = strtoull(text, &end, 10);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (isdigit((unsigned char)*text) && end[0] == units[i].letter && !end[1] &&
		    n <= now / units[i].seconds) {
			*out = (now - n * units[i].seconds) * 1000000000u;
			return 0;
		}
	return usage_error(a, e,
			   "--%s: '%s': expected a time (2026-01-31T12:00:00Z) or 15m, 2h, 7d",
			   option, text);
}

static int read_filter(const struct args *a, struct store_filter *w, struct err *e)
{
	const char *severity = args_value(a, "severity");
	int tenths = severity ? finding_parse_severity(severity) : 0;

	if (tenths < 0)
		return usage_error(a, e,
				   "--severity: '%s': expected 0 to 10, low, medium, high or "
				   "critical",
				   severity);
	w->severity = (unsigned)tenths;
	w->rule = args_value(a, "rule");
	w->container = args_value(a, "container");
	if (parse_when(a, "since", &w->since, e) || parse_when(a, "until", &w->until, e))
		return EXIT_ERROR;
	return args_u64(a, "limit", 0, 1, INT64_MAX, &w->limit, e) < 0 ? EXIT_ERROR : 0;
}

static int open_store(const struct args *a, struct store **s, struct err *e)
{
	const char *path = args_value(a, "store");

	return store_open(s, path ? path : STORE_DEFAULT,
			  &(struct store_options){ .read_only = true }, e);
}

static bool format_is(const struct args *a, const char *name)
{
	const char *format = args_value(a, "format");

	return format && !strcmp(format, name);
}

static int none_more(const struct args *a, size_t n, struct err *e)
{
	return args_count(a) > n ? usage_error(a, e, "'%s': expected no more", args_at(a, n)) : 0;
}

static int print_all(const struct args *a, struct store_filter *w, struct printing *p,
		     struct err *e)
{
	cleanup_store struct store *s = NULL;

	if (read_filter(a, w, e) || open_store(a, &s, e) < 0)
		return EXIT_ERROR;
	if (store_query(s, w, print_one, p, e) < 0)
		return EXIT_ERROR;
	if (store_unreadable(s))
		log_warn("%" PRIu64 " findings cannot be read and are left out",
			 store_unreadable(s));
	return store_unreadable(s) ? EXIT_INCOMPLETE : EXIT_OK;
}

static void end_array(const struct printing *p)
{
	fputs(p->n ? "\n]\n" : "[]\n", p->out);
}

static int list(const struct args *a, struct err *e)
{
	struct printing p = { .out = stdout, .put = put_row };
	struct store_filter w = { 0 };
	int code;

	if (none_more(a, 1, e))
		return EXIT_ERROR;
	if (format_is(a, "csv") || format_is(a, "ndjson"))
		return usage_error(a, e, "list prints text or json; export has the others");
	if (format_is(a, "json"))
		p.put = put_element;
	code = print_all(a, &w, &p, e);
	if (code != EXIT_ERROR && format_is(a, "json"))
		end_array(&p);
	return code;
}

static int export(const struct args *a, struct err *e)
{
	const char *path = args_value(a, "output");
	struct store_filter w = { .oldest_first = true };
	struct printing p = { .put = put_line };
	cleanup_free char *text = NULL;
	size_t len = 0;
	int code;

	if (none_more(a, 1, e))
		return EXIT_ERROR;
	if (format_is(a, "text"))
		return usage_error(a, e, "export writes json, ndjson or csv");
	p.out = path ? open_memstream(&text, &len) : stdout;
	if (!p.out)
		return err_errno(e, errno, "cannot begin");
	if (format_is(a, "csv")) {
		p.put = put_csv;
		fputs(csv_head, p.out);
	} else if (format_is(a, "json")) {
		p.put = put_element;
	}
	code = print_all(a, &w, &p, e);
	if (code != EXIT_ERROR && format_is(a, "json"))
		end_array(&p);
	if (!path)
		return code;
	fclose(p.out);
	if (code == EXIT_ERROR || io_write_file(path, text, len, e) < 0)
		return EXIT_ERROR;
	return code;
}

/* ---- show */

struct found {
	struct buf *text; /* JSON form of the last one */
	uint64_t n;
};

static int find_one(const struct finding *f, uint64_t seq, void *ctx, struct err *e)
{
	struct found *found = ctx;

	(void)seq;
	(void)e;
	found->text->len = 0;
	finding_write(f, found->text);
	found->n++;
	return 0;
}

static void put_member(const char *name, const char *value)
{
	cleanup_buf struct buf b = { 0 };

	if (!value)
		return;
	put_safe(&b, value);
	printf("%-12s %s\n", name, buf_str(&b));
}

static void put_process(const char *name, const struct finding_process *p)
{
	cleanup_buf struct buf b = { 0 };

	buf_printf(&b, "%" PRIu64, p->pid);
	for (size_t i = 0; i < 2; i++) {
		const char *s = i ? p->cmdline : p->exe ? p->exe : p->name;

		if (s)
			buf_printf(&b, "%s%s", i ? "  " : " ", s);
	}
	put_member(name, buf_str(&b));
}

static void show_evidence(const struct finding *f)
{
	cleanup_json_doc struct json_doc d = { 0 };
	cleanup_buf struct buf b = { 0 };

	if (!f->evidence || json_parse(&d, "evidence", f->evidence, strlen(f->evidence), NULL) < 0)
		return;
	puts("evidence");
	json_object_object_foreach (d.root, key, value) {
		b.len = 0;
		buf_printf(&b, "  %s = %s", key, value ? json_object_get_string(value) : "-");
		cleanup_buf struct buf safe = { 0 };

		put_safe(&safe, buf_str(&b));
		puts(buf_str(&safe));
	}
}

static void show_text(const struct finding *f)
{
	cleanup_buf struct buf first = { 0 }, last = { 0 };
	char severity[32], count[32];

	finding_put_time(&first, f->first_seen);
	finding_put_time(&last, f->last_seen);
	snprintf(severity, sizeof(severity), "%u.%u (%s)", f->severity / 10, f->severity % 10,
		 finding_severity_name(f->severity));
	snprintf(count, sizeof(count), "%" PRIu64, f->count);
	put_member("id", f->id);
	put_member("type", f->type);
	put_member("severity", severity);
	put_member("rule", f->rule);
	put_member("description", f->description);
	put_member("technique", f->technique);
	put_member("first seen", buf_str(&first));
	put_member("last seen", buf_str(&last));
	put_member("count", count);
	put_member("host", f->hostname);
	put_member("container", f->container.id);
	put_member("  name", f->container.name);
	put_member("  image", f->container.image);
	put_member("  namespace", f->container.namespace);
	put_member("  pod", f->container.pod);
	put_process("process", &f->process);
	put_member("  user", f->user);
	for (size_t i = 0; i < f->lineage_n; i++)
		put_process(i ? "" : "  started by", &f->lineage[i]);
	put_member("output", f->output);
	show_evidence(f);
	put_member("what to do", f->remedy);
}

static int show(const struct args *a, struct err *e)
{
	struct store_filter w = { .id = args_at(a, 1), .limit = 2 };
	cleanup_store struct store *s = NULL;
	cleanup_finding struct finding *f = NULL;
	cleanup_buf struct buf text = { 0 };
	struct found found = { .text = &text };
	int err;

	if (!w.id || !*w.id)
		return usage_error(a, e, "expected the id of a finding, or its beginning");
	if (none_more(a, 2, e) || open_store(a, &s, e) < 0)
		return EXIT_ERROR;
	err = store_query(s, &w, find_one, &found, e);
	if (err == 0 && found.n != 1)
		err = found.n ? err_set(e, EINVAL, "%s: several findings begin so", w.id)
			      : err_set(e, ENOENT, "%s: there is no such finding", w.id);
	if (err == 0)
		err = finding_read(&f, w.id, buf_str(&text), text.len, e);
	if (err < 0)
		return EXIT_ERROR;
	if (format_is(a, "json"))
		printf("%s\n", buf_str(&text));
	else
		show_text(f);
	return EXIT_OK;
}

/* ---- statistics */

static void stats_list(const char *title, const struct store_count *c, size_t n)
{
	printf("%s\n", title);
	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf name = { 0 };

		put_safe(&name, c[i].name);
		printf("  %8" PRIu64 " %10" PRIu64 "  %s\n", c[i].findings, c[i].events,
		       buf_str(&name));
	}
}

static void stats_text(const struct store_stats *t)
{
	cleanup_buf struct buf first = { 0 }, last = { 0 };

	printf("findings     %" PRIu64 ", of %" PRIu64 " events\n", t->findings, t->events);
	printf("size         %" PRIu64 " KiB\n", t->bytes / 1024);
	if (!t->findings)
		return;
	finding_put_time(&first, t->first);
	finding_put_time(&last, t->last);
	printf("from, to     %s, %s\n", buf_str(&first), buf_str(&last));
	stats_list("severity (findings, events)", t->severities, ARRAY_SIZE(t->severities));
	stats_list("rules", t->rules, t->rules_n);
	stats_list("containers", t->containers, t->containers_n);
}

static void add_counts(struct json_object *o, const char *key, const struct store_count *c,
		       size_t n)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "name", json_object_new_string(c[i].name));
		json_object_object_add(row, "findings", json_object_new_uint64(c[i].findings));
		json_object_object_add(row, "events", json_object_new_uint64(c[i].events));
		json_object_array_add(list, row);
	}
	json_object_object_add(o, key, list);
}

static void stats_json(const struct store_stats *t)
{
	cleanup_json struct json_object *o = json_object_new_object();
	cleanup_free char *text = NULL;

	json_object_object_add(o, "format", json_object_new_string("boltseal.findings-stats/1"));
	json_object_object_add(o, "findings", json_object_new_uint64(t->findings));
	json_object_object_add(o, "events", json_object_new_uint64(t->events));
	json_object_object_add(o, "bytes", json_object_new_uint64(t->bytes));
	add_counts(o, "severities", t->severities, ARRAY_SIZE(t->severities));
	add_counts(o, "rules", t->rules, t->rules_n);
	add_counts(o, "containers", t->containers, t->containers_n);
	text = json_text(o);
	fputs(text, stdout);
}

static int stats(const struct args *a, struct err *e)
{
	cleanup_store struct store *s = NULL;
	struct store_stats t;

	if (none_more(a, 1, e) || open_store(a, &s, e) < 0 || store_get_stats(s, &t, e) < 0)
		return EXIT_ERROR;
	if (format_is(a, "json"))
		stats_json(&t);
	else
		stats_text(&t);
	return EXIT_OK;
}

static const struct subcommand {
	const char *name;
	int (*run)(const struct args *a, struct err *e);
} subs[] = { { "list", list }, { "show", show }, { "export", export }, { "stats", stats } };

static int run_findings(struct args *a, struct err *e)
{
	const char *name = args_at(a, 0);

	for (size_t i = 0; name && i < ARRAY_SIZE(subs); i++)
		if (!strcmp(name, subs[i].name))
			return subs[i].run(a, e);
	return usage_error(a, e, "expected list, show, export or stats");
}

static const char *const subcommands[] = { "list", "show", "export", "stats", NULL };

static const struct option_desc options[] = {
	{ 's', "store", "FILE", NULL, "The findings store; " STORE_DEFAULT " is the default." },
	{ 'o', "format", "FORMAT", "text|json|ndjson|csv",
	  "How to print: list, show and stats know text and json; export knows json, ndjson (the "
	  "default) and csv." },
	{ 0, "output", "FILE", NULL, "Where export writes, instead of standard output." },
	{ 0, "severity", "MIN", NULL,
	  "Only findings of this severity and above: a number from 0 to 10, or low, medium, high, "
	  "critical." },
	{ 0, "rule", "NAME", NULL, "Only findings of this rule; * stands for any text." },
	{ 0, "container", "NAME", NULL,
	  "Only findings in the container or pod of this name, or whose id begins so; * stands for "
	  "any text." },
	{ 0, "since", "TIME", NULL, "Seen at or after: 2026-01-31T12:00:00Z, or 15m, 2h, 7d ago." },
	{ 0, "until", "TIME", NULL, "First seen before; like --since." },
	{ 0, "limit", "N", NULL, "At most N findings." },
	{ 0 },
};

const struct command command_findings = {
	.name = "findings",
	.synopsis = "list|show ID|export|stats [OPTION]...",
	.summary = "Shows what boltseal watch has found.",
	.description =
		"Reads the store that boltseal watch --store writes; also while it does.\n"
		"\n"
		"list has one line for each finding, the one seen last first: the beginning of its "
		"id, when it was seen last, its severity, how often, where, the rule and the "
		"program. show prints everything about one, with advice. export writes them, the "
		"oldest first, as JSON lines, a JSON array or a table for spreadsheets. stats "
		"counts.\n"
		"\n"
		"Severities are those of GuardDuty: low from 1.0, medium from 4.0, high from 7.0, "
		"critical from 9.0.",
	.subcommands = subcommands,
	.options = options,
	.examples = "# The last day's serious ones\n"
		    "boltseal findings list --severity high --since 1d\n"
		    "# One of them, with its evidence and what to do\n"
		    "boltseal findings show 1f0c2a9e\n"
		    "# A table\n"
		    "boltseal findings export -o csv --output findings.csv\n",
	.exit_status = "0 fine, 1 on errors, 3 when findings in the store could not be read.",
	.run = run_findings,
};
