#include "out/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "out/sink_extras.h"
#include "out/sink_private.h"

enum { RETRY_MIN_MS = 500, RETRY_MAX_MS = 60000, TIMEOUT_MS = 10000, RETRY_AFTER_MAX_S = 3600 };
#define SPOOL_MAX (UINT64_C(64) << 20)

static const struct sink_kind *const kinds[] = { &sink_file, &sink_syslog, &sink_http,
						 &sink_https };

struct sink {
	const struct sink_kind *kind;
	void *state;
	char *name;
	struct sink_options o;
	struct sink_target target;
	struct spool *spool;
	struct map had; /* ids of what waited in the spool at first */

	pthread_t thread;
	bool started;
	atomic_bool stop;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool added;
	struct sink_stats stats;
	bool failing;
	uint64_t random;
	uint64_t retry_after_s; /* what the receiver said with the last failure */
};

static const struct sink_kind *kind_of(const char *spec)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strncmp(spec, kinds[i]->prefix, strlen(kinds[i]->prefix)))
			return kinds[i];
	return NULL;
}

bool sink_is_spec(const char *spec)
{
	return kind_of(spec) != NULL;
}

/*
 * What a sink is called, and known by in the store and the spool over restarts:
 * "http://user:secret@host/#full&ca=/x" as "http://host/#full".
 */
static char *public_name(const char *spec, const struct sink_kind *kind)
{
	cleanup_free char *whole = kind == &sink_file ? xstrdup(spec) : sink_extras_identity(spec);
	const char *slashes = strstr(whole, "://"), *host = slashes ? slashes + 3 : NULL;
	size_t len = host ? strcspn(host, "/?#") : 0;
	const char *at = host ? memrchr(host, '@', len) : NULL;

	if (!at || kind == &sink_file)
		return take_ptr(whole);
	return xasprintf("%.*s%s", (int)(host - whole), whole, at + 1);
}

static char *spool_name(const char *dir, const char *name, const struct sink_kind *kind)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_HEX];

	sha256(name, strlen(name), digest);
	sha256_hex(digest, hex);
	return xasprintf("%s/%.*s-%.16s.spool", dir, (int)strcspn(kind->prefix, ":"), kind->prefix,
			 hex);
}

/* ---- the thread */

static void note(struct sink *s, const char *text)
{
	if (s->o.note)
		s->o.note(text, s->o.ctx);
}

/* Waits so long, or until the end; false at the end. */
static bool pause_ms(struct sink *s, uint64_t ms)
{
	struct timespec until = clock_after(CLOCK_MONOTONIC, ms);
	int err = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->stop && err == 0)
		err = pthread_cond_timedwait(&s->wake, &s->lock, &until);
	pthread_mutex_unlock(&s->lock);
	return !s->stop;
}

/* Between half and all of the pause, so that many senders do not come together. */
static uint64_t jitter(struct sink *s, uint64_t ms)
{
	s->random = s->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return ms / 2 + (s->random >> 33) % (ms / 2 + 1);
}

static void failed(struct sink *s, const struct err *e)
{
	struct spool_stats waiting;

	pthread_mutex_lock(&s->lock);
	s->stats.failures++;
	pthread_mutex_unlock(&s->lock);
	if (s->failing)
		return;
	s->failing = true;
	spool_get_stats(s->spool, &waiting);
	cleanup_free char *text = xasprintf("%s: %s; findings wait (%" PRIu64 " now)", s->name,
					    e->msg, waiting.waiting);

	note(s, text);
}

static void worked(struct sink *s, int result)
{
	pthread_mutex_lock(&s->lock);
	if (result == SINK_REFUSED)
		s->stats.refused++;
	else
		s->stats.delivered++;
	pthread_mutex_unlock(&s->lock);
	if (!s->failing)
		return;
	s->failing = false;
	cleanup_free char *text = xasprintf("%s: delivers again", s->name);

	note(s, text);
}

/* One text of the spool. A text that is no finding is refused: it will never be one. */
static int deliver(struct sink *s, const struct buf *json, struct err *e)
{
	cleanup_finding struct finding *f = NULL;

	if (finding_read(&f, s->name, buf_str(json), json->len, e) < 0)
		return SINK_REFUSED;
	return s->kind->deliver(s->state, f, json, e);
}

/* The next pause: what has grown so far, or what the receiver asked for. */
static uint64_t pause_of(struct sink *s, uint64_t ms)
{
	uint64_t asked = s->retry_after_s < RETRY_AFTER_MAX_S ? s->retry_after_s * 1000
							      : RETRY_AFTER_MAX_S * 1000;

	ms = jitter(s, ms);
	return asked > ms ? asked : ms;
}

/* Until the end, or until it is delivered. */
static bool deliver_at_last(struct sink *s, const struct buf *json)
{
	uint64_t ms = s->o.retry_min_ms;

	for (;;) {
		struct err e = { 0 };
		int result;

		s->retry_after_s = 0;
		result = deliver(s, json, &e);

		if (result >= 0) {
			worked(s, result);
			if (result == SINK_REFUSED && *e.msg)
				note(s, e.msg);
			return true;
		}
		if (s->stop)
			return false;
		failed(s, &e);
		if (!pause_ms(s, pause_of(s, ms)))
			return false;
		ms = ms * 2 < s->o.retry_max_ms ? ms * 2 : s->o.retry_max_ms;
	}
}

static void wait_for_more(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->stop && !s->added)
		pthread_cond_wait(&s->wake, &s->lock);
	s->added = false;
	pthread_mutex_unlock(&s->lock);
}

static void *run(void *arg)
{
	cleanup_buf struct buf json = { 0 };
	struct sink *s = arg;

	while (!s->stop) {
		struct err e = { 0 };
		int found = spool_next(s->spool, &json, &e);

		if (found == 0) {
			wait_for_more(s);
		} else if (found < 0) {
			failed(s, &e);
			pause_ms(s, s->o.retry_max_ms);
		} else if (deliver_at_last(s, &json) && spool_done(s->spool, &e) < 0) {
			failed(s, &e);
		}
	}
	return NULL;
}

/* Signals are for the thread that watches. */
static int start(struct sink *s, struct err *e)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return err_errno(e, err, "%s: no thread", s->name);
	s->started = true;
	return 0;
}

/* ---- for the others */

static void init(struct sink *s, const struct sink_options *o)
{
	pthread_condattr_t attr;

	s->o = *o;
	s->o.spool_max = o->spool_max ? o->spool_max : SPOOL_MAX;
	s->o.retry_min_ms = o->retry_min_ms ? o->retry_min_ms : RETRY_MIN_MS;
	s->o.retry_max_ms = o->retry_max_ms ? o->retry_max_ms : RETRY_MAX_MS;
	s->target.timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
	s->target.stop = &s->stop;
	s->target.retry_after_s = &s->retry_after_s;
	s->random = (uint64_t)time(NULL) ^ (uintptr_t)s;
	s->added = true;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
}

/* There may be very many, of which few are asked for: the id is taken as finding_write() has it. */
static void note_id(const char *text, size_t len, void *sink)
{
	static const char key[] = "\"id\":\"";
	const char *at = memmem(text, len, key, strlen(key));
	struct sink *s = sink;

	if (at && (size_t)(text + len - at) >= strlen(key) + FINDING_ID)
		*map_at(&s->had, at + strlen(key), FINDING_ID) = s;
}

int sink_new(struct sink **out, const char *spec, const struct sink_options *o, struct err *e)
{
	const struct sink_kind *kind = kind_of(spec);
	cleanup_free char *path = NULL;
	struct sink *s;
	int err;

	if (!kind)
		return err_set(
			e, EINVAL,
			"'%s': expected file:PATH, syslog:[PATH|udp://HOST|tcp://HOST|tls://HOST], "
			"http://…, https://… or metrics:[ADDRESS:]PORT",
			spec);
	s = xcalloc(1, sizeof(*s));
	init(s, o);
	s->kind = kind;
	s->name = public_name(spec, kind);
	err = kind->open(&s->state, spec, &s->target, e);
	if (err == 0) {
		path = spool_name(o->spool_dir, s->name, kind);
		err = spool_open(&s->spool, path, s->o.spool_max, note_id, s, e);
	}
	if (err == 0)
		err = start(s, e);
	if (err < 0) {
		sink_free(s);
		return err;
	}
	*out = s;
	return 0;
}

void sink_wait(struct sink *s, unsigned ms)
{
	for (unsigned waited = 0; waited < ms; waited += 10) {
		struct spool_stats now;

		spool_get_stats(s->spool, &now);
		if (!now.waiting)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	if (s->started) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_broadcast(&s->wake);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	if (s->state)
		s->kind->free(s->state);
	spool_close(s->spool);
	map_free(&s->had);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->name);
	free(s);
}

const char *sink_name(const struct sink *s)
{
	return s->name;
}

int sink_add(struct sink *s, const struct finding *f, struct err *e)
{
	cleanup_buf struct buf json = { 0 };
	int err;

	finding_write(f, &json);
	err = spool_append(s->spool, buf_str(&json), json.len, e);
	return err < 0 ? err_prefix(e, "%s", s->name) : 0;
}

int sink_sync(struct sink *s, struct err *e)
{
	return spool_sync(s->spool, e);
}

void sink_release(struct sink *s)
{
	spool_release(s->spool);
	pthread_mutex_lock(&s->lock);
	s->added = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

bool sink_had(struct sink *s, const char *id)
{
	if (s->had.n && strlen(id) == FINDING_ID && map_find(&s->had, id, FINDING_ID))
		return true;
	map_free(&s->had);
	return false;
}

void sink_get_stats(struct sink *s, struct sink_stats *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->stats;
	pthread_mutex_unlock(&s->lock);
	spool_get_stats(s->spool, &out->spool);
}
