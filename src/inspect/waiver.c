/* Waivers: findings that someone answers for, until a day. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "inspect/inspect.h"
#include "inspect/words.h"

static const char annotation_prefix[] = "boltseal.dev/waive-";

/* A calendar day as YYYY-MM-DD; the waiver holds to its end (UTC). */
static bool parse_day(const char *text, time_t *end)
{
	struct tm tm = { 0 }, back;
	char rest;

	if (strlen(text) != 10 ||
	    sscanf(text, "%4d-%2d-%2d%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &rest) != 3)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	back = tm;
	*end = timegm(&back);
	if (back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon)
		return false;
	*end += (time_t)24 * 60 * 60;
	return true;
}

static const char *keep(struct ins_report *r, const char *text)
{
	return text ? arena_strdup(&r->arena, text) : NULL;
}

/* What is wrong with the waiver, or NULL. */
static const char *fault(struct ins_report *r, struct ins_waiver *w)
{
	time_t end;

	if (strcmp(w->rule, "*") && !ins_check_find(w->rule))
		return arena_printf(&r->arena, "there is no check \"%.40s\"", w->rule);
	if (!w->owner || !*w->owner)
		return "a waiver needs an owner";
	if (!w->reason || !*w->reason)
		return "a waiver needs a reason";
	if (!w->expires || !*w->expires)
		return "a waiver needs the day when it expires";
	if (!parse_day(w->expires, &end))
		return arena_printf(&r->arena, "expires: expected YYYY-MM-DD, found \"%.40s\"",
				    w->expires);
	w->expired = r->now >= end;
	return NULL;
}

static void keep_waiver(struct ins_report *r, const struct ins_waiver *w)
{
	struct ins_waiver *kept = arena_alloc(&r->arena, sizeof(*kept));

	*kept = *w;
	*vec_push(r->waivers, r->waivers_n, r->waivers_cap) = kept;
}

static int read_waiver(struct ins_report *r, const struct yaml_stream *s, const struct yaml_node *n,
		       struct err *e)
{
	static const char *const keys[] = { "rule",  "subject", "container", "value",
					    "owner", "reason",	"expires",   NULL };
	struct ins_waiver w = { .file = keep(r, s->name),
				.line = n->start.line,
				.col = n->start.col };
	const char **out[] = { &w.rule,	 &w.subject, &w.container, &w.value,
			       &w.owner, &w.reason,  &w.expires };
	const char *why;

	if (yaml_only_keys(s, n, keys, e) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(out); i++) {
		int code = yaml_get_str(s, n, keys[i], i == 0, out[i], e);

		if (code < 0)
			return code;
		*out[i] = keep(r, *out[i]);
	}
	why = fault(r, &w);
	if (why)
		return yaml_err(s, n, e, EINVAL, "%s", why);
	keep_waiver(r, &w);
	return 0;
}

int ins_waivers_load(struct ins_report *r, const char *path, struct err *e)
{
	static const char *const keys[] = { "waivers", NULL };
	cleanup_yaml struct yaml_stream s = { 0 };
	struct yaml_node *root, *list = NULL;
	int code = yaml_load(&s, path, YAML_MAX_BYTES, e);

	if (code < 0)
		return code;
	root = yaml_only(&s, e);
	if (!root || yaml_only_keys(&s, root, keys, e) < 0 ||
	    yaml_get_seq(&s, root, "waivers", true, &list, e) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < list->n; i++) {
		code = read_waiver(r, &s, list->item[i], e);
		if (code < 0)
			return code;
	}
	return 0;
}

/* The value of "name=" in "owner=a; expires=b; reason=c", trimmed; the reason goes to the end. */
static const char *part(struct ins_report *r, const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = text; p && *p;) {
		p += strspn(p, " ;");
		if (!strncmp(p, name, len) && p[len] == '=') {
			size_t n = strcmp(name, "reason") ? strcspn(p + len + 1, ";")
							  : strlen(p + len + 1);

			while (n && p[len + n] == ' ')
				n--;
			return arena_strndup(&r->arena, p + len + 1, n);
		}
		p = strchr(p, ';');
	}
	return NULL;
}

void ins_waivers_annotations(struct ins_report *r, const struct ps_entries *annotations,
			     const struct ins_subject *s, const char *file)
{
	for (size_t i = 0; i < annotations->n; i++) {
		const struct ps_entry *en = &annotations->v[i];
		struct ins_waiver w = { .file = keep(r, file),
					.line = en->at->start.line,
					.col = en->at->start.col };
		struct buf name = { 0 };
		const char *why;

		if (strncmp(en->key, annotation_prefix, strlen(annotation_prefix)))
			continue;
		w.rule = keep(r, en->key + strlen(annotation_prefix));
		ins_subject_name(s, &name);
		w.subject = words_keep(&name, &r->arena);
		w.owner = part(r, en->value, "owner");
		w.reason = part(r, en->value, "reason");
		w.expires = part(r, en->value, "expires");
		w.container = part(r, en->value, "container");
		w.value = part(r, en->value, "value");
		why = fault(r, &w);
		if (why)
			ins_problem(r, file, w.line, w.col,
				    arena_printf(&r->arena,
						 "%s:%u:%u: %s: %s (expected \"owner=…; "
						 "expires=YYYY-MM-DD; reason=…\")",
						 file, w.line, w.col, en->key, why));
		else
			keep_waiver(r, &w);
	}
}

static bool matches(const char *pattern, const char *text)
{
	return !pattern || (text && fnmatch(pattern, text, 0) == 0);
}

void ins_waivers_apply(struct ins_report *r, size_t from)
{
	for (size_t i = from; r->waivers_n && i < r->findings_n; i++) {
		struct ins_finding *f = &r->findings[i];
		cleanup_buf struct buf name = { 0 };

		ins_subject_name(&r->subjects[f->subject], &name);
		for (size_t k = 0; k < r->waivers_n; k++) {
			struct ins_waiver *w = r->waivers[k];

			if ((strcmp(w->rule, "*") && strcasecmp(w->rule, f->check->id)) ||
			    !matches(w->subject, name.p) || !matches(w->container, f->container) ||
			    !matches(w->value, f->value))
				continue;
			w->used++;
			if (!f->waiver || f->waiver->expired)
				f->waiver = w;
		}
	}
}
