#include "inspect/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "inspect/edit.h"

enum { MAX_VALUE = 200 };

/* ---- names */

static const char *const severities[] = { "info", "low", "medium", "high", "critical" };
static const char *const categories[] = { "privileges", "host access", "confinement", "identity",
					  "files",	"network",     "node",	      "platform" };
static const char *const targets[] = { "kubernetes", "ecs",	"docker",	 "compose", "oci",
				       "namespace",  "kubelet", "docker daemon", "node" };

const char *ins_severity_name(enum ins_severity s)
{
	return s < INS_SEVERITY_COUNT ? severities[s] : NULL;
}

int ins_severity_parse(const char *text, enum ins_severity *out)
{
	for (int i = 0; i < INS_SEVERITY_COUNT; i++)
		if (!strcmp(text, severities[i])) {
			*out = (enum ins_severity)i;
			return 0;
		}
	return -1;
}

const char *ins_category_name(enum ins_category c)
{
	return c < INS_CATEGORY_COUNT ? categories[c] : NULL;
}

const char *ins_target_name(enum ins_target t)
{
	return t < INS_TARGET_COUNT ? targets[t] : NULL;
}

const struct ins_check *ins_check_find(const char *id)
{
	for (const struct ins_check *c = ins_checks; c->id; c++)
		if (!strcasecmp(c->id, id))
			return c;
	return NULL;
}

void ins_subject_name(const struct ins_subject *s, struct buf *out)
{
	buf_printf(out, "%s %s%s%s", s->kind, s->ns, *s->ns ? "/" : "", *s->name ? s->name : "-");
}

const char *ins_keep(struct ins_report *r, const char *text)
{
	void **slot = map_at(&r->kept, text, strlen(text));

	if (!*slot)
		*slot = arena_strdup(&r->arena, text);
	return *slot;
}

static const char *keep_buf(struct ins_report *r, struct buf *b)
{
	const char *text = ins_keep(r, buf_str(b));

	buf_free(b);
	return text;
}

/* ---- findings */

/* FNV-1a over what stays the same from run to run: not lines, not values. */
static uint64_t fingerprint(const struct ins_finding *f, const struct ins_subject *s)
{
	const char *part[] = {
		f->check->id,	 s->kind, s->ns, s->name, f->container ? f->container : "",
		f->place.pointer
	};
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		for (const char *p = part[i]; *p; p++)
			h = (h ^ (unsigned char)*p) * 0x100000001b3u;
		h = (h ^ 0xff) * 0x100000001b3u;
	}
	return h;
}

static void put_value(const struct yaml_node *n, struct buf *out)
{
	if (out->len > MAX_VALUE)
		return;
	if (n->kind == YAML_SCALAR) {
		buf_puts(out, n->n ? n->text : n->type == YAML_NULL ? "null" : "\"\"");
		return;
	}
	buf_putc(out, n->kind == YAML_MAP ? '{' : '[');
	for (uint32_t i = 0; i < n->n && out->len <= MAX_VALUE; i++) {
		buf_puts(out, i ? ", " : "");
		if (n->kind == YAML_MAP)
			buf_printf(out, "%s: ", n->pair[i].key->text);
		put_value(n->kind == YAML_MAP ? n->pair[i].value : n->item[i], out);
	}
	buf_putc(out, n->kind == YAML_MAP ? '}' : ']');
}

static const char *value_text(struct ins_report *r, const struct yaml_node *n)
{
	struct buf b = { 0 };

	if (!n)
		return "not set";
	put_value(n, &b);
	if (b.len <= MAX_VALUE)
		return keep_buf(r, &b);
	b.p[MAX_VALUE] = '\0';
	b.len = MAX_VALUE;
	while (b.len && ((unsigned char)b.p[b.len] & 0xc0) == 0x80)
		b.p[b.len--] = '\0'; /* not within a character */
	b.p[b.len] = '\0';
	buf_puts(&b, "…");
	return keep_buf(r, &b);
}

static bool is_inner(const struct ins_run *r, const struct yaml_node *n)
{
	while (n->up)
		n = n->up;
	return r->outer && n == r->root;
}

static const char *pointer_of(const struct ins_run *r, const struct yaml_node *base,
			      const char *path)
{
	struct buf b = { 0 };

	buf_puts(&b, is_inner(r, base) ? r->prefix : "");
	yaml_pointer(base, &b);
	if (path) {
		buf_printf(&b, "/%s", path);
		for (char *p = b.p + b.len - strlen(path); r->pod && r->pod->pascal_case && *p; p++)
			if (p[-1] == '/' && *p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
	}
	return keep_buf(r->report, &b);
}

struct ins_place ins_place_of(const struct ins_run *r, const struct yaml_node *n, const char *path)
{
	const struct yaml_node *at = is_inner(r, n) ? r->outer : n;

	return (struct ins_place){ .file = r->report->subjects[r->subject].place.file,
				   .pointer = pointer_of(r, n, path),
				   .line = r->o->no_lines ? 0 : at->start.line,
				   .col = r->o->no_lines ? 0 : at->start.col };
}

/* The deepest node on the way to a value that is not set. */
static const struct yaml_node *nearest(const struct yaml_node *base, const char *path)
{
	while (path && *path) {
		size_t n = strcspn(path, "/");
		char key[64];
		const struct yaml_node *next;

		if (n >= sizeof(key))
			return base;
		memcpy(key, path, n);
		key[n] = '\0';
		next = yaml_get(base, key);
		if (yaml_is_null(next))
			return base;
		base = next;
		path += n + (path[n] == '/');
	}
	return base;
}

struct ins_finding *ins_find(struct ins_run *r, const struct ps_container *c,
			     const struct yaml_node *at, const struct yaml_node *base,
			     const char *path, const char *fmt, ...)
{
	struct ins_report *rep = r->report;
	struct ins_finding *f = vec_push(rep->findings, rep->findings_n, rep->findings_cap);
	const struct yaml_node *place = at ? at : nearest(base, path);
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->check = r->check;
	f->severity = r->check->severity;
	f->subject = r->subject;
	f->container = c ? ins_keep(rep, c->name) : NULL;
	f->class = c ? c->class : PS_NORMAL;
	f->place = ins_place_of(r, at ? at : base, at ? NULL : path);
	if (!at && !is_inner(r, base) && !r->o->no_lines) {
		f->place.line = place->start.line;
		f->place.col = place->start.col;
	}
	f->value = value_text(rep, at);
	f->message = ins_keep(rep, text);
	f->fingerprint = fingerprint(f, &rep->subjects[r->subject]);
	return f;
}

void ins_fix(struct ins_run *r, struct ins_finding *f, enum ins_op op, const struct yaml_node *base,
	     const char *path, const char *json, const char *note)
{
	struct ins_edit *e;

	if (*r->prefix)
		return; /* a text within a string of another document */
	e = arena_alloc(r->arena, (f->edits_n + 1) * sizeof(*e));
	if (f->edits_n)
		memcpy(e, f->edits, f->edits_n * sizeof(*e));
	e[f->edits_n++] = (struct ins_edit){
		.op = op, .pointer = pointer_of(r, base, path), .json = json, .note = note
	};
	f->edits = e;
}

void ins_evidence(struct ins_run *r, struct ins_finding *f, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->evidence = ins_keep(r->report, text);
}

/* ---- running */

static bool wanted(const struct ins_run *r, const struct ins_check *c, enum ins_target target)
{
	if (!(c->targets & 1u << target))
		return false;
	for (size_t i = 0; i < r->o->only_n; i++)
		if (!strcasecmp(r->o->only[i], c->id))
			return true;
	return !r->o->only_n;
}

void ins_patches(struct ins_run *r, size_t from)
{
	struct arena scratch = { 0 };

	for (size_t i = from; i < r->report->findings_n; i++) {
		struct ins_finding *f = &r->report->findings[i];
		struct buf b = { 0 };

		edit_patch(&scratch, r->root, f->edits, f->edits_n, &b);
		if (b.len)
			f->patch = keep_buf(r->report, &b);
		else
			buf_free(&b);
	}
	arena_free(&scratch);
}

void ins_run_checks(struct ins_run *r)
{
	enum ins_target target = r->report->subjects[r->subject].target;
	const struct ins_check *passed[128];
	struct ins_subject *s;
	size_t first = r->report->findings_n, n = 0;
	unsigned run = 0, failed = 0;

	for (const struct ins_check *c = ins_checks; c->id; c++) {
		size_t before = r->report->findings_n;

		if (!wanted(r, c, target))
			continue;
		r->check = c;
		r->unjudged = false;
		c->run(r);
		if (r->unjudged && r->report->findings_n == before)
			continue;
		run++;
		if (r->report->findings_n > before)
			failed++;
		else if (n < ARRAY_SIZE(passed))
			passed[n++] = c;
	}
	ins_patches(r, first);
	s = &r->report->subjects[r->subject];
	s->run = run;
	s->failed = failed;
	s->passed = arena_alloc(r->arena, n * sizeof(*passed));
	memcpy(s->passed, passed, n * sizeof(*passed));
	s->passed_n = n;
}

/* ---- the end */

/* What a failed check costs, by severity. */
static const unsigned weights[] = { 0, 1, 3, 7, 12 };

static bool counts(const struct ins_finding *f)
{
	return !f->waiver || f->waiver->expired;
}

/*
 * A subject's score: the share of weight of its checks that is not lost. A check counts once, with
 * the severity of its worst finding.
 */
static void score_subjects(struct ins_report *r)
{
	unsigned *lost = xcalloc(r->subjects_n + 1, sizeof(*lost));
	unsigned *whole = xcalloc(r->subjects_n + 1, sizeof(*whole));
	uint64_t sum = 0;

	for (size_t i = 0; i < r->findings_n;) {
		const struct ins_finding *f = &r->findings[i];
		unsigned worst = 0, worst_all = 0;
		size_t k = i;

		for (; k < r->findings_n && r->findings[k].check == f->check &&
		       r->findings[k].subject == f->subject;
		     k++) {
			unsigned w = weights[r->findings[k].severity];

			worst_all = w > worst_all ? w : worst_all;
			if (counts(&r->findings[k]) && w > worst)
				worst = w;
		}
		lost[f->subject] += worst;
		whole[f->subject] += worst_all;
		i = k;
	}
	for (size_t i = 0; i < r->subjects_n; i++) {
		struct ins_subject *s = &r->subjects[i];

		for (size_t k = 0; k < s->passed_n; k++)
			whole[i] += weights[s->passed[k]->severity];
		s->score = whole[i] ? 100 - (100 * lost[i] + whole[i] - 1) / whole[i] : 100;
		/* However much else is in order. */
		if (s->counts[INS_CRITICAL] && s->score > 30)
			s->score = 30;
		if (s->counts[INS_HIGH] && s->score > 60)
			s->score = 60;
		sum += s->score;
	}
	r->score = r->subjects_n ? (unsigned)(sum / r->subjects_n) : 100;
	free(lost);
	free(whole);
}

void ins_finish(struct ins_report *r)
{
	for (size_t i = 0; i < r->findings_n; i++) {
		const struct ins_finding *f = &r->findings[i];

		if (!counts(f)) {
			r->waived++;
			continue;
		}
		r->counts[f->severity]++;
		r->subjects[f->subject].counts[f->severity]++;
	}
	score_subjects(r);
}

size_t ins_failures(const struct ins_report *r, enum ins_severity at_least)
{
	size_t n = 0;

	for (size_t i = 0; i < r->findings_n; i++)
		n += counts(&r->findings[i]) && r->findings[i].severity >= at_least;
	return n;
}

void ins_report_free(struct ins_report *r)
{
	arena_free(&r->arena);
	map_free(&r->kept);
	free(r->subjects);
	free(r->findings);
	free(r->problems);
	free(r->waivers);
	*r = (struct ins_report){ 0 };
}
