/* Members of tar archives become nodes of a tree. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "image/tree.h"

static const char whiteout[] = ".wh.";
static const char opaque[] = ".wh..wh..opq";
enum { WHITEOUT = sizeof(whiteout) - 1 };

struct layer {
	struct tree *tree;
	const char *what;
	bool whiteouts;
};

static int bad(const struct layer *l, const struct tar_entry *m, struct err *e, const char *why)
{
	return err_set(e, EINVAL, "%s: member '%.200s' at byte %ju: %s", l->what, m->path,
		       (uintmax_t)m->at, why);
}

/* The directory a symbolic link leads to, for members whose name leads through it. */
static struct tree_node *through_link(const struct tree *t, const struct tree_node *link)
{
	cleanup_free char *path = tree_path(link);
	struct tree_node *to;

	if (strlen(path) > TAR_MAX_PATH || tree_find(t, path, true, &to, NULL) ||
	    to->type != TREE_DIR)
		return NULL;
	return to;
}

/* Where a member goes. */
struct place {
	struct tree_node *dir;
	const char *name; /* the last part of its name, not ended; empty for the root */
	size_t len;
	int links; /* that were followed on the way */
};

/* Goes into the directory that p->name is, which is made when there is none, also in place of
 * something else. */
static int enter(const struct layer *l, const struct tar_entry *m, struct place *p, struct err *e)
{
	struct tree_node *n = tree_child(l->tree, p->dir, p->name, p->len), *to;

	if (n && n->type == TREE_SYMLINK) {
		if (++p->links > TREE_MAX_LINKS)
			return bad(l, m, e, "more than 40 symbolic links in the name");
		to = through_link(l->tree, n);
		if (to) {
			p->dir = to;
			return 0;
		}
	}
	if (p->dir->depth + 2 > TREE_MAX_DEPTH)
		return bad(l, m, e, "too many directories above it");
	if (!n || n->type != TREE_DIR)
		n = tree_put(l->tree, p->dir, p->name, p->len, TREE_DIR);
	p->dir = n;
	return 0;
}

static int place(const struct layer *l, const struct tar_entry *m, const char *path,
		 struct place *out, struct err *e)
{
	*out = (struct place){ .dir = l->tree->root, .name = "" };
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		int r = 0;

		if (n > NAME_MAX)
			return bad(l, m, e, "a part of the name is longer than 255 bytes");
		if (n == 2 && !memcmp(p, "..", 2))
			return bad(l, m, e, "the name has '..' in it");
		if (n && !(n == 1 && *p == '.')) {
			r = out->len ? enter(l, m, out, e) : 0;
			out->name = p;
			out->len = n;
		}
		if (r)
			return r;
		p += n;
		p += strspn(p, "/");
	}
	return 0;
}

/* Names with ".wh."; 1 when the member was one of them. */
static int take_whiteout(const struct layer *l, const struct tar_entry *m, const struct place *at,
			 struct err *e)
{
	const char *name = at->name;
	size_t len = at->len;
	struct tree_node *n;

	if (!l->whiteouts || len < WHITEOUT || memcmp(name, whiteout, WHITEOUT) != 0)
		return 0;
	if (len == sizeof(opaque) - 1 && !memcmp(name, opaque, len)) {
		tree_clear(l->tree, at->dir);
		return 1;
	}
	name += WHITEOUT;
	len -= WHITEOUT;
	if (len >= WHITEOUT && !memcmp(name, whiteout, WHITEOUT)) /* kept by aufs for itself */
		return 1;
	if (!len || (len == 1 && *name == '.') || (len == 2 && !memcmp(name, "..", 2)))
		return bad(l, m, e, "a whiteout of no name");
	n = tree_child(l->tree, at->dir, name, len);
	if (n)
		tree_hide(l->tree, n);
	return 1;
}

static int put_hardlink(const struct layer *l, const struct tar_entry *m, const struct place *at,
			struct err *e)
{
	struct tree_node *of, *n;
	struct place target;
	int r = place(l, m, m->link, &target, e);

	if (r)
		return r;
	of = target.len ? tree_child(l->tree, target.dir, target.name, target.len) : NULL;
	if (!of || of->type == TREE_DIR)
		return bad(l, m, e, "a hard link to a file that is not there");
	if (tree_child(l->tree, at->dir, at->name, at->len) == of)
		return 0;
	n = tree_put(l->tree, at->dir, at->name, at->len, of->type);
	n->data = of->data;
	n->link = of->link;
	return 0;
}

static int put_member(const struct layer *l, const struct tar_entry *m, const struct place *at,
		      struct err *e)
{
	static const enum tree_type types[] = {
		[TAR_FILE] = TREE_FILE,
		[TAR_DIR] = TREE_DIR,
		[TAR_SYMLINK] = TREE_SYMLINK,
		[TAR_OTHER] = TREE_SPECIAL,
	};
	struct tree_node *n;

	if (m->type == TAR_HARDLINK)
		return put_hardlink(l, m, at, e);
	if (m->type == TAR_SYMLINK && !*m->link)
		return bad(l, m, e, "a symbolic link without a target");
	n = tree_put(l->tree, at->dir, at->name, at->len, types[m->type]);
	if (m->type == TAR_FILE)
		n->data = m->data;
	if (m->type == TAR_SYMLINK)
		n->link = arena_strdup(&l->tree->arena, m->link);
	return 0;
}

static int take_member(const struct layer *l, const struct tar_entry *m, struct err *e)
{
	struct place at;
	int r;

	if (++l->tree->entries > TREE_MAX_ENTRIES)
		return err_set(e, E2BIG, "%s: more than %d members in all layers", l->what,
			       TREE_MAX_ENTRIES);
	r = place(l, m, m->path, &at, e);
	if (r)
		return r;
	if (!at.len) /* the root itself */
		return m->type == TAR_DIR ? 0 : bad(l, m, e, "the root can only be a directory");
	r = take_whiteout(l, m, &at, e);
	if (r)
		return r < 0 ? r : 0;
	return put_member(l, m, &at, e);
}

int tree_add_tar(struct tree *t, const struct blob *archive, bool whiteouts, const char *what,
		 struct err *e)
{
	struct layer l = { .tree = t, .what = what, .whiteouts = whiteouts };
	cleanup_tar struct tar tar;
	struct tar_entry m;
	int r;

	t->layer++;
	tar_open(&tar, archive, what);
	while ((r = tar_next(&tar, &m, e)) > 0) {
		r = take_member(&l, &m, e);
		if (r)
			return r;
	}
	return r;
}
