#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/rules_files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/plural.h"
#include "base/suggest.h"
#include "model/finding.h"
#include "rules/rules.h"

static void rules_free_p(struct rules **r)
{
	rules_free(*r);
}
#define cleanup_rules cleanup(rules_free_p)

static bool wants_json(const struct args *a)
{
	const char *format = args_value(a, "format");

	return format && !strcmp(format, "json");
}

static size_t count_errors(const struct rules *r)
{
	size_t n, errors = 0;
	const struct rules_diag *d = rules_diags(r, &n);

	for (size_t i = 0; i < n; i++)
		errors += rules_code_is_error(d[i].code);
	return errors;
}

/*
 * The files from the i-th argument on, or boltseal's own, compiled or not. NULL and a message when
 * one cannot be found.
 */
static struct rules *load(const struct args *a, size_t i, struct err *e)
{
	struct rules *r = rules_new(&(struct rules_options){
		.min_priority = RP_DEBUG,
		.container_output = args_has(a, "container-output"),
	});
	int err = i < args_count(a) ? 0 : rules_load_own(r, e);

	for (; err == 0 && i < args_count(a); i++)
		err = rules_load_path(r, args_at(a, i), e);
	if (err < 0) {
		rules_free(r);
		return NULL;
	}
	if (!count_errors(r))
		rules_compile(r);
	return r;
}

static bool unreadable(const struct rules *r, struct err *e)
{
	size_t n;
	const struct rules_diag *d = rules_diags(r, &n);

	for (size_t i = 0; i < n; i++)
		if (d[i].code == RC_ERR_FILE_READ)
			return err_set(e, EIO, "%s: %s", d[i].file, d[i].message);
	return false;
}

/* The line of the file, and a mark under the place. */
static void print_line(FILE *f, const struct rules_diag *d)
{
	enum { WIDTH = 100 };
	size_t len = strlen(d->source_line), at = d->column - 1;
	size_t from = at > WIDTH / 2 ? at - WIDTH / 2 : 0;

	if (!len || at > len)
		return;
	fprintf(f, "    %.*s\n    ", WIDTH, d->source_line + from);
	for (size_t i = from; i < at; i++)
		fputc(d->source_line[i] == '\t' ? '\t' : ' ', f);
	fputs("^\n", f);
}

static void print_diag(FILE *f, const struct rules_diag *d)
{
	bool error = rules_code_is_error(d->code);

	fprintf(f, "%s:%u:%u: %s%s%s: %s%s%s [%s]\n", d->file, d->line, d->column,
		log_style(f, error ? LOG_RED : LOG_YELLOW), error ? "error" : "warning",
		log_style(f, LOG_PLAIN), d->item, *d->item ? ": " : "", d->message,
		rules_code_name(d->code));
	print_line(f, d);
}

static void add(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static struct json_object *diag_json(const struct rules_diag *d)
{
	struct json_object *o = json_object_new_object();

	add(o, "severity", rules_code_is_error(d->code) ? "error" : "warning");
	add(o, "code", rules_code_name(d->code));
	add(o, "file", d->file);
	json_object_object_add(o, "line", json_object_new_uint64(d->line));
	json_object_object_add(o, "column", json_object_new_uint64(d->column));
	add(o, "item", d->item);
	add(o, "message", d->message);
	return o;
}

static void print_json(struct json_object *o)
{
	cleanup_free char *text = json_text(o);

	fputs(text, stdout);
}

static int check_json(const struct rules *r, size_t errors)
{
	cleanup_json struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	size_t n;
	const struct rules_diag *d = rules_diags(r, &n);

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, diag_json(&d[i]));
	add(o, "format", "boltseal.rules-check/1");
	json_object_object_add(o, "rules", json_object_new_uint64(rules_count(r)));
	json_object_object_add(o, "macros", json_object_new_uint64(rules_macro_count(r)));
	json_object_object_add(o, "lists", json_object_new_uint64(rules_list_count(r)));
	json_object_object_add(o, "errors", json_object_new_uint64(errors));
	json_object_object_add(o, "warnings", json_object_new_uint64(n - errors));
	json_object_object_add(o, "findings", list);
	print_json(o);
	return errors ? EXIT_FINDINGS : EXIT_OK;
}

static void print_counts(const struct rules *r, size_t errors, size_t warnings)
{
	size_t rules = rules_count(r), macros = rules_macro_count(r), lists = rules_list_count(r);

	printf("%zu rule%s, %zu macro%s, %zu list%s: %zu error%s, %zu warning%s\n", rules,
	       plural(rules), macros, plural(macros), lists, plural(lists), errors, plural(errors),
	       warnings, plural(warnings));
}

static int check(const struct args *a, struct err *e)
{
	cleanup_rules struct rules *r = NULL;
	size_t n, errors;
	const struct rules_diag *d;

	r = load(a, 1, e);
	if (!r)
		return EXIT_ERROR;
	errors = count_errors(r);
	d = rules_diags(r, &n);
	if (unreadable(r, e))
		return EXIT_ERROR;
	if (wants_json(a))
		errors = (size_t)(check_json(r, errors) == EXIT_FINDINGS);
	for (size_t i = 0; !wants_json(a) && i < n; i++)
		print_diag(stdout, &d[i]);
	if (!wants_json(a))
		print_counts(r, errors, n - errors);
	return errors || (n && args_has(a, "strict")) ? EXIT_FINDINGS : EXIT_OK;
}

/* The first error, for commands that need rules without any. */
static int first_error(const struct rules *r, struct err *e)
{
	size_t n;
	const struct rules_diag *d = rules_diags(r, &n);

	for (size_t i = 0; i < n; i++)
		if (rules_code_is_error(d[i].code))
			return err_set(e, EINVAL, "%s:%u:%u: %s%s%s [%s]", d[i].file, d[i].line,
				       d[i].column, d[i].item, *d[i].item ? ": " : "", d[i].message,
				       rules_code_name(d[i].code));
	return 0;
}

static void append_types(const struct rule_info *info, struct buf *out)
{
	unsigned n = ev_set_size(&info->types), put = 0;

	for (unsigned t = 0; n <= 8 && t < ev_type_count(); t++)
		if (ev_set_has(&info->types, t))
			buf_printf(out, "%s%s", put++ ? "," : "", ev_type_name(t));
	if (n > 8)
		buf_printf(out, "%u types", n);
}

/* Type, technique and severity, as its findings have them; to be freed. */
static struct finding *sample_of(const struct rule_info *info)
{
	struct finding *f = finding_new();

	f->rule = info->name;
	for (size_t i = 0; i < info->tags_n && f->tags_n < FINDING_TAGS; i++)
		f->tags[f->tags_n++] = info->tags[i];
	finding_classify(f, info->priority);
	return f;
}

/* By type of event, what the kernel may ask of it before it sends it. */
static struct json_object *types_json(const struct ev_set *types)
{
	struct json_object *list = json_object_new_array();

	for (unsigned t = 0; t < ev_type_count(); t++)
		if (ev_set_has(types, t))
			json_object_array_add(list, json_object_new_string(ev_type_name(t)));
	return list;
}

static struct json_object *kernel_json(const struct rules *r, size_t i)
{
	struct json_object *o = json_object_new_object();

	for (unsigned t = 0; t < ev_type_count(); t++) {
		cleanup_buf struct buf text = { 0 };
		struct rules_need need;

		if (!ev_set_has(&rules_at(r, i)->types, t) &&
		    !ev_set_has(&rules_at(r, i)->step_types, t))
			continue;
		rules_needs_of(r, i, t, &need);
		rules_need_print(&need, &text);
		add(o, ev_type_name(t), buf_str(&text));
	}
	return o;
}

static struct json_object *rule_json(const struct rules *r, size_t n)
{
	const struct rule_info *info = rules_at(r, n);
	struct json_object *o = json_object_new_object(), *tags = json_object_new_array();
	struct json_object *respond = json_object_new_array();
	cleanup_finding struct finding *f = sample_of(info);
	char severity[16];

	add(o, "name", info->name);
	add(o, "type", f->type);
	json_object_object_add(o, "technique",
			       f->technique ? json_object_new_string(f->technique) : NULL);
	snprintf(severity, sizeof(severity), "%u.%u", f->severity / 10, f->severity % 10);
	json_object_object_add(o, "severity",
			       json_object_new_double_s(f->severity / 10.0, severity));
	add(o, "false_positives", info->false_positives ? info->false_positives : "");
	add(o, "priority", rules_priority_name(info->priority));
	add(o, "source", ev_source_name(info->source));
	json_object_object_add(o, "enabled",
			       json_object_new_boolean(info->enabled && !info->dropped));
	for (size_t i = 0; i < info->tags_n; i++)
		json_object_array_add(tags, json_object_new_string(info->tags[i]));
	json_object_object_add(o, "tags", tags);
	json_object_object_add(o, "types", types_json(&info->types));
	json_object_object_add(o, "step_types", types_json(&info->step_types));
	json_object_object_add(o, "kernel", kernel_json(r, n));
	for (enum rules_action act = 0; act < RA_COUNT; act++)
		if (info->respond >> act & 1)
			json_object_array_add(respond,
					      json_object_new_string(rules_action_name(act)));
	json_object_object_add(o, "respond", respond);
	add(o, "file", info->file);
	json_object_object_add(o, "line", json_object_new_uint64(info->line));
	add(o, "desc", info->desc);
	add(o, "output", info->output);
	return o;
}

static void print_rule(const struct rule_info *info)
{
	cleanup_buf struct buf types = { 0 };
	cleanup_finding struct finding *f = sample_of(info);

	append_types(info, &types);
	printf("%-13s %-9s %-9s %s  (%s)\n%34s%s\n", rules_priority_name(info->priority),
	       info->dropped   ? "dropped"
	       : info->enabled ? ""
			       : "disabled",
	       f->technique ? f->technique : "", info->name, buf_str(&types), "", f->type);
}

static bool has_tag(const struct rule_info *info, const char *tag)
{
	for (size_t i = 0; i < info->tags_n; i++)
		if (!strcmp(info->tags[i], tag))
			return true;
	return !tag;
}

static int no_tag(const struct rules *r, const char *tag, struct err *e)
{
	struct suggest near;

	suggest_begin(&near, tag);
	for (size_t i = 0; i < rules_count(r); i++)
		for (size_t k = 0; k < rules_at(r, i)->tags_n; k++)
			suggest_offer(&near, rules_at(r, i)->tags[k],
				      strlen(rules_at(r, i)->tags[k]));
	if (near.found)
		err_set(e, ENOENT, "--tag: no rule has '%s'; did you mean '%s'?", tag, near.found);
	else
		err_set(e, ENOENT, "--tag: no rule has '%s'", tag);
	return EXIT_ERROR;
}

static int list(const struct args *a, struct err *e)
{
	cleanup_rules struct rules *r = NULL;
	cleanup_json struct json_object *o = json_object_new_object();
	struct json_object *all = json_object_new_array();
	const char *tag = args_value(a, "tag");
	size_t n = 0;

	add(o, "format", "boltseal.rules-list/1");
	json_object_object_add(o, "rules", all);
	r = load(a, 1, e);
	if (!r || first_error(r, e))
		return EXIT_ERROR;
	for (size_t i = 0; i < rules_count(r); i++) {
		const struct rule_info *info = rules_at(r, i);

		if (tag && !has_tag(info, tag))
			continue;
		n++;
		if (wants_json(a))
			json_object_array_add(all, rule_json(r, i));
		else
			print_rule(info);
	}
	if (tag && !n)
		return no_tag(r, tag, e);
	if (wants_json(a))
		print_json(o);
	return EXIT_OK;
}

static int no_rule(const struct rules *r, const char *name, struct err *e)
{
	struct suggest near;

	suggest_begin(&near, name);
	for (size_t i = 0; i < rules_count(r); i++)
		suggest_offer(&near, rules_at(r, i)->name, strlen(rules_at(r, i)->name));
	if (near.found)
		err_set(e, ENOENT, "there is no rule '%s'; did you mean '%s'?", name, near.found);
	else
		err_set(e, ENOENT, "there is no rule '%s'; 'boltseal rules list' has the names",
			name);
	return EXIT_ERROR;
}

static int explain(const struct args *a, struct err *e)
{
	cleanup_rules struct rules *r = NULL;
	cleanup_buf struct buf out = { 0 };
	cleanup_json struct json_object *o = NULL;
	long i;

	if (args_count(a) < 2)
		return usage_error(a, e, "a rule is missing");
	r = load(a, 2, e);
	if (!r || first_error(r, e))
		return EXIT_ERROR;
	i = rules_find(r, args_at(a, 1));
	if (i < 0)
		return no_rule(r, args_at(a, 1), e);
	rules_explain(r, (size_t)i, &out);
	if (!wants_json(a)) {
		fwrite(buf_str(&out), 1, out.len, stdout);
		return EXIT_OK;
	}
	o = rule_json(r, (size_t)i);
	add(o, "format", "boltseal.rules-explain/1");
	add(o, "condition", rules_at(r, (size_t)i)->condition);
	add(o, "explanation", buf_str(&out));
	print_json(o);
	return EXIT_OK;
}

static const struct {
	const char *name;
	int (*run)(const struct args *a, struct err *e);
} parts[] = {
	{ "check", check },
	{ "list", list },
	{ "explain", explain },
};

static int rules_run(struct args *a, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (args_count(a) && !strcmp(args_at(a, 0), parts[i].name))
			return parts[i].run(a, e);
	return usage_error(a, e, "expected check, list or explain");
}

static const char *const subcommands[] = { "check", "list", "explain", NULL };

static const struct option_desc options[] = {
	{ 'o', "format", "FORMAT", "json|text", "Format of the result; text is the default." },
	{ 0, "strict", NULL, NULL, "check: warnings count, too; exit code 2 when there is one." },
	{ 0, "tag", "TAG", NULL, "list: only rules with this tag." },
	{ 0, "container-output", NULL, NULL,
	  "Adds the fields that name container, image and pod to the output of every rule, as "
	  "Falco "
	  "does with its container plugin." },
	{ 0 },
};

const struct command command_rules = {
	.name = "rules",
	.synopsis = "[OPTION]... check [FILE]... | list [FILE]... | explain RULE [FILE]...",
	.summary = "Checks, lists and explains detection rules.",
	.description =
		"Reads rules files in the language of Falco, in the order given: later files may "
		"append to, override and replace what earlier ones define. In place of a file a "
		"folder can be given: all files "
		"NAME.yaml and NAME.yml in it, by name. Without files it is about boltseal's own "
		"rules.\n"
		"\n"
		"check compiles everything and tells each error and warning with file, line, "
		"column and the line itself. list prints the rules with priority, technique "
		"(MITRE ATT&CK), the types of events that can fire them and the type of their "
		"findings. explain prints what a rule compiles to: the types of "
		"events, what a filter in the kernel may ask of them before it sends them, the "
		"condition in the order in which it is evaluated, and the fields of its output.\n"
		"\n"
		"Beyond Falco's language a rule may have a count (so many events within a time), "
		"a sequence (this after that, by the same process, container or user) and a "
		"respond (what to do). Falco ignores these keys.\n"
		"\n"
		"JSON of check (format boltseal.rules-check/1): rules, macros, lists, errors and "
		"warnings as numbers, findings: a list of severity, code, file, line, column, item "
		"and message. Of list (boltseal.rules-list/1): rules, a list of name, type, "
		"technique, severity, false_positives, priority, source, enabled, tags, types, "
		"step_types "
		"(that the steps of a sequence ask for), "
		"kernel (by event type, what the kernel may ask of it), respond, file, line, desc "
		"and output. Of explain "
		"(boltseal.rules-explain/1): the same members of one rule, its condition with "
		"lists and exceptions in place, and explanation, the text.",
	.subcommands = subcommands,
	.options = options,
	.examples = "# What boltseal detects by itself\n"
		    "boltseal rules list\n"
		    "# Everything in order?\n"
		    "boltseal rules check --strict falco_rules.yaml local_rules.yaml\n"
		    "# The rules about networks\n"
		    "boltseal rules list --tag=network falco_rules.yaml\n"
		    "# What a rule costs\n"
		    "boltseal rules explain 'Clear Log Activities' falco_rules.yaml\n",
	.exit_status = "0 when the rules are in order; 2 when check finds errors, or with --strict "
		       "warnings; 1 when a file cannot be read, and from list and explain when the "
		       "rules have errors.",
	.run = rules_run,
};
