#include "inspect/edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* ---- the tree */

/* One step of a pointer, unescaped, in the arena; *p moves on to the next '/' or the end. */
static const char *next_step(struct arena *a, const char **p)
{
	size_t len = strcspn(*p + 1, "/");
	char *step = arena_strndup(a, *p + 1, len), *out = step;

	*p += len + 1;
	for (const char *in = step; *in; in++) {
		if (*in == '~' && (in[1] == '0' || in[1] == '1'))
			*out++ = *++in == '0' ? '~' : '/';
		else
			*out++ = *in;
	}
	*out = '\0';
	return step;
}

struct edit *edit_at(const struct edit *t, const char *key)
{
	for (struct edit *c = t ? t->child : NULL; c; c = c->next)
		if (!strcmp(c->key, key))
			return c;
	return NULL;
}

static struct edit *make_child(struct arena *a, struct edit *t, const char *key)
{
	struct edit *c = edit_at(t, key), **end = &t->child;

	if (c)
		return c;
	while (*end)
		end = &(*end)->next;
	*end = arena_alloc(a, sizeof(**end));
	(*end)->key = key;
	return *end;
}

static void append_value(struct arena *a, struct edit *t, const char *json)
{
	for (size_t i = 0; i < t->append_n; i++)
		if (!strcmp(t->append[i], json))
			return;
	if (t->append_n == t->append_cap) {
		const char **wider;

		t->append_cap = t->append_cap ? t->append_cap * 2 : 4;
		wider = arena_alloc(a, t->append_cap * sizeof(*wider));
		if (t->append_n)
			memcpy(wider, t->append, t->append_n * sizeof(*wider));
		t->append = wider;
	}
	t->append[t->append_n++] = json;
}

struct edit *edit_tree(struct arena *a, const struct ins_edit *edits, size_t n)
{
	struct edit *root = arena_alloc(a, sizeof(*root));

	for (size_t i = 0; i < n; i++) {
		const char *p = edits[i].pointer;
		struct edit *t = root;

		while (*p == '/')
			t = make_child(a, t, next_step(a, &p));
		if (edits[i].op == INS_APPEND) {
			append_value(a, t, edits[i].json);
			continue;
		}
		t->remove = edits[i].op == INS_REMOVE;
		t->json = edits[i].op == INS_SET ? edits[i].json : NULL;
	}
	return root;
}

void edit_value(const struct edit *t, struct buf *out)
{
	const char *between = "";

	if (t->json) {
		buf_puts(out, t->json);
	} else if (t->append_n) {
		buf_putc(out, '[');
		for (size_t i = 0; i < t->append_n; i++)
			buf_printf(out, "%s%s", i ? "," : "", t->append[i]);
		buf_putc(out, ']');
	} else {
		buf_putc(out, '{');
		for (const struct edit *c = t->child; c; c = c->next) {
			if (c->remove)
				continue;
			buf_puts(out, between);
			json_put_bytes(out, c->key);
			buf_putc(out, ':');
			edit_value(c, out);
			between = ",";
		}
		buf_putc(out, '}');
	}
}

bool edit_has(const struct yaml_node *seq, const char *json)
{
	size_t len = strlen(json);

	if (*json == '"')
		json++, len -= 2;
	for (uint32_t i = 0; i < seq->n; i++)
		if (seq->item[i]->kind == YAML_SCALAR && seq->item[i]->n == len &&
		    !memcmp(seq->item[i]->text, json, len))
			return true;
	return false;
}

/* ---- RFC 6902 */

struct patch {
	struct buf *out, removals;
};

static void put_op(struct buf *out, const char *op, const char *pointer, const char *value)
{
	buf_printf(out, "%s{\"op\":\"%s\",\"path\":", out->len ? "," : "", op);
	json_put_bytes(out, pointer);
	if (value)
		buf_printf(out, ",\"value\":%s", value);
	buf_putc(out, '}');
}

static void put_step(struct buf *out, const char *key)
{
	buf_putc(out, '/');
	for (; *key; key++) {
		if (*key == '~' || *key == '/')
			buf_puts(out, *key == '~' ? "~0" : "~1");
		else
			buf_putc(out, *key);
	}
}

static const struct yaml_node *member(const struct yaml_node *y, const char *key)
{
	char *end;
	unsigned long i;

	if (y->kind != YAML_SEQ)
		return yaml_get(y, key);
	i = strtoul(key, &end, 10);
	return *key && !*end && i < y->n ? y->item[i] : NULL;
}

static void patch_node(struct patch *p, const struct edit *t, const struct yaml_node *y,
		       const char *pointer);

static void patch_child(struct patch *p, const struct edit *c, const struct yaml_node *y,
			const char *pointer)
{
	const struct yaml_node *v = member(y, c->key);
	cleanup_buf struct buf path = { 0 }, value = { 0 };
	bool whole = !v || yaml_is_null(v) || c->json || v->kind == YAML_SCALAR;

	buf_puts(&path, pointer);
	put_step(&path, c->key);
	if (c->remove) {
		struct buf rest = p->removals;

		if (!v)
			return;
		/* The last one first, so that indices stay true. */
		p->removals = (struct buf){ 0 };
		put_op(&p->removals, "remove", path.p, NULL);
		if (rest.len)
			buf_printf(&p->removals, ",%s", rest.p);
		buf_free(&rest);
	} else if (whole) {
		edit_value(c, &value);
		put_op(p->out, v ? "replace" : "add", path.p, value.p);
	} else {
		patch_node(p, c, v, path.p);
	}
}

static void patch_node(struct patch *p, const struct edit *t, const struct yaml_node *y,
		       const char *pointer)
{
	for (const struct edit *c = t->child; c; c = c->next)
		patch_child(p, c, y, pointer);
	for (size_t i = 0; i < t->append_n && y->kind == YAML_SEQ; i++) {
		cleanup_buf struct buf path = { 0 };

		if (edit_has(y, t->append[i]))
			continue;
		buf_printf(&path, "%s/-", pointer);
		put_op(p->out, "add", path.p, t->append[i]);
	}
}

void edit_patch(struct arena *a, const struct yaml_node *root, const struct ins_edit *edits,
		size_t n, struct buf *out)
{
	cleanup_buf struct buf ops = { 0 };
	struct patch p = { .out = &ops };

	patch_node(&p, edit_tree(a, edits, n), root, "");
	if (p.removals.len)
		buf_printf(&ops, "%s%s", ops.len ? "," : "", p.removals.p);
	buf_free(&p.removals);
	if (ops.len)
		buf_printf(out, "[%s]", ops.p);
}
