#include "model/podspec.h"

#include <string.h>

const char *ps_class_name(enum ps_class c)
{
	static const char *const names[] = { "init", "normal", "ephemeral" };

	return c < PS_CLASS_COUNT ? names[c] : NULL;
}

bool ps_drops_all(const struct ps_container *c)
{
	for (size_t i = 0; i < c->sec.cap_drop.n; i++)
		if (!strcmp(c->sec.cap_drop.v[i].v, "ALL"))
			return true;
	return false;
}

bool ps_is_windows(const struct ps_pod *p)
{
	return p->os_name.v && !strcmp(p->os_name.v, "windows");
}

struct yaml_node *ps_map(struct ps_reader *rd, const struct yaml_node *map, const char *key)
{
	struct yaml_node *v = NULL;

	if (rd->r == 0 && map)
		rd->r = yaml_get_map(rd->s, map, key, false, &v, rd->e);
	return v;
}

struct yaml_node *ps_seq(struct ps_reader *rd, const struct yaml_node *map, const char *key)
{
	struct yaml_node *v = NULL;

	if (rd->r == 0 && map)
		rd->r = yaml_get_seq(rd->s, map, key, false, &v, rd->e);
	return v;
}

/* The member when there is something to read. */
static const struct yaml_node *present(struct ps_reader *rd, const struct yaml_node *map,
				       const char *key)
{
	const struct yaml_node *v = rd->r == 0 ? yaml_get(map, key) : NULL;

	return yaml_is_null(v) ? NULL : v;
}

void ps_read_str(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		 struct ps_str *out)
{
	const struct yaml_node *v = present(rd, map, key);

	if (!v)
		return;
	rd->r = yaml_str(rd->s, v, &out->v, rd->e);
	if (rd->r == 0)
		out->at = v;
}

void ps_read_int(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		 struct ps_int *out)
{
	const struct yaml_node *v = present(rd, map, key);

	if (!v)
		return;
	rd->r = yaml_i64(rd->s, v, &out->v, rd->e);
	if (rd->r == 0)
		out->at = v;
}

void ps_read_bool(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		  struct ps_bool *out)
{
	const struct yaml_node *v = present(rd, map, key);

	if (!v)
		return;
	rd->r = yaml_bool(rd->s, v, &out->v, rd->e);
	if (rd->r == 0)
		out->at = v;
}

void ps_read_list(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		  struct ps_list *out)
{
	const struct yaml_node *seq = ps_seq(rd, map, key);

	if (!seq)
		return;
	out->v = arena_alloc(rd->arena, seq->n * sizeof(*out->v));
	for (uint32_t i = 0; i < seq->n && rd->r == 0; i++) {
		rd->r = yaml_str(rd->s, seq->item[i], &out->v[i].v, rd->e);
		out->v[i].at = seq->item[i];
	}
	out->n = rd->r ? 0 : seq->n;
	out->at = seq;
}

void ps_read_entries(struct ps_reader *rd, const struct yaml_node *map, const char *key,
		     struct ps_entries *out)
{
	const struct yaml_node *m = ps_map(rd, map, key);

	if (!m)
		return;
	out->v = arena_alloc(rd->arena, m->n * sizeof(*out->v));
	for (uint32_t i = 0; i < m->n && rd->r == 0; i++) {
		struct ps_entry *en = &out->v[out->n];

		if (yaml_is_null(m->pair[i].value))
			en->value = "";
		else
			rd->r = yaml_str(rd->s, m->pair[i].value, &en->value, rd->e);
		en->key = m->pair[i].key->text;
		en->at = m->pair[i].value;
		out->n++;
	}
	out->at = m;
}

const char *ps_text(struct ps_reader *rd, const struct yaml_node *map, const char *key)
{
	struct ps_str v = { .v = "" };

	if (map)
		ps_read_str(rd, map, key, &v);
	return v.v;
}
