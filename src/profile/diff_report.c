#include <string.h>

#include "base/cleanup.h"
#include "profile/diff.h"

/* "A allows a subset of what B allows", "A and B are equal" … with the operands' names. */
static void put_summary(const struct sp_diff *d, const struct sp_operand *a,
			const struct sp_operand *b, struct buf *out)
{
	bool laxer = d->order[SP_A_LAXER], stricter = d->order[SP_B_LAXER];

	if (!d->n)
		buf_printf(out, "%s and %s do the same to every call.\n", a->name, b->name);
	else if (laxer && stricter)
		buf_printf(out, "Neither is a subset: each lets calls through that the other does "
				"not, or does less to them.\n");
	else if (laxer || stricter)
		buf_printf(out,
			   "%s is a subset of %s: whatever it does to a call, %s does the "
			   "same or less.\n",
			   laxer ? b->name : a->name, laxer ? a->name : b->name,
			   laxer ? a->name : b->name);
	else
		buf_printf(out, "%s and %s differ only in data, such as the errno.\n", a->name,
			   b->name);
}

/* "-" A lets more through, "+" B does, "~" both or just other data. */
static char sign(const struct sp_change *x)
{
	if (x->order[SP_A_LAXER] == x->order[SP_B_LAXER])
		return '~';
	return x->order[SP_A_LAXER] ? '-' : '+';
}

static void put_title(const struct sp_change *x, struct buf *out)
{
	switch (x->kind) {
	case SP_CHANGE_CALL:
		buf_printf(out, "%s %s", sc_abi_name(x->abi), x->desc->name);
		break;
	case SP_CHANGE_ABI:
		buf_printf(out, "%s, every call", sc_abi_name(x->abi));
		break;
	case SP_CHANGE_NUMBERS:
		buf_printf(out, "%s, numbers that are no system call", sc_abi_name(x->abi));
		break;
	case SP_CHANGE_ARCHES:
		buf_puts(out, "other architectures");
		break;
	}
}

static void put_example(const struct sp_difference *x, struct buf *out)
{
	buf_puts(out, "    for example ");
	sp_call_text(&x->sd, out);
	buf_puts(out, ": A ");
	sp_ret_text(x->a, out);
	buf_puts(out, ", B ");
	sp_ret_text(x->b, out);
	buf_putc(out, '\n');
}

static void put_change(const struct sp_change *x, struct buf *out)
{
	buf_printf(out, "%c ", sign(x));
	put_title(x, out);
	buf_putc(out, '\n');
	if (x->kind == SP_CHANGE_CALL) {
		buf_puts(out, "    A: ");
		sp_meaning_text(&x->a, out);
		buf_puts(out, "\n    B: ");
		sp_meaning_text(&x->b, out);
		buf_putc(out, '\n');
		if (x->always && x->a.n == 1 && x->b.n == 1)
			return;
	}
	put_example(&x->example, out);
}

static void put_counts(const struct sp_diff *d, struct buf *out)
{
	size_t n = 0, always = 0;

	for (size_t i = 0; i < d->n; i++) {
		n += d->changes[i].kind == SP_CHANGE_CALL;
		always += d->changes[i].kind == SP_CHANGE_CALL && d->changes[i].always;
	}
	buf_printf(out, "%zu system call%s differ%s: %zu always, %zu for some arguments.\n", n,
		   n == 1 ? "" : "s", n == 1 ? "s" : "", always, n - always);
}

void sp_diff_text(const struct sp_diff *d, const struct sp_operand *a, const struct sp_operand *b,
		  struct buf *out)
{
	if (d->n)
		buf_printf(out,
			   "A: %s\nB: %s\n(- A lets more through, + B does, ~ both or neither)"
			   "\n\n",
			   a->name, b->name);
	for (size_t i = 0; i < d->n; i++)
		put_change(&d->changes[i], out);
	if (d->n) {
		buf_putc(out, '\n');
		put_counts(d, out);
	}
	put_summary(d, a, b, out);
}

static struct json_object *text_json(const struct buf *b)
{
	return json_object_new_string(buf_str(b));
}

static struct json_object *ret_json(struct sp_ret r)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "action", json_object_new_string(sp_action_name(r.action)));
	if (sp_action_takes_data(r.action))
		json_add(o, "data", json_object_new_int(r.data));
	return o;
}

struct json_object *sp_difference_json(const struct sp_difference *x)
{
	struct json_object *o = json_object_new_object(), *args = json_object_new_array();
	cleanup_buf struct buf call = { 0 };

	sp_call_text(&x->sd, &call);
	json_add(o, "call", text_json(&call));
	json_add(o, "arch", json_object_new_int64(x->sd.arch));
	json_add(o, "nr", json_object_new_int64((uint32_t)x->sd.nr));
	for (unsigned i = 0; i < SC_MAX_ARGS; i++)
		json_append(args, json_object_new_uint64(x->sd.args[i]));
	json_add(o, "args", args);
	json_add(o, "instruction_pointer", json_object_new_uint64(x->sd.instruction_pointer));
	json_add(o, "a", ret_json(x->a));
	json_add(o, "b", ret_json(x->b));
	return o;
}

static struct json_object *change_json(const struct sp_change *x)
{
	static const char *const kinds[] = { "call", "abi", "numbers", "architectures" };
	struct json_object *o = json_object_new_object();

	json_add(o, "kind", json_object_new_string(kinds[x->kind]));
	if (x->abi != SC_ABI_COUNT)
		json_add(o, "abi", json_object_new_string(sc_abi_name(x->abi)));
	if (x->desc)
		json_add(o, "syscall", json_object_new_string(x->desc->name));
	json_add(o, "always", json_object_new_boolean(x->always));
	json_add(o, "a_laxer", json_object_new_boolean(x->order[SP_A_LAXER]));
	json_add(o, "b_laxer", json_object_new_boolean(x->order[SP_B_LAXER]));
	if (x->kind == SP_CHANGE_CALL) {
		json_add(o, "a", sp_meaning_json(&x->a));
		json_add(o, "b", sp_meaning_json(&x->b));
	}
	json_add(o, "example", sp_difference_json(&x->example));
	return o;
}

struct json_object *sp_diff_json(const struct sp_diff *d, const struct sp_operand *a,
				 const struct sp_operand *b)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	json_add(o, "format", json_object_new_string("boltseal.diff/1"));
	json_add(o, "kind", json_object_new_string("seccomp"));
	json_add(o, "a", json_object_new_string(a->name));
	json_add(o, "b", json_object_new_string(b->name));
	json_add(o, "equal", json_object_new_boolean(!d->n));
	json_add(o, "a_subset_of_b", json_object_new_boolean(!d->order[SP_A_LAXER]));
	json_add(o, "b_subset_of_a", json_object_new_boolean(!d->order[SP_B_LAXER]));
	for (size_t i = 0; i < d->n; i++)
		json_append(list, change_json(&d->changes[i]));
	json_add(o, "changes", list);
	return o;
}
