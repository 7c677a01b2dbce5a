#ifndef APP_DELIVERY_PRIVATE_H
#define APP_DELIVERY_PRIVATE_H

#include <pthread.h>

#include "app/delivery.h"
#include "app/metrics.h"
#include "base/map.h"
#include "model/finding_dedup.h"
#include "out/metrics.h"
#include "out/sink.h"

enum { DELIVERY_SINKS = 16, QUEUE_MAX = 16384 };

/* Findings that wait for the thread; repeats among them are one. */
struct delivery_queue {
	struct finding **f;
	size_t n, cap;
	struct map ids; /* of f, index + 1 */
};

struct delivery_sink {
	struct sink *sink;
	uint64_t handed, marked; /* sequence number of the store */
	uint64_t dropped;	 /* without store */
	bool stuck;		 /* said so */
};

struct delivery_rule {
	struct delivery_rule *next;
	char *name, *priority;
	uint64_t events;
};

struct delivery {
	struct delivery_options o;
	char *spool;
	struct store *store;
	struct finding_dedup *dedup;
	struct delivery_sink sinks[DELIVERY_SINKS];
	size_t sinks_n;
	struct metrics *metrics[DELIVERY_SINKS];
	size_t metrics_n;

	uint64_t boot, clock_since; /* CLOCK_BOOTTIME: the clock runs unset; of the thread */

	pthread_t thread;
	bool started, ended;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake, room;
	bool stop;
	struct delivery_queue queue;
	uint64_t waiting,
		in_hand; /* CLOCK_REALTIME: the first of the queue, of what is stored now */
	uint64_t new_findings, repeats, stored, store_failures, deleted, unstored;
	struct delivery_sensor sensor;
	uint64_t begun; /* seconds since 1970 */
	uint64_t reloads, reload_failures;
	bool reload_failed;   /* the last one */
	uint64_t sensor_told; /* CLOCK_MONOTONIC; 0: not yet */
	bool store_failing;
	struct delivery_rule *rules; /* in the order of their first finding */
	struct map rule_of;
};

/* delivery_metrics.c */
void delivery_count(struct delivery *f, const struct finding *finding, bool is_new);
void delivery_render(struct buf *out, void *delivery);
void delivery_free_counts(struct delivery *f);

#endif
