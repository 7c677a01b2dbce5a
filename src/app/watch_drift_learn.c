/* Learning models of images: which, for how long, how much; and what is written of them. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "app/watch_drift_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	LEARNINGS_MAX = 256,		/* images that are learned or were */
	LEARN_BYTES = 64 * 1024 * 1024, /* what they take together */
	FILE_BYTES = 256,
};

static const char *timestamp(struct workload *w)
{
	time_t t = time(NULL);
	char text[40];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return wl_string(w, text);
}

static void say_full(struct watch_drift *d, const char *what)
{
	if (!d->full)
		log_warn("--learn: %s", what);
	d->full = true;
}

static void free_learning(struct watch_drift *d, struct learning *l)
{
	struct learning **p = &d->learnings;

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	d->learnings_n--;
	d->learned_bytes -= l->bytes;
	bl_model_free(l->model);
	wl_free(&l->w);
	free(l->key);
	free(l);
}

/* The image that was learned first of those of which no container runs; false: there is none. */
static bool drop_learning(struct watch_drift *d)
{
	struct learning *oldest = NULL;

	for (struct learning *l = d->learnings; l; l = l->next) {
		const struct box *b = d->boxes;

		while (b && b->learning != l)
			b = b->next;
		if (l->model && !b)
			oldest = l; /* new ones come first */
	}
	if (oldest)
		free_learning(d, oldest);
	return oldest;
}

struct learning *watch_drift_learning_of(struct watch_drift *d, const struct container *c)
{
	const char *key = c->image_id ? c->image_id : c->image ? c->image : c->id;
	struct learning *l = d->learnings;
	struct utsname u;
	struct workload *w;

	while (l && strcmp(l->key, key))
		l = l->next;
	if (l)
		return l;
	if (d->learnings_n >= LEARNINGS_MAX && !drop_learning(d))
		return say_full(d, "256 images are being learned: containers of others are "
				   "not compared"),
		       NULL;
	d->learnings_n++;
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
		watch_drift_tell_box(d, b, b->space[i]);
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

void watch_drift_count_run(struct learning *l)
{
	if (!l->model)
		l->w.sources[l->source].runs++;
}

/* About; paths of files are not in the arena. */
static size_t size_of(const struct workload *w)
{
	return w->arena.used + w->files_n * FILE_BYTES;
}

/* Learned once: the kernel need not tell it again. */
void watch_drift_learn(struct watch_drift *d, struct box *b, const struct process *p,
		       const struct observation *o, unsigned watch_abi)
{
	struct learning *l = b->learning;
	size_t before = size_of(&l->w);

	if (d->learned_bytes >= LEARN_BYTES) {
		wl_loss_add(&l->w, l->source, "behavior", 1);
		say_full(d, "what is being learned takes more than 64 MiB: models are incomplete");
		return;
	}
	baseline_learn(&l->w, l->source, p ? p->program->exepath : NULL, o);
	before = size_of(&l->w) - before;
	l->bytes += before;
	d->learned_bytes += before;
	for (unsigned i = 0; i < b->spaces; i++) {
		if (o->kind == OBS_CALL && o->nr < WATCH_NRS)
			b->known[watch_abi].known[o->nr / 64] |= UINT64_C(1) << (o->nr % 64);
		else if (o->kind == OBS_CAPABILITY)
			b->known[0].caps |= UINT64_C(1) << (o->capability & 63);
		else if (o->kind == OBS_ARGUMENTS)
			watch_drift_tell_arguments(d, b->space[i], o->nr, o->value);
		if (o->kind == OBS_CALL || o->kind == OBS_CAPABILITY)
			watch_drift_tell_space(d, b->space[i], watch_abi, &b->known[watch_abi]);
	}
}

void watch_drift_end_learnings(struct watch_drift *d)
{
	while (d->learnings) {
		if (!d->learnings->model)
			finish(d, d->learnings, "watching ended before learning did");
		free_learning(d, d->learnings);
	}
}
