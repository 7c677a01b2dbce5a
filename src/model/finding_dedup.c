#include "model/finding_dedup.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { WAYS = 8, KEY_PART = 32 /* digits of the key: 128 bits */ };

struct entry {
	char key[KEY_PART];
	uint64_t first; /* 0: free */
};

struct finding_dedup {
	uint64_t window;
	size_t buckets; /* a power of two */
	struct entry *entries;
};

struct finding_dedup *finding_dedup_new(uint64_t window, size_t entries)
{
	struct finding_dedup *d = xcalloc(1, sizeof(*d));

	d->window = window;
	d->buckets = 1;
	while (d->buckets * WAYS < entries)
		d->buckets *= 2;
	d->entries = xcalloc(d->buckets * WAYS, sizeof(*d->entries));
	return d;
}

void finding_dedup_free(struct finding_dedup *d)
{
	if (!d)
		return;
	free(d->entries);
	free(d);
}

/* The digits behind those that are kept choose the bucket. */
static struct entry *bucket_of(struct finding_dedup *d, const char *key)
{
	char part[17] = { 0 };

	memcpy(part, key + KEY_PART, 16);
	return d->entries + (strtoull(part, NULL, 16) & (d->buckets - 1)) * WAYS;
}

/* The key's entry, or the one to be used for it. */
static struct entry *find(struct finding_dedup *d, const char *key)
{
	struct entry *b = bucket_of(d, key), *oldest = b;

	for (size_t i = 0; i < WAYS; i++) {
		if (b[i].first && !memcmp(b[i].key, key, KEY_PART))
			return &b[i];
		if (b[i].first < oldest->first)
			oldest = &b[i];
	}
	return oldest;
}

static bool holds(const struct entry *n, const char *key)
{
	return n->first && !memcmp(n->key, key, KEY_PART);
}

bool finding_dedup_add(struct finding_dedup *d, struct finding *f)
{
	struct entry *n = find(d, f->key);
	/* Long before the first one: the clock was set back, and nobody was told for this time. */
	bool repeats = holds(n, f->key) && f->last_seen < n->first + d->window &&
		       f->last_seen + d->window > n->first;

	if (!repeats) {
		memcpy(n->key, f->key, KEY_PART);
		n->first = f->last_seen;
	}
	f->first_seen = n->first;
	finding_set_id(f);
	return !repeats;
}

void finding_dedup_known(struct finding_dedup *d, const char *key, uint64_t first_seen)
{
	struct entry *n = find(d, key);

	if (n->first >= first_seen)
		return;
	memcpy(n->key, key, KEY_PART);
	n->first = first_seen;
}
