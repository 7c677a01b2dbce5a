/*
 * Counting and sequences: state by key, bounded. Every table has its size from the start; a new
 * key in a full table takes the place of the one that was longest without an event.
 */
#ifndef RULES_WINDOW_H
#define RULES_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum window_kind { WINDOW_COUNT, WINDOW_SEQUENCE };

enum {
	WINDOW_MIN_MAX = 1024,
	WINDOW_STEPS_MAX = 8,
	WINDOW_EVENTS_MAX = 1 << 20, /* of all keys: 16 MiB; a count of many has fewer keys */
};

struct window;

/*
 * `min`: events of a count, at most WINDOW_MIN_MAX; steps before the last of a sequence, at most
 * WINDOW_STEPS_MAX. `within`: ns. `seed`: of the hashes that are given.
 */
struct window *window_new(enum window_kind kind, uint64_t within, uint64_t min, size_t keys);
void window_free(struct window *w);

/*
 * An event of a count: whether there were `min` of them (with `distinct`: of different values)
 * within the time, this one included. The count of the key begins anew then.
 */
bool window_count(struct window *w, uint64_t key, uint64_t now, bool distinct, uint64_t value);

/*
 * The event is the step (0 first): a sequence that got to the step before, in time, goes on. Steps
 * may be repeated and begin again at any time; that never makes a sequence fail which is there.
 */
void window_step(struct window *w, uint64_t key, uint64_t now, unsigned step);
/* The last event of a sequence: whether all steps came before, in time. The key begins anew. */
bool window_last(struct window *w, uint64_t key, uint64_t now);

uint64_t window_evicted(const struct window *w);

#endif
