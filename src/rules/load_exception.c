/* Exceptions: read, and made part of the condition. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/ruleset.h"

#define FAIL(it, node, ...) ITEM_FAIL(it, RC_ERR_VALIDATE, node, __VA_ARGS__)

/* "startswith oneof": an operator on strings with a modifier. */
static bool is_modified(const char *comp)
{
	size_t word = strcspn(comp, " ");
	const char *rest = comp + word + strspn(comp + word, " ");
	bool op = word == 2 && !strncmp(comp, "==", 2), modifier = false;

	for (enum rules_op o = RO_EQ; o <= RO_REGEX; o++)
		op |= strlen(rules_op_name(o)) == word && !strncmp(comp, rules_op_name(o), word);
	for (enum rules_modifier m = RM_ONEOF; m < RM_COUNT; m++)
		modifier |= !strcmp(rest, rules_modifier_name(m));
	return op && modifier;
}

static bool is_list_op(const char *comp)
{
	return !strcmp(comp, "in") || !strcmp(comp, "intersects") || !strcmp(comp, "pmatch") ||
	       is_modified(comp);
}

static bool is_op(const char *comp)
{
	for (enum rules_op o = 0; o < RO_COUNT; o++)
		if (!strcmp(comp, rules_op_name(o)))
			return true;
	return !strcmp(comp, "==") || is_modified(comp);
}

static bool is_field(struct rules *r, const char *s)
{
	const char *open = strchr(s, '[');
	size_t len = open ? (size_t)(open - s) : strlen(s);
	struct ev_text arg = { 0 };
	struct ev_ref ref;

	if (open && s[strlen(s) - 1] == ']')
		arg = (struct ev_text){ open + 1, strlen(open) - 2 };
	return !ev_ref_parse(&r->im.fields, (struct ev_text){ s, len }, arg, &ref);
}

static struct exception *find(struct rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->exceptions_n; i++)
		if (!strcmp(rule->exceptions[i].name, name))
			return &rule->exceptions[i];
	return NULL;
}

static const char **texts(struct rules *r, const struct yaml_node *n, const char *fallback,
			  size_t count)
{
	const char **v = arena_alloc(&r->arena, (count + 1) * sizeof(*v));

	for (size_t i = 0; i < count; i++)
		v[i] = !n ? fallback : n->kind == YAML_SEQ ? n->item[i]->text : n->text;
	return v;
}

static int read_fields(struct item *it, struct exception *x, const struct yaml_node *fields,
		       const struct yaml_node *comps)
{
	if (fields->kind == YAML_MAP || (fields->kind == YAML_SEQ && item_scalars(it, fields)))
		return FAIL(it, fields,
			    "Rule exception item must have fields property with a list of fields");
	x->single = fields->kind == YAML_SCALAR;
	x->n = x->single ? 1 : fields->n;
	if (x->single && comps && comps->kind != YAML_SCALAR)
		return FAIL(it, comps, "Fields and comps must both be strings");
	if (!x->single && comps && (comps->kind != YAML_SEQ || comps->n != fields->n))
		return FAIL(it, comps, "Fields and comps lists must have equal length");
	if (comps && comps->kind == YAML_SEQ && item_scalars(it, comps))
		return -EINVAL;
	x->fields = texts(it->r, fields, NULL, x->n);
	x->comps = texts(it->r, comps, x->single ? "in" : "=", x->n);
	for (size_t i = 0; i < x->n; i++) {
		if (!is_op(x->comps[i]))
			return FAIL(it, comps, "'%s' is not a supported comparison operator",
				    x->comps[i]);
		if (!is_field(it->r, x->fields[i]))
			return FAIL(it, fields, "'%s' is not a supported filter field",
				    x->fields[i]);
	}
	if (x->single && !is_list_op(*x->comps))
		return FAIL(it, comps,
			    "When fields is a single value, comps must be one of (in, pmatch, "
			    "intersects) or a modifier operator (e.g. startswith oneof)");
	return 0;
}

static int check_tuple(struct item *it, const struct exception *x, const struct yaml_node *n)
{
	if (n->kind != YAML_SEQ)
		return FAIL(it, n, "Expected values array to contain a list of strings");
	if (n->n != x->n)
		return FAIL(it, n, "Fields and values lists must have equal length");
	for (uint32_t i = 0; i < n->n; i++) {
		const struct yaml_node *v = n->item[i];

		if (v->kind == YAML_MAP || (v->kind == YAML_SEQ && item_scalars(it, v)))
			return FAIL(it, v, "Expected values array to contain a list of strings");
	}
	return 0;
}

static int add_values(struct item *it, struct exception *x, const struct yaml_node *values)
{
	int failed = 0;

	if (values->kind != YAML_SEQ)
		return FAIL(it, values, "Rule exception values must be a sequence");
	if (x->single && item_scalars(it, values))
		return -EINVAL;
	for (uint32_t i = 0; i < values->n && !failed; i++) {
		if (!x->single)
			failed = check_tuple(it, x, values->item[i]);
		*vec_push(x->values, x->values_n,
			  x->values_cap) = (struct place){ it->file, values->item[i] };
	}
	return failed;
}

static int append_one(struct item *it, struct rule *rule, struct exception *x,
		      const struct yaml_node *name, const struct yaml_node *fields,
		      const struct yaml_node *comps, const struct yaml_node *values)
{
	(void)rule;
	if (fields)
		return FAIL(it, fields,
			    "Can not append exception fields to existing exception, only values");
	if (comps)
		return FAIL(it, comps,
			    "Can not append exception comps to existing exception, only values");
	if (values)
		return add_values(it, x, values);
	return ITEM_FAIL(it, RC_APPEND_NO_VALUES, name,
			 "Overriding/appending exception with no values");
}

static int load_one(struct item *it, struct rule *rule, const struct yaml_node *map, bool append)
{
	static const char *const known[] = { "name", "fields", "comps", "values", NULL };
	struct item one = *it;
	int failed = 0;
	const struct yaml_node *name, *fields, *comps, *values;
	struct exception *x;

	if (map->kind != YAML_MAP)
		return FAIL(it, map, "Rule exception must be a mapping");
	one.node = map;
	item_unknown_keys(&one, known);
	name = item_scalar(&one, "name", true, &failed);
	if (!name)
		return failed;
	fields = yaml_get(map, "fields");
	comps = yaml_get(map, "comps");
	values = yaml_get(map, "values");
	x = find(rule, name->text);
	if (append && x)
		return append_one(it, rule, x, name, fields, comps, values);
	if (append && !fields)
		return FAIL(it, map,
			    "Rule exception must have fields property with a list of fields");
	if (append && !values)
		return FAIL(it, map,
			    "Rule exception must have values property with a list of values");
	if (x)
		ITEM_FAIL(it, RC_EXCEPTION_NAME_NOT_UNIQUE, name,
			  "Multiple definitions of exception '%s'", name->text);
	if (!fields)
		return FAIL(it, map,
			    "Rule exception item must have fields property with a list of fields");
	x = vec_push(rule->exceptions, rule->exceptions_n, rule->exceptions_cap);
	x->name = name->text;
	x->at = (struct place){ it->file, map };
	failed = read_fields(it, x, fields, comps);
	return failed || !values ? failed : add_values(it, x, values);
}

int load_exceptions(struct item *it, struct rule *rule, const struct yaml_node *seq, bool append)
{
	int failed = 0;

	if (seq->kind != YAML_SEQ)
		return FAIL(it, seq, "Rule exceptions must be a sequence");
	for (uint32_t i = 0; i < seq->n && !failed; i++)
		failed = load_one(it, rule, seq->item[i], append);
	return failed;
}

static void put(struct ptext *t, struct place at, const char *s)
{
	ptext_add(t, s, strlen(s), ptext_place(t, at), 0, 0);
}

static void put_value(struct rules *r, struct ptext *t, struct place at)
{
	put(t, at, quote_item(&r->arena, at.node->text));
}

/* "(v1, v2)" */
static void put_list(struct rules *r, struct ptext *t, struct place at, struct yaml_node *const *v,
		     size_t n)
{
	put(t, at, "(");
	for (size_t i = 0; i < n; i++) {
		put(t, at, i ? ", " : "");
		put_value(r, t, (struct place){ at.file, v[i] });
	}
	put(t, at, ")");
}

static void put_single(struct rules *r, struct ptext *t, const struct exception *x)
{
	put(t, x->at, *x->fields);
	put(t, x->at, " ");
	put(t, x->at, *x->comps);
	put(t, x->at, " (");
	for (size_t i = 0; i < x->values_n; i++) {
		put(t, x->at, i ? ", " : "");
		put_value(r, t, x->values[i]);
	}
	put(t, x->at, ")");
}

static void put_tuple(struct rules *r, struct ptext *t, const struct exception *x, struct place at)
{
	put(t, at, "(");
	for (size_t i = 0; i < x->n; i++) {
		struct place v = { at.file, at.node->item[i] };

		put(t, v, i ? " and " : "");
		put(t, v, x->fields[i]);
		put(t, v, " ");
		put(t, v, x->comps[i]);
		put(t, v, " ");
		if (v.node->kind == YAML_SEQ)
			put_list(r, t, v, v.node->item, v.node->n);
		else if (is_list_op(x->comps[i]))
			put_list(r, t, v, &at.node->item[i], 1);
		else
			put_value(r, t, v);
	}
	put(t, at, ")");
}

static void put_exception(struct rules *r, struct ptext *t, const struct exception *x)
{
	put(t, x->at, " and not ");
	if (x->single) {
		put_single(r, t, x);
		return;
	}
	put(t, x->at, "(");
	for (size_t i = 0; i < x->values_n; i++) {
		put(t, x->at, i ? " or " : "");
		put_tuple(r, t, x, x->values[i]);
	}
	put(t, x->at, ")");
}

void add_exceptions(struct rules *r, const struct rule *rule, struct ptext *t)
{
	struct ptext with = { 0 };
	bool any = false;

	for (size_t i = 0; i < rule->exceptions_n; i++)
		any |= rule->exceptions[i].values_n > 0;
	if (!any)
		return;
	put(&with, rule->at, "(");
	for (size_t i = 0; i < t->n; i++)
		ptext_add(&with, t->p + i, 1, ptext_place(&with, t->places[t->from[i].place]),
			  t->from[i].off, 0);
	put(&with, rule->at, ")");
	for (size_t i = 0; i < rule->exceptions_n; i++)
		if (rule->exceptions[i].values_n)
			put_exception(r, &with, &rule->exceptions[i]);
	ptext_free(t);
	*t = with;
}
