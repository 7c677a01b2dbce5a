#include "rules/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/event_text.h"
#include "rules/vm.h"

static int fail(struct compiling *c, size_t at, const char *msg)
{
	c->e->at = at;
	snprintf(c->e->msg, sizeof(c->e->msg), "%s", msg);
	return -EINVAL;
}

static void add_field(struct output_format *f, uint32_t operand)
{
	for (size_t i = 0; i < f->fields_n; i++)
		if (f->fields[i] == operand)
			return;
	*vec_push(f->fields, f->fields_n, f->fields_cap) = operand;
}

static void collect_fields(const struct image *im, uint32_t operand, struct output_format *f)
{
	const struct operand *o = &im->operands[operand];

	if (o->source == OPERAND_FIELD)
		add_field(f, operand);
	for (uint32_t i = 0; i < o->args_n; i++)
		collect_fields(im, o->args[i], f);
}

/*
 * The operand of the longest beginning of a field that is one; the bytes it takes. In
 * "%proc.name[%proc.pid]" the bracket is text.
 */
static size_t shorter_field(struct compiling *c, struct expr *x, int64_t *operand)
{
	bool bracket = x->arg.p;

	x->arg = (struct ev_text){ 0 };
	for (;; bracket = false) {
		const char *dot = memrchr(x->text.p, '.', x->text.len);

		if (!bracket && (!dot || !memchr(x->text.p, '.', (size_t)(dot - x->text.p))))
			return 0;
		if (!bracket)
			x->text.len = (size_t)(dot - x->text.p);
		*operand = operand_make(c, x);
		if (*operand >= 0)
			return x->text.len;
	}
}

/* A token behind '%': the bytes that it takes, 0 with an error. */
static size_t parse_token(struct compiling *c, const char *text, size_t len, size_t at,
			  int64_t *operand)
{
	static const char unknown[] = "filter_check called with nonexistent field ";
	struct expr *x;
	size_t n = rules_parse_token(&c->im->arena, text, len, &x);
	char msg[200], why[sizeof(c->e->msg)];

	if (!n) {
		snprintf(msg, sizeof(msg), "invalid formatting token %.*s",
			 (int)strcspn(text, " \t\n"), text);
		fail(c, at, msg);
		return 0;
	}
	x->at = at;
	*operand = operand_make(c, x);
	if (*operand >= 0)
		return n;
	if (strncmp(c->e->msg, unknown, strlen(unknown)) != 0)
		snprintf(why, sizeof(why), "%s", c->e->msg);
	else
		snprintf(why, sizeof(why), "unknown filter: %s", c->e->msg + strlen(unknown));
	n = x->kind == EXPR_FIELD ? shorter_field(c, x, operand) : 0;
	if (!n)
		fail(c, at, why);
	return n;
}

static bool is_info(const struct image *im, int64_t operand)
{
	const struct operand *o = &im->operands[operand];

	return o->source == OPERAND_FIELD && o->ref.field == ev_field_at(EV_CONTAINER_INFO);
}

/* text[*i] is '%': a part with its operand. */
static int parse_part(struct compiling *c, const char *text, size_t len, size_t *i,
		      struct ev_text before, struct output_format *out)
{
	struct output_part part = { .text = before };
	size_t at = ++*i, n;

	if (*i == len)
		return fail(c, at - 1, "invalid formatting syntax: formatting cannot end with a %");
	for (; *i < len && text[*i] >= '0' && text[*i] <= '9'; (*i)++)
		if (part.width < 100000)
			part.width = part.width * 10 + (unsigned)(text[*i] - '0');
	if (*i == len)
		return fail(c, at,
			    "invalid formatting syntax: formatting cannot end with a number");
	n = parse_token(c, text + *i, len - *i, *i, &part.operand);
	if (!n)
		return -EINVAL;
	part.transform = c->im->operands[part.operand].source == OPERAND_TRANSFORM;
	*i += n;
	if (is_info(c->im, part.operand))
		part.operand = -1;
	else
		collect_fields(c->im, (uint32_t)part.operand, out);
	*vec_push(out->parts, out->n, out->cap) = part;
	return 0;
}

int output_parse(struct compiling *c, const char *text, size_t len, struct output_format *out)
{
	size_t i = len && *text == '*', from = i;

	while (i < len) {
		if (text[i] != '%') {
			i++;
			continue;
		}
		if (parse_part(c, text, len, &i, (struct ev_text){ text + from, i - from }, out)) {
			output_free(out);
			return -EINVAL;
		}
		from = i;
	}
	if (from < len)
		*vec_push(out->parts, out->n, out->cap) =
			(struct output_part){ .text = { text + from, len - from }, .operand = -1 };
	return 0;
}

void output_free(struct output_format *f)
{
	free(f->parts);
	free(f->fields);
	*f = (struct output_format){ 0 };
}

static void put_values(const struct operand *o, const struct ev_values *v, struct buf *out)
{
	bool list = o->list;

	if (!v || (!v->n && !list)) {
		buf_puts(out, "<NA>");
		return;
	}
	buf_puts(out, list ? "(" : "");
	for (size_t i = 0; i < v->n; i++) {
		buf_puts(out, !i ? "" : list ? "," : " ");
		ev_value_text(o->kind, &v->v[i], out);
	}
	buf_puts(out, list ? ")" : "");
}

static void put_part(struct vm *vm, const struct output_part *p, struct buf *out)
{
	cleanup_buf struct buf text = { 0 };

	buf_append(out, p->text.p, p->text.len);
	if (p->operand < 0)
		return;
	put_values(&vm->im->operands[p->operand], vm_values(vm, (uint32_t)p->operand), &text);
	if (p->width && text.len > p->width)
		text.len = p->width;
	ev_text_line((struct ev_text){ text.len ? text.p : "", text.len }, out);
	if (p->width > text.len)
		buf_printf(out, "%*s", (int)(p->width - text.len), "");
}

/* The bytes of the part's text without the " KEY=" at its end; SIZE_MAX when there is none. */
static size_t before_key(const struct output_part *p)
{
	size_t n = p->text.len;

	if (p->operand < 0 || !n || p->text.p[n - 1] != '=')
		return SIZE_MAX;
	while (n && p->text.p[n - 1] != ' ')
		n--;
	return n ? n - 1 : SIZE_MAX;
}

/* The part is all that stands behind its key, and has no value. */
static bool is_missing(struct vm *vm, const struct output_format *f, size_t i)
{
	const struct output_part *p = &f->parts[i];
	const struct ev_values *v;

	if (before_key(p) == SIZE_MAX || (i + 1 < f->n && *f->parts[i + 1].text.p != ' '))
		return false;
	v = vm_values(vm, (uint32_t)p->operand);
	return !v || !v->n;
}

void output_text(struct vm *vm, const struct output_format *f, struct buf *out)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->brief && is_missing(vm, f, i))
			buf_append(out, f->parts[i].text.p, before_key(&f->parts[i]));
		else
			put_part(vm, &f->parts[i], out);
}

static void put_json(const struct operand *o, const struct ev_values *v, struct buf *out)
{
	cleanup_buf struct buf text = { 0 };

	if (!v || (!v->n && !o->list)) {
		buf_puts(out, "null");
		return;
	}
	if (!o->list && v->n == 1) {
		ev_value_json(o->kind, v->v, out);
		return;
	}
	if (!o->list) {
		put_values(o, v, &text);
		ev_text_json((struct ev_text){ buf_str(&text), text.len }, out);
		return;
	}
	buf_putc(out, '[');
	for (size_t i = 0; i < v->n; i++) {
		buf_puts(out, i ? "," : "");
		ev_value_json(o->kind, &v->v[i], out);
	}
	buf_putc(out, ']');
}

void output_fields(struct vm *vm, const struct output_format *f, struct buf *out)
{
	const struct ev_field *time = ev_field_at(EV_EVT_TIME);

	buf_printf(out, "{\"evt.time\":%" PRIu64, vm->ev->time);
	for (size_t i = 0; i < f->fields_n; i++) {
		const struct operand *o = &vm->im->operands[f->fields[i]];

		if (o->ref.field == time)
			continue;
		buf_putc(out, ',');
		ev_text_json((struct ev_text){ o->text, strlen(o->text) }, out);
		buf_putc(out, ':');
		put_json(o, vm_values(vm, f->fields[i]), out);
	}
	buf_putc(out, '}');
}
