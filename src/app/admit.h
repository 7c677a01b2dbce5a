/* What the files of the command admit share. */
#ifndef APP_ADMIT_H
#define APP_ADMIT_H

#include <pthread.h>

#include "app/command.h"
#include "http/http.h"
#include "inspect/admit.h"

/* admit_namespaces.c: labels of namespaces, for several threads. */
struct admit_namespaces;
struct admit_namespaces *admit_namespaces_new(void);
void admit_namespaces_free(struct admit_namespaces *t);
/* NULL labels: the namespace is gone. */
void admit_namespaces_set(struct admit_namespaces *t, const char *ns,
			  const struct ps_entries *labels);
/* Between the two every namespace is set again; what was not is gone. */
void admit_namespaces_begin(struct admit_namespaces *t);
void admit_namespaces_end(struct admit_namespaces *t);
/* 0, or -ENOENT. */
int admit_namespaces_find(struct admit_namespaces *t, const char *ns, struct arena *a,
			  struct ps_entries *out);
/* Namespace objects, also in lists: YAML or JSON. */
int admit_namespaces_load(struct admit_namespaces *t, const char *path, struct err *e);
int admit_namespaces_parse(struct admit_namespaces *t, const char *name, const char *text,
			   size_t len, struct err *e);

/* admit_metrics.c: what happened, for Prometheus. Any thread. */
enum { ADMIT_BUCKETS = 12 };
struct admit_counts {
	uint64_t reviews[2][11][ADM_RESULT_COUNT]; /* by hook, resource (below), result */
	uint64_t evaluations[ADM_MODE_COUNT][3][2];
	uint64_t findings, warnings, additions;
	uint64_t answers[6]; /* HTTP, by hundreds */
	uint64_t buckets[ADMIT_BUCKETS], sum_us;
	uint64_t config_reloads, config_failures;
};
void admit_count(struct admit_counts *n, enum adm_hook hook, const struct adm_answer *a,
		 uint64_t us);
void admit_render(const struct admit_counts *n, struct http *http, struct buf *out);

/* admit_seals.c: profiles of the cluster's SealProfile objects, by image. */
struct kube_watch_event;
struct admit_seals;
struct admit_seals *admit_seals_new(void);
void admit_seals_free(struct admit_seals *t);
/* An event of their watch; always of the same thread. */
void admit_seals_event(const struct kube_watch_event *ev, void *seals);
/* Whether they are known, or cannot be: no such kind, no permission. True for NULL. */
bool admit_seals_ready(const struct admit_seals *t);
/* The list of now, which stays as it is until it is released. NULL: nothing is known; any thread.
 */
struct admit_seal_list;
struct admit_seal_list *admit_seals_hold(struct admit_seals *t);
void admit_seals_release(struct admit_seals *t, struct admit_seal_list *l);
const struct adm_seals *admit_seals_of(const struct admit_seal_list *l);

/* A webhook. */
struct admit {
	pthread_rwlock_t lock; /* of `config` */
	struct adm_config *config;
	struct admit_namespaces *namespaces;
	bool lenient; /* namespaces that nobody heard of have no labels */
	struct adm_cluster cluster;
	struct admit_cluster *source; /* of `from: cluster`, or NULL */
	struct admit_seals *seals;    /* NULL: not read */
	struct http *http, *plain;
	struct admit_counts counts;
	bool leaving;
};

void admit_init(struct admit *a, struct adm_config *config);
void admit_free(struct admit *a);

/* admit_cluster.c: namespaces as the configuration wants them; before the first request. */
int admit_watch(struct admit *a, const struct args *args, struct err *e);
void admit_unwatch(struct admit *a);
/* Whether the namespaces are known, and the seals when they are read. */
bool admit_synced(struct admit *a);

/* admit_serve.c: until SIGTERM or SIGINT; SIGHUP and a change of the file load it again. */
int admit_serve(struct admit *a, const struct args *args, struct err *e);
/* cmd_admit.c: the configuration with what the command line says. */
int admit_configure(const struct args *args, struct adm_config **out, struct err *e);

/* admit_models.c: profiles from a folder of workload models, added to the configuration. */
int admit_models(struct adm_config *c, const char *folder, struct err *e);

/* admit_certs.c: --make-certs. */
int admit_make_certs(const struct args *args, struct err *e);
/* admit_review.c: --review. */
int admit_review_file(const struct args *args, struct err *e);

#endif
