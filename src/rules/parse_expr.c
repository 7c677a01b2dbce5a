/* What has a value: fields, transformers, their arguments. */
#include <string.h>

#include "rules/parse_private.h"

bool parse_enter(struct lex *l)
{
	if (++l->depth > l->max_depth)
		return lex_fail(l, "exceeded max depth limit of %u", l->max_depth / 3);
	return true;
}

static struct expr *new_expr(struct lex *l, enum expr_kind kind, size_t at, struct ev_text text)
{
	struct expr *x = arena_alloc(l->arena, sizeof(*x));

	*x = (struct expr){ .kind = kind, .at = at, .text = text };
	return x;
}

/* What stands between brackets directly behind a field or transformer. */
static bool parse_bracket(struct lex *l, struct ev_text *arg)
{
	if (!lex_text(l, "["))
		return true;
	if (!lex_quoted(l, arg) && (l->failed || !lex_bare_arg(l, arg)))
		return lex_fail(l, "expected a valid field argument: a quoted string or a bare "
				   "string");
	return lex_text(l, "]") || lex_fail(l, "expected a ']' token");
}

bool parse_field(struct lex *l, struct expr **out)
{
	size_t at = l->pos;
	struct ev_text name;

	if (!lex_field_name(l, &name))
		return false;
	*out = new_expr(l, EXPR_FIELD, at, name);
	return parse_bracket(l, &(*out)->arg);
}

static bool add_arg(struct lex *l, struct expr *x, struct expr *arg)
{
	struct expr **grown = arena_alloc(l->arena, (x->args_n + 1) * sizeof(*grown));

	if (x->args_n)
		memcpy(grown, x->args, x->args_n * sizeof(*grown));
	grown[x->args_n++] = arg;
	x->args = grown;
	return true;
}

static bool parse_item(struct lex *l, struct expr **out)
{
	size_t at = l->pos;
	struct ev_text text;

	if (lex_quoted(l, &text))
		*out = new_expr(l, EXPR_STRING, at, text);
	else if (!l->failed && lex_number(l, &text))
		*out = new_expr(l, EXPR_NUMBER, at, text);
	else if (l->failed)
		return false;
	else
		return parse_transform(l, out) || (!l->failed && parse_field(l, out)) ||
		       lex_fail(l, "expected a field, a valid transformer, a quoted string or a "
				   "number");
	return true;
}

/* "(" items ")" as an argument. */
static bool parse_item_list(struct lex *l, struct expr **out)
{
	struct expr *item;

	*out = new_expr(l, EXPR_LIST, l->pos, (struct ev_text){ 0 });
	if (!lex_text(l, "(") || !parse_enter(l))
		return false;
	lex_blank(l);
	while (!lex_text(l, ")")) {
		if ((*out)->args_n && !lex_text(l, ","))
			return lex_fail(l, "expected a ')' token closing the list");
		lex_blank(l);
		if (!parse_item(l, &item))
			return false;
		add_arg(l, *out, item);
		lex_blank(l);
	}
	l->depth--;
	return true;
}

static bool parse_args(struct lex *l, struct expr *x)
{
	struct expr *arg;

	do {
		lex_blank(l);
		if (!(lex_at(l, '(') ? parse_item_list(l, &arg) : parse_item(l, &arg)))
			return false;
		add_arg(l, x, arg);
		lex_blank(l);
	} while (lex_text(l, ","));
	return lex_text(l, ")") || lex_fail(l, "expected a ')' token closing the transformer");
}

/* "name(" with no blank between; the cursor stays where it is when that is not there. */
static bool transform_open(struct lex *l, enum rules_transform t)
{
	size_t at = l->pos;

	if (lex_text(l, rules_transform_name(t)) && lex_text(l, "("))
		return true;
	l->pos = at;
	return false;
}

bool parse_transform(struct lex *l, struct expr **out)
{
	size_t at = l->pos;

	for (enum rules_transform t = 0; t < RT_VAL; t++) {
		if (!transform_open(l, t))
			continue;
		*out = new_expr(l, EXPR_TRANSFORM, at, (struct ev_text){ 0 });
		(*out)->transform = t;
		if (!parse_enter(l) || !parse_args(l, *out) || !parse_bracket(l, &(*out)->arg))
			return false;
		l->depth--;
		return true;
	}
	return false;
}

static bool parse_val(struct lex *l, struct expr **out)
{
	size_t at = l->pos;
	struct expr *field;

	if (!transform_open(l, RT_VAL))
		return false;
	*out = new_expr(l, EXPR_TRANSFORM, at, (struct ev_text){ 0 });
	(*out)->transform = RT_VAL;
	lex_blank(l);
	if (!parse_field(l, &field))
		return lex_fail(l, "expected a field within 'val()'");
	add_arg(l, *out, field);
	lex_blank(l);
	if (!lex_text(l, ")"))
		return lex_fail(l, "expected a ')' token closing the transformer");
	if (lex_at(l, '['))
		return lex_fail(l, "filter error: transformer 'val' does not support field "
				   "arguments");
	return true;
}

bool parse_right(struct lex *l, struct check *c)
{
	return parse_val(l, &c->right) || (!l->failed && parse_transform(l, &c->right));
}
