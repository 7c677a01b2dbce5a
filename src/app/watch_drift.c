#include "app/watch_drift_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/plural.h"
#include "baseline/baseline.h"
#include "model/finding_dedup.h"
#include "sensor/watch_drift.h"

enum {
	BOXES_MAX = 8192,   /* containers that are remembered; beyond, all are asked about again */
	DROPPED_MAX = 1024, /* keys of ended ones that the table of containers keeps */
	DEDUP_ENTRIES = 16384,
	MAX_LEARN_S = 7 * 24 * 3600,
	MAX_SECONDS = 366 * 24 * 3600,
};

static void watch_drift_free_p(struct watch_drift **d)
{
	watch_drift_free(*d);
}

int watch_drift_load(struct baseline **out, const struct args *a, struct err *e)
{
	struct baseline *b = baseline_new();
	const char *path;
	int r = 0;

	for (size_t i = 0; r >= 0 && (path = args_value_at(a, "model", i)); i++)
		r = baseline_add(b, path, e);
	if (r >= 0 && !args_has(a, "learn") && !baseline_count(b))
		r = err_set(e, ENOENT, "--model: no model is there (files *.json)");
	if (r < 0)
		baseline_free(b);
	else
		*out = b;
	return r < 0 ? r : 0;
}

int watch_drift_new(struct watch_drift **out, const struct args *a, struct err *e)
{
	cleanup(watch_drift_free_p) struct watch_drift *d = NULL;
	uint64_t learn_s, window, distinct;
	int r;

	if (args_has(a, "learned") && !args_has(a, "learn")) {
		usage_error(a, e, "--learned: expected with --learn");
		return -EINVAL;
	}
	if (!args_has(a, "model") && !args_has(a, "learn"))
		return 0;
	if (args_time(a, "learn", 'm', 0, 1, MAX_LEARN_S, &learn_s, e) ||
	    args_time(a, "window", 's', FINDING_WINDOW_S, 1, MAX_SECONDS, &window, e) ||
	    args_u64(a, "distinct", FINDING_DISTINCT, 0, UINT32_MAX, &distinct, e))
		return -EINVAL;
	d = xcalloc(1, sizeof(*d));
	d->host_space = watch_host_space();
	d->learn_s = learn_s;
	d->learned = args_value(a, "learned") ? xstrdup(args_value(a, "learned")) : NULL;
	d->dedup = finding_dedup_new(window * 1000000000u, DEDUP_ENTRIES, (unsigned)distinct);
	r = watch_drift_load(&d->models, a, e);
	if (r >= 0 && d->learned && mkdir(d->learned, 0755) < 0 && errno != EEXIST)
		r = err_errno(e, errno, "--learned: %s", d->learned);
	if (r < 0)
		return r;
	*out = take_ptr(d);
	return 0;
}

void watch_drift_describe(const struct watch_drift *d, struct buf *out)
{
	buf_printf(out, "%zu model%s", baseline_count(d->models),
		   plural(baseline_count(d->models)));
	if (d->learn_s)
		buf_printf(out, ", others are learned for %llu s", (unsigned long long)d->learn_s);
	if (!watch_drift_caps(d->sensor))
		buf_puts(out, "; new capabilities are not seen on this kernel (Linux 6.14 does)");
}

/* ---- what the kernel is told */

int watch_drift_want(struct watch *w, struct err *e)
{
	struct watch_kept kept;
	const char *call;
	bool success;
	int r = 0;

	watch_drift(w);
	for (unsigned i = 0; r >= 0 && (call = observe_wanted(i, &success)); i++) {
		r = watch_also(w, call, success, e);
		if (r == -ENOENT)
			r = 0; /* a call of another architecture */
	}
	for (unsigned i = 0; r >= 0 && (call = observe_kept(i)); i++)
		if (observe_kept_spec(call, &kept))
			r = watch_keep(w, call, &kept, e);
	return r;
}

void watch_drift_tell_space(struct watch_drift *d, uint32_t space, unsigned abi,
			    const struct watch_ns *n)
{
	struct err e;

	if (watch_ns_set(d->sensor, space, abi, n, &e) >= 0 || d->failed)
		return;
	d->failed = true;
	log_warn("%s", e.msg);
}

void watch_drift_tell_arguments(struct watch_drift *d, uint32_t space, uint32_t nr,
				const uint64_t value[WL_MAX_ARGS])
{
	struct watch_args a = { .mnt_ns = space, .nr = nr };
	struct err e;

	memcpy(a.value, value, sizeof(a.value));
	if (watch_ns_args(d->sensor, &a, &e) >= 0 || d->failed)
		return;
	d->failed = true;
	log_warn("%s", e.msg);
}

struct telling {
	struct watch_drift *d;
	uint32_t space, nr;
};

static void tell_known(void *ctx, const uint64_t value[WL_MAX_ARGS])
{
	const struct telling *t = ctx;

	watch_drift_tell_arguments(t->d, t->space, t->nr, value);
}

static void tell_model_arguments(struct watch_drift *d, const struct bl_model *m, uint32_t space)
{
	const char *call;

	for (unsigned i = 0; (call = observe_kept(i)); i++) {
		int nr = sc_nr(sc_abi_native(), call);
		struct telling t = { d, space, (uint32_t)nr };

		if (nr >= 0)
			bl_model_arguments(m, call, tell_known, &t);
	}
}

void watch_drift_tell_box(struct watch_drift *d, struct box *b, uint32_t space)
{
	for (unsigned abi = 0; abi < WATCH_ABIS; abi++)
		watch_drift_tell_space(d, space, abi, &b->known[abi]);
	if (b->model)
		tell_model_arguments(d, b->model, space);
}

void watch_drift_use(struct watch_drift *d, struct watch *w)
{
	d->sensor = w;
	for (struct box *b = d->boxes; b; b = b->next)
		for (unsigned i = 0; i < b->spaces; i++)
			watch_drift_tell_box(d, b, b->space[i]);
}

/* ---- containers */

static void free_box(struct box *b)
{
	free(b->id);
	free(b->digest);
	free(b->image_id);
	free(b->image);
	free(b->name);
	free(b);
}

static void forget_boxes(struct watch_drift *d)
{
	for (struct box *b = d->boxes, *next; b; b = next) {
		next = b->next;
		free_box(b);
	}
	map_free(&d->by_id);
	d->boxes = NULL;
	d->boxes_n = d->dropped = 0;
}

static void forget_known(void *ctx, const uint64_t value[WL_MAX_ARGS])
{
	const struct telling *t = ctx;
	struct watch_args a = { .mnt_ns = t->space, .nr = t->nr };

	memcpy(a.value, value, sizeof(a.value));
	watch_ns_forget_args(t->d->sensor, &a);
}

/* The number of a namespace is used again at once, and what was known of it is not the next one's.
 */
static void forget_space(struct watch_drift *d, const struct box *b, uint32_t space)
{
	const char *call;

	watch_ns_forget(d->sensor, space);
	for (unsigned i = 0; b->model && (call = observe_kept(i)); i++) {
		int nr = sc_nr(sc_abi_native(), call);
		struct telling t = { d, space, (uint32_t)nr };

		if (nr >= 0)
			bl_model_arguments(b->model, call, forget_known, &t);
	}
}

static void index_boxes(struct watch_drift *d)
{
	map_free(&d->by_id);
	for (struct box *b = d->boxes; b; b = b->next)
		*map_at(&d->by_id, b->id, strlen(b->id)) = b;
	d->dropped = 0;
}

static void drop_box(struct watch_drift *d, struct box *b)
{
	struct box **p = &d->boxes;

	while (*p != b)
		p = &(*p)->next;
	*p = b->next;
	for (unsigned i = 0; i < b->spaces; i++)
		forget_space(d, b, b->space[i]);
	*map_find(&d->by_id, b->id, strlen(b->id)) = NULL;
	free_box(b);
	d->boxes_n--;
	if (++d->dropped > DROPPED_MAX)
		index_boxes(d);
}

/* The last process of a container ended. */
static void end_box(struct watch_drift *d, const struct container *c)
{
	void **slot = map_find(&d->by_id, c->id, strlen(c->id));

	if (slot && *slot)
		drop_box(d, *slot);
}

/* Those whose end nobody saw. */
static void sweep_boxes(struct watch_session *s)
{
	for (struct box *b = s->drift->boxes, *next; b; b = next) {
		next = b->next;
		if (!enrich_container_runs(s->enrich, b->id))
			drop_box(s->drift, b);
	}
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void find_model(const struct watch_drift *d, struct box *b)
{
	const struct bl_names names = { b->digest, b->image_id, b->image, b->name };

	b->model = baseline_find(d->models, &names);
}

/* What the kernel is to know of it. */
static void set_known(struct box *b)
{
	for (unsigned abi = 0; abi < WATCH_ABIS; abi++) {
		b->known[abi] = (struct watch_ns){ 0 };
		if (b->model)
			bl_model_calls(b->model, abi, &b->known[abi]);
		else
			b->known[abi].state = b->learning ? WATCH_NS_KNOWN : WATCH_NS_IGNORED;
	}
}

void watch_drift_models(struct watch_drift *d, struct baseline *models)
{
	struct baseline *old = d->models;

	d->models = models;
	for (struct box *b = d->boxes; b; b = b->next) {
		if (b->learning)
			continue; /* what is being or was learned here stays its model */
		find_model(d, b);
		set_known(b);
	}
	baseline_free(old);
}

static struct box *box_of(struct watch_session *s, const struct container *c)
{
	struct watch_drift *d = s->drift;
	void **slot;
	struct box *b;

	if (d->boxes_n >= BOXES_MAX)
		sweep_boxes(s);
	if (d->boxes_n >= BOXES_MAX)
		forget_boxes(d);
	slot = map_at(&d->by_id, c->id, strlen(c->id));
	if (*slot)
		return *slot;
	*slot = b = xcalloc(1, sizeof(*b));
	b->next = d->boxes;
	d->boxes = b;
	d->boxes_n++;
	b->id = xstrdup(c->id);
	b->digest = copy(c->digest);
	b->image_id = copy(c->image_id);
	b->image = copy(c->image);
	b->name = copy(c->name);
	find_model(d, b);
	if (!b->model && d->learn_s) {
		b->learning = watch_drift_learning_of(d, c);
		b->model = b->learning ? b->learning->model : NULL;
	}
	set_known(b);
	return b;
}

static bool has_space(const struct box *b, uint32_t space)
{
	for (unsigned i = 0; i < b->spaces; i++)
		if (b->space[i] == space)
			return true;
	return false;
}

static void take(struct watch_session *s, struct box *b, const struct observation *o,
		 unsigned watch_abi, const struct event *ev)
{
	cleanup_drift struct drift found = { 0 };

	if (!b->model && b->learning)
		watch_drift_learn(s->drift, b, enrich_process(s->enrich), o, watch_abi);
	else if (b->model && baseline_judge(b->model, o, &found))
		watch_drift_found(s, &found, o, ev, bl_model_file(b->model), s->drift->dedup);
}

/* What was called in a namespace before anybody said what is known of it. */
static void take_seen(struct watch_session *s, struct box *b, uint32_t space, unsigned abi)
{
	struct watch_asked asked;

	if (!watch_ns_asked(s->drift->sensor, space, abi, &asked) || (!b->model && !b->learning))
		return;
	for (uint32_t nr = 0; nr < WATCH_NRS; nr++) {
		uint64_t bit = UINT64_C(1) << (nr % 64);

		if (!asked.seen[nr] || b->known[abi].known[nr / 64] & bit)
			continue;
		s->drift->o[0] = (struct observation){ 0 };
		observe_call(abi, nr, 1, &s->drift->o[0]);
		take(s, b, &s->drift->o[0], abi, NULL);
	}
}

static void enter_space(struct watch_session *s, struct box *b, uint32_t space)
{
	struct watch_drift *d = s->drift;

	if (has_space(b, space))
		return;
	if (b->spaces == SPACES) { /* the oldest is least likely to be used still */
		memmove(b->space, b->space + 1, (SPACES - 1) * sizeof(*b->space));
		b->spaces--;
	}
	b->space[b->spaces++] = space;
	watch_drift_tell_box(d, b, space);
	for (unsigned abi = 0; abi < WATCH_ABIS; abi++)
		take_seen(s, b, space, abi);
}

static void ignore_space(struct watch_drift *d, uint32_t space)
{
	for (unsigned abi = 0; abi < WATCH_ABIS; abi++) {
		struct watch_ns n = { .state = WATCH_NS_IGNORED };

		watch_drift_tell_space(d, space, abi, &n);
	}
}

/* The mount namespace in which the program of the process was executed. */
static uint32_t space_of(const struct process *p)
{
	return p->program->facts.mnt_ns;
}

/*
 * Whether the space is that of who started the container. Its runtime works there, already in the
 * container's control group; an engine that is itself in a container has one of its own.
 */
static bool is_outside(const struct watch_drift *d, const struct process *p, uint32_t space)
{
	const struct process *up;

	for (unsigned i = 1; (up = process_ancestor(p, i)); i++)
		if (!up->container || strcmp(up->container->id, p->container->id))
			break;
	return !space || space == d->host_space || (up && space_of(up) == space);
}

static void compare(struct watch_session *s, struct box *b, const struct watch_rec *rec,
		    const struct event *ev)
{
	struct watch_drift *d = s->drift;
	size_t n = observe(rec, d->o);

	for (size_t i = 0; i < n; i++) {
		unsigned abi = rec->kind == WATCH_NEW_CALL ? rec->nr >> WATCH_ABI_SHIFT : 0;

		take(s, b, &d->o[i], abi < WATCH_ABIS ? abi : 0, ev);
	}
}

void watch_drift_record(struct watch_session *s, const struct watch_rec *rec,
			const struct event *ev)
{
	const struct process *p = enrich_process(s->enrich);
	struct box *b;

	if (rec->kind == WATCH_NEW_NS &&
	    (!p || !p->container || is_outside(s->drift, p, (uint32_t)rec->arg[0]))) {
		ignore_space(s->drift, (uint32_t)rec->arg[0]);
		return;
	}
	if (p && p->container && rec->kind == WATCH_EXIT && p->container->refs <= 1)
		end_box(s->drift, p->container);
	if (!p || !p->container || rec->kind == WATCH_FORK || rec->kind == WATCH_EXIT)
		return;
	b = box_of(s, p->container);
	if (rec->kind == WATCH_NEW_NS) {
		if (b->learning && !has_space(b, (uint32_t)rec->arg[0]))
			b->learning->late = true;
		enter_space(s, b, (uint32_t)rec->arg[0]);
		return;
	}
	if (rec->kind == WATCH_EXEC && !has_space(b, space_of(p)) &&
	    !is_outside(s->drift, p, space_of(p))) {
		if (b->learning && !b->spaces)
			watch_drift_count_run(b->learning);
		enter_space(s, b, space_of(p));
	}
	if ((b->model || b->learning) && has_space(b, space_of(p)))
		compare(s, b, rec, ev);
}

void watch_drift_free(struct watch_drift *d)
{
	if (!d)
		return;
	watch_drift_end_learnings(d);
	forget_boxes(d);
	baseline_free(d->models);
	finding_dedup_free(d->dedup);
	free(d->learned);
	free(d);
}
