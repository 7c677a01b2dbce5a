#include "sensor/watch_texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NUL, OTHER, FIRST_CLASS, NONE = 0xffff, ROOT = 0, START = 1 };

struct node {
	uint64_t found, whole;
	uint16_t child[WATCH_CLASSES];
	uint16_t floating; /* of an anchored node: where the same text ends among the floating */
	bool anchored;
};

struct watch_texts_builder {
	struct node *nodes; /* WATCH_STATES */
	size_t n;
	uint8_t class[256];
	unsigned classes;
};

static uint16_t new_node(struct watch_texts_builder *b, bool anchored)
{
	struct node *x = &b->nodes[b->n];

	memset(x->child, 0xff, sizeof(x->child));
	x->anchored = anchored;
	return (uint16_t)b->n++;
}

struct watch_texts_builder *watch_texts_new(void)
{
	struct watch_texts_builder *b = xcalloc(1, sizeof(*b));

	b->nodes = xcalloc(WATCH_STATES, sizeof(*b->nodes));
	b->classes = FIRST_CLASS;
	memset(b->class, OTHER, sizeof(b->class));
	b->class[0] = NUL;
	new_node(b, false);
	new_node(b, true);
	return b;
}

void watch_texts_free(struct watch_texts_builder *b)
{
	if (!b)
		return;
	free(b->nodes);
	free(b);
}

/* How many kinds of bytes the text adds. */
static unsigned new_classes(const struct watch_texts_builder *b, const char *text, size_t len)
{
	bool seen[256] = { 0 };
	unsigned n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		n += b->class[c] == OTHER && !seen[c];
		seen[c] = true;
	}
	return n;
}

static bool add(struct watch_texts_builder *b, enum watch_place place, const char *text, size_t len,
		uint64_t bits)
{
	bool anchored = place == WATCH_AT_WHOLE || place == WATCH_AT_PREFIX;
	uint16_t at = anchored ? START : ROOT;

	if (!len || memchr(text, 0, len) || b->n + len > WATCH_STATES ||
	    b->classes + new_classes(b, text, len) > WATCH_CLASSES)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t *class = &b->class[(unsigned char)text[i]];

		if (*class == OTHER)
			*class = (uint8_t)b->classes++;
		if (b->nodes[at].child[*class] == NONE) {
			uint16_t made = new_node(b, anchored);

			b->nodes[at].child[*class] = made;
		}
		at = b->nodes[at].child[*class];
	}
	if (place == WATCH_AT_PREFIX || place == WATCH_AT_PART)
		b->nodes[at].found |= bits;
	else
		b->nodes[at].whole |= bits;
	return true;
}

/* The same with a slash before or behind it. */
static bool add_with_slash(struct watch_texts_builder *b, enum watch_place place, bool before,
			   const char *text, size_t len, uint64_t bits)
{
	char *s = xcalloc(1, len + 1);
	bool r;

	s[before ? 0 : len] = '/';
	memcpy(s + before, text, len);
	r = add(b, place, s, len + 1, bits);
	free(s);
	return r;
}

bool watch_texts_add(struct watch_texts_builder *b, enum watch_place place, const char *text,
		     size_t len, uint64_t bits)
{
	if (place == WATCH_AT_LAST)
		return add_with_slash(b, WATCH_AT_SUFFIX, true, text, len, bits);
	if (place != WATCH_AT_INSIDE)
		return add(b, place, text, len, bits);
	if (len && text[len - 1] == '/')
		return add(b, WATCH_AT_PREFIX, text, len, bits);
	return add(b, WATCH_AT_WHOLE, text, len, bits) &&
	       add_with_slash(b, WATCH_AT_PREFIX, false, text, len, bits);
}

static void inherit(struct node *x, const struct node *from)
{
	x->found |= from->found;
	x->whole |= from->whole;
}

/* The floating nodes from the root down: where there is no child, that of the longest ending. */
static void close_floating(struct watch_texts_builder *b, uint16_t *queue)
{
	size_t first = 0, last = 0;

	queue[last++] = ROOT;
	while (first < last) {
		uint16_t at = queue[first++];
		struct node *x = &b->nodes[at];

		for (unsigned c = OTHER; c < WATCH_CLASSES; c++) {
			/* `floating` is here the node of the longest ending that is another one. */
			uint16_t back = at == ROOT ? ROOT : b->nodes[x->floating].child[c];
			uint16_t child = x->child[c];

			if (child == NONE) {
				x->child[c] = back;
				continue;
			}
			b->nodes[child].floating = back;
			inherit(&b->nodes[child], &b->nodes[back]);
			queue[last++] = child;
		}
	}
}

/* The anchored nodes: where there is no child, the text goes on among the floating. */
static void close_anchored(struct watch_texts_builder *b, uint16_t *queue)
{
	size_t first = 0, last = 0;

	b->nodes[START].floating = ROOT;
	queue[last++] = START;
	while (first < last) {
		struct node *x = &b->nodes[queue[first++]];

		for (unsigned c = OTHER; c < WATCH_CLASSES; c++) {
			uint16_t floating = b->nodes[x->floating].child[c], child = x->child[c];

			if (child == NONE) {
				x->child[c] = floating;
				continue;
			}
			b->nodes[child].floating = floating;
			inherit(&b->nodes[child], &b->nodes[floating]);
			queue[last++] = child;
		}
	}
}

void watch_texts_build(struct watch_texts_builder *b, struct watch_texts *out)
{
	uint16_t *queue = xcalloc(WATCH_STATES, sizeof(*queue));

	close_floating(b, queue);
	close_anchored(b, queue);
	free(queue);
	memcpy(out->class, b->class, sizeof(out->class));
	for (size_t i = 0; i < b->n; i++) {
		const struct node *x = &b->nodes[i];

		out->found[i] = x->found;
		out->whole[i] = x->whole;
		out->next[i * WATCH_CLASSES + NUL] = (uint16_t)(i * WATCH_CLASSES);
		for (unsigned c = OTHER; c < WATCH_CLASSES; c++)
			out->next[i * WATCH_CLASSES + c] = (uint16_t)(x->child[c] * WATCH_CLASSES);
	}
	out->start = START * WATCH_CLASSES;
	out->used = b->n > START + 1;
}
