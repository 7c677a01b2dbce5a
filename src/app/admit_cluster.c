/* Where a webhook knows namespaces, pods and seals from: a file, the cluster, or reviews. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/admit.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/kube.h"

enum { POLL_MS = 1000, CALL_MS = 1500 };

struct admit_cluster {
	struct admit *admit;
	struct kube *watch; /* of the thread */
	pthread_t thread;
	bool running, stop, synced;
	pthread_mutex_t lock; /* of `calls` */
	struct kube *calls;
};

/* ---- keeping up */

static void put(struct admit_cluster *c, const struct kube_watch_event *ev)
{
	struct err e = { 0 };

	if (admit_namespaces_parse(c->admit->namespaces, "namespace", ev->text, ev->len, &e) < 0)
		log_warn("a namespace of the cluster: %s", e.msg);
}

static void gone(struct admit_cluster *c, const struct kube_watch_event *ev)
{
	cleanup_json_doc struct json_doc d = { 0 };
	struct json_object *meta = NULL;
	const char *name = NULL;

	if (json_parse(&d, "namespace", ev->text, ev->len, NULL) == 0 &&
	    json_get_object(&d, NULL, d.root, "metadata", true, &meta, NULL) == 0 &&
	    json_get_str(&d, NULL, meta, "name", true, &name, NULL) == 0)
		admit_namespaces_set(c->admit->namespaces, name, NULL);
}

static void on_event(const struct kube_watch_event *ev, void *ctx)
{
	struct admit_cluster *c = ctx;

	switch (ev->kind) {
	case KUBE_RELIST:
		admit_namespaces_begin(c->admit->namespaces);
		break;
	case KUBE_PUT:
		put(c, ev);
		break;
	case KUBE_GONE:
		gone(c, ev);
		break;
	case KUBE_SYNCED:
		admit_namespaces_end(c->admit->namespaces);
		__atomic_store_n(&c->synced, true, __ATOMIC_RELEASE);
		break;
	case KUBE_LOST:
		log_warn("namespaces: %s; what is known of them stays", ev->why);
		break;
	case KUBE_BACK:
		log_note("namespaces: the API server answers again");
		break;
	}
}

static void *keep_up(void *ctx)
{
	static const struct kube_query q = { .path = "/api/v1/namespaces",
					     .api_version = "v1",
					     .kind = "Namespace",
					     .cached = true };
	static const struct kube_query seals = { .path = "/apis/boltseal.dev/v1alpha1/sealprofiles",
						 .api_version = "boltseal.dev/v1alpha1",
						 .kind = "SealProfile" };
	struct admit_cluster *c = ctx;

	kube_watch_new(c->watch, &q, on_event, c);
	if (c->admit->seals)
		kube_watch_new(c->watch, &seals, admit_seals_event, c->admit->seals);
	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		struct err e = { 0 };

		if (kube_poll(c->watch, POLL_MS, -1, &e) < 0)
			log_warn("namespaces: %s", e.msg);
	}
	return NULL;
}

/* ---- asking */

/* A namespace that was made a moment ago may not have come by yet. */
static int ask_namespace(struct admit_cluster *c, const char *ns, struct err *e)
{
	cleanup_free char *path = kube_path("v1", "namespaces", NULL, ns, NULL);
	const struct kube_call call = { .method = "GET", .path = path };
	cleanup_buf struct buf reply = { 0 };
	int r;

	pthread_mutex_lock(&c->lock);
	r = kube_call(c->calls, &call, &reply, e);
	pthread_mutex_unlock(&c->lock);
	if (r < 0)
		return r;
	return admit_namespaces_parse(c->admit->namespaces, ns, buf_str(&reply), reply.len, e);
}

static int labels_of(void *ctx, const char *ns, struct arena *arena, struct ps_entries *out,
		     struct err *e)
{
	struct admit_cluster *c = ctx;
	int r = admit_namespaces_find(c->admit->namespaces, ns, arena, out);

	if (r == -ENOENT) {
		r = ask_namespace(c, ns, e);
		if (r == 0)
			r = admit_namespaces_find(c->admit->namespaces, ns, arena, out);
	}
	return r;
}

static int pods_of(void *ctx, const char *ns, unsigned limit, unsigned ms, struct buf *out,
		   struct err *e)
{
	struct admit_cluster *c = ctx;
	cleanup_free char *path = kube_path("v1", "pods", ns, NULL, NULL);
	cleanup_free char *query = xasprintf("limit=%u&timeoutSeconds=%u", limit, ms / 1000 + 1);
	const struct kube_call call = { .method = "GET", .path = path, .query = query };
	int r;

	pthread_mutex_lock(&c->lock);
	r = kube_call(c->calls, &call, out, e);
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* ---- start and end */

static struct kube *connect_to(const struct args *args, const struct kube_options *o, struct err *e)
{
	cleanup_kube_config struct kube_config config = { 0 };

	if (kube_config_load(&config, args_value(args, "kubeconfig"), args_value(args, "context"),
			     e) < 0)
		return NULL;
	return kube_new(&config, o);
}

static int start(struct admit *a, const struct args *args, struct err *e)
{
	static const struct kube_options brief = { .manager = "boltseal-admit",
						   .timeout_ms = CALL_MS };
	static const struct kube_options patient = { .manager = "boltseal-admit" };
	struct admit_cluster *c = xcalloc(1, sizeof(*c));

	a->source = c;
	a->seals = a->config->mutate.seals ? admit_seals_new() : NULL;
	c->admit = a;
	pthread_mutex_init(&c->lock, NULL);
	c->watch = connect_to(args, &patient, e);
	c->calls = c->watch ? connect_to(args, &brief, e) : NULL;
	if (!c->calls)
		return err_prefix(e, "the cluster's namespaces (or --namespaces FILE)");
	a->cluster = (struct adm_cluster){ .labels = labels_of, .pods = pods_of, .ctx = c };
	errno = pthread_create(&c->thread, NULL, keep_up, c);
	if (errno)
		return err_errno(e, errno, "cannot start a thread");
	c->running = true;
	return 0;
}

void admit_unwatch(struct admit *a)
{
	struct admit_cluster *c = take_ptr(a->source);

	if (!c)
		return;
	if (c->running) {
		__atomic_store_n(&c->stop, true, __ATOMIC_RELEASE);
		kube_wake(c->watch);
		pthread_join(c->thread, NULL);
	}
	kube_free(c->watch);
	kube_free(c->calls);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void saw(void *ctx, const char *ns, const struct ps_entries *labels)
{
	struct admit *a = ctx;

	admit_namespaces_set(a->namespaces, ns, labels);
}

int admit_watch(struct admit *a, const struct args *args, struct err *e)
{
	switch (a->config->source) {
	case ADM_FROM_FILE:
		return admit_namespaces_load(a->namespaces, a->config->namespaces, e);
	case ADM_FROM_REQUESTS:
		/* What reviews of namespaces show; the others have no labels. */
		a->lenient = true;
		a->cluster.saw = saw;
		return 0;
	case ADM_FROM_CLUSTER:
		break;
	}
	return start(a, args, e);
}

bool admit_synced(struct admit *a)
{
	return !a->source || (__atomic_load_n(&a->source->synced, __ATOMIC_ACQUIRE) &&
			      admit_seals_ready(a->seals));
}
