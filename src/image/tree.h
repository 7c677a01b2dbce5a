/*
 * A file system tree made of archives laid one on the other, as the layers of an image are. Paths
 * are resolved as the kernel resolves them for a process whose root directory it is: symbolic
 * links, absolute ones too, and ".." never lead outside.
 */
#ifndef IMAGE_TREE_H
#define IMAGE_TREE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/map.h"
#include "image/blob.h"
#include "image/tar.h"

enum {
	TREE_MAX_LINKS = 40,	    /* symbolic links in one lookup: MAXSYMLINKS of Linux */
	TREE_MAX_ENTRIES = 4000000, /* members of all archives together */
	TREE_MAX_DEPTH = 2048,	    /* of a node: names of one byte fill PATH_MAX */
};

enum tree_type { TREE_DIR, TREE_FILE, TREE_SYMLINK, TREE_SPECIAL };

struct tree_node {
	struct tree_node *parent;	       /* of the root: itself */
	struct tree_node *first, *next, *prev; /* children; siblings, in no order */
	const char *name;
	const char *link; /* TREE_SYMLINK: its target */
	struct blob data; /* TREE_FILE */
	uint32_t depth;	  /* directories above it; the root: 0 */
	uint32_t layer;	  /* the last archive that had it */
	uint32_t cleared; /* the last archive that hid what earlier ones had in this directory */
	enum tree_type type;
};

struct tree {
	struct arena arena;
	struct map children; /* parent's address and name -> node */
	struct tree_node *root;
	uint32_t layer; /* of the archive that is being added, from 1 */
	uint64_t entries;
};

void tree_init(struct tree *t);
void tree_free(struct tree *t);
#define cleanup_tree cleanup(tree_free)

/*
 * Lays the members of a tar archive on the tree. With `whiteouts`, names with ".wh." hide what
 * earlier archives had (OCI image specification, layer.md, "Whiteouts"). Names with ".." and
 * what cannot be in a tree are errors; absolute names are taken as relative. The archive's
 * descriptor has to stay open as long as the tree is used.
 */
int tree_add_tar(struct tree *t, const struct blob *archive, bool whiteouts, const char *what,
		 struct err *e);

/*
 * The node of a path (absolute, or relative to the root). -ENOENT also when something on the way is
 * no directory; -ELOOP after 40 links. `follow` also follows a link at the end.
 */
int tree_find(const struct tree *t, const char *path, bool follow, struct tree_node **out,
	      struct err *e);
/* The node's absolute path, from malloc. */
char *tree_path(const struct tree_node *n);

/* What tree_add_tar uses. */
struct tree_node *tree_child(const struct tree *t, const struct tree_node *dir, const char *name,
			     size_t len);
/* A new child, or the present one made into `type`: what it was before is gone, but a directory
 * that stays one keeps its children. */
struct tree_node *tree_put(struct tree *t, struct tree_node *dir, const char *name, size_t len,
			   enum tree_type type);
/* Hides what earlier archives had: of the directory's content, or the node with its content. */
void tree_clear(struct tree *t, struct tree_node *dir);
void tree_hide(struct tree *t, struct tree_node *n);

#endif
