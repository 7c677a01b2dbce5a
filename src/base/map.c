#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct map_slot {
	uint64_t hash;
	void *key; /* NULL: free slot */
	size_t len;
	void *value;
};

/* FNV-1a, 64 bit (RFC draft-eastlake-fnv, offset basis and prime). */
static uint64_t hash_bytes(const void *key, size_t len)
{
	const unsigned char *p = key;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h ^ (h >> 29);
}

static struct map_slot *probe(struct map_slot *slots, size_t cap, uint64_t h, const void *key,
			      size_t len)
{
	size_t i = h & (cap - 1);

	while (slots[i].key &&
	       (slots[i].hash != h || slots[i].len != len || memcmp(slots[i].key, key, len)))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

static void grow(struct map *m)
{
	size_t cap = m->cap ? m->cap * 2 : 16;
	struct map_slot *slots = xcalloc(cap, sizeof(*slots));

	for (size_t i = 0; i < m->cap; i++) {
		struct map_slot *s = &m->slots[i];

		if (s->key)
			*probe(slots, cap, s->hash, s->key, s->len) = *s;
	}
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
}

void **map_find(const struct map *m, const void *key, size_t len)
{
	struct map_slot *s;

	if (!m->n)
		return NULL;
	s = probe(m->slots, m->cap, hash_bytes(key, len), key, len);
	return s->key ? &s->value : NULL;
}

void **map_at(struct map *m, const void *key, size_t len)
{
	uint64_t h = hash_bytes(key, len);
	struct map_slot *s;

	if ((m->n + 1) * 4 > m->cap * 3)
		grow(m);
	s = probe(m->slots, m->cap, h, key, len);
	if (!s->key) {
		s->key = xcalloc(1, len ? len : 1);
		if (len)
			memcpy(s->key, key, len);
		s->len = len;
		s->hash = h;
		m->n++;
	}
	return &s->value;
}

void map_free(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	*m = (struct map){ 0 };
}
