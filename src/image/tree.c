#include "image/tree.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void tree_init(struct tree *t)
{
	*t = (struct tree){ 0 };
	t->root = arena_alloc(&t->arena, sizeof(*t->root));
	t->root->parent = t->root;
	t->root->name = "";
	t->root->type = TREE_DIR;
}

void tree_free(struct tree *t)
{
	map_free(&t->children);
	arena_free(&t->arena);
	t->root = NULL;
}

/*
 * The key of a child. The address of its parent, which nobody outside can know, is in it, so names
 * cannot be made to meet in the map.
 */
static size_t child_key(char *key, const struct tree_node *dir, const char *name, size_t len)
{
	memcpy(key, &dir, sizeof(dir));
	memcpy(key + sizeof(dir), name, len);
	return sizeof(dir) + len;
}

struct tree_node *tree_child(const struct tree *t, const struct tree_node *dir, const char *name,
			     size_t len)
{
	char key[sizeof(dir) + NAME_MAX];
	void **slot;

	if (len > NAME_MAX)
		return NULL;
	slot = map_find(&t->children, key, child_key(key, dir, name, len));
	return slot ? *slot : NULL;
}

static void unlink_node(struct tree *t, struct tree_node *n)
{
	char key[sizeof(n) + NAME_MAX];
	void **slot = map_find(&t->children, key,
			       child_key(key, n->parent, n->name, strlen(n->name)));

	if (slot)
		*slot = NULL;
	if (n->prev)
		n->prev->next = n->next;
	else
		n->parent->first = n->next;
	if (n->next)
		n->next->prev = n->prev;
	n->next = n->prev = NULL;
}

/*
 * Removes what is below `top` and older than `before`, deepest first, without recursion. A
 * directory stays when something below it stays. Directories that were already cleared for this
 * archive are not entered again, so the work is limited by the number of nodes.
 */
static void remove_below(struct tree *t, struct tree_node *top, uint32_t before)
{
	struct tree_node *n = top->first;

	while (n && n != top) {
		struct tree_node *next;

		if (n->type == TREE_DIR && n->first && n->cleared < before) {
			n->cleared = before;
			n = n->first;
			continue;
		}
		for (;;) { /* n is done: its sibling, or its parent, which is then done too */
			struct tree_node *up = n->parent;

			next = n->next;
			if (n->layer < before && !n->first)
				unlink_node(t, n);
			if (next || up == top)
				break;
			n = up;
		}
		n = next;
	}
}

void tree_clear(struct tree *t, struct tree_node *dir)
{
	if (dir->cleared >= t->layer)
		return;
	dir->cleared = t->layer;
	remove_below(t, dir, t->layer);
}

void tree_hide(struct tree *t, struct tree_node *n)
{
	if (n->type == TREE_DIR)
		tree_clear(t, n);
	if (n->layer < t->layer && !n->first)
		unlink_node(t, n);
}

struct tree_node *tree_put(struct tree *t, struct tree_node *dir, const char *name, size_t len,
			   enum tree_type type)
{
	char key[sizeof(dir) + NAME_MAX];
	void **slot = map_at(&t->children, key, child_key(key, dir, name, len));
	struct tree_node *n = *slot;

	if (n && n->type == TREE_DIR && type != TREE_DIR)
		remove_below(t, n, UINT32_MAX);
	if (!n) {
		n = *slot = arena_alloc(&t->arena, sizeof(*n));
		n->name = arena_strndup(&t->arena, name, len);
		n->parent = dir;
		n->depth = dir->depth + 1;
		n->next = dir->first;
		if (n->next)
			n->next->prev = n;
		dir->first = n;
	}
	n->type = type;
	n->layer = t->layer;
	n->link = NULL;
	n->data = (struct blob){ .fd = -1 };
	return n;
}

/* What is left of a path, with room before it for the targets of links. */
struct walk {
	const struct tree *t;
	struct tree_node *at;
	struct buf rest;
	size_t pos;
	int links;
};

static void walk_free(struct walk *w)
{
	buf_free(&w->rest);
}

/* Puts the target of a link before what is left of the path. */
static int enter_link(struct walk *w, const struct tree_node *link, const char *path, struct err *e)
{
	struct buf rest = { 0 };

	if (++w->links > TREE_MAX_LINKS)
		return err_set(e, ELOOP, "%s: more than %d symbolic links", path, TREE_MAX_LINKS);
	buf_puts(&rest, link->link);
	buf_putc(&rest, '/');
	buf_puts(&rest, buf_str(&w->rest) + w->pos);
	buf_free(&w->rest);
	w->rest = rest;
	w->pos = 0;
	if (link->link[0] == '/')
		w->at = w->t->root;
	return 0;
}

static int step(struct walk *w, const char *name, size_t len, bool last, bool follow,
		const char *path, struct err *e)
{
	struct tree_node *n;

	if (w->at->type != TREE_DIR)
		return err_set(e, ENOENT, "%s: /%s is no directory", path, w->at->name);
	if (!len || (len == 1 && *name == '.'))
		return 0;
	if (len == 2 && !memcmp(name, "..", 2)) {
		w->at = w->at->parent;
		return 0;
	}
	n = tree_child(w->t, w->at, name, len);
	if (!n)
		return err_set(e, ENOENT, "%s: not in the image", path);
	if (n->type == TREE_SYMLINK && (!last || follow))
		return enter_link(w, n, path, e);
	w->at = n;
	return 0;
}

int tree_find(const struct tree *t, const char *path, bool follow, struct tree_node **out,
	      struct err *e)
{
	cleanup(walk_free) struct walk w = { .t = t, .at = t->root };

	if (strlen(path) > TAR_MAX_PATH)
		return err_set(e, ENAMETOOLONG, "%.60s…: longer than any path", path);
	buf_puts(&w.rest, path);
	while (w.pos < w.rest.len) {
		const char *name = w.rest.p + w.pos;
		size_t len = strcspn(name, "/");
		bool last = !name[len];
		int r;

		w.pos += len + !last;
		r = step(&w, name, len, last, follow, path, e);
		if (r)
			return r;
	}
	*out = w.at;
	return 0;
}

char *tree_path(const struct tree_node *n)
{
	const struct tree_node *up[TREE_MAX_DEPTH];
	struct buf b = { 0 };
	size_t depth = 0;

	for (; n->parent != n; n = n->parent)
		up[depth++] = n;
	if (!depth)
		buf_putc(&b, '/');
	while (depth)
		buf_printf(&b, "/%s", up[--depth]->name);
	return buf_take(&b);
}
