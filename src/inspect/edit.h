/* Changes of a document: as a JSON patch, and carried out in the text, which keeps its comments. */
#ifndef INSPECT_EDIT_H
#define INSPECT_EDIT_H

#include "base/buf.h"
#include "inspect/inspect.h"

/*
 * Changes as a tree that follows the document: what belongs to one place is in one node. `json` is
 * the new value; values of `append` are JSON, too.
 */
struct edit {
	const char *key;
	bool remove;
	const char *json;
	const char **append;
	size_t append_n, append_cap;
	struct edit *child, *next;
};

/* Later changes of a place win. Everything lives in the arena. */
struct edit *edit_tree(struct arena *a, const struct ins_edit *edits, size_t n);
/* The node's change at this member or item, or NULL. */
struct edit *edit_at(const struct edit *t, const char *key);
/* The value that a new member gets. */
void edit_value(const struct edit *t, struct buf *out);
/* Whether the list has the string or number that this JSON text is. */
bool edit_has(const struct yaml_node *seq, const char *json);

/* RFC 6902, as JSON text: an array of operations. "" when nothing changes. */
void edit_patch(struct arena *a, const struct yaml_node *root, const struct ins_edit *edits,
		size_t n, struct buf *out);

/*
 * edit_text.c. Appends the text of the document with the changes; changes behind an alias are made
 * at its anchor. Returns how many changes have no place in the text.
 */
size_t edit_text(struct arena *a, const struct yaml_stream *s, const struct yaml_doc *doc,
		 const struct ins_edit *edits, size_t n, struct buf *out);

#endif
