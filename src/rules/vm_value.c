/* Values of operands: read from the event, or made by transformers in scratch memory. */
#include <ctype.h>
#include <string.h>

#include "model/event_text.h"
#include "rules/vm.h"

static bool one_text(struct ev_values *out, const char *p, size_t len)
{
	out->one.s = (struct ev_text){ p, len };
	out->v = &out->one;
	out->n = 1;
	return true;
}

static bool one_number(struct ev_values *out, uint64_t v)
{
	out->one.u = v;
	out->v = &out->one;
	out->n = 1;
	return true;
}

/* What every event says of itself. */
static bool read_common(struct vm *vm, const struct ev_ref *ref, struct ev_values *out)
{
	const struct event *ev = vm->ev;
	const char *name = ev_type_name(ev->type);

	switch (ref->field->id) {
	case EV_EVT_NUM:
		return one_number(out, ev->num);
	case EV_EVT_SOURCE:
		name = ev_source_name(ev->source);
		return one_text(out, name, strlen(name));
	case EV_EVT_TYPE:
		return name && one_text(out, name, strlen(name));
	case EV_SYSCALL_TYPE:
		return name && ev_type_is_syscall(ev->type) && one_text(out, name, strlen(name));
	case EV_EVT_TYPE_IS:
		return one_number(out, ref->index == ev->type);
	case EV_EVT_DIR:
		return one_text(out, "<", 1);
	case EV_EVT_COUNT:
	case EV_EVT_COUNT_EXIT:
		return one_number(out, 1);
	case EV_EVT_RAWTIME:
		return one_number(out, ev->time);
	case EV_EVT_RAWTIME_S:
		return one_number(out, ev->time / EV_SECOND);
	case EV_EVT_RAWTIME_NS:
		return one_number(out, ev->time % EV_SECOND);
	case EV_EVT_TIME:
	case EV_EVT_TIME_S:
	case EV_EVT_TIME_ISO8601:
	case EV_EVT_DATETIME:
	case EV_EVT_DATETIME_S: {
		char *p = vm_scratch(vm, EV_TIME_SIZE);

		return p && one_text(out, p, ev_time_text(ref->field->id, ev->time, p));
	}
	default:
		return false;
	}
}

/* The single value of an argument, or NULL. */
static const struct ev_value *arg_value(struct vm *vm, const struct operand *o, uint32_t i)
{
	const struct ev_values *v = vm_values(vm, o->args[i]);

	return v && v->n ? v->v : NULL;
}

static char *scratch_text(struct vm *vm, size_t len)
{
	char *p = vm_scratch(vm, len + 1);

	if (p)
		p[len] = '\0';
	return p;
}

static bool change_case(struct vm *vm, const struct operand *o, struct ev_values *out)
{
	const struct ev_value *v = arg_value(vm, o, 0);
	char *p = v ? scratch_text(vm, v->s.len) : NULL;

	if (!p)
		return false;
	for (size_t i = 0; i < v->s.len; i++) {
		char c = v->s.p[i];

		if (o->transform == RT_TOLOWER)
			c = strings_lower(c);
		else if (c >= 'a' && c <= 'z')
			c &= ~32;
		p[i] = c;
	}
	return one_text(out, p, v->s.len);
}

static bool basename_of(struct vm *vm, const struct operand *o, struct ev_values *out)
{
	const struct ev_value *v = arg_value(vm, o, 0);
	const char *slash = v && v->s.len ? memrchr(v->s.p, '/', v->s.len) : NULL;

	if (!v)
		return false;
	if (!slash)
		return one_text(out, v->s.p, v->s.len);
	return one_text(out, slash + 1, (size_t)(v->s.p + v->s.len - slash - 1));
}

static int b64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool decode_b64(struct vm *vm, const struct operand *o, struct ev_values *out)
{
	const struct ev_value *v = arg_value(vm, o, 0);
	size_t len = v ? v->s.len : 0, n = 0;
	char *p = v ? scratch_text(vm, len) : NULL;
	uint32_t bits = 0;

	if (!p)
		return false;
	for (int pad = 0; pad < 2 && len && v->s.p[len - 1] == '='; pad++)
		len--;
	for (size_t i = 0; i < len; i++) {
		int d = b64_digit(v->s.p[i]);

		if (d < 0)
			return false;
		bits = bits << 6 | (uint32_t)d;
		if (i % 4)
			p[n++] = (char)(bits >> (6 - 2 * (i % 4)));
	}
	if (len % 4 == 1)
		return false;
	if (o->kind == EV_CHARBUF)
		n = strnlen(p, n);
	return one_text(out, p, n);
}

static bool length_of(struct vm *vm, const struct operand *o, struct ev_values *out)
{
	const struct ev_values *v = vm_values(vm, o->args[0]);
	const struct operand *arg = &vm->im->operands[o->args[0]];

	if (!v || (!arg->list && !v->n))
		return false;
	return one_number(out, arg->list ? v->n : v->v->s.len);
}

/* Texts one behind the other, with `between` them; the parts that are NULL are left out. */
static bool glue(struct vm *vm, const struct ev_value *v, size_t n, struct ev_text between,
		 struct ev_values *out)
{
	size_t len = 0, at = 0;
	char *p;

	for (size_t i = 0; i < n; i++)
		len += v[i].s.len + (i ? between.len : 0);
	p = scratch_text(vm, len);
	for (size_t i = 0; p && i < n; i++) {
		if (i && between.len)
			memcpy(p + at, between.p, between.len);
		at += i ? between.len : 0;
		if (v[i].s.len)
			memcpy(p + at, v[i].s.p, v[i].s.len);
		at += v[i].s.len;
	}
	return p && one_text(out, p, len);
}

static bool join(struct vm *vm, const struct operand *o, struct ev_values *out)
{
	const struct ev_value *between = arg_value(vm, o, 0);
	const struct ev_values *v = vm_values(vm, o->args[1]);

	return between && v && glue(vm, v->v, v->n, between->s, out);
}

static struct ev_value *new_elements(struct vm *vm, size_t n)
{
	struct ev_value *v = vm->elements + vm->elements_used;

	if (n > VM_ELEMENTS - vm->elements_used) {
		vm->full++;
		return NULL;
	}
	vm->elements_used += n;
	return v;
}

/* The items that have a value. `all`: NULL when one has none. */
static struct ev_value *collect(struct vm *vm, const struct operand *o, bool all, size_t *n)
{
	struct ev_value *v = new_elements(vm, o->args_n);

	*n = 0;
	for (uint32_t i = 0; v && i < o->args_n; i++) {
		const struct ev_value *item = arg_value(vm, o, i);

		if (item)
			v[(*n)++] = *item;
		else if (all)
			return NULL;
	}
	return v;
}

static bool concat(struct vm *vm, const struct operand *o, struct ev_values *out)
{
	size_t n;
	struct ev_value *v = collect(vm, o, true, &n);

	return v && glue(vm, v, n, (struct ev_text){ 0 }, out);
}

static bool list(struct vm *vm, const struct operand *o, struct ev_values *out)
{
	out->v = collect(vm, o, false, &out->n);
	return out->v;
}

/* The arguments that getopt looks at: a list, or a field as field[0], field[1] … */
static const struct ev_value *getopt_args(struct vm *vm, const struct operand *o, size_t *n)
{
	const struct operand *arg = &vm->im->operands[o->args[0]];
	const struct ev_values *v;
	struct ev_value *all;
	struct ev_ref ref = arg->ref;

	if (arg->list) {
		v = vm_values(vm, o->args[0]);
		*n = v ? v->n : 0;
		return v ? v->v : NULL;
	}
	all = new_elements(vm, RULES_ELEMENTS_MAX);
	ref.arg = EV_ARG_INDEX;
	for (*n = 0; all && *n < RULES_ELEMENTS_MAX; (*n)++) {
		struct ev_values one = { 0 };

		ref.index = (int64_t)*n;
		if (!vm->ev->ops->read(vm->ev, &ref, &one) || !one.n)
			break;
		all[*n] = one.v == &one.one ? one.one : *one.v;
	}
	return all;
}

struct options {
	struct ev_value *v; /* letters and values in order */
	size_t n, max;
	char wanted;	      /* 0: none */
	struct ev_text value; /* of the wanted option, the last time */
	bool found;
};

static bool put(struct options *o, struct ev_text t)
{
	if (o->n == o->max)
		return false;
	o->v[o->n++].s = t;
	return true;
}

/* One argument of option letters; *next is the argument behind it, which a value may take. */
static bool option_word(struct options *o, struct ev_text word, struct ev_text spec,
			const struct ev_value **next, const struct ev_value *end)
{
	for (size_t i = 1; i < word.len; i++) {
		const char *known = word.p[i] == ':' ? NULL : memchr(spec.p, word.p[i], spec.len);
		bool takes = known && known + 1 < spec.p + spec.len && known[1] == ':';
		struct ev_text letter = { known ? word.p + i : "?", 1 }, value = letter;

		if (takes) {
			value = (struct ev_text){ word.p + i + 1, word.len - i - 1 };
			if (!value.len && *next < end)
				value = (*next)++->s;
			else if (!value.len)
				letter = value = (struct ev_text){ "", 0 };
		}
		if (!put(o, letter) || (takes && letter.len && !put(o, value)))
			return false;
		if (known && word.p[i] == o->wanted && letter.len) {
			o->value = value;
			o->found = true;
		}
		if (takes)
			return true;
	}
	return true;
}

static bool is_option_word(struct ev_text t)
{
	return t.len > 1 && t.p[0] == '-';
}

static bool getopt_list(struct vm *vm, const struct operand *o, struct ev_values *out)
{
	size_t n;
	const struct ev_value *v = getopt_args(vm, o, &n), *spec = arg_value(vm, o, 1), *end;
	struct options found = { .max = RULES_ELEMENTS_MAX,
				 .wanted = o->bracket.p ? *o->bracket.p : '\0' };

	found.v = new_elements(vm, found.max);
	if (!v || !spec || !found.v)
		return false;
	for (end = v + n; v < end;) {
		struct ev_text word = v++->s;

		if (!is_option_word(word) || (word.len == 2 && word.p[1] == '-'))
			break;
		if (word.p[1] != '-' && !option_word(&found, word, spec->s, &v, end))
			break;
	}
	if (o->bracket.p)
		return found.found && one_text(out, found.value.p, found.value.len);
	out->v = found.v;
	out->n = found.n;
	return true;
}

static bool make(struct vm *vm, const struct operand *o, struct ev_values *out)
{
	static bool (*const transforms[])(struct vm * vm, const struct operand *o,
					  struct ev_values *out) = {
		[RT_TOLOWER] = change_case,  [RT_TOUPPER] = change_case, [RT_B64] = decode_b64,
		[RT_BASENAME] = basename_of, [RT_LEN] = length_of,	 [RT_JOIN] = join,
		[RT_CONCAT] = concat,	     [RT_GETOPT] = getopt_list,
	};

	switch (o->source) {
	case OPERAND_FIELD:
		return o->common ? read_common(vm, &o->ref, out)
				 : vm->ev->ops->read(vm->ev, &o->ref, out);
	case OPERAND_TRANSFORM:
		return transforms[o->transform](vm, o, out);
	case OPERAND_LIST:
		return list(vm, o, out);
	default:
		out->one = o->constant;
		out->v = &out->one;
		out->n = 1;
		return true;
	}
}

const struct ev_values *vm_values(struct vm *vm, uint32_t operand)
{
	struct ev_values *v = &vm->operands[operand].values;
	uint32_t known = vm->operands[operand].known;

	if (known >> 1 != vm->now) {
		v->v = NULL;
		v->n = 0;
		known = vm->now << 1 | make(vm, &vm->im->operands[operand], v);
		vm->operands[operand].known = known;
	}
	return known & 1 ? v : NULL;
}
