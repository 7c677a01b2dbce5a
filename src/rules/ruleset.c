#include "rules/ruleset.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

static const struct {
	const char *name;
	bool error;
} codes[] = {
#define RULES_CODE_ROW(id, text, error) [RC_##id] = { "LOAD_" #id, error },
	RULES_CODES(RULES_CODE_ROW)
#undef RULES_CODE_ROW
};
static const char *const priorities[] = {
	[RP_EMERGENCY] = "Emergency", [RP_ALERT] = "Alert",
	[RP_CRITICAL] = "Critical",   [RP_ERROR] = "Error",
	[RP_WARNING] = "Warning",     [RP_NOTICE] = "Notice",
	[RP_DEBUG] = "Debug",	      [RP_INFORMATIONAL] = "Informational",
};
static const char *const actions[] = {
#define RULES_ACTION_NAME(id, name) [RA_##id] = name,
	RULES_ACTIONS(RULES_ACTION_NAME)
#undef RULES_ACTION_NAME
};

const char *rules_code_name(enum rules_code c)
{
	return codes[c].name;
}

bool rules_code_is_error(enum rules_code c)
{
	return codes[c].error;
}

const char *rules_priority_name(enum rules_priority p)
{
	return priorities[p];
}

int rules_priority_by_name(const char *name)
{
	for (int i = 0; i < RP_COUNT; i++)
		if (!strcasecmp(priorities[i], name))
			return i;
	return strcasecmp(name, "info") ? -1 : RP_INFORMATIONAL;
}

const char *rules_action_name(enum rules_action a)
{
	return actions[a];
}

struct rules *rules_new(const struct rules_options *o)
{
	struct rules *r = xcalloc(1, sizeof(*r));

	r->options = *o;
	image_init(&r->im, o->fields);
	return r;
}

static void free_rule(struct rule *rule)
{
	ptext_free(&rule->condition);
	ptext_free(&rule->expanded);
	for (size_t i = 0; i < rule->exceptions_n; i++)
		free(rule->exceptions[i].values);
	free(rule->exceptions);
	if (rule->format)
		output_free(rule->format);
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->lists_n; i++)
		free(r->lists[i].items);
	for (size_t i = 0; i < r->macros_n; i++) {
		ptext_free(&r->macros[i].condition);
		ptext_free(&r->macros[i].expanded);
	}
	for (size_t i = 0; i < r->rules_n; i++)
		free_rule(&r->rules[i]);
	for (size_t i = 0; i < r->files_n; i++) {
		yaml_stream_free(r->files[i]);
		free(r->files[i]);
	}
	free(r->files);
	free(r->lists);
	free(r->macros);
	free(r->rules);
	free(r->diags);
	map_free(&r->list_by_name);
	map_free(&r->macro_by_name);
	map_free(&r->rule_by_name);
	image_free(&r->im);
	arena_free(&r->arena);
	free(r);
}

/* The line of the file, for people. */
static const char *line_text(struct rules *r, const struct yaml_stream *file, unsigned line)
{
	const char *p = file->text, *end = p + file->len, *next;

	while (--line && (next = memchr(p, '\n', (size_t)(end - p))))
		p = next + 1;
	next = memchr(p, '\n', (size_t)(end - p));
	return arena_strndup(&r->arena, p, (size_t)((next ? next : end) - p));
}

static void add_diag(struct rules *r, enum rules_code code, const struct yaml_stream *file,
		     unsigned line, unsigned column, const char *item, const char *msg)
{
	*vec_push(r->diags, r->diags_n, r->diags_cap) = (struct rules_diag){
		.code = code,
		.file = arena_strdup(&r->arena, file->name),
		.line = line,
		.column = column,
		.item = arena_strdup(&r->arena, item),
		.message = arena_strdup(&r->arena, msg),
		.source_line = line_text(r, file, line),
	};
	r->errors += codes[code].error;
}

int rules_say(struct rules *r, enum rules_code code, struct place at, size_t off, const char *item,
	      const char *fmt, ...)
{
	unsigned line, column;
	char msg[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	place_of(at, off, &line, &column);
	add_diag(r, code, at.file, line, column, item, msg);
	return codes[code].error ? -EINVAL : 0;
}

int rules_say_text(struct rules *r, enum rules_code code, const struct ptext *t, size_t off,
		   const char *item, const char *msg)
{
	struct place at;
	unsigned line, column;

	ptext_where(t, off, &at, &line, &column);
	add_diag(r, code, at.file, line, column, item, msg);
	return codes[code].error ? -EINVAL : 0;
}

struct list *rules_list(struct rules *r, const char *name, size_t len)
{
	void **slot = map_find(&r->list_by_name, name, len);

	return slot ? &r->lists[(uintptr_t)*slot - 1] : NULL;
}

struct macro *rules_macro(struct rules *r, const char *name, size_t len)
{
	void **slot = map_find(&r->macro_by_name, name, len);

	return slot ? &r->macros[(uintptr_t)*slot - 1] : NULL;
}

struct rule *rules_rule(struct rules *r, const char *name)
{
	void **slot = map_find(&r->rule_by_name, name, strlen(name));

	return slot ? &r->rules[(uintptr_t)*slot - 1] : NULL;
}

const struct rules_diag *rules_diags(const struct rules *r, size_t *n)
{
	*n = r->diags_n;
	return r->diags;
}

size_t rules_count(const struct rules *r)
{
	return r->rules_n;
}

const struct rule_info *rules_at(const struct rules *r, size_t i)
{
	return &r->rules[i].info;
}

long rules_find(const struct rules *r, const char *name)
{
	void **slot = map_find(&r->rule_by_name, name, strlen(name));

	return slot ? (long)(uintptr_t)*slot - 1 : -1;
}

size_t rules_list_count(const struct rules *r)
{
	return r->lists_n;
}

size_t rules_macro_count(const struct rules *r)
{
	return r->macros_n;
}

struct ev_set rules_wanted(const struct rules *r, enum ev_source source)
{
	return r->im.wanted[source];
}

bool rules_use(const struct rules *r, enum ev_field_id id)
{
	for (size_t i = 0; i < r->im.operands_n; i++)
		if (r->im.operands[i].source == OPERAND_FIELD &&
		    r->im.operands[i].ref.field == ev_field_at(id))
			return true;
	return false;
}

static void node_names(const struct image *im, gref r, unsigned char *seen, rules_name_fn *take,
		       void *arg)
{
	const struct gnode *n = &im->nodes[gref_node(r)];
	const struct test *t;

	if (seen[gref_node(r)])
		return;
	seen[gref_node(r)] = 1;
	for (uint32_t i = 0; n->kind != G_TEST && i < n->child_n; i++)
		node_names(im, n->child[i], seen, take, arg);
	if (n->kind != G_TEST)
		return;
	t = &im->tests[n->test];
	if (im->operands[t->left].source != OPERAND_FIELD ||
	    !(im->operands[t->left].ref.field->flags & EV_RESOLVED))
		return;
	for (uint32_t i = 0; i < t->values_n; i++)
		take(t->values[i].s, arg);
}

void rules_names(const struct rules *r, rules_name_fn *take, void *arg)
{
	cleanup_free unsigned char *seen = xcalloc(r->im.nodes_n + 1, 1);

	for (size_t i = 0; i < r->im.targets_n; i++)
		node_names(&r->im, r->im.targets[i].condition, seen, take, arg);
}
