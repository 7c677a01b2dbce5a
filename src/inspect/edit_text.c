/*
 * Changes in the text of a YAML or JSON document: each becomes the replacement of a range of bytes,
 * so that comments, order and style of everything else stay as they are. New members of a block map
 * come behind its last one, in its indentation; within braces JSON is written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "inspect/edit.h"

struct splice {
	uint32_t from, to;
	const char *text;
	size_t order;
};

struct editor {
	struct arena *arena;
	const struct yaml_stream *s;
	const struct yaml_doc *doc;
	const char *nl;
	struct splice *splice;
	size_t n, cap;
	size_t left_out;
};

static void splice(struct editor *ed, uint32_t from, uint32_t to, const char *text)
{
	struct splice *p = vec_push(ed->splice, ed->n, ed->cap);

	*p = (struct splice){ from, to, text, ed->n };
}

/* ---- places in the text */

static uint32_t line_end(const struct editor *ed, uint32_t off)
{
	const char *nl = memchr(ed->s->text + off, '\n', ed->s->len - off);
	uint32_t end = nl ? (uint32_t)(nl - ed->s->text) : (uint32_t)ed->s->len;

	return end > off && ed->s->text[end - 1] == '\r' ? end - 1 : end;
}

/* Where the next line begins. */
static uint32_t next_line(const struct editor *ed, uint32_t off)
{
	const char *nl = memchr(ed->s->text + off, '\n', ed->s->len - off);

	return nl ? (uint32_t)(nl - ed->s->text) + 1 : (uint32_t)ed->s->len;
}

static uint32_t line_begin(const struct editor *ed, uint32_t off)
{
	while (off && ed->s->text[off - 1] != '\n')
		off--;
	return off;
}

static bool first_on_line(const struct editor *ed, uint32_t off)
{
	uint32_t i = line_begin(ed, off);

	return strspn(ed->s->text + i, " ") >= off - i;
}

static bool whole_removed(const struct edit *t)
{
	return t && t->remove;
}

static const char *index_key(char buf[16], uint32_t i)
{
	snprintf(buf, 16, "%u", i);
	return buf;
}

/* Behind "key: *alias" or "key:". */
static uint32_t behind_alias(const struct editor *ed, const struct yaml_node *key)
{
	const char *p = ed->s->text + key->end.off;

	p += strspn(p, " \t");
	p += *p == ':';
	p += strspn(p, " \t");
	if (*p == '*')
		p += strcspn(p, " \t\r\n,]}");
	return (uint32_t)(p - ed->s->text);
}

/*
 * Behind the last byte of what stays of the value; block collections end with their last member,
 * not with the comments behind it. 0: cannot be told (the last item is an alias).
 */
static uint32_t real_end(const struct editor *ed, const struct yaml_node *y, const struct edit *t)
{
	char key[16];

	if (y->kind == YAML_SCALAR || y->style == YAML_FLOW)
		return y->end.off;
	for (uint32_t i = y->n; i-- > 0;) {
		bool map = y->kind == YAML_MAP;
		const struct yaml_node *v = map ? y->pair[i].value : y->item[i];
		const struct edit *c;

		if (map && y->pair[i].merged)
			continue;
		c = edit_at(t, map ? y->pair[i].key->text : index_key(key, i));
		if (whole_removed(c))
			continue;
		if (v->aliased && !y->aliased)
			return map ? behind_alias(ed, y->pair[i].key) : 0;
		return real_end(ed, v, c);
	}
	return y->start.off;
}

/* ---- new text */

static bool plain_is_safe(const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
	static const char *const words[] = { "true", "false", "null", "yes", "no",
					     "on",   "off",   "y",    "n" };

	if (!*text || text[strspn(text, plain)] || strchr("-.0123456789", *text))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(words[i], text))
			return false;
	return true;
}

static void put_scalar(struct buf *out, const struct yaml_node *v)
{
	if (v->type != YAML_STR || plain_is_safe(v->text))
		buf_puts(out, v->text);
	else
		json_put_bytes(out, v->text);
}

static void put_indent(struct buf *out, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		buf_putc(out, ' ');
}

static void put_block(struct editor *ed, struct buf *out, const struct yaml_node *v,
		      unsigned indent);

/* "key: value", "key:" and a block below it; no newline at the end. */
static void put_member(struct editor *ed, struct buf *out, const char *key,
		       const struct yaml_node *v, unsigned indent)
{
	if (plain_is_safe(key))
		buf_puts(out, key);
	else
		json_put_bytes(out, key);
	buf_putc(out, ':');
	if (v->kind != YAML_SCALAR && v->n) {
		unsigned deeper = v->kind == YAML_MAP ? indent + 2 : indent;

		buf_puts(out, ed->nl);
		put_indent(out, deeper);
		put_block(ed, out, v, deeper);
		return;
	}
	buf_putc(out, ' ');
	put_block(ed, out, v, indent);
}

static void put_block(struct editor *ed, struct buf *out, const struct yaml_node *v,
		      unsigned indent)
{
	if (v->kind == YAML_SCALAR) {
		put_scalar(out, v);
		return;
	}
	if (!v->n) {
		buf_puts(out, v->kind == YAML_MAP ? "{}" : "[]");
		return;
	}
	for (uint32_t i = 0; i < v->n; i++) {
		if (i) {
			buf_puts(out, ed->nl);
			put_indent(out, indent);
		}
		if (v->kind == YAML_MAP) {
			put_member(ed, out, v->pair[i].key->text, v->pair[i].value, indent);
		} else {
			buf_puts(out, "- ");
			put_block(ed, out, v->item[i], indent + 2);
		}
	}
}

static const char *keep(struct editor *ed, struct buf *b)
{
	const char *text = arena_strndup(ed->arena, buf_str(b), b->len);

	buf_free(b);
	return text;
}

/* A JSON text as a block of this indentation, without indentation before its first line. */
static const char *block_of(struct editor *ed, const char *json, unsigned indent)
{
	cleanup_yaml struct yaml_stream s = { 0 };
	struct buf out = { 0 };

	if (yaml_parse(&s, "value", json, strlen(json), NULL) < 0 || s.docs_n != 1 ||
	    !s.doc[0].root)
		return json;
	put_block(ed, &out, s.doc[0].root, indent);
	return keep(ed, &out);
}

static const char *value_of(struct editor *ed, const struct edit *t)
{
	struct buf b = { 0 };

	edit_value(t, &b);
	return keep(ed, &b);
}

/* ---- changes */

static void edit_node(struct editor *ed, const struct edit *t, const struct yaml_node *y);

static bool has_member(const struct yaml_node *y, const char *key)
{
	char *end;

	if (y->kind == YAML_MAP)
		return yaml_get(y, key) != NULL;
	return strtoul(key, &end, 10) < y->n && !*end;
}

/* Changes that make new members: neither removals nor members that are there. */
static size_t new_members(const struct edit *t, const struct yaml_node *y)
{
	size_t n = 0;

	for (const struct edit *c = t->child; c; c = c->next)
		n += !c->remove && !has_member(y, c->key);
	for (size_t i = 0; i < t->append_n; i++)
		n += y->kind == YAML_SEQ && !edit_has(y, t->append[i]);
	return n;
}

static size_t survivors(const struct edit *t, const struct yaml_node *y)
{
	char key[16];
	size_t n = 0;

	for (uint32_t i = 0; i < y->n; i++)
		n += !whole_removed(
			edit_at(t, y->kind == YAML_MAP ? y->pair[i].key->text : index_key(key, i)));
	return n;
}

/* A collection that loses all its members goes itself, unless it is an item of a list. */
static void promote_removals(struct edit *t, const struct yaml_node *y)
{
	for (struct edit *c = t->child; c; c = c->next) {
		const struct yaml_node *v = y->kind == YAML_MAP ? yaml_get(y, c->key)
					    : has_member(y, c->key)
						    ? y->item[strtoul(c->key, NULL, 10)]
						    : NULL;

		if (!v || c->remove || c->json || v->kind == YAML_SCALAR)
			continue;
		promote_removals(c, v);
		if (y->kind == YAML_MAP && v->n && !survivors(c, v) && !new_members(c, v))
			c->remove = true;
	}
}

/* The text of all new members or items, each on its line. */
static void put_new(struct editor *ed, struct buf *out, const struct edit *t,
		    const struct yaml_node *y, unsigned indent)
{
	const char *between = "";

	for (const struct edit *c = t->child; c; c = c->next) {
		cleanup_yaml struct yaml_stream s = { 0 };
		const char *json;

		if (c->remove || has_member(y, c->key))
			continue;
		json = value_of(ed, c);
		if (yaml_parse(&s, "value", json, strlen(json), NULL) < 0 || s.docs_n != 1)
			continue;
		buf_puts(out, between);
		put_indent(out, indent);
		put_member(ed, out, c->key, s.doc[0].root, indent);
		between = ed->nl;
	}
	for (size_t i = 0; i < t->append_n; i++) {
		if (edit_has(y, t->append[i]))
			continue;
		buf_puts(out, between);
		put_indent(out, indent);
		buf_printf(out, "- %s", block_of(ed, t->append[i], indent + 2));
		between = ed->nl;
	}
}

/* Column (from 0) of the members of a block collection. */
static unsigned indent_of(const struct editor *ed, const struct yaml_node *y)
{
	uint32_t off;

	if (y->kind == YAML_MAP) {
		for (uint32_t i = 0; i < y->n; i++)
			if (!y->pair[i].merged)
				return y->pair[i].key->start.col - 1;
		return y->start.col - 1;
	}
	off = y->item[0]->aliased && !y->aliased ? y->start.off : y->item[0]->start.off;
	while (off > y->start.off && ed->s->text[off] != '-')
		off--;
	return off - line_begin(ed, off);
}

static void insert_block(struct editor *ed, const struct edit *t, const struct yaml_node *y)
{
	unsigned indent = indent_of(ed, y);
	uint32_t end = real_end(ed, y, t);
	struct buf b = { 0 };

	if (!survivors(t, y)) { /* all of it is replaced */
		put_new(ed, &b, t, y, indent);
		splice(ed, y->start.off, real_end(ed, y, NULL), keep(ed, &b) + indent);
		return;
	}
	if (!end) {
		ed->left_out += new_members(t, y);
		return;
	}
	if (end == line_begin(ed, end) && end) { /* behind a literal block */
		put_new(ed, &b, t, y, indent);
		buf_puts(&b, ed->nl);
		splice(ed, end, end, keep(ed, &b));
		return;
	}
	buf_puts(&b, ed->nl);
	put_new(ed, &b, t, y, indent);
	end = line_end(ed, end);
	splice(ed, end, end, keep(ed, &b));
}

/* In front of a new member: what separates it from the one before, and its line or blank. */
static void put_between(struct editor *ed, struct buf *b, const char *between,
			const struct yaml_node *line_like)
{
	buf_puts(b, between);
	if (line_like) {
		buf_puts(b, ed->nl);
		put_indent(b, line_like->start.col - 1);
	} else if (*between) {
		buf_putc(b, ' ');
	}
}

/* Within braces or brackets: as the members that are there, on one line or on several. */
static void insert_flow(struct editor *ed, const struct edit *t, const struct yaml_node *y)
{
	const struct yaml_node *first = NULL;
	const char *between = survivors(t, y) ? "," : "";
	uint32_t end = y->end.off - 1;
	struct buf b = { 0 };
	bool lines;

	for (uint32_t i = 0; i < y->n && !first; i++)
		first = y->kind == YAML_MAP ? y->pair[i].key : y->item[i];
	lines = first && first_on_line(ed, first->start.off);
	while (end > y->start.off + 1 && strchr(" \t\r\n", ed->s->text[end - 1]))
		end--;
	if (end > y->start.off + 1 && ed->s->text[end - 1] == ',')
		between = "";
	for (const struct edit *c = t->child; c; c = c->next) {
		if (c->remove || has_member(y, c->key))
			continue;
		put_between(ed, &b, between, lines ? first : NULL);
		json_put_bytes(&b, c->key);
		buf_printf(&b, ": %s", value_of(ed, c));
		between = ",";
	}
	for (size_t i = 0; i < t->append_n; i++) {
		if (edit_has(y, t->append[i]))
			continue;
		put_between(ed, &b, between, lines ? first : NULL);
		buf_puts(&b, t->append[i]);
		between = ",";
	}
	splice(ed, end, end, keep(ed, &b));
}

static bool in_block(const struct yaml_node *y)
{
	return y->up && y->up->style == YAML_BLOCK;
}

/* A member without value, or with {} or []: becomes a block below its key. */
static void open_block(struct editor *ed, const struct yaml_node *y, const char *json)
{
	unsigned indent = y->key->start.col - 1 + (*json == '[' ? 0 : 2);
	uint32_t colon = y->key->end.off, end;
	struct buf b = { 0 };

	colon += (uint32_t)strcspn(ed->s->text + colon, ":") + 1;
	if (y->end.off > colon)
		splice(ed, colon, y->end.off, "");
	else
		y = y->key;
	end = line_end(ed, y->end.off > colon ? y->end.off : colon);
	buf_puts(&b, ed->nl);
	put_indent(&b, indent);
	buf_puts(&b, block_of(ed, json, indent));
	splice(ed, end, end, keep(ed, &b));
}

static bool is_collection_json(const char *json)
{
	return (*json == '{' || *json == '[') && strlen(json) > 2;
}

static void replace_value(struct editor *ed, const struct edit *t, const struct yaml_node *y)
{
	const char *json = value_of(ed, t);
	bool empty = yaml_is_null(y) || (y->kind != YAML_SCALAR && !y->n);
	uint32_t end = y->end.off;

	if (y->kind == YAML_SCALAR && end > y->start.off && ed->s->text[end - 1] == '\n')
		end--; /* of a literal block */

	if (in_block(y) && empty && is_collection_json(json) && y->up->kind == YAML_MAP) {
		open_block(ed, y, json);
	} else if (y->kind != YAML_SCALAR && y->style == YAML_BLOCK) {
		splice(ed, y->start.off, real_end(ed, y, NULL),
		       block_of(ed, json, y->start.col - 1));
	} else if (in_block(y) && !is_collection_json(json)) {
		const char *text = block_of(ed, json, 0);

		splice(ed, y->start.off, end,
		       y->start.off == y->end.off ? arena_printf(ed->arena, " %s", text) : text);
	} else {
		splice(ed, y->start.off, end, json);
	}
}

static void remove_flow(struct editor *ed, const struct edit *t, const struct yaml_node *y,
			uint32_t i)
{
	bool map = y->kind == YAML_MAP;
	const struct yaml_node *from = map ? y->pair[i].key : y->item[i];
	const struct yaml_node *to = map ? y->pair[i].value : y->item[i];
	char key[16];
	uint32_t k = i;

	/* With the comma behind it; the last ones with the comma before them. */
	if (i + 1 < y->n) {
		splice(ed, from->start.off,
		       map ? y->pair[i + 1].key->start.off : y->item[i + 1]->start.off, "");
		return;
	}
	while (k > 0 &&
	       whole_removed(edit_at(t, map ? y->pair[k - 1].key->text : index_key(key, k - 1))))
		k--;
	if (!k) {
		splice(ed, from->start.off, to->end.off, "");
		return;
	}
	splice(ed, map ? y->pair[k - 1].value->end.off : y->item[k - 1]->end.off,
	       k == i ? from->start.off : (map ? y->pair[k].key : y->item[k])->start.off, "");
	splice(ed, from->start.off, to->end.off, "");
}

static void remove_block(struct editor *ed, const struct yaml_node *y, uint32_t i)
{
	bool map = y->kind == YAML_MAP;
	const struct yaml_node *v = map ? y->pair[i].value : y->item[i];
	uint32_t from = map ? y->pair[i].key->start.off : v->start.off;
	uint32_t end = v->aliased && map && !y->aliased ? behind_alias(ed, y->pair[i].key)
							: real_end(ed, v, NULL);

	while (!map && from > y->start.off && ed->s->text[from] != '-')
		from--;
	if (first_on_line(ed, from))
		from = line_begin(ed, from);
	else if (map && i + 1 < y->n && !y->pair[i + 1].merged) {
		splice(ed, from, y->pair[i + 1].key->start.off, "");
		return;
	}
	splice(ed, from, end == line_begin(ed, end) ? end : next_line(ed, end), "");
}

static void edit_child(struct editor *ed, const struct edit *t, const struct edit *c,
		       const struct yaml_node *y)
{
	uint32_t i = y->kind == YAML_SEQ ? (uint32_t)strtoul(c->key, NULL, 10) : 0;
	const struct yaml_node *v;

	while (y->kind == YAML_MAP && strcmp(y->pair[i].key->text, c->key))
		i++;
	v = y->kind == YAML_MAP ? y->pair[i].value : y->item[i];
	if (c->remove && y->style == YAML_FLOW)
		remove_flow(ed, t, y, i);
	else if (c->remove)
		remove_block(ed, y, i);
	else if (c->json || v->kind == YAML_SCALAR || !v->n)
		replace_value(ed, c, v);
	else
		edit_node(ed, c, v);
}

static void edit_node(struct editor *ed, const struct edit *t, const struct yaml_node *y)
{
	bool replaced = y->style == YAML_BLOCK && !survivors(t, y);

	for (const struct edit *c = t->child; c && !replaced; c = c->next)
		if (has_member(y, c->key))
			edit_child(ed, t, c, y);
	if (!new_members(t, y))
		return;
	if (y->style == YAML_FLOW)
		insert_flow(ed, t, y);
	else
		insert_block(ed, t, y);
}

/* ---- aliases */

static const struct yaml_node *find_original(const struct yaml_node *in, const struct yaml_node *of)
{
	const struct yaml_node *found = NULL;

	if (!in->aliased && in->start.off == of->start.off && in->kind == of->kind)
		return in;
	for (uint32_t i = 0; in->kind != YAML_SCALAR && i < in->n && !found; i++) {
		const struct yaml_node *v = in->kind == YAML_MAP ? in->pair[i].value : in->item[i];

		if (!v->aliased)
			found = find_original(v, of);
	}
	return found;
}

/* The pointer with every alias on its way replaced by its anchor's place; NULL: has none. */
static const char *own_pointer(struct editor *ed, const char *pointer)
{
	const struct yaml_node *y = ed->doc->root;
	const char *p = pointer;

	while (y && *p == '/') {
		size_t len = strcspn(p + 1, "/");
		struct ins_edit step = { .pointer = arena_strndup(ed->arena, p, len + 1) };
		const struct edit *t = edit_tree(ed->arena, &step, 1)->child;

		if (!has_member(y, t->key))
			return pointer;
		y = y->kind == YAML_MAP ? yaml_get(y, t->key) : y->item[strtoul(t->key, NULL, 10)];
		p += len + 1;
		if (y->aliased) {
			const struct yaml_node *own = find_original(ed->doc->root, y);
			struct buf b = { 0 };

			if (!own)
				return NULL;
			yaml_pointer(own, &b);
			buf_puts(&b, p);
			return own_pointer(ed, keep(ed, &b));
		}
	}
	return pointer;
}

/* ---- putting it together */

static int by_place(const void *a, const void *b)
{
	const struct splice *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	/* what is inserted at a place comes before what is removed there */
	if ((x->to == x->from) != (y->to == y->from))
		return x->to == x->from ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void put_text(struct editor *ed, struct buf *out)
{
	uint32_t at = ed->doc->start.off;

	if (ed->n)
		qsort(ed->splice, ed->n, sizeof(*ed->splice), by_place);
	for (size_t i = 0; i < ed->n; i++) {
		const struct splice *p = &ed->splice[i];

		if (p->from > at) {
			buf_append(out, ed->s->text + at, p->from - at);
			at = p->from;
		}
		buf_puts(out, p->text);
		if (p->to > at)
			at = p->to;
	}
	buf_append(out, ed->s->text + at, ed->doc->end - at);
}

size_t edit_text(struct arena *a, const struct yaml_stream *s, const struct yaml_doc *doc,
		 const struct ins_edit *edits, size_t n, struct buf *out)
{
	struct editor ed = { .arena = a, .s = s, .doc = doc };
	struct ins_edit *own = arena_alloc(a, n * sizeof(*own));
	const char *nl = memchr(s->text, '\n', s->len);
	struct edit *t;
	size_t kept = 0;

	ed.nl = nl && nl > s->text && nl[-1] == '\r' ? "\r\n" : "\n";
	for (size_t i = 0; i < n; i++) {
		const char *pointer = own_pointer(&ed, edits[i].pointer);

		if (!pointer) {
			ed.left_out++;
			continue;
		}
		own[kept] = edits[i];
		own[kept++].pointer = pointer;
	}
	t = edit_tree(a, own, kept);
	promote_removals(t, doc->root);
	edit_node(&ed, t, doc->root);
	put_text(&ed, out);
	free(ed.splice);
	return ed.left_out;
}
