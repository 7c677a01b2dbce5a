/*
 * Recording containers. Every start of a container runtime opens a candidate slot in the recorder,
 * so nothing is missed while we find out which container it is for.
 */
#include <stdio.h>
#include <string.h>

#include "app/record.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "sensor/record_bpf.h"

enum {
	POLL_MS = 50,
	SLOTS = 32,
	LOOKUP_TRIES = 20, /* the engine may not know yet what its runtime is starting */
};

struct candidate {
	bool used;
	bool kept;
	bool starts; /* create, run, restore: not exec */
	bool gone;   /* its last thread has ended */
	unsigned tries;
	struct runtime_call call;
};

struct session {
	struct recording *rec;
	struct record_bpf *r;
	const char *wanted;
	struct container target; /* engine NULL until it is known */
	struct candidate slots[SLOTS];
	uint64_t starts, ended; /* of the container, seen and gone */
	uint64_t runs;		/* how many starts are wanted */
};

static void free_session(struct session *s)
{
	record_bpf_free(s->r);
	container_free(&s->target);
}

static bool is_start(const char *verb)
{
	return !strcmp(verb, "create") || !strcmp(verb, "run") || !strcmp(verb, "restore");
}

static void keep(struct session *s, unsigned slot)
{
	struct candidate *c = &s->slots[slot];

	c->kept = true;
	if (c->starts)
		s->starts++;
	if (c->starts && c->gone)
		s->ended++;
	record_bpf_keep(s->r, slot, &s->rec->model, s->rec->source);
}

static void drop(struct session *s, unsigned slot)
{
	s->slots[slot].used = false;
	record_bpf_drop(s->r, slot);
}

static void on_event(const struct record_bpf_event *ev, void *arg)
{
	struct session *s = arg;
	struct candidate *c = &s->slots[ev->slot % SLOTS];

	switch (ev->kind) {
	case RECORD_RUNTIME:
		*c = (struct candidate){ .used = true };
		runtime_call_parse(ev->argv, ev->argv_len, &c->call);
		c->starts = is_start(c->call.verb);
		if (!c->call.id[0] || (!c->starts && strcmp(c->call.verb, "exec") != 0))
			drop(s, ev->slot);
		break;
	case RECORD_STARTED:
		break;
	case RECORD_GONE:
		c->gone = true;
		if (!c->used)
			break;
		if (c->kept && c->starts)
			s->ended++;
		else if (!c->kept && !ev->started)
			drop(s, ev->slot); /* a runtime command that started nothing */
		break;
	}
}

/* The container of a runtime call, by the engines or else by what the command line says. */
static int look_up(const struct candidate *c, struct container *out)
{
	if (container_find(c->call.id, out, NULL) == 0)
		return 0;
	return c->call.root[0] ? container_find_state(c->call.root, c->call.id, out, NULL)
			       : -ENOENT;
}

static void learn_target(struct session *s, const struct candidate *c)
{
	struct container found = { 0 };

	if (look_up(c, &found) == 0 && !strcmp(found.id, c->call.id)) {
		if (!found.runtime[0] || !strchr("rc", found.runtime[0]))
			found.runtime = arena_strdup(&found.arena, c->call.runtime);
		container_free(&s->target);
		s->target = found;
		return;
	}
	container_free(&found);
	if (s->target.engine && !strcmp(s->target.id, c->call.id))
		return;
	container_free(&s->target);
	s->target.id = arena_strdup(&s->target.arena, c->call.id);
	s->target.runtime = arena_strdup(&s->target.arena, c->call.runtime);
	s->target.engine = "";
	s->target.name = s->target.image = s->target.digest = "";
}

/* Keeps, drops or leaves open what a runtime was started for. */
static void decide(struct session *s, unsigned slot)
{
	struct candidate *c = &s->slots[slot];
	struct container found = { 0 };
	bool wanted = !strcmp(c->call.id, s->wanted) ||
		      (s->target.engine && !strcmp(c->call.id, s->target.id)) ||
		      (strlen(s->wanted) >= 12 &&
		       !strncmp(c->call.id, s->wanted, strlen(s->wanted)));

	if (!wanted) {
		if (look_up(c, &found) < 0) {
			if (++c->tries >= LOOKUP_TRIES)
				drop(s, slot);
			return;
		}
		wanted = container_matches(&found, s->wanted);
		container_free(&found);
	}
	if (!wanted || (!c->starts && !s->target.engine)) {
		drop(s, slot);
		return;
	}
	if (c->starts)
		learn_target(s, c);
	keep(s, slot);
}

static void decide_all(struct session *s)
{
	for (unsigned i = 1; i < SLOTS; i++)
		if (s->slots[i].used && !s->slots[i].kept)
			decide(s, i);
}

static int follow_now(struct session *s, struct err *e)
{
	cleanup_free pid_t *pids = xcalloc(RECORD_MAX_PIDS, sizeof(*pids));
	size_t n = container_pids(s->target.pid, pids, RECORD_MAX_PIDS);
	unsigned slot;
	int err = record_bpf_follow_running(s->r, pids, n, &slot, e);

	if (err < 0)
		return err_prefix(e, "container %s", s->wanted);
	s->slots[slot] = (struct candidate){ .used = true, .kept = true, .starts = true };
	s->starts++;
	record_bpf_keep(s->r, slot, &s->rec->model, s->rec->source);
	record_incomplete(s->rec, "the container was running already: its start was not seen");
	return 0;
}

static void set_identity(struct session *s)
{
	struct wl_identity *id = &s->rec->model.identity;
	struct workload *w = &s->rec->model;
	const struct container *c = &s->target;

	id->name = wl_string(w, c->name && *c->name ? c->name : s->wanted);
	id->image = c->image && *c->image ? wl_string(w, c->image) : NULL;
	id->digest = c->digest && *c->digest ? wl_string(w, c->digest) : NULL;
	id->runtime = c->runtime && *c->runtime ? wl_string(w, c->runtime) : NULL;
	if (!c->argv_n)
		return;
	id->entrypoint = arena_alloc(&w->arena, c->argv_n * sizeof(*id->entrypoint));
	for (size_t i = 0; i < c->argv_n; i++)
		id->entrypoint[id->entrypoint_n++] = wl_string(w, c->argv[i]);
}

static int follow(struct session *s, struct err *e)
{
	int err = 0;

	record_prefer();
	while (err == 0 && !record_over(s->rec) && s->ended < s->runs) {
		err = record_bpf_poll(s->r, POLL_MS, on_event, s, e);
		decide_all(s);
		if (!s->starts)
			log_progress_update(&s->rec->progress, "waiting for a start of %s",
					    s->wanted);
		else
			log_progress_update(&s->rec->progress, "recording %s; Ctrl-C ends it",
					    s->wanted);
	}
	if (err == 0)
		err = record_bpf_poll(s->r, 0, on_event, s, e);
	decide_all(s);
	return err ? err : record_bpf_collect(s->r, e);
}

int record_container_bpf(struct recording *rec, const char *wanted, bool wait, uint64_t runs,
			 struct err *e)
{
	cleanup(free_session) struct session s = { .rec = rec, .wanted = wanted, .runs = runs };
	struct err why = { 0 };
	int err = container_find(wanted, &s.target, &why);

	if (err < 0 && !wait)
		return err_set(e, ENOENT, "%s", why.msg);
	err = record_bpf_new(&s.r, &(struct record_bpf_options){ .watch_runtimes = true }, e);
	if (err == 0 && s.target.pid)
		err = follow_now(&s, e);
	if (err < 0)
		return err;
	if (!s.starts)
		log_note("waiting for the next start of %s", wanted);
	err = follow(&s, e);
	if (err < 0)
		return err;
	if (!s.starts)
		return err_set(e, ENOENT, "no container \"%s\" was started while waiting for it",
			       wanted);
	if (s.ended < s.starts && !rec->interrupted && !rec->deadline_ms)
		record_incomplete(rec, "the container was still running");
	rec->model.sources[rec->source].runs = s.starts;
	set_identity(&s);
	return 0;
}
