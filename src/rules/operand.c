#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "rules/image.h"

__attribute__((format(printf, 3, 4))) static int64_t fail(struct compiling *c, size_t at,
							  const char *fmt, ...)
{
	va_list ap;

	c->e->at = at;
	va_start(ap, fmt);
	vsnprintf(c->e->msg, sizeof(c->e->msg), fmt, ap);
	va_end(ap);
	return -1;
}

void text_quote(struct buf *out, struct ev_text t)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < t.len; i++) {
		unsigned char ch = (unsigned char)t.p[i];

		if (ch == '"' || ch == '\\')
			buf_printf(out, "\\%c", ch);
		else if (ch < ' ' || ch > '~')
			buf_printf(out, "\\x%02x", ch);
		else
			buf_putc(out, (char)ch);
	}
	buf_putc(out, '"');
}

/* The number of an equal operand that is there, or that of this one. */
static bool follows_from_who(const struct image *im, const struct operand *o)
{
	if (o->source == OPERAND_FIELD)
		return o->ref.field->flags & EV_WHO;
	for (uint32_t i = 0; i < o->args_n; i++)
		if (!im->operands[o->args[i]].who)
			return false;
	return true;
}

static int64_t intern(struct image *im, struct operand *o, const struct buf *key)
{
	void **slot = map_at(&im->by_operand, buf_str(key), key->len);

	if (!*slot) {
		o->who = follows_from_who(im, o);
		o->text = arena_strndup(&im->arena, buf_str(key), key->len);
		*vec_push(im->operands, im->operands_n, im->operands_cap) = *o;
		*slot = (void *)(uintptr_t)im->operands_n;
	}
	return (int64_t)(uintptr_t)*slot - 1;
}

static bool is_rawarg(struct ev_text name)
{
	const char *field = ev_field_at(EV_EVT_RAWARG)->name;

	return name.len >= strlen(field) && !memcmp(name.p, field, strlen(field));
}

static int64_t field_error(struct compiling *c, const struct expr *x, enum ev_ref_error e)
{
	int len = (int)x->text.len;
	const char *name = x->text.p, *near;

	switch (e) {
	case EV_REF_ARG_MISSING:
		return fail(c, x->at, "filter error: field '%.*s' requires an argument", len, name);
	case EV_REF_ARG_REFUSED:
		return fail(c, x->at, "filter error: field '%.*s' does not take an argument", len,
			    name);
	case EV_REF_ARG_NOT_INDEX:
		if (is_rawarg(x->text))
			return fail(c, x->at,
				    "filter error: field '%.*s' takes the name of a parameter: "
				    "evt.rawarg.NAME",
				    len, name);
		return fail(c, x->at, "filter error: field '%.*s' takes a number, not '%.*s'", len,
			    name, (int)x->arg.len, x->arg.p ? x->arg.p : "");
	case EV_REF_TYPE_UNKNOWN:
		return fail(c, x->at, "unknown event type in '%.*s'", len, name);
	default:
		near = ev_field_suggest(x->text);
		return fail(c, x->at, "filter_check called with nonexistent field %.*s%s%s%s", len,
			    name, near ? " (did you mean '" : "", near ? near : "",
			    near ? "'?)" : "");
	}
}

static void note_parameter(struct compiling *c, const struct expr *x, const struct ev_ref *r)
{
	struct note *n;

	if (r->field->arg != EV_F_PARAM || r->arg != EV_ARG_KEY ||
	    ev_param_kind(r->key.p, r->key.len) >= 0)
		return;
	n = vec_push(c->notes, c->notes_n, c->notes_cap);
	n->at = x->at;
	n->msg = arena_printf(&c->im->arena, "no known event type has a parameter '%.*s'",
			      (int)r->key.len, r->key.p);
}

/* The fields that vm_value.c reads from the event itself. */
static bool is_common(const struct ev_ref *r)
{
	static const unsigned ids[] = {
		EV_EVT_NUM,	     EV_EVT_SOURCE, EV_EVT_TYPE,      EV_SYSCALL_TYPE,
		EV_EVT_TYPE_IS,	     EV_EVT_DIR,    EV_EVT_COUNT,     EV_EVT_COUNT_EXIT,
		EV_EVT_RAWTIME,	     EV_EVT_TIME,   EV_EVT_RAWTIME_S, EV_EVT_RAWTIME_NS,
		EV_EVT_TIME_ISO8601, EV_EVT_TIME_S, EV_EVT_DATETIME,  EV_EVT_DATETIME_S,
	};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (r->field == ev_field_at(ids[i]))
			return true;
	return false;
}

static int64_t make_field(struct compiling *c, const struct expr *x)
{
	cleanup_buf struct buf key = { 0 };
	struct operand o = { .source = OPERAND_FIELD };
	enum ev_ref_error e = ev_ref_parse(&c->im->fields, x->text, x->arg, &o.ref);

	if (e)
		return field_error(c, x, e);
	if (o.ref.kind == EV_DYNAMIC && o.ref.arg == EV_ARG_KEY &&
	    ev_param_kind(o.ref.key.p, o.ref.key.len) < 0)
		return fail(c, x->at, "unknown event argument %.*s", (int)o.ref.key.len,
			    o.ref.key.p);
	buf_append(&key, x->text.p, x->text.len);
	if (x->arg.p)
		buf_printf(&key, "[%.*s]", (int)x->arg.len, x->arg.p);
	if (o.ref.key.p)
		o.ref.key.p = arena_strndup(&c->im->arena, o.ref.key.p, o.ref.key.len);
	if ((o.ref.field->flags & EV_DEPRECATED) && !c->deprecated.name)
		c->deprecated = (struct deprecated){ o.ref.field->name, x->at };
	note_parameter(c, x, &o.ref);
	o.kind = o.ref.kind;
	o.list = ev_ref_is_list(&o.ref);
	o.any = ev_ref_is_any(&o.ref);
	o.ends = o.ref.field->flags & EV_ENDS;
	o.common = is_common(&o.ref);
	return intern(c->im, &o, &key);
}

static int64_t make_constant(struct compiling *c, const struct expr *x)
{
	cleanup_buf struct buf key = { 0 };
	struct operand o = { .source = OPERAND_CONSTANT, .kind = EV_CHARBUF };

	if (memchr(x->text.p, '\0', x->text.len))
		return fail(c, x->at,
			    "filter error: filter value cannot contain a NUL byte (\\x00)");
	o.constant.s.p = arena_strndup(&c->im->arena, x->text.p, x->text.len);
	o.constant.s.len = x->text.len;
	text_quote(&key, x->text);
	return intern(c->im, &o, &key);
}

static bool make_args(struct compiling *c, const struct expr *x, struct operand *o, struct buf *key)
{
	o->args = arena_alloc(&c->im->arena, (x->args_n + 1) * sizeof(*o->args));
	o->args_n = (uint32_t)x->args_n;
	buf_putc(key, '(');
	for (size_t i = 0; i < x->args_n; i++) {
		int64_t arg = operand_make(c, x->args[i]);

		if (arg < 0)
			return false;
		o->args[i] = (uint32_t)arg;
		buf_printf(key, "%s%s", i ? ", " : "", c->im->operands[arg].text);
	}
	buf_putc(key, ')');
	return true;
}

static bool is_text(const struct operand *o)
{
	return ev_kind_class(o->kind) == EV_C_STRING && !o->list;
}

static int64_t make_list(struct compiling *c, const struct expr *x)
{
	cleanup_buf struct buf key = { 0 };
	struct operand o = { .source = OPERAND_LIST, .kind = EV_CHARBUF, .list = true };

	if (x->args_n > RULES_ELEMENTS_MAX)
		return fail(c, x->at, "more than %d items in a list of values", RULES_ELEMENTS_MAX);
	if (!make_args(c, x, &o, &key))
		return -1;
	for (uint32_t i = 0; i < o.args_n; i++)
		if (!is_text(&c->im->operands[o.args[i]]))
			return fail(c, x->args[i]->at, "an item of type '%s' in a list of strings",
				    ev_kind_name(c->im->operands[o.args[i]].kind));
	return intern(c->im, &o, &key);
}

static const struct {
	unsigned min, max;
} arity[] = {
	[RT_TOLOWER] = { 1, 1 },  [RT_TOUPPER] = { 1, 1 }, [RT_B64] = { 1, 1 },
	[RT_BASENAME] = { 1, 1 }, [RT_LEN] = { 1, 1 },	   [RT_JOIN] = { 2, 2 },
	[RT_CONCAT] = { 2, 64 },  [RT_GETOPT] = { 2, 2 },  [RT_VAL] = { 1, 1 },
};

static const struct operand *arg_of(const struct compiling *c, const struct operand *o, unsigned i)
{
	return &c->im->operands[o->args[i]];
}

static bool may_transform(const struct operand *a)
{
	if (a->source != OPERAND_FIELD)
		return true;
	return !(a->ref.field->flags & EV_NO_TRANSFORM) && !a->any && !a->ends;
}

/* The first argument that is not of the type it has to have; args_n when all are. */
static uint32_t misfit(const struct compiling *c, const struct operand *o)
{
	const struct operand *a = arg_of(c, o, 0);
	enum ev_class class = ev_kind_class(a->kind);
	uint32_t i = 0;
	bool fits = true;

	switch (o->transform) {
	case RT_TOLOWER:
	case RT_TOUPPER:
	case RT_BASENAME:
		fits = class == EV_C_STRING && !a->list;
		break;
	case RT_B64:
		fits = (a->kind == EV_CHARBUF || a->kind == EV_BYTEBUF) && !a->list;
		break;
	case RT_LEN:
		fits = class == EV_C_STRING || class == EV_C_BYTES || a->list;
		break;
	case RT_JOIN:
		if (!is_text(a))
			return 0;
		return arg_of(c, o, 1)->list && arg_of(c, o, 1)->kind == EV_CHARBUF ? 2 : 1;
	case RT_GETOPT:
		if (class != EV_C_STRING ||
		    !(a->list || (a->source == OPERAND_FIELD && a->ref.field->arg == EV_F_INDEX)))
			return 0;
		return is_text(arg_of(c, o, 1)) ? 2 : 1;
	case RT_CONCAT:
		while (i < o->args_n && is_text(arg_of(c, o, i)))
			i++;
		return i;
	default:
		break;
	}
	return fits ? o->args_n : 0;
}

static void set_result(const struct compiling *c, struct operand *o)
{
	const struct operand *a = arg_of(c, o, 0);

	o->kind = o->transform == RT_LEN ? EV_UINT64 : EV_CHARBUF;
	o->list = o->transform == RT_GETOPT && !o->bracket.p;
	if (o->transform == RT_TOLOWER || o->transform == RT_TOUPPER || o->transform == RT_B64 ||
	    o->transform == RT_BASENAME)
		o->kind = a->kind;
}

static int64_t make_transform(struct compiling *c, const struct expr *x)
{
	cleanup_buf struct buf key = { 0 };
	struct operand o = { .source = OPERAND_TRANSFORM, .transform = x->transform };
	const char *name = rules_transform_name(x->transform);
	uint32_t bad;

	if (x->transform == RT_VAL)
		return operand_make(c, x->args[0]);
	buf_puts(&key, name);
	if (x->args_n < arity[x->transform].min || x->args_n > arity[x->transform].max)
		return fail(c, x->at, "filter error: transformer '%s' does not take %zu arguments",
			    name, x->args_n);
	if (x->arg.p && (x->transform != RT_GETOPT || x->arg.len != 1))
		return fail(c, x->at,
			    x->transform == RT_GETOPT
				    ? "filter error: getopt takes one option letter in "
				      "brackets"
				    : "filter error: transformer '%s' does not support "
				      "field arguments",
			    name);
	if (!make_args(c, x, &o, &key))
		return -1;
	for (uint32_t i = 0; i < o.args_n; i++)
		if (!may_transform(arg_of(c, &o, i)))
			return fail(c, x->args[i]->at, "field '%s' does not support transformers",
				    arg_of(c, &o, i)->text);
	bad = misfit(c, &o);
	if (bad < o.args_n)
		return fail(c, bad ? x->args[bad]->at : x->at,
			    "transformer '%s' does not support field '%s' of type '%s'", name,
			    arg_of(c, &o, bad)->text, ev_kind_name(arg_of(c, &o, bad)->kind));
	if (x->arg.p) {
		buf_printf(&key, "[%.*s]", (int)x->arg.len, x->arg.p);
		o.bracket.p = arena_strndup(&c->im->arena, x->arg.p, x->arg.len);
		o.bracket.len = x->arg.len;
	}
	set_result(c, &o);
	return intern(c->im, &o, &key);
}

int64_t operand_make(struct compiling *c, const struct expr *x)
{
	switch (x->kind) {
	case EXPR_FIELD:
		return make_field(c, x);
	case EXPR_TRANSFORM:
		return make_transform(c, x);
	case EXPR_LIST:
		return make_list(c, x);
	default:
		return make_constant(c, x);
	}
}
