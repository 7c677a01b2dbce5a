/*
 * Many strings against one: sets by hash, and automata that find all of a set of prefixes, endings
 * or parts in one walk. Both answer with bits: a pattern sets the bit that it was added with.
 */
#ifndef RULES_STRINGS_H
#define RULES_STRINGS_H

#include "base/arena.h"
#include "base/map.h"
#include "model/event.h"

/* 64 bits of a text, for tables in memory: the same only within one process. */
uint64_t strings_hash(struct ev_text t, uint64_t seed);

struct strings_entry {
	uint64_t hash;
	struct ev_text text;
	uint32_t row; /* of its bits in `rows`, in words */
};

/* Exact strings. Built by strings_set_build; read-only afterwards. */
struct strings_set {
	struct strings_entry *slots; /* open addressing; text.p NULL: empty */
	uint32_t mask;		     /* slots - 1 */
	uint32_t words;		     /* of a row */
	uint64_t *rows;
	size_t longest;
};

struct strings_pattern {
	struct ev_text text;
	uint32_t bit;
};

/* `bits`: one more than the highest bit. Texts are borrowed; the rest belongs to the arena. */
void strings_set_build(struct strings_set *s, struct arena *a, const struct strings_pattern *p,
		       size_t n, uint32_t bits);

/* The row of the text, or NULL when it is in no set. */
static inline const uint64_t *strings_set_find(const struct strings_set *s, struct ev_text t)
{
	uint64_t h;

	if (t.len > s->longest)
		return NULL;
	h = strings_hash(t, 0);
	for (uint32_t i = (uint32_t)h & s->mask; s->slots[i].text.p; i = (i + 1) & s->mask) {
		const struct strings_entry *e = &s->slots[i];

		if (e->hash == h && e->text.len == t.len &&
		    !__builtin_memcmp(e->text.p, t.p, t.len))
			return s->rows + e->row;
	}
	return NULL;
}

enum strings_place { STRINGS_PREFIX, STRINGS_SUFFIX, STRINGS_PART };

enum { STRINGS_STATES_MAX = 60000 };

/* Places of patterns. `next` has states * classes entries. */
struct strings_automaton {
	enum strings_place place;
	uint16_t class[256];
	uint32_t classes, words;
	uint16_t *next;	 /* STRINGS_DEAD: nothing can match any more */
	uint32_t *row;	 /* by state: of its bits in `rows` in words; 0: none */
	uint64_t *rows;	 /* the first row is empty */
	uint64_t *start; /* bits of empty patterns */
};

#define STRINGS_DEAD UINT16_MAX

/* False when the patterns need too many states; nothing is built then. */
bool strings_automaton_build(struct strings_automaton *s, struct arena *a, enum strings_place place,
			     bool fold_case, const struct strings_pattern *p, size_t n,
			     uint32_t bits);
/* Ors the bits of all patterns that stand there in the text into `out`. */
void strings_automaton_run(const struct strings_automaton *s, struct ev_text t, uint64_t *out);

/* The first place of `part`, which is in lower case, in `t` without regard to the case of ASCII. */
bool strings_contains_fold(struct ev_text t, struct ev_text part);

static inline char strings_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

#endif
