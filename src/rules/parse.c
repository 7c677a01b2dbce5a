#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/parse_private.h"

static const char *const op_names[] = {
#define RULES_OP_NAME(id, text) [RO_##id] = text,
	RULES_OPS(RULES_OP_NAME)
#undef RULES_OP_NAME
};
static const char *const modifier_names[] = {
	[RM_ONEOF] = "oneof", [RM_ANYOF] = "anyof", [RM_ALLOF] = "allof"
};
static const char *const transform_names[] = {
	[RT_TOLOWER] = "tolower",   [RT_TOUPPER] = "toupper", [RT_B64] = "b64",
	[RT_BASENAME] = "basename", [RT_LEN] = "len",	      [RT_JOIN] = "join",
	[RT_CONCAT] = "concat",	    [RT_GETOPT] = "getopt",   [RT_VAL] = "val",
};

const char *rules_op_name(enum rules_op op)
{
	return op_names[op];
}

const char *rules_modifier_name(enum rules_modifier m)
{
	return m == RM_NONE ? "" : modifier_names[m];
}

const char *rules_transform_name(enum rules_transform t)
{
	return transform_names[t];
}

static bool parse_or(struct lex *l, struct node **out);

static struct node *new_node(struct lex *l, enum node_kind kind, size_t at)
{
	struct node *n = arena_alloc(l->arena, sizeof(*n));

	n->kind = kind;
	n->at = at;
	n->end = l->pos;
	return n;
}

struct values {
	struct value *v;
	size_t n, cap;
};

static void values_free(struct values *v)
{
	free(v->v);
}

static bool lex_value(struct lex *l, struct value *out)
{
	out->at = l->pos;
	if (lex_quoted(l, &out->text)) {
		out->quoted = true;
		return true;
	}
	if (l->failed || !lex_bare(l, &out->text))
		return false;
	out->text.p = arena_strndup(l->arena, out->text.p, out->text.len);
	return true;
}

static void keep_values(struct lex *l, struct check *c, const struct value *v, size_t n)
{
	c->values = arena_alloc(l->arena, (n + 1) * sizeof(*v));
	if (n)
		memcpy(c->values, v, n * sizeof(*v));
	c->values_n = n;
}

static bool parse_paren_list(struct lex *l, struct check *c)
{
	cleanup(values_free) struct values all = { 0 };

	c->list = true;
	if (!lex_text(l, "("))
		return false;
	lex_blank(l);
	while (!lex_text(l, ")")) {
		if (all.n && !lex_text(l, ","))
			return lex_fail(l, "expected a ')' token closing the list");
		lex_blank(l);
		if (!lex_value(l, vec_push(all.v, all.n, all.cap)))
			return lex_fail(l, "expected a string value in the list");
		lex_blank(l);
	}
	keep_values(l, c, all.v, all.n);
	return true;
}

/* A name where a list should be: nothing of this name was substituted, so it is a value. */
static bool parse_list(struct lex *l, struct check *c)
{
	struct value v = { .at = l->pos };

	if (lex_at(l, '('))
		return parse_paren_list(l, c);
	if (!lex_identifier(l, &v.text))
		return lex_fail(l, "expected a list or an identifier");
	v.text.p = arena_strndup(l->arena, v.text.p, v.text.len);
	keep_values(l, c, &v, 1);
	c->list = true;
	return true;
}

static bool is_word(struct ev_text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

/* Whether a list, or a name that is not a logical operator, follows. Takes nothing. */
static bool list_follows(struct lex *l)
{
	size_t at = l->pos;
	struct ev_text name;
	bool found = lex_at(l, '(');

	if (!found && lex_identifier(l, &name))
		found = !is_word(name, "and") && !is_word(name, "or") && !is_word(name, "not");
	l->pos = at;
	return found;
}

static bool lex_modifier(struct lex *l, enum rules_modifier *out)
{
	size_t at = l->pos;

	for (enum rules_modifier m = RM_ONEOF; m < RM_COUNT; m++) {
		if (lex_text(l, modifier_names[m]) && lex_blank(l) && list_follows(l)) {
			*out = m;
			return true;
		}
		l->pos = at;
	}
	return false;
}

static bool parse_string_right(struct lex *l, struct check *c, bool blank)
{
	struct value v = { 0 };

	blank |= lex_blank(l);
	if (blank && lex_modifier(l, &c->modifier))
		return parse_list(l, c);
	if (parse_right(l, c))
		return true;
	if (l->failed || !lex_value(l, &v))
		return lex_fail(l,
				"expected a valid string value, a field or a transformer after "
				"'%s'",
				op_names[c->op]);
	keep_values(l, c, &v, 1);
	return true;
}

static bool parse_number_right(struct lex *l, struct check *c)
{
	struct value v = { 0 };

	lex_blank(l);
	if (parse_right(l, c))
		return true;
	v.at = l->pos;
	if (l->failed || !lex_number(l, &v.text))
		return lex_fail(l, "expected a number, a field or a transformer after '%s'",
				op_names[c->op]);
	v.text.p = arena_strndup(l->arena, v.text.p, v.text.len);
	keep_values(l, c, &v, 1);
	return true;
}

static bool parse_list_right(struct lex *l, struct check *c)
{
	lex_blank(l);
	return parse_right(l, c) || (!l->failed && parse_list(l, c));
}

/* The operator; *blank: a blank was taken with it. */
static bool lex_op(struct lex *l, enum rules_op *op, bool *blank)
{
	size_t at = l->pos;

	*blank = false;
	*op = RO_EQ;
	if (lex_text(l, "=="))
		return true;
	for (*op = 0; *op < RO_COUNT; (*op)++) {
		bool word = *op >= RO_GLOB && *op <= RO_REGEX;

		if (lex_text(l, op_names[*op])) {
			*blank = word && lex_blank(l);
			if (!word || *blank)
				return true;
		}
		l->pos = at;
	}
	return false;
}

static bool parse_condition(struct lex *l, struct check *c)
{
	bool blank;

	lex_blank(l);
	if (!lex_op(l, &c->op, &blank))
		return lex_fail(l, "expected a valid operator: one of 'exists', '<=', '<', '>=', "
				   "'>', '=', '!=', 'glob', 'iglob', 'contains', 'icontains', "
				   "'bcontains', 'startswith', 'bstartswith', 'endswith', "
				   "'regex', 'in', 'intersects', 'pmatch'");
	if (c->op == RO_EXISTS)
		return true;
	if (c->op <= RO_GT)
		return parse_number_right(l, c);
	if (c->op <= RO_REGEX)
		return parse_string_right(l, c, blank);
	return parse_list_right(l, c);
}

/* "(" was taken. */
static bool parse_embedded(struct lex *l, struct node **out)
{
	if (!parse_or(l, out))
		return false;
	lex_blank(l);
	return lex_text(l, ")") || lex_fail(l, "expected a ')' token");
}

static bool parse_check(struct lex *l, struct node **out)
{
	size_t at;
	struct expr *left = NULL;
	struct ev_text name;

	lex_blank(l);
	at = l->pos;
	if (lex_text(l, "("))
		return parse_embedded(l, out);
	if (parse_field(l, &left) || (!l->failed && parse_transform(l, &left))) {
		struct check *c = arena_alloc(l->arena, sizeof(*c));

		c->left = left;
		if (!parse_condition(l, c))
			return false;
		*out = new_node(l, NODE_CHECK, at);
		(*out)->check = c;
		return true;
	}
	if (l->failed || !lex_identifier(l, &name))
		return lex_fail(l, "expected a '(' token, a field check, or an identifier");
	*out = new_node(l, NODE_MACRO, at);
	(*out)->name = name;
	return true;
}

static void negate(struct lex *l, struct node **n, size_t at)
{
	struct node *not = new_node(l, NODE_NOT, at);

	not ->child = arena_alloc(l->arena, sizeof(*not ->child));
	not ->child[0] = *n;
	not ->child_n = 1;
	*n = not ;
}

/* Any white space is accepted behind "not". */
static bool space_follows(const struct lex *l)
{
	return l->pos < l->len &&
	       (l->p[l->pos] == ' ' || (l->p[l->pos] >= '\b' && l->p[l->pos] <= '\r'));
}

static bool parse_not(struct lex *l, struct node **out)
{
	bool negated = false, done = false;
	size_t at, word;

	lex_blank(l);
	at = l->pos;
	if (!parse_enter(l))
		return false;
	while (!done && (word = l->pos, lex_text(l, "not"))) {
		if (space_follows(l)) {
			while (space_follows(l))
				l->pos++;
		} else if (lex_text(l, "(")) {
			if (!parse_embedded(l, out))
				return false;
			done = true;
		} else {
			l->pos = word;
			break;
		}
		negated = !negated;
	}
	if (!done && !parse_check(l, out))
		return false;
	if (negated)
		negate(l, out, at);
	l->depth--;
	return true;
}

struct nodes {
	struct node **v;
	size_t n, cap;
};

static void nodes_free(struct nodes *n)
{
	free(n->v);
}

/* One operand alone stays itself; several become one node. */
static struct node *chain(struct lex *l, enum node_kind kind, size_t at, const struct nodes *all)
{
	struct node *n;

	if (all->n == 1)
		return all->v[0];
	n = new_node(l, kind, at);
	n->child = arena_alloc(l->arena, all->n * sizeof(*n->child));
	memcpy(n->child, all->v, all->n * sizeof(*n->child));
	n->child_n = all->n;
	return n;
}

static bool parse_chain(struct lex *l, enum node_kind kind, const char *word,
			bool (*operand)(struct lex *l, struct node **out), struct node **out)
{
	cleanup(nodes_free) struct nodes all = { 0 };
	size_t at;

	lex_blank(l);
	at = l->pos;
	if (!parse_enter(l) || !operand(l, vec_push(all.v, all.n, all.cap)))
		return false;
	while (lex_blank(l), lex_text(l, word)) {
		struct node **next = vec_push(all.v, all.n, all.cap);

		if (lex_blank(l)) {
			if (!operand(l, next))
				return false;
		} else if (!lex_text(l, "(")) {
			return lex_fail(l, "expected blank or '(' after '%s'", word);
		} else if (!parse_embedded(l, next)) {
			return false;
		}
	}
	*out = chain(l, kind, at, &all);
	l->depth--;
	return true;
}

static bool parse_and(struct lex *l, struct node **out)
{
	return parse_chain(l, NODE_AND, "and", parse_not, out);
}

static bool parse_or(struct lex *l, struct node **out)
{
	return parse_chain(l, NODE_OR, "or", parse_and, out);
}

struct node *rules_parse(struct arena *a, const char *text, size_t len, unsigned max_depth,
			 struct parse_error *e)
{
	/* A pair of parentheses is three steps: or, and, not. */
	struct lex l = { .arena = a, .p = text, .len = len, .max_depth = 3 * max_depth, .e = e };
	struct node *n = NULL;

	lex_blank(&l);
	if (l.pos == len) {
		lex_fail(&l, "filter input string is empty");
		return NULL;
	}
	if (!parse_or(&l, &n))
		return NULL;
	if (l.pos < len) {
		int from = l.pos > 20 ? (int)l.pos - 20 : 0;

		lex_fail(&l, "unexpected token after '%.*s', expecting 'or', 'and'",
			 (int)l.pos - from, text + from);
		return NULL;
	}
	return n;
}

size_t rules_parse_token(struct arena *a, const char *text, size_t len, struct expr **out)
{
	struct parse_error e;
	struct lex l = { .arena = a, .p = text, .len = len, .max_depth = PARSE_DEPTH, .e = &e };

	*out = NULL;
	if (parse_transform(&l, out) || (!l.failed && parse_field(&l, out)))
		return l.pos;
	/* A field whose bracket is none: the bracket is text. */
	if (!*out || (*out)->kind != EXPR_FIELD)
		return 0;
	(*out)->arg = (struct ev_text){ 0 };
	return (*out)->text.len;
}

static bool is_all(const char *s, bool (*token)(struct lex *l, struct ev_text *out))
{
	struct parse_error e;
	struct lex l = { .p = s, .len = strlen(s), .e = &e };
	struct ev_text t;

	return token(&l, &t) && l.pos == l.len;
}

bool rules_is_identifier(const char *s)
{
	return is_all(s, lex_identifier);
}

bool rules_is_bare(const char *s)
{
	return is_all(s, lex_bare);
}
