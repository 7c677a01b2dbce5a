#include "rules/strings.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

static uint64_t mix(uint64_t h, uint64_t word)
{
	__uint128_t m = (__uint128_t)(h ^ word) * 0x9e3779b97f4a7c15u;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t strings_hash(struct ev_text t, uint64_t seed)
{
	uint64_t h = seed ^ (t.len * 0xd6e8feb86659fd93u), word;
	size_t i = 0;

	for (; i + 8 <= t.len; i += 8) {
		memcpy(&word, t.p + i, 8);
		h = mix(h, word);
	}
	word = 0;
	for (size_t k = 0; i + k < t.len; k++)
		word |= (uint64_t)(uint8_t)t.p[i + k] << (8 * k);
	return mix(h, word ^ 0xa0761d6478bd642fu);
}

static struct strings_entry *slot_for(struct strings_set *s, struct ev_text t, uint64_t h)
{
	uint32_t i = (uint32_t)h & s->mask;

	while (s->slots[i].text.p && !(s->slots[i].hash == h && s->slots[i].text.len == t.len &&
				       !memcmp(s->slots[i].text.p, t.p, t.len)))
		i = (i + 1) & s->mask;
	return &s->slots[i];
}

void strings_set_build(struct strings_set *s, struct arena *a, const struct strings_pattern *p,
		       size_t n, uint32_t bits)
{
	uint32_t slots = 4, rows = 0;

	while (slots < 2 * n + 1)
		slots *= 2;
	*s = (struct strings_set){ .mask = slots - 1, .words = (bits + 63) / 64 };
	s->slots = arena_alloc(a, slots * sizeof(*s->slots));
	s->rows = arena_alloc(a, (n * s->words + 1) * sizeof(*s->rows));
	for (size_t i = 0; i < n; i++) {
		uint64_t h = strings_hash(p[i].text, 0);
		struct strings_entry *e = slot_for(s, p[i].text, h);

		if (!e->text.p) {
			*e = (struct strings_entry){ h, p[i].text, rows };
			rows += s->words;
		}
		if (p[i].text.len > s->longest)
			s->longest = p[i].text.len;
		s->rows[e->row + p[i].bit / 64] |= UINT64_C(1) << (p[i].bit % 64);
	}
}

/* A trie while it is built: children as lists, bits by state. */
struct trie {
	struct trie_state {
		uint32_t child, sibling;
		uint32_t fail;
		uint8_t byte;
		bool out;
	} * v;
	size_t n, cap;
	uint64_t *bits; /* states * words */
	size_t bits_cap;
	uint32_t words;
};

static void trie_free(struct trie *t)
{
	free(t->v);
	free(t->bits);
}

static uint32_t trie_add(struct trie *t, uint8_t byte)
{
	struct trie_state *s = vec_push(t->v, t->n, t->cap);

	s->byte = byte;
	if (t->bits_cap < t->n * t->words) {
		size_t old = t->bits_cap;

		t->bits_cap = 2 * t->n * t->words;
		t->bits = xreallocarray(t->bits, t->bits_cap, sizeof(*t->bits));
		memset(t->bits + old, 0, (t->bits_cap - old) * sizeof(*t->bits));
	}
	return (uint32_t)t->n - 1;
}

static uint32_t trie_child(const struct trie *t, uint32_t s, uint8_t byte)
{
	for (uint32_t c = t->v[s].child; c; c = t->v[c].sibling)
		if (t->v[c].byte == byte)
			return c;
	return 0;
}

static uint8_t byte_at(const struct strings_pattern *p, size_t i, enum strings_place place,
		       bool fold)
{
	char c = p->text.p[place == STRINGS_SUFFIX ? p->text.len - 1 - i : i];

	return (uint8_t)(fold ? strings_lower(c) : c);
}

static bool trie_insert(struct trie *t, const struct strings_pattern *p, enum strings_place place,
			bool fold)
{
	uint32_t s = 0;

	for (size_t i = 0; i < p->text.len; i++) {
		uint8_t byte = byte_at(p, i, place, fold);
		uint32_t c = trie_child(t, s, byte);

		if (!c) {
			if (t->n >= STRINGS_STATES_MAX)
				return false;
			c = trie_add(t, byte);
			t->v[c].sibling = t->v[s].child;
			t->v[s].child = c;
		}
		s = c;
	}
	t->bits[s * t->words + p->bit / 64] |= UINT64_C(1) << (p->bit % 64);
	t->v[s].out = true;
	return true;
}

static void inherit(struct trie *t, uint32_t s)
{
	uint32_t f = t->v[s].fail;

	if (!t->v[f].out || !f)
		return;
	t->v[s].out = true;
	for (uint32_t w = 0; w < t->words; w++)
		t->bits[s * t->words + w] |= t->bits[f * t->words + w];
}

/* Breadth first, so that the shorter text that a state falls back to is complete before it. */
static void trie_link(struct trie *t)
{
	cleanup_free uint32_t *queue = xcalloc(t->n, sizeof(*queue));
	size_t head = 0, tail = 1;

	while (head < tail) {
		uint32_t s = queue[head++];

		for (uint32_t c = t->v[s].child; c; c = t->v[c].sibling) {
			uint32_t f = t->v[s].fail;

			while (f && !trie_child(t, f, t->v[c].byte))
				f = t->v[f].fail;
			t->v[c].fail = s ? trie_child(t, f, t->v[c].byte) : 0;
			inherit(t, c);
			queue[tail++] = c;
		}
	}
}

static uint32_t step(const struct trie *t, uint32_t s, uint8_t byte, bool part)
{
	uint32_t c = trie_child(t, s, byte);

	while (part && !c && s) {
		s = t->v[s].fail;
		c = trie_child(t, s, byte);
	}
	return c || part ? c : STRINGS_DEAD;
}

static void find_classes(struct strings_automaton *s, const struct trie *t, bool fold)
{
	s->classes = 1; /* class 0: bytes that are in no pattern */
	for (size_t i = 1; i < t->n; i++)
		if (!s->class[t->v[i].byte])
			s->class[t->v[i].byte] = (uint16_t)s->classes++;
	for (int c = 'A'; fold && c <= 'Z'; c++)
		s->class[c] = s->class[c | 32];
}

static void fill_next(struct strings_automaton *s, const struct trie *t)
{
	uint8_t sample[256] = { 0 };

	for (int b = 255; b >= 0; b--)
		if (s->class[b] && !(b >= 'A' && b <= 'Z' && s->class[b] == s->class[b | 32]))
			sample[s->class[b]] = (uint8_t)b;
	for (uint32_t i = 0; i < t->n; i++) {
		uint16_t *row = s->next + (size_t)i * s->classes;

		row[0] = s->place == STRINGS_PART ? 0 : STRINGS_DEAD;
		for (uint32_t c = 1; c < s->classes; c++)
			row[c] = (uint16_t)step(t, i, sample[c], s->place == STRINGS_PART);
	}
}

static void fill_rows(struct strings_automaton *s, struct arena *a, const struct trie *t)
{
	uint32_t used = s->words;
	size_t outs = 1;

	for (size_t i = 1; i < t->n; i++)
		outs += t->v[i].out;
	s->rows = arena_alloc(a, outs * s->words * sizeof(*s->rows));
	s->start = arena_alloc(a, s->words * sizeof(*s->start));
	memcpy(s->start, t->bits, s->words * sizeof(*s->start));
	for (size_t i = 1; i < t->n; i++) {
		if (!t->v[i].out)
			continue;
		s->row[i] = used;
		memcpy(s->rows + used, t->bits + i * s->words, s->words * sizeof(*s->rows));
		used += s->words;
	}
}

bool strings_automaton_build(struct strings_automaton *s, struct arena *a, enum strings_place place,
			     bool fold_case, const struct strings_pattern *p, size_t n,
			     uint32_t bits)
{
	cleanup(trie_free) struct trie t = { .words = (bits + 63) / 64 };

	trie_add(&t, 0);
	for (size_t i = 0; i < n; i++)
		if (!trie_insert(&t, &p[i], place, fold_case))
			return false;
	if (place == STRINGS_PART)
		trie_link(&t);
	*s = (struct strings_automaton){ .place = place, .words = t.words };
	find_classes(s, &t, fold_case);
	s->next = arena_alloc(a, t.n * s->classes * sizeof(*s->next));
	s->row = arena_alloc(a, t.n * sizeof(*s->row));
	fill_next(s, &t);
	fill_rows(s, a, &t);
	return true;
}

static void or_row(const struct strings_automaton *s, uint32_t state, uint64_t *out)
{
	const uint64_t *row = s->rows + s->row[state];

	for (uint32_t w = 0; w < s->words; w++)
		out[w] |= row[w];
}

void strings_automaton_run(const struct strings_automaton *s, struct ev_text t, uint64_t *out)
{
	uint32_t state = 0;
	const char *p = s->place == STRINGS_SUFFIX ? t.p + t.len - 1 : t.p;
	int dir = s->place == STRINGS_SUFFIX ? -1 : 1;

	for (uint32_t w = 0; w < s->words; w++)
		out[w] |= s->start[w];
	for (size_t i = 0; i < t.len; i++, p += dir) {
		state = s->next[state * s->classes + s->class[(uint8_t)*p]];
		if (state == STRINGS_DEAD)
			return;
		if (s->row[state])
			or_row(s, state, out);
	}
}

bool strings_contains_fold(struct ev_text t, struct ev_text part)
{
	if (!part.len)
		return true;
	for (size_t i = 0; i + part.len <= t.len; i++) {
		size_t k = 0;

		while (k < part.len && strings_lower(t.p[i + k]) == part.p[k])
			k++;
		if (k == part.len)
			return true;
	}
	return false;
}
