#include "app/watch_cut.h"

#include <string.h>

#include "model/event.h"
#include "sensor/watch_texts.h"

struct watch_text watch_cut_none(const struct rules_need_text *t)
{
	static const enum watch_subject subjects[] = {
		[NEED_PATH] = WATCH_S_PATH,
		[NEED_RAW_PATH] = WATCH_S_RAW,
		[NEED_COMM] = WATCH_S_COMM,
		[NEED_GIVEN] = WATCH_S_RAW,
	};
	static const enum watch_place places[] = {
		[NEED_WHOLE] = WATCH_AT_WHOLE,	 [NEED_PREFIX] = WATCH_AT_PREFIX,
		[NEED_SUFFIX] = WATCH_AT_SUFFIX, [NEED_PART] = WATCH_AT_PART,
		[NEED_INSIDE] = WATCH_AT_INSIDE, [NEED_LAST] = WATCH_AT_LAST,
	};

	return (struct watch_text){ t->text, subjects[t->subject], places[t->place] };
}

struct watch_text watch_cut(const struct watch_text *t, size_t limit, char *room)
{
	size_t len = strlen(t->text);
	struct watch_text cut = *t;

	if (len <= limit || limit > WATCH_CUT_LONGEST)
		return cut;
	switch (t->place) {
	case WATCH_AT_WHOLE:
	case WATCH_AT_PREFIX:
	case WATCH_AT_INSIDE:
		memcpy(room, t->text, limit);
		room[limit] = '\0';
		cut.text = room;
		cut.place = WATCH_AT_PREFIX;
		break;
	case WATCH_AT_SUFFIX:
	case WATCH_AT_LAST:
		cut.text = t->text + len - limit;
		cut.place = WATCH_AT_SUFFIX;
		break;
	case WATCH_AT_PART:
		cut.text = t->text + len - limit;
		break;
	}
	return cut;
}

static bool group_fits(struct watch_texts_builder *b, const struct rules_need_group *g,
		       size_t limit)
{
	char room[WATCH_CUT_LONGEST + 1];

	for (size_t i = 0; i < g->n; i++) {
		struct watch_text t = watch_cut_none(&g->v[i]);

		t = watch_cut(&t, limit, room);
		if (!watch_texts_add(b, t.place, t.text, strlen(t.text), 1))
			return false;
	}
	return true;
}

static bool all_fit(const struct rules *r, size_t limit)
{
	struct watch_texts_builder *b = watch_texts_new();
	struct ev_set wanted = rules_wanted(r, EV_SYSCALL);
	bool fits = true;

	for (unsigned type = 0; fits && type < ev_type_count(); type++) {
		struct rules_need needs[RULES_NEED_RULES];
		size_t n = 0;

		if (ev_set_has(&wanted, type))
			n = rules_needs(r, EV_SYSCALL, type, needs);
		for (size_t i = 0; fits && i < n; i++)
			for (size_t k = 0; fits && k < needs[i].groups_n; k++)
				fits = group_fits(b, &needs[i].groups[k], limit);
	}
	watch_texts_free(b);
	return fits;
}

size_t watch_cut_limit(const struct rules *r)
{
	static const size_t limits[] = { WATCH_CUT_LONGEST, 32, 24, 20, 16, 14, 12, 10 };

	if (all_fit(r, SIZE_MAX))
		return SIZE_MAX;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (all_fit(r, limits[i]))
			return limits[i];
	return WATCH_CUT_SHORTEST;
}
