#include "model/event_fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"

static const struct ev_field fields[] = {
#define EV_FIELD_ROW(id, name, kind, arg, flags) { name, EV_##kind, EV_F_##arg, flags, EV_##id },
	EV_FIELDS(EV_FIELD_ROW)
#undef EV_FIELD_ROW
};

const struct ev_field *ev_field_at(size_t i)
{
	return i < ARRAY_SIZE(fields) ? &fields[i] : NULL;
}

static bool named(const struct ev_field *f, struct ev_text name)
{
	return strlen(f->name) == name.len && !memcmp(f->name, name.p, name.len);
}

static const struct ev_field *find(const struct ev_fields *f, struct ev_text name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (named(&fields[i], name))
			return &fields[i];
	for (size_t i = 0; f && i < f->more_n; i++)
		if (named(&f->more[i], name))
			return &f->more[i];
	return NULL;
}

/* The longest field of which `name` is "field.rest", among those that may have that. */
static const struct ev_field *find_dotted(struct ev_text name, struct ev_text *rest)
{
	const struct ev_field *best = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct ev_field *f = &fields[i];
		size_t len = strlen(f->name);

		if (f->arg != EV_F_DOTTED && f->arg != EV_F_DOTTED_OPT && f->arg != EV_F_PARAM)
			continue;
		if (name.len <= len + 1 || memcmp(f->name, name.p, len) || name.p[len] != '.')
			continue;
		if (!best || strlen(best->name) < len)
			best = f;
	}
	if (best) {
		size_t len = strlen(best->name) + 1;

		*rest = (struct ev_text){ name.p + len, name.len - len };
	}
	return best;
}

const char *ev_field_suggest(struct ev_text name)
{
	char text[SUGGEST_MAX];
	struct suggest s;

	if (name.len >= sizeof(text))
		return NULL;
	memcpy(text, name.p, name.len);
	text[name.len] = '\0';
	suggest_begin(&s, text);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		suggest_offer(&s, fields[i].name, strlen(fields[i].name));
	return s.found;
}

static bool parse_index(struct ev_text arg, int64_t *out)
{
	int64_t v = 0;

	if (!arg.len)
		return false;
	for (size_t i = 0; i < arg.len; i++) {
		if (arg.p[i] < '0' || arg.p[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, arg.p[i] - '0', &v))
			return false;
	}
	*out = v;
	return true;
}

/* The argument of evt.arg and evt.rawarg; a raw one has the parameter's own kind. */
static enum ev_ref_error param_arg(struct ev_text dotted, struct ev_text arg, struct ev_ref *r)
{
	int kind;

	if (dotted.p) {
		if (arg.p)
			return EV_REF_ARG_REFUSED;
		r->arg = EV_ARG_KEY;
		r->key = dotted;
		kind = ev_param_kind(dotted.p, dotted.len);
		if (r->kind == EV_DYNAMIC && kind >= 0)
			r->kind = kind;
		return EV_REF_OK;
	}
	if (!arg.p)
		return EV_REF_ARG_MISSING;
	r->arg = EV_ARG_INDEX;
	if (r->kind == EV_DYNAMIC || !parse_index(arg, &r->index))
		return EV_REF_ARG_NOT_INDEX;
	return EV_REF_OK;
}

static enum ev_ref_error key_arg(const struct ev_field *f, struct ev_text key, struct ev_ref *r)
{
	char type[64];

	r->arg = EV_ARG_KEY;
	r->key = key;
	/* proc.aenv[2] is the second ancestor's environment. */
	if (f->id == EV_PROC_AENV && parse_index(key, &r->index))
		r->arg = EV_ARG_INDEX;
	if (f->id != EV_EVT_TYPE_IS)
		return EV_REF_OK;
	if (key.len >= sizeof(type))
		return EV_REF_TYPE_UNKNOWN;
	memcpy(type, key.p, key.len);
	type[key.len] = '\0';
	r->arg = EV_ARG_INDEX;
	r->index = ev_type_by_name(type);
	return r->index < 0 ? EV_REF_TYPE_UNKNOWN : EV_REF_OK;
}

static enum ev_ref_error read_arg(const struct ev_field *f, struct ev_text dotted,
				  struct ev_text arg, struct ev_ref *r)
{
	if (f->arg == EV_F_PARAM)
		return param_arg(dotted, arg, r);
	if (dotted.p && arg.p)
		return EV_REF_ARG_REFUSED;
	if (dotted.p)
		return key_arg(f, dotted, r);
	if (!arg.p)
		return f->arg == EV_F_INDEX_REQ || f->arg == EV_F_KEY_REQ || f->arg == EV_F_DOTTED
			       ? EV_REF_ARG_MISSING
			       : EV_REF_OK;
	if (f->arg == EV_F_NONE)
		return EV_REF_ARG_REFUSED;
	if (f->arg != EV_F_INDEX && f->arg != EV_F_INDEX_REQ)
		return key_arg(f, arg, r);
	r->arg = EV_ARG_INDEX;
	return parse_index(arg, &r->index) ? EV_REF_OK : EV_REF_ARG_NOT_INDEX;
}

enum ev_ref_error ev_ref_parse(const struct ev_fields *tables, struct ev_text name,
			       struct ev_text arg, struct ev_ref *out)
{
	struct ev_text dotted = { 0 };
	const struct ev_field *f = find(tables, name);
	struct ev_ref r = { 0 };
	enum ev_ref_error e;

	if (!f)
		f = find_dotted(name, &dotted);
	if (!f)
		return EV_REF_UNKNOWN;
	r.field = f;
	r.kind = f->kind;
	e = read_arg(f, dotted, arg, &r);
	if (!e)
		*out = r;
	return e;
}

bool ev_ref_is_any(const struct ev_ref *r)
{
	unsigned flags = r->field->flags;

	return (flags & EV_RESOLVED) || ((flags & EV_ANCESTORS) && r->arg == EV_ARG_NONE);
}

bool ev_ref_is_list(const struct ev_ref *r)
{
	return r->field->flags & EV_LIST;
}
