#include "app/watch_drift.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
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
	BOXES_MAX = 8192, /* containers that are remembered; beyond, all are asked about again */
	SPACES = 8,	  /* mount namespaces of one container */
	DEDUP_ENTRIES = 16384,
	MAX_LEARN_S = 7 * 24 * 3600,
	WINDOW_S = 3600,
	MAX_SECONDS = 366 * 24 * 3600,
};

/* What one image's containers do, while it is being learned, and afterwards. */
struct learning {
	struct learning *next;
	char *key;
	struct workload w;
	int source;
	time_t until;		/* CLOCK_MONOTONIC */
	bool late;		/* a container was running before it was looked at */
	struct bl_model *model; /* NULL: still learning */
};

/* A container. */
struct box {
	struct box *next;
	char *digest, *image_id, *image, *name; /* for models that are loaded later */
	const struct bl_model *model; /* NULL: learning, or nothing is known and it is ignored */
	struct learning *learning;
	uint32_t space[SPACES];
	unsigned spaces;
	struct watch_ns known[WATCH_ABIS];
};

struct watch_drift {
	struct baseline *models;
	uint64_t learn_s; /* 0: containers without a model are ignored */
	char *learned;	  /* folder, or NULL */
	struct learning *learnings;
	struct map by_id; /* container id → struct box */
	struct box *boxes;
	size_t boxes_n;
	uint32_t host_space;
	struct finding_dedup *dedup;
	struct watch *sensor;
	bool failed; /* the sensor could not be told something; said once */
	struct observation o[OBS_MAX];
};

static void watch_drift_free_p(struct watch_drift **d)
{
	watch_drift_free(*d);
}

/* "10" minutes, or with a unit: "30s", "10m", "2h". */
static int learning_time(const struct args *a, uint64_t *seconds, struct err *e)
{
	const char *text = args_value(a, "learn");
	uint64_t n = 0, unit = 60;
	char *end;

	*seconds = 0;
	if (!text)
		return 0;
	errno = 0;
	if (*text >= '0' && *text <= '9')
		n = strtoull(text, &end, 10);
	if (n && *end && !end[1])
		unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : 0;
	if (!n || errno || !unit || (*end && end[1]) || n > MAX_LEARN_S / unit) {
		usage_error(a, e, "--learn: '%s' is no time of at most a week: 10 minutes are '10'",
			    text);
		return -EINVAL;
	}
	*seconds = n * unit;
	return 0;
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
	uint64_t learn_s, window;
	int r;

	if (args_has(a, "learned") && !args_has(a, "learn")) {
		usage_error(a, e, "--learned: expected with --learn");
		return -EINVAL;
	}
	if (!args_has(a, "model") && !args_has(a, "learn"))
		return 0;
	if (learning_time(a, &learn_s, e) ||
	    args_u64(a, "window", WINDOW_S, 1, MAX_SECONDS, &window, e))
		return -EINVAL;
	d = xcalloc(1, sizeof(*d));
	d->host_space = watch_host_space();
	d->learn_s = learn_s;
	d->learned = args_value(a, "learned") ? xstrdup(args_value(a, "learned")) : NULL;
	d->dedup = finding_dedup_new(window * 1000000000u, DEDUP_ENTRIES);
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

static void tell_space(struct watch_drift *d, uint32_t space, unsigned abi,
		       const struct watch_ns *n)
{
	struct err e;

	if (watch_ns_set(d->sensor, space, abi, n, &e) >= 0 || d->failed)
		return;
	d->failed = true;
	log_warn("%s", e.msg);
}

static void tell_arguments(struct watch_drift *d, uint32_t space, uint32_t nr,
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

	tell_arguments(t->d, t->space, t->nr, value);
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

static void tell_box(struct watch_drift *d, struct box *b, uint32_t space)
{
	for (unsigned abi = 0; abi < WATCH_ABIS; abi++)
		tell_space(d, space, abi, &b->known[abi]);
	if (b->model)
		tell_model_arguments(d, b->model, space);
}

void watch_drift_use(struct watch_drift *d, struct watch *w)
{
	d->sensor = w;
	for (struct box *b = d->boxes; b; b = b->next)
		for (unsigned i = 0; i < b->spaces; i++)
			tell_box(d, b, b->space[i]);
}

/* ---- learning */

static const char *timestamp(struct workload *w)
{
	time_t t = time(NULL);
	char text[40];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return wl_string(w, text);
}

static struct learning *learning_of(struct watch_drift *d, const struct container *c)
{
	const char *key = c->image_id ? c->image_id : c->image ? c->image : c->id;
	struct learning *l = d->learnings;
	struct utsname u;
	struct workload *w;

	while (l && strcmp(l->key, key))
		l = l->next;
	if (l)
		return l;
	l = xcalloc(1, sizeof(*l));
	l->key = xstrdup(key);
	l->until = clock_s(CLOCK_MONOTONIC) + (time_t)d->learn_s;
	l->next = d->learnings;
	d->learnings = l;
	w = &l->w;
	wl_init(w);
	w->identity.name = wl_string(w, c->name);
	w->identity.image = wl_string(w, c->image);
	w->identity.digest = wl_string(w, c->digest ? c->digest : c->image_id);
	w->identity.arch = wl_string(w, sc_abi_name(sc_abi_native()));
	l->source = wl_source_add(w, WL_EBPF);
	w->sources[l->source].target = wl_string(w, c->image ? c->image : c->id);
	w->sources[l->source].started = timestamp(w);
	w->sources[l->source].version = BOLTSEAL_VERSION;
	w->sources[l->source].runs = 0;
	if (uname(&u) == 0)
		w->sources[l->source].kernel = wl_string(w, u.release);
	log_note("learning %s for %llu s", c->image ? c->image : c->id,
		 (unsigned long long)d->learn_s);
	return l;
}

static void save(struct watch_drift *d, struct learning *l)
{
	cleanup_buf struct buf path = { 0 };
	const char *name = l->w.identity.image ? l->w.identity.image : l->key;
	struct err e;

	if (!d->learned)
		return;
	buf_printf(&path, "%s/", d->learned);
	for (; *name; name++)
		buf_putc(&path, strchr("/:@", *name) ? '_' : *name);
	buf_puts(&path, ".json");
	if (wl_save(&l->w, buf_str(&path), &e) < 0)
		log_warn("%s", e.msg);
	else
		log_note("learned %s", buf_str(&path));
}

/* `why`: NULL, or what makes it incomplete. */
static void finish(struct watch_drift *d, struct learning *l, const char *why)
{
	struct wl_source *s = &l->w.sources[l->source];

	if (l->late && !why)
		why = "a container was running when learning began";
	s->ended = timestamp(&l->w);
	s->complete = !why;
	s->incomplete_reason = wl_string(&l->w, why);
	wl_generalise(&l->w);
	save(d, l);
}

static void learn_box(struct watch_drift *d, struct box *b, struct learning *l)
{
	b->model = l->model;
	for (unsigned abi = 0; abi < WATCH_ABIS; abi++)
		bl_model_calls(l->model, abi, &b->known[abi]);
	for (unsigned i = 0; i < b->spaces; i++)
		tell_box(d, b, b->space[i]);
}

static void end_learning(struct watch_drift *d, struct learning *l)
{
	finish(d, l, NULL);
	l->model = bl_model_new(&l->w, "");
	for (struct box *b = d->boxes; b; b = b->next)
		if (b->learning == l)
			learn_box(d, b, l);
}

void watch_drift_tick(struct watch_session *s)
{
	for (struct learning *l = s->drift ? s->drift->learnings : NULL; l; l = l->next)
		if (!l->model && clock_s(CLOCK_MONOTONIC) >= l->until)
			end_learning(s->drift, l);
}

static void count_run(struct learning *l)
{
	if (!l->model)
		l->w.sources[l->source].runs++;
}

/* Learned once: the kernel need not tell it again. */
static void learn(struct watch_drift *d, struct box *b, const struct process *p,
		  const struct observation *o, unsigned watch_abi)
{
	struct learning *l = b->learning;

	baseline_learn(&l->w, l->source, p ? p->program->exepath : NULL, o);
	for (unsigned i = 0; i < b->spaces; i++) {
		if (o->kind == OBS_CALL && o->nr < WATCH_NRS)
			b->known[watch_abi].known[o->nr / 64] |= UINT64_C(1) << (o->nr % 64);
		else if (o->kind == OBS_CAPABILITY)
			b->known[0].caps |= UINT64_C(1) << (o->capability & 63);
		else if (o->kind == OBS_ARGUMENTS)
			tell_arguments(d, b->space[i], o->nr, o->value);
		if (o->kind == OBS_CALL || o->kind == OBS_CAPABILITY)
			tell_space(d, b->space[i], watch_abi, &b->known[watch_abi]);
	}
}

/* ---- containers */

static void forget_boxes(struct watch_drift *d)
{
	for (struct box *b = d->boxes, *next; b; b = next) {
		next = b->next;
		free(b->digest);
		free(b->image_id);
		free(b->image);
		free(b->name);
		free(b);
	}
	map_free(&d->by_id);
	d->boxes = NULL;
	d->boxes_n = 0;
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

static struct box *box_of(struct watch_drift *d, const struct container *c)
{
	void **slot;
	struct box *b;

	if (d->boxes_n >= BOXES_MAX)
		forget_boxes(d);
	slot = map_at(&d->by_id, c->id, strlen(c->id));
	if (*slot)
		return *slot;
	*slot = b = xcalloc(1, sizeof(*b));
	b->next = d->boxes;
	d->boxes = b;
	d->boxes_n++;
	b->digest = copy(c->digest);
	b->image_id = copy(c->image_id);
	b->image = copy(c->image);
	b->name = copy(c->name);
	find_model(d, b);
	if (!b->model && d->learn_s) {
		b->learning = learning_of(d, c);
		b->model = b->learning->model;
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
		learn(s->drift, b, enrich_process(s->enrich), o, watch_abi);
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

		if (!(asked.seen[nr / 64] & bit) || b->known[abi].known[nr / 64] & bit)
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
	tell_box(d, b, space);
	for (unsigned abi = 0; abi < WATCH_ABIS; abi++)
		take_seen(s, b, space, abi);
}

static void ignore_space(struct watch_drift *d, uint32_t space)
{
	for (unsigned abi = 0; abi < WATCH_ABIS; abi++) {
		struct watch_ns n = { .state = WATCH_NS_IGNORED };

		tell_space(d, space, abi, &n);
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
	if (!p || !p->container || rec->kind == WATCH_FORK || rec->kind == WATCH_EXIT)
		return;
	b = box_of(s->drift, p->container);
	if (rec->kind == WATCH_NEW_NS) {
		if (b->learning && !has_space(b, (uint32_t)rec->arg[0]))
			b->learning->late = true;
		enter_space(s, b, (uint32_t)rec->arg[0]);
		return;
	}
	if (rec->kind == WATCH_EXEC && !has_space(b, space_of(p)) &&
	    !is_outside(s->drift, p, space_of(p))) {
		if (b->learning && !b->spaces)
			count_run(b->learning);
		enter_space(s, b, space_of(p));
	}
	if ((b->model || b->learning) && has_space(b, space_of(p)))
		compare(s, b, rec, ev);
}

void watch_drift_free(struct watch_drift *d)
{
	if (!d)
		return;
	for (struct learning *l = d->learnings, *next; l; l = next) {
		next = l->next;
		if (!l->model)
			finish(d, l, "watching ended before learning did");
		bl_model_free(l->model);
		wl_free(&l->w);
		free(l->key);
		free(l);
	}
	forget_boxes(d);
	baseline_free(d->models);
	finding_dedup_free(d->dedup);
	free(d->learned);
	free(d);
}
