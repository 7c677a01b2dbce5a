#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "profile/lint_private.h"

enum {
	COLUMNS = 96,
	RULES_SHOWN = 3, /* corrected rules of one finding in the text */
};

/* Words up to COLUMNS, each line behind `indent` blanks; the first behind `label`. */
static void put_wrapped(struct buf *out, const char *label, size_t indent, const char *text)
{
	size_t col = indent;

	buf_printf(out, "%-*s", (int)indent, label);
	while (*text) {
		size_t n = strcspn(text, " ");

		if (col > indent && col + 1 + n > COLUMNS) {
			buf_printf(out, "\n%*s", (int)indent, "");
			col = indent;
		}
		if (col > indent) {
			buf_putc(out, ' ');
			col++;
		}
		buf_printf(out, "%.*s", (int)n, text);
		col += n;
		text += n;
		text += strspn(text, " ");
	}
	buf_putc(out, '\n');
}

/* Bytes of the file that are no printable ASCII become "?". */
static char *printable(const char *s)
{
	char *copy = xstrdup(s);

	for (char *p = copy; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	return copy;
}

static void put_rules(struct buf *out, const char *text)
{
	cleanup_json struct json_object *rules = json_tokener_parse(text);
	size_t n = rules ? json_object_array_length(rules) : 0;

	for (size_t i = 0; i < n && i < RULES_SHOWN; i++) {
		const char *s = json_object_to_json_string_ext(json_object_array_get_idx(rules, i),
							       JSON_C_TO_STRING_NOSLASHESCAPE);
		cleanup_free char *shown = printable(s ? s : "");

		buf_printf(out, "        %.400s%s\n", shown, i + 1 < n ? "," : "");
	}
	if (n > RULES_SHOWN)
		buf_printf(out, "        … and %zu more rules (-o json has them all)\n",
			   n - RULES_SHOWN);
}

static void put_finding(const char *name, const struct lint_finding *f, bool first, struct buf *out)
{
	cleanup_free char *pointer = printable(f->pointer), *what = printable(f->what);

	if (first) {
		buf_printf(out, "  %s: %s (%s)\n", lint_severity_name(f->severity), f->check->title,
			   f->check->id);
		put_wrapped(out, "    why", 9, f->check->why);
		put_wrapped(out, "    fix", 9, f->check->fix);
		put_wrapped(out, "    see", 9, f->check->reference);
	}
	buf_printf(out, "    %s:%u:%u: %s%s\n", name, f->line, f->col, pointer,
		   f->fixable ? "  [--fix corrects it]" : "");
	put_wrapped(out, "", 6, what);
	if (f->rules)
		put_rules(out, f->rules);
}

void lint_text(const char *name, const struct lint_report *r, struct buf *out)
{
	if (!r->n) {
		buf_printf(out, "%s: nothing found\n", name);
		return;
	}
	buf_printf(out, "%s: %zu high, %zu medium, %zu low, %zu info\n", name, r->count[LINT_HIGH],
		   r->count[LINT_MEDIUM], r->count[LINT_LOW], r->count[LINT_INFO]);
	for (size_t i = 0; i < r->n; i++) {
		const struct lint_finding *f = &r->findings[i];

		put_finding(name, f, !i || f->check != f[-1].check || f->severity != f[-1].severity,
			    out);
	}
	if (r->incomplete)
		buf_puts(out, "  The profile is too large: it was not looked at in full.\n");
}

static void add_str(struct json_object *o, const char *key, const char *s)
{
	json_add(o, key, json_object_new_string(s));
}

static struct json_object *finding_json(const char *name, const struct lint_finding *f)
{
	struct json_object *o = json_object_new_object();

	add_str(o, "check", f->check->id);
	add_str(o, "severity", lint_severity_name(f->severity));
	add_str(o, "title", f->check->title);
	add_str(o, "file", name);
	json_add(o, "line", json_object_new_int64(f->line));
	json_add(o, "column", json_object_new_int64(f->col));
	add_str(o, "pointer", f->pointer);
	add_str(o, "what", f->what);
	add_str(o, "why", f->check->why);
	add_str(o, "fix", f->check->fix);
	add_str(o, "reference", f->check->reference);
	json_add(o, "fixable", json_object_new_boolean(f->fixable));
	if (f->rules)
		json_add(o, "rules", json_tokener_parse(f->rules));
	return o;
}

struct json_object *lint_json(const char *name, const struct lint_report *r)
{
	struct json_object *a = json_object_new_array();

	if (!a)
		mem_exhausted();
	for (size_t i = 0; i < r->n; i++)
		json_append(a, finding_json(name, &r->findings[i]));
	return a;
}
