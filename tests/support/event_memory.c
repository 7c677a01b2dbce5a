#include "support/event_memory.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool same_ref(const struct ev_ref *a, const struct ev_ref *b)
{
	return a->field == b->field && a->arg == b->arg && a->index == b->index &&
	       a->key.len == b->key.len && (!a->key.len || !memcmp(a->key.p, b->key.p, a->key.len));
}

static const struct ev_memory_entry *find(const struct ev_memory *m, const struct ev_ref *ref)
{
	unsigned id = ref->field->id;

	if (ref->arg == EV_ARG_NONE && ref->field == ev_field_at(id))
		return m->by_id[id] ? &m->entries[m->by_id[id] - 1] : NULL;
	for (size_t i = 0; i < m->entries_n; i++)
		if (same_ref(&m->entries[i].ref, ref))
			return &m->entries[i];
	return NULL;
}

static bool memory_read(const struct event *ev, const struct ev_ref *ref, struct ev_values *out)
{
	const struct ev_memory_entry *e = find((const struct ev_memory *)ev, ref);

	if (!e)
		return false;
	out->v = e->v;
	out->n = e->n;
	return true;
}

static const struct event_ops memory_ops = { .read = memory_read };

int ev_memory_init(struct ev_memory *m, const char *type, const struct ev_fields *fields,
		   struct err *e)
{
	int t = ev_type_by_name(type);

	if (t < 0)
		return err_set(e, EINVAL, "unknown event type %s", type);
	*m = (struct ev_memory){ .ev = { .ops = &memory_ops, .num = 1, .type = (uint16_t)t } };
	if (fields)
		m->fields = *fields;
	return 0;
}

void ev_memory_free(struct ev_memory *m)
{
	for (size_t i = 0; i < m->entries_n; i++)
		free(m->entries[i].v);
	free(m->entries);
	arena_free(&m->arena);
	*m = (struct ev_memory){ 0 };
}

static int entry_for(struct ev_memory *m, const char *field, struct ev_memory_entry **out,
		     struct err *e)
{
	const char *name = arena_strdup(&m->arena, field), *open = strchr(name, '[');
	struct ev_text head = { name, open ? (size_t)(open - name) : strlen(name) }, arg = { 0 };
	struct ev_ref ref;

	if (open)
		arg = (struct ev_text){ open + 1, strcspn(open + 1, "]") };
	if (ev_ref_parse(&m->fields, head, arg, &ref))
		return err_set(e, EINVAL, "there is no field %s", field);
	*out = (struct ev_memory_entry *)find(m, &ref);
	if (*out)
		return 0;
	*out = vec_push(m->entries, m->entries_n, m->entries_cap);
	(*out)->ref = ref;
	if (ref.arg == EV_ARG_NONE && ref.field == ev_field_at(ref.field->id))
		m->by_id[ref.field->id] = (uint16_t)m->entries_n;
	return 0;
}

static bool parse_address(const char *text, struct ev_addr *a)
{
	bool v6 = strchr(text, ':');

	a->len = v6 ? 16 : 4;
	return inet_pton(v6 ? AF_INET6 : AF_INET, text, a->b) == 1;
}

static bool parse_value(struct ev_memory *m, enum ev_kind kind, const char *text,
			struct ev_value *v)
{
	char *end = NULL;

	switch (ev_kind_class(kind)) {
	case EV_C_SIGNED:
		v->i = strtoll(text, &end, 10);
		return end > text && !*end;
	case EV_C_UNSIGNED:
		v->u = strtoull(text, &end, 10);
		return end > text && !*end;
	case EV_C_DOUBLE:
		v->d = strtod(text, &end);
		return end > text && !*end;
	case EV_C_BOOL:
		v->u = !strcmp(text, "true");
		return v->u || !strcmp(text, "false");
	case EV_C_ADDR:
	case EV_C_NET:
		return parse_address(text, &v->a);
	default:
		v->s.len = strlen(text);
		v->s.p = arena_strndup(&m->arena, text, v->s.len);
		return true;
	}
}

int ev_memory_add(struct ev_memory *m, const char *field, const char *text, struct err *e)
{
	struct ev_memory_entry *entry;
	struct ev_value v;
	int r = entry_for(m, field, &entry, e);

	if (r || !text)
		return r;
	if (!parse_value(m, entry->ref.kind, text, &v))
		return err_set(e, EINVAL, "%s: '%s' is no %s", field, text,
			       ev_kind_name(entry->ref.kind));
	*vec_push(entry->v, entry->n, entry->cap) = v;
	return 0;
}

int ev_memory_add_bytes(struct ev_memory *m, const char *field, struct ev_text bytes, struct err *e)
{
	struct ev_memory_entry *entry;
	int r = entry_for(m, field, &entry, e);

	if (r)
		return r;
	vec_push(entry->v, entry->n, entry->cap)->s =
		(struct ev_text){ arena_strndup(&m->arena, bytes.p, bytes.len), bytes.len };
	return 0;
}
