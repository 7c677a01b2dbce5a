/* All processes that are known, for a capture that begins. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "enrich/facts_private.h"
#include "enrich/process_private.h"

struct telling {
	struct processes *ps;
	uint32_t *gone; /* pids of those that ended and have descendants */
	size_t gone_n, gone_cap;
	struct process **row; /* ancestors that are not told yet, the nearest first */
	size_t row_n, row_cap;
};

/* Whether a process of this number runs that is another one. */
static bool is_replaced(const struct telling *t, const struct process *p)
{
	return !p->in_table && processes_find(t->ps, p->pid);
}

static void tell_one(struct telling *t, struct process *p)
{
	const struct process *up = p->parent;

	p->told = true;
	if (is_replaced(t, p))
		return;
	fact_process(processes_outside(t->ps), p, up && is_replaced(t, up) ? 0 : p->ppid);
	if (!p->in_table)
		*vec_push(t->gone, t->gone_n, t->gone_cap) = p->pid;
}

/* Parents first, so that whoever reads it knows them. */
static void tell(struct process *p, void *telling)
{
	struct telling *t = telling;

	for (; p && !p->told; p = p->parent)
		*vec_push(t->row, t->row_n, t->row_cap) = p;
	while (t->row_n)
		tell_one(t, t->row[--t->row_n]);
}

static void forget(struct process *p, void *telling)
{
	(void)telling;
	for (; p && p->told; p = p->parent)
		p->told = false;
}

void processes_tell(struct processes *ps)
{
	struct telling t = { .ps = ps };

	if (!processes_outside(ps)->tell)
		return;
	processes_each(ps, forget, &t);
	processes_each(ps, tell, &t);
	for (size_t i = 0; i < t.gone_n; i++)
		fact_gone(processes_outside(ps), t.gone[i]);
	free(t.gone);
	free(t.row);
}
