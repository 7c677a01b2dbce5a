/*
 * Records of processes that found no room: processes that ended without one stay in the table, and
 * those that executed a program count as what they were before. What runs now is read from /proc, a
 * part at a time. Who is in the table and was not there when it was listed has ended, once all
 * records up to that time were taken.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "enrich/process_private.h"

enum { AT_A_TIME = 128, PAUSE_S = 5 };

void processes_lost(struct processes *ps)
{
	processes_recovery(ps)->wanted = true;
}

static void list(struct processes *ps, struct recovery *r)
{
	free(r->pids);
	r->at = 0;
	r->listed = clock_ns(CLOCK_BOOTTIME);
	outside_pids(processes_outside(ps), &r->pids, &r->n);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool was_gone(const struct process *p, void *recovery)
{
	const struct recovery *r = recovery;

	return p->start < r->listed && !bsearch(&p->pid, r->pids, r->n, sizeof(*r->pids), compare);
}

void processes_recover(struct processes *ps, uint64_t seen)
{
	struct recovery *r = processes_recovery(ps);
	uint64_t now;

	if (!r->wanted && !r->listed)
		return;
	now = clock_ns(CLOCK_BOOTTIME);
	if (!r->listed) {
		if (r->ended && now - r->ended < PAUSE_S * UINT64_C(1000000000))
			return;
		r->wanted = false;
		list(ps, r);
	}
	for (unsigned n = 0; r->at < r->n && n < AT_A_TIME; n++)
		process_compare_proc(ps, r->pids[r->at++]);
	if (r->at < r->n || seen < r->listed)
		return;
	if (r->n) {
		qsort(r->pids, r->n, sizeof(*r->pids), compare);
		processes_drop(ps, was_gone, r);
	}
	r->listed = 0;
	r->ended = now;
}
