#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/command.h"
#include "app/findings_print.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "store/store.h"

static int print_one(const struct finding *f, uint64_t seq, void *ctx, struct err *e)
{
	struct findings_printer *p = ctx;

	(void)seq;
	(void)e;
	p->form->put(p, f);
	p->n++;
	return 0;
}

/* ---- what is asked for */

/* The beginning of a day, 2026-01-31, in UTC. */
static int parse_day(const char *text, uint64_t *out)
{
	char whole[sizeof("2026-01-31T00:00:00Z")];

	if (strlen(text) != strlen("2026-01-31"))
		return -EINVAL;
	snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);
	return finding_parse_time(whole, out);
}

/* A time of RFC 3339, a day, or how long ago: "90s", "15m", "2h", "7d", "4w". */
static int parse_when(const struct args *a, const char *option, uint64_t *out, struct err *e)
{
	static const struct {
		char letter;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	const char *text = args_value(a, option);
	uint64_t now = (uint64_t)time(NULL), n;
	char *end;

	if (!text || finding_parse_time(text, out) == 0 || parse_day(text, out) == 0)
		return 0;
	n = strtoull(text, &end, 10);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (isdigit((unsigned char)*text) && end[0] == units[i].letter && !end[1] &&
		    n <= now / units[i].seconds) {
			*out = (now - n * units[i].seconds) * 1000000000u;
			return 0;
		}
	return usage_error(
		a, e, "--%s: '%s': expected a time (2026-01-31T12:00:00Z), a day or 15m, 2h, 7d",
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
	w->type = args_value(a, "type");
	w->technique = args_value(a, "technique");
	w->container = args_value(a, "container");
	w->image = args_value(a, "image");
	w->namespace = args_value(a, "namespace");
	w->program = args_value(a, "program");
	w->host = args_value(a, "host");
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

static int only_text_or_json(const struct args *a, struct err *e)
{
	const char *format = args_value(a, "format");

	if (!format || !strcmp(format, "text") || !strcmp(format, "json"))
		return 0;
	return usage_error(a, e, "%s prints text or json; export has the others", args_at(a, 0));
}

static int none_more(const struct args *a, size_t n, struct err *e)
{
	return args_count(a) > n ? usage_error(a, e, "'%s': expected no more", args_at(a, n)) : 0;
}

static int print_all(const struct args *a, struct store_filter *w, struct findings_printer *p,
		     struct err *e)
{
	cleanup_store struct store *s = NULL;

	if (read_filter(a, w, e) || open_store(a, &s, e) < 0)
		return EXIT_ERROR;
	if (p->form->begin)
		p->form->begin(p->out);
	if (store_query(s, w, print_one, p, e) < 0)
		return EXIT_ERROR;
	if (p->form->end)
		p->form->end(p);
	if (store_unreadable(s))
		log_warn("%" PRIu64 " findings cannot be read and are left out",
			 store_unreadable(s));
	return store_unreadable(s) ? EXIT_INCOMPLETE : EXIT_OK;
}

static int list(const struct args *a, struct err *e)
{
	const char *format = args_value(a, "format");
	struct findings_printer p = { .out = stdout, .form = &findings_rows };
	struct store_filter w = { 0 };

	if (none_more(a, 1, e))
		return EXIT_ERROR;
	if (format && !strcmp(format, "json"))
		p.form = findings_form_by_name(format);
	else if (only_text_or_json(a, e))
		return EXIT_ERROR;
	return print_all(a, &w, &p, e);
}

static int export(const struct args *a, struct err *e)
{
	const char *path = args_value(a, "output"), *format = args_value(a, "format");
	struct store_filter w = { .oldest_first = true };
	struct findings_printer p = { .form = findings_form_by_name(format ? format : "ndjson") };
	cleanup_free char *text = NULL;
	size_t len = 0;
	int code;

	if (none_more(a, 1, e))
		return EXIT_ERROR;
	if (!p.form)
		return usage_error(a, e, "export writes ndjson, json, csv, falco or ocsf");
	p.out = path ? open_memstream(&text, &len) : stdout;
	if (!p.out)
		return err_errno(e, errno, "cannot begin");
	code = print_all(a, &w, &p, e);
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
	findings_put_safe(&b, value);
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

		findings_put_safe(&safe, buf_str(&b));
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
	put_member("  not known", f->container.missing);
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
	if (none_more(a, 2, e) || only_text_or_json(a, e) || open_store(a, &s, e) < 0)
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
	printf("%-22s findings     events\n", title);
	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf name = { 0 };

		findings_put_safe(&name, c[i].name);
		printf("  %28" PRIu64 " %10" PRIu64 "  %s\n", c[i].findings, c[i].events,
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
	stats_list("severities", t->severities, ARRAY_SIZE(t->severities));
	stats_list("rules", t->rules.row, t->rules.n);
	stats_list("types", t->types.row, t->types.n);
	stats_list("containers", t->containers.row, t->containers.n);
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

static void add_time(struct json_object *o, const char *key, uint64_t ns)
{
	cleanup_buf struct buf when = { 0 };

	finding_put_time(&when, ns);
	json_object_object_add(o, key, json_object_new_string(buf_str(&when)));
}

static void stats_json(const struct store_stats *t)
{
	cleanup_json struct json_object *o = json_object_new_object();
	cleanup_free char *text = NULL;

	json_object_object_add(o, "format", json_object_new_string("boltseal.findings-stats/1"));
	json_object_object_add(o, "findings", json_object_new_uint64(t->findings));
	json_object_object_add(o, "events", json_object_new_uint64(t->events));
	json_object_object_add(o, "bytes", json_object_new_uint64(t->bytes));
	if (t->findings) {
		add_time(o, "first_seen", t->first);
		add_time(o, "last_seen", t->last);
	}
	add_counts(o, "severities", t->severities, ARRAY_SIZE(t->severities));
	add_counts(o, "rules", t->rules.row, t->rules.n);
	add_counts(o, "types", t->types.row, t->types.n);
	add_counts(o, "containers", t->containers.row, t->containers.n);
	text = json_text(o);
	fputs(text, stdout);
}

static int stats(const struct args *a, struct err *e)
{
	cleanup_store struct store *s = NULL;
	struct store_filter w = { 0 };
	struct store_stats t;

	if (none_more(a, 1, e) || only_text_or_json(a, e) || read_filter(a, &w, e) ||
	    open_store(a, &s, e) < 0 || store_get_stats(s, &w, &t, e) < 0)
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
	{ 'o', "format", "FORMAT", "text|json|ndjson|csv|falco|ocsf",
	  "How to print: list, show and stats know text and json; export knows ndjson (the "
	  "default), json, csv, falco and ocsf." },
	{ 0, "output", "FILE", NULL, "Where export writes, instead of standard output." },
	{ 0, "severity", "MIN", NULL,
	  "Only findings of this severity and above: a number from 0 to 10, or low, medium, high, "
	  "critical." },
	{ 0, "rule", "NAME", NULL,
	  "Only findings of this rule. Here and in what follows, * stands for any text, and small "
	  "and large letters are the same." },
	{ 0, "type", "TYPE", NULL, "Only findings of this type, such as 'Execution:*'." },
	{ 0, "technique", "ID", NULL,
	  "Only findings of this technique of MITRE ATT&CK; T1552 has T1552.001, too." },
	{ 0, "container", "NAME", NULL,
	  "Only findings in the container or pod of this name, or whose id begins so." },
	{ 0, "image", "NAME", NULL, "Only findings in containers of this image." },
	{ 0, "namespace", "NAME", NULL, "Only findings in pods of this namespace." },
	{ 0, "program", "PATH", NULL,
	  "Only findings about this program, by its path or by the name of the process." },
	{ 0, "host", "NAME", NULL, "Only findings of this machine." },
	{ 0, "since", "TIME", NULL,
	  "Seen at or after: 2026-01-31T12:00:00Z, 2026-01-31T13:00:00+01:00, 2026-01-31, or 15m, "
	  "2h, 7d, 4w ago." },
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
		"oldest first. stats counts by severity, rule, type and container. The same "
		"options say of which findings.\n"
		"\n"
		"Forms of export: ndjson, boltseal's own with a JSON object a line; json, the same "
		"as an array; csv, a table for spreadsheets; falco, what Falco prints and "
		"falcosidekick reads; ocsf, Detection Findings (class 2004) of the Open "
		"Cybersecurity Schema Framework, for SIEMs and security lakes.\n"
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
		    "boltseal findings export -o csv --output findings.csv\n"
		    "# What a SIEM takes, of one day\n"
		    "boltseal findings export -o ocsf --since 2026-01-31 --until 2026-02-01\n"
		    "# How much of it there is\n"
		    "boltseal findings stats --namespace shop --since 7d\n",
	.exit_status = "0 fine, 1 on errors, 3 when findings in the store could not be read.",
	.run = run_findings,
};
