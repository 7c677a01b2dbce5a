/*
 * The kernel looks for the rules' texts with a table of a fixed size (struct watch_texts). When
 * they do not fit there, beginnings of beginnings and endings of endings are asked for in their
 * place: that lets more events pass, and none less.
 */
#ifndef APP_WATCH_CUT_H
#define APP_WATCH_CUT_H

#include "rules/rules.h"
#include "sensor/watch.h"

enum {
	WATCH_CUT_LONGEST = 48,
	WATCH_CUT_SHORTEST = 8,
	WATCH_CUT_NAMES = 4, /* of names that are given: few have such a beginning */
};

/* The greatest length at which all texts of the rules' needs find room; SIZE_MAX: as they are. */
size_t watch_cut_limit(const struct rules *r);

/* What text is asked for in place of `t`; `room` has WATCH_CUT_LONGEST + 1 bytes and has to stay.
 */
struct watch_text watch_cut(const struct watch_text *t, size_t limit, char *room);

/* A text of a need as the sensor takes it. */
struct watch_text watch_cut_none(const struct rules_need_text *t);

#endif
