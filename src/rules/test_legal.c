/* Which operator may stand with which type. */
#include <stdio.h>

#include "rules/image.h"

#define OP(o) (1u << RO_##o)

enum {
	EQUALITY = OP(EQ) | OP(NE) | OP(IN) | OP(INTERSECTS) | OP(EXISTS),
	ORDER = OP(LT) | OP(LE) | OP(GT) | OP(GE),
	PARTS = OP(CONTAINS) | OP(STARTSWITH) | OP(ENDSWITH),
	PATTERNS = OP(ICONTAINS) | OP(GLOB) | OP(IGLOB) | OP(PMATCH) | OP(REGEX),
};

static const struct {
	unsigned ops;
	const char *what;
	bool lists; /* there may be lists of it */
} legal[] = {
	[EV_C_SIGNED] = { EQUALITY | ORDER, "numeric", false },
	[EV_C_UNSIGNED] = { EQUALITY | ORDER, "numeric", true },
	[EV_C_DOUBLE] = { EQUALITY | ORDER, "numeric", false },
	[EV_C_BOOL] = { EQUALITY, "numeric", true },
	[EV_C_STRING] = { EQUALITY | ORDER | PARTS | PATTERNS, "string", true },
	[EV_C_BYTES] = { EQUALITY | PARTS | OP(BCONTAINS) | OP(BSTARTSWITH), "buffer", false },
	[EV_C_ADDR] = { EQUALITY, "ip address and network", true },
	[EV_C_NET] = { EQUALITY, "ip address and network", true },
	[EV_C_OPAQUE] = { OP(EXISTS), NULL, false },
	[EV_C_DYNAMIC] = { OP(EXISTS), NULL, false },
};

static bool fail(struct compiling *c, const struct check *k, const char *text)
{
	c->e->at = k->left->at;
	snprintf(c->e->msg, sizeof(c->e->msg), "%s", text);
	return false;
}

static bool op_legal(struct compiling *c, const struct check *k, const struct operand *left)
{
	enum ev_class class = ev_kind_class(left->kind);
	const char *op = rules_op_name(k->op);
	char text[200];

	if (left->list) {
		snprintf(text, sizeof(text), "list filters are not supported for type '%s'",
			 ev_kind_name(left->kind));
		if (!legal[class].lists)
			return fail(c, k, text);
		snprintf(text, sizeof(text), "'%s' operator not supported list filters", op);
		return ((OP(IN) | OP(INTERSECTS) | OP(EXISTS)) >> k->op & 1) || fail(c, k, text);
	}
	if (legal[class].ops >> k->op & 1)
		return true;
	if (legal[class].what)
		snprintf(text, sizeof(text), "'%s' operator not supported for %s filters", op,
			 legal[class].what);
	else
		snprintf(text, sizeof(text), "'%s' operator not supported for type '%s'", op,
			 ev_kind_name(left->kind));
	return fail(c, k, text);
}

/* Names of addresses, and fd.ip, know fewer operators than their type. */
static bool field_legal(struct compiling *c, const struct check *k, const struct operand *left)
{
	unsigned ops = OP(EQ) | OP(NE) | OP(IN) | OP(EXISTS);
	const struct ev_field *f = left->ref.field;
	char text[200];

	if (left->source != OPERAND_FIELD || (!(f->flags & EV_RESOLVED) && f->id != EV_FD_IP) ||
	    ops >> k->op & 1)
		return true;
	snprintf(text, sizeof(text), "'%s' operator not supported for field '%s'",
		 rules_op_name(k->op), f->name);
	return fail(c, k, text);
}

static bool refuses_right(const struct operand *o)
{
	return o->source == OPERAND_FIELD &&
	       ((o->ref.field->flags & EV_NO_RHS) || o->kind == EV_IPNET);
}

static bool right_legal(struct compiling *c, const struct check *k, const struct operand *left,
			const struct operand *right)
{
	char text[sizeof(c->e->msg)];

	snprintf(text, sizeof(text), "'%s' operator does not support a right-hand side field",
		 rules_op_name(k->op));
	if (k->op == RO_PMATCH || k->op == RO_REGEX)
		return fail(c, k, text);
	snprintf(text, sizeof(text), "field '%s' does not support a right-hand side field",
		 left->text);
	if (refuses_right(left))
		return fail(c, k, text);
	snprintf(text, sizeof(text), "field '%s' is not supported as a right-hand side field",
		 right->text);
	if (refuses_right(right))
		return fail(c, k, text);
	if (left->kind == right->kind && left->list == right->list)
		return true;
	snprintf(text, sizeof(text),
		 "field '%s' has type '%s' while the right-hand side field '%s' has incompatible "
		 "type '%s'",
		 left->text, ev_kind_name(left->kind), right->text, ev_kind_name(right->kind));
	return fail(c, k, text);
}

bool test_legal(struct compiling *c, const struct check *k, const struct operand *left,
		const struct operand *right)
{
	return op_legal(c, k, left) && field_legal(c, k, left) &&
	       (!right || right_legal(c, k, left, right));
}
