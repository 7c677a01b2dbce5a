/* What fuzz targets ask of an event. */
#ifndef FUZZ_FIELDS_H
#define FUZZ_FIELDS_H

#include "model/event_fields.h"

/* Reads every field without an argument; NULL has none. */
static inline void fuzz_read_fields(const struct event *ev)
{
	for (unsigned id = 0; ev && id < EV_FIELD_COUNT; id++) {
		const struct ev_field *field = ev_field_at(id);
		struct ev_ref ref = { .field = field, .kind = field->kind };
		struct ev_values v = { 0 };

		if (ev->ops->read(ev, &ref, &v))
			for (size_t i = 0; i < v.n; i++)
				(void)*(volatile const char *)&v.v[i];
	}
}

#endif
