/* The webhook's server: routes, health, and what happens while it runs. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/admit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { TICK_MS = 500, RELOAD_TICKS = 4, PER_IP_SHARE = 2, DRAIN_MORE_S = 10, MAX_TIMEOUT_S = 60 };

/* ---- what is known of the cluster */

static int labels_of(void *ctx, const char *ns, struct arena *arena, struct ps_entries *out,
		     struct err *e)
{
	struct admit *a = ctx;
	int r = admit_namespaces_find(a->namespaces, ns, arena, out);

	if (r == -ENOENT && a->lenient)
		return 0;
	return r < 0 ? err_set(e, -r, "namespace \"%s\" not found", ns) : 0;
}

void admit_init(struct admit *a, struct adm_config *config)
{
	*a = (struct admit){ .config = config };
	pthread_rwlock_init(&a->lock, NULL);
	a->namespaces = admit_namespaces_new();
	a->cluster = (struct adm_cluster){ .labels = labels_of, .ctx = a };
}

void admit_free(struct admit *a)
{
	http_stop(a->http);
	http_stop(a->plain);
	admit_unwatch(a);
	admit_seals_free(a->seals);
	admit_namespaces_free(a->namespaces);
	adm_config_free(a->config);
	free(a->config);
	pthread_rwlock_destroy(&a->lock);
}

/* ---- requests */

/* Go's durations, as the API server writes them: "5s", "1m30s", "500ms". 0: none. */
static unsigned timeout_of(const char *text)
{
	double sum = 0;

	while (text && *text) {
		char *end;
		double n = strtod(text, &end);

		if (end == text || !(n >= 0) || n > 1e6)
			return 0;
		if (!strncmp(end, "ms", 2)) {
			sum += n / 1000;
			text = end + 2;
		} else if (*end == 's' || *end == 'm' || *end == 'h') {
			sum += n * (*end == 's' ? 1 : *end == 'm' ? 60 : 3600);
			text = end + 1;
		} else {
			return 0;
		}
	}
	return sum > MAX_TIMEOUT_S ? MAX_TIMEOUT_S : sum > 0 && sum < 1 ? 1 : (unsigned)sum;
}

static bool is_json(const char *type)
{
	size_t n = strcspn(type, "; ");

	return n == strlen("application/json") && !strncasecmp(type, "application/json", n);
}

static void review(struct admit *a, enum adm_hook hook, const struct http_request *q,
		   struct http_reply *r)
{
	cleanup_adm_answer struct adm_answer answer = { 0 };
	struct adm_cluster cluster = a->cluster;
	struct admit_seal_list *seals;
	uint64_t start = clock_us(CLOCK_MONOTONIC);

	if (a->config->server.client_ca && !q->client_verified) {
		r->status = 403;
		buf_puts(&r->body, "a client certificate is needed\n");
		return;
	}
	if (!is_json(q->type)) {
		r->status = 400;
		buf_puts(&r->body, "expected the content type application/json\n");
		return;
	}
	seals = hook == ADM_MUTATE ? admit_seals_hold(a->seals) : NULL;
	pthread_rwlock_rdlock(&a->lock);
	if (a->config->mutate.seals)
		cluster.seals = admit_seals_of(seals);
	adm_review(a->config, &cluster, hook, q->body, q->len, timeout_of(http_query(q, "timeout")),
		   &answer);
	pthread_rwlock_unlock(&a->lock);
	admit_seals_release(a->seals, seals);
	r->status = answer.status;
	r->type = answer.status == 200 ? "application/json" : NULL;
	r->body = answer.body;
	answer.body = (struct buf){ 0 };
	admit_count(&a->counts, hook, &answer, clock_us(CLOCK_MONOTONIC) - start);
}

static void validate(struct admit *a, const struct http_request *q, struct http_reply *r)
{
	review(a, ADM_VALIDATE, q, r);
}

static void mutate(struct admit *a, const struct http_request *q, struct http_reply *r)
{
	review(a, ADM_MUTATE, q, r);
}

static void health(struct admit *a, const struct http_request *q, struct http_reply *r)
{
	(void)a, (void)q;
	buf_puts(&r->body, "ok\n");
}

static void ready(struct admit *a, const struct http_request *q, struct http_reply *r)
{
	const char *why = __atomic_load_n(&a->leaving, __ATOMIC_RELAXED) ? "it is leaving" : NULL;

	(void)q;
	if (!why && !admit_synced(a))
		why = "the cluster is not known yet";
	r->status = why ? 503 : 200;
	buf_printf(&r->body, "%s\n", why ? why : "ok");
}

static void metrics(struct admit *a, const struct http_request *q, struct http_reply *r)
{
	(void)q;
	r->type = "text/plain; version=0.0.4; charset=utf-8";
	admit_render(&a->counts, a->http, &r->body);
}

static const struct route {
	const char *method, *path;
	void (*run)(struct admit *a, const struct http_request *q, struct http_reply *r);
	bool plain; /* also without TLS */
} routes[] = {
	{ "POST", "/validate", validate, false }, { "POST", "/mutate", mutate, false },
	{ "GET", "/healthz", health, true },	  { "GET", "/livez", health, true },
	{ "GET", "/readyz", ready, true },	  { "GET", "/metrics", metrics, true },
};

static void route(struct admit *a, const struct http_request *q, struct http_reply *r, bool plain)
{
	const struct route *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (!strcmp(routes[i].path, q->path) && (routes[i].plain || !plain))
			found = &routes[i];
	if (!found) {
		r->status = 404;
		buf_puts(&r->body, "there is nothing here\n");
	} else if (strcmp(found->method, q->method) != 0 &&
		   !(*found->method == 'G' && !strcmp(q->method, "HEAD"))) {
		r->status = 405;
		r->allow = found->method;
		buf_printf(&r->body, "expected %s\n", found->method);
	} else {
		found->run(a, q, r);
	}
	__atomic_fetch_add(&a->counts.answers[(r->status ? r->status : 200) / 100 % 6], 1,
			   __ATOMIC_RELAXED);
}

static void handle(const struct http_request *q, struct http_reply *r, void *ctx)
{
	route(ctx, q, r, false);
}

static void handle_plain(const struct http_request *q, struct http_reply *r, void *ctx)
{
	route(ctx, q, r, true);
}

static void note(void *ctx, bool bad, const char *text)
{
	(void)ctx;
	if (bad)
		log_warn("%s; the one before stays in use", text);
	else
		log_note("%s", text);
}

/* ---- configuration */

/* Where to listen and whom to ask are not changed while it runs. */
static void reload(struct admit *a, const struct args *args)
{
	struct adm_config *fresh = NULL, *old;
	struct err e = { 0 };

	if (admit_configure(args, &fresh, &e) < 0) {
		__atomic_fetch_add(&a->counts.config_failures, 1, __ATOMIC_RELAXED);
		log_warn("%s; the configuration before stays in use", e.msg);
		return;
	}
	if (fresh->source == ADM_FROM_FILE &&
	    admit_namespaces_load(a->namespaces, fresh->namespaces, &e) < 0)
		log_warn("%s", e.msg);
	pthread_rwlock_wrlock(&a->lock);
	old = a->config;
	a->config = fresh;
	pthread_rwlock_unlock(&a->lock);
	adm_config_free(old);
	free(old);
	__atomic_fetch_add(&a->counts.config_reloads, 1, __ATOMIC_RELAXED);
	log_note("the configuration was read again");
}

static bool changed(const char *path, struct stat *seen)
{
	struct stat now;
	bool other;

	if (!path || stat(path, &now) < 0)
		return false;
	other = now.st_ino != seen->st_ino || now.st_size != seen->st_size ||
		now.st_mtim.tv_sec != seen->st_mtim.tv_sec ||
		now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec;
	*seen = now;
	return other;
}

/* ---- running */

static int start(struct admit *a, struct err *e)
{
	const struct adm_server *s = &a->config->server;
	struct http_options o = { .address = s->listen,
				  .certificate = s->certificate,
				  .key = s->key,
				  .client_ca = s->client_ca,
				  .max_body = ADM_MAX_BODY,
				  .threads = s->threads ? (unsigned)s->threads : 1,
				  .connections = (unsigned)s->connections,
				  .per_ip = (unsigned)s->connections / PER_IP_SHARE,
				  .idle_s = 90,
				  .note = note,
				  .handle = handle,
				  .ctx = a };
	struct http_options plain = { .address = s->metrics,
				      .max_body = 1,
				      .connections = 16,
				      .note = note,
				      .handle = handle_plain,
				      .ctx = a };
	int r;

	if (!s->certificate || !s->key)
		return err_set(
			e, EINVAL,
			"a certificate and its key are needed (--certificate, --key, or in the "
			"configuration; --make-certs makes some)");
	r = http_start(&a->http, &o, e);
	if (r == 0 && s->metrics)
		r = http_start(&a->plain, &plain, e);
	return r;
}

static void wait_for_end(struct admit *a, const struct args *args, const sigset_t *signals)
{
	struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
	const char *path = args_value(args, "config");
	struct stat seen = { 0 };

	changed(path, &seen);
	for (unsigned n = 1;; n++) {
		int sig = sigtimedwait(signals, NULL, &tick);

		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGHUP || (n % RELOAD_TICKS == 0 && changed(path, &seen)))
			reload(a, args);
	}
}

/* First it says that it leaves, so that clients go elsewhere; a second signal hurries. */
static void leave(struct admit *a, const sigset_t *signals)
{
	struct timespec grace = { .tv_sec = (time_t)a->config->server.drain_s };

	__atomic_store_n(&a->leaving, true, __ATOMIC_RELAXED);
	http_leave(a->http);
	log_note("leaving");
	if (grace.tv_sec)
		sigtimedwait(signals, NULL, &grace);
	http_drain(a->http, DRAIN_MORE_S);
}

int admit_serve(struct admit *a, const struct args *args, struct err *e)
{
	sigset_t signals, before;
	int r;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	/* Threads inherit it: signals are for the wait below. */
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	r = admit_watch(a, args, e);
	if (r == 0)
		r = start(a, e);
	if (r == 0) {
		log_note("listening at port %u", http_port(a->http));
		if (a->plain)
			log_note("health and metrics at port %u", http_port(a->plain));
		wait_for_end(a, args, &signals);
		leave(a, &signals);
	}
	return r;
}
