/*
 * Which findings repeat one of the same window, and which are one too many of their rule, container
 * and program: a program that writes to thousands of files is no reason for thousands of messages.
 * Tables of fixed size, without allocation: when one is full of younger ones, the oldest of a
 * bucket is forgotten, and its next repeat is new.
 */
#ifndef MODEL_FINDING_DEDUP_H
#define MODEL_FINDING_DEDUP_H

#include "model/finding.h"

enum { FINDING_WINDOW_S = 3600, FINDING_DISTINCT = 100 /* unless told otherwise */ };

struct finding_dedup;

/*
 * `window`: ns from the first occurrence in which others are repeats; `entries`: how many are
 * remembered, rounded up; `distinct`: so many of a group are told in a window, further ones are one
 * finding (finding_set_further()); 0: no bound. A finding may have a number of its own.
 */
struct finding_dedup *finding_dedup_new(uint64_t window, size_t entries, unsigned distinct);
void finding_dedup_free(struct finding_dedup *d);

/*
 * Gives the finding, which has key and last_seen, its first_seen and id. True: it is a new one;
 * false: it repeats one, whose first_seen and id it has now.
 */
bool finding_dedup_add(struct finding_dedup *d, struct finding *f);
/* Remembers a finding of an earlier run. */
void finding_dedup_known(struct finding_dedup *d, const struct finding *f);

#endif
