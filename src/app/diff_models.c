#include "app/diff_models.h"

#include <stdlib.h>
#include <string.h>

#include "app/show.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "model/caps.h"
#include "model/constants.h"

enum section { CALLS, ARGUMENTS, CAPS, PROGRAMS, NET, FILES, SECTIONS };

static const struct {
	const char *key, *title;
} sections[SECTIONS] = {
	[CALLS] = { "syscalls", "System calls" },
	[ARGUMENTS] = { "arguments", "Arguments" },
	[CAPS] = { "capabilities", "Capabilities" },
	[PROGRAMS] = { "programs", "Programs" },
	[NET] = { "network", "Network" },
	[FILES] = { "files", "Files" },
};

/* Something that a model has: equal keys are the same thing, of which `value` may differ. */
struct entry {
	const char *key, *value;
};

struct list {
	struct entry *v;
	size_t n, cap;
};

struct difference {
	enum section section;
	const char *key;
	const char *a, *b; /* values; NULL: not there */
};

struct model_diff {
	struct arena arena;
	struct difference *v;
	size_t n, cap;
};

/* One model being taken apart. */
struct side {
	struct arena *arena;
	const struct workload *w;
	uint32_t phases;
	struct list list;
};

static void put(struct side *s, const struct buf *key, const char *value)
{
	*vec_push(s->list.v, s->list.n,
		  s->list.cap) = (struct entry){ arena_strdup(s->arena, buf_str(key)),
						 arena_strdup(s->arena, value) };
}

static void put_call(struct buf *b, const struct wl_syscall *c)
{
	buf_printf(b, "%s ", sc_abi_name(c->abi));
	if (c->desc)
		buf_puts(b, c->desc->name);
	else
		buf_printf(b, "number %u", c->nr);
}

static void list_calls(struct side *s)
{
	for (size_t i = 0; i < s->w->syscalls_n; i++) {
		cleanup_buf struct buf key = { 0 };

		put_call(&key, &s->w->syscalls[i]);
		if (s->w->syscalls[i].prov.phases & s->phases)
			put(s, &key, "");
	}
}

static void list_arguments(struct side *s)
{
	for (size_t i = 0; i < s->w->syscalls_n; i++) {
		const struct wl_syscall *c = &s->w->syscalls[i];

		for (size_t k = 0; k < c->calls_n; k++) {
			cleanup_buf struct buf key = { 0 };

			if (!(c->calls[k].prov.phases & s->phases))
				continue;
			put_call(&key, c);
			buf_putc(&key, '(');
			const_call(c, &c->calls[k], &key);
			buf_putc(&key, ')');
			put(s, &key, "");
		}
	}
}

static void list_caps(struct side *s)
{
	for (size_t i = 0; i < s->w->caps_n; i++) {
		const struct wl_cap *c = &s->w->caps[i];
		const struct bcap_desc *d = bcap_by_nr(c->nr);
		cleanup_buf struct buf key = { 0 };
		bool counts = false;

		for (size_t k = 0; k < c->uses_n; k++)
			counts |= !c->uses[k].speculative && (c->uses[k].prov.phases & s->phases);
		buf_printf(&key, "%s %s", d ? d->name : "unknown capability",
			   wl_cap_result_name(c->result));
		if (counts)
			put(s, &key, "");
	}
}

static void list_programs(struct side *s)
{
	for (size_t i = 0; i < s->w->programs_n; i++) {
		cleanup_buf struct buf key = { 0 };

		show_text(&key, s->w->programs[i].path);
		if (key.len)
			put(s, &key, "");
	}
}

static void list_net(struct side *s)
{
	for (size_t i = 0; i < s->w->nets_n; i++) {
		const struct wl_net *n = &s->w->nets[i];
		cleanup_buf struct buf protocol = { 0 }, address = { 0 }, key = { 0 };

		show_address(&protocol, &address, n);
		buf_printf(&key, "%s %s %s", wl_net_op_name(n->op), buf_str(&protocol),
			   buf_str(&address));
		if (n->prov.phases & s->phases)
			put(s, &key, "");
	}
}

static void list_files(struct side *s)
{
	for (size_t i = 0; i < s->w->files_n; i++) {
		const struct wl_file *f = &s->w->files[i];
		cleanup_buf struct buf key = { 0 }, access = { 0 };

		show_text(&key, f->path);
		if (f->pattern)
			buf_puts(&key, " (pattern)");
		for (unsigned bit = 0; bit < WL_F_BITS; bit++)
			if (f->access >> bit & 1)
				buf_printf(&access, "%s%s", access.len ? " " : "",
					   wl_access_name(bit));
		if (f->prov.phases & s->phases)
			put(s, &key, buf_str(&access));
	}
}

static void (*const listers[SECTIONS])(struct side *s) = {
	[CALLS] = list_calls, [ARGUMENTS] = list_arguments,
	[CAPS] = list_caps,   [PROGRAMS] = list_programs,
	[NET] = list_net,     [FILES] = list_files,
};

static int entry_cmp(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	return strcmp(a->key, b->key);
}

static void sort_list(struct list *l)
{
	size_t n = 0;

	qsort(l->v, l->n, sizeof(*l->v), entry_cmp);
	for (size_t i = 0; i < l->n; i++)
		if (!n || strcmp(l->v[n - 1].key, l->v[i].key))
			l->v[n++] = l->v[i];
	l->n = n;
}

static void add(struct model_diff *d, enum section section, const struct entry *a,
		const struct entry *b)
{
	*vec_push(d->v, d->n, d->cap) = (struct difference){
		.section = section,
		.key = a ? a->key : b->key,
		.a = a ? a->value : NULL,
		.b = b ? b->value : NULL,
	};
}

static void compare(struct model_diff *d, enum section section, const struct list *a,
		    const struct list *b)
{
	size_t i = 0, k = 0;

	while (i < a->n || k < b->n) {
		int c = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->v[i].key, b->v[k].key);

		if (c < 0)
			add(d, section, &a->v[i++], NULL);
		else if (c > 0)
			add(d, section, NULL, &b->v[k++]);
		else if (strcmp(a->v[i++].value, b->v[k++].value))
			add(d, section, &a->v[i - 1], &b->v[k - 1]);
	}
}

/* Arguments of calls that only one side has say nothing more. */
static bool call_differs(const struct model_diff *d, const char *key)
{
	size_t len = strcspn(key, "(");

	for (size_t i = 0; i < d->n && d->v[i].section == CALLS; i++)
		if (!strncmp(d->v[i].key, key, len) && !d->v[i].key[len])
			return true;
	return false;
}

static void drop_arguments(struct model_diff *d, struct list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (!call_differs(d, l->v[i].key))
			l->v[n++] = l->v[i];
	l->n = n;
}

struct model_diff *diff_models(struct workload *a, struct workload *b, uint32_t phases)
{
	struct model_diff *d = xcalloc(1, sizeof(*d));

	wl_sort(a);
	wl_sort(b);
	for (unsigned i = 0; i < SECTIONS; i++) {
		struct side x = { .arena = &d->arena, .w = a, .phases = phases };
		struct side y = { .arena = &d->arena, .w = b, .phases = phases };

		listers[i](&x);
		listers[i](&y);
		if (i == ARGUMENTS) {
			drop_arguments(d, &x.list);
			drop_arguments(d, &y.list);
		}
		sort_list(&x.list);
		sort_list(&y.list);
		compare(d, (enum section)i, &x.list, &y.list);
		free(x.list.v);
		free(y.list.v);
	}
	return d;
}

void model_diff_free(struct model_diff **d)
{
	if (!*d)
		return;
	arena_free(&(*d)->arena);
	free((*d)->v);
	free(*d);
	*d = NULL;
}

size_t model_diff_count(const struct model_diff *d)
{
	return d->n;
}

void model_diff_text(const struct model_diff *d, const char *a, const char *b, struct buf *out)
{
	int section = -1;

	if (!d->n) {
		buf_printf(out, "%s and %s have the same in these phases.\n", a, b);
		return;
	}
	buf_printf(out, "- only in %s\n+ only in %s\n", a, b);
	for (size_t i = 0; i < d->n; i++) {
		const struct difference *x = &d->v[i];

		if ((int)x->section != section)
			buf_printf(out, "\n%s\n", sections[x->section].title);
		section = (int)x->section;
		buf_printf(out, "%c %s", !x->a ? '+' : !x->b ? '-' : '~', x->key);
		if (x->a && x->b)
			buf_printf(out, ": %s -> %s", x->a, x->b);
		else if (*(x->a ? x->a : x->b))
			buf_printf(out, ": %s", x->a ? x->a : x->b);
		buf_putc(out, '\n');
	}
}

static struct json_object *entry_json(const struct difference *x)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "change",
		 json_object_new_string(!x->a	? "added"
					: !x->b ? "removed"
						: "changed"));
	json_add(o, "what", json_object_new_string(x->key));
	if (x->a && *x->a)
		json_add(o, "a", json_object_new_string(x->a));
	if (x->b && *x->b)
		json_add(o, "b", json_object_new_string(x->b));
	return o;
}

struct json_object *model_diff_json(const struct model_diff *d, const char *a, const char *b)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "format", json_object_new_string("boltseal.diff/1"));
	json_add(o, "kind", json_object_new_string("workload"));
	json_add(o, "a", json_object_new_string(a));
	json_add(o, "b", json_object_new_string(b));
	json_add(o, "equal", json_object_new_boolean(!d->n));
	for (unsigned i = 0; i < SECTIONS; i++) {
		struct json_object *list = json_object_new_array();

		for (size_t k = 0; k < d->n; k++)
			if (d->v[k].section == i &&
			    json_object_array_add(list, entry_json(&d->v[k])) < 0)
				mem_exhausted();
		json_add(o, sections[i].key, list);
	}
	return o;
}
