/*
 * Rules that the kernel decides and acts on by itself (struct watch_kill in bpf/watch.h): rows
 * before watch_start(), then control groups in which they may act, and how often. Belongs to a
 * struct watch; see watch_kills().
 */
#ifndef SENSOR_WATCH_KILL_H
#define SENSOR_WATCH_KILL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "bpf/watch.h"

struct watch_kills;

/*
 * `call`: of which the row is, NULL for executed programs. Returns the row's number; -E2BIG: none
 * is left; -ENOENT: this architecture has no such call; -EINVAL: values that no row has.
 */
int watch_kill_rule(struct watch_kills *s, const char *call, const struct watch_kill *k);
/*
 * A path, or with `prefix` all that begin so, has these bits for watch_kill.paths and exes. A path
 * that is too long is none; -E2BIG: there are too many.
 */
int watch_kill_path(struct watch_kills *s, const char *path, bool prefix, uint32_t bits);
/* How many rows there are. */
unsigned watch_kill_rows(const struct watch_kills *s);

/*
 * While it runs: which rows may act in the control group, which is known by its number (the inode
 * of its folder), and how often. Without rows: nowhere any more.
 */
int watch_kill_arm(struct watch_kills *s, uint64_t group, const struct watch_killable *k);
/* How many of the last watch_kill_arm() are left; 0 where nothing is armed. */
int watch_kill_left(const struct watch_kills *s, uint64_t group);
/* And how often over all groups. */
void watch_kill_limit(struct watch_kills *s, int left);
/* Only for events behind `from`, up to `until` (CLOCK_BOOTTIME, ns); before: for all. */
void watch_kill_between(struct watch_kills *s, uint64_t from, uint64_t until);

/* For watch.c: between opening and loading, after loading. `w`: notes it in its plan. */
struct watch;
struct watch_kills *watch_kills_new(struct watch *w);
void watch_kills_free(struct watch_kills *s);
void watch_kills_configure(struct watch_kills *s);
int watch_kills_load(struct watch_kills *s, struct err *e);

#endif
