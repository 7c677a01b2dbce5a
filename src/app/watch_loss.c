#include "app/watch_loss.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/event.h"
#include "model/syscalls.h"

enum { NAMES = 8 };

/* Records that are no calls, and the type of event that they make. */
static const struct {
	enum watch_kind kind;
	const char *what, *type;
} others[] = {
	{ WATCH_EXEC, "programs executed", "execve" },
	{ WATCH_FORK, "processes started", "clone" },
	{ WATCH_EXIT, "processes ended", "procexit" },
	{ WATCH_NEW_CALL, "calls outside of models", NULL },
	{ WATCH_NEW_ARGS, "arguments outside of models", NULL },
	{ WATCH_NEW_CAP, "capabilities outside of models", NULL },
	{ WATCH_NEW_NS, "containers to be compared", NULL },
};

/* As the kernel counts them. */
static unsigned place_of(enum watch_kind kind)
{
	return kind & 7;
}

static uint64_t since(uint64_t now, uint64_t *before)
{
	uint64_t n = now >= *before ? now - *before : now;

	*before = now;
	return n;
}

static void put_count(struct buf *out, size_t begun, const char *what, uint64_t n)
{
	buf_printf(out, "%s%s %" PRIu64, out->len > begun ? ", " : "", what, n);
}

static void add_type(struct ev_set *types, const char *name)
{
	int type = ev_type_by_name(name);

	if (type >= 0)
		ev_set_add(types, (unsigned)type);
}

static void put_kinds(const struct watch_stats *now, struct watch_loss *before,
		      struct ev_set *types, struct buf *out)
{
	size_t begun = out->len;

	for (unsigned nr = 0; nr < WATCH_NRS; nr++) {
		uint64_t n = since(now->lost_nrs[nr], &before->nrs[nr]);
		const struct sc_desc *d = sc_by_nr(sc_abi_native(), nr);
		char number[24];

		if (!n)
			continue;
		snprintf(number, sizeof(number), "call %u", nr);
		put_count(out, begun, d ? d->name : number, n);
		if (d)
			add_type(types, d->name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		unsigned at = place_of(others[i].kind);
		uint64_t n = since(now->lost_kinds[at], &before->kinds[at]);

		if (!n)
			continue;
		put_count(out, begun, others[i].what, n);
		if (others[i].type)
			add_type(types, others[i].type);
	}
}

static void put_processors(const struct watch_stats *now, struct watch_loss *before,
			   struct buf *out)
{
	bool first = true;

	for (unsigned i = 0; i < now->cpus && i < WATCH_CPUS; i++) {
		uint64_t n = since(now->lost_cpus[i], &before->cpus[i]);

		if (!n)
			continue;
		buf_printf(out, "%s%u: %" PRIu64, first ? "; by processor " : ", ", i, n);
		first = false;
	}
}

static bool concerns(const struct rule_info *rule, const struct ev_set *types)
{
	if (!rule->enabled || rule->dropped)
		return false;
	for (unsigned t = 0; t < ev_type_count(); t++)
		if (ev_set_has(types, t) && ev_set_has(&rule->types, t))
			return true;
	return false;
}

static void put_rules(const struct rules *r, const struct ev_set *types, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < rules_count(r); i++) {
		if (!concerns(rules_at(r, i), types))
			continue;
		if (n < NAMES)
			buf_printf(out, "%s%s",
				   n ? ", " : "; rules that may have missed something: ",
				   rules_at(r, i)->name);
		n++;
	}
	if (n > NAMES)
		buf_printf(out, " and %zu more", n - NAMES);
}

void watch_loss_tell(const struct rules *r, const struct watch_stats *now,
		     struct watch_loss *before, struct buf *out)
{
	struct ev_set types = { 0 };
	size_t begun = out->len;

	put_kinds(now, before, &types, out);
	if (out->len == begun)
		return;
	put_processors(now, before, out);
	put_rules(r, &types, out);
}

void watch_loss_add(struct watch_loss *sum, struct watch_stats *s)
{
	s->lost = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(sum->kinds); i++) {
		sum->kinds[i] += s->lost_kinds[i];
		s->lost_kinds[i] = sum->kinds[i];
		s->lost += sum->kinds[i];
	}
	for (unsigned nr = 0; nr < WATCH_NRS; nr++)
		sum->nrs[nr] += s->lost_nrs[nr];
	for (unsigned i = 0; i < s->cpus && i < WATCH_CPUS; i++)
		sum->cpus[i] += s->lost_cpus[i];
	s->lost_nrs = sum->nrs;
	s->lost_cpus = sum->cpus;
}

uint64_t watch_loss_processes(const struct watch_stats *s)
{
	return s->lost_kinds[WATCH_EXEC] + s->lost_kinds[WATCH_FORK] + s->lost_kinds[WATCH_EXIT];
}
