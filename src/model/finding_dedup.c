#include "model/finding_dedup.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { WAYS = 8, KEY_PART = 32 /* digits of the key: 128 bits */ };

struct entry {
	char key[KEY_PART];
	uint64_t first; /* 0: free */
	unsigned n;	/* of a group: its findings since then */
};

struct table {
	size_t buckets; /* a power of two */
	struct entry *entries;
};

struct finding_dedup {
	uint64_t window;
	unsigned distinct;
	struct table keys, groups;
};

static void table_new(struct table *t, size_t entries)
{
	t->buckets = 1;
	while (t->buckets * WAYS < entries)
		t->buckets *= 2;
	t->entries = xcalloc(t->buckets * WAYS, sizeof(*t->entries));
}

struct finding_dedup *finding_dedup_new(uint64_t window, size_t entries, unsigned distinct)
{
	struct finding_dedup *d = xcalloc(1, sizeof(*d));

	d->window = window;
	d->distinct = distinct;
	table_new(&d->keys, entries);
	table_new(&d->groups, entries / 4);
	return d;
}

void finding_dedup_free(struct finding_dedup *d)
{
	if (!d)
		return;
	free(d->keys.entries);
	free(d->groups.entries);
	free(d);
}

/* The digits behind those that are kept choose the bucket. */
static struct entry *bucket_of(const struct table *t, const char *key)
{
	char part[17] = { 0 };

	memcpy(part, key + KEY_PART, 16);
	return t->entries + (strtoull(part, NULL, 16) & (t->buckets - 1)) * WAYS;
}

static bool holds(const struct entry *n, const char *key)
{
	return n->first && !memcmp(n->key, key, KEY_PART);
}

/* The key's entry, or the one to be used for it. */
static struct entry *find(const struct table *t, const char *key)
{
	struct entry *b = bucket_of(t, key), *oldest = b;

	for (size_t i = 0; i < WAYS; i++) {
		if (holds(&b[i], key))
			return &b[i];
		if (b[i].first < oldest->first)
			oldest = &b[i];
	}
	return oldest;
}

/*
 * Whether the time is in the window of the key's entry. Long before the first one: the clock was
 * set back, and nobody was told for this time.
 */
static bool in_window(const struct finding_dedup *d, const struct entry *n, const char *key,
		      uint64_t time)
{
	uint64_t apart = time > n->first ? time - n->first : n->first - time;

	return holds(n, key) && apart < d->window;
}

static void begin(struct entry *n, const char *key, uint64_t time)
{
	memcpy(n->key, key, KEY_PART);
	n->first = time;
	n->n = 0;
}

/* Counts one more of its group; how many there were before in this window. */
static unsigned count(struct finding_dedup *d, const struct finding *f, uint64_t time)
{
	char key[FINDING_KEY + 1];
	struct entry *n;

	finding_group_key(f, key);
	n = find(&d->groups, key);
	if (!in_window(d, n, key, time))
		begin(n, key, time);
	return n->n < UINT_MAX ? n->n++ : n->n;
}

/* Whether this new one is more than are told of its group. */
static bool is_one_too_many(struct finding_dedup *d, const struct finding *f, uint64_t time)
{
	unsigned distinct = f->has_distinct ? f->distinct : d->distinct;

	return distinct && !f->apart && !f->further && count(d, f, time) >= distinct;
}

bool finding_dedup_add(struct finding_dedup *d, struct finding *f)
{
	struct entry *n = find(&d->keys, f->key);
	bool repeats = in_window(d, n, f->key, f->last_seen);

	if (!repeats && is_one_too_many(d, f, f->last_seen)) {
		finding_set_further(f);
		n = find(&d->keys, f->key);
		repeats = in_window(d, n, f->key, f->last_seen);
	}
	if (!repeats)
		begin(n, f->key, f->last_seen);
	f->first_seen = n->first;
	finding_set_id(f);
	return !repeats;
}

void finding_dedup_known(struct finding_dedup *d, const struct finding *f)
{
	struct entry *n = find(&d->keys, f->key);

	if (n->first >= f->first_seen)
		return;
	begin(n, f->key, f->first_seen);
	if (!f->apart && !f->further)
		count(d, f, f->first_seen);
}
