/* Hash map from byte keys to pointers. Keys are copied; values belong to the caller. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>

struct map_slot;

struct map {
	struct map_slot *slots;
	size_t n, cap;
};

/* The value slot of the key, or NULL when the key is absent. */
void **map_find(const struct map *m, const void *key, size_t len);
/* The value slot of the key; a new key starts with NULL. Valid until the next map_at. */
void **map_at(struct map *m, const void *key, size_t len);
void map_free(struct map *m);

#endif
