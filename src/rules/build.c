/* From what was loaded to the image. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "rules/ruleset.h"

struct builder {
	struct rules *r;
	struct compiling c;
	struct parse_error e;
	enum rules_code code;	  /* of the error */
	const struct ptext *text; /* in which c.e->at is */
	struct macro *in;	  /* the macro that is compiled; NULL: a rule */
	bool told;		  /* the error is among the diagnostics already */
};

static const char *item_name(struct rules *r, const char *kind, const char *name)
{
	return arena_printf(&r->arena, "%s '%s'", kind, name);
}

/* The error is `before`, the macro's name in quotes, `behind`. */
static int64_t macro_error(struct builder *b, const struct node *n, const char *before,
			   const char *behind)
{
	b->code = RC_ERR_VALIDATE;
	b->e.at = n->at;
	snprintf(b->e.msg, sizeof(b->e.msg), "%s '%.*s'%s", before, (int)n->name.len, n->name.p,
		 behind);
	return -1;
}

/* Adds to the error which macro may have been meant, or why one of this name does not count. */
static void suggest_macro(struct builder *b, const struct node *n)
{
	size_t used = strlen(b->e.msg), room = sizeof(b->e.msg) - used;
	const char *name = arena_strndup(&b->r->arena, n->name.p, n->name.len);
	struct suggest s;

	if (rules_macro(b->r, n->name.p, n->name.len)) {
		snprintf(b->e.msg + used, room,
			 " (a macro sees only those that are defined before it)");
		return;
	}
	suggest_begin(&s, name);
	for (size_t i = 0; i < b->r->macros_n; i++)
		suggest_offer(&s, b->r->macros[i].name, strlen(b->r->macros[i].name));
	if (s.found)
		snprintf(b->e.msg + used, room, " (did you mean '%s'?)", s.found);
}

/* The macro of a reference, as it is seen from where it stands; NULL and an error. */
static struct macro *visible(struct builder *b, const struct node *n)
{
	struct macro *m = rules_macro(b->r, n->name.p, n->name.len);

	if (m && (!b->in || m->index < b->in->seen))
		return m;
	macro_error(b, n, "Undefined macro", " used in filter.");
	suggest_macro(b, n);
	return NULL;
}

/* What was odd in a text, as warnings. */
static void tell_notes(struct builder *b, enum rules_code code, const struct ptext *t,
		       const char *what)
{
	for (size_t i = 0; i < b->c.notes_n; i++)
		rules_say_text(b->r, code, t, b->c.notes[i].at, what, b->c.notes[i].msg);
	b->c.notes_n = 0;
}

static void tell_deprecated(struct builder *b, const struct ptext *t, const char *what)
{
	char msg[128];

	if (b->c.deprecated.name) {
		snprintf(msg, sizeof(msg), "The field '%s' is deprecated.", b->c.deprecated.name);
		rules_say_text(b->r, RC_DEPRECATED_ITEM, t, b->c.deprecated.at, what, msg);
	}
	b->c.deprecated = (struct deprecated){ 0 };
}

static int64_t compile_macro(struct builder *b, struct macro *m)
{
	struct macro *outer = b->in;
	const struct ptext *text = b->text;
	struct compiling *c = &b->c;
	struct note *notes = c->notes;
	size_t notes_n = c->notes_n, notes_cap = c->notes_cap;
	struct deprecated deprecated = c->deprecated;
	int64_t r;

	c->notes = NULL;
	c->notes_n = c->notes_cap = 0;
	c->deprecated = (struct deprecated){ 0 };
	m->state = MACRO_BUSY;
	b->in = m;
	b->text = &m->expanded;
	r = condition_make(c, m->tree);
	tell_notes(b, RC_COMPILE_CONDITION, &m->expanded, item_name(b->r, "macro", m->name));
	tell_deprecated(b, &m->expanded, item_name(b->r, "macro", m->name));
	compiling_free(c);
	c->notes = notes;
	c->notes_n = notes_n;
	c->notes_cap = notes_cap;
	c->deprecated = deprecated;
	m->state = r < 0 ? MACRO_NEW : MACRO_DONE;
	if (r < 0)
		return -1;
	m->compiled = (gref)r;
	b->in = outer;
	b->text = text;
	return r;
}

static int64_t resolve(struct compiling *c, const struct node *n)
{
	struct builder *b = c->owner;
	struct macro *m = visible(b, n);

	if (!m)
		return -1;
	m->used = true;
	if (m->state == MACRO_DONE)
		return m->compiled;
	if (m->state == MACRO_BUSY)
		return macro_error(b, n, "reference loop in macro", "");
	if (m->tree)
		return compile_macro(b, m);
	b->told = true;
	return -1;
}

/* Names every macro that is referred to; an error for the first that is not there. */
static int check_references(struct builder *b, const struct node *n)
{
	struct macro *m;

	if (n->kind == NODE_MACRO) {
		m = visible(b, n);
		if (!m)
			return -EINVAL;
		if (m == b->in)
			return (int)macro_error(b, n, "reference loop in macro", "");
		m->used = true;
	}
	for (size_t i = 0; i < n->child_n; i++)
		if (check_references(b, n->child[i]))
			return -EINVAL;
	return 0;
}

static struct node *parse(struct builder *b, const struct ptext *t)
{
	b->text = t;
	b->code = RC_ERR_COMPILE_CONDITION;
	b->told = false;
	if (t->n >= PTEXT_MAX) {
		b->e = (struct parse_error){ 0 };
		snprintf(b->e.msg, sizeof(b->e.msg), "the condition has more than %d bytes",
			 PTEXT_MAX);
		return NULL;
	}
	return rules_parse(&b->r->arena, t->p, t->n, PARSE_DEPTH_RULES, &b->e);
}

static void tell(struct builder *b, const char *what)
{
	if (!b->told)
		rules_say_text(b->r, b->code, b->text, b->e.at, what, b->e.msg);
}

static void prepare_macro(struct builder *b, struct macro *m)
{
	const char *what = item_name(b->r, "macro", m->name);
	struct node *tree;

	ptext_copy(&m->expanded, &m->condition);
	expand_lists(b->r, &m->expanded);
	b->in = m;
	tree = parse(b, &m->expanded);
	if (!tree || check_references(b, tree))
		tell(b, what);
	else
		m->tree = tree;
	b->in = NULL;
}

static bool is_unknown(const char *msg)
{
	return strstr(msg, "nonexistent field") || strstr(msg, "invalid formatting token") ||
	       strstr(msg, "unknown event type") || strstr(msg, "unknown filter:");
}

/* A rule that cannot be compiled: an error, or, when it asks for that, a rule less. */
static int reject(struct builder *b, struct rule *rule, const char *what)
{
	if (!rule->skip_unknown || b->told || !is_unknown(b->e.msg)) {
		tell(b, what);
		return -EINVAL;
	}
	rules_say_text(b->r, RC_UNKNOWN_FILTER, b->text, b->e.at, what, b->e.msg);
	rule->info.dropped = true;
	return 0;
}

static int64_t compile_text(struct builder *b, const struct ptext *t)
{
	struct node *tree = parse(b, t);

	b->in = NULL;
	b->c.depth = 0;
	return tree ? condition_make(&b->c, tree) : -1;
}

static const char suggested[] =
	" container_id=%container.id container_name=%container.name"
	" container_image_repository=%container.image.repository"
	" container_image_tag=%container.image.tag k8s_pod_name=%k8s.pod.name"
	" k8s_ns_name=%k8s.ns.name";

static int compile_output(struct builder *b, struct rule *rule, const char *what)
{
	struct ptext t = { 0 };
	struct arena *a = &b->r->arena;
	const char *text = rule->info.output;
	size_t blanks = strspn(rule->output_at.node->text, " \t\r\n");
	int failed;

	if (b->r->options.container_output)
		text = arena_printf(a, "%s%s", text, suggested);
	ptext_add(&t, text, strlen(text), ptext_place(&t, rule->output_at), (uint32_t)blanks, 1);
	rule->format = arena_alloc(a, sizeof(*rule->format));
	b->text = &t;
	b->code = RC_ERR_COMPILE_OUTPUT;
	b->told = false;
	failed = output_parse(&b->c, text, strlen(text), rule->format);
	if (failed) {
		b->c.notes_n = 0;
		failed = reject(b, rule, what);
	} else {
		tell_notes(b, RC_UNKNOWN_FILTER, &t, what);
		tell_deprecated(b, &t, what);
	}
	rule->format->brief = rule->brief;
	ptext_free(&t);
	return failed;
}

static void add_target(struct image *im, uint32_t rule, int32_t step, enum ev_source source,
		       gref condition)
{
	*vec_push(im->targets, im->targets_n, im->targets_cap) = (struct target){
		.rule = rule, .step = step, .source = source, .condition = condition
	};
}

static const char *key_field(const char *word)
{
	static const struct {
		const char *word, *field;
	} known[] = {
		{ "process", "proc.pid" },
		{ "parent", "proc.ppid" },
		{ "container", "container.id" },
		{ "user", "user.uid" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(word, known[i].word))
			return known[i].field;
	return word;
}

static int64_t key_operand(struct builder *b, struct place at, const char *what)
{
	const char *text = key_field(at.node->text);
	struct expr *x;
	int64_t o = -1;

	b->e = (struct parse_error){ 0 };
	snprintf(b->e.msg, sizeof(b->e.msg), "'%s' is no field", text);
	if (rules_parse_token(&b->r->arena, text, strlen(text), &x) == strlen(text))
		o = operand_make(&b->c, x);
	if (o < 0)
		rules_say(b->r, RC_ERR_EXTENSION, at, 0, what, "%s", b->e.msg);
	return o;
}

static int compile_step(struct builder *b, uint32_t rule, size_t step, bool active,
			const char *what)
{
	struct rule *of = &b->r->rules[rule];
	struct ptext t = { 0 };
	int64_t r;

	ptext_add_scalar(&t, of->window->steps[step]);
	expand_lists(b->r, &t);
	r = compile_text(b, &t);
	if (r < 0)
		tell(b, what);
	else if (active)
		add_target(&b->r->im, rule, (int32_t)step, of->info.source, (gref)r);
	tell_notes(b, RC_COMPILE_CONDITION, &t, what);
	ptext_free(&t);
	return r < 0 ? -EINVAL : 0;
}

static int compile_keys(struct builder *b, const struct place *keys, size_t n, uint32_t **out,
			const char *what)
{
	*out = arena_alloc(&b->r->arena, (n + 1) * sizeof(**out));
	for (size_t i = 0; i < n; i++) {
		int64_t o = key_operand(b, keys[i], what);

		if (o < 0)
			return -EINVAL;
		(*out)[i] = (uint32_t)o;
	}
	return 0;
}

/* Of rules that are not active, too: what is wrong there is told before they are. */
static int compile_window(struct builder *b, uint32_t rule, bool active, const char *what)
{
	struct window_spec *w = b->r->rules[rule].window;

	if (!w)
		return 0;
	if (compile_keys(b, w->keys, w->keys_n, &w->key_operands, what) ||
	    (w->last_keys && compile_keys(b, w->last_keys, w->keys_n, &w->last_operands, what)))
		return -EINVAL;
	if (!w->last_keys)
		w->last_operands = w->key_operands;
	if (w->distinct.node) {
		w->distinct_operand = key_operand(b, w->distinct, what);
		if (w->distinct_operand < 0)
			return -EINVAL;
	}
	/* From the last to the first, so that one event takes one step only. */
	for (size_t i = w->steps_n; i-- > 0;)
		if (compile_step(b, rule, i, active, what))
			return -EINVAL;
	return 0;
}

static bool is_active(const struct rules *r, const struct rule *rule)
{
	return rule->info.enabled && !rule->info.dropped &&
	       (int)rule->info.priority <= r->options.min_priority;
}

static int compile_rule(struct builder *b, uint32_t i)
{
	struct rule *rule = &b->r->rules[i];
	const char *what = item_name(b->r, "rule", rule->info.name);
	int64_t r;

	ptext_copy(&rule->expanded, &rule->condition);
	add_exceptions(b->r, rule, &rule->expanded);
	expand_lists(b->r, &rule->expanded);
	rule->info.condition = rule->expanded.p;
	r = compile_text(b, &rule->expanded);
	if (r < 0)
		return reject(b, rule, what);
	tell_notes(b, RC_COMPILE_CONDITION, &rule->expanded, what);
	tell_deprecated(b, &rule->expanded, what);
	rule->compiled = (gref)r;
	if (compile_output(b, rule, what))
		return -EINVAL;
	if (is_active(b->r, rule)) {
		rule->target = (uint32_t)b->r->im.targets_n;
		add_target(&b->r->im, i, -1, rule->info.source, rule->compiled);
	}
	return compile_window(b, i, is_active(b->r, rule), what);
}

static void warn_types(struct rules *r, struct rule *rule)
{
	if (rule->warn_types && rule->info.source == EV_SYSCALL &&
	    ev_set_size(&rule->info.types) > 100)
		rules_say(r, RC_NO_EVTTYPE, rule->at, 0, item_name(r, "rule", rule->info.name),
			  "Rule matches too many evt.type values. This has a significant "
			  "performance penalty.");
}

static void warn_unused(struct rules *r)
{
	for (size_t i = 0; i < r->macros_n; i++)
		if (!r->macros[i].used)
			rules_say(r, RC_UNUSED_MACRO, r->macros[i].at, 0,
				  item_name(r, "macro", r->macros[i].name),
				  "Macro not referred to by any other rule/macro");
	for (size_t i = 0; i < r->lists_n; i++)
		if (!r->lists[i].used)
			rules_say(r, RC_UNUSED_LIST, r->lists[i].at, 0,
				  item_name(r, "list", r->lists[i].name),
				  "List not referred to by any other rule/macro");
}

static void set_step_types(struct rules *r)
{
	for (size_t i = 0; i < r->im.targets_n; i++) {
		const struct target *t = &r->im.targets[i];
		struct ev_set *set = &r->rules[t->rule].info.step_types;

		for (unsigned type = 0; t->step >= 0 && type < ev_type_count(); type++)
			if (ev_set_has(&t->types, type))
				ev_set_add(set, type);
	}
}

static void set_types(struct rules *r)
{
	set_step_types(r);

	for (size_t i = 0; i < r->rules_n; i++) {
		struct rule *rule = &r->rules[i];

		if (rule->info.dropped)
			continue;
		rule->info.types = is_active(r, rule) ? r->im.targets[rule->target].types
						      : graph_types(&r->im, rule->compiled);
		warn_types(r, rule);
	}
}

int build_all(struct rules *r)
{
	struct builder b = { .r = r };
	struct err e = { 0 };

	b.c = (struct compiling){ .im = &r->im, .e = &b.e, .macro = resolve, .owner = &b };
	expand_list_items(r);
	for (size_t i = 0; i < r->macros_n; i++)
		prepare_macro(&b, &r->macros[i]);
	for (uint32_t i = 0; i < r->rules_n; i++) {
		if (r->rules[i].unknown_source)
			r->rules[i].info.dropped = true;
		else
			compile_rule(&b, i);
	}
	compiling_free(&b.c);
	if (r->errors)
		return -EINVAL;
	groups_build(&r->im);
	if (code_build(&r->im, &e) && r->rules_n)
		return rules_say(r, RC_ERR_COMPILE_CONDITION, r->rules[0].at, 0, "", "%s", e.msg);
	set_types(r);
	warn_unused(r);
	return 0;
}
