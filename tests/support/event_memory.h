/*
 * Events made of field names and texts, in memory: for tests and benchmarks. A field that was not
 * set has no value.
 */
#ifndef TESTS_EVENT_MEMORY_H
#define TESTS_EVENT_MEMORY_H

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "model/event_fields.h"

struct ev_memory_entry {
	struct ev_ref ref;
	struct ev_value *v;
	size_t n, cap;
};

struct ev_memory {
	struct event ev; /* to be given to whoever wants an event; ev.ops is set by init */
	struct ev_fields fields;
	struct arena arena;
	struct ev_memory_entry *entries;
	size_t entries_n, entries_cap;
	uint16_t by_id[EV_FIELD_COUNT]; /* entry + 1 of fields without an argument */
};

/* `fields`: further tables, or NULL. -EINVAL for an unknown type. */
int ev_memory_init(struct ev_memory *m, const char *type, const struct ev_fields *fields,
		   struct err *e);
void ev_memory_free(struct ev_memory *m);
#define cleanup_ev_memory cleanup(ev_memory_free)

/*
 * Adds a value to a field ("proc.aname[2]", "evt.arg.flags"): its first one, or one more of a list,
 * of ancestors, of both ends. text NULL: the field is there with no value (an empty list).
 */
int ev_memory_add(struct ev_memory *m, const char *field, const char *text, struct err *e);
/* The same for bytes. */
int ev_memory_add_bytes(struct ev_memory *m, const char *field, struct ev_text bytes,
			struct err *e);

#endif
