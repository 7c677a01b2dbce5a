#include "app/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/delivery_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plural.h"

#define SPOOL_DEFAULT "/var/lib/boltseal/spool"

enum {
	DEDUP_ENTRIES = 65536,
	TICK_MS = 1000, /* without findings: retention, metrics, sinks that were stuck */
	PRUNE_TICKS = 60,
	HAND_OVER = 256, /* findings in one step */
	RETRY_MIN_MS = 50,
	RETRY_MAX_MS = 2000,
	END_STORE_MS = 10000, /* at the end, for the store and for each sink */
	END_SINK_MS = 3000,
};

/* The sensor is heard of every second; after this time something hangs. */
#define QUIET_NS      UINT64_C(15000000000)
/* Nothing is deleted by its age before the clock has run for so long without being set ... */
#define CLOCK_HOLD_NS UINT64_C(3600000000000)
/* ... by more than this within PRUNE_TICKS. */
#define CLOCK_SET_NS  UINT64_C(10000000000)

/* ---- the store */

static void notice(struct delivery *f, char **told)
{
	const char *text = store_notice(f->store);

	if (!text || (*told && !strcmp(*told, text)))
		return;
	free(*told);
	*told = xstrdup(text);
	log_warn("%s", text);
}

static bool stopping(struct delivery *f)
{
	bool stop;

	pthread_mutex_lock(&f->lock);
	stop = f->stop;
	pthread_mutex_unlock(&f->lock);
	return stop;
}

static void count_failure(struct delivery *f)
{
	pthread_mutex_lock(&f->lock);
	f->store_failures++;
	f->store_failing = true;
	pthread_mutex_unlock(&f->lock);
}

/* Until it is on the disk; at the end of watching, not longer than END_STORE_MS. */
static bool store_batch(struct delivery *f, struct finding *const *batch, size_t n)
{
	uint64_t deadline = 0;
	unsigned ms = RETRY_MIN_MS;
	bool failing = false;
	struct err e = { 0 };

	while (store_put(f->store, batch, n, &e) < 0) {
		count_failure(f);
		if (!failing)
			log_warn("%s; %zu finding%s", e.msg, n, n == 1 ? " waits" : "s wait");
		failing = true;
		if (stopping(f) && !deadline)
			deadline = clock_ns(CLOCK_MONOTONIC) + END_STORE_MS * UINT64_C(1000000);
		if (deadline && clock_ns(CLOCK_MONOTONIC) > deadline)
			return false;
		nanosleep(&(struct timespec){ .tv_sec = ms / 1000,
					      .tv_nsec = (long)(ms % 1000) * 1000000 },
			  NULL);
		ms = ms * 2 < RETRY_MAX_MS ? ms * 2 : RETRY_MAX_MS;
	}
	if (failing)
		log_note("findings are stored again");
	return true;
}

static void keep(struct delivery *f, const struct delivery_queue *batch)
{
	bool stored = store_batch(f, batch->f, batch->n);

	pthread_mutex_lock(&f->lock);
	f->store_failing = !stored;
	f->in_hand = 0;
	*(stored ? &f->stored : &f->unstored) += batch->n;
	pthread_mutex_unlock(&f->lock);
	if (!stored)
		log_warn("%zu finding%s could not be stored", batch->n, plural(batch->n));
}

/*
 * By which findings are old, 0 while nobody knows: a clock that is set to the wrong year must not
 * empty the store, and one that is wrong at the start of the machine is set a little later.
 */
static uint64_t trusted_time(struct delivery *f)
{
	uint64_t now = clock_ns(CLOCK_REALTIME), up = clock_ns(CLOCK_BOOTTIME), boot = now - up;
	uint64_t jump = boot > f->boot ? boot - f->boot : f->boot - boot;

	if (!f->clock_since || jump > CLOCK_SET_NS)
		f->clock_since = up;
	f->boot = boot;
	return up - f->clock_since < CLOCK_HOLD_NS ? 0 : now;
}

static void prune(struct delivery *f)
{
	uint64_t deleted = 0;
	struct err e = { 0 };

	if (store_prune(f->store, trusted_time(f), &deleted, &e) < 0)
		log_warn("%s", e.msg);
	pthread_mutex_lock(&f->lock);
	f->deleted += deleted;
	pthread_mutex_unlock(&f->lock);
}

/* ---- sinks */

/* Says once that a sink takes nothing. */
static void stuck(struct delivery_sink *s, const struct err *e)
{
	if (!s->stuck)
		log_warn("%s", e->msg);
	s->stuck = true;
}

struct handing {
	struct delivery_sink *sink;
	size_t n;
};

static int hand_one(const struct finding *finding, uint64_t seq, void *ctx, struct err *e)
{
	struct handing *h = ctx;
	/* In the spool since a run that was killed before the store knew of it. */
	bool there = sink_had(h->sink->sink, finding->id);
	int err = there ? 0 : sink_add(h->sink->sink, finding, e);

	if (err < 0)
		return err;
	h->sink->handed = seq;
	h->n++;
	return 0;
}

/*
 * The store knows how far a sink is when the sink's spool is on the disk, and the sink delivers
 * what the store knows of, so the end of the process makes it get nothing again. While either fails
 * the sink goes on, and only the end in that time does.
 */
static int mark(struct delivery *f, struct delivery_sink *s, struct err *e)
{
	int err = s->handed == s->marked ? 0 : sink_sync(s->sink, e);

	if (err == 0 && s->handed != s->marked)
		err = store_set_handed(f->store, sink_name(s->sink), s->handed, e);
	if (err == 0)
		s->marked = s->handed;
	sink_release(s->sink);
	return err;
}

/* What the store has and the sink has not. */
static void hand_over(struct delivery *f, struct delivery_sink *s)
{
	struct handing h = { .sink = s };
	struct err e = { 0 };
	int err, marked;

	do {
		struct store_filter filter = { .by_seq = true,
					       .after = s->handed,
					       .limit = HAND_OVER };

		h.n = 0;
		err = store_query(f->store, &filter, hand_one, &h, &e);
		marked = mark(f, s, err < 0 ? NULL : &e);
	} while (err == 0 && marked == 0 && h.n == HAND_OVER);
	if (err < 0 || marked < 0)
		stuck(s, &e);
	else
		s->stuck = false;
}

/* Without a store: new ones only, and what does not fit is gone. */
static void add_directly(struct delivery *f, struct delivery_sink *s,
			 const struct delivery_queue *batch)
{
	struct err e = { 0 };
	uint64_t dropped = 0;

	for (size_t i = 0; i < batch->n; i++) {
		if (!batch->f[i]->is_new)
			continue;
		if (sink_add(s->sink, batch->f[i], &e) < 0) {
			stuck(s, &e);
			dropped++;
		} else {
			s->stuck = false;
		}
	}
	if (sink_sync(s->sink, &e) < 0)
		stuck(s, &e);
	sink_release(s->sink);
	pthread_mutex_lock(&f->lock);
	s->dropped += dropped;
	pthread_mutex_unlock(&f->lock);
}

/* ---- the thread */

static void queue_free(struct delivery_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		finding_free(q->f[i]);
	free(q->f);
	map_free(&q->ids);
	*q = (struct delivery_queue){ 0 };
}

/* Waits for findings, a second at most; false when it is over and nothing waits. */
static bool take(struct delivery *f, struct delivery_queue *batch)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + TICK_MS * UINT64_C(1000000);
	struct timespec t = { .tv_sec = (time_t)(until / 1000000000u),
			      .tv_nsec = (long)(until % 1000000000u) };
	bool more;

	pthread_mutex_lock(&f->lock);
	while (!f->queue.n && !f->stop && !pthread_cond_timedwait(&f->wake, &f->lock, &t))
		;
	*batch = f->queue;
	f->in_hand = f->waiting;
	f->waiting = 0;
	f->queue = (struct delivery_queue){ 0 };
	more = batch->n || !f->stop;
	pthread_cond_broadcast(&f->room);
	pthread_mutex_unlock(&f->lock);
	return more;
}

static void tick(struct delivery *f, unsigned n)
{
	struct err e = { 0 };

	if (f->store && n % PRUNE_TICKS == 0)
		prune(f);
	for (size_t i = 0; i < f->metrics_n; i++)
		if (metrics_write(f->metrics[i], &e) < 0 && n % PRUNE_TICKS == 0)
			log_warn("%s", e.msg);
}

static void *run(void *arg)
{
	cleanup_free char *told = NULL;
	uint64_t next = 0;
	struct delivery *f = arg;
	struct delivery_queue batch;
	unsigned ticks = 0;

	while (take(f, &batch)) {
		if (batch.n && f->store)
			keep(f, &batch);
		for (size_t i = 0; i < f->sinks_n; i++) {
			if (f->store)
				hand_over(f, &f->sinks[i]);
			else if (batch.n)
				add_directly(f, &f->sinks[i], &batch);
		}
		queue_free(&batch);
		if (f->store)
			notice(f, &told);
		if (clock_ns(CLOCK_MONOTONIC) >= next) {
			tick(f, ticks++);
			next = clock_ns(CLOCK_MONOTONIC) + TICK_MS * UINT64_C(1000000);
		}
	}
	return NULL;
}

void delivery_add(struct delivery *f, struct finding *finding)
{
	bool is_new = finding_dedup_add(f->dedup, finding);
	void **at;

	finding->is_new = is_new;
	pthread_mutex_lock(&f->lock);
	delivery_count(f, finding, is_new);
	at = map_find(&f->queue.ids, finding->id, FINDING_ID);
	if (at) {
		struct finding *first = f->queue.f[(uintptr_t)*at - 1];

		first->count += finding->count;
		if (first->last_seen < finding->last_seen)
			first->last_seen = finding->last_seen;
		pthread_mutex_unlock(&f->lock);
		finding_free(finding);
		return;
	}
	while (f->queue.n >= QUEUE_MAX)
		pthread_cond_wait(&f->room, &f->lock);
	if (!f->queue.n)
		f->waiting = finding->last_seen;
	*vec_push(f->queue.f, f->queue.n, f->queue.cap) = finding;
	*map_at(&f->queue.ids, finding->id, FINDING_ID) = (void *)(uintptr_t)f->queue.n;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

/* ---- begin and end */

static int know(const struct finding *finding, uint64_t seq, void *ctx, struct err *e)
{
	struct delivery *f = ctx;

	(void)seq;
	(void)e;
	finding_dedup_known(f->dedup, finding);
	return 0;
}

static int open_store(struct delivery *f, struct err *e)
{
	uint64_t now = clock_ns(CLOCK_REALTIME);
	struct store_filter recent = { .since = now - f->o.window_ns, .limit = DEDUP_ENTRIES };
	int err;

	if (!f->o.store)
		return 0;
	err = store_open(&f->store, f->o.store, &f->o.limits, e);
	return err < 0 ? err : store_query(f->store, &recent, know, f, e);
}

int delivery_new(struct delivery **out, const struct delivery_options *o, struct err *e)
{
	struct delivery *f = xcalloc(1, sizeof(*f));
	pthread_condattr_t attr;
	int err;

	f->o = *o;
	f->begun = (uint64_t)time(NULL);
	f->spool = o->spool   ? xstrdup(o->spool)
		   : o->store ? xasprintf("%s.spool", o->store)
			      : xstrdup(SPOOL_DEFAULT);
	f->dedup = finding_dedup_new(o->window_ns, DEDUP_ENTRIES, o->distinct);
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->wake, &attr);
	pthread_cond_init(&f->room, &attr);
	pthread_condattr_destroy(&attr);
	err = open_store(f, e);
	if (err < 0) {
		delivery_free(f);
		return err;
	}
	*out = f;
	return 0;
}

static void on_note(const char *text, void *ctx)
{
	(void)ctx;
	log_note("%s", text);
}

/* A sink that the store does not know begins with what comes now. */
static int begin_at(struct delivery *f, struct delivery_sink *s, struct err *e)
{
	struct err unknown;
	int err = store_get_handed(f->store, sink_name(s->sink), &s->handed, &unknown);

	if (err < 0 && err != -ENOENT)
		*e = unknown;
	s->marked = s->handed;
	if (err != -ENOENT)
		return err;
	err = store_last(f->store, &s->handed, e);
	s->marked = UINT64_MAX; /* also when the store is empty: it is to know the sink */
	return err < 0 ? err : mark(f, s, e);
}

static bool say_health(bool ready, struct buf *out, void *delivery)
{
	struct delivery *f = delivery;
	const char *why = NULL;

	pthread_mutex_lock(&f->lock);
	if (f->sensor_told && clock_ns(CLOCK_MONOTONIC) - f->sensor_told > QUIET_NS)
		why = "watching stands still";
	else if (ready && !f->sensor_told)
		why = "watching has not begun";
	else if (ready && f->store_failing)
		why = "findings cannot be stored";
	pthread_mutex_unlock(&f->lock);
	buf_printf(out, "%s\n", why ? why : "ok");
	return !why;
}

int delivery_add_sink(struct delivery *f, const char *spec, struct err *e)
{
	struct sink_options o = { .spool_dir = f->spool, .note = on_note };
	struct delivery_sink *s = &f->sinks[f->sinks_n];
	int err;

	if (f->sinks_n == DELIVERY_SINKS || f->metrics_n == DELIVERY_SINKS)
		return err_set(e, EINVAL, "more than %d sinks", DELIVERY_SINKS);
	if (metrics_is_spec(spec)) {
		err = metrics_new(&f->metrics[f->metrics_n], spec, delivery_render, f, e);
		if (err == 0)
			metrics_set_health(f->metrics[f->metrics_n++], say_health);
		return err;
	}
	err = sink_is_spec(spec) ? io_make_folder(f->spool, 0700, e) : 0;
	if (err == 0)
		err = sink_new(&s->sink, spec, &o, e);
	if (err < 0)
		return err;
	pthread_mutex_lock(&f->lock); /* metrics may be asked for already */
	f->sinks_n++;
	pthread_mutex_unlock(&f->lock);
	return f->store ? begin_at(f, s, e) : 0;
}

int delivery_start(struct delivery *f, struct err *e)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&f->thread, NULL, run, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return err_errno(e, err, "no thread");
	f->started = true;
	return 0;
}

void delivery_set_sensor(struct delivery *f, const struct delivery_sensor *s)
{
	pthread_mutex_lock(&f->lock);
	f->sensor = *s;
	f->sensor_told = clock_ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&f->lock);
}

void delivery_count_reload(struct delivery *f, bool failed)
{
	pthread_mutex_lock(&f->lock);
	f->reloads++;
	f->reload_failures += failed;
	f->reload_failed = failed;
	pthread_mutex_unlock(&f->lock);
}

uint64_t delivery_waiting(struct delivery *f)
{
	uint64_t since;

	pthread_mutex_lock(&f->lock);
	since = f->in_hand ? f->in_hand : f->waiting;
	pthread_mutex_unlock(&f->lock);
	return since;
}

static bool end_sink(struct delivery_sink *s)
{
	struct sink_stats n;

	sink_wait(s->sink, END_SINK_MS);
	sink_get_stats(s->sink, &n);
	if (n.spool.waiting)
		log_note("%s: %" PRIu64 " finding%s for the next run", sink_name(s->sink),
			 n.spool.waiting, n.spool.waiting == 1 ? " waits" : "s wait");
	if (s->dropped)
		log_warn("%s: %" PRIu64 " finding%s found no room in the spool", sink_name(s->sink),
			 s->dropped, plural(s->dropped));
	return s->dropped;
}

bool delivery_end(struct delivery *f)
{
	bool lost = false;

	if (!f->started || f->ended)
		return false;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	f->ended = true;
	for (size_t i = 0; i < f->sinks_n; i++)
		lost |= end_sink(&f->sinks[i]);
	for (size_t i = 0; i < f->metrics_n; i++)
		metrics_write(f->metrics[i], NULL);
	log_note("%" PRIu64 " finding%s, repeated %" PRIu64 " time%s", f->new_findings,
		 plural(f->new_findings), f->repeats, plural(f->repeats));
	return lost || f->unstored;
}

void delivery_free(struct delivery *f)
{
	if (!f)
		return;
	delivery_end(f);
	for (size_t i = 0; i < f->metrics_n; i++)
		metrics_free(f->metrics[i]);
	for (size_t i = 0; i < f->sinks_n; i++)
		sink_free(f->sinks[i].sink);
	store_close(f->store);
	finding_dedup_free(f->dedup);
	queue_free(&f->queue);
	delivery_free_counts(f);
	pthread_cond_destroy(&f->wake);
	pthread_cond_destroy(&f->room);
	pthread_mutex_destroy(&f->lock);
	free(f->spool);
	free(f);
}
