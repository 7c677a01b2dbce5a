#include "rules/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Places that a key may be at, one behind the other. */
enum { WAYS = 8 };

struct entry {
	uint64_t key;
	uint64_t last;	 /* time of its last event; 0: empty */
	uint32_t n;	 /* events kept of a count */
	uint32_t oldest; /* in the ring of a count */
};

struct seen {
	uint64_t time, value;
};

struct window {
	enum window_kind kind;
	uint64_t within, min;
	size_t mask;
	struct entry *entries;
	/*
	 * `min` for each entry. Of a count: its events. Of a sequence, for each step: when the
	 * latest sequence begun that got so far; 0: none did.
	 */
	struct seen *rings;
	uint64_t evicted;
};

struct window *window_new(enum window_kind kind, uint64_t within, uint64_t min, size_t keys)
{
	struct window *w = xcalloc(1, sizeof(*w));
	size_t n = WAYS;

	while (n < keys)
		n *= 2;
	while (n > WAYS && n * min > WINDOW_EVENTS_MAX)
		n /= 2;
	w->kind = kind;
	w->within = within;
	w->min = min;
	w->mask = n - 1;
	w->entries = xcalloc(n, sizeof(*w->entries));
	w->rings = xcalloc(n * min, sizeof(*w->rings));
	return w;
}

void window_free(struct window *w)
{
	if (!w)
		return;
	free(w->entries);
	free(w->rings);
	free(w);
}

static bool is_over(const struct window *w, uint64_t then, uint64_t now)
{
	return now > then && now - then > w->within;
}

static struct seen *ring_of(const struct window *w, const struct entry *e)
{
	return w->rings + (size_t)(e - w->entries) * w->min;
}

/* The entry of the key; a new one (n 0) when `make`, in the place of the oldest if need be. */
static struct entry *entry_of(struct window *w, uint64_t key, uint64_t now, bool make)
{
	struct entry *victim = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct entry *e = &w->entries[(key + i) & w->mask];

		if (e->last && e->key == key)
			return e;
		if (!victim || e->last < victim->last)
			victim = e;
	}
	if (!make)
		return NULL;
	w->evicted += victim->last && !is_over(w, victim->last, now);
	*victim = (struct entry){ .key = key, .last = 1 };
	if (w->kind == WINDOW_SEQUENCE)
		memset(ring_of(w, victim), 0, w->min * sizeof(*w->rings));
	return victim;
}

/* The place of this value in the ring, or where a new one goes; *known says which. */
static struct seen *place_for(const struct window *w, struct entry *e, bool distinct,
			      uint64_t value, bool *known)
{
	struct seen *ring = ring_of(w, e), *oldest = ring;

	*known = false;
	if (!distinct) {
		oldest = ring + e->oldest;
		e->oldest = (uint32_t)((e->oldest + 1) % w->min);
		return oldest;
	}
	for (uint32_t i = 0; i < e->n; i++) {
		*known = ring[i].value == value;
		if (*known)
			return &ring[i];
		if (ring[i].time < oldest->time)
			oldest = &ring[i];
	}
	return e->n < w->min ? ring + e->n : oldest;
}

static bool all_in_time(const struct window *w, const struct entry *e, uint64_t now)
{
	const struct seen *ring = ring_of(w, e);

	if (e->n < w->min)
		return false;
	for (uint32_t i = 0; i < w->min; i++)
		if (is_over(w, ring[i].time, now))
			return false;
	return true;
}

bool window_count(struct window *w, uint64_t key, uint64_t now, bool distinct, uint64_t value)
{
	struct entry *e = entry_of(w, key, now, true);
	bool known;
	struct seen *s = place_for(w, e, distinct, value, &known);

	*s = (struct seen){ now, value };
	if (!known && e->n < w->min)
		e->n++;
	e->last = now ? now : 1;
	if (!all_in_time(w, e, now))
		return false;
	e->n = 0;
	e->oldest = 0;
	return true;
}

/*
 * Of all sequences that got to a step, the one that begun last has most time left: no other needs
 * to be remembered.
 */
void window_step(struct window *w, uint64_t key, uint64_t now, unsigned step)
{
	struct entry *e = entry_of(w, key, now, step == 0);
	uint64_t begun = now ? now : 1;
	struct seen *ring;

	if (!e)
		return;
	ring = ring_of(w, e);
	if (step)
		begun = ring[step - 1].time;
	if (!begun || is_over(w, begun, now))
		return;
	if (ring[step].time < begun)
		ring[step].time = begun;
	e->last = now ? now : 1;
}

bool window_last(struct window *w, uint64_t key, uint64_t now)
{
	struct entry *e = entry_of(w, key, now, false);
	uint64_t begun = e ? ring_of(w, e)[w->min - 1].time : 0;

	if (!begun || is_over(w, begun, now))
		return false;
	*e = (struct entry){ 0 };
	return true;
}

uint64_t window_evicted(const struct window *w)
{
	return w->evicted;
}
