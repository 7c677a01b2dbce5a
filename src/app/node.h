/* The parts of `boltseal node`: where profiles come from, what is done with them, who is told. */
#ifndef APP_NODE_H
#define APP_NODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "app/metrics.h"
#include "base/json.h"
#include "kube/kube.h"
#include "node/files.h"
#include "node/set.h"
#include "node/used.h"

#define NODE_API "boltseal.dev/v1alpha1"
#define SPO_API	 "security-profiles-operator.x-k8s.io/"

/* In the order in which they win. */
enum node_source {
	NODE_FOLDER,
	NODE_SEALS,
	NODE_CONFIGMAPS,
	NODE_SPO_SECCOMP,
	NODE_SPO_APPARMOR,
	NODE_SPO_SELINUX,
	NODE_SOURCE_COUNT
};

struct node_options {
	const char *folder;	/* of profiles, or NULL */
	const char *configmaps; /* label selector, or NULL */
	const char *ns;		/* of the ConfigMaps, NULL: the context's */
	bool seals;
	const char *spo; /* API version "v1", or NULL */
	bool cluster;
	const char *kubeconfig, *context, *account, *name, *taint;
	const char *subfolder; /* of the kubelet's seccomp folder; prefix of localhostProfile */
	char *dir;	       /* where seccomp profiles go */
	char *apparmor_dir, *selinux_dir;
	const char *docker, *docker_profile;
	int refuse;	    /* findings of lint from this severity on refuse a profile */
	const char *engine; /* who reads seccomp profiles, as lint calls it; NULL: any */
	uint64_t grace_s, interval_s, timeout_s;
	bool once, dry, json;
};

struct node_agent;

struct node_watch {
	struct node_agent *agent;
	enum node_source source;
	struct kube_watch *watch; /* NULL: not used */
	bool absent;		  /* the cluster has no such kind, and had none since the start */
};

/* A file that nobody wants any more. */
struct node_old {
	char *name;
	time_t since;
	bool seen;
};

struct node_numbers {
	uint64_t profiles[NODE_KIND_COUNT][NODE_STATE_COUNT];
	uint64_t passes, written, repaired, removed, publish_failures;
	time_t last_pass;
	bool synced, api_lost;
};

struct node_agent {
	struct node_options o;
	struct node_set set;
	struct node_used used;
	struct node_guard *guard;
	struct kube *kube; /* NULL: without Kubernetes */
	struct node_watch watches[NODE_SOURCE_COUNT];
	struct kube_watch *node_watch, *pod_watch;
	/* The Node as it is; NULL: not seen yet. */
	struct json_object *labels, *taints;
	char *uid;
	struct node_old *old;
	size_t old_n, old_cap;
	char *status;		   /* what was written last, or NULL */
	bool status_missing;	   /* the API has no such kind */
	bool status_owned;	   /* the object is there and goes with this Node */
	bool status_seen;	   /* in the list that is read */
	bool dirty;		   /* something changed */
	bool published;		   /* the API has all of it */
	unsigned publish_failures; /* one after the other */
	uint64_t retry_ms;	   /* CLOCK_MONOTONIC: not published before */
	int docker;		   /* what became of Docker's file: as node_docker_set(), or -1 */
	char docker_error[NODE_MESSAGE_MAX];
	struct buf repaired; /* names, since the last report */
	struct metrics *metrics;
	pthread_mutex_t lock; /* of `shown` */
	struct node_numbers numbers, shown;
};

/*
 * node_check.c: judges a seccomp profile: lint, compile, prove. Sets the state when it is refused.
 * `note` (NODE_MESSAGE_MAX) gets what is worth saying of a good one.
 */
bool node_check_seccomp(const struct node_options *o, struct node_profile *p, char *note);

/* node_sources.c */
void node_scan_folder(struct node_agent *a);
/* An object of the API; events of watches of sources. */
void node_source_event(const struct kube_watch_event *ev, void *watch);
/* Whether every source was read whole once. */
bool node_sources_synced(const struct node_agent *a);

/* node_install.c */
void node_install_all(struct node_agent *a);
/* Removes what nobody uses any more. */
void node_clean(struct node_agent *a);
/* Whether the version of the profile is on the disk, whole. */
bool node_has_version(const struct node_agent *a, const char *name, const char *hash);
/* The profile of its name that counts; others have lost against it. */
bool node_is_winner(const struct node_agent *a, const struct node_profile *p);

/* node_cluster.c */
int node_cluster_open(struct node_agent *a, struct err *e);
/* All profiles are judged, and what is good is there. */
bool node_in_sync(const struct node_agent *a);

/* node_publish.c: labels, taint, status, events. False: try again later. */
bool node_publish(struct node_agent *a);

/* node_report.c */
struct json_object *node_profile_json(const struct node_agent *a, const struct node_profile *p);
void node_report(struct node_agent *a);	 /* all, on standard output */
void node_changes(struct node_agent *a); /* what changed since the last time */
int node_exit_code(const struct node_agent *a);

/* node_metrics.c */
int node_metrics_open(struct node_agent *a, const char *spec, struct err *e);
void node_metrics_show(struct node_agent *a);

#endif
