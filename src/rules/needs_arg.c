#include "rules/needs_arg.h"

#include <string.h>

#include "base/cleanup.h"
#include "model/constants.h"
#include "model/event_fields.h"

enum { NAME_MAX_LEN = 64 };

/* The name of the parameter that the test is about; NULL: about something else. */
static const char *parameter(const struct image *im, const struct test *t, enum ev_field_id id,
			     char name[static NAME_MAX_LEN])
{
	const struct operand *o = &im->operands[t->left];

	if (o->source != OPERAND_FIELD || o->ref.field != ev_field_at(id) || t->right >= 0 ||
	    o->ref.arg != EV_ARG_KEY || o->ref.key.len >= NAME_MAX_LEN)
		return NULL;
	memcpy(name, o->ref.key.p, o->ref.key.len);
	name[o->ref.key.len] = '\0';
	return name;
}

bool need_arg_is_name(const struct image *im, const struct test *t, unsigned type)
{
	char room[NAME_MAX_LEN];
	const char *name = parameter(im, t, EV_EVT_ARG, room);

	return name && !strcmp(name, "arg2_str") && !strcmp(ev_type_name(type), "prctl");
}

/* Opens say it with evt.is_open_write, and have flags that Falco names in its own way. */
static bool has_own_flags(unsigned type)
{
	const char *name = ev_type_name(type);

	return !strncmp(name, "open", 4) || !strcmp(name, "creat");
}

static const struct sc_desc *call_of(unsigned type)
{
	return sc_by_name(ev_type_name(type));
}

/* The bits whose names contain the text, as long as each is a flag. */
static uint64_t bits_with(unsigned type, unsigned arg, struct ev_text t)
{
	uint64_t known = 0, found = 0, fields = const_enum_bits(call_of(type), arg);

	if (!const_parse(call_of(type), arg, NULL, t.p, t.len, &known) || !known ||
	    known & (known - 1) || known & fields)
		return 0;
	for (unsigned i = 0; i < 64; i++) {
		cleanup_buf struct buf names = { 0 };

		if (fields >> i & 1)
			continue;
		const_arg(call_of(type), sc_abi_native(), arg, UINT64_C(1) << i, NULL, &names);
		if (memmem(buf_str(&names), names.len, t.p, t.len))
			found |= UINT64_C(1) << i;
	}
	return found;
}

static uint64_t mask_of(enum ev_kind kind)
{
	unsigned bits = ev_kind_bits(kind);

	return bits && bits < 64 ? (UINT64_C(1) << bits) - 1 : ~UINT64_C(0);
}

/* A value that it may have, the first or one more. */
static void may_be(struct rules_need_arg *a, bool first, uint64_t v, uint64_t mask)
{
	struct rules_need_arg one = { .arg = a->arg, .asked = true, .type = a->type };

	one.mask = mask;
	one.value = v & mask;
	if (mask == UINT32_MAX || mask == UINT8_MAX)
		one.numbers = one.value < 64 ? UINT64_C(1) << one.value : 0;
	if (first)
		*a = one;
	else
		need_arg_either(a, &one);
}

/* "evt.rawarg.request in (…)", "evt.rawarg.times > 0". */
static void of_number(const struct test *t, enum ev_kind kind, struct rules_need_arg *a)
{
	enum ev_class class = ev_kind_class(kind);
	uint64_t mask = mask_of(kind);

	if (class != EV_C_UNSIGNED && class != EV_C_SIGNED)
		return;
	if (t->op == RO_GT && class == EV_C_UNSIGNED && t->values_n == 1) {
		a->asked = true;
		a->any = mask;
	}
	for (uint32_t i = 0; t->op == RO_EQ && i < t->values_n; i++)
		may_be(a, !i, t->values[i].u, mask);
}

/* "evt.arg.option = PR_SET_NAME", "evt.arg.flags contains CLONE_NEWUSER". */
static void of_name(const struct test *t, enum ev_kind kind, struct rules_need_arg *a)
{
	unsigned arg = (unsigned)a->arg;
	uint64_t v;

	if (t->op == RO_CONTAINS && kind == EV_FLAGS32 && t->values_n == 1) {
		a->any = bits_with(a->type, arg, t->values[0].s);
		a->asked = a->any;
	}
	if (t->op != RO_EQ || (kind != EV_ENUM32 && kind != EV_ENUM16 && kind != EV_SIGTYPE))
		return;
	for (uint32_t i = 0; i < t->values_n; i++) {
		if (!const_parse(call_of(a->type), arg, NULL, t->values[i].s.p, t->values[i].s.len,
				 &v)) {
			a->asked = false;
			return;
		}
		may_be(a, !i, v, mask_of(kind));
	}
}

void need_arg_of(const struct image *im, const struct test *t, unsigned type,
		 struct rules_need_arg *out)
{
	struct rules_need_arg a = { .type = type };
	char room[NAME_MAX_LEN];
	const char *raw = parameter(im, t, EV_EVT_RAWARG, room);
	const char *name = raw ? raw : parameter(im, t, EV_EVT_ARG, room);
	int index = name ? ev_param_index(type, name, strlen(name)) : -1;
	struct ev_param param;

	if (index < 0 || !ev_param_at(type, (unsigned)index, &param) || has_own_flags(type) ||
	    ev_param_arg(type, name) < 0 || t->modifier != RM_NONE || !call_of(type))
		return;
	a.arg = (int8_t)ev_param_arg(type, name);
	if (raw)
		of_number(t, param.kind, &a);
	else
		of_name(t, param.kind, &a);
	if (a.asked)
		*out = a;
}

bool need_arg_both(struct rules_need_arg *a, const struct rules_need_arg *b)
{
	uint64_t common = a->mask & b->mask;

	if (!b->asked)
		return true;
	if (!a->asked) {
		*a = *b;
		return true;
	}
	if (a->arg != b->arg) /* there is room for one: the first */
		return true;
	if ((a->value ^ b->value) & common)
		return false;
	a->value |= b->value;
	a->mask |= b->mask;
	if (b->any)
		a->any = b->any;
	if (b->numbers && a->numbers && !(a->numbers & b->numbers))
		return false;
	if (b->numbers)
		a->numbers = a->numbers ? a->numbers & b->numbers : b->numbers;
	return true;
}

void need_arg_either(struct rules_need_arg *a, const struct rules_need_arg *b)
{
	if (!a->asked || !b->asked || a->arg != b->arg) {
		*a = (struct rules_need_arg){ 0 };
		return;
	}
	a->any = a->any && b->any ? a->any | b->any : 0;
	a->mask &= b->mask & ~(a->value ^ b->value);
	a->value &= a->mask;
	a->numbers = a->numbers && b->numbers ? a->numbers | b->numbers : 0;
	a->asked = a->any | a->mask | a->numbers;
}

bool need_arg_covers(const struct rules_need_arg *a, const struct rules_need_arg *b)
{
	if (!a->asked)
		return true;
	if (!b->asked || a->arg != b->arg)
		return false;
	if (a->numbers && (!b->numbers || b->numbers & ~a->numbers))
		return false;
	if (a->mask & ~b->mask || (a->value ^ b->value) & a->mask)
		return false;
	return !a->any || (b->any && !(b->any & ~a->any));
}

bool need_arg_same(const struct rules_need_arg *a, const struct rules_need_arg *b)
{
	return need_arg_covers(a, b) && need_arg_covers(b, a);
}

static const char *name_of(const struct rules_need_arg *a, struct ev_param *param)
{
	for (unsigned i = 0; ev_param_at(a->type, i, param); i++)
		if (ev_param_arg(a->type, param->name) == a->arg)
			return param->name;
	return "argument";
}

static void print_value(const struct rules_need_arg *a, uint64_t v, struct buf *out)
{
	const_arg(call_of(a->type), sc_abi_native(), (unsigned)a->arg, v, NULL, out);
}

static void print_numbers(const struct rules_need_arg *a, struct buf *out)
{
	const char *between = "";

	for (unsigned i = 0; i < 64; i++) {
		if (!(a->numbers >> i & 1))
			continue;
		buf_puts(out, between);
		print_value(a, i, out);
		between = ", ";
	}
}

void need_arg_print(const struct rules_need_arg *a, struct buf *out)
{
	struct ev_param param = { 0 };
	const char *name;
	uint64_t all;

	if (!a->asked)
		return;
	name = name_of(a, &param);
	all = mask_of(param.kind);
	buf_printf(out, "%s%s: ", out->len ? "; " : "", name);
	if (a->numbers)
		print_numbers(a, out);
	else if (a->any == all)
		buf_puts(out, "not 0");
	else if (a->any)
		print_value(a, a->any, out);
	else if (a->mask == all)
		print_value(a, a->value, out);
	else
		buf_printf(out, "0x%llx in the bits 0x%llx", (unsigned long long)a->value,
			   (unsigned long long)a->mask);
}
