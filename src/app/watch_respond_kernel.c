/* Rules whose processes the kernel kills in the event itself, and where it may. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/keeper.h"
#include "app/watch_respond_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bpf/watch_rec.h"
#include "respond/cgroup.h"
#include "rules/kernel.h"

enum { REFRESH_NS = 500000000, PATH_BITS = 32, ARMED_MAX = 4096 };
/* Until one sensor's rules take the place of another's: both have to know by then. */
enum { FOLLOW_NS = 10000000 };

struct armed {
	char id[RESPOND_ID_MAX];
	char *cgroup, *name, *image, *namespace, *pod; /* for rules that are loaded later */
	uint64_t group;				       /* the number of the control group */
	uint32_t rules;
};

static void armed_free(struct armed *a)
{
	free(a->cgroup);
	free(a->name);
	free(a->image);
	free(a->namespace);
	free(a->pod);
	free(a);
}

void respond_kernel_free(struct respond_kernel *k)
{
	for (size_t i = 0; i < k->all_n; i++)
		armed_free(k->all[i]);
	free(k->all);
	map_free(&k->armed);
}

/* ---- rules as rows */

struct rows {
	struct respond_rows *out;
	struct watch_kills *kills;
	unsigned bits; /* of paths that are given out */
};

/* The bit under which these texts stand; 0: there are none, or no bit is left (*full). */
static uint32_t path_bit(struct rows *w, const struct rules_kernel_texts *t, bool *full)
{
	uint32_t bit;

	if (!t->n)
		return 0;
	if (w->bits == PATH_BITS) {
		*full = true;
		return 0;
	}
	bit = 1u << w->bits++;
	for (size_t i = 0; i < t->n; i++)
		*full |= watch_kill_path(w->kills, t->v[i].text, t->v[i].prefix, bit) < 0;
	return bit;
}

static void add_row(struct rows *w, unsigned rule, const char *type, const struct rules_kernel *k)
{
	bool exec = !strcmp(type, "execve"), full = k->comms.n > WATCH_KILL_COMMS;
	struct watch_kill row = {
		.result = k->result == NEED_SUCCESS   ? WATCH_SUCCESS
			  : k->result == NEED_FAILURE ? WATCH_FAILURE
						      : WATCH_ANY_RESULT,
		.access = (uint8_t)((k->reads ? 1 : 0) | (k->writes ? 2 : 0)),
		.upper = k->upper < 0 ? WATCH_EITHER
			 : k->upper   ? WATCH_YES
				      : WATCH_NO,
		.memfd = k->memfd < 0 ? WATCH_EITHER
			 : k->memfd   ? WATCH_YES
				      : WATCH_NO,
		.comms = (uint8_t)k->comms.n,
	};
	int at;

	/* A failed execve(2) is a call; the row is about programs that were executed. */
	if (exec && k->result == NEED_FAILURE)
		return;
	for (size_t i = 0; i < k->comms.n && !full; i++)
		memcpy(row.comm[i], k->comms.v[i].text,
		       strnlen(k->comms.v[i].text, sizeof(row.comm[i]) - 1));
	row.paths = path_bit(w, &k->paths, &full);
	row.exes = path_bit(w, &k->exes, &full);
	if (row.access)
		row.flags = !strcmp(type, "open") ? 2 : 3;
	if (full)
		return; /* left to user space */
	at = watch_kill_rule(w->kills, exec ? NULL : type, &row);
	if (at < 0)
		return;
	w->out->rule[at] = rule;
	w->out->n = (unsigned)at + 1;
}

void watch_respond_prepare(const struct watch_respond *r, const struct rules *rules,
			   struct watch_kills *kills, struct respond_rows *out)
{
	struct rows w = { .out = out, .kills = kills };

	*out = (struct respond_rows){ 0 };
	if (!r->acting)
		return; /* a dry run acts nowhere */
	for (unsigned i = 0; i < rules_count(rules); i++) {
		if (!(rules_at(rules, i)->respond >> RA_KILL & 1))
			continue;
		for (unsigned t = 0; t < ev_type_count(); t++) {
			struct rules_kernel k;

			if (rules_kernel_of(rules, i, t, &k, NULL) && ev_type_is_syscall(t))
				add_row(&w, i, ev_type_name(t), &k);
		}
	}
	out->kills = kills;
}

/* ---- where they may act */

static struct respond_subject subject_of(const struct armed *a, const struct rule_info *rule)
{
	struct respond_subject s = respond_subject_of(NULL, rule);

	s.container_id = a->id;
	s.container_name = a->name;
	s.image = a->image;
	s.namespace = a->namespace;
	s.pod = a->pod;
	return s;
}

/*
 * Rows that may act in the container: of those about which the allow-list says nothing, whatever
 * the program and the user are.
 */
static uint32_t rows_for(struct watch_respond *r, const struct rules *rules,
			 const struct respond_rows *rows, const struct armed *a)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < rows->n; i++) {
		struct respond_subject s = subject_of(a, rules_at(rules, rows->rule[i]));
		bool allowed = false;

		for (size_t k = 0; k < r->policy.allow_n; k++) {
			struct respond_match m = r->policy.allow[k];

			m.program = m.user = NULL;
			allowed |= respond_match(&m, &s);
		}
		if (!allowed)
			bits |= 1u << i;
	}
	return bits;
}

/* Tells the kernel, or the process that may: `rules` of these rows may act there. */
static void put(struct watch_respond *r, const struct respond_rows *rows, const struct armed *a,
		uint32_t rules, uint64_t now)
{
	static const struct rule_info no_rule = { .name = "" };
	unsigned left;

	if (!rules)
		return;
	if (r->keeper) {
		struct respond_subject s = subject_of(a, &no_rule);

		keeper_arm(r->keeper, rows->slot, a->cgroup, &s, rules);
		return;
	}
	left = respond_decider_left(r->decider, a->id, now);
	if (a->group)
		watch_kill_arm(
			rows->kills, a->group,
			&(struct watch_killable){ a->rules, left > 1000 ? 1000 : (int)left });
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

/* Containers that are gone make room. */
static void sweep(struct respond_kernel *k)
{
	size_t kept = 0;

	map_free(&k->armed);
	for (size_t i = 0; i < k->all_n; i++) {
		struct armed *a = k->all[i];

		if (!cgroup_number(a->cgroup)) {
			armed_free(a);
			continue;
		}
		k->all[kept++] = a;
		*map_at(&k->armed, a->id, strlen(a->id)) = a;
	}
	k->all_n = kept;
}

static struct armed *armed_of(struct watch_respond *r, struct watch_session *s,
			      const struct process *p)
{
	const struct container *c = p->container;
	struct armed *a;

	if (r->kernel.all_n >= ARMED_MAX)
		sweep(&r->kernel);
	if (r->kernel.all_n >= ARMED_MAX || respond_is_own_container(c->id) ||
	    !p->program->cgroup || cgroup_has_self(p->program->cgroup))
		return NULL;
	a = xcalloc(1, sizeof(*a));
	snprintf(a->id, sizeof(a->id), "%s", c->id);
	a->cgroup = xstrdup(p->program->cgroup);
	a->name = copy(c->name);
	a->image = copy(c->image);
	a->namespace = copy(c->pod_namespace);
	a->pod = copy(c->pod_name);
	a->rules = rows_for(r, s->rules, &r->kernel.rows, a);
	*vec_push(r->kernel.all, r->kernel.all_n, r->kernel.all_cap) = a;
	*map_at(&r->kernel.armed, c->id, strlen(c->id)) = a;
	return a;
}

/* `first`: of its pid namespace; the container may have begun again, in a new control group. */
static void arm(struct watch_respond *r, struct watch_session *s, const struct process *p,
		bool first)
{
	const char *id = p->container->id;
	void **at = map_find(&r->kernel.armed, id, strlen(id));
	struct armed *a = at ? *at : NULL;

	if (a && !first)
		return;
	if (!a)
		a = armed_of(r, s, p);
	if (!a)
		return;
	a->group = cgroup_number(a->cgroup);
	put(r, &r->kernel.rows, a, a->rules, clock_ns(CLOCK_MONOTONIC));
}

static void put_all(struct watch_respond *r, const struct rules *rules,
		    const struct respond_rows *rows)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!r->keeper && rows->n)
		watch_kill_limit(rows->kills, (int)respond_decider_left(r->decider, "", now));
	for (size_t i = 0; i < r->kernel.all_n; i++)
		put(r, rows, r->kernel.all[i], rows_for(r, rules, rows, r->kernel.all[i]), now);
}

void watch_respond_use(struct watch_respond *r, const struct rules *rules,
		       const struct respond_rows *rows)
{
	r->kernel.rows = *rows;
	r->kernel.killed = -1;
	r->kernel.refreshed = clock_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < r->kernel.all_n; i++)
		r->kernel.all[i]->rules = rows_for(r, rules, rows, r->kernel.all[i]);
	put_all(r, rules, rows);
}

static void between(struct watch_respond *r, const struct respond_rows *rows, uint64_t from,
		    uint64_t until)
{
	if (rows->n && r->keeper)
		keeper_between(r->keeper, rows->slot, from, until);
	else if (rows->n)
		watch_kill_between(rows->kills, from, until);
}

uint64_t watch_respond_follow(struct watch_respond *r, const struct rules *rules,
			      const struct respond_rows *rows)
{
	uint64_t at;

	if (!rows->n && !r->kernel.rows.n)
		return 0;
	between(r, rows, UINT64_MAX, UINT64_MAX);
	put_all(r, rules, rows);
	at = clock_ns(CLOCK_BOOTTIME) + FOLLOW_NS;
	between(r, rows, at, UINT64_MAX);
	between(r, &r->kernel.rows, 0, at);
	return at;
}

/* The process that may does so by itself. */
void respond_kernel_refresh(struct watch_respond *r)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (r->keeper || !r->kernel.rows.n || now - r->kernel.refreshed < REFRESH_NS)
		return;
	r->kernel.refreshed = now;
	watch_kill_limit(r->kernel.rows.kills, (int)respond_decider_left(r->decider, "", now));
	for (size_t i = 0; i < r->kernel.all_n; i++)
		put(r, &r->kernel.rows, r->kernel.all[i], r->kernel.all[i]->rules, now);
}

void respond_kernel_record(struct watch_respond *r, struct watch_session *s,
			   const struct watch_rec *rec)
{
	const struct watch_part *part;
	const struct process *p;
	unsigned row;

	r->kernel.killed = -1;
	if (!r->acting)
		return;
	p = enrich_process(s->enrich);
	if (rec->kind == WATCH_EXEC && p && p->container && p->program)
		arm(r, s, p, rec->vpid == 1);
	part = watch_part_find(rec, WATCH_P_KILLED, 0);
	if (!part || part->len != 1)
		return;
	row = (unsigned)(*(const char *)watch_part_bytes(part) - 'A');
	if (row < r->kernel.rows.n)
		r->kernel.killed = (int)r->kernel.rows.rule[row];
	if (p && p->container)
		respond_decider_count(r->decider, p->container->id, clock_ns(CLOCK_MONOTONIC), 1);
}
