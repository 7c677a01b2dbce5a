#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/image.h"

static int64_t fail(struct compiling *c, size_t at, const char *msg)
{
	c->e->at = at;
	if (msg != c->e->msg)
		snprintf(c->e->msg, sizeof(c->e->msg), "%s", msg);
	return -1;
}

__attribute__((format(printf, 3, 4))) static void note(struct compiling *c, size_t at,
						       const char *fmt, ...)
{
	struct note *n = vec_push(c->notes, c->notes_n, c->notes_cap);
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n->at = at;
	n->msg = arena_strdup(&c->im->arena, text);
}

void compiling_free(struct compiling *c)
{
	free(c->notes);
}

/* A constant that was probably meant to be read from the event. */
static void note_misused(struct compiling *c, const struct value *v)
{
	cleanup(arena_free) struct arena scratch = { 0 };
	struct ev_ref ref;
	struct expr *x;

	if (!v->text.len || rules_parse_token(&scratch, v->text.p, v->text.len, &x) != v->text.len)
		return;
	if (x->kind == EXPR_TRANSFORM)
		note(c, v->at,
		     "'%.*s' may be a valid field transformer misused as a const string "
		     "value",
		     (int)v->text.len, v->text.p);
	else if (!ev_ref_parse(&c->im->fields, x->text, x->arg, &ref))
		note(c, v->at, "'%.*s' may be a valid field misused as a const string value",
		     (int)v->text.len, v->text.p);
}

static bool is_field(const struct operand *o, unsigned id)
{
	return o->source == OPERAND_FIELD && o->ref.field == ev_field_at(id);
}

static bool names_types(const struct operand *o)
{
	return is_field(o, EV_EVT_TYPE) || is_field(o, EV_SYSCALL_TYPE);
}

static bool values_checked(struct compiling *c, const struct check *k, const struct operand *left)
{
	char name[64];

	for (size_t i = 0; i < k->values_n; i++) {
		const struct value *v = &k->values[i];

		if (memchr(v->text.p, '\0', v->text.len))
			return fail(c, v->at,
				    "filter error: filter value cannot contain a NUL byte "
				    "(\\x00)") >= 0;
		if (ev_kind_class(left->kind) == EV_C_STRING)
			note_misused(c, v);
		if (!names_types(left) ||
		    (k->op != RO_EQ && k->op != RO_NE && k->op != RO_IN && k->op != RO_INTERSECTS))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)v->text.len, v->text.p);
		if (ev_type_by_name(name) < 0) {
			snprintf(c->e->msg, sizeof(c->e->msg), "unknown event type %s", name);
			return fail(c, v->at, c->e->msg) >= 0;
		}
	}
	return true;
}

static int by_text(const void *a, const void *b)
{
	const struct value *x = a, *y = b;
	size_t n = x->text.len < y->text.len ? x->text.len : y->text.len;
	int c = n ? memcmp(x->text.p, y->text.p, n) : 0;

	return c ? c : (x->text.len > y->text.len) - (x->text.len < y->text.len);
}

/*
 * Brings a check into the form in which equal ones look equal: membership and "any of" are
 * equality with several values, sorted; inequality is an inverted equality.
 */
static void normalise(struct test *t, struct value *v, size_t *n, const struct operand *left)
{
	bool plain = !left->any && !left->list;

	if (t->op == RO_BCONTAINS)
		t->op = RO_CONTAINS;
	if (t->op == RO_BSTARTSWITH)
		t->op = RO_STARTSWITH;
	if (!left->list && (t->op == RO_IN || t->op == RO_INTERSECTS)) {
		/* As upstream: of networks of either end only the first counts. */
		if (left->ends && t->class == EV_C_NET && *n > 1)
			*n = 1;
		t->op = RO_EQ;
		t->modifier = RM_ANYOF;
	}
	if (plain && t->op == RO_NE && *n &&
	    (t->modifier == RM_ALLOF || (*n == 1 && t->modifier == RM_NONE))) {
		t->op = RO_EQ;
		t->modifier = RM_ANYOF;
		t->invert = true;
	}
	if (t->modifier == RM_ANYOF)
		t->modifier = RM_NONE;
	if (t->modifier == RM_NONE && *n > 1) {
		size_t kept = 0;

		qsort(v, *n, sizeof(*v), by_text);
		for (size_t i = 0; i < *n; i++)
			if (!i || by_text(&v[i], &v[kept - 1]))
				v[kept++] = v[i];
		*n = kept;
	}
}

static void write_value(const struct test *t, const struct value *v, struct buf *out)
{
	if (t->class == EV_C_STRING || t->class == EV_C_BYTES)
		text_quote(out, v->text);
	else
		buf_append(out, v->text.p, v->text.len);
}

static void write_key(const struct compiling *c, const struct test *t, enum rules_op written,
		      const struct value *v, size_t n, struct buf *out)
{
	bool many = n != 1 || t->modifier != RM_NONE;
	enum rules_op op = written == RO_BCONTAINS || written == RO_BSTARTSWITH ? written : t->op;

	buf_puts(out, c->im->operands[t->left].text);
	if (op == RO_EQ && many && t->modifier == RM_NONE)
		buf_printf(out, " %sin", t->invert ? "not " : "");
	else
		buf_printf(out, " %s", op == RO_EQ && t->invert ? "!=" : rules_op_name(op));
	if (op == RO_EXISTS)
		return;
	if (t->right >= 0) {
		buf_printf(out, " val(%s)", c->im->operands[t->right].text);
		return;
	}
	if (t->modifier != RM_NONE)
		buf_printf(out, " %s", rules_modifier_name(t->modifier));
	else if (many && op != RO_EQ && op != RO_IN && op != RO_INTERSECTS && op != RO_PMATCH)
		buf_puts(out, " anyof");
	buf_puts(out, many ? " (" : " ");
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i ? ", " : "");
		write_value(t, &v[i], out);
	}
	buf_puts(out, many ? ")" : "");
}

static int read_value(struct compiling *c, struct test *t, enum rules_op written, size_t i,
		      const struct value *v)
{
	struct arena *a = &c->im->arena;
	char *msg = c->e->msg;
	size_t size = sizeof(c->e->msg);
	struct ev_text text = { arena_strndup(a, v->text.p, v->text.len), v->text.len };
	int r;

	if (written == RO_BCONTAINS || written == RO_BSTARTSWITH)
		r = literal_hex(a, text, &t->values[i], msg, size);
	else if (t->class == EV_C_NET)
		r = literal_net(text, &t->nets[i], msg, size);
	else
		r = literal_parse(c->im->operands[t->left].kind, text, &t->values[i], msg, size);
	if (r || t->op != RO_REGEX)
		return r;
	if (regex_is_needless(text))
		note(c, v->at,
		     "regex check with '%.*s' may be optimized with simpler operators "
		     "such as '=', 'contains', 'startswith', 'endswith'",
		     (int)text.len, text.p);
	t->regexes[i] = regex_compile(text, msg, size);
	return t->regexes[i] ? 0 : -EINVAL;
}

static void fold_values(struct arena *a, struct test *t)
{
	for (uint32_t i = 0; i < t->values_n; i++) {
		char *s = arena_strndup(a, t->values[i].s.p, t->values[i].s.len);

		for (size_t k = 0; k < t->values[i].s.len; k++)
			s[k] = strings_lower(s[k]);
		t->values[i].s.p = s;
	}
}

/* The values as the operator wants them. Regexes stay with the test, also after an error. */
static bool read_values(struct compiling *c, struct test *t, enum rules_op written,
			const struct value *v, size_t n)
{
	struct arena *a = &c->im->arena;

	t->values_n = (uint32_t)n;
	t->values = arena_alloc(a, (n + 1) * sizeof(*t->values));
	t->nets = arena_alloc(a, (n + 1) * sizeof(*t->nets));
	t->regexes = arena_alloc(a, (n + 1) * sizeof(struct regex *));
	for (size_t i = 0; i < n; i++)
		if (read_value(c, t, written, i, &v[i]))
			return fail(c, v[i].at, c->e->msg) >= 0;
	if (t->op == RO_ICONTAINS)
		fold_values(a, t);
	if (t->op == RO_PMATCH)
		t->paths = paths_build(a, t->values, n);
	return true;
}

/* Sets of strings by hash, where every value is compared for equality. */
static void build_set(struct arena *a, struct test *t)
{
	cleanup_free struct strings_pattern *p = NULL;
	bool equality = t->op == RO_EQ || t->op == RO_IN || t->op == RO_INTERSECTS;

	if (!equality || t->modifier != RM_NONE || t->values_n < 4 ||
	    (t->class != EV_C_STRING && t->class != EV_C_BYTES))
		return;
	p = xcalloc(t->values_n, sizeof(*p));
	for (uint32_t i = 0; i < t->values_n; i++)
		p[i].text = t->values[i].s;
	t->set = arena_alloc(a, sizeof(*t->set));
	strings_set_build(t->set, a, p, t->values_n, 1);
}

static bool type_is(const struct test *t, const struct operand *o, unsigned type)
{
	const char *name = ev_type_name(type);
	struct ev_value v = { .s = { name, strlen(name) } };

	if (is_field(o, EV_SYSCALL_TYPE) && !ev_type_is_syscall(type))
		return false;
	return t->op == RO_EXISTS ||
	       compare_values(t, &v, &(struct compare_scratch){ 0 }) != t->invert;
}

/* evt.num is never 0: what follows from that alone. -1: nothing. */
static int number_decides(const struct test *t)
{
	uint64_t v = t->values_n == 1 ? t->values[0].u : 1;

	if (t->op == RO_EXISTS || (t->op == RO_GE && v <= 1) || (t->op == RO_GT && v == 0))
		return 1;
	if ((t->op == RO_LT && v <= 1) || (t->op == RO_LE && v == 0))
		return 0;
	return t->op == RO_EQ && t->modifier == RM_NONE && v == 0 ? t->invert : -1;
}

/* Tests whose answer is the same for all events of a type. */
static void decide_by_type(struct image *im, struct test *t)
{
	const struct operand *o = &im->operands[t->left];
	int all = -1;

	if (t->right >= 0)
		return;
	if (is_field(o, EV_EVT_NUM))
		all = number_decides(t);
	if (is_field(o, EV_EVT_DIR) && t->op == RO_EQ && t->values_n == 1)
		all = ((t->values[0].s.len == 1 && *t->values[0].s.p == '<') != t->invert);
	if (all < 0 && (!names_types(o) || t->op == RO_REGEX))
		return;
	t->types = arena_alloc(&im->arena, sizeof(*t->types));
	for (unsigned type = 0; type < ev_type_count(); type++)
		if (all >= 0 ? all : type_is(t, o, type))
			ev_set_add(t->types, type);
}

/* Fields that have to be looked up or written first; and most processes are the host's. */
static void estimate_field(unsigned id, struct test *t)
{
	switch (id) {
	case EV_EVT_ARG:
	case EV_EVT_ARGS:
	case EV_EVT_INFO:
	case EV_USER_NAME:
	case EV_USER_LOGINNAME:
	case EV_GROUP_NAME:
		t->cost += 40;
		break;
	case EV_CONTAINER_ID:
		t->chance = t->op == RO_EQ ? 0.7F : t->chance;
		break;
	}
}

/* Expected cost in units of a short comparison, and how often it is true: both are guesses. */
static void estimate(const struct image *im, struct test *t)
{
	static const struct {
		float cost, chance;
	} by_op[RO_COUNT] = {
		[RO_EXISTS] = { 1, 0.9F },	[RO_LE] = { 1, 0.5F },
		[RO_LT] = { 1, 0.5F },		[RO_GE] = { 1, 0.5F },
		[RO_GT] = { 1, 0.5F },		[RO_EQ] = { 1.5F, 0.1F },
		[RO_NE] = { 1, 0.9F },		[RO_GLOB] = { 8, 0.05F },
		[RO_IGLOB] = { 8, 0.05F },	[RO_CONTAINS] = { 5, 0.03F },
		[RO_ICONTAINS] = { 8, 0.03F },	[RO_BCONTAINS] = { 5, 0.03F },
		[RO_STARTSWITH] = { 2, 0.05F }, [RO_BSTARTSWITH] = { 2, 0.05F },
		[RO_ENDSWITH] = { 2, 0.05F },	[RO_REGEX] = { 60, 0.05F },
		[RO_INTERSECTS] = { 8, 0.1F },	[RO_IN] = { 8, 0.1F },
		[RO_PMATCH] = { 10, 0.05F },
	};
	const struct operand *o = &im->operands[t->left];

	t->cost = by_op[t->op].cost;
	t->chance = by_op[t->op].chance;
	if (t->class == EV_C_BOOL)
		t->chance = 0.3F;
	if (o->any || o->list)
		t->cost *= 8;
	if (o->source != OPERAND_FIELD)
		t->cost += 20;
	else if (o->ref.field->flags & EV_RESOLVED)
		t->cost += 60;
	else
		estimate_field(o->ref.field->id, t);
	if (t->invert)
		t->chance = 1 - t->chance;
}

static int64_t add_test(struct compiling *c, struct test *t, const struct check *k,
			const struct value *v, size_t n)
{
	struct image *im = c->im;
	cleanup_buf struct buf key = { 0 };
	void **slot;

	write_key(c, t, k->op, v, n, &key);
	slot = map_find(&im->by_test, buf_str(&key), key.len);
	if (slot)
		return (int64_t)(uintptr_t)*slot - 1;
	if (im->tests_n >= IMAGE_MAX_TESTS)
		return fail(c, k->left->at, "too many conditions");
	if (!read_values(c, t, k->op, v, n)) {
		for (uint32_t i = 0; i < t->values_n; i++)
			regex_free(t->regexes[i]);
		return -1;
	}
	t->text = arena_strndup(&im->arena, buf_str(&key), key.len);
	build_set(&im->arena, t);
	t->numbers = (t->class == EV_C_SIGNED || t->class == EV_C_UNSIGNED) && t->values_n == 1 &&
		     t->modifier == RM_NONE && !im->operands[t->left].list;
	decide_by_type(im, t);
	estimate(im, t);
	*vec_push(im->tests, im->tests_n, im->tests_cap) = *t;
	slot = map_at(&im->by_test, buf_str(&key), key.len);
	*slot = (void *)(uintptr_t)im->tests_n;
	return (int64_t)im->tests_n - 1;
}

int64_t test_make(struct compiling *c, const struct check *k)
{
	int64_t left = operand_make(c, k->left), right = -1, test;
	cleanup_free struct value *v = NULL;
	size_t n = k->values_n;
	struct test t;

	if (left < 0 || (k->right && (right = operand_make(c, k->right)) < 0))
		return -1;
	if (!test_legal(c, k, &c->im->operands[left], right >= 0 ? &c->im->operands[right] : NULL))
		return -1;
	if (right >= 0 && names_types(&c->im->operands[left]))
		return fail(c, k->left->at, "evt.type cannot be compared with a field");
	if (!values_checked(c, k, &c->im->operands[left]))
		return -1;
	t = (struct test){ .left = (uint32_t)left,
			   .right = (int32_t)right,
			   .op = k->op,
			   .modifier = k->modifier,
			   .class = ev_kind_class(c->im->operands[left].kind),
			   .group = -1 };
	v = xcalloc(n + 1, sizeof(*v));
	if (n)
		memcpy(v, k->values, n * sizeof(*v));
	t.around = is_field(&c->im->operands[left], EV_EVT_AROUND);
	t.who = c->im->operands[left].who && (right < 0 || c->im->operands[right].who);
	normalise(&t, v, &n, &c->im->operands[left]);
	test = add_test(c, &t, k, v, n);
	return test < 0 ? -1 : (int64_t)graph_test(c->im, (uint32_t)test);
}
