#include <string.h>

#include "rules/image.h"

static int order(struct ev_text a, struct ev_text b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* What an ordering says about an operator of equality or order. */
static bool ordered(enum rules_op op, int c)
{
	switch (op) {
	case RO_LT:
		return c < 0;
	case RO_LE:
		return c <= 0;
	case RO_GT:
		return c > 0;
	case RO_GE:
		return c >= 0;
	case RO_NE:
		return c != 0;
	default:
		return c == 0;
	}
}

static bool text_parts(enum rules_op op, struct ev_text v, struct ev_text part)
{
	if (part.len > v.len)
		return false;
	switch (op) {
	case RO_STARTSWITH:
		return !part.len || !memcmp(v.p, part.p, part.len);
	case RO_ENDSWITH:
		return !part.len || !memcmp(v.p + v.len - part.len, part.p, part.len);
	default:
		return !part.len || memmem(v.p, v.len, part.p, part.len);
	}
}

static bool text(enum rules_op op, struct ev_text v, struct ev_text right)
{
	switch (op) {
	case RO_STARTSWITH:
	case RO_ENDSWITH:
	case RO_CONTAINS:
		return text_parts(op, v, right);
	case RO_ICONTAINS:
		return strings_contains_fold(v, right);
	case RO_GLOB:
	case RO_IGLOB:
		return glob_match(right, v, op == RO_IGLOB);
	case RO_EQ:
	case RO_IN:
	case RO_INTERSECTS:
		return v.len == right.len && (!v.len || !memcmp(v.p, right.p, v.len));
	default:
		return ordered(op, order(v, right));
	}
}

static int order_addr(const struct ev_addr *a, const struct ev_addr *b)
{
	return a->len != b->len || memcmp(a->b, b->b, a->len);
}

static bool in_net(const struct ev_addr *a, const struct net *n)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (a->len != n->addr.len || memcmp(a->b, n->addr.b, whole))
		return false;
	return !rest || !((a->b[whole] ^ n->addr.b[whole]) >> (8 - rest));
}

static bool compare_value(const struct test *t, const struct ev_value *v, uint32_t i,
			  const struct compare_scratch *s)
{
	const struct ev_value *right = &t->values[i];

	switch (t->class) {
	case EV_C_SIGNED:
		return ordered(t->op, (v->i > right->i) - (v->i < right->i));
	case EV_C_UNSIGNED:
		return ordered(t->op, (v->u > right->u) - (v->u < right->u));
	case EV_C_BOOL:
		return ordered(t->op, !!v->u - !!right->u);
	case EV_C_DOUBLE:
		return ordered(t->op, (v->d > right->d) - (v->d < right->d));
	case EV_C_ADDR:
		return ordered(t->op, order_addr(&v->a, &right->a));
	case EV_C_NET:
		return ordered(t->op, !in_net(&v->a, &t->nets[i]));
	default:
		if (t->op == RO_REGEX)
			return regex_match(t->regexes[i], v->s, s);
		return text(t->op, v->s, right->s);
	}
}

bool compare_two(const struct test *t, const struct ev_value *left, const struct ev_value *right)
{
	struct ev_value values[1] = { *right };
	struct test one = { .class = t->class, .op = t->op, .values = values, .values_n = 1 };
	char folded[256];

	if (t->op == RO_IN || t->op == RO_INTERSECTS)
		one.op = RO_EQ;
	if (t->op == RO_ICONTAINS) {
		if (right->s.len > sizeof(folded))
			return false;
		for (size_t i = 0; i < right->s.len; i++)
			folded[i] = strings_lower(right->s.p[i]);
		values[0].s.p = folded;
	}
	return compare_value(&one, left, 0, &(struct compare_scratch){ 0 });
}

static bool compare_all(const struct test *t, const struct ev_value *v,
			const struct compare_scratch *s)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < t->values_n; i++) {
		bool r = compare_value(t, v, i, s);

		found += r;
		if (t->modifier == RM_ALLOF && !r)
			return false;
		if (t->modifier == RM_ONEOF && found > 1)
			return false;
	}
	return t->modifier == RM_ALLOF ? t->values_n > 0 : found == 1;
}

bool compare_values(const struct test *t, const struct ev_value *v, const struct compare_scratch *s)
{
	if (t->modifier != RM_NONE)
		return compare_all(t, v, s);
	if (t->paths)
		return paths_match(t->paths, v->s);
	if (t->set)
		return strings_set_find(t->set, v->s);
	for (uint32_t i = 0; i < t->values_n; i++)
		if (compare_value(t, v, i, s))
			return true;
	return false;
}
