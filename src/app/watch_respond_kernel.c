/* Rules whose processes the kernel kills in the event itself, and where it may. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/watch_respond_private.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "bpf/watch_rec.h"
#include "rules/kernel.h"

enum { REFRESH_NS = 500000000, PATH_BITS = 32, ARMED_MAX = 4096 };

struct armed {
	char id[RESPOND_ID_MAX];
	char *name, *image, *namespace, *pod; /* for rules that are loaded later */
	uint64_t group;			      /* the number of the control group */
	uint32_t rules;
};

void respond_kernel_free(struct respond_kernel *k)
{
	for (size_t i = 0; i < k->all_n; i++) {
		free(k->all[i]->name);
		free(k->all[i]->image);
		free(k->all[i]->namespace);
		free(k->all[i]->pod);
		free(k->all[i]);
	}
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
		watch_kill_path(w->kills, t->v[i].text, t->v[i].prefix, bit);
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
	out->kills = out->n ? kills : NULL;
}

/* ---- where they may act */

/*
 * Rows that may act in the container: of those about which the allow-list says nothing, whatever
 * the program and the user are.
 */
static uint32_t rows_for(struct watch_respond *r, const struct rules *rules, const struct armed *a)
{
	uint32_t rows = 0;

	for (unsigned i = 0; i < r->kernel.rows.n; i++) {
		struct respond_subject s =
			respond_subject_of(NULL, rules_at(rules, r->kernel.rows.rule[i]));
		bool allowed = false;

		s.container_id = a->id;
		s.container_name = a->name;
		s.image = a->image;
		s.namespace = a->namespace;
		s.pod = a->pod;

		for (size_t k = 0; k < r->policy.allow_n; k++) {
			struct respond_match m = r->policy.allow[k];

			m.program = m.user = NULL;
			allowed |= respond_match(&m, &s);
		}
		if (!allowed)
			rows |= 1u << i;
	}
	return rows;
}

/* The number of the control group with this path, 0 when there is none. */
static uint64_t number_of(const char *cgroup)
{
	static const char *const roots[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory",
					     "/sys/fs/cgroup" };

	for (size_t i = 0; cgroup && *cgroup && i < ARRAY_SIZE(roots); i++) {
		cleanup_free char *path = xasprintf("%s%s", roots[i], cgroup);
		struct stat st;

		if (strcmp(cgroup, "/") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return st.st_ino;
	}
	return 0;
}

static void set_left(struct watch_respond *r, const struct armed *a, uint64_t now)
{
	unsigned left = respond_decider_left(r->decider, a->id, now);

	watch_kill_arm(r->kernel.rows.kills, a->group,
		       &(struct watch_killable){ a->rules, left > 1000 ? 1000 : (int)left });
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void arm(struct watch_respond *r, struct watch_session *s, const struct process *p)
{
	const struct container *c = p->container;
	struct armed *a;

	if (map_find(&r->kernel.armed, c->id, strlen(c->id)) || r->kernel.all_n >= ARMED_MAX ||
	    respond_is_own_container(c->id))
		return;
	a = xcalloc(1, sizeof(*a));
	snprintf(a->id, sizeof(a->id), "%s", c->id);
	a->name = copy(c->name);
	a->image = copy(c->image);
	a->namespace = copy(c->pod_namespace);
	a->pod = copy(c->pod_name);
	a->rules = rows_for(r, s->rules, a);
	a->group = number_of(p->program->cgroup);
	*vec_push(r->kernel.all, r->kernel.all_n, r->kernel.all_cap) = a;
	*map_at(&r->kernel.armed, c->id, strlen(c->id)) = a;
	if (a->group && a->rules)
		set_left(r, a, respond_now());
}

void watch_respond_use(struct watch_respond *r, const struct rules *rules,
		       const struct respond_rows *rows)
{
	r->kernel.rows = *rows;
	r->kernel.killed = -1;
	r->kernel.refreshed = 0;
	for (size_t i = 0; i < r->kernel.all_n; i++)
		r->kernel.all[i]->rules = rows_for(r, rules, r->kernel.all[i]);
	respond_kernel_refresh(r);
}

void respond_kernel_refresh(struct watch_respond *r)
{
	uint64_t now = respond_now();

	if (!r->kernel.rows.kills || now - r->kernel.refreshed < REFRESH_NS)
		return;
	r->kernel.refreshed = now;
	watch_kill_limit(r->kernel.rows.kills, (int)respond_decider_left(r->decider, "", now));
	for (size_t i = 0; i < r->kernel.all_n; i++)
		if (r->kernel.all[i]->group && r->kernel.all[i]->rules)
			set_left(r, r->kernel.all[i], now);
}

void respond_kernel_record(struct watch_respond *r, struct watch_session *s,
			   const struct watch_rec *rec)
{
	const struct watch_part *part;
	const struct process *p;
	unsigned row;

	r->kernel.killed = -1;
	if (!r->acting || r->keeper)
		return;
	p = enrich_process(s->enrich);
	if (rec->kind == WATCH_EXEC && p && p->container && p->program)
		arm(r, s, p);
	part = watch_part_find(rec, WATCH_P_KILLED, 0);
	if (!part || part->len != 1)
		return;
	row = (unsigned)(*(const char *)watch_part_bytes(part) - 'A');
	if (row < r->kernel.rows.n)
		r->kernel.killed = (int)r->kernel.rows.rule[row];
	if (p && p->container)
		respond_decider_count(r->decider, p->container->id, respond_now(), 1);
}
