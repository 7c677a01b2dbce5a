#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/yaml_private.h"

enum { CHECKPOINT = 256, SMALL_MAP = 16 };

/* ---- places */

static size_t char_bytes(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static void make_checkpoints(struct builder *b)
{
	const char *t = b->part.text;
	size_t i = 0, n = 0;

	while (i < b->part.len && (unsigned char)t[i] < 0x80)
		i++;
	if (i == b->part.len)
		return;
	b->checkpoint = xcalloc(b->part.len / CHECKPOINT + 1, sizeof(*b->checkpoint));
	for (i = 0; i < b->part.len; i += char_bytes((unsigned char)t[i]), n++)
		if (n % CHECKPOINT == 0)
			b->checkpoint[n / CHECKPOINT] = (uint32_t)i;
}

/* libyaml counts characters; where the n-th begins. */
static uint32_t byte_of(const struct builder *b, size_t n)
{
	size_t i;

	if (!b->checkpoint)
		return (uint32_t)n;
	i = b->checkpoint[n / CHECKPOINT];
	for (n %= CHECKPOINT; n && i < b->part.len; n--)
		i += char_bytes((unsigned char)b->part.text[i]);
	return (uint32_t)(i < b->part.len ? i : b->part.len);
}

static struct yaml_mark mark_of(const struct builder *b, yaml_mark_t m)
{
	return (struct yaml_mark){ .line = b->part.line + (uint32_t)m.line + 1,
				   .col = (uint32_t)m.column + 1,
				   .off = b->part.off + byte_of(b, m.index) };
}

/* ---- errors */

__attribute__((format(printf, 3, 4))) static void *fail(struct builder *b, struct yaml_mark at,
							const char *fmt, ...)
{
	cleanup_free char *why = NULL;
	va_list ap;

	if (b->doc->error)
		return NULL;
	va_start(ap, fmt);
	if (vasprintf(&why, fmt, ap) < 0)
		mem_exhausted();
	va_end(ap);
	b->doc->error_at = at;
	b->doc->error = arena_printf(&b->s->arena, "%s:%u:%u: %s", b->s->name, at.line, at.col,
				     why);
	return NULL;
}

/* The reader has only an offset, in bytes. */
static struct yaml_mark mark_of_byte(const struct builder *b, size_t off)
{
	struct yaml_mark m = { .line = b->part.line + 1, .col = 1 };

	if (off > b->part.len)
		off = b->part.len;
	for (size_t i = 0; i < off; i++) {
		m.col += ((unsigned char)b->part.text[i] & 0xc0) != 0x80;
		if (b->part.text[i] == '\n') {
			m.line++;
			m.col = 1;
		}
	}
	m.off = b->part.off + (uint32_t)off;
	return m;
}

static void fail_syntax(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	const char *why = p->problem ? p->problem : "unknown error";
	bool related = p->context && p->context_mark.line != p->problem_mark.line;

	if (p->error == YAML_MEMORY_ERROR)
		mem_exhausted();
	if (p->error == YAML_READER_ERROR)
		fail(b, mark_of_byte(b, p->problem_offset), "not valid YAML: %s", why);
	else if (related)
		fail(b, mark_of(b, p->problem_mark), "not valid YAML: %s (%s from line %u)", why,
		     p->context, mark_of(b, p->context_mark).line);
	else if (p->context)
		fail(b, mark_of(b, p->problem_mark), "not valid YAML: %s (%s)", why, p->context);
	else
		fail(b, mark_of(b, p->problem_mark), "not valid YAML: %s", why);
}

static bool next_event(struct builder *b, yaml_event_t *ev)
{
	if (yaml_parser_parse(&b->parser, ev))
		return true;
	fail_syntax(b);
	return false;
}

/* ---- nodes */

struct yaml_node *yaml_new_node(struct builder *b, struct yaml_mark at)
{
	if (++b->s->nodes > YAML_MAX_NODES)
		return fail(b, at, "more than %d values in the stream", YAML_MAX_NODES);
	return arena_alloc(&b->s->arena, sizeof(struct yaml_node));
}

void yaml_push(struct builder *b, struct yaml_node *n)
{
	*vec_push(b->stack, b->stack_n, b->stack_cap) = n;
}

static void remember(struct builder *b, struct yaml_node *n, const yaml_char_t *anchor)
{
	if (!anchor)
		return;
	n->anchored = true;
	*map_at(&b->anchors, anchor, strlen((const char *)anchor)) = n;
}

static const char *keep_tag(struct builder *b, const yaml_char_t *tag)
{
	return tag && strcmp((const char *)tag, "!") ? arena_strdup(&b->s->arena, (const char *)tag)
						     : NULL;
}

static struct yaml_node *build_scalar(struct builder *b, const yaml_event_t *ev)
{
	static const uint8_t styles[] = {
		[YAML_PLAIN_SCALAR_STYLE] = YAML_PLAIN,
		[YAML_SINGLE_QUOTED_SCALAR_STYLE] = YAML_SINGLE,
		[YAML_DOUBLE_QUOTED_SCALAR_STYLE] = YAML_DOUBLE,
		[YAML_LITERAL_SCALAR_STYLE] = YAML_LITERAL,
		[YAML_FOLDED_SCALAR_STYLE] = YAML_FOLDED,
	};
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct yaml_node *n = yaml_new_node(b, mark_of(b, ev->start_mark));

	if (!n)
		return NULL;
	n->kind = YAML_SCALAR;
	n->style = styles[ev->data.scalar.style];
	n->text = arena_strndup(&b->s->arena, text, len);
	n->n = (uint32_t)len;
	n->tag = keep_tag(b, ev->data.scalar.tag);
	if (n->tag)
		n->type = (uint8_t)yaml_tag_type(n->tag);
	else if (n->style == YAML_PLAIN && !ev->data.scalar.tag)
		n->type = (uint8_t)yaml_plain_type(text, len);
	n->start = mark_of(b, ev->start_mark);
	n->end = mark_of(b, ev->end_mark);
	remember(b, n, ev->data.scalar.anchor);
	return n;
}

/* ---- aliases */

static struct yaml_node *copy_node(struct builder *b, const struct yaml_node *from,
				   struct yaml_mark alias);

static bool copy_children(struct builder *b, struct yaml_node *to, const struct yaml_node *from,
			  struct yaml_mark alias)
{
	if (from->kind == YAML_SEQ)
		to->item = arena_alloc(&b->s->arena, from->n * sizeof(*to->item));
	else
		to->pair = arena_alloc(&b->s->arena, from->n * sizeof(*to->pair));
	for (uint32_t i = 0; i < from->n; i++) {
		bool seq = from->kind == YAML_SEQ;
		struct yaml_node *v = copy_node(b, seq ? from->item[i] : from->pair[i].value,
						alias);

		if (!v)
			return false;
		v->up = to;
		v->idx = i;
		if (seq) {
			to->item[i] = v;
			continue;
		}
		v->key = from->pair[i].key;
		to->pair[i] = (struct yaml_pair){ from->pair[i].key, v, from->pair[i].merged };
	}
	return true;
}

static struct yaml_node *copy_node(struct builder *b, const struct yaml_node *from,
				   struct yaml_mark alias)
{
	struct yaml_node *to;

	if (++b->aliased > YAML_MAX_ALIASED)
		return fail(b, alias, "aliases expand to more than %d values", YAML_MAX_ALIASED);
	to = yaml_new_node(b, alias);
	if (!to)
		return NULL;
	*to = *from;
	to->aliased = true;
	to->up = to->key = NULL;
	to->idx = 0;
	return from->kind == YAML_SCALAR || copy_children(b, to, from, alias) ? to : NULL;
}

static struct yaml_node *build_alias(struct builder *b, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	void **slot = map_find(&b->anchors, name, strlen(name));
	struct yaml_mark at = mark_of(b, ev->start_mark);
	const struct yaml_node *n = slot ? *slot : NULL;

	if (!n)
		return fail(b, at, "the alias *%s has no anchor before it", name);
	if (!n->end.line)
		return fail(b, at, "the alias *%s stands within its own anchor", name);
	return copy_node(b, n, at);
}

/* ---- collections */

static struct yaml_node *build_node(struct builder *b, yaml_event_t *ev);

/* Values up to the end of the collection, on the stack from `base` on. */
static bool build_children(struct builder *b, yaml_event_type_t end, struct yaml_mark *end_mark)
{
	for (;;) {
		yaml_event_t ev;
		struct yaml_node *n;

		if (!next_event(b, &ev))
			return false;
		if (ev.type == end) {
			*end_mark = mark_of(b, ev.end_mark);
			yaml_event_delete(&ev);
			return true;
		}
		n = build_node(b, &ev);
		yaml_event_delete(&ev);
		if (!n)
			return false;
		yaml_push(b, n);
	}
}

static bool check_key(struct builder *b, struct map *seen, struct yaml_pair *pairs, size_t i)
{
	const struct yaml_node *key = pairs[i].key, *other = NULL;

	if (key->kind != YAML_SCALAR)
		return fail(b, key->start, "a key must be a scalar, found %s", yaml_word(key));
	if (i < SMALL_MAP) {
		for (size_t k = 0; k < i && !other; k++)
			if (pairs[k].key->n == key->n &&
			    !memcmp(pairs[k].key->text, key->text, key->n))
				other = pairs[k].key;
	} else {
		void **slot;

		for (size_t k = 0; i == SMALL_MAP && k < i; k++)
			*map_at(seen, pairs[k].key->text, pairs[k].key->n) = pairs[k].key;
		slot = map_at(seen, key->text, key->n);
		other = *slot;
		*slot = pairs[i].key;
	}
	if (other)
		return fail(b, key->start,
			    "the key \"%.100s\" is there already, in line %u, column %u", key->text,
			    other->start.line, other->start.col);
	return true;
}

static bool is_merge(const struct yaml_node *key)
{
	return key->kind == YAML_SCALAR && key->style == YAML_PLAIN && !key->tag && key->n == 2 &&
	       !memcmp(key->text, "<<", 2);
}

/*
 * Moves to the map what the other has and it has not; `seen` has its keys. The other is the value
 * of
 * "<<", a copy or a map written there: nobody else needs its members.
 */
static bool merge_one(struct builder *b, struct yaml_node *map, const struct yaml_node *from,
		      struct map *seen, size_t *cap)
{
	if (from->kind != YAML_MAP)
		return fail(b, from->start, "a merge key (<<) takes a map or maps, found %s",
			    yaml_word(from));
	if (map->n + from->n > *cap) {
		struct yaml_pair *wider;

		*cap = (size_t)(map->n + from->n) * 2;
		wider = arena_alloc(&b->s->arena, *cap * sizeof(*wider));
		memcpy(wider, map->pair, map->n * sizeof(*wider));
		map->pair = wider;
	}
	for (uint32_t i = 0; i < from->n; i++) {
		struct yaml_node *key = from->pair[i].key, *v = from->pair[i].value;
		void **slot = map_at(seen, key->text, key->n);

		if (*slot)
			continue;
		*slot = v;
		v->up = map;
		v->key = key;
		v->idx = map->n;
		map->pair[map->n++] = (struct yaml_pair){ key, v, true };
	}
	return true;
}

static bool merge(struct builder *b, struct yaml_node *map, const struct yaml_node *value,
		  struct map *seen)
{
	size_t cap = map->n;

	for (uint32_t i = 0; i < map->n; i++)
		*map_at(seen, map->pair[i].key->text, map->pair[i].key->n) = map->pair[i].key;
	if (value->kind != YAML_SEQ)
		return merge_one(b, map, value, seen, &cap);
	for (uint32_t i = 0; i < value->n; i++)
		if (!merge_one(b, map, value->item[i], seen, &cap))
			return false;
	return true;
}

/* The children on the stack from `base` on are keys and values. */
bool yaml_fill_map(struct builder *b, struct yaml_node *n, size_t base)
{
	const struct yaml_node *merged = NULL;
	struct map seen = { 0 };
	size_t pairs = (b->stack_n - base) / 2;
	bool good = true;

	n->pair = arena_alloc(&b->s->arena, pairs * sizeof(*n->pair));
	for (size_t i = 0; i < pairs && good; i++) {
		struct yaml_node **v = &b->stack[base + 2 * i];

		if (!merged && is_merge(v[0])) {
			merged = v[1];
			continue;
		}
		n->pair[n->n] = (struct yaml_pair){ v[0], v[1], false };
		v[0]->up = v[1]->up = n;
		v[0]->key = v[1]->key = v[0];
		v[0]->idx = v[1]->idx = n->n;
		good = check_key(b, &seen, n->pair, n->n++);
	}
	good = good && (!merged || merge(b, n, merged, &seen));
	map_free(&seen);
	return good;
}

void yaml_fill_seq(struct builder *b, struct yaml_node *n, size_t base)
{
	n->n = (uint32_t)(b->stack_n - base);
	n->item = arena_alloc(&b->s->arena, n->n * sizeof(*n->item));
	for (uint32_t i = 0; i < n->n; i++) {
		n->item[i] = b->stack[base + i];
		n->item[i]->up = n;
		n->item[i]->idx = i;
	}
}

static struct yaml_node *build_collection(struct builder *b, const yaml_event_t *ev)
{
	bool map = ev->type == YAML_MAPPING_START_EVENT;
	struct yaml_node *n = yaml_new_node(b, mark_of(b, ev->start_mark));
	size_t base = b->stack_n;
	struct yaml_mark end;

	if (!n)
		return NULL;
	n->kind = map ? YAML_MAP : YAML_SEQ;
	n->start = mark_of(b, ev->start_mark);
	if (map) {
		n->style = ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE ? YAML_FLOW
										   : YAML_BLOCK;
		n->tag = keep_tag(b, ev->data.mapping_start.tag);
		remember(b, n, ev->data.mapping_start.anchor);
	} else {
		n->style = ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE ? YAML_FLOW
										     : YAML_BLOCK;
		n->tag = keep_tag(b, ev->data.sequence_start.tag);
		remember(b, n, ev->data.sequence_start.anchor);
	}
	if (!build_children(b, map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, &end))
		return NULL;
	if (!map)
		yaml_fill_seq(b, n, base);
	else if (!yaml_fill_map(b, n, base))
		return NULL;
	n->end = end;
	b->stack_n = base;
	return n;
}

static struct yaml_node *build_node(struct builder *b, yaml_event_t *ev)
{
	struct yaml_node *n;

	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return build_scalar(b, ev);
	case YAML_ALIAS_EVENT:
		return build_alias(b, ev);
	default:
		if (b->depth == YAML_MAX_DEPTH)
			return fail(b, mark_of(b, ev->start_mark), "nested deeper than %d levels",
				    YAML_MAX_DEPTH);
		b->depth++;
		n = build_collection(b, ev);
		b->depth--;
		return n;
	}
}

/* ---- documents */

static bool is_empty(const struct yaml_node *n)
{
	return n->kind == YAML_SCALAR && n->style == YAML_PLAIN && !n->n && !n->tag;
}

/* From one document's start; false when the parser cannot go on. */
static bool build_document(struct builder *b, struct yaml_mark start)
{
	struct yaml_doc doc = { .start = start, .end = b->part.off + (uint32_t)b->part.len };
	struct yaml_node *root = NULL;
	yaml_event_t ev;

	b->doc = &doc;
	if (next_event(b, &ev)) {
		root = build_node(b, &ev);
		yaml_event_delete(&ev);
	}
	if (root && next_event(b, &ev))
		yaml_event_delete(&ev); /* the document's end */
	else
		root = NULL;
	doc.root = doc.error ? NULL : root;
	if (doc.error || !is_empty(root))
		*vec_push(b->s->doc, b->s->docs_n, b->s->docs_cap) = doc;
	return !doc.error;
}

static void build_part(struct builder *b)
{
	struct yaml_doc none = { .start = { b->part.line + 1, 1, b->part.off },
				 .end = b->part.off + (uint32_t)b->part.len };
	bool more = true;

	while (more) {
		yaml_event_t ev;

		b->doc = &none;
		b->stack_n = b->depth = 0;
		b->aliased = 0;
		map_free(&b->anchors);
		if (!next_event(b, &ev)) {
			*vec_push(b->s->doc, b->s->docs_n, b->s->docs_cap) = none;
			return;
		}
		if (ev.type == YAML_DOCUMENT_START_EVENT)
			more = build_document(b, mark_of(b, ev.start_mark));
		else
			more = ev.type == YAML_STREAM_START_EVENT;
		yaml_event_delete(&ev);
	}
}

/* Most JSON is read without libyaml, which does not know pairs of surrogates. */
static bool parse_json(struct builder *b)
{
	struct yaml_doc doc = { .end = b->part.off + (uint32_t)b->part.len };
	size_t nodes = b->s->nodes;

	b->doc = &doc;
	doc.root = yaml_read_json(b);
	b->stack_n = b->depth = 0;
	if (!doc.root && !doc.error) {
		b->s->nodes = nodes;
		return false;
	}
	if (doc.root)
		doc.start = doc.root->start;
	*vec_push(b->s->doc, b->s->docs_n, b->s->docs_cap) = doc;
	return true;
}

static void parse_part(struct yaml_stream *s, const struct part *part)
{
	struct builder b = { .s = s, .part = *part };

	if (parse_json(&b)) {
		free(b.stack);
		return;
	}
	if (!yaml_parser_initialize(&b.parser))
		mem_exhausted();
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)part->text, part->len);
	make_checkpoints(&b);
	build_part(&b);
	yaml_parser_delete(&b.parser);
	free(b.checkpoint);
	free(b.stack);
	map_free(&b.anchors);
}

/* Whether the line is this marker, alone or followed by a blank. */
static bool is_marker(const char *line, const char *end, const char *marker)
{
	return end - line >= 3 && !memcmp(line, marker, 3) &&
	       (end - line == 3 || strchr(" \t\r\n", line[3]));
}

/* Moves `part` on to the next part; false at the end. */
static bool next_part(const struct yaml_stream *s, struct part *part)
{
	const char *all_end = s->text + s->len, *p = part->text + part->len, *from = p;
	bool content = false, directives = false, last = false;
	uint32_t line = part->line;

	for (const char *q = part->text; (q = memchr(q, '\n', (size_t)(p - q))); q++)
		line++;
	if (p == all_end)
		return false;
	while (p < all_end && !last) {
		const char *nl = memchr(p, '\n', (size_t)(all_end - p));
		const char *end = nl ? nl + 1 : all_end;

		/* Directives belong to the document behind them. */
		if (is_marker(p, end, "---") && (content || !directives) && p > from)
			break;
		if (is_marker(p, end, "---"))
			content = true;
		else if (*p == '%' && !content)
			directives = true;
		else if (!strchr("#\r\n", *p))
			content = true;
		last = is_marker(p, end, "...");
		p = end;
	}
	*part = (struct part){ from, (size_t)(p - from), (uint32_t)(from - s->text), line };
	return true;
}

static int parse_text(struct yaml_stream *s, struct err *e)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct part part = { .text = s->text };
	const char *nul = memchr(s->text, '\0', s->len);

	if (s->len >= 2 && (!memcmp(s->text, "\xff\xfe", 2) || !memcmp(s->text, "\xfe\xff", 2)))
		return err_set(e, EINVAL, "%s:1:1: the text is UTF-16, expected UTF-8", s->name);
	if (nul)
		return err_set(e, EINVAL, "%s: binary, neither YAML nor JSON (NUL at byte %zu)",
			       s->name, (size_t)(nul - s->text));
	if (s->len >= 3 && !memcmp(s->text, bom, 3))
		part.text += 3;
	while (next_part(s, &part))
		parse_part(s, &part);
	return 0;
}

/* Takes `text` over. */
static int parse_owned(struct yaml_stream *s, const char *name, char *text, size_t len,
		       struct err *e)
{
	struct yaml_stream out = { .name = xstrdup(name), .text = text, .len = len };
	int r = len < UINT32_MAX ? parse_text(&out, e)
				 : err_set(e, EFBIG, "%s: larger than 4 GiB", name);

	if (r < 0)
		yaml_stream_free(&out);
	else
		*s = out;
	return r;
}

int yaml_parse(struct yaml_stream *s, const char *name, const char *text, size_t len, struct err *e)
{
	char *copy = xcalloc(1, len + 1);

	if (len)
		memcpy(copy, text, len);
	return parse_owned(s, name, copy, len, e);
}

int yaml_load(struct yaml_stream *s, const char *path, size_t max, struct err *e)
{
	cleanup_buf struct buf b = { .max = max + 2 };
	size_t len;
	int r = io_read_file(path, max, &b, e);

	if (r < 0)
		return r;
	len = b.len;
	return parse_owned(s, strcmp(path, "-") ? path : "standard input", buf_take(&b), len, e);
}

void yaml_stream_free(struct yaml_stream *s)
{
	arena_free(&s->arena);
	free(s->name);
	free(s->text);
	free(s->doc);
	*s = (struct yaml_stream){ 0 };
}
