/* What is known of namespaces: from a file, from the cluster, from reviews. */
#include <stdlib.h>
#include <string.h>

#include "app/admit.h"
#include "base/map.h"
#include "base/mem.h"

enum { FILE_MAX = 64 * 1024 * 1024, GONE_MAX = 4096 };

struct entry {
	struct entry *next, **at;
	char *name, **labels; /* key and value in turn */
	size_t n;
	uint64_t round;
};

struct admit_namespaces {
	pthread_rwlock_t lock;
	struct map by_name; /* NULL: gone */
	struct entry *list;
	size_t gone; /* keys of by_name without entry */
	uint64_t round;
};

struct admit_namespaces *admit_namespaces_new(void)
{
	struct admit_namespaces *t = xcalloc(1, sizeof(*t));

	pthread_rwlock_init(&t->lock, NULL);
	return t;
}

static void clear(struct entry *en)
{
	for (size_t i = 0; i < 2 * en->n; i++)
		free(en->labels[i]);
	free(en->labels);
	en->labels = NULL;
	en->n = 0;
}

static void drop(struct entry *en)
{
	*en->at = en->next;
	if (en->next)
		en->next->at = en->at;
	clear(en);
	free(en->name);
	free(en);
}

void admit_namespaces_free(struct admit_namespaces *t)
{
	if (!t)
		return;
	while (t->list)
		drop(t->list);
	map_free(&t->by_name);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}

/* The map keeps keys of what is gone: made anew when there are many. */
static void remove_entry(struct admit_namespaces *t, struct entry *en)
{
	*map_at(&t->by_name, en->name, strlen(en->name)) = NULL;
	drop(en);
	if (++t->gone < GONE_MAX)
		return;
	map_free(&t->by_name);
	t->by_name = (struct map){ 0 };
	t->gone = 0;
	for (en = t->list; en; en = en->next)
		*map_at(&t->by_name, en->name, strlen(en->name)) = en;
}

static struct entry *add_entry(struct admit_namespaces *t, const char *ns)
{
	void **slot = map_at(&t->by_name, ns, strlen(ns));
	struct entry *en = *slot;

	if (en)
		return en;
	en = xcalloc(1, sizeof(*en));
	en->name = xstrdup(ns);
	en->next = t->list;
	en->at = &t->list;
	if (en->next)
		en->next->at = &en->next;
	t->list = en;
	*slot = en;
	return en;
}

static void set_labels(struct entry *en, const struct ps_entries *labels)
{
	clear(en);
	en->labels = xcalloc(2 * labels->n + 1, sizeof(*en->labels));
	for (size_t i = 0; i < labels->n; i++) {
		en->labels[2 * i] = xstrdup(labels->v[i].key);
		en->labels[2 * i + 1] = xstrdup(labels->v[i].value);
	}
	en->n = labels->n;
}

void admit_namespaces_set(struct admit_namespaces *t, const char *ns,
			  const struct ps_entries *labels)
{
	void **slot;

	pthread_rwlock_wrlock(&t->lock);
	if (labels) {
		struct entry *en = add_entry(t, ns);

		set_labels(en, labels);
		en->round = t->round;
	} else {
		slot = map_find(&t->by_name, ns, strlen(ns));
		if (slot && *slot)
			remove_entry(t, *slot);
	}
	pthread_rwlock_unlock(&t->lock);
}

void admit_namespaces_begin(struct admit_namespaces *t)
{
	pthread_rwlock_wrlock(&t->lock);
	t->round++;
	pthread_rwlock_unlock(&t->lock);
}

void admit_namespaces_end(struct admit_namespaces *t)
{
	pthread_rwlock_wrlock(&t->lock);
	for (struct entry *en = t->list, *next; en; en = next) {
		next = en->next;
		if (en->round < t->round)
			remove_entry(t, en);
	}
	pthread_rwlock_unlock(&t->lock);
}

int admit_namespaces_find(struct admit_namespaces *t, const char *ns, struct arena *a,
			  struct ps_entries *out)
{
	const struct entry *en;
	void **slot;

	pthread_rwlock_rdlock(&t->lock);
	slot = map_find(&t->by_name, ns, strlen(ns));
	en = slot ? *slot : NULL;
	if (en) {
		*out = (struct ps_entries){ .n = en->n };
		out->v = arena_alloc(a, (en->n + 1) * sizeof(*out->v));
		for (size_t i = 0; i < en->n; i++) {
			out->v[i].key = arena_strdup(a, en->labels[2 * i]);
			out->v[i].value = arena_strdup(a, en->labels[2 * i + 1]);
		}
	}
	pthread_rwlock_unlock(&t->lock);
	return en ? 0 : -ENOENT;
}

/* ---- objects */

static int add_object(struct admit_namespaces *t, const struct yaml_stream *s,
		      const struct yaml_node *o, struct err *e)
{
	struct yaml_node *items = NULL, *meta = NULL;
	struct ps_entries labels = { 0 };
	struct arena a = { 0 };
	struct ps_reader rd = { .s = s, .arena = &a, .e = e };
	const char *kind = NULL, *name = NULL;
	int r = yaml_get_str(s, o, "kind", true, &kind, e);

	if (r == 0 && strcmp(kind, "Namespace") != 0) {
		r = yaml_get_seq(s, o, "items", true, &items, e);
		for (uint32_t i = 0; r == 0 && i < items->n; i++)
			r = add_object(t, s, items->item[i], e);
		return r;
	}
	if (r == 0)
		r = yaml_get_map(s, o, "metadata", true, &meta, e);
	if (r == 0)
		r = yaml_get_str(s, meta, "name", true, &name, e);
	if (r == 0) {
		ps_read_entries(&rd, meta, "labels", &labels);
		r = rd.r;
	}
	if (r == 0)
		admit_namespaces_set(t, name, &labels);
	arena_free(&a);
	return r;
}

static int add_stream(struct admit_namespaces *t, const struct yaml_stream *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->docs_n; i++)
		r = s->doc[i].root ? add_object(t, s, s->doc[i].root, e)
				   : err_set(e, EINVAL, "%s", s->doc[i].error);
	return r;
}

int admit_namespaces_load(struct admit_namespaces *t, const char *path, struct err *e)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	int r = yaml_load(&s, path, FILE_MAX, e);

	return r < 0 ? r : add_stream(t, &s, e);
}

int admit_namespaces_parse(struct admit_namespaces *t, const char *name, const char *text,
			   size_t len, struct err *e)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	int r = yaml_parse(&s, name, text, len, e);

	return r < 0 ? r : add_stream(t, &s, e);
}
