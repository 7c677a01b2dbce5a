/*
 * Watches, as https://kubernetes.io/docs/reference/using-api/api-concepts/ describes them. Each is
 * a machine of three states that curl's multi interface drives: waiting (for its time), listing (a
 * page), watching.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "kube/kube_private.h"

enum {
	ERROR_BODY_MAX = 64 * 1024,
	LIST_TIMEOUTS = 3,
	SPARE_S = 30,
	GOOD_MS = 1000,
	FORGET_MS = 10000
};

enum state { WAITING, LISTING, WATCHING };

struct kube_watch {
	struct kube_watch *next;
	struct kube *k;
	struct kube_query q; /* strings in `arena` */
	struct arena arena;
	kube_watch_each each;
	void *ctx;
	enum state state;
	CURL *easy;
	struct transfer t;
	struct kube_call call;
	char *query;
	struct kube_stream stream;
	struct buf item, refused;
	char version[KUBE_VERSION_MAX]; /* "": list first */
	char *from;			/* token of the next page, NULL: the first */
	uint64_t due, begun;		/* ms, CLOCK_MONOTONIC */
	uint64_t forgotten;		/* when a version was last */
	unsigned failures;		/* one after the other */
	bool gone;			/* the server has forgotten the version */
	bool relisting;			/* KUBE_RELIST was told of the list that is read */
	bool refresh;			/* the credential is to be got anew */
	bool bad;			/* the answer cannot be read: `why` */
	struct err why;
	struct kube_watch_stats stats;
};

static uint64_t random_below(uint64_t n)
{
	uint64_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = clock_ms(CLOCK_MONOTONIC);
	return n ? r % n : 0;
}

static void tell(struct kube_watch *w, enum kube_watch_kind kind, const char *text, size_t len)
{
	struct kube_watch_event ev = { .kind = kind, .text = text, .len = len };

	if (kind == KUBE_LOST)
		ev.why = w->why.msg, ev.code = w->why.code;
	w->each(&ev, w->ctx);
}

static void pause_ms(struct kube_watch *w, uint64_t ms)
{
	w->state = WAITING;
	w->due = clock_ms(CLOCK_MONOTONIC) + ms;
}

/* Half of a growing pause is certain, the other half by chance: clients do not return together. */
static void failed(struct kube_watch *w)
{
	unsigned shift = w->failures < 16 ? w->failures : 16;
	uint64_t ms = (uint64_t)w->k->o.retry_min_ms << shift;

	if (ms > w->k->o.retry_max_ms)
		ms = w->k->o.retry_max_ms;
	w->failures++;
	w->stats.failures++;
	if (!w->stats.lost) {
		w->stats.lost = true;
		tell(w, KUBE_LOST, NULL, 0);
	}
	pause_ms(w, ms / 2 + random_below(ms / 2 + 1));
}

/* The server answers: with the first page of a list, when nothing came before. */
static void reached(struct kube_watch *w)
{
	w->refresh = false;
	if (w->stats.lost) {
		w->stats.lost = false;
		tell(w, KUBE_BACK, NULL, 0);
	}
	if (w->state == LISTING && !w->from && !w->relisting) {
		w->relisting = true;
		tell(w, KUBE_RELIST, NULL, 0);
	}
}

/* ---- what comes */

static void put_object(struct kube_watch *w, enum kube_watch_kind kind, const char *text,
		       size_t len)
{
	w->item.len = 0;
	kube_add_kind(&w->q, text, len, &w->item);
	tell(w, kind, w->item.p, w->item.len);
}

static int on_item(const char *text, size_t len, void *ctx, struct err *e)
{
	(void)e;
	put_object(ctx, KUBE_PUT, text, len);
	return 0;
}

static int on_error_event(struct kube_watch *w, const char *status, size_t len, struct err *e)
{
	const char *code;
	size_t n;
	long http = 0;

	if (kube_member(status, len, "code", &code, &n))
		http = strtol(code, NULL, 10);
	w->gone |= http == 410;
	return kube_status_error(&w->call, http, status, len, e);
}

static int on_event(const char *text, size_t len, void *ctx, struct err *e)
{
	struct kube_watch *w = ctx;
	char type[16], version[KUBE_VERSION_MAX];
	const char *object;
	size_t n;

	if (!kube_member_str(text, len, "type", type, sizeof(type)) ||
	    !kube_member(text, len, "object", &object, &n) || *object != '{')
		return err_set(e, EPROTO, "an event without type or object");
	if (!strcmp(type, "ERROR"))
		return on_error_event(w, object, n, e);
	if (!kube_object_version(object, n, version, sizeof(version)))
		return err_set(e, EPROTO, "an object without resourceVersion");
	if (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED"))
		put_object(w, KUBE_PUT, object, n);
	else if (!strcmp(type, "DELETED"))
		put_object(w, KUBE_GONE, object, n);
	memcpy(w->version, version, sizeof(version));
	w->failures = 0;
	return 0;
}

static size_t take(char *data, size_t one, size_t n, void *arg)
{
	struct kube_watch *w = arg;
	long http = 0;

	(void)one;
	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &http);
	if (http != 200) {
		buf_append(&w->refused, data, n);
		return n;
	}
	w->bad = kube_stream_feed(&w->stream, data, n, &w->why) < 0;
	return w->bad ? 0 : n;
}

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
	struct kube_watch *w = arg;
	long http = 0;

	(void)data, (void)one;
	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &http);
	if (http == 200)
		reached(w);
	return n;
}

/* ---- beginning */

static void start(struct kube_watch *w, const char *extra, unsigned timeout_ms)
{
	free(w->query);
	w->query = kube_query_text(&w->q, extra);
	w->call = (struct kube_call){ .method = "GET", .path = w->q.path, .query = w->query };
	w->begun = clock_ms(CLOCK_MONOTONIC);
	w->gone = w->bad = false;
	w->refused.len = 0;
	w->refused.max = ERROR_BODY_MAX;
	kube_stream_reset(&w->stream);
	if (kube_prepare(w->k, w->easy, &w->t, &w->call, w->refresh, &w->why) < 0) {
		failed(w);
		return;
	}
	curl_easy_setopt(w->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(w->easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(w->easy, CURLOPT_WRITEDATA, w);
	curl_easy_setopt(w->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(w->easy, CURLOPT_HEADERDATA, w);
	curl_easy_setopt(w->easy, CURLOPT_PRIVATE, w);
	curl_multi_add_handle(w->k->multi, w->easy);
}

static void start_list(struct kube_watch *w)
{
	cleanup_buf struct buf extra = { 0 };

	w->state = LISTING;
	w->stream.mode = KUBE_STREAM_ITEMS;
	w->stream.object = on_item;
	if (w->q.cached)
		buf_puts(&extra, "resourceVersion=0");
	else
		buf_printf(&extra, "limit=%d", KUBE_CHUNK);
	if (w->from) {
		char *escaped = curl_easy_escape(NULL, w->from, 0);

		buf_printf(&extra, "&continue=%s", escaped ? escaped : "");
		curl_free(escaped);
	} else {
		w->relisting = false;
	}
	start(w, buf_str(&extra), w->k->o.timeout_ms * LIST_TIMEOUTS);
}

static void start_watch(struct kube_watch *w)
{
	unsigned s = w->k->o.watch_seconds + (unsigned)random_below(w->k->o.watch_seconds);
	cleanup_free char *extra = xasprintf(
		"watch=true&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%u",
		w->version, s);

	w->state = WATCHING;
	w->stream.mode = KUBE_STREAM_OBJECTS;
	w->stream.object = on_event;
	start(w, extra, (s + SPARE_S) * 1000);
}

static void start_again(struct kube_watch *w)
{
	if (*w->version)
		start_watch(w);
	else
		start_list(w);
}

/* ---- ends */

/* The list begins anew, after the pause of a failure unless this is the first one. */
static void forget(struct kube_watch *w)
{
	*w->version = '\0';
	free(w->from);
	w->from = NULL;
}

static void listed(struct kube_watch *w)
{
	const struct buf *rest = &w->stream.rest;
	const char *meta, *v;
	size_t n, vn;

	free(w->from);
	w->from = NULL;
	if (kube_member(buf_str(rest), rest->len, "metadata", &meta, &n) &&
	    kube_member(meta, n, "continue", &v, &vn) && vn > 2 && *v == '"') {
		w->from = xasprintf("%.*s", (int)vn - 2, v + 1);
	} else if (kube_object_version(buf_str(rest), rest->len, w->version, sizeof(w->version))) {
		w->stats.synced = true;
		tell(w, KUBE_SYNCED, NULL, 0);
	} else {
		err_set(&w->why, EPROTO, "GET %s: a list without resourceVersion", w->q.path);
		failed(w);
		return;
	}
	pause_ms(w, 0);
}

/* A watch that the server ended as agreed is asked again; one that ends at once is a failure. */
static void watched(struct kube_watch *w)
{
	if (clock_ms(CLOCK_MONOTONIC) - w->begun >= GOOD_MS) {
		pause_ms(w, 0);
		return;
	}
	err_set(&w->why, EPROTO, "GET %s: the watch ended at once", w->q.path);
	failed(w);
}

static void ended(struct kube_watch *w, CURLcode code)
{
	long http = 0;

	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &http);
	curl_multi_remove_handle(w->k->multi, w->easy);
	if (w->state == WATCHING && clock_ms(CLOCK_MONOTONIC) - w->begun >= GOOD_MS)
		w->failures = 0;
	if (http && http != 200) {
		kube_status_error(&w->call, http, w->refused.p, w->refused.len, &w->why);
		w->gone = http == 410;
		w->refresh = http == 401;
	} else if (w->bad) {
		err_prefix(&w->why, "watch %s", w->q.path);
	} else if (code == CURLE_OK && kube_stream_end(&w->stream, &w->why) == 0) {
		w->state == LISTING ? listed(w) : watched(w);
		return;
	} else if (code != CURLE_OK) {
		kube_transfer_error(&w->call, code, &w->t, &w->why);
	}
	if (w->gone || w->bad || w->state == LISTING)
		forget(w);
	/* A forgotten version is no fault of the server, unless it forgets all the time. */
	if (w->gone && clock_ms(CLOCK_MONOTONIC) - w->forgotten >= FORGET_MS) {
		w->forgotten = clock_ms(CLOCK_MONOTONIC);
		pause_ms(w, 0);
		return;
	}
	failed(w);
}

/* ---- the watches of a client */

struct kube_watch *kube_watch_new(struct kube *k, const struct kube_query *q, kube_watch_each each,
				  void *ctx)
{
	struct kube_watch *w = xcalloc(1, sizeof(*w));
	const char **strings[] = { &w->q.path, &w->q.labels, &w->q.fields, &w->q.api_version,
				   &w->q.kind };

	w->q = *q;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		if (*strings[i])
			*strings[i] = arena_strdup(&w->arena, *strings[i]);
	w->k = k;
	w->each = each;
	w->ctx = ctx;
	w->stream.ctx = w;
	w->easy = curl_easy_init();
	if (!w->easy)
		mem_exhausted();
	w->next = k->watches;
	k->watches = w;
	return w;
}

void kube_watch_end(struct kube_watch *w)
{
	struct kube_watch **p = &w->k->watches;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	if (w->state != WAITING)
		curl_multi_remove_handle(w->k->multi, w->easy);
	curl_easy_cleanup(w->easy);
	transfer_free(&w->t);
	kube_stream_free(&w->stream);
	buf_free(&w->item);
	buf_free(&w->refused);
	arena_free(&w->arena);
	free(w->query);
	free(w->from);
	free(w);
}

void kube_watch_get_stats(const struct kube_watch *w, struct kube_watch_stats *out)
{
	*out = w->stats;
}

/* Begins what is due; the time until the next, at most `ms`. */
static int begin_due(struct kube *k, int ms)
{
	uint64_t now = clock_ms(CLOCK_MONOTONIC);

	for (struct kube_watch *w = k->watches; w; w = w->next) {
		if (w->state == WAITING && w->due <= now)
			start_again(w);
		if (w->state == WAITING)
			ms = w->due <= now		   ? 0
			     : w->due - now < (uint64_t)ms ? (int)(w->due - now)
							   : ms;
	}
	return ms;
}

static void reap(struct kube *k)
{
	struct kube_watch *w;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(k->multi, &left))) {
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &w);
		ended(w, code);
	}
}

int kube_poll(struct kube *k, int ms, int fd, struct err *e)
{
	struct curl_waitfd wait = { .fd = fd, .events = CURL_WAIT_POLLIN };
	int running;
	CURLMcode code;

	ms = begin_due(k, ms);
	code = curl_multi_perform(k->multi, &running);
	if (code == CURLM_OK)
		code = curl_multi_poll(k->multi, &wait, fd >= 0, ms, NULL);
	if (code == CURLM_OK)
		code = curl_multi_perform(k->multi, &running);
	if (code != CURLM_OK)
		return err_set(e, EIO, "%s", curl_multi_strerror(code));
	reap(k);
	return fd >= 0 && (wait.revents & CURL_WAIT_POLLIN);
}
